//! `check`, `plan` and `status`: what is missing, what an account may not do, and what there is to send.

use serde_json::Value;

use super::authority::{Authority, Cms, MOSAIC, SYSTEMC, postgres};
use crate::program::{Dfe, STAGING};

fn said<'a>(report: &'a Value, id: &str) -> (&'a str, &'a str) {
    let check = report["checks"].as_array().expect("checks").iter().find(|check| check["id"] == id);
    let check = check.unwrap_or_else(|| panic!("no {id}: {report}"));
    (check["result"].as_str().expect("a result"), check["detail"].as_str().expect("a detail"))
}

/// A database with a few children, and the DfE that hears nothing of them.
fn filled(cms: Cms) -> Option<(Authority<'static>, Dfe)> {
    let dfe = Dfe::start();
    Some((Authority::filled(postgres()?, cms, dfe.addr(), 30), dfe))
}

/// How `check` ended, and what it said.
fn check(authority: &Authority<'_>, code: i32) -> Value {
    let ended = authority.place.play(["check", "--json"]);
    let report = ended.json();
    assert_eq!(ended.code, Some(code), "{report}");
    assert_eq!(report["exit_code"], code);
    report
}

#[test]
fn a_good_account_passes_and_nothing_is_made() {
    for cms in [SYSTEMC, MOSAIC] {
        let Some((authority, dfe)) = filled(cms) else { return };
        let report = check(&authority, 0);
        let failed = report["checks"].as_array().expect("checks").iter().any(|check| check["result"] == "fail");
        assert!(!failed, "{report}");
        assert_eq!(said(&report, "staging").0, "pass", "{report}");
        assert_eq!(authority.tables("ssd_api%"), 0, "tables were left");
        assert_eq!(dfe.stats().records, 0);
    }
}

#[test]
fn a_missing_table_and_a_missing_column_are_named() {
    let Some((authority, _dfe)) = filled(SYSTEMC) else { return };
    authority.tsql("DROP TABLE ssd_development.ssd_cp_plans");
    authority.sql("ALTER TABLE ssd_cin_plans DROP COLUMN cinp_cin_plan_start_date");
    let report = check(&authority, 1);
    let (result, detail) = said(&report, "db.table.ssd_cp_plans");
    assert!(result == "fail" && detail.contains("ssd_development.ssd_cp_plans"), "{detail}");
    let (result, detail) = said(&report, "db.table.ssd_cin_plans");
    assert!(result == "fail" && detail.contains("cinp_cin_plan_start_date"), "{detail}");
    assert_eq!(said(&report, "db.table.ssd_person").0, "pass", "{report}");
    assert_eq!(said(&report, "findings").0, "skipped", "{report}");
    // A run ends as well, and stages nobody.
    authority.place.play(["run"]).fails(1, &["ssd_c", "_plans"]);
    assert_eq!(authority.number(&format!("SELECT COUNT(*) FROM {STAGING}")), 0);
}

#[test]
fn a_schema_that_is_not_there_is_named_and_tables_in_another_are_not_taken_for_it() {
    let Some((authority, _dfe)) = filled(SYSTEMC) else { return };
    authority.place.set("source", "schema = \"dbo\"");
    let report = check(&authority, 1);
    let (result, detail) = said(&report, "db.table.ssd_person");
    assert!(result == "fail" && detail.contains("dbo.ssd_person"), "{detail}");
}

#[test]
fn an_account_that_may_only_read_is_found_before_the_first_run() {
    for cms in [SYSTEMC, MOSAIC] {
        let Some((authority, dfe)) = filled(cms) else { return };
        authority.restrict(&dfe, &[]);
        let report = check(&authority, 1);
        assert_eq!((said(&report, "db.grants").0, said(&report, "staging").0), ("fail", "fail"), "{report}");
        assert_eq!(said(&report, "db.table.ssd_person").0, "pass", "{report}");
        let said = authority.place.play(["run"]);
        assert_eq!(said.code, Some(1), "{}", said.stderr);
        assert_eq!((authority.tables("ssd_api%"), dfe.stats().records), (0, 0));
    }
}

#[test]
fn a_table_that_may_not_be_read_is_named() {
    let Some((authority, dfe)) = filled(SYSTEMC) else { return };
    authority.restrict(&dfe, &[]);
    authority.sql(&format!("REVOKE SELECT ON ssd_cin_plans FROM {}", authority.account()));
    let report = check(&authority, 1);
    let (result, detail) = said(&report, "db.table.ssd_cin_plans");
    assert!(result == "fail" && detail.contains("ssd_cin_plans"), "{detail}");
    assert_eq!(said(&report, "db.table.ssd_cin_episodes").0, "pass", "{report}");
    assert_eq!(said(&report, "findings").0, "skipped", "{report}");
}

#[test]
fn a_server_that_is_not_there_and_a_logon_that_is_refused_are_told_apart() {
    let Some((authority, dfe)) = filled(SYSTEMC) else { return };
    authority.configure(dfe.addr(), "nobody_knows", "secret");
    let report = check(&authority, 1);
    let (result, refused) = said(&report, "db.connect");
    assert!(result == "fail" && refused.contains("refused the logon"), "{refused}");
    authority.configure(dfe.addr(), "sa", super::session::PASSWORD);
    authority.place.reconfigure(&format!("= {}\n", authority.server.port()), "= 9\n");
    let report = check(&authority, 5);
    let (result, away) = said(&report, "db.connect");
    assert!(result == "fail" && away.contains("cannot be reached"), "{away}");
    assert_eq!(said(&report, "db.table.ssd_person").0, "skipped", "{report}");
}

#[test]
fn plan_and_status_say_what_there_is_to_send_and_what_was_sent() {
    for cms in [SYSTEMC, MOSAIC] {
        let Some((authority, dfe)) = filled(cms) else { return };
        let plan = authority.place.play(["plan", "--json"]).well().json();
        assert_eq!(authority.tables("ssd_api%"), 0, "a plan made tables");
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
    }
}
