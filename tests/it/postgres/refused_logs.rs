//! An account that may read the SSD and write the staging table, and create nothing: the logs live in a file of this machine.

use csc_bridge_dfe_csc_simulator::{Fault, FaultKind, Faults, Settings};
use csc_bridge_test_postgres::shared;
use rusqlite::Connection;

use super::authority::Authority;
use crate::program::{Dfe, STAGING};

const LOG_FILE: &str = "state/submission-log-845.sqlite";

/// Makes an account for this database that may connect and make temporary tables, read the SSD, and do this with the tables of staging;
/// and lets the configuration use it.
fn restrict(authority: &Authority<'_>, dfe: &Dfe, grants: &str) {
    let (database, account) = (&authority.database, format!("account_of_{}", authority.database));
    authority.sql(&format!(
        "CREATE ROLE {account} LOGIN PASSWORD 'narrow';
         REVOKE ALL ON DATABASE {database} FROM PUBLIC; GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {account};
         REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO {account};"
    ));
    for table in authority.ssd_tables() {
        authority.sql(&format!("GRANT SELECT ON {table} TO {account}"));
    }
    for grant in grants.lines() {
        authority.sql(&format!("GRANT {grant} TO {account}"));
    }
    authority.configure(dfe.addr(), &account, "narrow");
}

/// All that staging needs, with and without a row's number from a sequence.
fn staging_grants() -> String {
    format!("SELECT, INSERT, UPDATE, DELETE ON {STAGING}\nUSAGE ON SEQUENCE {STAGING}_id_seq")
}

/// The staging table and its twin, as somebody with the right to created them.
fn with_staging_tables(authority: &Authority<'_>) {
    authority.place.play(["stage"]).well();
    authority.sql(&format!("DROP TABLE ssd_api_submission_log, ssd_api_run_log; TRUNCATE {STAGING} RESTART IDENTITY"));
}

fn in_file(authority: &Authority<'_>, condition: &str) -> i64 {
    let log = Connection::open(authority.place.path(LOG_FILE)).expect("the log's file");
    let sql = format!("SELECT COUNT(*) FROM ssd_api_submission_log WHERE {condition}");
    log.query_row(&sql, [], |row| row.get(0)).expect("a count")
}

/// Two nights of an account that may create nothing.
fn nights(authority: &Authority<'_>, dfe: &Dfe) {
    let place = &authority.place;
    let tables = authority.tables("ssd_api_%");
    let first = place.play(["run", "--json"]).well();
    assert!(first.stderr.contains(LOG_FILE) && first.stderr.contains("no other machine may send"), "{}", first.stderr);
    let sent = first.json()["submitted"]["sent"].as_i64().expect("a number");
    assert_eq!((in_file(authority, "outcome = 'accepted'"), in_file(authority, "1 = 1")), (sent, sent));
    assert_eq!(authority.tables("ssd_api_%"), tables, "a table was created");
    place.converged(dfe);

    let superuser = Authority::on(authority.server, authority.database.clone(), dfe.addr());
    superuser.place.play(["mutate", "--percent", "20"]).well();
    let second = place.play(["run", "--json"]).well().json();
    assert!(second["submitted"]["sent"].as_u64() > Some(0), "{second}");
    place.converged(dfe);
    let third = place.play(["run", "--json"]).well().json();
    assert_eq!((&third["staged"]["written"], &third["submitted"]["requests"]), (&0.into(), &0.into()), "{third}");
}

#[test]
fn an_account_that_may_create_nothing_keeps_the_logs_in_a_file_and_sends() {
    let Some(server) = shared() else { return };
    let dfe = Dfe::start();
    let authority = Authority::filled(server, dfe.addr(), 200);
    with_staging_tables(&authority);
    restrict(&authority, &dfe, &staging_grants());
    nights(&authority, &dfe);
}

#[test]
fn with_create_never_nothing_is_tried_and_the_logs_live_in_a_file() {
    let Some(server) = shared() else { return };
    let dfe = Dfe::start();
    let authority = Authority::filled(server, dfe.addr(), 200);
    with_staging_tables(&authority);
    authority.sql(&format!("DROP TABLE {STAGING}_anon"));
    restrict(&authority, &dfe, &staging_grants());
    authority.place.set("staging", "create = \"never\"");
    nights(&authority, &dfe);
}

#[test]
fn an_account_that_may_not_create_the_twin_sends_without_it() {
    let Some(server) = shared() else { return };
    let dfe = Dfe::start();
    let authority = Authority::filled(server, dfe.addr(), 200);
    with_staging_tables(&authority);
    authority.sql(&format!("DROP TABLE {STAGING}_anon"));
    restrict(&authority, &dfe, &staging_grants());
    nights(&authority, &dfe);
}

#[test]
fn a_log_that_may_no_longer_be_written_is_not_left_behind_while_requests_in_it_wait() {
    let Some(server) = shared() else { return };
    let faults = Faults { faults: vec![Fault::requests([1], FaultKind::Lost)], ..Faults::default() };
    let dfe = Dfe::with(Settings { faults, ..Settings::default() });
    let authority = Authority::staged(server, dfe.addr(), 60);
    authority.place.set("sink", "max_records = 20\nmax_attempts = 1\nrequest_timeout = \"400ms\"");
    authority.place.reconfigure("max_attempts    = 2\n", "");
    authority.place.play(["submit"]);
    assert_eq!(authority.open_intents(), 20);
    let grants = staging_grants() + "\nSELECT ON ssd_api_submission_log, ssd_api_run_log";
    restrict(&authority, &dfe, &grants);
    let requests = dfe.stats().requests;
    authority.place.play(["submit"]).fails(1, &["may no longer be written", "20 requests in it have no answer"]);
    assert_eq!(dfe.stats().requests, requests);
    assert!(!authority.place.path(LOG_FILE).exists(), "a file was made");

    // Once no request waits, the log moves to a file.
    let superuser = Authority::on(server, authority.database.clone(), dfe.addr());
    authority.age_intents();
    superuser.place.play(["submit"]).well();
    assert_eq!((authority.open_intents(), authority.count("sent")), (0, 60));
    authority.sql(&format!(
        "UPDATE {STAGING} SET submission_status = 'pending' WHERE id IN (SELECT MIN(id) FROM {STAGING})"
    ));
    let moved = authority.place.play(["submit", "--json"]).well();
    assert_eq!(moved.json()["submitted"]["sent"], 1);
    assert_eq!(in_file(&authority, "outcome = 'accepted'"), 1);
}

#[test]
fn an_account_without_the_right_to_write_the_staging_table_sends_nothing() {
    let Some(server) = shared() else { return };
    let dfe = Dfe::start();
    let authority = Authority::staged(server, dfe.addr(), 20);
    restrict(&authority, &dfe, &format!("SELECT ON {STAGING}, ssd_api_submission_log, ssd_api_run_log"));
    authority.place.play(["submit"]).fails(1, &[STAGING, "does not grant this user"]);
    assert_eq!((dfe.stats().requests, authority.count("pending")), (0, 20));
}
