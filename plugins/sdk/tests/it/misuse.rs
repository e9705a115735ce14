#![allow(unsafe_code)]

use std::sync::atomic::Ordering;

use csc_bridge_core::error::Kind;
use csc_bridge_plugin_abi::message::{Description, decode_answer};
use csc_bridge_plugin_abi::table::{Bytes, ERROR, Entry};
use csc_bridge_plugin_sdk::__plugin;

use crate::host::{COUNT, LIST, SCAN, SELECT, load};
use crate::toy::{Toy, until, watch};
use crate::toy_sink::ToySink;

#[test]
fn wrong_handles_are_clean_errors() {
    __plugin!(P, source: Toy, sink: ToySink);
    let plugin = load::<P>();
    let (source, session, stream) = plugin.scan(r#"{"batches":1}"#);
    let sink = plugin.call(Entry::SinkNew, 0, r#"{"options":{},"folder":"/","la_code":"1"}"#).handle();
    let right = |entry| match entry {
        Entry::SourceOpen => source,
        Entry::StreamNext => stream,
        Entry::SinkSend | Entry::SinkProbe => sink,
        _ => session,
    };
    let free = [Entry::Describe, Entry::SourceNew, Entry::SinkFacts, Entry::SinkNew, Entry::Cancel, Entry::Release];
    for entry in Entry::ALL.into_iter().filter(|entry| plugin.has(*entry) && !free.contains(entry)) {
        for of in [0, source, session, stream, sink, 1000, u64::MAX] {
            if of != right(entry) {
                assert_eq!(plugin.call(entry, of, "{}").error().kind(), Kind::Protocol, "{entry} of {of}");
            }
        }
    }
    for of in [0, 1000, u64::MAX] {
        assert_eq!(plugin.call(Entry::Cancel, of, "").error().kind(), Kind::Protocol);
        assert_eq!(plugin.call(Entry::Release, of, "").error().kind(), Kind::Protocol);
    }
    assert_eq!(plugin.read(stream).1, 2, "nothing was harmed");
}

#[test]
fn wrong_input_is_a_clean_error_without_the_input() {
    __plugin!(P, source: Toy, sink: ToySink);
    let plugin = load::<P>();
    let (source, session) = plugin.session("{}");
    let takes_json = [
        (Entry::SourceNew, 0),
        (Entry::SourceOpen, source),
        (Entry::SessionList, session),
        (Entry::SessionCount, session),
        (Entry::SessionSelect, session),
        (Entry::SessionScan, session),
        (Entry::SinkFacts, 0),
        (Entry::SinkNew, 0),
    ];
    for (entry, of) in takes_json {
        for input in ["", "x", "null", "[]", "{}", r#"{"table":"Ottilie","children":"Ottilie","options":7}"#] {
            let error = plugin.call(entry, of, input).error();
            assert_eq!(error.kind(), Kind::Protocol, "{entry} {input}: {error:?}");
            assert!(error.message().contains(entry.name()) && !error.message().contains("Ottilie"), "{error:?}");
        }
        for bytes in [Bytes { data: std::ptr::null(), len: 1 }, Bytes { data: b"x".as_ptr(), len: u64::MAX }] {
            assert_eq!(plugin.call_with(entry, of, bytes).error().kind(), Kind::Protocol);
        }
        assert_eq!(plugin.call_with(entry, of, Bytes::of(b"\xff\xfe")).error().kind(), Kind::Protocol);
    }
}

#[test]
fn a_second_call_on_a_busy_handle_is_refused() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let (_, session) = plugin.session(r#"{"waits":"count","watch":"busy"}"#);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| plugin.call(Entry::SessionCount, session, COUNT));
        until(|| watch("busy").stuck.load(Ordering::SeqCst));
        let error = plugin.call(Entry::SessionCount, session, COUNT).error();
        assert!(error.message().contains("at once"), "{error:?}");
        plugin.call(Entry::Cancel, session, "").json();
        assert_eq!(first.join().unwrap().error().kind(), Kind::Interrupted);
    });
}

#[test]
fn a_call_on_a_session_whose_stream_is_open_is_refused_at_once() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let (_, session, stream) = plugin.scan(r#"{"batches":50}"#);
    for (entry, input) in [
        (Entry::SessionList, LIST),
        (Entry::SessionCount, COUNT),
        (Entry::SessionSelect, SELECT),
        (Entry::SessionScan, SCAN),
    ] {
        let error = plugin.call(entry, session, input).error();
        assert!(error.message().contains("stream is open"), "{entry}: {error:?}");
    }
    assert_eq!(plugin.read(stream).1, 100);
}

#[test]
fn a_host_without_a_buffer_gets_a_status() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let answer = plugin.call(Entry::Describe, 0, "");
    decode_answer::<Description>(Entry::Describe, &answer.bytes).unwrap();
    assert_eq!(plugin.call_blind(Entry::Describe, 0), 0);
    assert_eq!(plugin.call_blind(Entry::StreamNext, 5), ERROR);
}

#[test]
fn the_boundary_may_be_called_from_within_a_runtime() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let runtime = csc_bridge_plugin_sdk::tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        // More calls than a task's own polls are allowed at a time.
        let (source, session, stream) = plugin.scan(r#"{"batches":500}"#);
        assert_eq!(plugin.read(stream).1, 1000);
        for handle in [stream, session, source] {
            plugin.call(Entry::Release, handle, "").json();
        }
    });
}
