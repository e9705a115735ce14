//! The header's own examples are messages.

use csc_bridge_core::sink::{Facts, Probe, Then};
use csc_bridge_plugin_abi::message::{
    Children, Description, NewHandle, NewSink, NewSource, OneTable, Open, ProbeAnswer, Rows, ScanOf, SendRecords,
    SinkFacts, SinkHandle, TableColumns, decode_answer, decode_input, read_error, read_sent,
};
use csc_bridge_plugin_abi::table::{ERROR, Entry, OK};
use serde_json::Value;

const HEADER: &str = include_str!("../../include/csc_bridge_plugin.h");

/// The header's text without the stars of its comments.
fn text() -> String {
    HEADER.lines().map(|line| line.trim().trim_start_matches(['*', ' '])).collect::<Vec<_>>().join("\n")
}

/// The JSON that follows `marker` in the comment of `entry`.
fn example(entry: Entry, marker: &str) -> Vec<u8> {
    let text = text();
    let end = text.find(&format!("csc_call {entry};")).unwrap();
    let start = text[..end].rfind("csc_call ").map_or(0, |start| start);
    first_json(&text[start..end], marker)
}

fn first_json(text: &str, marker: &str) -> Vec<u8> {
    let after = text.find(marker).unwrap_or_else(|| panic!("no {marker} in {text}")) + marker.len();
    let json = &text[after + text[after..].find('{').unwrap()..];
    let value: Value = serde_json::Deserializer::from_str(json).into_iter().next().unwrap().unwrap();
    serde_json::to_vec(&value).unwrap()
}

fn input<T: for<'a> serde::Deserialize<'a>>(entry: Entry) -> T {
    decode_input(entry, &example(entry, "in:")).unwrap()
}

fn answer<T: for<'a> serde::Deserialize<'a>>(entry: Entry) -> T {
    decode_answer(entry, &example(entry, "out:")).unwrap()
}

#[test]
fn the_examples_of_a_source_are_read() {
    answer::<Description>(Entry::Describe).check().unwrap();
    assert_eq!(input::<NewSource>(Entry::SourceNew).options["password"]["env"], "CSC_DB_PASSWORD");
    assert_eq!(input::<Open>(Entry::SourceOpen).tables[0].columns.len(), 2);
    assert_eq!(input::<TableColumns>(Entry::SessionList).table.schema, "dbo");
    assert_eq!(input::<OneTable>(Entry::SessionCount).table.table, "ssd_person");
    assert_eq!(answer::<Rows>(Entry::SessionCount).rows, 41203);
    assert_eq!(input::<Children>(Entry::SessionSelect).selected().unwrap(), ["10023", "10041"]);
    assert_eq!(input::<ScanOf>(Entry::SessionScan).path_to_child.joins[0].table.table, "ssd_cp_plans");
    assert_eq!(input::<Children>(Entry::SessionDocuments).children.unwrap().len(), 2);
    let every = example(Entry::SessionDocuments, "or ");
    assert!(decode_input::<Children>(Entry::SessionDocuments, &every).unwrap().children.is_none());
    for entry in [Entry::SourceNew, Entry::SourceOpen, Entry::SessionList, Entry::SessionScan, Entry::SessionDocuments]
    {
        answer::<NewHandle>(entry);
    }
    let end = example(Entry::StreamNext, "CSC_COMPLETE:");
    assert_eq!(decode_answer::<Rows>(Entry::StreamNext, &end).unwrap().rows, 18211);
}

#[test]
fn the_examples_of_a_sink_are_read() {
    assert!(input::<NewSink>(Entry::SinkFacts).la_code.is_none());
    assert_eq!(Facts::try_from(answer::<SinkFacts>(Entry::SinkFacts)).unwrap().limits.max_bytes, 4_000_000);
    assert_eq!(input::<NewSink>(Entry::SinkNew).la_code.as_deref(), Some("845"));
    assert_eq!(answer::<SinkHandle>(Entry::SinkNew).limits().unwrap().request_life.as_secs(), 90);
    let sent = example(Entry::SinkSend, "in:");
    let records: SendRecords = decode_input(Entry::SinkSend, &sent).unwrap();
    assert_eq!(records.records()[0].document, r#"{"la_child_id":"10023","purge":false}"#);

    let taken = read_sent(OK, &example(Entry::SinkSend, "CSC_OK:"), 1);
    assert_eq!(taken.result.unwrap()[0].received_at.as_deref(), Some("2026-11-20 02:14:55.120"));
    let refused = read_sent(ERROR, &example(Entry::SinkSend, "CSC_ERROR:"), 1).result.unwrap_err();
    assert_eq!(refused.then, Then::Retry { after: Some(std::time::Duration::from_secs(30)) });
    assert_eq!(refused.status, Some(429));

    let bytes = example(Entry::SinkProbe, "out:");
    let probe = Probe::try_from(decode_answer::<ProbeAnswer>(Entry::SinkProbe, &bytes).unwrap()).unwrap();
    assert_eq!(probe.reach.unwrap().unwrap_err().advice(), "ask DfE");
    assert_eq!(probe.clock_ahead.unwrap().as_secs(), -2);
}

#[test]
fn the_example_of_an_error_is_read() {
    let error = read_error(Entry::SourceOpen, &first_json(&text(), "AN ERROR, the output"));
    assert_eq!(error.message(), "the server db01 does not answer");
    assert_eq!(error.kind(), csc_bridge_core::error::Kind::Unreachable);
}
