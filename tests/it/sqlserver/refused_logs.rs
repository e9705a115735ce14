//! A logon that may read the SSD and write the staging table, and create nothing: the logs live in a file of this machine.

use rusqlite::Connection;

use super::authority::{Authority, Cms, MOSAIC, SYSTEMC, postgres};
use super::session::PASSWORD;
use crate::program::{Dfe, STAGING};

const LOG_FILE: &str = "state/submission-log-845.sqlite";

/// All that staging needs.
fn staging_grants() -> [String; 2] {
    [format!("SELECT, INSERT, UPDATE, DELETE ON {STAGING}"), format!("USAGE ON SEQUENCE {STAGING}_id_seq")]
}

/// The staging table as somebody with the right to created it, without logs and twin.
fn with_staging_table(authority: &Authority<'_>) {
    authority.place.play(["stage"]).well();
    authority.sql(&format!(
        "DROP TABLE ssd_api_submission_log, ssd_api_run_log, {STAGING}_anon; TRUNCATE {STAGING} RESTART IDENTITY"
    ));
}

fn in_file(authority: &Authority<'_>, condition: &str) -> i64 {
    let log = Connection::open(authority.place.path(LOG_FILE)).expect("the log's file");
    let sql = format!("SELECT COUNT(*) FROM ssd_api_submission_log WHERE {condition}");
    log.query_row(&sql, [], |row| row.get(0)).expect("a count")
}

/// Two nights of a logon that may create nothing.
fn nights(cms: Cms, prepare: impl Fn(&Authority<'_>)) {
    let Some(postgres) = postgres() else { return };
    let dfe = Dfe::start();
    let authority = Authority::filled(postgres, cms, dfe.addr(), 60);
    with_staging_table(&authority);
    authority.restrict(&dfe, &staging_grants());
    prepare(&authority);
    let place = &authority.place;
    let first = place.play(["run", "--json"]).well();
    assert!(first.stderr.contains(LOG_FILE) && first.stderr.contains("no other machine may send"), "{}", first.stderr);
    let sent = first.json()["submitted"]["sent"].as_i64().expect("a number");
    assert!(sent > 30, "{sent}");
    assert_eq!((in_file(&authority, "outcome = 'accepted'"), in_file(&authority, "1 = 1")), (sent, sent));
    assert_eq!((authority.tables("ssd_api_%"), authority.tables(STAGING)), (1, 1), "a table was created");

    let renamed = "UPDATE ssd_person SET pers_forename = 'Zoë' WHERE pers_person_id IN
                   (SELECT person_id FROM ssd_api_data_staging ORDER BY id LIMIT 7)";
    authority.sql(renamed);
    let second = place.play(["run", "--json"]).well().json();
    assert_eq!(second["submitted"]["sent"], 7, "{second}");
    assert_eq!(in_file(&authority, "outcome = 'accepted'"), sent + 7);
    let (wanted, held) = (place.documents(), dfe.children());
    assert!(wanted.iter().all(|(child, document)| held.get(child) == Some(document)), "DfE holds something else");
    let third = place.play(["run", "--json"]).well().json();
    assert_eq!((&third["staged"]["written"], &third["submitted"]["requests"]), (&0.into(), &0.into()), "{third}");
}

#[test]
fn a_logon_that_may_create_nothing_keeps_the_logs_in_a_file_and_sends() {
    nights(SYSTEMC, |_| {});
}

#[test]
fn with_create_never_nothing_is_tried_and_the_logs_live_in_a_file() {
    nights(MOSAIC, |authority| authority.place.set("staging", "create = \"never\""));
}

#[test]
fn a_logon_without_the_right_to_write_the_staging_table_sends_nothing() {
    let Some(postgres) = postgres() else { return };
    let dfe = Dfe::start();
    let authority = Authority::staged(postgres, SYSTEMC, dfe.addr(), 20);
    authority.restrict(&dfe, &[format!("SELECT ON {STAGING}, ssd_api_submission_log, ssd_api_run_log")]);
    authority.place.play(["submit"]).fails(1, &[STAGING, "does not grant this user"]);
    assert_eq!((dfe.stats().requests, authority.count("pending")), (0, 20));
    // With the right back, all is as it was.
    authority.configure(dfe.addr(), "sa", PASSWORD);
    assert_eq!(authority.place.play(["submit", "--json"]).well().json()["submitted"]["sent"], 20);
}
