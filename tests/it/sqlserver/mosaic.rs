//! Mosaic's oddities (SSD fact sheet, section 4, and the notes of `config/cms/mosaic.toml`).

use serde_json::{Value, json};

use super::authority::{Authority, MOSAIC};
use super::outcome::{Outcome, details, outcome, prepared};

/// The permanent copies of the SSD's tables, and no rows.
const TABLES: &str = include_str!("mosaic.sql");

fn night(rows: &str) -> Option<Outcome> {
    outcome(MOSAIC, TABLES, rows)
}

/// The referral of a child.
fn referral(child: u32) -> u32 {
    5000 + child
}

/// A child of whom nothing odd is known, with a referral.
fn child(id: u32) -> String {
    format!(
        "INSERT INTO ssd_person (pers_person_id, pers_dob, pers_sex) VALUES ('{id}', '2015-06-01 00:00:00', 'Female');
         INSERT INTO ssd_cin_episodes (cine_referral_id, cine_person_id, cine_referral_date, cine_close_reason)
         VALUES ({}, '{id}', '2026-01-10 09:30:00', '');",
        referral(id)
    )
}

#[test]
fn integer_ids_find_the_text_that_refers_to_them() {
    let rows = child(1)
        + "INSERT INTO ssd_cin_assessments VALUES ('61', ' 5001', '2026-02-01', '2026-03-01');
           INSERT INTO ssd_cin_plans VALUES ('71', '5001  ', '1', '2026-02-01', NULL);
           INSERT INTO ssd_s47_enquiry VALUES (81, 5001, '2026-02-05', '2026-02-15', NULL);
           INSERT INTO ssd_initial_cp_conference VALUES ('85', '81 ', '2026-02-20');
           INSERT INTO ssd_cp_plans VALUES ('91', '5001', '1', '2026-02-20', NULL);
           INSERT INTO ssd_cin_assessments VALUES ('62', '05001', '2026-02-01', NULL), ('63', '50010', '2026-02-01', NULL)";
    let Some(outcome) = night(rows.as_str()) else { return };
    let expected = json!([{
        "social_care_episode_id": "5001", "referral_date": "2026-01-10",
        "child_and_family_assessments": [{"child_and_family_assessment_id": "61", "start_date": "2026-02-01",
            "authorisation_date": "2026-03-01", "factors": [], "purge": false}],
        "child_in_need_plans": [{"child_in_need_plan_id": "71", "start_date": "2026-02-01", "purge": false}],
        "section_47_assessments": [{"section_47_assessment_id": "81", "start_date": "2026-02-05", "end_date": "2026-02-15",
            "icpc_date": "2026-02-20", "purge": false}],
        "child_protection_plans": [{"child_protection_plan_id": "91", "start_date": "2026-02-20", "purge": false}],
        "purge": false,
    }]);
    assert_eq!(outcome.at("1", "/social_care_episodes"), &expected);
    outcome.found(&[]);
}

#[test]
fn the_column_cin_plan_id_is_a_plans_id_and_without_it_the_tables_are_not_those_of_the_profile() {
    let rows = child(1) + "INSERT INTO ssd_cin_plans VALUES ('71', '5001', '1', '2026-02-01', '2026-06-01')";
    let Some(outcome) = night(&rows) else { return };
    let expected =
        json!([{"child_in_need_plan_id": "71", "start_date": "2026-02-01", "end_date": "2026-06-01", "purge": false}]);
    assert_eq!(outcome.episode("1", "child_in_need_plans"), &expected);

    // A site that gave the column its usual name says so.
    let renamed = TABLES.replace("  cin_plan_id VARCHAR", "  cinp_cin_plan_id VARCHAR");
    let name = |authority: &Authority<'_>| {
        authority.place.play(["stage"]).fails(1, &["ssd_cin_plans", "cin_plan_id"]);
        authority
            .place
            .set("source.names", "ssd_cin_plans = { columns = { cinp_cin_plan_id = \"cinp_cin_plan_id\" } }");
    };
    let Some(outcome) = prepared(MOSAIC, &renamed, &rows, name) else { return };
    assert_eq!(outcome.episode("1", "child_in_need_plans"), &expected);
}

#[test]
fn sex_is_a_word() {
    let sexes = [
        ("Male", "M"),
        ("FEMALE", "F"),
        ("Not Known", "U"),
        ("Indeterminate", "U"),
        ("Rather not say", "U"),
        ("M", "M"),
    ];
    let row = |(at, (sex, _)): (u32, &(&str, &str))| {
        child(at) + &format!("UPDATE ssd_person SET pers_sex = '{sex}' WHERE pers_person_id = '{at}';")
    };
    let Some(outcome) = night(&(0..).zip(&sexes).map(row).collect::<String>()) else { return };
    for (at, (written, sent)) in sexes.iter().enumerate() {
        assert_eq!(outcome.at(&at.to_string(), "/child_details/sex"), sent, "{written}");
    }
    outcome.found(&[("not_a_code:child_details.sex", 1)]);
}

#[test]
fn an_outcome_that_is_no_json_leaves_the_flag_out_and_keeps_the_enquiry() {
    let rows = child(1)
        + r#"INSERT INTO ssd_s47_enquiry VALUES (81, 5001, '2026-02-05', '2026-02-15', 'Proceed to conference'),
               (82, 5001, '2026-03-05', NULL, '{"CP_CONFERENCE_FLAG": "Y"}')"#;
    let Some(outcome) = night(&rows) else { return };
    let expected = json!([
        {"section_47_assessment_id": "81", "start_date": "2026-02-05", "end_date": "2026-02-15", "purge": false},
        {"section_47_assessment_id": "82", "start_date": "2026-03-05", "icpc_required_flag": true, "purge": false},
    ]);
    assert_eq!(outcome.episode("1", "section_47_assessments"), &expected);
    outcome.found(&[]);
}

#[test]
fn factors_cut_at_a_thousand_characters_are_reported_and_the_assessment_is_sent() {
    let long = format!("[{}", "\"1A\",\"2B\",".repeat(120));
    let cut = &long[..1000];
    let rows = child(1)
        + &format!(
            "INSERT INTO ssd_cin_assessments VALUES ('61', '5001', '2026-02-01', NULL), ('62', '5001', '2026-03-01', NULL);
             INSERT INTO ssd_assessment_factors VALUES (NULL, '61', '{cut}'), (NULL, '62', '[\"3A\",\"1B\"]')"
        );
    let Some(outcome) = night(&rows) else { return };
    let assessments = outcome.episode("1", "child_and_family_assessments");
    assert_eq!((&assessments[0]["factors"], &assessments[1]["factors"]), (&json!([]), &json!(["1B", "3A"])));
    outcome.found(&[("bad_json:social_care_episodes[].child_and_family_assessments[].factors", 1)]);
}

#[test]
fn no_worker_is_sent_as_shipped_and_one_is_where_the_authority_fills_and_maps_them() {
    let rows = child(1)
        + "INSERT INTO ssd_cin_plans VALUES ('71', '5001', '1', '2026-02-01', NULL);
           INSERT INTO ssd_involvements VALUES ('V1', 'W1', 'ALLOC', '2026-02-01', NULL, '5001'), ('V2', NULL, 'ALLOC', '2026-02-01', NULL, '5001');
           INSERT INTO ssd_professionals VALUES (NULL, 'S1', NULL), (NULL, 'S2', NULL)";
    let Some(outcome) = night(&rows) else { return };
    assert_eq!(outcome.episode("1", "care_worker_details"), &Value::Null);

    let filled = |authority: &Authority<'_>| {
        authority.tsql("INSERT INTO ssd_professionals VALUES ('W1', 'S1', 'SW123456')");
        authority.add_to_profile("[values.ssd_involvements.invo_professional_role_id]\nALLOC = \"CW\"\n");
    };
    let Some(outcome) = prepared(MOSAIC, TABLES, &rows, filled) else { return };
    assert_eq!(
        outcome.episode("1", "care_worker_details"),
        &json!([{"worker_id": "SW123456", "start_date": "2026-02-01"}])
    );
}

#[test]
fn care_leavers_are_missing_and_can_be_read_where_the_authority_keeps_them() {
    let rows = child(1);
    let Some(outcome) = night(&rows) else { return };
    assert_eq!(outcome.episode("1", "care_leavers"), &Value::Null);

    let kept = |authority: &Authority<'_>| {
        authority.tsql(
            "CREATE TABLE ssd_care_leavers (clea_person_id VARCHAR(48), clea_care_leaver_latest_contact DATETIME,
               clea_care_leaver_activity VARCHAR(100), clea_care_leaver_accommodation VARCHAR(100));
             INSERT INTO ssd_care_leavers VALUES ('1', '2026-05-01', 'F2', 'B')",
        );
        authority.use_profile(&MOSAIC.profile().replace("missing = true", ""));
    };
    let Some(outcome) = prepared(MOSAIC, TABLES, &rows, kept) else { return };
    let expected = json!({"contact_date": "2026-05-01", "activity": "F2", "accommodation": "B", "purge": false});
    assert_eq!(outcome.episode("1", "care_leavers"), &expected);
}

#[test]
fn a_placement_reaches_its_child_by_its_care_episode_or_its_care_period() {
    let rows = child(1)
        + &child(2)
        + "INSERT INTO ssd_cla_episodes VALUES ('1', '1', '21', '5001', '31', '2026-04-01', '2026-05-01', 'S', 'X1'),
             ('2', '1', '21', '5001', NULL, '2026-05-01', NULL, 'P', NULL);
           INSERT INTO ssd_cla_placement VALUES ('31', 'another', '2026-04-01', '2026-05-01', 'U6', 'M1 1AE', NULL),
             ('32', '21', '2026-05-01', NULL, 'K2', NULL, 'CARPL'), ('33', 'nobodys', '2026-05-01', NULL, 'K2', NULL, NULL)";
    let Some(outcome) = night(&rows) else { return };
    let expected = json!([
        {"child_looked_after_placement_id": "32", "start_date": "2026-05-01", "placement_type": "K2", "change_reason": "CARPL",
         "purge": false},
        {"child_looked_after_placement_id": "31", "start_date": "2026-04-01", "end_date": "2026-05-01", "start_reason": "S",
         "placement_type": "U6", "postcode": "M1 1AE", "end_reason": "X1", "purge": false},
    ]);
    // By the period alone it is not known of which episode the reasons are.
    assert_eq!(outcome.episode("1", "child_looked_after_placements"), &expected);
    assert_eq!(outcome.episode("2", "child_looked_after_placements"), &Value::Null);
}

#[test]
fn without_primary_keys_ids_may_be_empty_or_repeated_and_are_reported() {
    let rows = child(1)
        + &child(2)
        + &child(2)
        + "INSERT INTO ssd_person (pers_person_id, pers_dob) VALUES (NULL, '2015-06-01'), ('  ', '2015-06-01');
           INSERT INTO ssd_cin_episodes (cine_referral_id, cine_person_id, cine_referral_date) VALUES (5001, '1', '2026-01-10'),
             (5009, '1', '2026-01-11'), (NULL, '1', '2026-01-12');
           INSERT INTO ssd_cin_plans VALUES (NULL, '5009', '1', '2026-02-01', NULL), ('', '5009', '1', '2026-02-01', NULL)";
    let Some(outcome) = night(&rows) else { return };
    // Of the second nobody can say which row counts.
    assert_eq!(outcome.children(), ["1"]);
    let expected = json!([
        {"social_care_episode_id": "5001", "referral_date": "2026-01-10", "purge": false},
        {"social_care_episode_id": "5009", "referral_date": "2026-01-11", "purge": false},
    ]);
    assert_eq!(outcome.at("1", "/social_care_episodes"), &expected);
    outcome.found(&[
        ("child.duplicate_id", 2),
        ("child.no_id", 2),
        ("duplicate_id:social_care_episodes[].social_care_episode_id", 1),
        ("no_id:social_care_episodes[].child_in_need_plans[].child_in_need_plan_id", 2),
        ("no_id:social_care_episodes[].social_care_episode_id", 1),
    ]);
}

#[test]
fn an_sdq_score_is_text_and_one_that_is_no_number_is_left_out() {
    let rows = child(1)
        + "INSERT INTO ssd_sdq_scores VALUES ('1', '2026-02-01', '15'), ('1', '2026-03-01', 'n/a'), ('1', '2026-04-01', ' 40 '),
             ('1', '2026-05-01', '41'), ('1', '2026-06-01', NULL)";
    let Some(outcome) = night(&rows) else { return };
    let expected = json!([
        {"date": "2026-05-01"}, {"date": "2026-04-01", "score": 40}, {"date": "2026-03-01"}, {"date": "2026-02-01", "score": 15}]);
    assert_eq!(outcome.at("1", "/health_and_wellbeing/sdq_assessments"), &expected);
    outcome.found(&[
        ("not_a_number:health_and_wellbeing.sdq_assessments[].score", 1),
        ("out_of_range:health_and_wellbeing.sdq_assessments[].score", 1),
    ]);
}

#[test]
fn a_long_upn_is_left_out_and_a_reason_in_its_place_is_read() {
    let upns = [
        ("A123456789012", json!({"unique_pupil_number": "A123456789012"})),
        ("A123456789012345678", json!({})),
        ("UN4", json!({"unique_pupil_number_unknown_reason": "UN4"})),
    ];
    let row = |(at, (upn, _)): (u32, &(&str, Value))| {
        child(at) + &format!("UPDATE ssd_person SET pers_upn = '{upn}' WHERE pers_person_id = '{at}';")
    };
    let Some(outcome) = night(&(0..).zip(&upns).map(row).collect::<String>()) else { return };
    for (at, (upn, sent)) in upns.iter().enumerate() {
        assert_eq!(outcome.at(&at.to_string(), "/child_details"), &details(sent.clone()), "{upn}");
    }
    outcome.found(&[("wrong_length:child_details.unique_pupil_number", 1)]);
}

#[test]
fn a_former_upn_is_sent_where_the_authority_maps_its_code() {
    let rows = child(1) + "INSERT INTO ssd_linked_identifiers VALUES ('1', 'FUPN', 'B123456789012', NULL)";
    let Some(outcome) = night(&rows) else { return };
    assert_eq!(outcome.at("1", "/child_details"), &details(json!({})));
    let values = "[values.ssd_linked_identifiers.link_identifier_type]\nFUPN = \"Former Unique Pupil Number\"\n";
    let Some(outcome) = prepared(MOSAIC, TABLES, &rows, |authority| authority.add_to_profile(values)) else {
        return;
    };
    assert_eq!(outcome.at("1", "/child_details"), &details(json!({"former_unique_pupil_number": "B123456789012"})));
}

#[test]
fn an_unborn_child_has_an_expected_date_alone() {
    let rows = child(1) + "UPDATE ssd_person SET pers_dob = NULL, pers_expected_dob = '2027-01-15'";
    let Some(outcome) = night(&rows) else { return };
    let expected = details(json!({"date_of_birth": null, "expected_date_of_birth": "2027-01-15"}));
    assert_eq!(outcome.at("1", "/child_details"), &expected);
    assert!(outcome.of("1").get("mis_child_id").is_none(), "{}", outcome.of("1"));
}

#[test]
fn descriptions_of_ethnicity_and_immigration_and_local_categories_are_what_the_authority_maps() {
    let rows = child(1)
        + &child(2)
        + "UPDATE ssd_person SET pers_ethnicity = 'WBRI' WHERE pers_person_id = '1';
           UPDATE ssd_person SET pers_ethnicity = 'White - British' WHERE pers_person_id = '2';
           INSERT INTO ssd_disability VALUES ('1', 'AUT'), ('1', 'LOCAL7');
           INSERT INTO ssd_immigration_status VALUES ('1', 'Unaccompanied asylum seeking child', '2025-01-01', '2025-01-01'),
             ('2', 'Arrived with family', '2025-01-01', NULL)";
    let Some(outcome) = night(&rows) else { return };
    // The script takes the end date from the question of the start: what it says goes out.
    let sent = details(
        json!({"ethnicity": "WBRI", "disabilities": ["AUT"], "uasc_flag": true, "uasc_end_date": "2025-01-01"}),
    );
    assert_eq!(outcome.at("1", "/child_details"), &sent);
    assert_eq!(outcome.at("2", "/child_details"), &details(json!({})));
    outcome.found(&[("not_a_code:child_details.disabilities", 1), ("not_a_code:child_details.ethnicity", 1)]);
    let values = "[values.ssd_person.pers_ethnicity]\n\"White - British\" = \"WBRI\"\n";
    let Some(outcome) = prepared(MOSAIC, TABLES, &rows, |authority| authority.add_to_profile(values)) else {
        return;
    };
    assert_eq!(outcome.at("2", "/child_details"), &details(json!({"ethnicity": "WBRI"})));
}

/// VARCHAR holds what its code page has, and a child's name goes out as it is.
#[test]
fn names_in_varchar_keep_their_accents() {
    let rows = child(1) + "UPDATE ssd_person SET pers_forename = 'Zoë', pers_surname = 'O''Brien-Müller'";
    let Some(outcome) = night(&rows) else { return };
    let expected = details(json!({"first_name": "Zoë", "surname": "O'Brien-Müller"}));
    assert_eq!(outcome.at("1", "/child_details"), &expected);
    outcome.found(&[]);
}
