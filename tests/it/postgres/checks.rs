//! `check` on a server: rights, and that creating is tried and taken back.

use csc_bridge_test_postgres::shared;
use serde_json::Value;

use super::authority::Authority;
use crate::program::{Dfe, STAGING};

fn said<'a>(report: &'a Value, id: &str) -> (&'a str, &'a str) {
    let check = report["checks"].as_array().expect("checks").iter().find(|check| check["id"] == id);
    let check = check.unwrap_or_else(|| panic!("no {id}: {report}"));
    (check["result"].as_str().expect("a result"), check["detail"].as_str().expect("a detail"))
}

/// An account that may connect and make temporary tables, and what `grants` say.
fn restrict(authority: &Authority<'_>, dfe: &Dfe, grants: &[String]) {
    let (database, account) = (&authority.database, format!("checker_of_{}", authority.database));
    authority.sql(&format!(
        "CREATE ROLE {account} LOGIN PASSWORD 'narrow';
         REVOKE ALL ON DATABASE {database} FROM PUBLIC; GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {account};
         REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO {account};"
    ));
    for grant in grants {
        authority.sql(&format!("GRANT {grant} TO {account}"));
    }
    authority.configure(dfe.addr(), &account, "narrow");
}

fn reads(authority: &Authority<'_>) -> Vec<String> {
    authority.ssd_tables().iter().map(|table| format!("SELECT ON {table}")).collect()
}

#[test]
fn a_good_account_passes_and_nothing_is_made() {
    let Some(server) = shared() else { return };
    let dfe = Dfe::start();
    let authority = Authority::filled(server, dfe.addr(), 40);
    let report = authority.place.play(["check", "--json"]).well().json();
    let failed = report["checks"].as_array().expect("checks").iter().any(|check| check["result"] == "fail");
    assert!(!failed, "{report}");
    assert_eq!(said(&report, "staging").0, "pass");
    assert_eq!(authority.number("SELECT COUNT(*) FROM pg_class WHERE relname LIKE 'ssd_api%'"), 0, "tables were left");
    assert_eq!(dfe.stats().records, 0);
}

#[test]
fn an_account_that_may_only_read_is_found_before_the_first_run() {
    let Some(server) = shared() else { return };
    let dfe = Dfe::start();
    let authority = Authority::filled(server, dfe.addr(), 40);
    restrict(&authority, &dfe, &reads(&authority));
    let ended = authority.place.play(["check", "--json"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let report = ended.json();
    assert_eq!((said(&report, "db.grants").0, said(&report, "staging").0), ("fail", "fail"), "{report}");
    assert_eq!(said(&report, "db.table.ssd_person").0, "pass");
}

#[test]
fn a_table_that_may_not_be_read_is_named() {
    let Some(server) = shared() else { return };
    let dfe = Dfe::start();
    let authority = Authority::filled(server, dfe.addr(), 40);
    let all = reads(&authority).into_iter();
    let grants: Vec<String> = all.filter(|grant| !grant.contains("ssd_cin_plans")).collect();
    restrict(&authority, &dfe, &grants);
    let report = authority.place.play(["check", "--json"]).json();
    assert_eq!(said(&report, "db.table.ssd_cin_plans").0, "fail", "{report}");
    assert_eq!(said(&report, "db.table.ssd_cin_episodes").0, "pass", "{report}");
    assert_eq!(said(&report, "findings").0, "skipped");
}

#[test]
fn logs_that_the_database_does_not_take_are_a_warning() {
    let Some(server) = shared() else { return };
    let dfe = Dfe::start();
    let authority = Authority::filled(server, dfe.addr(), 40);
    authority.place.play(["stage"]).well();
    authority.sql(&format!("DROP TABLE ssd_api_submission_log, ssd_api_run_log, {STAGING}_anon"));
    let mut grants = reads(&authority);
    grants.push(format!("SELECT, INSERT, UPDATE, DELETE ON {STAGING}"));
    grants.push(format!("USAGE ON SEQUENCE {STAGING}_id_seq"));
    restrict(&authority, &dfe, &grants);
    authority.place.set("staging", "create = \"never\"");
    let ended = authority.place.play(["check", "--json"]);
    let report = ended.json();
    assert_eq!(ended.code, Some(0), "{report}");
    let (result, detail) = said(&report, "staging");
    assert!(result == "warning" && detail.contains("submission-log-845.sqlite"), "{detail}");
    assert!(!authority.place.path("state/submission-log-845.sqlite").exists(), "the file was made");
}
