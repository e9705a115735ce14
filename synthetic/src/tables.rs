//! The SSD tables as the generator fills them: each with the columns it knows values for, in the order of its rows.

macro_rules! tables {
    ($($variant:ident = $name:literal [$($column:literal),* $(,)?];)*) => {
        /// An SSD table that the generator fills.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Table { $($variant),* }

        impl Table {
            /// All of them; a table's place here is `table as usize`.
            pub const ALL: &[Table] = &[$(Table::$variant),*];

            /// Its SSD name.
            pub fn name(self) -> &'static str {
                match self { $(Table::$variant => $name),* }
            }

            /// Its columns' SSD names, in the order in which rows are given.
            pub fn columns(self) -> &'static [&'static str] {
                match self { $(Table::$variant => &[$($column),*]),* }
            }
        }
    };
}

tables! {
    Person = "ssd_person" [
        "pers_person_id", "pers_legacy_id", "pers_upn", "pers_upn_unknown", "pers_forename", "pers_surname", "pers_sex",
        "pers_ethnicity", "pers_dob", "pers_expected_dob", "pers_single_unique_id",
    ];
    LinkedIdentifier = "ssd_linked_identifiers" [
        "link_person_id", "link_identifier_type", "link_identifier_value", "link_valid_from_date",
    ];
    Address = "ssd_address" ["addr_person_id", "addr_address_postcode", "addr_address_start_date"];
    Disability = "ssd_disability" ["disa_person_id", "disa_disability_code"];
    Immigration = "ssd_immigration_status" [
        "immi_person_id", "immi_immigration_status", "immi_immigration_status_start_date",
        "immi_immigration_status_end_date",
    ];
    Sdq = "ssd_sdq_scores" ["csdq_person_id", "csdq_sdq_completed_date", "csdq_sdq_score"];
    Referral = "ssd_cin_episodes" [
        "cine_referral_id", "cine_person_id", "cine_referral_date", "cine_referral_source_code", "cine_close_date",
        "cine_close_reason", "cine_referral_nfa",
    ];
    Assessment = "ssd_cin_assessments" [
        "cina_assessment_id", "cina_referral_id", "cina_assessment_start_date", "cina_assessment_auth_date",
    ];
    Factors = "ssd_assessment_factors" ["cinf_assessment_id", "cinf_assessment_factors_json"];
    CinPlan = "ssd_cin_plans" [
        "cinp_cin_plan_id", "cinp_referral_id", "cinp_person_id", "cinp_cin_plan_start_date", "cinp_cin_plan_end_date",
    ];
    Section47 = "ssd_s47_enquiry" [
        "s47e_s47_enquiry_id", "s47e_referral_id", "s47e_s47_start_date", "s47e_s47_end_date", "s47e_s47_outcome_json",
    ];
    Conference = "ssd_initial_cp_conference" ["icpc_s47_enquiry_id", "icpc_icpc_date"];
    CpPlan = "ssd_cp_plans" [
        "cppl_cp_plan_id", "cppl_referral_id", "cppl_person_id", "cppl_cp_plan_start_date", "cppl_cp_plan_end_date",
    ];
    CareEpisode = "ssd_cla_episodes" [
        "clae_cla_episode_id", "clae_person_id", "clae_cla_id", "clae_referral_id", "clae_cla_placement_id",
        "clae_cla_episode_start_date", "clae_cla_episode_ceased_date", "clae_cla_episode_start_reason",
        "clae_cla_episode_ceased_reason",
    ];
    Placement = "ssd_cla_placement" [
        "clap_cla_placement_id", "clap_cla_id", "clap_cla_placement_start_date", "clap_cla_placement_end_date",
        "clap_cla_placement_type", "clap_cla_placement_postcode", "clap_cla_placement_change_reason",
    ];
    Permanence = "ssd_permanence" [
        "perm_person_id", "perm_cla_id", "perm_adm_decision_date", "perm_matched_date", "perm_placed_for_adoption_date",
    ];
    CareLeaver = "ssd_care_leavers" [
        "clea_person_id", "clea_care_leaver_latest_contact", "clea_care_leaver_activity",
        "clea_care_leaver_accommodation",
    ];
    Involvement = "ssd_involvements" [
        "invo_referral_id", "invo_professional_id", "invo_professional_role_id", "invo_involvement_start_date",
        "invo_involvement_end_date",
    ];
    Professional = "ssd_professionals" [
        "prof_professional_id", "prof_staff_id", "prof_social_worker_registration_no",
    ];
}
