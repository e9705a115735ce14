-- The SSD as Eclipse's script creates it, as far as it is read (SSD fact sheet, section 3). pers_upn_unknown was widened from six
-- characters: the script's own load fails otherwise (section 4).
CREATE TABLE ssd_person (
  pers_person_id varchar(48) PRIMARY KEY, pers_legacy_id varchar(48), pers_upn varchar(13), pers_upn_unknown varchar(13),
  pers_forename varchar(100), pers_surname varchar(255), pers_sex varchar(20), pers_ethnicity varchar(48), pers_dob timestamp,
  pers_expected_dob timestamp, pers_single_unique_id varchar(48));
CREATE TABLE ssd_linked_identifiers (
  link_person_id varchar(48), link_identifier_type varchar(100), link_identifier_value varchar(100), link_valid_from_date timestamp);
CREATE TABLE ssd_address (addr_person_id varchar(48), addr_address_postcode varchar(15), addr_address_start_date timestamp);
CREATE TABLE ssd_disability (disa_person_id varchar(48), disa_disability_code varchar(48));
CREATE TABLE ssd_immigration_status (
  immi_person_id varchar(48), immi_immigration_status varchar(100), immi_immigration_status_start_date timestamp,
  immi_immigration_status_end_date timestamp);
CREATE TABLE ssd_sdq_scores (csdq_person_id varchar(48), csdq_sdq_completed_date timestamp, csdq_sdq_score integer);
CREATE TABLE ssd_cin_episodes (
  cine_referral_id varchar(48) PRIMARY KEY, cine_person_id varchar(48), cine_referral_date timestamp,
  cine_referral_source_code varchar(48), cine_close_date timestamp, cine_close_reason varchar(100), cine_referral_nfa char(1));
CREATE TABLE ssd_cin_assessments (
  cina_assessment_id varchar(48) PRIMARY KEY, cina_referral_id varchar(48), cina_assessment_start_date timestamp,
  cina_assessment_auth_date timestamp);
CREATE TABLE ssd_assessment_factors (cinf_assessment_id varchar(48), cinf_assessment_factors_json text);
CREATE TABLE ssd_cin_plans (
  cinp_cin_plan_id varchar(48) PRIMARY KEY, cinp_referral_id varchar(48), cinp_person_id varchar(48),
  cinp_cin_plan_start_date timestamp, cinp_cin_plan_end_date timestamp);
CREATE TABLE ssd_s47_enquiry (
  s47e_s47_enquiry_id varchar(48) PRIMARY KEY, s47e_referral_id varchar(48), s47e_s47_start_date timestamp,
  s47e_s47_end_date timestamp, s47e_s47_outcome_json varchar(1000));
CREATE TABLE ssd_initial_cp_conference (
  icpc_icpc_id varchar(48) PRIMARY KEY, icpc_s47_enquiry_id varchar(48), icpc_icpc_date timestamp);
CREATE TABLE ssd_cp_plans (
  cppl_cp_plan_id varchar(48) PRIMARY KEY, cppl_referral_id varchar(48), cppl_person_id varchar(48),
  cppl_cp_plan_start_date timestamp, cppl_cp_plan_end_date timestamp);
CREATE TABLE ssd_cla_episodes (
  clae_cla_episode_id varchar(48) PRIMARY KEY, clae_person_id varchar(48), clae_cla_id varchar(48), clae_referral_id varchar(48),
  clae_cla_placement_id varchar(48), clae_cla_episode_start_date timestamp, clae_cla_episode_ceased_date timestamp,
  clae_cla_episode_start_reason varchar(100), clae_cla_episode_ceased_reason varchar(255));
CREATE TABLE ssd_cla_placement (
  clap_cla_placement_id varchar(48) PRIMARY KEY, clap_cla_id varchar(48), clap_cla_placement_start_date timestamp,
  clap_cla_placement_end_date timestamp, clap_cla_placement_type varchar(100), clap_cla_placement_postcode varchar(8),
  clap_cla_placement_change_reason varchar(100));
CREATE TABLE ssd_permanence (
  perm_person_id varchar(48), perm_cla_id varchar(48), perm_adm_decision_date timestamp, perm_matched_date timestamp,
  perm_placed_for_adoption_date timestamp);
CREATE TABLE ssd_care_leavers (
  clea_person_id varchar(48), clea_care_leaver_latest_contact timestamp, clea_care_leaver_activity varchar(100),
  clea_care_leaver_accommodation varchar(100));
CREATE TABLE ssd_involvements (
  invo_referral_id varchar(48), invo_professional_id varchar(48), invo_professional_role_id varchar(200),
  invo_involvement_start_date timestamp, invo_involvement_end_date timestamp);
-- Without its key: a person stands in it once for each relationship.
CREATE TABLE ssd_professionals (
  prof_professional_id varchar(48), prof_staff_id varchar(48), prof_social_worker_registration_no varchar(48));
