//! `check`: what each check says of a setup that is right, and of one thing after another that is wrong.

use std::fs;

use csc_bridge_dfe_csc_simulator::{Fault, FaultKind, Faults, Settings};
use serde_json::Value;

use crate::program::{Dfe, Ended, NOBODY, Place};

/// What a check said.
fn said<'a>(report: &'a Value, id: &str) -> (&'a str, &'a str) {
    let checks = report["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("no {id}: {report}"));
    (check["result"].as_str().expect("a result"), check["detail"].as_str().expect("a detail"))
}

fn ids(report: &Value) -> Vec<&str> {
    report["checks"].as_array().expect("checks").iter().map(|check| check["id"].as_str().expect("an id")).collect()
}

/// The checks that ended in a way.
fn those(report: &Value, result: &str) -> Vec<String> {
    ids(report).into_iter().filter(|id| said(report, id).0 == result).map(str::to_owned).collect()
}

/// Runs `check`, which ends with this code and says so.
fn check(place: &Place, code: i32) -> Value {
    report(place.play(["check", "--json"]), code)
}

fn report(ended: Ended, code: i32) -> Value {
    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.stdout);
    let report = ended.json();
    assert_eq!(report["exit_code"], code);
    assert!(report.get("error").is_none(), "{report}");
    for check in report["checks"].as_array().expect("checks") {
        let has_advice = check["advice"].as_str().is_some_and(|advice| advice.len() > 5);
        let is_wrong = ["fail", "warning"].contains(&check["result"].as_str().expect("a result"));
        assert_eq!(has_advice, is_wrong, "{check}");
    }
    report
}

/// The database file, with all that was committed in it.
fn database(place: &Place) -> Vec<u8> {
    place.database().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
    fs::read(place.path("cohort.db")).expect("the database")
}

fn takes_no_secret_out(place: &Place, ended: &Ended) {
    let mut texts = vec![("stdout".to_owned(), ended.stdout.clone()), ("stderr".to_owned(), ended.stderr.clone())];
    let logs = place.state_files().into_iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "log"));
    texts.extend(logs.map(|(path, text)| (path.display().to_string(), text)));
    let database = place.database();
    let sql = "SELECT TRIM(pers_person_id) FROM ssd_person UNION SELECT pers_surname FROM ssd_person \
               UNION SELECT pers_forename FROM ssd_person UNION SELECT pers_dob FROM ssd_person";
    let mut values = database.prepare(sql).expect("a query");
    let values = values.query_map([], |row| row.get::<_, Option<String>>(0)).expect("values");
    let values = values.filter_map(|value| value.expect("a value")).filter(|value| value.len() > 5);
    let values: Vec<String> = values.chain(["a-secret".to_owned()]).collect();
    assert!(values.len() > 40);
    for (name, text) in texts {
        let leaked = values.iter().find(|value| text.contains(value.as_str()));
        assert!(leaked.is_none(), "{leaked:?} is in {name}: {text}");
    }
}

#[test]
fn a_good_setup_passes_and_nothing_is_written_or_sent() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 40);
    let before = database(&place);
    let ended = place.play(["check", "--json"]);
    takes_no_secret_out(&place, &ended);
    let report = report(ended, 0);

    assert!(database(&place) == before, "the database was written to");
    assert_eq!(place.number("SELECT COUNT(*) FROM sqlite_schema WHERE name LIKE 'ssd_api%'"), 0);
    assert_eq!((dfe.stats().records, dfe.children().len()), (0, 0), "a child was sent");
    assert_eq!(report["command"], "check");
    assert_eq!(report["dry_run"], true);
    assert_eq!(those(&report, "fail"), [""; 0]);
    assert_eq!(those(&report, "skipped"), ["api.test_record"]);
    // Made-up children have some records that break the rules.
    assert_eq!(report["result"], "warning");
    assert_eq!(said(&report, "findings").0, "warning");
    let findings = report["findings"].as_array().expect("findings");
    assert!(findings.iter().all(|found| found["example"].is_null() || found["count"].as_u64() > Some(0)));
    assert!(!findings.is_empty());

    let ids = ids(&report);
    for id in [
        "config",
        "secrets",
        "state_dir",
        "db.connect",
        "db.grants",
        "staging",
        "api.token",
        "api.reach",
        "clock",
        "api.test_record",
        "findings",
    ] {
        assert_eq!(ids.iter().filter(|known| **known == id).count(), 1, "{id}");
    }
    assert_eq!(said(&report, "db.table.ssd_person").0, "pass");
    assert!(said(&report, "db.table.ssd_person").1.contains("40 rows"), "{report}");
    assert_eq!(ids.iter().filter(|id| id.starts_with("db.table.")).count(), 19);
    let mut keys: Vec<&String> = report["checks"][0].as_object().expect("an object").keys().collect();
    keys.sort();
    assert_eq!(keys, ["advice", "detail", "id", "result"]);
}

#[test]
fn people_get_one_table_with_advice() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 20);
    place.sql("DROP TABLE ssd_cin_plans");
    let ended = place.play(["check"]);
    takes_no_secret_out(&place, &ended);
    assert_eq!(ended.stdout, "");
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let at = lines.iter().position(|line| line.contains("FAIL") && line.contains("db.table.ssd_cin_plans"));
    let at = at.unwrap_or_else(|| panic!("{}", ended.stderr));
    assert!(lines[at + 1].trim_start().starts_with("what to do: "), "{}", ended.stderr);
    assert!(lines.last().expect("a line").contains("1 fail,"), "{}", ended.stderr);
    let quiet = place.play(["check", "--quiet"]).stderr;
    assert!(quiet.contains("ssd_cin_plans") && !quiet.contains("pass"), "{quiet}");
}

#[test]
fn after_a_run_the_staging_tables_are_there() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 20);
    place.play(["run"]).well();
    let before = database(&place);
    let report = check(&place, 0);
    assert!(database(&place) == before, "the database was written to");
    let (result, detail) = said(&report, "staging");
    assert!(result == "pass" && detail.contains("is there"), "{detail}");
    assert_eq!(dfe.stats().records as usize, dfe.children().len());

    place.sql("ALTER TABLE ssd_api_data_staging DROP COLUMN legacy_id");
    let report = check(&place, 1);
    assert_eq!(those(&report, "fail"), ["staging"]);
    assert!(said(&report, "staging").1.contains("legacy_id"));
    assert_eq!(said(&report, "findings").0, "skipped");
}

#[test]
fn a_missing_table_and_a_missing_column_are_named_and_the_rest_is_still_checked() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 20);
    place.sql("DROP TABLE ssd_cin_episodes; ALTER TABLE ssd_person RENAME COLUMN pers_surname TO last_name");
    let report = check(&place, 1);
    assert_eq!(report["result"], "fail");
    assert_eq!(those(&report, "fail"), ["db.table.ssd_cin_episodes", "db.table.ssd_person"]);
    assert!(said(&report, "db.table.ssd_person").1.contains("pers_surname"));
    // Tables that are reached through the missing one are judged by themselves.
    assert_eq!(said(&report, "db.table.ssd_cin_plans").0, "pass");
    assert_eq!(said(&report, "db.grants").0, "warning");
    assert_eq!(said(&report, "findings").0, "skipped");
    assert_eq!(said(&report, "api.reach").0, "pass");
}

#[test]
fn an_empty_table_is_a_warning() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 20);
    place.sql("DELETE FROM ssd_sdq_scores");
    let report = check(&place, 0);
    assert_eq!(said(&report, "db.table.ssd_sdq_scores").0, "warning");

    place.sql("DELETE FROM ssd_person");
    let report = check(&place, 0);
    assert_eq!(said(&report, "db.table.ssd_person").0, "warning");
    assert!(said(&report, "findings").1.contains("guard"), "{report}");
}

#[test]
fn a_database_that_is_not_there_is_unreachable() {
    let dfe = Dfe::start();
    let place = Place::new(dfe.addr());
    let report = check(&place, 5);
    assert_eq!(those(&report, "fail"), ["db.connect"]);
    for id in ["db.table.ssd_person", "db.grants", "staging", "findings"] {
        assert_eq!(said(&report, id).0, "skipped", "{id}");
    }
    assert_eq!(said(&report, "api.reach").0, "pass");
    assert!(!place.path("cohort.db").exists(), "it was made");
}

#[test]
fn a_secret_that_cannot_be_read_is_told_once_and_the_database_is_checked() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 20);
    place.reconfigure("supplier_key    = { file = \"secret\" }", "supplier_key = { file = \"nowhere\" }");
    let report = check(&place, 2);
    assert_eq!(those(&report, "fail"), ["secrets"]);
    assert!(said(&report, "secrets").1.contains("supplier_key"));
    for id in ["api.token", "api.reach", "clock", "api.test_record"] {
        assert_eq!(said(&report, id).0, "skipped", "{id}");
    }
    for id in ["config", "db.connect", "db.grants", "staging"] {
        assert_eq!(said(&report, id).0, "pass", "{id}");
    }
    assert_eq!(dfe.stats().requests, 0);
}

#[test]
fn a_wrong_configuration_is_told_with_its_place() {
    let place = Place::new(NOBODY);
    place.set("guards", "max_goner = 5");
    let report = check(&place, 2);
    assert_eq!(those(&report, "fail"), ["config"]);
    assert!(said(&report, "config").1.contains("csc-bridge.toml, line "), "{report}");
    assert_eq!(those(&report, "skipped").len(), report["checks"].as_array().expect("checks").len() - 1);

    // A key of the database's, which the API does not need.
    let dfe = Dfe::start();
    place.configure(dfe.addr());
    place.set("source", "databse = \"cohort.db\"");
    let report = check(&place, 2);
    assert_eq!(those(&report, "fail"), ["config"]);
    assert!(said(&report, "config").1.contains("line "), "{report}");
    assert_eq!((said(&report, "db.connect").0, said(&report, "api.reach").0), ("skipped", "pass"));
    // A key of the API's, and no configuration at all.
    place.configure(NOBODY);
    place.set("sink", "max_records = 101");
    assert!(said(&check(&place, 2), "config").1.contains("line "));
    fs::remove_file(place.path("csc-bridge.toml")).expect("it goes");
    assert_eq!(those(&check(&place, 2), "fail"), ["config"]);
}

#[test]
fn an_api_that_cannot_be_reached() {
    let place = Place::filled(NOBODY, 20);
    let report = check(&place, 5);
    assert_eq!(those(&report, "fail"), ["api.token", "api.reach"]);
    assert_eq!(said(&report, "clock").0, "skipped");
    assert_eq!(said(&report, "db.connect").0, "pass");
}

#[test]
fn a_token_that_is_refused_does_not_hide_whether_the_api_is_there() {
    let fault = Fault::rate(1.0, FaultKind::status(401)).on_token();
    let faults = Faults { faults: vec![fault], ..Faults::default() };
    let dfe = Dfe::with(Settings { faults, ..Settings::default() });
    let place = Place::filled(dfe.addr(), 20);
    let report = report(place.play(["check", "--json", "--send-test-record"]), 1);
    assert_eq!(those(&report, "fail"), ["api.token"]);
    assert_eq!(said(&report, "api.reach").0, "pass");
    assert_eq!(said(&report, "clock").0, "pass");
    assert_eq!(said(&report, "api.test_record").0, "skipped");
    assert_eq!(dfe.stats().records, 0);
}

#[test]
fn an_api_that_does_not_let_us_in() {
    let fault = Fault::rate(1.0, FaultKind::status(403));
    let faults = Faults { faults: vec![fault], ..Faults::default() };
    let dfe = Dfe::with(Settings { faults, ..Settings::default() });
    let place = Place::filled(dfe.addr(), 20);
    let report = check(&place, 1);
    assert_eq!(those(&report, "fail"), ["api.reach"]);
    assert!(said(&report, "api.reach").1.contains("403"));
}

#[test]
fn a_state_folder_that_cannot_be_used() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 20);
    // A file: whoever runs the tests could write to any folder.
    place.reconfigure("state_dir = \"state\"", "state_dir = \"secret\"");
    let report = check(&place, 1);
    assert_eq!(those(&report, "fail"), ["state_dir"]);
    assert_eq!((said(&report, "staging").0, said(&report, "db.grants").0), ("skipped", "warning"));
    assert_eq!(said(&report, "db.table.ssd_person").0, "pass");
    assert_eq!(said(&report, "api.reach").0, "pass");
}

#[cfg(unix)]
#[test]
fn a_state_folder_is_made_private_and_one_that_is_not_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 20);
    let state = place.path("state");
    assert_eq!(fs::metadata(&state).expect("the folder").permissions().mode() & 0o777, 0o700);
    fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).expect("permissions");
    assert_eq!(said(&check(&place, 0), "state_dir").0, "warning");
}

#[test]
fn the_test_child_is_sent_where_that_is_asked_for() {
    for dfe in [Dfe::start(), Dfe::merging()] {
        let place = Place::filled(dfe.addr(), 20);
        let report = report(place.play(["check", "--json", "--send-test-record"]), 0);
        assert_eq!(report["dry_run"], false);
        assert_eq!(said(&report, "api.test_record").0, "pass");
        assert_eq!(dfe.children().into_keys().collect::<Vec<_>>(), ["Fake1234845"]);
        assert_eq!(dfe.stats().records, 1);
    }
    let place = Place::new(NOBODY);
    assert_eq!(place.play(["check", "--send-test-record", "--dry-run"]).code, Some(2));
}

#[test]
fn the_old_names_are_parts_of_it() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 20);
    let part = |name: &str| {
        let report = report(place.play([name, "--json"]), 0);
        assert_eq!(report["command"], name);
        ids(&report).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(part("test-db-connection"), ["config", "secrets", "db.connect", "db.grants"]);
    assert_eq!(part("test-endpoint"), ["config", "secrets", "api.token", "api.reach", "clock", "api.test_record"]);
    let schema = part("test-schema");
    assert_eq!(schema[..3], ["config", "secrets", "db.connect"]);
    assert!(schema[3..].iter().all(|id| id.starts_with("db.table.")) && schema.len() == 22, "{schema:?}");
    let all = check(&place, 0);
    assert_eq!(part("run-smoke"), ids(&all));
    assert_eq!(dfe.stats().records, 0);
    // What one part does not look at does not count there.
    place.sql("DROP TABLE ssd_cin_plans");
    report(place.play(["test-endpoint", "--json"]), 0);
    report(place.play(["test-schema", "--json"]), 1);
}

#[test]
fn a_folder_in_place_of_the_api() {
    let place = Place::filled(NOBODY, 20);
    let text = place.read("csc-bridge.toml");
    let (before, _) = text.split_once("[sink]").expect("a sink");
    place.write("csc-bridge.toml", &format!("{before}[sink]\nadapter = \"file\"\nfolder = \"out\"\n"));
    let report = check(&place, 1);
    assert_eq!(those(&report, "fail"), ["api.reach"]);
    fs::create_dir(place.path("out")).expect("a folder");
    let report = check(&place, 0);
    assert_eq!(said(&report, "api.reach").0, "pass");
    assert_eq!(said(&report, "api.token").0, "skipped");
    assert_eq!(fs::read_dir(place.path("out")).expect("the folder").count(), 0, "a file was left");
}

#[test]
fn a_table_that_somebody_else_fills_has_to_be_there() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 20);
    place.set("staging", "managed_by = \"sql\"");
    let report = check(&place, 1);
    assert_eq!(those(&report, "fail"), ["staging"]);
    assert_eq!(said(&report, "findings").0, "skipped");
}
