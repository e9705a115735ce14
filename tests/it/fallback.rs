//! The logs in a SQLite file of this machine, where the database of the staging table refuses them.

use csc_bridge_dfe_csc_simulator::{Fault, FaultKind, Faults, Settings};
use rusqlite::Connection;

use crate::program::{Dfe, Place};
use crate::staged::staged;

pub const LOG_FILE: &str = "state/submission-log-845.sqlite";

/// So many rows to be sent, in a database whose owner creates no tables for us.
pub fn refused(dfe: &Dfe, rows: usize) -> Place {
    let place = staged(dfe.addr(), rows);
    place.sql("DROP TABLE ssd_api_submission_log; DROP TABLE ssd_api_run_log");
    place.set("staging", "create = \"never\"");
    place
}

fn log(place: &Place) -> Connection {
    Connection::open(place.path(LOG_FILE)).expect("the log's file")
}

pub fn in_log(place: &Place, condition: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM ssd_api_submission_log WHERE {condition}");
    log(place).query_row(&sql, [], |row| row.get(0)).expect("a count")
}

/// Makes unanswered requests old enough to be taken up.
pub fn age_intents(place: &Place) {
    let sql = "UPDATE ssd_api_submission_log SET opened_at = '2001-01-01 00:00:00.000' WHERE outcome IS NULL";
    log(place).execute_batch(sql).expect("an update");
}

#[test]
fn a_database_without_the_logs_gets_none_and_a_file_of_this_machine_keeps_them() {
    let dfe = Dfe::start();
    let place = refused(&dfe, 60);
    let before = place.run(["status", "--json"]).well().json();
    assert_eq!((&before["states"]["pending"], &before["last_run"]), (&60.into(), &serde_json::Value::Null));
    let would = place.play(["submit", "--dry-run", "--json"]).well().json();
    assert_eq!(would["submitted"]["left_pending"], 60, "{would}");
    assert!(!place.path(LOG_FILE).exists(), "a command that only looks made a file");

    let sent = place.play(["submit", "--json"]).well();
    assert_eq!(sent.json()["submitted"]["sent"], 60);
    let name = LOG_FILE.rsplit_once('/').expect("a folder").1;
    assert!(sent.stderr.contains(name) && sent.stderr.contains("no other machine may send"), "{}", sent.stderr);
    assert_eq!(place.number("SELECT COUNT(*) FROM sqlite_schema WHERE name LIKE '%submission_log%'"), 0);
    assert_eq!((in_log(&place, "outcome = 'accepted' AND response_id IS NOT NULL"), in_log(&place, "1 = 1")), (60, 60));

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(place.path(LOG_FILE)).expect("the file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "the file names children, and others may read it: {mode:o}");
    }

    let status = place.run(["status", "--json"]).well().json();
    assert_eq!((&status["states"]["sent"], &status["open_intents"]), (&60.into(), &0.into()));
    assert_eq!(status["last_run"]["command"], "submit");
    // The whole night works so, and guards have a run to compare with.
    place.reconfigure("create = \"never\"", "create = \"if_missing\"");
    let runs = "SELECT COUNT(*) FROM ssd_api_run_log";
    assert_eq!(log(&place).query_row(runs, [], |row| row.get::<_, i64>(0)).expect("a count"), 1);
    assert_eq!(place.play(["submit", "--json"]).well().json()["submitted"]["requests"], 0);
    // A log that lives in the file stays there, for it may know of what nobody else knows.
    assert_eq!(place.number("SELECT COUNT(*) FROM sqlite_schema WHERE name LIKE '%submission_log%'"), 0);
}

#[test]
fn a_whole_night_with_the_logs_in_a_file_stages_and_sends_what_changed() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 120);
    place.play(["stage"]).well();
    place.sql("DROP TABLE ssd_api_submission_log; DROP TABLE ssd_api_run_log");
    place.set("staging", "create = \"never\"");
    place.play(["run"]).well();
    place.converged(&dfe);
    place.run(["mutate", "--percent", "10", "--seed", "4"]).well();
    let second = place.play(["run", "--json"]).well().json();
    assert!(second["submitted"]["sent"].as_u64() > Some(0), "{second}");
    assert_eq!(second["recovered"]["unsure"], 0, "{second}");
    place.converged(&dfe);
    place.sql("DELETE FROM ssd_disability");
    let third = place.play(["run"]);
    third.fails(4, &["ssd_disability"]);
}

#[test]
fn answers_that_never_came_are_taken_up_from_the_file() {
    let fault = |numbers: [u64; 1], kind| Fault::requests(numbers, kind);
    let faults = vec![fault([1], FaultKind::Lost), fault([2], FaultKind::HangAfter)];
    let dfe = Dfe::with(Settings { faults: Faults { faults, ..Faults::default() }, ..Settings::default() });
    let place = refused(&dfe, 60);
    place.set("sink", "max_records = 20\nrequest_timeout = \"400ms\"");
    let first = place.play(["submit", "--json"]);
    assert_eq!(first.json()["submitted"]["unknown"], 40, "{}", first.stderr);
    assert_eq!((in_log(&place, "outcome IS NULL"), place.count("sent")), (40, 20));
    // Nothing is known of them yet, so they wait.
    assert_eq!(place.play(["submit", "--json"]).well().json()["submitted"]["sent"], 0);
    age_intents(&place);
    let last = place.play(["submit", "--json"]).well().json();
    assert_eq!((&last["recovered"]["unsure"], &last["submitted"]["sent"]), (&40.into(), &40.into()));
    assert_eq!((in_log(&place, "outcome = 'unknown'"), place.count("sent")), (40, 60));
}
