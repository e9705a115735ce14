use std::num::NonZeroU64;
use std::time::Duration;

use csc_bridge_core::error::{Directive, Error, Kind};
use csc_bridge_core::sink::{Facts, Limits, Probe, Record};
use csc_bridge_core::source::{Join, Path, Scan, Table, TableName};
use csc_bridge_plugin_abi::message::{
    Children, LONGEST_LINE, NewSource, Open, ProbeAnswer, ScanOf, SendRecords, SinkFacts, SinkHandle, decode_answer,
    decode_input, encode, read_error, write_error,
};
use csc_bridge_plugin_abi::table::Entry;
use jiff::SignedDuration;

fn name(table: &str) -> TableName {
    TableName { schema: "sch\"ema".into(), table: table.into() }
}

#[test]
fn tables_and_a_scan_come_through() {
    let tables = vec![
        Table { name: name("Ä table"), columns: vec!["a".into(), "b'; DROP".into()] },
        Table { name: TableName { schema: String::new(), table: "t".into() }, columns: vec![] },
    ];
    let bytes = encode(&Open::from(&tables[..])).unwrap();
    assert_eq!(Vec::<Table>::from(decode_input::<Open>(Entry::SourceOpen, &bytes).unwrap()), tables);

    let join = |column: &str, key: &str| Join { column: column.into(), table: name("via"), key: key.into() };
    let scan = Scan {
        table: name("rows"),
        columns: vec!["x".into()],
        path_to_child: Path {
            joins: vec![join("one", "two"), join("three", "four")],
            child: "person".into(),
            no_key: vec!["-1".into(), "SSD_PH".into()],
        },
    };
    let bytes = encode(&ScanOf::from(&scan)).unwrap();
    assert_eq!(Scan::from(decode_input::<ScanOf>(Entry::SessionScan, &bytes).unwrap()), scan);
}

#[test]
fn children_and_documents_come_through_to_the_byte() {
    let children = vec!["10023".to_owned(), "Zoë \"\\ \u{1f600}".to_owned(), String::new()];
    let bytes = encode(&Children::of(&children)).unwrap();
    assert_eq!(decode_input::<Children>(Entry::SessionSelect, &bytes).unwrap().selected().unwrap(), children);

    let document = r#"{"la_child_id":"Zo\u00eb\\\"","n":1}"#;
    let bytes = encode(&SendRecords::from(&[Record { person_id: "Zoë", document }][..])).unwrap();
    let records: SendRecords = decode_input(Entry::SinkSend, &bytes).unwrap();
    assert_eq!((records.records()[0].person_id, records.records()[0].document), ("Zoë", document));
}

#[test]
fn a_selection_must_say_whom() {
    let nobody: Children = decode_input(Entry::SessionSelect, b"{}").unwrap();
    assert!(nobody.selected().is_err_and(|error| error.message().contains("children")));
}

#[test]
fn what_a_sink_is_comes_through() {
    let limits = Limits { max_records: 100, max_bytes: 4_000_000, request_life: Duration::from_micros(1_500) };
    let bytes = encode(&SinkFacts::from(Facts { limits, is_local: true })).unwrap();
    let facts = Facts::try_from(decode_answer::<SinkFacts>(Entry::SinkFacts, &bytes).unwrap()).unwrap();
    assert!(facts.is_local);
    assert_eq!(
        facts.limits,
        Limits { request_life: Duration::from_millis(2), ..limits },
        "a part of a millisecond is one"
    );

    let handle = SinkHandle::new(NonZeroU64::MAX, limits);
    let bytes = encode(&handle).unwrap();
    assert_eq!(decode_answer::<SinkHandle>(Entry::SinkNew, &bytes).unwrap(), handle);
}

#[test]
fn what_a_probe_found_comes_through() {
    let probe = Probe {
        token: Some(Ok("granted".into())),
        reach: Some(Err(Error::new(Kind::Permission, "refused", "ask"))),
        clock_ahead: Some(SignedDuration::from_millis(-2_400)),
    };
    let bytes = encode(&ProbeAnswer::from(&probe)).unwrap();
    let found = Probe::try_from(decode_answer::<ProbeAnswer>(Entry::SinkProbe, &bytes).unwrap()).unwrap();
    assert_eq!(found.token.unwrap().unwrap(), "granted");
    assert_eq!(format!("{:?}", found.reach.unwrap().unwrap_err()), "Permission: refused (ask)");
    assert_eq!(found.clock_ahead, Some(SignedDuration::from_secs(-2)));

    let nothing = Probe::try_from(decode_answer::<ProbeAnswer>(Entry::SinkProbe, b"{}").unwrap()).unwrap();
    assert!(nothing.token.is_none() && nothing.reach.is_none() && nothing.clock_ahead.is_none());
}

#[test]
fn every_kind_of_error_but_a_guard_comes_through() {
    for kind in [
        Kind::Config,
        Kind::Unreachable,
        Kind::Permission,
        Kind::Schema,
        Kind::Data,
        Kind::Busy,
        Kind::Incomplete,
        Kind::Protocol,
        Kind::Interrupted,
        Kind::Io,
        Kind::Internal,
    ] {
        let error = read_error(Entry::SourceOpen, &write_error(&Error::new(kind, "table \"a\" is gone", "look")));
        assert_eq!((error.kind(), error.message(), error.advice()), (kind, "table \"a\" is gone", "look"));
    }
    let guard = read_error(Entry::SourceOpen, &write_error(&Error::new(Kind::Guard, "m", "a")));
    assert_eq!(guard.kind(), Kind::Internal, "a plugin has no guards");
    let named = br#"{"kind":"guard","directive":"stop","message":"m","advice":"a"}"#;
    assert_eq!(read_error(Entry::SourceOpen, named).kind(), Kind::Internal);
}

#[test]
fn a_kind_of_a_later_day_keeps_its_directive() {
    for (directive, expected) in
        [("stop", Directive::Stop), ("next_run", Directive::NextRun), ("?", Directive::NextRun)]
    {
        let json = format!(r#"{{"kind":"quota","directive":"{directive}","message":"m","advice":"a"}}"#);
        assert_eq!(read_error(Entry::SourceOpen, json.as_bytes()).kind().directive(), expected, "{directive}");
    }
}

#[test]
fn a_plugins_error_cannot_forge_a_line_of_the_log() {
    let nasty = "gone\n2026-11-20 INFO all well\r\u{1b}[2J\u{0}\u{85}\u{2028}\u{202e}end";
    let error = read_error(Entry::SourceOpen, &write_error(&Error::new(Kind::Data, nasty, nasty)));
    for text in [error.message(), error.advice()] {
        assert_eq!(text, "gone 2026-11-20 INFO all well  [2J    end");
    }
    let long = "ä".repeat(LONGEST_LINE + 1);
    let error = read_error(Entry::SourceOpen, &write_error(&Error::new(Kind::Data, long, "\n\t ")));
    assert_eq!(error.message(), "ä".repeat(LONGEST_LINE));
    assert_eq!(error.advice(), "ask the plugin's author", "a blank text is none");
}

#[test]
fn fields_of_a_later_day_are_passed_over() {
    let json = br#"{"options":{"a":1},"colour":{"deep":[1,2]},"folder":"/x"}"#;
    assert_eq!(decode_input::<NewSource>(Entry::SourceNew, json).unwrap().folder, "/x");
}
