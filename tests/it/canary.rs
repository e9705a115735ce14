//! `--canary`: a small part goes first, then ever larger ones, and the run ends where one does badly.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::api::{Api, Reply, Request, took};
use crate::program::{Dfe, Ended, NOBODY, Place};
use crate::staged::{open_intents, spoil, staged};

/// What a DfE dislikes: never a made-up surname.
const BAD: &str = "Zzbad";

/// When each batch came and how many records it had.
type Seen = Arc<Mutex<Vec<(Instant, usize)>>>;

/// Takes what is good after a while, and notes what came.
fn watching(answers_after: Duration) -> (Api, Seen) {
    let seen = Seen::default();
    let noted = seen.clone();
    let api = Api::failing(move |request: &Request| {
        noted.lock().expect("unharmed").push((Instant::now(), request.records()));
        std::thread::sleep(answers_after);
        let records: Vec<Value> = serde_json::from_str(&request.body).expect("a batch is a list");
        let is_bad =
            |record: &Value| record["child_details"]["surname"].as_str().is_some_and(|name| name.contains(BAD));
        match records.iter().position(is_bad) {
            Some(at) => Reply::Answer(400, format!(r#"{{"errors":["[{at}].child_details.surname: no"]}}"#)),
            None => took(records.len()),
        }
    });
    (api, seen)
}

fn sizes(seen: &Seen) -> Vec<usize> {
    seen.lock().expect("unharmed").iter().map(|(_, records)| *records).collect()
}

fn submit(place: &Place) -> Ended {
    place.play(["submit", "--canary", "--json"])
}

/// The canary ended the run: so many records were sent, the rest is as it was.
fn stopped(place: &Place, ended: &Ended, sent: i64, words: &[&str]) {
    ended.fails(1, words);
    let report = ended.json();
    assert_eq!(report["stopped"], "canary", "{report}");
    assert_eq!(report["submitted"]["sent"], sent, "{report}");
    assert_eq!(place.count("sent"), sent);
    assert_eq!(report["submitted"]["left_pending"], place.count("pending"), "{report}");
    assert_eq!(open_intents(place), 0);
}

#[test]
fn a_canary_that_does_well_sends_everything_in_steps() {
    let (api, seen) = watching(Duration::ZERO);
    let place = staged(api.addr(), 600);
    let report = submit(&place).well().json();
    assert_eq!(report["submitted"]["sent"], 600, "{report}");
    assert_eq!(report["stopped"], Value::Null, "{report}");
    // 5, 10, 25, 50 and 100 %: 30, 60, 150, 300 and 600 records. Two batches may be in flight within a step.
    let mut sizes = sizes(&seen);
    sizes[3..5].sort_unstable();
    sizes[5..].sort_unstable();
    assert_eq!(sizes, [30, 30, 90, 50, 100, 100, 100, 100]);
    assert_eq!(place.count("sent"), 600);

    // Without the flag the section says nothing.
    let (api, seen) = watching(Duration::ZERO);
    let place = staged(api.addr(), 600);
    place.set("canary", "steps = [1, 100]");
    place.play(["submit"]).well();
    assert_eq!(self::sizes(&seen), [100; 6]);
}

#[test]
fn a_night_with_a_canary_stages_and_sends_in_steps() {
    let dfe = Dfe::start();
    let place = Place::filled(dfe.addr(), 150);
    place.set("canary", "steps = [10, 100]");
    let report = place.play(["run", "--canary", "--json"]).well().json();
    assert_eq!(report["stopped"], Value::Null, "{report}");
    assert_eq!(report["submitted"]["requests"], 3, "{report}");
    place.converged(&dfe);
}

#[test]
fn the_steps_are_those_of_the_configuration() {
    let (api, seen) = watching(Duration::ZERO);
    let place = staged(api.addr(), 200);
    place.set("canary", "steps = [1, 40, 100]");
    submit(&place).well();
    let mut sizes = sizes(&seen);
    sizes[2..].sort_unstable();
    assert_eq!(sizes, [2, 78, 20, 100]);
}

#[test]
fn a_canary_of_which_too_much_is_refused_ends_the_run() {
    let (api, seen) = watching(Duration::ZERO);
    let place = staged(api.addr(), 200);
    // One in ten of the first step; it was named, so the other nine were sent.
    let child = spoil(&place, 4, BAD);
    let ended = submit(&place);
    stopped(&place, &ended, 9, &["1 of 10 records", "canary"]);
    assert_eq!(ended.json()["submitted"]["refused"], 1);
    assert_eq!((place.count("error"), place.count("pending")), (1, 190));
    assert!(place.row(&child).response.expect("a reason").contains("child_details.surname"));
    assert_eq!(sizes(&seen), [10, 9]);

    // The next night begins anew with what is pending; what was refused goes last, and does not count against the canary.
    let report = submit(&place);
    assert_eq!(report.code, Some(3), "{}", report.stderr);
    assert_eq!(report.json()["submitted"]["sent"], 190);
    assert_eq!((place.count("sent"), place.count("error"), place.count("pending")), (199, 1, 0));
}

#[test]
fn a_later_step_may_end_the_run_as_well() {
    let (api, seen) = watching(Duration::ZERO);
    let place = staged(api.addr(), 200);
    spoil(&place, 30, BAD);
    stopped(&place, &submit(&place), 49, &["1 of 30 records"]);
    assert_eq!(sizes(&seen), [10, 10, 30, 29]);
}

#[test]
fn a_canary_may_be_told_to_bear_some_refusals() {
    let (api, _) = watching(Duration::ZERO);
    let place = staged(api.addr(), 200);
    place.set("canary", "max_error_rate = 0.1");
    // Just one in ten.
    spoil(&place, 4, BAD);
    let ended = submit(&place);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert_eq!((place.count("sent"), place.count("error")), (199, 1));
}

#[test]
fn what_is_refused_in_the_last_step_stops_nothing() {
    let (api, _) = watching(Duration::ZERO);
    let place = staged(api.addr(), 200);
    (100..150).for_each(|number| drop(spoil(&place, number, BAD)));
    place.set("sink", "isolation_budget = 200");
    let ended = submit(&place);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert_eq!(ended.json()["stopped"], Value::Null);
    assert_eq!((place.count("sent"), place.count("error")), (150, 50));
}

#[test]
fn a_canary_that_is_answered_too_slowly_ends_the_run() {
    let (api, seen) = watching(Duration::from_millis(150));
    let place = staged(api.addr(), 200);
    place.set("canary", "max_median = \"100ms\"");
    stopped(&place, &submit(&place), 10, &["took longer than", "100 ms"]);
    assert_eq!(sizes(&seen), [10]);
    place.reconfigure("100ms", "1h");
    submit(&place).well();
    assert_eq!(place.count("sent"), 200);
}

#[test]
fn a_canary_holds_between_its_steps() {
    let hold = Duration::from_millis(400);
    let (api, seen) = watching(Duration::ZERO);
    let place = staged(api.addr(), 200);
    place.set("canary", "hold = \"400ms\"\nsteps = [5, 50, 100]");
    submit(&place).well();
    assert_eq!(sizes(&seen), [10, 90, 100]);
    let came: Vec<Instant> = seen.lock().expect("unharmed").iter().map(|(when, _)| *when).collect();
    for pair in came.windows(2) {
        assert!(pair[1] - pair[0] >= hold, "the next step began after {:?}", pair[1] - pair[0]);
    }
}

#[test]
fn small_nights_have_a_canary_of_one_record() {
    for (rows, steps) in [(1, vec![1]), (2, vec![1, 1]), (3, vec![1, 1, 1])] {
        let (api, seen) = watching(Duration::ZERO);
        let place = staged(api.addr(), rows);
        submit(&place).well();
        assert_eq!(sizes(&seen), steps);
        assert_eq!(place.count("sent"), rows as i64);
    }
    // Nothing to send is no failure.
    let place = staged(NOBODY, 1);
    place.sql("UPDATE ssd_api_data_staging SET submission_status = 'sent'");
    submit(&place).well();
}

#[test]
fn a_canary_of_one_record_that_is_refused_ends_the_run() {
    for (named, body) in [(true, r#"{"errors":["[0].child_details.surname: no"]}"#), (false, r#"{"error":"no"}"#)] {
        let api = Api::failing(move |request| match request.body.contains(BAD) {
            true => Reply::Answer(400, body.into()),
            false => took(request.records()),
        });
        let place = staged(api.addr(), 3);
        spoil(&place, 0, BAD);
        let ended = submit(&place);
        assert_eq!(ended.code, Some(1), "named: {named}: {}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.json()["stopped"], "canary", "named: {named}");
        assert_eq!((api.batches(), place.count("sent")), (1, 0), "named: {named}");
    }
}

#[test]
fn records_in_error_are_no_canary() {
    let (api, seen) = watching(Duration::ZERO);
    let place = staged(api.addr(), 8);
    place.set("sink", "concurrency = 1");
    (0..5).for_each(|number| drop(spoil(&place, number, BAD)));
    place.sql("UPDATE ssd_api_data_staging SET submission_status = 'error' WHERE json_payload LIKE '%Zzbad%'");
    let ended = submit(&place);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert_eq!(ended.json()["stopped"], Value::Null, "{}", ended.stdout);
    assert_eq!((place.count("sent"), place.count("error")), (3, 5));
    assert_eq!(sizes(&seen)[..3], [1, 1, 1]);
}

#[test]
fn mistakes_in_the_canary_section_are_shown_where_they_stand() {
    for (keys, words) in [
        ("steps = [5, 10]", "[canary] steps do not rise from more than 0 to 100"),
        ("steps = [0, 100]", "[canary] steps do not rise from more than 0 to 100"),
        ("steps = [10, 5, 100]", "[canary] steps do not rise from more than 0 to 100"),
        ("steps = [50, 50, 100]", "[canary] steps do not rise from more than 0 to 100"),
        ("steps = []", "[canary] steps do not rise from more than 0 to 100"),
        ("steps = [50, 101]", "[canary] steps do not rise from more than 0 to 100"),
        ("steps = [300]", "300"),
        ("max_error_rate = 1.5", "[canary] max_error_rate is not between 0 and 1"),
        ("max_error_rate = -0.1", "[canary] max_error_rate is not between 0 and 1"),
        ("max_error_rate = nan", "[canary] max_error_rate is not between 0 and 1"),
        ("max_error_rate = \"1 %\"", "expected f64"),
        ("max_median = 5", "[canary]"),
        ("hold = \"a while\"", "[canary]"),
        ("holds = \"1s\"", "holds"),
    ] {
        let place = Place::new(SocketAddr::from(([127, 0, 0, 1], 9)));
        place.set("canary", keys);
        let message = place.play(["submit", "--canary"]).fails(2, &[words, "line "]).to_owned();
        println!("{keys}: {message}");
        assert!(!place.path("cohort.db").exists(), "a database was made");
    }
}
