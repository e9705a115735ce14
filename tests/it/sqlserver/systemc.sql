-- The SSD as SystemC's script creates it, as far as it is read (SSD fact sheet, section 3): the script's own types and primary keys.
CREATE TABLE ssd_development.ssd_person (
  pers_person_id NVARCHAR(48) NOT NULL PRIMARY KEY, pers_legacy_id NVARCHAR(48), pers_upn NVARCHAR(13), pers_upn_unknown NVARCHAR(6),
  pers_forename NVARCHAR(100), pers_surname NVARCHAR(255), pers_sex NVARCHAR(20), pers_ethnicity NVARCHAR(48), pers_dob DATETIME,
  pers_expected_dob DATETIME, pers_single_unique_id NVARCHAR(48));
CREATE TABLE ssd_development.ssd_linked_identifiers (
  link_table_id NVARCHAR(48) NOT NULL PRIMARY KEY, link_person_id NVARCHAR(48), link_identifier_type NVARCHAR(100),
  link_identifier_value NVARCHAR(100), link_valid_from_date DATETIME);
CREATE TABLE ssd_development.ssd_address (
  addr_table_id NVARCHAR(48) NOT NULL PRIMARY KEY, addr_person_id NVARCHAR(48), addr_address_postcode NVARCHAR(15),
  addr_address_start_date DATETIME);
CREATE TABLE ssd_development.ssd_disability (
  disa_table_id NVARCHAR(48) NOT NULL PRIMARY KEY, disa_person_id NVARCHAR(48) NOT NULL, disa_disability_code NVARCHAR(48) NOT NULL);
CREATE TABLE ssd_development.ssd_immigration_status (
  immi_immigration_status_id NVARCHAR(48) NOT NULL PRIMARY KEY, immi_person_id NVARCHAR(48), immi_immigration_status NVARCHAR(100),
  immi_immigration_status_start_date DATETIME, immi_immigration_status_end_date DATETIME);
CREATE TABLE ssd_development.ssd_sdq_scores (
  csdq_table_id NVARCHAR(48) NOT NULL PRIMARY KEY, csdq_person_id NVARCHAR(48), csdq_sdq_completed_date DATETIME, csdq_sdq_score INT);
CREATE TABLE ssd_development.ssd_cin_episodes (
  cine_referral_id NVARCHAR(48) NOT NULL PRIMARY KEY, cine_person_id NVARCHAR(48), cine_referral_date DATETIME,
  cine_referral_source_code NVARCHAR(48), cine_close_date DATETIME, cine_close_reason NVARCHAR(100), cine_referral_nfa NCHAR(1));
CREATE TABLE ssd_development.ssd_cin_assessments (
  cina_assessment_id NVARCHAR(48) NOT NULL PRIMARY KEY, cina_referral_id NVARCHAR(48), cina_assessment_start_date DATETIME,
  cina_assessment_auth_date DATETIME);
CREATE TABLE ssd_development.ssd_assessment_factors (
  cinf_table_id NVARCHAR(48) NOT NULL PRIMARY KEY, cinf_assessment_id NVARCHAR(48), cinf_assessment_factors_json NVARCHAR(MAX));
CREATE TABLE ssd_development.ssd_cin_plans (
  cinp_cin_plan_id NVARCHAR(48) NOT NULL PRIMARY KEY, cinp_referral_id NVARCHAR(48), cinp_person_id NVARCHAR(48),
  cinp_cin_plan_start_date DATETIME, cinp_cin_plan_end_date DATETIME);
CREATE TABLE ssd_development.ssd_s47_enquiry (
  s47e_s47_enquiry_id NVARCHAR(48) NOT NULL PRIMARY KEY, s47e_referral_id NVARCHAR(48), s47e_s47_start_date DATETIME,
  s47e_s47_end_date DATETIME, s47e_s47_outcome_json NVARCHAR(1000));
CREATE TABLE ssd_development.ssd_initial_cp_conference (
  icpc_icpc_id NVARCHAR(48) NOT NULL PRIMARY KEY, icpc_s47_enquiry_id NVARCHAR(48), icpc_icpc_date DATETIME);
CREATE TABLE ssd_development.ssd_cp_plans (
  cppl_cp_plan_id NVARCHAR(48) NOT NULL PRIMARY KEY, cppl_referral_id NVARCHAR(48), cppl_person_id NVARCHAR(48),
  cppl_cp_plan_start_date DATETIME, cppl_cp_plan_end_date DATETIME);
CREATE TABLE ssd_development.ssd_cla_episodes (
  clae_cla_episode_id NVARCHAR(48) NOT NULL PRIMARY KEY, clae_person_id NVARCHAR(48), clae_cla_id NVARCHAR(48), clae_referral_id NVARCHAR(48),
  clae_cla_placement_id NVARCHAR(48), clae_cla_episode_start_date DATETIME, clae_cla_episode_ceased_date DATETIME,
  clae_cla_episode_start_reason NVARCHAR(100), clae_cla_episode_ceased_reason NVARCHAR(255));
CREATE TABLE ssd_development.ssd_cla_placement (
  clap_cla_placement_id NVARCHAR(48) NOT NULL PRIMARY KEY, clap_cla_id NVARCHAR(48), clap_person_id NVARCHAR(48),
  clap_cla_placement_start_date DATETIME, clap_cla_placement_end_date DATETIME, clap_cla_placement_type NVARCHAR(100),
  clap_cla_placement_postcode NVARCHAR(8), clap_cla_placement_change_reason NVARCHAR(100));
CREATE TABLE ssd_development.ssd_permanence (
  perm_table_id NVARCHAR(48) NOT NULL PRIMARY KEY, perm_person_id NVARCHAR(48), perm_cla_id NVARCHAR(48), perm_adm_decision_date DATETIME,
  perm_matched_date DATETIME, perm_placed_for_adoption_date DATETIME);
CREATE TABLE ssd_development.ssd_care_leavers (
  clea_table_id NVARCHAR(48) NOT NULL PRIMARY KEY, clea_person_id NVARCHAR(48), clea_care_leaver_latest_contact DATETIME,
  clea_care_leaver_activity NVARCHAR(100), clea_care_leaver_accommodation NVARCHAR(100));
CREATE TABLE ssd_development.ssd_involvements (
  invo_involvements_id NVARCHAR(48) NOT NULL PRIMARY KEY, invo_referral_id NVARCHAR(48), invo_person_id NVARCHAR(48),
  invo_professional_id NVARCHAR(48), invo_professional_role_id NVARCHAR(200), invo_involvement_start_date DATETIME,
  invo_involvement_end_date DATETIME);
CREATE TABLE ssd_development.ssd_professionals (
  prof_professional_id NVARCHAR(48) NOT NULL PRIMARY KEY, prof_staff_id NVARCHAR(48), prof_social_worker_registration_no NVARCHAR(48))
