//! Faults in a file.

use std::path::Path;
use std::time::Duration;

use csc_bridge_core::error::{Kind, Result};
use csc_bridge_dfe_csc_simulator::{Fault, FaultKind, Faults, Form, Latency, RateLimit, RetryAfter, Rule, Settings};

use crate::End;

fn parse(text: &str) -> Result<Faults> {
    Faults::parse(Path::new("faults.toml"), text)
}

/// The complaint, which must be at this place.
fn complaint(text: &str, line: usize, column: usize) -> String {
    let error = parse(text).expect_err(text);
    assert_eq!(error.kind(), Kind::Config);
    let place = format!("faults.toml, line {line}, column {column}: ");
    error.message().strip_prefix(&place).unwrap_or_else(|| panic!("{error} is not at {place}")).to_owned()
}

const ALL: &str = r#"
seed = 7
byte_limit = 4_000_000
rate_limit = { per_second = 20, retry_after = "1s" }
token_lifetime = "60s"
token_says = "1h"
latency = { median = "50ms", p99 = "2s" }
refuse = [
    { field = "child_details.surname", contains = "Bad" },
    { field = "la_child_id", contains = "7", form = "nested" },
]

[[fault]]
kind = "500"
rate = 0.05
applied = true
retry_after = "2s"
retry_after_date = true
body = "<html>"

[[fault]]
kind = 401
on = "token"
requests = [1]

[[fault]]
kind = "lost"
requests = [3, 7]

[[fault]]
kind = "wrong_count"
more = true
rate = 0.1

[[fault]]
kind = "slow"
delay = "10s"
requests = [9]

[[fault]]
kind = "refuse_connection"
requests = [2]
"#;

#[test]
fn a_file_may_hold_every_key() {
    let seconds = Duration::from_secs;
    let rule = |field: &str, contains: &str, form| Rule { field: field.into(), contains: contains.into(), form };
    let five_hundred = FaultKind::Status {
        code: 500,
        applied: true,
        retry_after: Some(RetryAfter::Date(seconds(2))),
        body: Some("<html>".to_owned()),
    };
    let expected = Faults {
        seed: 7,
        byte_limit: Some(4_000_000),
        rate_limit: Some(RateLimit {
            per_second: 20.try_into().expect("not zero"),
            retry_after: Some(RetryAfter::Seconds(seconds(1))),
        }),
        token_lifetime: Some(seconds(60)),
        token_says: Some(seconds(3600)),
        latency: Some(Latency::LogNormal { median: Duration::from_millis(50), p99: seconds(2) }),
        refuse: vec![rule("child_details.surname", "Bad", Form::Indexed), rule("la_child_id", "7", Form::Nested)],
        faults: vec![
            Fault::rate(0.05, five_hundred),
            Fault::requests([1], FaultKind::status(401)).on_token(),
            Fault::requests([3, 7], FaultKind::Lost),
            Fault::rate(0.1, FaultKind::WrongCount { more: true }),
            Fault::requests([9], FaultKind::Slow(seconds(10))),
            Fault::requests([2], FaultKind::RefuseConnection),
        ],
    };
    assert_eq!(parse(ALL).expect("faults"), expected);
    assert_eq!(parse("").expect("no faults"), Faults::default());
}

#[test]
fn every_kind_has_its_name_in_the_file() {
    for name in [
        "201",
        "204",
        "400",
        "401",
        "403",
        "404",
        "407",
        "408",
        "413",
        "415",
        "422",
        "429",
        "500",
        "502",
        "503",
        "504",
        "refuse_connection",
        "hang_before",
        "hang_after",
        "lost",
        "cut",
        "cut_before",
        "wrong_count",
        "garbled",
        "not_json",
        "slow",
    ] {
        let faults = parse(&format!("[[fault]]\nkind = \"{name}\"\nrate = 1")).expect(name);
        assert_eq!(faults.faults[0].kind.name(), name);
    }
}

#[test]
fn latencies_are_fixed_uniform_or_log_normal() {
    let latency = |text: &str| parse(&format!("latency = {text}")).expect(text).latency.expect("a latency");
    let ms = Duration::from_millis;
    assert_eq!(latency(r#"{ fixed = "50ms" }"#), Latency::Fixed(ms(50)));
    assert_eq!(latency(r#"{ uniform = ["10ms", "90ms"] }"#), Latency::Uniform(ms(10), ms(90)));
    for wrong in [
        r#"{ }"#,
        r#"{ fixed = "1s", median = "1s", p99 = "2s" }"#,
        r#"{ median = "1s" }"#,
        r#"{ median = "2s", p99 = "1s" }"#,
        r#"{ median = "0s", p99 = "1s" }"#,
        r#"{ uniform = ["2s", "1s"] }"#,
    ] {
        complaint(&format!("latency = {wrong}"), 1, 11);
    }
}

#[test]
fn what_is_wrong_in_a_file_is_said_with_line_and_column() {
    for (text, line, column, words) in [
        ("seed = 1\nsead = 2", 2, 1, "unknown field `sead`"),
        ("seed = -1", 1, 8, "invalid value"),
        ("seed = ", 1, 8, ""),
        ("token_lifetime = \"soon\"", 1, 18, "not a length of time"),
        ("rate_limit = { per_second = 0 }", 1, 29, "nonzero"),
        ("refuse = [{ field = \"a\", contains = \"b\", form = \"x\" }]", 1, 49, "unknown variant"),
        ("[[fault]]\nkind = \"lots\"\nrate = 1", 2, 8, "there is no fault \"lots\""),
        ("[[fault]]\nkind = 600\nrate = 1", 2, 8, "there is no fault \"600\""),
        ("[[fault]]\nkind = true\nrate = 1", 2, 8, "a kind of fault"),
        ("[[fault]]\nkind = \"lost\"\nrate = 1\nof = \"token\"", 4, 1, "unknown field `of`"),
        ("seed = 1\n[[fault]]\nkind = \"lost\"", 2, 1, "either rate or requests"),
        ("[[fault]]\nkind = \"lost\"\nrate = 1\nrequests = [1]", 1, 1, "either rate or requests"),
        ("[[fault]]\nkind = \"lost\"\nrate = 1.5", 1, 1, "0 to 1"),
        ("[[fault]]\nkind = \"lost\"\nrequests = [0]", 1, 1, "from 1"),
        ("[[fault]]\nkind = \"lost\"\nrate = 1\napplied = true", 1, 1, "for a kind that is a status"),
        ("[[fault]]\nkind = \"lost\"\nrate = 1\nmore = true", 1, 1, "more is for"),
        ("[[fault]]\nkind = \"lost\"\nrate = 1\ndelay = \"1s\"", 1, 1, "delay is for"),
        ("[[fault]]\nkind = 400\nrate = 1\napplied = true", 1, 1, "was not applied"),
        ("[[fault]]\nkind = 201\nrate = 1\napplied = false", 1, 1, "was applied"),
        ("[[fault]]\nkind = 429\nrate = 1\nretry_after_date = true", 1, 1, "set that as well"),
        ("[[fault]]\nkind = \"refuse_connection\"\nrate = 1\non = \"token\"", 1, 1, "happens to connections"),
        ("[[fault]]\nkind = 500\nrate = 0.6\n[[fault]]\nkind = 503\nrate = 0.6", 4, 1, "more than 1"),
        ("[[fault]]\nkind = 500\nrequests = [1]\n[[fault]]\nkind = 503\nrequests = [1]", 4, 1, "already"),
    ] {
        let complaint = complaint(text, line, column);
        assert!(complaint.contains(words), "{complaint}");
    }
}

#[test]
fn a_file_that_is_not_there_is_said_so() {
    let error = Faults::load(Path::new("nowhere/faults.toml")).expect_err("no file");
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.message().contains("nowhere/faults.toml cannot be read"), "{error}");
}

#[tokio::test]
async fn a_simulator_does_what_its_file_says() {
    let faults = parse("[[fault]]\nkind = 503\nretry_after = \"2s\"\nrequests = [2]").expect("faults");
    let end = End::start(Settings { faults, ..Settings::default() }).await;
    for expected in [200, 503, 200] {
        assert_eq!(end.post(r#"[{"la_child_id":"a"}]"#).await.0, expected);
    }
}
