#![allow(unsafe_code)]

use csc_bridge_core::error::Kind;
use csc_bridge_plugin_abi::message::{Description, SourceKind, decode_answer};
use csc_bridge_plugin_abi::rows::RowReader;
use csc_bridge_plugin_abi::table::{Bytes, Entry, OK};
use csc_bridge_plugin_sdk::__plugin;
use csc_bridge_plugin_sdk::arrow_array::cast::AsArray;
use csc_bridge_plugin_sdk::arrow_array::types::Int32Type;

use crate::host::{COUNT, LIST, SCAN, SELECT, load};
use crate::toy::Toy;

#[test]
fn a_source_is_described_by_its_crates_name_and_version() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let answer = plugin.call(Entry::Describe, 0, "");
    let description: Description = decode_answer(Entry::Describe, &answer.bytes).unwrap();
    description.check().unwrap();
    assert_eq!(description.name, "csc-bridge-plugin-sdk");
    assert_eq!(description.version, env!("CARGO_PKG_VERSION"));
    assert_eq!((description.source, description.sink), (Some(SourceKind::Tables), false));
    let absent: Vec<Entry> = Entry::ALL.into_iter().filter(|entry| !plugin.has(*entry)).collect();
    let sinks = [Entry::SinkFacts, Entry::SinkNew, Entry::SinkSend, Entry::SinkProbe];
    assert_eq!(absent, [&[Entry::SessionDocuments][..], &sinks].concat());
}

#[test]
fn a_source_lists_counts_selects_and_scans() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let (source, session) = plugin.session(r#"{"batches":3}"#);
    assert_eq!(plugin.call(Entry::SessionCount, session, COUNT).json()["rows"], 6);

    let stream = plugin.call(Entry::SessionList, session, LIST).handle();
    let (batches, rows) = plugin.read(stream);
    let ids: Vec<&str> = batches.iter().flat_map(|batch| batch["id"].as_string::<i32>().iter().flatten()).collect();
    assert_eq!((ids, rows), (vec!["a1", "b1", "a2", "b2", "a3", "b3"], 6));
    plugin.call(Entry::Release, stream, "").json();

    for children in [["1", "2"], ["3", "4"]] {
        let select = format!(r#"{{"children":{children:?}}}"#);
        assert_eq!(plugin.call(Entry::SessionSelect, session, &select).text(), "0 {}");
        let stream = plugin.call(Entry::SessionScan, session, SCAN).handle();
        let (batches, rows) = plugin.read(stream);
        assert_eq!((batches.len(), rows), (3, 6));
        for batch in &batches {
            assert_eq!(batch["child"].as_primitive::<Int32Type>().values(), &[0, 1]);
            assert_eq!(batch["id"].as_string::<i32>().iter().flatten().collect::<Vec<_>>(), children);
        }
        plugin.call(Entry::Release, stream, "").json();
    }
    plugin.call(Entry::Release, session, "").json();
    plugin.call(Entry::Release, source, "").json();
}

#[test]
fn an_empty_stream_is_complete_at_once() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let (_, _, stream) = plugin.scan("{}");
    assert_eq!(plugin.call(Entry::StreamNext, stream, "").text(), r#"1 {"rows":0}"#);
}

#[test]
fn an_error_arrives_with_kind_and_advice() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    for (place, entry, input) in [
        ("list", Entry::SessionList, LIST),
        ("count", Entry::SessionCount, COUNT),
        ("select", Entry::SessionSelect, SELECT),
        ("scan", Entry::SessionScan, SCAN),
    ] {
        let (_, session) = plugin.session(&format!(r#"{{"fails":"{place}"}}"#));
        let error = plugin.call(entry, session, input).error();
        assert_eq!(error.kind(), Kind::Unreachable, "{place}");
        assert_eq!((error.message(), error.advice()), (&*format!("no answer to {place}"), "check the VPN"));
    }
}

#[test]
fn a_stream_that_fails_delivers_what_came_before_and_no_end() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let (_, session, stream) = plugin.scan(r#"{"batches":2,"fails":"end"}"#);
    let mut statuses = vec![];
    for _ in 0..3 {
        statuses.push(plugin.call(Entry::StreamNext, stream, "").text().chars().next().unwrap());
    }
    assert_eq!(statuses, ['0', '0', '2']);
    // Read on, it says so; the end is not made up.
    assert_eq!(plugin.call(Entry::StreamNext, stream, "").error().kind(), Kind::Protocol);
    plugin.call(Entry::Release, stream, "").json();
    plugin.call(Entry::Release, session, "").json();
}

#[test]
fn a_column_of_a_type_that_nobody_reads_is_an_error_that_names_it() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let (_, session, stream) = plugin.scan(r#"{"batches":2,"fails":"type"}"#);
    let error = plugin.call(Entry::StreamNext, stream, "").error();
    assert!(error.kind() == Kind::Protocol && error.message().contains("column 2"), "{error:?}");
    plugin.call(Entry::Release, stream, "").json();
    plugin.call(Entry::Release, session, "").json();
}

#[test]
fn open_names_the_table_that_is_missing_and_the_source_goes_on() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let source = plugin.call(Entry::SourceNew, 0, r#"{"options":{},"folder":"/"}"#).handle();
    let missing = r#"{"tables":[{"table":{"schema":"dbo","table":"gone"},"columns":[]}]}"#;
    let error = plugin.call(Entry::SourceOpen, source, missing).error();
    assert_eq!((error.kind(), error.message()), (Kind::Schema, "no table dbo.gone"));
    plugin.call(Entry::SourceOpen, source, crate::host::OPEN).handle();
}

#[test]
fn buffers_outlive_their_stream_and_are_freed_on_any_thread() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let (source, session, stream) = plugin.scan(r#"{"batches":5}"#);
    let mut kept = vec![];
    for _ in 0..5 {
        let (status, buffer) = plugin.call_raw(Entry::StreamNext, stream, Bytes::EMPTY);
        assert_eq!(status, OK);
        kept.push(buffer);
    }
    for handle in [stream, session, source] {
        plugin.call(Entry::Release, handle, "").json();
    }
    // None was filled a second time while the host had it.
    let mut reader = RowReader::new();
    for mut buffer in kept {
        // SAFETY: not freed yet.
        let batch = reader.read(unsafe { buffer.slice() }.unwrap()).unwrap();
        assert_eq!(batch["id"].as_string::<i32>().value(0), "10023");
        let (owner, free) = (buffer.owner as usize, buffer.free.take().unwrap());
        // SAFETY: once, with its own owner; `free` was taken out.
        std::thread::spawn(move || unsafe { free(owner as *mut _) }).join().unwrap();
    }
}
