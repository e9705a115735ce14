//! As `canaries`, for everything that can fail: what DfE's end answers, and what a database holds.

use crate::api::{Api, Reply, Request, TOKEN, token};
use crate::canaries::Aviary;
use crate::program::{NOBODY, STAGING};

/// A way for DfE's end to fail, and the exit code.
type Failure = (&'static str, i32, fn(&Request) -> Reply);

/// Answers that quote all that was sent, names included.
const FAILURES: &[Failure] = &[
    ("302", 2, |request| Reply::Answer(302, request.body.clone())),
    ("400 that names a record", 3, |request| {
        Reply::Answer(400, format!("[0].child_details.surname: {}", request.body))
    }),
    ("400 that names no record", 1, |request| Reply::Answer(400, format!("child_details.surname: {}", request.body))),
    ("401", 1, |request| Reply::Answer(401, format!("{TOKEN} {}", request.body))),
    ("404", 2, |request| Reply::Answer(404, request.body.clone())),
    ("413", 3, |request| Reply::Answer(413, request.body.clone())),
    ("418", 1, |request| Reply::Answer(418, request.body.clone())),
    ("429", 5, |request| Reply::Answer(429, request.body.clone())),
    ("500", 3, |request| Reply::Answer(500, request.body.clone())),
    ("503", 3, |request| Reply::Answer(503, request.body.clone())),
    ("202", 1, |request| Reply::Answer(202, request.body.clone())),
    ("receipts that are documents", 1, |request| Reply::Answer(200, request.body.clone())),
    ("receipts that are no JSON", 1, |request| Reply::Answer(200, request.body.replace('"', "'"))),
    ("an answer that breaks off", 1, |request| Reply::Cut(200, request.body.clone())),
    ("an error that breaks off", 3, |request| Reply::Cut(500, request.body.clone())),
    ("no answer", 1, |_| Reply::Close),
    ("no HTTP", 1, |request| Reply::Raw(request.body.clone())),
];

#[test]
fn no_answer_of_the_api_is_repeated() {
    let aviary = Aviary::new(NOBODY, 120, "text");
    assert_eq!(aviary.run(&["stage"]).code, Some(0));
    for (number, (what, code, answer)) in FAILURES.iter().enumerate() {
        let api = Api::failing(answer);
        aviary.configure(api.addr(), if number % 2 == 0 { "text" } else { "json" });
        aviary.fails(what, &["submit", "--json"], *code);
        assert!(api.batches() > 0, "{what}: nothing was sent");
        assert!(api.requests().iter().any(|request| request.body.contains("ZZCANARYNAME")), "{what}");
        assert_eq!(aviary.run(&["status", "--json"]).code, Some(0));
        start_again(&aviary);
    }
}

#[test]
fn no_403_is_repeated() {
    let api = Api::failing(|request| Reply::Answer(403, request.body.clone()));
    let aviary = Aviary::new(api.addr(), 120, "text");
    assert_eq!(aviary.run(&["stage"]).code, Some(0));
    let ended = aviary.run(&["submit", "--json"]);
    assert_ne!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn no_answer_of_the_token_endpoint_is_repeated() {
    let aviary = Aviary::new(NOBODY, 60, "json");
    assert_eq!(aviary.run(&["stage"]).code, Some(0));
    let failures: &[Failure] = &[
        ("400", 1, |request| {
            Reply::Answer(400, format!("{{\"error\":\"CANARY\",\"error_description\":\"{}\"}}", request.body))
        }),
        ("401", 1, |request| {
            Reply::Answer(401, format!("{{\"error\":\"invalid_client\",\"error_description\":\"{}\"}}", request.body))
        }),
        ("404", 2, |request| Reply::Answer(404, request.body.clone())),
        ("500", 5, |request| Reply::Answer(500, request.body.clone())),
        ("no token", 1, |request| Reply::Answer(200, request.body.clone())),
        ("a token that is no header", 1, |_| Reply::Answer(200, format!("{{\"access_token\":\"{TOKEN}\\u0000\"}}"))),
        ("an answer that breaks off", 5, |_| match token() {
            Reply::Answer(status, body) => Reply::Cut(status, body),
            other => other,
        }),
        ("no answer", 5, |_| Reply::Close),
    ];
    for (what, code, answer) in failures {
        let api = Api::start(answer);
        aviary.configure(api.addr(), "json");
        aviary.fails(what, &["submit", "--json"], *code);
        assert!(api.requests().iter().any(|request| request.body.contains("SECRETCANARY")), "{what}");
        start_again(&aviary);
    }
}

/// Everything is to be sent again, and no request is open.
fn start_again(aviary: &Aviary) {
    aviary.place.sql(&format!(
        "UPDATE {STAGING} SET submission_status = 'pending', api_response = NULL; DELETE FROM ssd_api_submission_log"
    ));
}

#[test]
fn nothing_that_a_database_holds_is_repeated() {
    let deep = "replace(hex(zeroblob(200000)), '00', '[') || '\"CANARY\"'";
    let aviary = Aviary::new(NOBODY, 120, "json");
    assert_eq!(aviary.run(&["stage"]).code, Some(0));
    aviary.place.database().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
    std::fs::copy(aviary.place.path("cohort.db"), aviary.place.path("clean.db")).expect("a copy");
    let set = |column: &str, value: &str| format!("UPDATE {STAGING} SET {column} = {value} WHERE id IN (5, 6)");
    let change = "UPDATE ssd_person SET pers_surname = 'CANARY' || rowid WHERE rowid < 50";
    for (what, args, code, sql) in [
        (
            "bytes for a name",
            &["run"][..],
            1,
            "UPDATE ssd_person SET pers_surname = CAST('ZZCANARY' AS BLOB) WHERE rowid = 5".to_owned(),
        ),
        (
            "no UTF-8",
            &["run"],
            1,
            "UPDATE ssd_person SET pers_surname = CAST(x'43414e415259ff' AS TEXT) WHERE rowid = 5".into(),
        ),
        (
            "bytes for an id",
            &["run"],
            1,
            "UPDATE ssd_person SET pers_person_id = CAST('ZZCANARY' AS BLOB) WHERE rowid = 5".into(),
        ),
        ("a missing table", &["run"], 1, "DROP TABLE ssd_cin_plans".into()),
        ("a missing column", &["run"], 1, "ALTER TABLE ssd_person RENAME COLUMN pers_upn TO away".into()),
        (
            "a view that fails",
            &["run"],
            1,
            "ALTER TABLE ssd_disability RENAME TO away; CREATE VIEW ssd_disability AS
             SELECT json_extract(disa_person_id, '$.CANARY') AS disa_disability_code, disa_person_id FROM away"
                .into(),
        ),
        ("a staged document that is no JSON", &["submit"], 3, set("json_payload", "'{\"la_child_id\":\"CANARY'")),
        ("a staged document of another child", &["submit"], 3, set("json_payload", "'{\"la_child_id\":\"CANARY\"}'")),
        ("a staged document without end", &["submit"], 3, set("json_payload", deep)),
        (
            "a list without end",
            &["stage", "--accept-changes", "200"],
            0,
            format!("UPDATE ssd_assessment_factors SET cinf_assessment_factors_json = {deep}"),
        ),
        (
            "an outcome without end",
            &["stage"],
            0,
            format!("UPDATE ssd_s47_enquiry SET s47e_s47_outcome_json = {deep} WHERE rowid < 9"),
        ),
        ("a status of somebody else's", &["status", "--json"], 0, set("submission_status", "'CANARYWORD'")),
        ("a state of somebody else's", &["status", "--json"], 0, set("row_state", "'CANARYWORD'")),
        (
            "a trigger that refuses changes",
            &["stage"],
            1,
            format!(
                "{change}; CREATE TRIGGER no BEFORE UPDATE ON {STAGING} BEGIN SELECT RAISE(ABORT, 'ZZCANARY'); END"
            ),
        ),
        (
            "a trigger that refuses intents",
            &["submit"],
            1,
            "CREATE TRIGGER no BEFORE INSERT ON ssd_api_submission_log BEGIN SELECT RAISE(ABORT, 'ZZCANARY'); END"
                .into(),
        ),
        (
            "a trigger that refuses the run log",
            &["stage"],
            1,
            "CREATE TRIGGER no BEFORE INSERT ON ssd_api_run_log BEGIN SELECT RAISE(ABORT, 'ZZCANARY'); END".into(),
        ),
        (
            "two rows for a child",
            &["stage"],
            1,
            format!(
            "CREATE TABLE copied AS SELECT * FROM {STAGING}; INSERT INTO copied SELECT * FROM {STAGING} WHERE id < 4;
             DROP TABLE {STAGING}; ALTER TABLE copied RENAME TO {STAGING}"
        ),
        ),
        ("an extract of nobody", &["payload", "--child", "ZZCANARY"], 1, String::new()),
    ] {
        for file in ["cohort.db-wal", "cohort.db-shm"] {
            let _ = std::fs::remove_file(aviary.place.path(file));
        }
        std::fs::copy(aviary.place.path("clean.db"), aviary.place.path("cohort.db")).expect("a copy");
        aviary.place.sql(&sql);
        let api = Api::failing(|request| {
            let receipts: Vec<String> = (0..request.records()).map(|number| format!("id-{number}")).collect();
            Reply::Answer(200, serde_json::to_string(&receipts).expect("JSON"))
        });
        aviary.configure(api.addr(), "text");
        aviary.fails(what, args, code);
    }
}

#[test]
fn nothing_of_a_damaged_file_is_repeated() {
    let aviary = Aviary::new(NOBODY, 120, "text");
    assert_eq!(aviary.run(&["stage"]).code, Some(0));
    let path = aviary.place.path("cohort.db");
    let whole = std::fs::read(&path).expect("the database");
    let mut overwritten = whole.clone();
    for (number, byte) in overwritten.iter_mut().enumerate().skip(4096) {
        *byte = b"ZZCANARY"[number % 8];
    }
    for damaged in [&overwritten[..], &whole[..whole.len() / 2], b"ZZCANARY is no database".repeat(100).as_slice()] {
        std::fs::write(&path, damaged).expect("a file");
        for args in [&["run"][..], &["status"], &["payload"], &["mutate"]] {
            let ended = aviary.run(args);
            assert_eq!(ended.code, Some(1), "{args:?}: {}", ended.stderr);
        }
    }
}
