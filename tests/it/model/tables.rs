//! What the made-up SSD of a sequence may hold: few values, so that states recur.

/// What a column may hold.
#[derive(Clone, Copy)]
pub enum Kind {
    /// The child the row is about.
    Child,
    /// The row's own id.
    Own,
    /// An id of another table, most often one of the same child.
    Of(&'static str, &'static str),
    /// A value; an empty one is null.
    Any(&'static [&'static str]),
    /// A number.
    Number(&'static [i64]),
}

/// A table.
pub struct Table {
    pub name: &'static str,
    /// Rows of a child at the beginning, at most.
    pub most: usize,
    pub columns: &'static [(&'static str, Kind)],
}

impl Table {
    /// The column that says whose row it is.
    pub fn child(&self) -> Option<&'static str> {
        self.columns.iter().find(|(_, kind)| matches!(kind, Kind::Child)).map(|(column, _)| *column)
    }
}

use Kind::{Any, Child, Number, Of, Own};

/// Days inside and outside the window, and some that leave it when the run date passes a 1 April.
const BEGUN: Kind = Any(&[
    "2023-05-05",
    "2024-03-31",
    "2024-06-01",
    "2025-03-31",
    "2025-09-01",
    "2026-05-01",
    "2026-10-10",
    "2027-05-05",
]);
const ENDED: Kind = Any(&["", "", "", "2024-02-01", "2024-09-09", "2025-03-31", "2026-01-15", "2026-08-08"]);
const CODE: Kind = Any(&["", "SW1A 1AA", "M1 1AE"]);
const EPISODE: Kind = Of("ssd_cin_episodes", "cine_referral_id");

/// Every table of the definition, the ones referred to first.
pub const TABLES: &[Table] = &[
    Table {
        name: "ssd_person",
        most: 0,
        columns: &[
            ("pers_person_id", Child),
            ("pers_legacy_id", Any(&["", "L-1", "L-2"])),
            ("pers_upn", Any(&["", "A123456789012", "UN1"])),
            ("pers_forename", Any(&["Ann", "O'Neil \"x\""])),
            ("pers_sex", Any(&["F", "M"])),
            ("pers_ethnicity", Any(&["", "WBRI", "NOBT"])),
            // The second turns 26 before a later window begins.
            ("pers_dob", Any(&["2012-03-04", "1998-05-05", "2015-01-01"])),
        ],
    },
    Table {
        name: "ssd_linked_identifiers",
        most: 1,
        columns: &[
            ("link_person_id", Child),
            ("link_identifier_type", Any(&["Former Unique Pupil Number"])),
            ("link_identifier_value", Any(&["B123456789012", "C123456789012"])),
            ("link_valid_from_date", BEGUN),
        ],
    },
    Table {
        name: "ssd_address",
        most: 1,
        columns: &[("addr_person_id", Child), ("addr_address_postcode", CODE), ("addr_address_start_date", BEGUN)],
    },
    Table {
        name: "ssd_disability",
        most: 2,
        columns: &[("disa_person_id", Child), ("disa_disability_code", Any(&["HAND", "AUT", "NONE"]))],
    },
    Table {
        name: "ssd_immigration_status",
        most: 1,
        columns: &[
            ("immi_person_id", Child),
            ("immi_immigration_status", Any(&["U", "settled"])),
            ("immi_immigration_status_end_date", ENDED),
        ],
    },
    Table {
        name: "ssd_sdq_scores",
        most: 2,
        columns: &[("csdq_person_id", Child), ("csdq_sdq_completed_date", BEGUN), ("csdq_sdq_score", Number(&[3, 17]))],
    },
    Table {
        name: "ssd_cin_episodes",
        most: 3,
        columns: &[
            ("cine_referral_id", Own),
            ("cine_person_id", Child),
            ("cine_referral_date", BEGUN),
            ("cine_referral_source_code", Any(&["1A", "6"])),
            ("cine_close_date", ENDED),
            ("cine_close_reason", Any(&["", "RC1", "RC7"])),
            ("cine_referral_nfa", Any(&["", "Y", "N"])),
        ],
    },
    Table {
        name: "ssd_cin_assessments",
        most: 2,
        columns: &[
            ("cina_assessment_id", Own),
            ("cina_referral_id", EPISODE),
            ("cina_assessment_start_date", BEGUN),
            ("cina_assessment_auth_date", ENDED),
        ],
    },
    Table {
        name: "ssd_assessment_factors",
        most: 1,
        columns: &[
            ("cinf_assessment_id", Of("ssd_cin_assessments", "cina_assessment_id")),
            ("cinf_assessment_factors_json", Any(&["", "[\"1A\"]", "[\"1A\",\"2B\"]", "{\"3C\":\"Yes\"}"])),
        ],
    },
    Table {
        name: "ssd_cin_plans",
        most: 2,
        columns: &[
            ("cinp_cin_plan_id", Own),
            ("cinp_referral_id", EPISODE),
            ("cinp_person_id", Child),
            ("cinp_cin_plan_start_date", BEGUN),
            ("cinp_cin_plan_end_date", ENDED),
        ],
    },
    Table {
        name: "ssd_s47_enquiry",
        most: 1,
        columns: &[
            ("s47e_s47_enquiry_id", Own),
            ("s47e_referral_id", EPISODE),
            ("s47e_s47_start_date", BEGUN),
            ("s47e_s47_end_date", ENDED),
            ("s47e_s47_outcome_json", Any(&["", "{\"CP_CONFERENCE_FLAG\":\"Y\"}", "{\"CP_CONFERENCE_FLAG\":\"N\"}"])),
        ],
    },
    Table {
        name: "ssd_initial_cp_conference",
        most: 1,
        columns: &[("icpc_s47_enquiry_id", Of("ssd_s47_enquiry", "s47e_s47_enquiry_id")), ("icpc_icpc_date", BEGUN)],
    },
    Table {
        name: "ssd_cp_plans",
        most: 1,
        columns: &[
            ("cppl_cp_plan_id", Own),
            ("cppl_referral_id", EPISODE),
            ("cppl_person_id", Child),
            ("cppl_cp_plan_start_date", BEGUN),
            ("cppl_cp_plan_end_date", ENDED),
        ],
    },
    Table {
        name: "ssd_cla_placement",
        most: 1,
        columns: &[
            ("clap_cla_placement_id", Own),
            // A care period is shared by the child's care episodes.
            ("clap_cla_id", Any(&["", "period-1", "period-2"])),
            ("clap_cla_placement_start_date", BEGUN),
            ("clap_cla_placement_end_date", ENDED),
            ("clap_cla_placement_type", Any(&["", "K2", "U4"])),
            ("clap_cla_placement_postcode", CODE),
        ],
    },
    Table {
        name: "ssd_cla_episodes",
        most: 2,
        columns: &[
            ("clae_cla_episode_id", Own),
            ("clae_person_id", Child),
            ("clae_cla_id", Any(&["", "period-1", "period-2"])),
            ("clae_referral_id", EPISODE),
            ("clae_cla_placement_id", Of("ssd_cla_placement", "clap_cla_placement_id")),
            ("clae_cla_episode_start_date", BEGUN),
            ("clae_cla_episode_ceased_date", ENDED),
            ("clae_cla_episode_start_reason", Any(&["S", "P"])),
        ],
    },
    Table {
        name: "ssd_permanence",
        most: 1,
        columns: &[("perm_person_id", Child), ("perm_adm_decision_date", BEGUN), ("perm_matched_date", ENDED)],
    },
    Table {
        name: "ssd_care_leavers",
        most: 1,
        columns: &[
            ("clea_person_id", Child),
            ("clea_care_leaver_latest_contact", ENDED),
            ("clea_care_leaver_activity", Any(&["", "F1", "G4"])),
        ],
    },
    Table {
        name: "ssd_professionals",
        most: 1,
        columns: &[("prof_professional_id", Own), ("prof_social_worker_registration_no", Any(&["", "SW100", "SW200"]))],
    },
    Table {
        name: "ssd_involvements",
        most: 2,
        columns: &[
            ("invo_referral_id", EPISODE),
            ("invo_professional_id", Of("ssd_professionals", "prof_professional_id")),
            ("invo_professional_role_id", Any(&["CW"])),
            ("invo_involvement_start_date", BEGUN),
            ("invo_involvement_end_date", ENDED),
        ],
    },
];
