//! JSON that is wrong in any way is an error that names the call and never a value, and never a panic.

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::sink::{Facts, Probe};
use csc_bridge_plugin_abi::message::{
    Children, Description, NewHandle, NewSink, NewSource, OneTable, Open, ProbeAnswer, Rows, ScanOf, SendRecords,
    SinkFacts, SinkHandle, TableColumns, decode_answer, decode_input, read_error, read_sent,
};
use csc_bridge_plugin_abi::table::{ERROR, Entry, OK};
use serde_json::{Value, json};

use crate::counting::allocated;
use crate::seed::{chance, spoil};

/// A message: the call, whether the plugin wrote it, how it is read, and a right one.
struct Message {
    entry: Entry,
    read: fn(&[u8]) -> Result<()>,
    right: Value,
}

macro_rules! answer {
    ($entry:ident, $type:ty, $check:expr, $right:tt) => {
        Message {
            entry: Entry::$entry,
            read: |bytes| decode_answer::<$type>(Entry::$entry, bytes).and_then($check),
            right: json!($right),
        }
    };
}

macro_rules! input {
    ($entry:ident, $type:ty, $right:tt) => {
        Message {
            entry: Entry::$entry,
            read: |bytes| decode_input::<$type>(Entry::$entry, bytes).map(drop),
            right: json!($right),
        }
    };
}

fn messages() -> Vec<Message> {
    vec![
        answer!(Describe, Description, |it| it.check(), { "name": "ann", "version": "1", "source": "tables", "sink": true }),
        answer!(SourceNew, NewHandle, |_| Ok(()), { "handle": 7 }),
        answer!(SessionCount, Rows, |_| Ok(()), { "rows": 7 }),
        answer!(SinkFacts, SinkFacts, |it| Facts::try_from(it).map(drop),
            { "max_records": 1, "max_bytes": 1, "request_life_ms": 0, "is_local": true }),
        answer!(SinkNew, SinkHandle, |it| it.limits().map(drop),
            { "handle": 1, "max_records": 1, "max_bytes": 1, "request_life_ms": 0 }),
        answer!(SinkProbe, ProbeAnswer, |it| Probe::try_from(it).map(drop),
            { "token": { "ok": "Ann" }, "clock_ahead_s": 3,
              "reach": { "error": { "kind": "io", "directive": "stop", "message": "m", "advice": "a" } } }),
        input!(SourceNew, NewSource, { "options": { "a": 1 }, "folder": "/x" }),
        input!(SourceOpen, Open, { "tables": [{ "table": { "schema": "", "table": "t" }, "columns": ["a"] }] }),
        input!(SessionList, TableColumns, { "table": { "schema": "", "table": "t" }, "columns": ["a"] }),
        input!(SessionCount, OneTable, { "table": { "schema": "", "table": "t" } }),
        input!(SessionDocuments, Children, { "children": ["a"] }),
        input!(SessionScan, ScanOf, {
            "table": { "schema": "", "table": "t" }, "columns": ["a"],
            "path_to_child": { "child": "c", "no_key": ["-1"],
                "joins": [{ "column": "a", "table": { "schema": "", "table": "t" }, "key": "k" }] } }),
        input!(SinkNew, NewSink, { "options": {}, "folder": "/x", "la_code": "845" }),
        input!(SinkSend, SendRecords, { "records": [{ "person_id": "a", "document": "{}" }] }),
        Message {
            entry: Entry::SourceOpen,
            read: |bytes| {
                let error = read_error(Entry::SourceOpen, bytes);
                if error.message().starts_with("an error without its form") { Err(error) } else { Ok(()) }
            },
            right: json!({ "kind": "io", "directive": "stop", "message": "m", "advice": "a" }),
        },
    ]
}

/// Fields that may be absent.
const OPTIONAL: [&str; 8] = ["source", "token", "reach", "clock_ahead_s", "children", "la_code", "ok", "error"];

/// Every field of the message, as a JSON pointer.
fn fields(value: &Value, at: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            into.push(format!("{at}/{key}"));
            fields(value, &format!("{at}/{key}"), into);
        }),
        Value::Array(list) => list.iter().enumerate().for_each(|(n, value)| fields(value, &format!("{at}/{n}"), into)),
        _ => {}
    }
}

fn read(message: &Message, value: &Value) -> Result<()> {
    (message.read)(&serde_json::to_vec(value).unwrap())
}

fn must_be_ours(message: &Message, error: &Error) {
    assert_eq!(error.kind(), Kind::Protocol, "{error:?}");
    assert!(error.message().contains(message.entry.name()), "{error:?} does not name {}", message.entry);
    assert!(!error.message().contains("Ann Example"), "{error:?}");
    assert!(!error.message().contains('\n') && error.message().len() < 200, "{error:?}");
}

#[test]
fn a_missing_field_is_named_with_its_call() {
    for message in messages() {
        read(&message, &message.right).unwrap();
        let mut all = Vec::new();
        fields(&message.right, "", &mut all);
        for pointer in all.iter().filter(|pointer| !pointer.starts_with("/options/")) {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            let mut without = message.right.clone();
            without.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(field);
            if OPTIONAL.contains(&field) {
                // A part of a probe must have one of its two.
                assert_eq!(read(&message, &without).is_ok(), !["ok", "error"].contains(&field), "{pointer}");
                continue;
            }
            let error = read(&message, &without).expect_err(pointer);
            must_be_ours(&message, &error);
            assert!(error.message().ends_with(&format!("lacks the field {field}")), "{pointer}: {error:?}");
        }
    }
}

#[test]
fn a_value_of_the_wrong_type_is_not_quoted() {
    let text = "Ann Example missing field `Ann Example`\n".repeat(20);
    for message in messages() {
        let mut all = Vec::new();
        fields(&message.right, "", &mut all);
        for pointer in all.iter().filter(|pointer| !pointer.starts_with("/options/")) {
            let right = message.right.pointer(pointer).unwrap();
            let wrong = if right.is_string() { json!([text]) } else { json!(text) };
            let mut spoilt = message.right.clone();
            *spoilt.pointer_mut(pointer).unwrap() = wrong;
            must_be_ours(&message, &read(&message, &spoilt).expect_err(pointer));
        }
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    for (entry, field, numbers) in [
        (Entry::SourceNew, "handle", vec!["0", "-1", "1.5", "1e300", "18446744073709551616"]),
        (Entry::SessionCount, "rows", vec!["-1", "0.5", "18446744073709551616"]),
        (Entry::SinkFacts, "max_records", vec!["0", "-1"]),
        (Entry::SinkFacts, "max_bytes", vec!["0", "1e99"]),
        (Entry::SinkFacts, "request_life_ms", vec!["-1", "31622400001", "18446744073709551615"]),
        (Entry::SinkNew, "handle", vec!["0"]),
        (Entry::SinkNew, "max_records", vec!["0"]),
        (Entry::SinkProbe, "clock_ahead_s", vec!["9223372036854775807", "-9223372036854775808", "9223372036854775808"]),
    ] {
        let message = messages().into_iter().find(|message| message.entry == entry).unwrap();
        for number in numbers {
            let mut spoilt = message.right.clone();
            spoilt[field] = json!("HERE");
            let text = spoilt.to_string().replace("\"HERE\"", number);
            let error = (message.read)(text.as_bytes()).expect_err(&text);
            must_be_ours(&message, &error);
            assert!(error.advice().contains("plugin's author"));
        }
    }
}

#[test]
fn names_that_do_not_fit_into_a_path_or_a_log_are_refused() {
    let long = "a".repeat(65);
    for (field, text) in
        [("name", "../a"), ("name", "A"), ("name", ""), ("name", &long), ("version", "1\n2"), ("version", "")]
    {
        let mut described = json!({ "name": "a-1", "version": "1.0+x", "source": null, "sink": true });
        described[field] = json!(text);
        let described: Description = serde_json::from_value(described).unwrap();
        assert!(described.check().unwrap_err().message().contains(field), "{text:?}");
    }
    let nothing = br#"{"name":"a","version":"1","sink":false}"#;
    assert!(decode_answer::<Description>(Entry::Describe, nothing).unwrap().check().is_err());
}

#[test]
fn what_is_cut_off_is_no_message() {
    for message in messages() {
        let bytes = serde_json::to_vec(&message.right).unwrap();
        for length in 0..bytes.len() {
            must_be_ours(&message, &(message.read)(&bytes[..length]).unwrap_err());
        }
        must_be_ours(&message, &(message.read)(&[&bytes[..], b"{}"].concat()).unwrap_err());
        must_be_ours(&message, &(message.read)(b"{\"handle\":\xff}").unwrap_err());
        must_be_ours(&message, &(message.read)("[".repeat(100_000).as_bytes()).unwrap_err());
        let deep = format!("{{\"later\":{}", "[".repeat(100_000));
        must_be_ours(&message, &(message.read)(deep.as_bytes()).unwrap_err());
    }
}

#[test]
fn invalid_utf8_is_an_error() {
    for message in messages() {
        let text = message.right.to_string();
        for spoilt in [text.replacen("\"m\"", "\"HERE\"", 1), text.replacen("\"a\"", "\"HERE\"", 1)] {
            let mut bytes = spoilt.into_bytes();
            if let Some(at) = bytes.windows(4).position(|four| four == b"HERE") {
                bytes[at] = 0xff;
                must_be_ours(&message, &(message.read)(&bytes).unwrap_err());
            }
        }
    }
}

#[test]
fn spoilt_messages_neither_panic_nor_allocate_much() {
    let mut chance = chance();
    let refused = br#"{"kind":"io","directive":"stop","message":"m","advice":"a","then":"bad_records","records":[0,1],"status":400}"#;
    let taken = br#"{"receipts":[{"id":"1","received_at":"2026-11-20 02:14:55.120"},{"id":"2"}],"request_id":"x"}"#;
    for message in messages() {
        let bytes = serde_json::to_vec(&message.right).unwrap();
        for _ in 0..2_000 {
            let spoilt = spoil(&bytes, &mut chance);
            let (read, bytes) = allocated(|| (message.read)(&spoilt));
            assert!(
                bytes <= 64 * spoilt.len() as u64 + 4_096,
                "{bytes} bytes for {}",
                String::from_utf8_lossy(&spoilt)
            );
            if let Err(error) = read {
                must_be_ours(&message, &error);
            }
        }
    }
    for (status, right) in [(ERROR, &refused[..]), (OK, &taken[..])] {
        for _ in 0..5_000 {
            let sent = read_sent(status, &spoil(right, &mut chance), 2);
            assert!(sent.result.is_err() || status == OK);
        }
    }
}
