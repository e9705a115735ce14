//! Every answer that DfE's end, or something on the way, may give: what becomes of the rows, of the requests that are on record, and of
//! the run. The answers come over real sockets from the simulator, to the program as it is.

use std::time::Duration;

use csc_bridge_dfe_csc_simulator::{Fault, FaultKind, Faults, Form, RetryAfter, Rule, Settings};
use serde_json::Value;

use crate::program::{Dfe, NOBODY, Place, STAGING};
use crate::staged::{open_intents, spoil, staged};

/// Ten records in two batches, one after the other, each tried twice.
const ROWS: usize = 10;
const KEYS: &str = "max_records = 5\nconcurrency = 1\nrequest_timeout = \"700ms\"\nmax_retry_after = \"5s\"";

/// Never a made-up surname.
const BAD: &str = "Zzbad";

/// What must be seen.
#[derive(Debug, PartialEq)]
struct Seen {
    sent: i64,
    error: i64,
    pending: i64,
    open_intents: i64,
    /// Batches, as the sender counts them.
    requests: i64,
    code: i32,
    stopped: &'static str,
    /// What a run sends after the fault has gone and open requests have become old: the others are done.
    next: i64,
}

/// In the order in which the table below has them.
const fn seen(
    states: (i64, i64, i64),
    open_intents: i64,
    requests: i64,
    code: i32,
    stopped: &'static str,
    next: i64,
) -> Seen {
    let (sent, error, pending) = states;
    Seen { sent, error, pending, open_intents, requests, code, stopped, next }
}

/// Where the answer comes from.
enum From {
    /// The simulator, with these faults.
    Faults(Vec<Fault>),
    /// The simulator, which refuses the third record.
    Rule(Form),
    /// The simulator, which takes so many bytes at most: as many as the smallest documents have, or none.
    Limit(Option<usize>),
    /// Nobody.
    Nobody,
    /// A server without TLS, asked for TLS.
    Plain,
}

fn status(code: u16) -> FaultKind {
    FaultKind::status(code)
}

fn asks(code: u16, after: RetryAfter) -> FaultKind {
    FaultKind::Status { code, applied: false, retry_after: Some(after), body: None }
}

fn once(kind: FaultKind) -> From {
    From::Faults(vec![Fault::requests([1], kind)])
}

fn always(kind: FaultKind) -> From {
    From::Faults(vec![Fault::rate(1.0, kind)])
}

fn token(kind: FaultKind) -> From {
    From::Faults(vec![Fault::rate(1.0, kind).on_token()])
}

fn table() -> Vec<(&'static str, From, Seen)> {
    let second = Duration::from_secs(1);
    let (seconds, date) = (RetryAfter::Seconds(second), RetryAfter::Date(second));
    let too_long = RetryAfter::Seconds(second * 60);
    // All is sent, but nothing.
    let none = (0, 0, 10);
    let all = (10, 0, 0);
    vec![
        ("200", From::Faults(Vec::new()), seen(all, 0, 2, 0, "", 0)),
        ("201", always(status(201)), seen(all, 0, 2, 0, "", 0)),
        ("204", once(status(204)), seen((5, 0, 5), 5, 2, 1, "", 5)),
        ("204, taken", once(FaultKind::applied(204)), seen((5, 0, 5), 5, 2, 1, "", 5)),
        ("400 by index", From::Rule(Form::Indexed), seen((9, 1, 0), 0, 3, 3, "", 1)),
        ("400 by index of a nested path", From::Rule(Form::Nested), seen((9, 1, 0), 0, 3, 3, "", 1)),
        ("400 unnamed", From::Rule(Form::Unnamed), seen((9, 1, 0), 0, 6, 3, "", 1)),
        ("400 to all", always(status(400)), seen(none, 0, 9, 1, "systemic", 10)),
        ("401 once", once(status(401)), seen(all, 0, 3, 0, "", 0)),
        ("401 always", always(status(401)), seen(none, 0, 2, 1, "systemic", 10)),
        ("403 once", once(status(403)), seen(all, 0, 4, 0, "", 0)),
        ("403 always", always(status(403)), seen(none, 0, 9, 1, "systemic", 10)),
        ("404", always(status(404)), seen(none, 0, 1, 2, "systemic", 10)),
        ("407", always(status(407)), seen(none, 0, 1, 1, "systemic", 10)),
        ("408 once", once(status(408)), seen(all, 0, 3, 0, "", 0)),
        ("408 always", always(status(408)), seen(none, 0, 2, 5, "breaker", 10)),
        ("413 for a batch", From::Limit(Some(1)), seen(all, 0, 18, 0, "", 0)),
        ("413 for a record", From::Limit(None), seen((0, 10, 0), 0, 18, 3, "", 10)),
        ("415", always(status(415)), seen(none, 0, 1, 1, "systemic", 10)),
        ("422", always(status(422)), seen(none, 0, 9, 1, "systemic", 10)),
        ("429 once", once(status(429)), seen(all, 0, 3, 0, "", 0)),
        ("429 once, seconds", once(asks(429, seconds)), seen(all, 0, 3, 0, "", 0)),
        ("429 once, a date", once(asks(429, date)), seen(all, 0, 3, 0, "", 0)),
        ("429, too long", once(asks(429, too_long)), seen(none, 0, 1, 5, "retry_after", 10)),
        ("429 always", always(status(429)), seen(none, 0, 2, 5, "breaker", 10)),
        ("500 once", once(status(500)), seen(all, 5, 3, 0, "", 5)),
        ("500 once, taken", once(FaultKind::applied(500)), seen(all, 5, 3, 0, "", 5)),
        ("500 always", always(status(500)), seen((0, 10, 0), 40, 12, 3, "", 10)),
        ("502 once", once(status(502)), seen(all, 5, 3, 0, "", 5)),
        ("503 once", once(status(503)), seen(all, 0, 3, 0, "", 0)),
        ("503 always", always(status(503)), seen((0, 10, 0), 0, 12, 3, "", 10)),
        ("503, too long", once(asks(503, too_long)), seen(none, 0, 1, 5, "retry_after", 10)),
        ("504 once", once(status(504)), seen(all, 5, 3, 0, "", 5)),
        ("nobody listens", From::Nobody, seen(none, 0, 2, 5, "breaker", 10)),
        ("refused once", once(FaultKind::RefuseConnection), seen(all, 0, 3, 0, "", 0)),
        ("TLS fails", From::Plain, seen(none, 0, 2, 5, "breaker", 10)),
        ("no answer, not taken", once(FaultKind::HangBefore), seen((5, 0, 5), 5, 2, 1, "", 5)),
        ("no answer, taken", once(FaultKind::HangAfter), seen((5, 0, 5), 5, 2, 1, "", 5)),
        ("closed before", once(FaultKind::CutBefore), seen((5, 0, 5), 5, 2, 1, "", 5)),
        ("lost", once(FaultKind::Lost), seen((5, 0, 5), 5, 2, 1, "", 5)),
        ("cut off", once(FaultKind::Cut), seen((5, 0, 5), 5, 2, 1, "", 5)),
        ("a receipt too few", once(FaultKind::WrongCount { more: false }), seen((5, 0, 5), 5, 2, 1, "", 5)),
        ("a receipt too many", once(FaultKind::WrongCount { more: true }), seen((5, 0, 5), 5, 2, 1, "", 5)),
        ("no receipts", once(FaultKind::Garbled), seen((5, 0, 5), 5, 2, 1, "", 5)),
        ("not JSON", once(FaultKind::NotJson), seen((5, 0, 5), 5, 2, 1, "", 5)),
        ("late", once(FaultKind::Slow(Duration::from_millis(200))), seen(all, 0, 2, 0, "", 0)),
        ("lost, always", always(FaultKind::Lost), seen(none, 10, 2, 1, "", 10)),
        ("no token: 400", token(status(400)), seen(none, 0, 1, 1, "systemic", 10)),
        ("no token: 401", token(status(401)), seen(none, 0, 1, 1, "systemic", 10)),
        ("no token: 500", token(status(500)), seen(none, 0, 2, 5, "breaker", 10)),
        ("no token: not JSON", token(FaultKind::NotJson), seen(none, 0, 1, 1, "systemic", 10)),
    ]
}

/// A simulator that answers so, if there is one, and a place that sends to it.
fn set_up(from: &From) -> (Dfe, Place) {
    let refuse = |form| vec![Rule { field: "child_details.surname".into(), contains: BAD.into(), form }];
    let faults = match from {
        From::Faults(faults) => Faults { faults: faults.clone(), ..Faults::default() },
        From::Rule(form) => Faults { refuse: refuse(*form), ..Faults::default() },
        From::Limit(_) | From::Nobody | From::Plain => Faults::default(),
    };
    let dfe = Dfe::with(Settings { faults, ..Settings::default() });
    let place = staged(dfe.addr(), ROWS);
    match from {
        From::Rule(_) => drop(spoil(&place, 2, BAD)),
        From::Limit(some) => {
            let longest = place.number(&format!("SELECT MAX(LENGTH(CAST(json_payload AS BLOB))) FROM {STAGING}"));
            let byte_limit = Some(some.map_or(10, |_| longest as usize + 2));
            // One that takes less would pass two small records.
            place.sql(&format!("UPDATE {STAGING} SET json_payload = json_payload || substr('{}', 1, {longest} - LENGTH(CAST(json_payload AS BLOB)))", " ".repeat(longest as usize)));
            dfe.running().set_faults(Faults { byte_limit, ..Faults::default() }).expect("a limit");
        }
        From::Nobody => place.configure(NOBODY),
        From::Plain => place.reconfigure("http://", "https://"),
        From::Faults(_) => {}
    }
    place.set("sink", KEYS);
    (dfe, place)
}

/// Plays one answer to its end, and then a night on which all is well again.
fn play(name: &str, from: &From) -> Seen {
    let (dfe, place) = set_up(from);
    let ended = place.play(["submit", "--json"]);
    let report = ended.json();
    let code = ended.code.expect("a code");
    let stopped = match report["stopped"].as_str() {
        None => "",
        Some(word) => {
            ["breaker", "systemic", "retry_after"].into_iter().find(|known| *known == word).expect("a known word")
        }
    };
    let (sent, error, pending) = (place.count("sent"), place.count("error"), place.count("pending"));
    let (open, requests) = (open_intents(&place), report["submitted"]["requests"].as_i64().expect("a number"));
    assert_eq!(report["submitted"]["sent"], sent, "{name}: {report}");
    assert_eq!(
        code == 0,
        ended.stderr.lines().all(|line| !line.starts_with("error: ")) && sent == 10,
        "{name}: {}",
        ended.stderr
    );
    assert_eq!(report["submitted"]["left_pending"], pending, "{name}: {report}");
    assert_eq!(report["open_intents"], Value::Null, "{name}");

    dfe.running().set_faults(Faults::default()).expect("no faults");
    place.configure(dfe.addr());
    place.age_intents();
    let next = place.play(["submit", "--json"]).well().json()["submitted"]["sent"].as_i64().expect("a number");
    assert_eq!((place.count("sent"), open_intents(&place)), (ROWS as i64, 0), "{name}");
    let held = dfe.children();
    assert_eq!(held.len(), ROWS, "{name}");
    for (child, document) in held {
        assert_eq!(place.row(&child).document, document, "{name}: DfE holds something else");
    }
    Seen { sent, error, pending, open_intents: open, requests, code, stopped, next }
}

#[test]
fn every_answer_leaves_rows_and_requests_as_it_should() {
    let mut differ = Vec::new();
    println!("{:30} | sent | error | pending | open | requests | code | stopped     | sent by the next run", "answer");
    for (name, from, expected) in table() {
        let seen = play(name, &from);
        let Seen { sent, error, pending, open_intents, requests, code, stopped, next } = &seen;
        println!(
            "{name:30} | {sent:4} | {error:5} | {pending:7} | {open_intents:4} | {requests:8} | {code:4} | {stopped:11} | {next:4}"
        );
        if seen != expected {
            differ.push(format!("{name}: {seen:?}, and not {expected:?}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
