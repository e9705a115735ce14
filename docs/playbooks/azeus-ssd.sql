-- The SSD tables and columns that csc-bridge reads, for Oracle 12.2 or later, by analogy with D2I's scripts for the other systems.
-- There is no script of D2I's for Azeus: which of Azeus's tables fills which column is yours to find out.
--
-- Names are written without quotes, so Oracle keeps them in upper case. DATE has a time of day, which does no harm. On 12.1 the five names of
-- more than 30 characters must be shorter: give yours in [source.names].

CREATE TABLE ssd_person (
    pers_person_id        VARCHAR2(48 CHAR) PRIMARY KEY,
    pers_legacy_id        VARCHAR2(48 CHAR),
    pers_upn              VARCHAR2(13 CHAR),
    pers_upn_unknown      VARCHAR2(6 CHAR),
    pers_forename         VARCHAR2(100 CHAR),
    pers_surname          VARCHAR2(255 CHAR),
    pers_sex              VARCHAR2(20 CHAR),
    pers_ethnicity        VARCHAR2(48 CHAR),
    pers_dob              DATE,
    pers_expected_dob     DATE,
    pers_single_unique_id VARCHAR2(48 CHAR)
);

CREATE TABLE ssd_linked_identifiers (
    link_person_id        VARCHAR2(48 CHAR),
    link_identifier_type  VARCHAR2(100 CHAR),
    link_identifier_value VARCHAR2(100 CHAR),
    link_valid_from_date  DATE
);

CREATE TABLE ssd_address (
    addr_person_id          VARCHAR2(48 CHAR),
    addr_address_postcode   VARCHAR2(15 CHAR),
    addr_address_start_date DATE
);

CREATE TABLE ssd_disability (
    disa_person_id       VARCHAR2(48 CHAR),
    disa_disability_code VARCHAR2(48 CHAR)
);

CREATE TABLE ssd_immigration_status (
    immi_person_id                     VARCHAR2(48 CHAR),
    immi_immigration_status            VARCHAR2(100 CHAR),
    immi_immigration_status_start_date DATE,
    immi_immigration_status_end_date   DATE
);

CREATE TABLE ssd_sdq_scores (
    csdq_person_id          VARCHAR2(48 CHAR),
    csdq_sdq_completed_date DATE,
    csdq_sdq_score          NUMBER(10)
);

CREATE TABLE ssd_cin_episodes (
    cine_referral_id          VARCHAR2(48 CHAR) PRIMARY KEY,
    cine_person_id            VARCHAR2(48 CHAR),
    cine_referral_date        DATE,
    cine_referral_source_code VARCHAR2(48 CHAR),
    cine_close_date           DATE,
    cine_close_reason         VARCHAR2(100 CHAR),
    cine_referral_nfa         CHAR(1 CHAR)
);

CREATE TABLE ssd_cin_assessments (
    cina_assessment_id         VARCHAR2(48 CHAR),
    cina_referral_id           VARCHAR2(48 CHAR),
    cina_assessment_start_date DATE,
    cina_assessment_auth_date  DATE
);

CREATE TABLE ssd_assessment_factors (
    cinf_assessment_id           VARCHAR2(48 CHAR),
    cinf_assessment_factors_json CLOB
);

CREATE TABLE ssd_cin_plans (
    cinp_cin_plan_id         VARCHAR2(48 CHAR),
    cinp_referral_id         VARCHAR2(48 CHAR),
    cinp_person_id           VARCHAR2(48 CHAR),
    cinp_cin_plan_start_date DATE,
    cinp_cin_plan_end_date   DATE
);

CREATE TABLE ssd_s47_enquiry (
    s47e_s47_enquiry_id   VARCHAR2(48 CHAR),
    s47e_referral_id      VARCHAR2(48 CHAR),
    s47e_s47_start_date   DATE,
    s47e_s47_end_date     DATE,
    s47e_s47_outcome_json VARCHAR2(1000 CHAR)
);

CREATE TABLE ssd_initial_cp_conference (
    icpc_s47_enquiry_id VARCHAR2(48 CHAR),
    icpc_icpc_date      DATE
);

CREATE TABLE ssd_cp_plans (
    cppl_cp_plan_id         VARCHAR2(48 CHAR),
    cppl_referral_id        VARCHAR2(48 CHAR),
    cppl_person_id          VARCHAR2(48 CHAR),
    cppl_cp_plan_start_date DATE,
    cppl_cp_plan_end_date   DATE
);

CREATE TABLE ssd_cla_episodes (
    clae_person_id                 VARCHAR2(48 CHAR),
    clae_cla_id                    VARCHAR2(48 CHAR),
    clae_referral_id               VARCHAR2(48 CHAR),
    clae_cla_placement_id          VARCHAR2(48 CHAR),
    clae_cla_episode_id            VARCHAR2(48 CHAR),
    clae_cla_episode_start_date    DATE,
    clae_cla_episode_ceased_date   DATE,
    clae_cla_episode_start_reason  VARCHAR2(100 CHAR),
    clae_cla_episode_ceased_reason VARCHAR2(255 CHAR)
);

CREATE TABLE ssd_cla_placement (
    clap_cla_placement_id            VARCHAR2(48 CHAR),
    clap_cla_id                      VARCHAR2(48 CHAR),
    clap_cla_placement_start_date    DATE,
    clap_cla_placement_end_date      DATE,
    clap_cla_placement_type          VARCHAR2(100 CHAR),
    clap_cla_placement_postcode      VARCHAR2(8 CHAR),
    clap_cla_placement_change_reason VARCHAR2(100 CHAR)
);

CREATE TABLE ssd_permanence (
    perm_person_id                VARCHAR2(48 CHAR),
    perm_cla_id                   VARCHAR2(48 CHAR),
    perm_adm_decision_date        DATE,
    perm_matched_date             DATE,
    perm_placed_for_adoption_date DATE
);

CREATE TABLE ssd_care_leavers (
    clea_person_id                  VARCHAR2(48 CHAR),
    clea_care_leaver_latest_contact DATE,
    clea_care_leaver_activity       VARCHAR2(100 CHAR),
    clea_care_leaver_accommodation  VARCHAR2(100 CHAR)
);

CREATE TABLE ssd_involvements (
    invo_referral_id            VARCHAR2(48 CHAR),
    invo_professional_id        VARCHAR2(48 CHAR),
    invo_professional_role_id   VARCHAR2(200 CHAR),
    invo_involvement_start_date DATE,
    invo_involvement_end_date   DATE
);

CREATE TABLE ssd_professionals (
    prof_professional_id               VARCHAR2(48 CHAR),
    prof_staff_id                      VARCHAR2(48 CHAR),
    prof_social_worker_registration_no VARCHAR2(48 CHAR)
);

-- csc-bridge compares ids as trimmed Unicode text, which an index on the column as it stands does not answer: it reads each table whole, a chunk of
-- children at a time. For SSDs of usual size that takes seconds.
