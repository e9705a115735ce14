//! SystemC's oddities (SSD fact sheet, section 4, and the notes of `config/cms/systemc.toml`).

use serde_json::{Value, json};

use super::authority::{Authority, SYSTEMC, SYSTEMC_IN_DBO, postgres};
use super::outcome::{Outcome, details, outcome, prepared};
use crate::program::Dfe;

/// The SSD's tables, and no rows.
const TABLES: &str = include_str!("systemc.sql");

fn night(rows: &str) -> Option<Outcome> {
    outcome(SYSTEMC, TABLES, rows)
}

/// A child of whom nothing odd is known, with a referral.
fn child(id: &str) -> String {
    format!(
        "INSERT INTO ssd_development.ssd_person (pers_person_id, pers_dob, pers_sex) VALUES (N'{id}', '2015-06-01 00:00:00', N'F');
         INSERT INTO ssd_development.ssd_cin_episodes (cine_referral_id, cine_person_id, cine_referral_date, cine_close_reason)
         VALUES (N'R-{id}', N'{id}', '2026-01-10 09:30:00', N'');"
    )
}

#[test]
fn an_ssd_in_the_scripts_schema_and_one_without_a_schema_say_the_same() {
    let rows = child("1");
    let Some(in_schema) = night(&rows) else { return };
    let bare = |sql: &str| sql.replace("ssd_development.", "");
    let Some(in_dbo) = outcome(SYSTEMC_IN_DBO, &bare(TABLES), &bare(&rows)) else { return };
    let expected = json!({"la_child_id": "1", "purge": false, "child_details": details(json!({})), "social_care_episodes": [
        {"social_care_episode_id": "R-1", "referral_date": "2026-01-10", "purge": false}]});
    assert_eq!((in_schema.of("1"), in_dbo.of("1")), (&expected, &expected));
    in_schema.found(&[]);
    in_dbo.found(&[]);
}

/// A child with a care episode and its placement of these reasons, one after the other.
fn care(reasons: &[(&str, &str)]) -> String {
    let episode = |(at, (started, ceased)): (usize, &(&str, &str))| {
        let (from, to) = (at + 1, at + 2);
        format!(
            "INSERT INTO ssd_development.ssd_cla_episodes VALUES (N'C{at}', N'1', N'L1', N'R-1', N'P{at}', '2026-0{from}-01', '2026-0{to}-01',
             N'{started}', N'{ceased}');
             INSERT INTO ssd_development.ssd_cla_placement VALUES (N'P{at}', N'L1', N'1', '2026-0{from}-01', '2026-0{to}-01', N'U1', N'', NULL);"
        )
    };
    child("1") + &reasons.iter().enumerate().map(episode).collect::<String>()
}

/// `start_reason` and `end_reason` of the placements, the first first.
fn reasons(outcome: &Outcome) -> Vec<(Value, Value)> {
    let placements = outcome.episode("1", "child_looked_after_placements").as_array().expect("a list");
    // The newest comes first.
    placements.iter().rev().map(|of| (of["start_reason"].clone(), of["end_reason"].clone())).collect()
}

#[test]
fn start_reasons_of_the_903_guide_become_their_codes() {
    let wordings = [
        ("Started to be looked after", "S"),
        ("Change of legal status only", "L"),
        ("Change of placement and carer(s) only", "P"),
        ("change of PLACEMENT (but same carer(s)) only ", "T"),
        ("Change of legal status and placement and carer(s) at the same time", "B"),
        ("Change of legal status and change of placement (but same carer(s)) at the same time", "U"),
        ("S", "S"),
    ];
    let Some(outcome) = night(&care(&wordings.map(|(wording, _)| (wording, "")))) else { return };
    let expected = wordings.map(|(_, code)| (json!(code), Value::Null));
    assert_eq!(reasons(&outcome), expected);
    outcome.found(&[]);
}

#[test]
fn a_reason_that_is_no_code_is_left_out_and_reported() {
    let rows = care(&[("Came into care", "Returned home"), ("", "E3 Care taken over by another LA"), ("", "X1")]);
    let Some(outcome) = night(&rows) else { return };
    assert_eq!(reasons(&outcome), [(Value::Null, Value::Null), (Value::Null, json!("E3")), (Value::Null, json!("X1"))]);
    outcome.found(&[
        ("not_a_code:social_care_episodes[].child_looked_after_placements[].end_reason", 1),
        ("not_a_code:social_care_episodes[].child_looked_after_placements[].start_reason", 1),
    ]);
}

#[test]
fn an_authority_maps_its_own_wordings() {
    let rows = care(&[("Came into care", "Returned home")]);
    let values = "[values.ssd_cla_episodes.clae_cla_episode_ceased_reason]\n\"Returned home\" = \"E4A\"\n";
    let Some(outcome) = prepared(SYSTEMC, TABLES, &rows, |authority| authority.add_to_profile(values)) else {
        return;
    };
    assert_eq!(reasons(&outcome), [(Value::Null, json!("E4A"))]);
    outcome.found(&[("not_a_code:social_care_episodes[].child_looked_after_placements[].start_reason", 1)]);
}

#[test]
fn activity_and_accommodation_are_sent_where_they_begin_with_their_code() {
    let rows = child("1")
        + &child("2")
        + "INSERT INTO ssd_development.ssd_care_leavers VALUES
             (N'T1', N'1', '2026-05-01', N'F1 Full time higher education', N'B With parents or relatives'),
             (N'T2', N'2', '2026-05-02', N'Full time work', N'With parents')";
    let Some(outcome) = night(&rows) else { return };
    let expected = json!({"contact_date": "2026-05-01", "activity": "F1", "accommodation": "B", "purge": false});
    assert_eq!(outcome.episode("1", "care_leavers"), &expected);
    // "With parents" is not taken for W.
    assert_eq!(outcome.episode("2", "care_leavers"), &json!({"contact_date": "2026-05-02", "purge": false}));
    outcome.found(&[
        ("not_a_code:social_care_episodes[].care_leavers.accommodation", 1),
        ("not_a_code:social_care_episodes[].care_leavers.activity", 1),
    ]);
}

#[test]
fn the_year_1900_is_no_authorisation_date() {
    let rows = child("1")
        + "INSERT INTO ssd_development.ssd_cin_assessments VALUES
             (N'A1', N'R-1', '2026-02-01', '1900-01-01 00:00:00'), (N'A2', N'R-1', '2026-04-01', '2026-05-01 16:20:00')";
    let Some(outcome) = night(&rows) else { return };
    let expected = json!([
        {"child_and_family_assessment_id": "A1", "start_date": "2026-02-01", "factors": [], "purge": false},
        {"child_and_family_assessment_id": "A2", "start_date": "2026-04-01", "authorisation_date": "2026-05-01", "factors": [],
         "purge": false},
    ]);
    assert_eq!(outcome.episode("1", "child_and_family_assessments"), &expected);
    outcome.found(&[]);
}

#[test]
fn factors_of_the_list_text_go_out_without_the_withdrawn_ones() {
    let rows = child("1")
        + r#"INSERT INTO ssd_development.ssd_cin_assessments VALUES
               (N'A1', N'R-1', '2026-02-01', NULL), (N'A2', N'R-1', '2026-04-01', NULL);
             INSERT INTO ssd_development.ssd_assessment_factors VALUES
               (N'F1', N'A1', N'["18A", "1A", "4B", "19A"]'), (N'F2', N'A2', NULL)"#;
    let Some(outcome) = night(&rows) else { return };
    let assessments = outcome.episode("1", "child_and_family_assessments");
    assert_eq!((&assessments[0]["factors"], &assessments[1]["factors"]), (&json!(["1A", "4B"]), &json!([])));
    outcome.found(&[("not_a_code:social_care_episodes[].child_and_family_assessments[].factors", 2)]);
}

#[test]
fn the_placeholder_for_a_former_upn_is_no_upn() {
    let rows = child("1")
        + &child("2")
        + "INSERT INTO ssd_development.ssd_linked_identifiers VALUES
             (N'I1', N'1', N'Former Unique Pupil Number', N'SSD_PH', '2025-01-01'),
             (N'I2', N'2', N'Former Unique Pupil Number', N'B123456789012', '2025-01-01')";
    let Some(outcome) = night(&rows) else { return };
    assert_eq!(outcome.at("1", "/child_details"), &details(json!({})));
    let filled = details(json!({"former_unique_pupil_number": "B123456789012"}));
    assert_eq!(outcome.at("2", "/child_details"), &filled);
    outcome.found(&[]);
}

#[test]
fn records_without_a_referral_are_not_sent() {
    let rows = child("1")
        + r#"INSERT INTO ssd_development.ssd_cin_assessments VALUES (N'A1', N'-1', '2026-02-01', NULL);
             INSERT INTO ssd_development.ssd_cin_plans VALUES (N'N1', N'-1', N'1', '2026-02-01', NULL);
             INSERT INTO ssd_development.ssd_s47_enquiry VALUES (N'S1', N'-1', '2026-02-01', NULL, N'{"CP_CONFERENCE_FLAG": "Y"}');
             INSERT INTO ssd_development.ssd_cp_plans VALUES (N'K1', NULL, N'1', '2026-02-01', NULL);
             INSERT INTO ssd_development.ssd_cla_episodes VALUES (N'C1', N'1', N'L1', N'-1', N'P1', '2026-02-01', NULL, N'S', N'');
             INSERT INTO ssd_development.ssd_cla_placement VALUES (N'P1', N'L1', N'1', '2026-02-01', NULL, N'U1', N'BN1 1AA', NULL);
             INSERT INTO ssd_development.ssd_involvements VALUES (N'V1', N'-1', N'1', N'W1', N'CW', '2026-02-01', NULL);
             INSERT INTO ssd_development.ssd_professionals VALUES (N'W1', N'W1', N'SW1')"#;
    let Some(outcome) = night(&rows) else { return };
    let expected = json!([{"social_care_episode_id": "R-1", "referral_date": "2026-01-10", "purge": false}]);
    assert_eq!(outcome.at("1", "/social_care_episodes"), &expected);
    outcome.found(&[]);
}

/// An episode whose id is -1 would bring together what belongs to nobody: of this child, and of all others.
#[test]
fn an_episode_called_minus_one_brings_nobodys_records_together() {
    let rows = child("1")
        + "INSERT INTO ssd_development.ssd_cin_episodes (cine_referral_id, cine_person_id, cine_referral_date) VALUES (N'-1', N'1', '2026-01-11');
           INSERT INTO ssd_development.ssd_cin_assessments VALUES (N'A-of-another', N'-1', '2026-02-01', NULL)";
    let Some(outcome) = night(&rows) else { return };
    assert_eq!(outcome.episode("1", "social_care_episode_id"), "R-1");
    assert!(!outcome.of("1").to_string().contains("A-of-another"), "{}", outcome.of("1"));
}

#[test]
fn an_estimated_birth_date_is_sent_as_expected_also_of_an_older_child() {
    let rows = child("1")
        + &child("too-old")
        + "UPDATE ssd_development.ssd_person SET pers_dob = NULL, pers_expected_dob = '2015-06-01' WHERE pers_person_id = N'1';
           UPDATE ssd_development.ssd_person SET pers_dob = NULL, pers_expected_dob = '1990-06-01' WHERE pers_person_id = N'too-old'";
    let Some(outcome) = night(&rows) else { return };
    let expected = details(json!({"date_of_birth": null, "expected_date_of_birth": "2015-06-01"}));
    assert_eq!(outcome.at("1", "/child_details"), &expected);
    assert_eq!(outcome.children(), ["1"], "a child is judged by the expected date");
}

#[test]
fn blank_postcodes_are_left_out_and_the_inner_space_is_kept() {
    let rows = child("1")
        + &child("2")
        + "INSERT INTO ssd_development.ssd_address VALUES (N'T1', N'1', N'BN1 1AA', '2020-01-01'), (N'T2', N'1', N'BN27 1AA  ', '2026-01-01'),
             (N'T3', N'2', N'', '2026-01-01')";
    let Some(outcome) = night(&rows) else { return };
    assert_eq!(outcome.at("1", "/child_details"), &details(json!({"postcode": "BN27 1AA"})));
    assert_eq!(outcome.at("2", "/child_details"), &details(json!({})));
    outcome.found(&[]);
}

#[test]
fn immigration_is_a_description_that_says_unaccompanied() {
    let statuses = [
        ("Unaccompanied Asylum Seeking Child", true),
        ("UASC - granted leave", true),
        ("u", true),
        ("British citizen", false),
        ("Asylum seeker with family", false),
    ];
    let row = |(at, (status, _)): (usize, &(&str, bool))| {
        child(&at.to_string())
            + &format!(
                "INSERT INTO ssd_development.ssd_immigration_status VALUES (N'T{at}', N'{at}', N'{status}', '2025-01-01', NULL);"
            )
    };
    let Some(outcome) = night(&statuses.iter().enumerate().map(row).collect::<String>()) else { return };
    for (at, (status, is_alone)) in statuses.iter().enumerate() {
        let expected = details(json!({"uasc_flag": is_alone}));
        assert_eq!(outcome.at(&at.to_string(), "/child_details"), &expected, "{status}");
    }
    outcome.found(&[]);
}

#[test]
fn sex_is_a_code_and_words_are_known() {
    let sexes = [("M", "M"), ("F", "F"), ("Male", "M"), ("unborn", "U"), ("I", "U")];
    let row = |(at, (sex, _)): (usize, &(&str, &str))| {
        child(&at.to_string())
            + &format!("UPDATE ssd_development.ssd_person SET pers_sex = N'{sex}' WHERE pers_person_id = N'{at}';")
    };
    let Some(outcome) = night(&sexes.iter().enumerate().map(row).collect::<String>()) else { return };
    for (at, (written, sent)) in sexes.iter().enumerate() {
        assert_eq!(outcome.at(&at.to_string(), "/child_details/sex"), sent, "{written}");
    }
    outcome.found(&[("not_a_code:child_details.sex", 1)]);
}

#[test]
fn of_the_ids_the_legacy_id_is_sent_and_the_upn_beside_its_reason() {
    let rows = child("1")
        + &child("2")
        + "UPDATE ssd_development.ssd_person SET pers_legacy_id = N'55501', pers_upn = N'A123456789012' WHERE pers_person_id = N'1';
           UPDATE ssd_development.ssd_person SET pers_upn_unknown = N'UN5' WHERE pers_person_id = N'2'";
    let Some(outcome) = night(&rows) else { return };
    assert_eq!(outcome.at("1", "/mis_child_id"), "55501");
    assert_eq!(outcome.at("1", "/child_details"), &details(json!({"unique_pupil_number": "A123456789012"})));
    assert!(outcome.of("2").get("mis_child_id").is_none(), "{}", outcome.of("2"));
    assert_eq!(outcome.at("2", "/child_details"), &details(json!({"unique_pupil_number_unknown_reason": "UN5"})));
    outcome.found(&[]);
}

#[test]
fn a_disability_that_is_no_code_is_left_out_and_reported() {
    let rows = child("1")
        + "INSERT INTO ssd_development.ssd_disability VALUES (N'T1', N'1', N'MOB'), (N'T2', N'1', N'aut'), (N'T3', N'1', N'NAT17')";
    let Some(outcome) = night(&rows) else { return };
    assert_eq!(outcome.at("1", "/child_details"), &details(json!({"disabilities": ["AUT", "MOB"]})));
    outcome.found(&[("not_a_code:child_details.disabilities", 1)]);
}

/// The note on this says it: a local number can look like a code.
#[test]
fn a_referral_source_that_is_a_local_number_may_look_like_a_code() {
    let sources =
        [("1A", Some("1A")), ("1A: Individual - family member", Some("1A")), ("4", Some("4")), ("177204", None)];
    let row = |(at, (source, _)): (usize, &(&str, Option<&str>))| {
        child(&at.to_string())
            + &format!(
                "UPDATE ssd_development.ssd_cin_episodes SET cine_referral_source_code = N'{source}' WHERE cine_person_id = N'{at}';"
            )
    };
    let Some(outcome) = night(&sources.iter().enumerate().map(row).collect::<String>()) else { return };
    for (at, (written, sent)) in sources.iter().enumerate() {
        assert_eq!(outcome.episode(&at.to_string(), "referral_source"), &json!(sent), "{written}");
    }
    outcome.found(&[("not_a_code:social_care_episodes[].referral_source", 1)]);
}

#[test]
fn an_nchar_flag_is_read_whatever_its_case_and_a_blank_one_is_none() {
    let flags = [("Y", json!(true)), ("n", json!(false)), (" ", Value::Null)];
    let row = |(at, (flag, _)): (usize, &(&str, Value))| {
        child(&at.to_string())
            + &format!(
                "UPDATE ssd_development.ssd_cin_episodes SET cine_referral_nfa = N'{flag}' WHERE cine_person_id = N'{at}';"
            )
    };
    let Some(outcome) = night(&flags.iter().enumerate().map(row).collect::<String>()) else { return };
    for (at, (flag, sent)) in flags.iter().enumerate() {
        assert_eq!(outcome.episode(&at.to_string(), "referral_no_further_action_flag"), sent, "{flag:?}");
    }
    outcome.found(&[]);
}

#[test]
fn the_conference_flag_is_in_an_object_and_a_conference_without_its_enquiry_is_not_sent() {
    let rows = child("1")
        + r#"INSERT INTO ssd_development.ssd_s47_enquiry VALUES
               (N'S1', N'R-1', '2026-03-01', '2026-03-15', N'{"NFA_FLAG": "N", "CP_CONFERENCE_FLAG": "Y", "OTHER_COMMENTS": "said \"no\"\nlater"}'),
               (N'S2', N'R-1', '2026-05-01', NULL, N'{"NFA_FLAG": "Y", "CP_CONFERENCE_FLAG": "N", "OTHER_COMMENTS": ""}');
             INSERT INTO ssd_development.ssd_initial_cp_conference VALUES
               (N'I1', N'S1', '2026-03-20 10:00:00'), (N'I2', NULL, '2026-06-20 10:00:00')"#;
    let Some(outcome) = night(&rows) else { return };
    let expected = json!([
        {"section_47_assessment_id": "S1", "start_date": "2026-03-01", "end_date": "2026-03-15", "icpc_required_flag": true,
         "icpc_date": "2026-03-20", "purge": false},
        {"section_47_assessment_id": "S2", "start_date": "2026-05-01", "icpc_required_flag": false, "purge": false},
    ]);
    assert_eq!(outcome.episode("1", "section_47_assessments"), &expected);
    outcome.found(&[]);
}

#[test]
fn an_old_placement_type_is_left_out_and_reported_and_so_is_no_postcode() {
    let rows = child("1")
        + "INSERT INTO ssd_development.ssd_cla_episodes VALUES (N'C1', N'1', N'L1', N'R-1', N'P1', '2026-02-01', '2026-03-01', N'S', N''),
             (N'C2', N'1', N'L1', N'R-1', N'P2', '2026-03-01', NULL, N'P', N'');
           INSERT INTO ssd_development.ssd_cla_placement VALUES (N'P1', N'L1', N'1', '2026-02-01', '2026-03-01', N'F1', NULL, N'CARPL'),
             (N'P2', N'L1', N'1', '2026-03-01', NULL, N'K2', N'BN27 1AA', NULL)";
    let Some(outcome) = night(&rows) else { return };
    let expected = json!([
        {"child_looked_after_placement_id": "P2", "start_date": "2026-03-01", "start_reason": "P", "placement_type": "K2",
         "postcode": "BN27 1AA", "purge": false},
        {"child_looked_after_placement_id": "P1", "start_date": "2026-02-01", "end_date": "2026-03-01", "start_reason": "S",
         "change_reason": "CARPL", "purge": false},
    ]);
    assert_eq!(outcome.episode("1", "child_looked_after_placements"), &expected);
    outcome.found(&[("not_a_code:social_care_episodes[].child_looked_after_placements[].placement_type", 1)]);
}

#[test]
fn a_permanence_row_is_the_childs_by_its_care_period_whoever_it_names() {
    let rows = child("1")
        + &child("2")
        + "INSERT INTO ssd_development.ssd_cla_episodes VALUES (N'C1', N'1', N'L1', N'R-1', N'P1', '2026-02-01', NULL, N'S', N'');
           INSERT INTO ssd_development.ssd_permanence VALUES (N'T1', NULL, N'L1', '2026-03-01', '2026-04-01 12:00:00', NULL)";
    let Some(outcome) = night(&rows) else { return };
    let expected = json!({"initial_decision_date": "2026-03-01", "matched_date": "2026-04-01", "purge": false});
    assert_eq!(outcome.episode("1", "adoption"), &expected);
    assert_eq!(outcome.episode("2", "adoption"), &Value::Null);
}

#[test]
fn a_worker_needs_the_type_code_and_a_registration() {
    let plan = |child: &str| {
        format!(
            "INSERT INTO ssd_development.ssd_cin_plans VALUES (N'N{child}', N'R-{child}', N'{child}', '2026-02-01', NULL);"
        )
    };
    let rows = child("1")
        + &child("2")
        + &plan("1")
        + &plan("2")
        + "INSERT INTO ssd_development.ssd_involvements VALUES
             (N'V1', N'R-1', N'1', N'W1', N'CW', '2026-02-01', NULL), (N'V2', N'R-1', N'1', N'W2', N'CW', '2026-02-01', NULL),
             (N'V3', N'R-2', N'2', N'W1', N'Case Worker', '2026-02-01', NULL);
           INSERT INTO ssd_development.ssd_professionals VALUES (N'W1', N'W1', N'SW123456'), (N'W2', N'W2', NULL)";
    let Some(outcome) = night(&rows) else { return };
    assert_eq!(
        outcome.episode("1", "care_worker_details"),
        &json!([{"worker_id": "SW123456", "start_date": "2026-02-01"}])
    );
    assert_eq!(outcome.episode("2", "care_worker_details"), &Value::Null, "a description is no type code");
}

/// Ids that the script makes anew are no reason to send a child again, and what is sent for another reason has the new ones.
#[test]
fn ids_made_anew_send_nobody_again() {
    let renumber = "UPDATE ssd_development.ssd_cin_plans SET cinp_cin_plan_id = N'another'";
    let rows =
        child("1") + "INSERT INTO ssd_development.ssd_cin_plans VALUES (N'N1', N'R-1', N'1', '2026-02-01', NULL)";
    let Some(postgres) = postgres() else { return };
    let dfe = Dfe::start();
    let authority = Authority::new(postgres, SYSTEMC, dfe.addr());
    authority.tsql(TABLES);
    authority.tsql(&rows);
    authority.place.play(["run"]).well();
    let plan = |dfe: &Dfe| {
        let document = &dfe.children()["1"];
        document["social_care_episodes"][0]["child_in_need_plans"][0]["child_in_need_plan_id"].clone()
    };
    authority.tsql(renumber);
    let second = authority.place.play(["run", "--json"]).well().json();
    assert_eq!((&second["submitted"]["requests"], plan(&dfe)), (&0.into(), json!("N1")), "{second}");
    authority.tsql("UPDATE ssd_development.ssd_person SET pers_forename = N'Zoë' WHERE pers_person_id = N'1'");
    let third = authority.place.play(["run", "--json"]).well().json();
    assert_eq!((&third["submitted"]["sent"], plan(&dfe)), (&1.into(), json!("another")), "{third}");
    assert_eq!(dfe.children()["1"]["child_details"]["first_name"], "Zoë");
}
