//! What is Oracle's own in an SSD (SSD fact sheet, and the notes of `config/cms/azeus.toml`): from rows in the tables of the playbook's
//! script to the documents that DfE holds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::authority::{Authority, postgres};
use crate::program::Dfe;

/// The SSD's tables, and no rows.
const TABLES: &str = include_str!("../../../docs/playbooks/azeus-ssd.sql");

/// What DfE holds after a night.
struct Outcome {
    documents: BTreeMap<String, Value>,
    findings: BTreeMap<String, u64>,
}

fn night(rows: &str) -> Option<Outcome> {
    prepared(TABLES, rows, |_| {})
}

/// Puts rows into these tables and runs a night, after this was done to the configuration. On 12.1, where the tables' names let it be. None where no PostgreSQL is installed.
fn prepared(tables: &str, rows: &str, prepare: impl Fn(&Authority<'_>)) -> Option<Outcome> {
    let postgres = postgres()?;
    let dfe = Dfe::start();
    let authority = Authority::new(postgres, dfe.addr());
    let longest = tables.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').map(str::len).max();
    authority.control.version(if longest <= Some(30) { "12.1" } else { "19.0" });
    authority.oracle(tables);
    authority.oracle(rows);
    prepare(&authority);
    let report = authority.place.play(["run", "--json"]).well().json();
    authority.converged(&dfe);
    authority.is_quiet(&dfe);
    let findings = report["findings"].as_array().expect("findings").iter().map(|finding| {
        (finding["rule"].as_str().expect("a rule").to_owned(), finding["count"].as_u64().expect("a count"))
    });
    Some(Outcome { documents: dfe.children(), findings: findings.collect() })
}

impl Outcome {
    /// What stands at a place of a child's document.
    fn at(&self, child: &str, pointer: &str) -> &Value {
        let document = self.documents.get(child).unwrap_or_else(|| panic!("{child} was not sent"));
        document.pointer(pointer).unwrap_or_else(|| panic!("{child} has no {pointer}: {document}"))
    }
}

/// A child of whom nothing odd is known, with a referral.
fn child(id: &str) -> String {
    format!(
        "INSERT INTO ssd_person (pers_person_id, pers_dob, pers_sex) VALUES ('{id}', DATE '2015-06-01', 'F');
         INSERT INTO ssd_cin_episodes (cine_referral_id, cine_person_id, cine_referral_date, cine_close_reason, cine_referral_nfa)
         VALUES ('R-{id}', '{id}', TO_DATE('2026-01-10 23:59:59', 'YYYY-MM-DD HH24:MI:SS'), '', 'N');\n"
    )
    .replace(";\n         INSERT", ";\nINSERT")
}

#[test]
fn a_date_is_the_day_that_stands_there_and_an_empty_text_is_no_value() {
    let Some(outcome) = night(&child("1")) else { return };
    let episodes = json!([{"social_care_episode_id": "R-1", "referral_date": "2026-01-10", "referral_no_further_action_flag": false, "purge": false}]);
    assert_eq!(outcome.at("1", "/social_care_episodes"), &episodes);
    assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
}

#[test]
fn a_list_of_factors_may_be_longer_than_a_varchar2() {
    let list = format!("[\"1A\", \"3B\"{}]", " ".repeat(5_000));
    let (first, second) = list.split_at(3_000);
    let rows = child("1")
        + &format!(
            "INSERT INTO ssd_cin_assessments VALUES ('A1', 'R-1', DATE '2026-02-01', NULL);
INSERT INTO ssd_assessment_factors VALUES ('A1', TO_CLOB('{first}') || TO_CLOB('{second}'));\n"
        );
    let Some(outcome) = night(&rows) else { return };
    let factors = outcome.at("1", "/social_care_episodes/0/child_and_family_assessments/0/factors");
    assert_eq!(factors, &json!(["1A", "3B"]));
}

#[test]
fn ids_of_numbers_and_padded_ones_find_their_children() {
    let tables = TABLES
        .replace("cine_referral_id          VARCHAR2(48 CHAR)", "cine_referral_id          NUMBER(12)")
        .replace("cina_referral_id           VARCHAR2(48 CHAR)", "cina_referral_id           CHAR(48 CHAR)")
        .replace("cine_person_id            VARCHAR2(48 CHAR)", "cine_person_id            CHAR(48 CHAR)");
    assert_eq!(tables.matches("NUMBER(12)").count() + tables.matches(" CHAR(48").count(), 3);
    let rows = child("1").replace("'R-1'", "1200345")
        + "INSERT INTO ssd_cin_assessments VALUES ('A1', '1200345', TIMESTAMP '2026-02-01 10:00:00', NULL);\n";
    let Some(outcome) = prepared(&tables, &rows, |_| {}) else { return };
    assert_eq!(outcome.at("1", "/social_care_episodes/0/social_care_episode_id"), "1200345");
    let assessments = outcome.at("1", "/social_care_episodes/0/child_and_family_assessments");
    assert_eq!(
        (&assessments[0]["child_and_family_assessment_id"], &assessments[0]["start_date"]),
        (&json!("A1"), &json!("2026-02-01"))
    );
}

#[test]
fn a_upn_in_the_column_of_its_reason_is_reported_and_not_sent() {
    // As D2I's draft has it, in a column that was made wide enough.
    let tables = TABLES.replace("pers_upn_unknown      VARCHAR2(6 CHAR)", "pers_upn_unknown      VARCHAR2(13 CHAR)");
    let rows = child("1") + "UPDATE ssd_person SET pers_upn_unknown = 'A123456789012';\n";
    let Some(outcome) = prepared(&tables, &rows, |_| {}) else { return };
    let details = outcome.at("1", "/child_details");
    assert!(
        details.get("unique_pupil_number").is_none() && !details.to_string().contains("A123456789012"),
        "{details}"
    );
    assert_eq!(outcome.findings.values().sum::<u64>(), 1, "{:?}", outcome.findings);
}

#[test]
fn shorter_names_for_12_1_and_names_in_quotes_are_configured() {
    let tables = TABLES
        .replace("immi_immigration_status_start_date", "immi_start_date")
        .replace("immi_immigration_status_end_date  ", "immi_end_date")
        .replace("clap_cla_placement_change_reason", "clap_change_reason")
        .replace("clea_care_leaver_latest_contact", "clea_latest_contact")
        .replace("prof_social_worker_registration_no", "prof_registration_no")
        .replace("pers_surname ", "\"pers_Surname\" ");
    let rows = child("1")
        + "UPDATE ssd_person SET \"pers_Surname\" = 'Ødegård';
INSERT INTO ssd_care_leavers VALUES ('1', DATE '2026-05-01', NULL, NULL);\n";
    let names = "
[source.names]
ssd_person             = { columns = { pers_surname = '\"pers_Surname\"' } }
ssd_immigration_status = { columns = { immi_immigration_status_start_date = \"IMMI_START_DATE\", immi_immigration_status_end_date = \"IMMI_END_DATE\" } }
ssd_cla_placement      = { columns = { clap_cla_placement_change_reason = \"CLAP_CHANGE_REASON\" } }
ssd_care_leavers       = { columns = { clea_care_leaver_latest_contact = \"clea_latest_contact\" } }
ssd_professionals      = { columns = { prof_social_worker_registration_no = \"PROF_REGISTRATION_NO\" } }
";
    let Some(outcome) = prepared(&tables, &rows, |authority| authority.append_to_configuration(names)) else { return };
    assert_eq!(outcome.at("1", "/child_details/surname"), "Ødegård");
    assert_eq!(outcome.at("1", "/social_care_episodes/0/care_leavers/contact_date"), "2026-05-01");
}
