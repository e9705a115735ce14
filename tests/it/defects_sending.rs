//! Defects 16 to 25 and 30 of the present tools: how they send, what they make of an answer, and what they log.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::api::{Api, Reply, TOKEN, token, took};
use crate::program::{DAY, Dfe, Ended, NOBODY, Place, STAGING};

/// A cohort that waits to be sent, in one batch.
fn staged(api: &Api) -> Place {
    let place = Place::filled(api.addr(), 30);
    place.play(["stage"]).well();
    place
}

fn rows(place: &Place) -> i64 {
    place.number(&format!("SELECT COUNT(*) FROM {STAGING}"))
}

/// Answers batches in turn: the first with the first reply, and so on; then takes everything.
fn in_turn(replies: Vec<Reply>) -> Api {
    let replies = Mutex::new(replies.into_iter());
    Api::failing(move |request| {
        let reply = replies.lock().expect("unharmed").next();
        reply.unwrap_or_else(|| took(request.records()))
    })
}

/// The children of every batch that came.
fn batches(api: &Api) -> Vec<BTreeSet<String>> {
    let ids = |body: &str| -> BTreeSet<String> {
        let documents: Vec<Value> = serde_json::from_str(body).expect("a list");
        documents.iter().map(|document| document["la_child_id"].as_str().expect("an id").to_owned()).collect()
    };
    api.requests().iter().filter(|request| !request.is_token()).map(|request| ids(&request.body)).collect()
}

/// A 401 is retried with the same token
#[test]
fn defect_16_a_401_is_answered_with_a_new_token() {
    let tokens = AtomicUsize::new(0);
    let api = Api::start(move |request| match request {
        request if request.is_token() => match tokens.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::Answer(200, r#"{"access_token":"old","token_type":"Bearer","expires_in":3600}"#.into()),
            _ => token(),
        },
        _ if tokens.load(Ordering::SeqCst) < 2 => Reply::Answer(401, "expired".into()),
        request => took(request.records()),
    });
    let place = staged(&api);
    let report = place.play(["submit", "--json"]).well().json();
    assert_eq!(report["submitted"]["sent"], rows(&place), "{report}");
    assert_eq!(api.requests().iter().filter(|request| request.is_token()).count(), 2);
    assert_eq!(api.batches(), 2);
}

/// One bad record fails its whole batch, every night, in the same company
#[test]
fn defect_17_a_bad_record_is_alone_in_its_fate() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 60);
    place.play(["stage"]).well();
    let (children, child) = (rows(&place), place.child(3));
    place.sql(&format!(
        "UPDATE {STAGING} SET json_payload = json_set(json_payload, '$.child_details.sex', 'Q') WHERE person_id = '{child}'"
    ));
    let ended = place.play(["submit", "--json"]);
    assert_eq!(ended.code, Some(3));
    assert_eq!(ended.json()["submitted"]["sent"], children - 1);
    assert_eq!((place.count("error"), place.count("sent")), (1, children - 1));
    assert_eq!(place.row(&child).status, "error");
    // The next night the good ones of the day are not in its company.
    place.sql(&format!("UPDATE {STAGING} SET submission_status = 'pending' WHERE person_id <> '{child}'"));
    let records = dfe.stats().records;
    let ended = place.play(["submit", "--json"]);
    assert_eq!(ended.json()["submitted"]["sent"], children - 1);
    assert_eq!(dfe.stats().records - records, children as u64, "nothing was sent twice for its sake");
}

/// Every bracketed number of an error is taken for a bad record
#[test]
fn defect_18_a_number_inside_of_a_path_is_no_record() {
    let bad = Arc::new(Mutex::new(String::new()));
    let child = bad.clone();
    let api = Api::failing(move |request| {
        let child = child.lock().expect("unharmed").clone();
        let records: Vec<Value> = serde_json::from_str(&request.body).expect("a list");
        match records.iter().position(|record| record["la_child_id"] == child.as_str()) {
            Some(at) => {
                let text = format!(
                    "[{at}].social_care_episodes[1].child_in_need_plans[0].start_date: not a date, see child_in_need_plans[2]"
                );
                Reply::Answer(400, json!({ "errors": [text] }).to_string())
            }
            None => took(records.len()),
        }
    });
    let place = staged(&api);
    let child = place.child(7);
    child.clone_into(&mut bad.lock().expect("unharmed"));
    let ended = place.play(["submit", "--json"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert_eq!(ended.json()["submitted"]["refused"], 1);
    assert_eq!((place.count("error"), place.count("sent")), (1, rows(&place) - 1));
    assert_eq!(place.row(&child).status, "error");
    assert_eq!(api.batches(), 2, "the good ones go on at once");
}

/// The text of an error is cut to 500 characters
#[test]
fn defect_19_the_reason_is_kept_in_full() {
    let long = format!("[0].child_details.sex: {} and the last word", "a very long reason, ".repeat(200));
    let body = json!({ "errors": [long] }).to_string();
    let answer = body.clone();
    let api = Api::failing(move |request| match request.records() {
        1 => Reply::Answer(400, answer.clone()),
        records => took(records),
    });
    let place = staged(&api);
    place.play(["submit"]).well();
    let child = place.child(3);
    place.sql(&format!("UPDATE {STAGING} SET submission_status = 'pending' WHERE person_id = '{child}'"));
    assert_eq!(place.play(["submit"]).code, Some(3));
    let reason = place.row(&child).response.expect("a reason");
    assert!(reason.len() > 4000 && reason.contains("and the last word"), "{} bytes", reason.len());
}

/// A 204 counts as success, a 201 with receipts as an error
#[test]
fn defect_20_an_acceptance_is_a_receipt_for_every_record() {
    let api = Api::failing(|request| match took(request.records()) {
        Reply::Answer(_, receipts) => Reply::Answer(201, receipts),
        other => other,
    });
    let place = staged(&api);
    let report = place.play(["submit", "--json"]).well().json();
    assert_eq!(report["submitted"]["sent"], rows(&place), "{report}");
    let api = Api::always(204, "");
    let place = staged(&api);
    let ended = place.play(["submit", "--json"]);
    assert_ne!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.json()["submitted"]["sent"], 0);
    assert_eq!((place.count("sent"), place.count("pending") + place.count("error")), (0, rows(&place)));
}

/// 5xx and timeouts are never retried, or everything is; there is no time limit
#[test]
fn defect_21_a_failing_api_is_tried_again_and_a_refusal_is_not() {
    let api = in_turn(vec![Reply::Answer(503, "out of order".into())]);
    let place = staged(&api);
    let report = place.play(["submit", "--json"]).well().json();
    assert_eq!(
        (&report["submitted"]["retries"], &report["submitted"]["sent"]),
        (&json!(1), &json!(rows(&place))),
        "{report}"
    );
    for status in [404, 405, 415] {
        let api = Api::always(status, "no");
        let place = staged(&api);
        assert_ne!(place.play(["submit"]).code, Some(0));
        assert_eq!(api.batches(), 1, "{status} is final");
    }
    // A request has its time.
    let (wait, never) = std::sync::mpsc::channel::<()>();
    let api = Api::failing(move |_| {
        let _ = never.recv();
        Reply::Close
    });
    let wait = wait;
    let place = staged(&api);
    place.set("sink", "request_timeout = \"300ms\"");
    let began = std::time::Instant::now();
    let ended = place.play(["submit", "--json"]);
    drop(wait);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(began.elapsed().as_secs() < 20, "it waited for {:?}", began.elapsed());
    assert_eq!(ended.json()["submitted"]["unknown"], rows(&place));
}

/// A network failure marks rows as errors without knowing whether DfE took them
#[test]
fn defect_22_a_request_without_an_answer_is_not_known_and_sent_again_later_in_full() {
    let api = in_turn(vec![Reply::Close]);
    let place = staged(&api);
    let ended = place.play(["submit", "--json"]);
    assert_eq!(ended.json()["submitted"]["unknown"], rows(&place), "{}", ended.stderr);
    assert_eq!((place.count("error"), place.count("pending")), (0, rows(&place)));
    assert_eq!(place.number("SELECT COUNT(*) FROM ssd_api_submission_log WHERE outcome IS NULL"), rows(&place));
    place.age_intents();
    let report = place.play(["submit", "--json"]).well().json();
    assert_eq!(report["recovered"]["unsure"], rows(&place), "{report}");
    assert_eq!(
        (&report["submitted"]["sent"], &report["submitted"]["full"]),
        (&json!(rows(&place)), &json!(rows(&place)))
    );
}

/// The schema test looks at a fixed table and not at the columns that are used
#[test]
fn defect_23_every_column_that_is_used_is_looked_for_in_the_table_that_is_used() {
    const USED: [&str; 11] = [
        "person_id",
        "json_payload",
        "previous_json_payload",
        "partial_json_payload",
        "current_hash",
        "previous_hash",
        "submission_status",
        "submission_timestamp",
        "api_response",
        "row_state",
        "last_updated",
    ];
    let place = Place::filled(NOBODY, 20);
    place.play(["stage"]).well();
    place.reconfigure("[sink]", "[staging]\ntable = \"elsewhere\"\n\n[sink]");
    for managed_by in ["csc-bridge", "sql"] {
        place.set("staging", &format!("managed_by = \"{managed_by}\""));
        for column in USED {
            let others: Vec<&str> = ["id", "legacy_id"].into_iter().chain(USED).filter(|one| *one != column).collect();
            place.sql(&format!("CREATE TABLE elsewhere AS SELECT {} FROM {STAGING}", others.join(", ")));
            let words = ["elsewhere", &format!("has no column {column}")];
            place.play(["submit"]).fails(1, &words);
            if managed_by == "csc-bridge" && ["person_id", "api_response"].contains(&column) {
                place.play(["run"]).fails(1, &words);
                place.play(["plan"]).fails(1, &words);
            }
            place.sql("DROP TABLE elsewhere");
        }
        place.reconfigure(&format!("managed_by = \"{managed_by}\"\n"), "");
    }
}

/// A row that cannot be parsed is skipped in silence and stays pending
#[test]
fn defect_24_a_row_that_cannot_be_sent_is_told_and_mended() {
    let api = Api::taking();
    let place = staged(&api);
    let child = place.child(3);
    place.sql(&format!("UPDATE {STAGING} SET json_payload = '{{\"la_child_id' WHERE person_id = '{child}'"));
    let ended = place.play(["submit", "--json"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert_eq!(ended.json()["submitted"]["failed"], 1);
    let (status, reason) = (
        place.text(&format!("SELECT submission_status FROM {STAGING} WHERE person_id = '{child}'")),
        place.text(&format!("SELECT api_response FROM {STAGING} WHERE person_id = '{child}'")),
    );
    assert_eq!((status.as_str(), reason.as_str()), ("error", "json_payload is not JSON"));
    place.play(["run"]).well();
    assert_eq!(place.row(&child).says(), ("sent", "unchanged"));
}

/// Two senders at once send everything twice
#[test]
fn defect_25_a_second_sender_sends_nothing_twice() {
    let second = Arc::new(Mutex::new(None::<std::process::Command>));
    let said = Arc::new(Mutex::new(None));
    let (command, ended) = (second.clone(), said.clone());
    let api = Api::failing(move |request| {
        if let Some(mut command) = command.lock().expect("unharmed").take() {
            *ended.lock().expect("unharmed") = Some(Ended::of(&mut command));
        }
        took(request.records())
    });
    let place = staged(&api);
    *second.lock().expect("unharmed") = Some(place.command(["submit", "--run-date", DAY]));
    place.play(["submit"]).well();
    let ended = said.lock().expect("unharmed").take().expect("the second sender ran");
    ended.fails(1, &["another csc-bridge sends from", STAGING]);
    assert_eq!(batches(&api).len(), 1);
    assert_eq!(api.documents().len() as i64, rows(&place));
}

/// Debug logging prints the start of the token and of the key, and the connection string
#[test]
fn defect_30_no_part_of_a_secret_is_printed_or_logged() {
    let api = Api::taking();
    let place = Place::filled(api.addr(), 20);
    for secret in ["client_id      ", "client_secret  ", "supplier_key   "] {
        let name = secret.trim();
        place.write(name, &format!("zq9-{name}-0123456789abcdef\n"));
        place.reconfigure(&format!("{secret} = {{ file = \"secret\" }}"), &format!("{name} = {{ file = \"{name}\" }}"));
    }
    let mut said = String::new();
    for command in ["stage", "submit", "plan"] {
        let mut command = place.command([command, "-vv", "--log-level", "trace", "--run-date", DAY, "--json"]);
        let ended = Ended::of(command.env("RUST_LOG", "trace")).well();
        said.extend([ended.stdout, ended.stderr]);
    }
    said.extend(place.state_files().into_iter().map(|(_, text)| text));
    assert!(said.len() > 1000 && api.batches() == 1);
    for start in [&TOKEN[..6], "zq9-"] {
        assert!(!said.contains(start), "{start} was printed or logged");
    }
}
