-- The SSD of Mosaic's procedure in permanent tables under bare names, as far as it is read (SSD fact sheet, sections 1 and 3): the
-- procedure's own types and names, no keys, no ssd_care_leavers, and no person column in ssd_cla_placement and ssd_involvements.
CREATE TABLE ssd_person (
  pers_person_id VARCHAR(48), pers_legacy_id VARCHAR(48), pers_upn VARCHAR(48), pers_upn_unknown VARCHAR(20), pers_forename VARCHAR(100),
  pers_surname VARCHAR(255), pers_sex VARCHAR(48), pers_ethnicity VARCHAR(48), pers_dob DATETIME, pers_expected_dob DATETIME,
  pers_single_unique_id VARCHAR(48));
CREATE TABLE ssd_linked_identifiers (
  link_person_id VARCHAR(48), link_identifier_type VARCHAR(20), link_identifier_value VARCHAR(20), link_valid_from_date DATETIME);
CREATE TABLE ssd_address (addr_person_id VARCHAR(48), addr_address_postcode VARCHAR(15), addr_address_start_date DATETIME);
CREATE TABLE ssd_disability (disa_person_id VARCHAR(48), disa_disability_code VARCHAR(48));
CREATE TABLE ssd_immigration_status (
  immi_person_id VARCHAR(48), immi_immigration_status VARCHAR(48), immi_immigration_status_start_date DATETIME,
  immi_immigration_status_end_date DATETIME);
CREATE TABLE ssd_sdq_scores (csdq_person_id VARCHAR(48), csdq_sdq_completed_date DATETIME, csdq_sdq_score VARCHAR(100));
CREATE TABLE ssd_cin_episodes (
  cine_referral_id INT, cine_person_id VARCHAR(48), cine_referral_date DATETIME, cine_referral_source_code VARCHAR(48),
  cine_close_date DATETIME, cine_close_reason VARCHAR(100), cine_referral_nfa VARCHAR(1));
CREATE TABLE ssd_cin_assessments (
  cina_assessment_id VARCHAR(48), cina_referral_id VARCHAR(48), cina_assessment_start_date DATETIME, cina_assessment_auth_date DATETIME);
CREATE TABLE ssd_assessment_factors (
  cinf_table_id VARCHAR(48), cinf_assessment_id VARCHAR(48), cinf_assessment_factors_json VARCHAR(1000));
CREATE TABLE ssd_cin_plans (
  cin_plan_id VARCHAR(48), cinp_referral_id VARCHAR(48), cinp_person_id VARCHAR(48), cinp_cin_plan_start_date DATETIME,
  cinp_cin_plan_end_date DATETIME);
CREATE TABLE ssd_s47_enquiry (
  s47e_s47_enquiry_id INT, s47e_referral_id INT, s47e_s47_start_date DATETIME, s47e_s47_end_date DATETIME,
  s47e_s47_outcome_json VARCHAR(1000));
CREATE TABLE ssd_initial_cp_conference (icpc_icpc_id VARCHAR(48), icpc_s47_enquiry_id VARCHAR(48), icpc_icpc_date DATETIME);
CREATE TABLE ssd_cp_plans (
  cppl_cp_plan_id VARCHAR(48), cppl_referral_id VARCHAR(48), cppl_person_id VARCHAR(48), cppl_cp_plan_start_date DATETIME,
  cppl_cp_plan_end_date DATETIME);
CREATE TABLE ssd_cla_episodes (
  clae_cla_episode_id VARCHAR(48), clae_person_id VARCHAR(48), clae_cla_id VARCHAR(48), clae_referral_id VARCHAR(48),
  clae_cla_placement_id VARCHAR(48), clae_cla_episode_start_date DATETIME, clae_cla_episode_ceased_date DATETIME,
  clae_cla_episode_start_reason VARCHAR(100), clae_cla_episode_ceased_reason VARCHAR(255));
CREATE TABLE ssd_cla_placement (
  clap_cla_placement_id VARCHAR(48), clap_cla_id VARCHAR(48), clap_cla_placement_start_date DATETIME,
  clap_cla_placement_end_date DATETIME, clap_cla_placement_type VARCHAR(100), clap_cla_placement_postcode VARCHAR(8),
  clap_cla_placement_change_reason VARCHAR(100));
CREATE TABLE ssd_permanence (
  perm_person_id VARCHAR(48), perm_cla_id VARCHAR(48), perm_adm_decision_date DATETIME, perm_matched_date DATETIME,
  perm_placed_for_adoption_date DATETIME);
CREATE TABLE ssd_involvements (
  invo_involvements_id VARCHAR(48), invo_professional_id VARCHAR(48), invo_professional_role_id VARCHAR(48),
  invo_involvement_start_date DATETIME, invo_involvement_end_date DATETIME, invo_referral_id VARCHAR(48));
CREATE TABLE ssd_professionals (
  prof_professional_id VARCHAR(48), prof_staff_id VARCHAR(48), prof_social_worker_registration_no VARCHAR(48))
