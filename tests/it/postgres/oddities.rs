//! Eclipse's oddities (SSD fact sheet, section 4), from rows in tables of Eclipse's own types to the documents that DfE holds.

use std::collections::BTreeMap;

use csc_bridge_test_postgres::shared;
use serde_json::{Value, json};

use super::authority::Authority;
use crate::program::Dfe;

/// The SSD's tables, and no rows.
const TABLES: &str = include_str!("eclipse.sql");

const PROFILE: &str = include_str!("../../../config/cms/eclipse.toml");

/// Puts rows in and runs a night; what DfE then holds, which is what `payload` shows, and the findings of the run.
fn outcome(prepare: impl Fn(&Authority<'_>), rows: &str) -> Option<(BTreeMap<String, Value>, BTreeMap<String, u64>)> {
    let server = shared()?;
    let dfe = Dfe::start();
    let authority = Authority::new(server, dfe.addr());
    authority.sql(TABLES);
    prepare(&authority);
    authority.sql(rows);
    let report = authority.place.play(["run", "--json"]).well().json();
    authority.converged(&dfe);
    let findings = report["findings"].as_array().expect("findings").iter().map(|finding| {
        (finding["rule"].as_str().expect("a rule").to_owned(), finding["count"].as_u64().expect("a count"))
    });
    Some((dfe.children(), findings.collect()))
}

fn usual(_: &Authority<'_>) {}

/// A child of whom nothing odd is known, with a referral.
fn child(id: &str) -> String {
    format!(
        "INSERT INTO ssd_person (pers_person_id, pers_dob, pers_sex) VALUES ('{id}', '2015-06-01 00:00', 'F');
         INSERT INTO ssd_cin_episodes (cine_referral_id, cine_person_id, cine_referral_date, cine_close_reason)
         VALUES ('R-{id}', '{id}', '2026-01-10 09:30', '');"
    )
}

/// What stands at a place of a child's document.
fn at<'v>(documents: &'v BTreeMap<String, Value>, child: &str, pointer: &str) -> &'v Value {
    let document = documents.get(child).unwrap_or_else(|| panic!("{child} was not sent"));
    document.pointer(pointer).unwrap_or_else(|| panic!("{child} has no {pointer}: {document}"))
}

#[test]
fn a_list_of_42_factors_with_nulls_goes_out_without_them() {
    let nulls = |count| vec!["null"; count].join(", ");
    let ticked = format!("[{}, \"3B\", {}, \"10A\", {}]", nulls(7), nulls(20), nulls(13));
    let rows = child("1")
        + &format!(
            "INSERT INTO ssd_cin_assessments VALUES ('A1', 'R-1', '2026-02-01', '2026-03-01 16:20'), ('A2', 'R-1', '2026-04-01', NULL);
             INSERT INTO ssd_assessment_factors VALUES ('A1', '{ticked}'), ('A2', '[{}]')",
            nulls(42)
        );
    let Some((documents, findings)) = outcome(usual, &rows) else { return };
    let expected = json!([
        {"child_and_family_assessment_id": "A1", "start_date": "2026-02-01", "authorisation_date": "2026-03-01",
         "factors": ["10A", "3B"], "purge": false},
        {"child_and_family_assessment_id": "A2", "start_date": "2026-04-01", "factors": [], "purge": false},
    ]);
    assert_eq!(at(&documents, "1", "/social_care_episodes/0/child_and_family_assessments"), &expected);
    assert!(findings.is_empty(), "{findings:?}");
}

#[test]
fn the_conference_flag_is_found_under_the_other_key() {
    let rows = child("1")
        + r#"INSERT INTO ssd_s47_enquiry VALUES
             ('S1', 'R-1', '2026-03-01', '2026-03-15', '{"NFA_FLAG" : "N", "OUTCOME_CP_CONFERENCE_FLAG" : "Y"}'),
             ('S2', 'R-1', '2026-05-01', NULL, '{"NFA_FLAG" : "Y", "OUTCOME_CP_CONFERENCE_FLAG" : "N"}');
             INSERT INTO ssd_initial_cp_conference VALUES ('I1', 'S1', '2026-03-20 10:00')"#;
    let Some((documents, findings)) = outcome(usual, &rows) else { return };
    let expected = json!([
        {"section_47_assessment_id": "S1", "start_date": "2026-03-01", "end_date": "2026-03-15", "icpc_required_flag": true,
         "icpc_date": "2026-03-20", "purge": false},
        {"section_47_assessment_id": "S2", "start_date": "2026-05-01", "icpc_required_flag": false, "purge": false},
    ]);
    assert_eq!(at(&documents, "1", "/social_care_episodes/0/section_47_assessments"), &expected);
    assert!(findings.is_empty(), "{findings:?}");
}

#[test]
fn a_upn_in_the_column_of_reasons_is_no_reason() {
    let rows = child("both")
        + &child("only-there")
        + &child("reasons")
        + "UPDATE ssd_person SET pers_upn = 'A123456789012', pers_upn_unknown = 'A123456789012' WHERE pers_person_id = 'both';
           UPDATE ssd_person SET pers_upn_unknown = 'B987654321098' WHERE pers_person_id = 'only-there';
           UPDATE ssd_person SET pers_upn_unknown = 'UN2,UN4' WHERE pers_person_id = 'reasons'";
    let Some((documents, findings)) = outcome(usual, &rows) else { return };
    let details = json!({"date_of_birth": "2015-06-01", "sex": "F", "disabilities": ["NONE"], "uasc_flag": false, "purge": false});
    let with = |key: &str, value: &str| {
        let mut details = details.clone();
        details[key] = value.into();
        details
    };
    assert_eq!(at(&documents, "both", "/child_details"), &with("unique_pupil_number", "A123456789012"));
    assert_eq!(at(&documents, "only-there", "/child_details"), &details);
    assert_eq!(at(&documents, "reasons", "/child_details"), &with("unique_pupil_number_unknown_reason", "UN2"));
    assert_eq!(findings["not_a_code:child_details.unique_pupil_number_unknown_reason"], 2, "{findings:?}");
}

#[test]
fn postcodes_go_out_without_the_space_that_they_have_not() {
    let rows = child("1")
        + "INSERT INTO ssd_address VALUES ('1', 'BN11AA', '2020-01-01'), ('1', 'BN271AA', '2026-01-01 12:00');
           INSERT INTO ssd_cla_episodes VALUES ('C1', '1', 'L1', 'R-1', 'P1', '2026-04-01', NULL, 'S', '');
           INSERT INTO ssd_cla_placement VALUES ('P1', 'L1', '2026-04-01', NULL, 'U1', 'BN17QQ', '')";
    let Some((documents, findings)) = outcome(usual, &rows) else { return };
    assert_eq!(at(&documents, "1", "/child_details/postcode"), "BN271AA");
    assert_eq!(at(&documents, "1", "/social_care_episodes/0/child_looked_after_placements/0/postcode"), "BN17QQ");
    assert!(findings.is_empty(), "{findings:?}");
}

#[test]
fn a_due_date_in_the_birth_date_is_an_expected_date() {
    let rows = child("unborn")
        + &child("far-off")
        + "UPDATE ssd_person SET pers_dob = '2027-01-15', pers_expected_dob = '2027-01-15' WHERE pers_person_id = 'unborn';
           UPDATE ssd_person SET pers_dob = '2027-09-15', pers_expected_dob = '2027-09-15' WHERE pers_person_id = 'far-off'";
    let Some((documents, _)) = outcome(usual, &rows) else { return };
    let expected = json!({"expected_date_of_birth": "2027-01-15", "sex": "F", "disabilities": ["NONE"], "uasc_flag": false, "purge": false});
    assert_eq!(at(&documents, "unborn", "/child_details"), &expected);
    assert_eq!(documents.len(), 1, "a child due in more than nine months is not sent");
}

#[test]
fn of_the_ids_the_carefirst_id_is_sent_and_a_shared_placement_id_once() {
    let rows = child("1")
        + "UPDATE ssd_person SET pers_legacy_id = 'CF-9', pers_single_unique_id = '9434765919';
           INSERT INTO ssd_cla_episodes VALUES
             ('C1', '1', 'L1', 'R-1', 'P1', '2026-04-01', '2026-05-01', 'S', 'X1'),
             ('C2', '1', 'L1', 'R-1', 'P1', '2026-05-01', '2026-06-01', 'L', 'E13');
           INSERT INTO ssd_cla_placement VALUES ('P1', 'L1', '2026-04-01', '2026-06-01', 'DQ', NULL, 'CARPL')";
    let Some((documents, findings)) = outcome(usual, &rows) else { return };
    assert_eq!(at(&documents, "1", "/mis_child_id"), "CF-9");
    assert!(!documents["1"].to_string().contains("9434765919"), "the NHS number was sent");
    let expected = json!([{
        "child_looked_after_placement_id": "P1", "start_date": "2026-04-01", "end_date": "2026-06-01", "start_reason": "S",
        "end_reason": "E13", "change_reason": "CARPL", "purge": false,
    }]);
    assert_eq!(at(&documents, "1", "/social_care_episodes/0/child_looked_after_placements"), &expected);
    let of_type = "not_a_code:social_care_episodes[].child_looked_after_placements[].placement_type";
    assert_eq!(findings, BTreeMap::from([(of_type.to_owned(), 1)]));
}

#[test]
fn ids_are_trimmed_and_never_cut_or_folded() {
    let long = "x".repeat(40);
    let rows = child("7001  ") + &child("ab1") + &child("AB1") + &child(&long) + &child("7/1") + &child("7002");
    let Some((documents, _)) = outcome(usual, &rows) else { return };
    // Two that differ in case alone might be one child: neither is sent.
    assert_eq!(documents.keys().collect::<Vec<_>>(), ["7001", "7002"]);
    assert_eq!(at(&documents, "7001", "/social_care_episodes/0/social_care_episode_id"), "R-7001");
}

#[test]
fn words_and_codes_of_eclipse_become_those_of_dfe() {
    let rows = child("1")
        + &child("2")
        + "UPDATE ssd_person SET pers_ethnicity = 'CNHE', pers_sex = 'Male' WHERE pers_person_id = '1';
           UPDATE ssd_person SET pers_ethnicity = 'ORAB', pers_sex = 'U' WHERE pers_person_id = '2';
           INSERT INTO ssd_disability VALUES ('1', 'DDA'), ('1', 'DDA');
           INSERT INTO ssd_immigration_status VALUES ('1', 'Unaccompanied minor', '2025-01-01', NULL), ('2', 'British', '2025-01-01', NULL);
           INSERT INTO ssd_permanence VALUES ('1', 'L1', NULL, NULL, NULL);
           UPDATE ssd_cin_episodes SET cine_referral_nfa = 'N' WHERE cine_person_id = '1';
           UPDATE ssd_cin_episodes SET cine_close_date = '2026-08-01', cine_close_reason = 'RC7' WHERE cine_person_id = '2'";
    let Some((documents, findings)) = outcome(usual, &rows) else { return };
    let expected = json!({"date_of_birth": "2015-06-01", "sex": "M", "ethnicity": "CHNE", "disabilities": ["DDA"], "uasc_flag": true,
                          "purge": false});
    assert_eq!(at(&documents, "1", "/child_details"), &expected);
    let open = json!({"social_care_episode_id": "R-1", "referral_date": "2026-01-10", "referral_no_further_action_flag": false,
                      "purge": false});
    assert_eq!(at(&documents, "1", "/social_care_episodes/0"), &open);
    let expected = json!({"date_of_birth": "2015-06-01", "sex": "U", "disabilities": ["NONE"], "uasc_flag": false, "purge": false});
    assert_eq!(at(&documents, "2", "/child_details"), &expected);
    let closed = json!({"social_care_episode_id": "R-2", "referral_date": "2026-01-10", "closure_date": "2026-08-01",
                        "closure_reason": "RC7", "purge": false});
    assert_eq!(at(&documents, "2", "/social_care_episodes/0"), &closed);
    assert_eq!(findings, BTreeMap::from([("not_a_code:child_details.ethnicity".to_owned(), 1)]));
}

#[test]
fn a_worker_is_sent_where_the_authority_maps_its_class_of_relationship() {
    let rows = child("1")
        + "INSERT INTO ssd_cin_plans VALUES ('N1', 'R-1', '1', '2026-02-01', NULL);
           INSERT INTO ssd_involvements VALUES ('R-1', 'W1', 'ALLOCATED', '2026-02-01', NULL);
           INSERT INTO ssd_professionals VALUES ('W1', 'W1', NULL), ('W1', 'W1', 'SW123456'), ('W1', 'W1', 'SW123456')";
    let Some((documents, _)) = outcome(usual, &rows) else { return };
    assert!(documents["1"].pointer("/social_care_episodes/0/care_worker_details").is_none(), "{}", documents["1"]);
    // A profile of its own is a copy of Eclipse's with one more line.
    let map = |authority: &Authority<'_>| {
        let values = "[values.ssd_involvements.invo_professional_role_id]\nALLOCATED = \"CW\"\n";
        authority.place.write("ours.toml", &format!("{PROFILE}\n{values}"));
        authority.place.reconfigure("cms       = \"eclipse\"", "cms = \"ours.toml\"");
    };
    let Some((documents, _)) = outcome(map, &rows) else { return };
    let expected = json!([{"worker_id": "SW123456", "start_date": "2026-02-01"}]);
    assert_eq!(at(&documents, "1", "/social_care_episodes/0/care_worker_details"), &expected);
}
