//! `check`, `plan` and `status`: what is missing, what an account may not do, and what there is to send.

use serde_json::Value;

use super::authority::{Authority, STAGING, postgres};
use crate::program::Dfe;

fn said<'a>(report: &'a Value, id: &str) -> (&'a str, &'a str) {
    let check = report["checks"].as_array().expect("checks").iter().find(|check| check["id"] == id);
    let check = check.unwrap_or_else(|| panic!("no {id}: {report}"));
    (check["result"].as_str().expect("a result"), check["detail"].as_str().expect("a detail"))
}

/// A database with a few children, and the DfE that hears nothing of them.
fn filled() -> Option<(Authority<'static>, Dfe)> {
    let dfe = Dfe::start();
    Some((Authority::filled(postgres()?, dfe.addr(), 30), dfe))
}

/// How `check` ended, and what it said.
fn check(authority: &Authority<'_>, code: i32) -> Value {
    let ended = authority.place.play(["check", "--json"]);
    let report = ended.json();
    assert_eq!(ended.code, Some(code), "{report}");
    report
}

#[test]
fn a_good_account_passes_and_nothing_is_made() {
    let Some((authority, dfe)) = filled() else { return };
    let before = authority.tables("%");
    let report = check(&authority, 0);
    let failed = report["checks"].as_array().expect("checks").iter().any(|check| check["result"] == "fail");
    assert!(!failed, "{report}");
    assert_eq!(said(&report, "db.table.ssd_person").0, "pass", "{report}");
    assert_eq!((authority.tables("%"), dfe.stats().records), (before, 0), "tables were left");
}

#[test]
fn a_missing_table_and_a_missing_column_are_named() {
    let Some((authority, _dfe)) = filled() else { return };
    authority.oracle("DROP TABLE ssd_cp_plans;\nALTER TABLE ssd_cin_plans DROP COLUMN cinp_cin_plan_start_date;\n");
    let report = check(&authority, 1);
    let (result, detail) = said(&report, "db.table.ssd_cp_plans");
    assert!(result == "fail" && detail.contains("SSD_CP_PLANS"), "{detail}");
    let (result, detail) = said(&report, "db.table.ssd_cin_plans");
    assert!(result == "fail" && detail.contains("CINP_CIN_PLAN_START_DATE"), "{detail}");
    assert_eq!(said(&report, "db.table.ssd_person").0, "pass", "{report}");
    authority.place.play(["run"]).fails(1, &["SSD_C", "_PLANS"]);
}

#[test]
fn an_account_that_may_only_read_can_show_documents_and_stage_nothing() {
    let Some((authority, dfe)) = filled() else { return };
    let all = authority.place.documents();
    authority.restrict(&dfe, &[]);
    assert_eq!(authority.place.documents(), all, "SELECT is all that reading needs");
    let tables = authority.tables("%");
    let ended = authority.place.play(["run"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_eq!((authority.tables("%"), dfe.stats().records), (tables, 0));
}

#[test]
fn a_table_that_may_not_be_read_is_named() {
    let Some((authority, dfe)) = filled() else { return };
    authority.restrict(&dfe, &[]);
    authority.sql(&format!("REVOKE SELECT ON \"SSD_CIN_PLANS\" FROM {}", authority.account()));
    let report = check(&authority, 1);
    let (result, detail) = said(&report, "db.table.ssd_cin_plans");
    assert!(result == "fail" && detail.contains("SSD_CIN_PLANS"), "{detail}");
    assert_eq!(said(&report, "db.table.ssd_cin_episodes").0, "pass", "{report}");
}

#[test]
fn a_listener_that_is_not_there_and_a_logon_that_is_refused_are_told_apart() {
    let Some((authority, dfe)) = filled() else { return };
    authority.configure(dfe.addr(), "nobody_knows", "secret");
    let report = check(&authority, 1);
    let (result, refused) = said(&report, "db.connect");
    assert!(result == "fail" && refused.contains("refused user or password"), "{refused}");
    let port = postgres().expect("the server").port();
    authority.place.reconfigure(&format!(":{port}/"), ":9/");
    let report = check(&authority, 5);
    let (result, away) = said(&report, "db.connect");
    assert!(result == "fail" && away.contains("cannot be reached"), "{away}");
    assert_eq!(said(&report, "db.table.ssd_person").0, "skipped", "{report}");
}

#[test]
fn plan_and_status_say_what_there_is_to_send_and_what_was_sent() {
    let Some((authority, dfe)) = filled() else { return };
    let plan = authority.place.play(["plan", "--json"]).well().json();
    assert_eq!(authority.tables("SSD\\_API%"), 0, "a plan made tables");
    authority.place.play(["stage"]).well();
    let rows = authority.count("pending");
    assert_eq!((&plan["would_send"]["full"], &plan["staged"]["new"]), (&rows.into(), &rows.into()), "{plan}");
    let waiting = authority.place.run(["status", "--json"]).well().json();
    assert_eq!((&waiting["states"]["pending"], &waiting["open_intents"]), (&rows.into(), &0.into()), "{waiting}");
    assert_eq!((&waiting["last_run"]["command"], dfe.stats().records), (&"stage".into(), 0), "{waiting}");
    authority.place.play(["submit"]).well();
    let sent = authority.place.run(["status", "--json"]).well().json();
    assert_eq!((&sent["states"]["sent"], &sent["states"]["pending"]), (&rows.into(), &0.into()), "{sent}");
    assert_eq!(sent["last_run"]["exit_code"], 0, "{sent}");
    assert_eq!(authority.number(&format!("SELECT COUNT(*) FROM {STAGING}")), rows);
}
