//! A few bad records among many good ones: the others are sent in the same run, and it costs few requests. An authority of which
//! nothing is taken is another matter, and is seen as such.

use std::sync::Mutex;

use csc_bridge_dfe_csc_simulator::{Faults, Form, Rule, Settings};
use serde_json::Value;

use crate::api::{Api, Reply, Request, took};
use crate::program::{Dfe, Place, STAGING};
use crate::staged::{open_intents, spoil, staged};

const MANY: usize = 10_000;

/// Twice the logarithm of a hundred: what halving a batch costs.
const HALVING: i64 = 14;

/// What the simulator refuses: never a made-up surname.
const BAD: &str = "Zzbad";

fn refusing(form: Form) -> Dfe {
    let rule = Rule { field: "child_details.surname".into(), contains: BAD.into(), form };
    Dfe::with(Settings { faults: Faults { refuse: vec![rule], ..Faults::default() }, ..Settings::default() })
}

fn is_bad(request: &Request) -> bool {
    request.body.contains(BAD)
}

fn requests(report: &Value) -> i64 {
    report["submitted"]["requests"].as_i64().expect("a number")
}

/// Sends 10,000 with one bad record among them; returns its `api_response` and how many requests more it took than without it.
fn one_among_many(place: &Place, child: &str) -> (String, i64) {
    let ended = place.play(["submit", "--json"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let report = ended.json();
    assert_eq!(report["submitted"]["sent"], MANY - 1, "{report}");
    assert_eq!(report["stopped"], Value::Null, "{report}");
    assert_eq!((place.count("sent"), place.count("error"), place.count("pending")), (MANY as i64 - 1, 1, 0));
    let row = place.row(child);
    assert_eq!(row.status, "error");
    (row.response.expect("a reason"), requests(&report) - (MANY / 100) as i64)
}

#[test]
fn one_bad_record_among_ten_thousand_does_not_hold_the_others_back() {
    for (form, most, words) in [
        (Form::Indexed, 2, ["400", "[37].child_details.surname: refused by a rule"]),
        (Form::Nested, 2, ["400", "[37].social_care_episodes[3].closure_reason: refused by a rule"]),
        (Form::Unnamed, HALVING, ["400", "some records are invalid; none was taken"]),
    ] {
        let dfe = refusing(form);
        let place = staged(dfe.addr(), MANY);
        let child = spoil(&place, 4_237, BAD);
        let (reason, more) = one_among_many(&place, &child);
        println!("{form:?}: {more} requests more than without it: {reason}");
        assert!(more <= most, "{form:?}: {more} requests more");
        assert!(words.iter().all(|word| reason.contains(word)), "{form:?}: {reason}");
        assert_eq!(open_intents(&place), 0, "{form:?}");
        let received = dfe.running().received("845");
        assert_eq!(received.len(), MANY - 1, "{form:?}");
        assert!(received.values().all(|received| received.applied == 1), "{form:?}: a child was sent twice");
        assert!(!received.contains_key(&child), "{form:?}");
    }
}

#[test]
fn one_record_that_a_firewall_dislikes_among_ten_thousand_does_not_hold_the_others_back() {
    // An id with 0x is known to be disliked: it is not even sent.
    let dfe = Dfe::with(Settings::default());
    let place = staged(dfe.addr(), MANY);
    let child = place.child(4_237);
    let id = "json_set(json_payload, '$.social_care_episodes[0].social_care_episode_id', 'A0X1')";
    place.sql(&format!("UPDATE {STAGING} SET json_payload = {id} WHERE person_id = '{child}'"));
    let (reason, more) = one_among_many(&place, &child);
    println!("an id with 0x: {more} requests more than without it: {reason}");
    assert!(more <= 2 && reason.contains("0x"), "{more}: {reason}");
    assert_eq!(dfe.stats().requests, (MANY / 100) as u64, "the request that was held back left all the same");

    // What else it may dislike is not known: 403 with a page of its own, for the whole batch.
    let page = "<html>The requested URL was rejected. Your support ID is: 4711</html>";
    let api = Api::failing(move |request| match is_bad(request) {
        true => Reply::Answer(403, page.into()),
        false => took(request.records()),
    });
    let place = staged(api.addr(), MANY);
    let child = spoil(&place, 4_237, BAD);
    let (reason, more) = one_among_many(&place, &child);
    println!("403: {more} requests more than without it: {reason}");
    assert!(more <= HALVING, "{more} requests more");
    assert!(reason.contains("403") && reason.contains("support ID is: 4711"), "{reason}");
    assert_eq!(open_intents(&place), 0);
}

#[test]
fn a_record_on_which_the_api_chokes_is_found_while_others_pass() {
    for status in [500, 503] {
        let api = Api::failing(move |request| match is_bad(request) {
            true => Reply::Answer(status, "out of order".into()),
            false => took(request.records()),
        });
        let place = staged(api.addr(), 600);
        // Of the third batch, so that others pass first.
        let child = spoil(&place, 250, BAD);
        place.set("sink", "concurrency = 1");
        let ended = place.play(["submit", "--json"]);
        assert_eq!(ended.code, Some(3), "{status}: {}", ended.stderr);
        let report = ended.json();
        println!("{status}: {} requests for 6 batches", requests(&report));
        assert_eq!(report["submitted"]["sent"], 599, "{status}: {report}");
        assert_eq!(report["submitted"]["failed"], 1, "{status}: {report}");
        assert_eq!(report["stopped"], Value::Null, "{status}: {report}");
        // Every half that fails is tried twice.
        assert!(requests(&report) <= 6 + 1 + 3 * 7, "{status}: {report}");
        assert_eq!(place.row(&child).status, "error", "{status}");
        let reason = place.row(&child).response.expect("a reason");
        assert!(reason.contains(&status.to_string()) && reason.contains("out of order"), "{status}: {reason}");
        let (sent, error) = (place.count("sent"), place.count("error"));
        assert_eq!((sent, error, place.count("pending")), (599, 1, 0), "{status}");
        println!("{status}: {} intents stay open", open_intents(&place));
    }
}

#[test]
fn an_authority_of_which_nothing_is_taken_ends_the_run_with_every_record_as_it_was() {
    for status in [400, 403] {
        let api = Api::always(status, r#"{"error":"no"}"#);
        let place = staged(api.addr(), 600);
        let before = place.table(STAGING);
        let ended = place.play(["submit", "--json"]);
        ended.fails(1, &[&status.to_string()]);
        let report = ended.json();
        println!("{status} to all: {} requests for 600 records", requests(&report));
        assert_eq!(report["stopped"], "systemic", "{status}: {report}");
        assert_eq!(report["submitted"]["left_pending"], 600, "{status}: {report}");
        assert!(place.table(STAGING) == before, "{status}: the staging table changed");
        assert_eq!(open_intents(&place), 0, "{status}");
        // Two batches in flight, each parted until the budget is spent: all others wait.
        assert!(api.batches() <= 2 * (1 + 50), "{status}: {} requests", api.batches());
    }
}

#[test]
fn two_bad_records_at_the_very_front_do_not_look_like_an_authority_of_which_nothing_is_taken() {
    for form in [Form::Indexed, Form::Nested, Form::Unnamed] {
        for concurrency in [1, 2] {
            let dfe = refusing(form);
            let place = staged(dfe.addr(), 600);
            place.set("sink", &format!("concurrency = {concurrency}"));
            let bad = [spoil(&place, 0, BAD), spoil(&place, 1, BAD)];
            let ended = place.play(["submit", "--json"]);
            assert_eq!(ended.code, Some(3), "{form:?}: {}", ended.stderr);
            let report = ended.json();
            assert_eq!(report["submitted"]["sent"], 598, "{form:?}: {report}");
            assert_eq!(report["submitted"]["refused"], 2, "{form:?}: {report}");
            assert_eq!(report["stopped"], Value::Null, "{form:?}: {report}");
            assert!(bad.iter().all(|child| place.row(child).status == "error"), "{form:?}");
        }
    }
}

#[test]
fn a_small_night_of_which_half_is_bad_sends_the_other_half() {
    // Bad, good, bad, good: both halves are refused, and so is the first record alone.
    let dfe = refusing(Form::Unnamed);
    let place = staged(dfe.addr(), 4);
    let bad = [spoil(&place, 0, BAD), spoil(&place, 2, BAD)];
    let ended = place.play(["submit", "--json"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert_eq!(ended.json()["stopped"], Value::Null, "{}", ended.stdout);
    assert_eq!((place.count("sent"), place.count("error"), open_intents(&place)), (2, 2, 0));
    assert!(bad.iter().all(|child| place.row(child).status == "error"));
}

#[test]
fn refused_records_go_last_and_among_themselves_in_the_next_run() {
    let (dfe, api) = (refusing(Form::Unnamed), Mutex::new(None));
    let place = staged(dfe.addr(), 600);
    let bad: Vec<String> = [3, 303, 304].into_iter().map(|number| spoil(&place, number, BAD)).collect();
    assert_eq!(place.play(["submit"]).code, Some(3));
    assert_eq!((place.count("sent"), place.count("error")), (597, 3));
    // Others are to be sent again, and one of them is older than any that is in error.
    place.sql(&format!(
        "UPDATE {STAGING} SET submission_status = 'pending' WHERE id IN (SELECT id FROM {STAGING} WHERE submission_status = 'sent' LIMIT 120)"
    ));
    let taking = api.lock().expect("unharmed").insert(Api::taking()).addr();
    place.configure(taking);
    place.set("sink", "concurrency = 1");
    place.play(["submit"]).well();
    let api = api.into_inner().expect("unharmed").expect("an API");
    let mut batches: Vec<usize> =
        api.requests().iter().filter(|request| !request.is_token()).map(Request::records).collect();
    // Of two batches that are got ready side by side the smaller may be ready first.
    batches[..2].sort_unstable();
    assert_eq!(batches, [20, 100, 3]);
    let last: Vec<String> = api.documents()[120..]
        .iter()
        .map(|document| document["la_child_id"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(last.iter().collect::<std::collections::BTreeSet<_>>(), bad.iter().collect());
    assert_eq!((place.count("sent"), place.count("error")), (600, 0));
}
