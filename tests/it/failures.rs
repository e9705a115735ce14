//! Whatever goes wrong in a run: one message, what to do about it, the exit code of the manual, and nothing lost. Once the cause is
//! removed, the next run mends it.

use std::fs::OpenOptions;
use std::net::SocketAddr;

use rusqlite::types::Value as Sql;

use crate::api::{Api, Reply};
use crate::program::{Dfe, NOBODY, Place, STAGING};

/// A cohort staged, with nothing sent yet.
fn staged(api: SocketAddr) -> Place {
    let place = Place::filled(api, 150);
    place.play(["stage"]).well();
    place
}

/// The rows that are to be sent: nothing of them may change when a run fails.
fn rows(place: &Place) -> Vec<Vec<Sql>> {
    place.table(STAGING)
}

/// The cause is gone: the next run sends everything, and DfE holds what the SSD says.
fn mends(place: &Place) {
    let dfe = Dfe::start();
    mends_with(place, &dfe);
}

fn mends_with(place: &Place, dfe: &Dfe) {
    place.configure(dfe.addr());
    place.play(["run"]).well();
    assert_eq!((place.count("pending"), place.count("error")), (0, 0));
    place.converged(dfe);
}

/// Breaks the SSD, runs, and mends it again.
fn broken_ssd(break_it: &str, mend_it: &str, code: i32, words: &[&str]) {
    let place = staged(NOBODY);
    let before = rows(&place);
    place.sql(break_it);
    for command in ["stage", "run"] {
        place.play([command]).fails(code, words);
    }
    assert!(rows(&place) == before, "the staging table changed");
    place.sql(mend_it);
    mends(&place);
}

#[test]
fn a_missing_database_is_unreachable() {
    missing_database(&["payload", "mutate"]);
}

#[test]
fn a_missing_database_is_not_made_by_a_run() {
    missing_database(&["stage", "submit", "run"]);
}

fn missing_database(commands: &[&str]) {
    let place = staged(NOBODY);
    let before = rows(&place);
    std::fs::rename(place.path("cohort.db"), place.path("away.db")).expect("a rename");
    for command in commands {
        place.play([command]).fails(5, &["cohort.db does not exist"]);
        assert!(!place.path("cohort.db").exists(), "{command} made an empty database");
    }
    std::fs::rename(place.path("away.db"), place.path("cohort.db")).expect("a rename");
    assert!(rows(&place) == before);
    mends(&place);
}

#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    let place = Place::new(NOBODY);
    let text = "this is a letter, and no database at all\n".repeat(200);
    place.write("cohort.db", &text);
    for command in ["stage", "submit", "run", "payload", "generate", "mutate"] {
        place.play([command]).fails(1, &["is not a SQLite database"]);
    }
    place.run(["status"]).fails(1, &["is not a SQLite database"]);
    assert_eq!(place.read("cohort.db"), text);
}

#[test]
fn a_missing_table_is_named() {
    broken_ssd(
        "ALTER TABLE ssd_cin_plans RENAME TO away",
        "ALTER TABLE away RENAME TO ssd_cin_plans",
        1,
        &["the table ssd_cin_plans does not exist"],
    );
}

#[test]
fn a_missing_column_is_named() {
    broken_ssd(
        "ALTER TABLE ssd_person RENAME COLUMN pers_upn TO away",
        "ALTER TABLE ssd_person RENAME COLUMN away TO pers_upn",
        1,
        &["ssd_person has no column pers_upn"],
    );
}

#[test]
fn bytes_in_a_column_of_text_are_named() {
    broken_ssd(
        "CREATE TABLE kept AS SELECT rowid AS at, pers_surname AS name FROM ssd_person;
         UPDATE ssd_person SET pers_surname = x'00ff' WHERE rowid = 7",
        "UPDATE ssd_person SET pers_surname = (SELECT name FROM kept WHERE at = ssd_person.rowid)",
        1,
        &["pers_surname", "BLOB"],
    );
}

#[test]
fn a_locked_database_is_left_alone() {
    let place = staged(NOBODY);
    place.play(["mutate", "--percent", "30"]).well();
    place.reconfigure("lock_timeout = \"10s\"", "lock_timeout = \"50ms\"");
    let before = rows(&place);
    let other = place.database();
    other.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
    for command in ["stage", "submit", "run"] {
        place.play([command]).fails(1, &["cohort.db", "is locked by another program"]);
    }
    other.execute_batch("COMMIT").expect("the transaction ends");
    drop(other);
    assert!(rows(&place) == before, "the staging table changed");
    mends(&place);
}

#[test]
fn a_second_stage_and_a_second_submit_wait_for_the_first() {
    for (lock, commands, words) in [
        ("stage", ["stage", "run"], "another csc-bridge stages"),
        ("submit", ["submit", "run"], "another csc-bridge sends from"),
    ] {
        let place = staged(NOBODY);
        let before = rows(&place);
        let path = place.path(&format!("cohort.db.{STAGING}.{lock}.lock"));
        let held = OpenOptions::new().create(true).truncate(false).write(true).open(path).expect("the lock file");
        held.lock().expect("the lock");
        for command in commands {
            place.play([command]).fails(1, &[words, STAGING]);
        }
        assert!(rows(&place) == before, "the staging table changed");
        place.run(["status"]).well();
        drop(held);
        mends(&place);
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_is_named() {
    use std::fs::{Permissions, create_dir, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    let place = staged(NOBODY);
    create_dir(place.path("closed")).expect("a folder");
    std::fs::copy(place.path("cohort.db"), place.path("closed/cohort.db")).expect("a copy");
    set_permissions(place.path("closed"), Permissions::from_mode(0o555)).expect("permissions");
    if std::fs::write(place.path("closed/probe"), "").is_ok() {
        return; // Nothing is closed to this account (root).
    }
    let before = rows(&place);
    place.reconfigure("state_dir = \"state\"", "state_dir = \"closed/state\"");
    place.play(["run"]).fails(1, &["the state folder", "cannot be used"]);
    place.reconfigure("state_dir = \"closed/state\"", "state_dir = \"state\"\n[log]\nfile = \"closed/log\"\n");
    place.play(["run"]).fails(1, &["the log file", "cannot be written"]);
    place.configure(NOBODY);
    place.reconfigure("\"cohort.db\"", "\"closed/cohort.db\"");
    let ended = place.play(["run"]);
    assert!([Some(1), Some(5)].contains(&ended.code), "{}", ended.stderr);
    ended.fails(ended.code.expect("a code"), &["closed/cohort.db"]);
    set_permissions(place.path("closed"), Permissions::from_mode(0o755)).expect("permissions");
    assert!(rows(&place) == before);
    mends(&place);
}

/// A sender's run against a DfE end that fails: nothing is lost, and the next run mends it.
fn failing(api: &Api, code: i32, words: &[&str]) {
    let place = staged(api.addr());
    let before = rows(&place);
    let ended = place.play(["submit", "--json"]);
    let message = ended.fails(code, words);
    assert!(rows(&place) == before, "the staging table changed");
    assert_eq!(place.count("pending"), before.len() as i64);
    let report = ended.json();
    assert_eq!(report["exit_code"], code);
    assert_eq!(format!("error: {}", report["error"]["message"].as_str().expect("a message")), message);
    assert_eq!(report["submitted"]["left_pending"], before.len(), "{report}");
    assert!(["systemic", "breaker"].contains(&report["stopped"].as_str().expect("why")), "{report}");
    let status = place.run(["status", "--json"]).well().json();
    assert_eq!(status["last_run"]["exit_code"], code, "the run log says how the run ended");
    assert_eq!(status["states"]["pending"], before.len());
    assert!(status["oldest_pending"].is_string(), "{status}");
    mends(&place);
}

#[test]
fn an_api_that_is_not_there_loses_nothing() {
    let place = staged(NOBODY);
    let before = rows(&place);
    for command in ["submit", "run"] {
        place.play([command]).fails(5, &["127.0.0.1", "the connection was refused"]);
    }
    assert!(rows(&place) == before, "the staging table changed");
    assert_eq!(place.run(["status", "--json"]).well().json()["open_intents"], 0);
    mends(&place);
}

#[test]
fn an_api_that_refuses_the_token_ends_the_run() {
    failing(&Api::always(401, "no"), 1, &["the API answered 401"]);
}

#[test]
fn an_api_that_refuses_the_key_ends_the_run() {
    failing(&Api::always(403, "no"), 1, &["403"]);
}

#[test]
fn an_address_with_nothing_behind_it_ends_the_run() {
    failing(&Api::always(404, "no"), 2, &["the API answered 404"]);
}

#[test]
fn an_address_that_has_moved_ends_the_run() {
    failing(&Api::always(302, "no"), 2, &["the API answered 302"]);
}

#[test]
fn an_api_that_asks_for_patience_ends_the_run() {
    failing(&Api::always(429, "no"), 5, &["the API answered 429"]);
}

#[test]
fn a_token_endpoint_that_refuses_ends_the_run() {
    let api = Api::start(|_| Reply::Answer(401, r#"{"error":"invalid_client"}"#.into()));
    failing(&api, 1, &["it answered 401 and gave no token", "invalid_client"]);
}

#[test]
fn answers_that_never_came_are_taken_up_by_a_later_run() {
    for (reply, what) in [
        (Reply::Close, "nothing"),
        (Reply::Cut(200, r#"["2026-11-19_10:11:12.13_id"#.into()), "half an answer"),
        (Reply::Answer(200, "well done".into()), "no receipts"),
        (Reply::Answer(200, "[]".into()), "too few receipts"),
    ] {
        let reply = std::sync::Mutex::new(Some(reply));
        let api = Api::failing(move |_| reply.lock().expect("unharmed").take().unwrap_or(Reply::Close));
        let place = staged(api.addr());
        let report = place.play(["submit", "--json"]);
        assert_eq!(report.code, Some(1), "{what}: {}", report.stderr);
        let unknown = report.json()["submitted"]["unknown"].as_i64().expect("a number");
        assert!(unknown > 0, "{what}: {}", report.stdout);
        assert_eq!(place.count("pending"), place.number(&format!("SELECT COUNT(*) FROM {STAGING}")), "{what}");
        assert_eq!(place.run(["status", "--json"]).well().json()["open_intents"], unknown, "{what}");

        // Too young to be taken up: they are not sent a second time while the first request may still be on its way.
        let dfe = Dfe::start();
        place.configure(dfe.addr());
        place.play(["submit"]).well();
        assert_eq!(place.count("pending"), unknown, "{what}");
        place.age_intents();
        let report = place.play(["run", "--json"]).well().json();
        assert_eq!(report["submitted"]["sent"], unknown, "{what}: {report}");
        mends_with(&place, &dfe);
    }
}

#[test]
fn an_api_out_of_order_puts_rows_in_error_and_the_next_run_sends_them() {
    let api = Api::always(500, "out of order");
    let place = staged(api.addr());
    let children = place.number(&format!("SELECT COUNT(*) FROM {STAGING}"));
    let documents = "SELECT group_concat(json_payload) FROM ssd_api_data_staging";
    let before = place.text(documents);
    let first = place.play(["submit", "--json"]);
    assert_eq!(first.code, Some(3), "{}", first.stderr);
    assert_eq!(first.json()["submitted"]["failed"], children);
    assert_eq!(place.count("error"), children);
    assert_eq!(place.text(documents), before);
    assert_eq!(place.number(&format!("SELECT COUNT(*) FROM {STAGING} WHERE api_response LIKE '%500%'")), children);
    place.age_intents();
    mends(&place);

    // Five batches in a row, or as many as the configuration says, and the run ends: what was not tried stays pending.
    let place = staged(api.addr());
    place.reconfigure(
        "max_attempts    = 2",
        "max_attempts = 1\nmax_records = 10\nconcurrency = 1\nstop_after_failed_batches = 3",
    );
    place.play(["submit"]).fails(5, &["the API answered 500"]);
    // The half of the third batch that failed last ends the run before the other half is tried.
    assert_eq!((place.count("error"), place.count("pending")), (25, children - 25));
    place.age_intents();
    mends(&place);
}
