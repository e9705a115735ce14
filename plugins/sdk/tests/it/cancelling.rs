use std::sync::atomic::Ordering;

use csc_bridge_core::error::Kind;
use csc_bridge_plugin_abi::table::{Entry, Handle};
use csc_bridge_plugin_sdk::__plugin;

use crate::host::{Answer, COUNT, Loaded, OPEN, load};
use crate::toy::{Toy, until, watch};

/// Calls, and cancels from another thread until the call is over.
fn cancelled(plugin: &Loaded, by: Handle, entry: Entry, of: Handle, input: &str) -> Answer {
    std::thread::scope(|scope| {
        let call = scope.spawn(|| plugin.call(entry, of, input));
        while !call.is_finished() {
            plugin.call(Entry::Cancel, by, "").json();
            std::thread::yield_now();
        }
        call.join().unwrap()
    })
}

#[test]
fn cancel_ends_a_stream_that_waits_by_the_streams_handle_or_the_sessions() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    for by_session in [false, true] {
        let (_, session, stream) = plugin.scan(r#"{"batches":1,"waits":"next","watch":"cancel next"}"#);
        let by = if by_session { session } else { stream };
        let error = cancelled(&plugin, by, Entry::StreamNext, stream, "").error();
        assert_eq!(error.kind(), Kind::Interrupted, "{error:?}");
        plugin.call(Entry::Release, stream, "").json();
        plugin.call(Entry::Release, session, "").json();
        let watch = watch("cancel next");
        assert_eq!((watch.streams.load(Ordering::SeqCst), watch.sessions.load(Ordering::SeqCst)), (0, 0));
    }
}

#[test]
fn cancel_ends_every_call_that_waits() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    for (place, entry, input) in [
        ("list", Entry::SessionList, crate::host::LIST),
        ("count", Entry::SessionCount, COUNT),
        ("select", Entry::SessionSelect, crate::host::SELECT),
        ("scan", Entry::SessionScan, crate::host::SCAN),
    ] {
        let (_, session) = plugin.session(&format!(r#"{{"waits":"{place}"}}"#));
        let error = cancelled(&plugin, session, entry, session, input).error();
        assert_eq!(error.kind(), Kind::Interrupted, "{place}: {error:?}");
        plugin.call(Entry::Release, session, "").json();
    }
}

#[test]
fn a_cancelled_open_is_given_up_and_leaves_the_source_as_it_was() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let new = r#"{"options":{"waits":"open","watch":"cancel open"},"folder":"/"}"#;
    let source = plugin.call(Entry::SourceNew, 0, new).handle();
    let watch = watch("cancel open");
    for _ in 0..2 {
        std::thread::scope(|scope| {
            let open = scope.spawn(|| plugin.call(Entry::SourceOpen, source, OPEN));
            until(|| watch.waiting.load(Ordering::SeqCst) == 1);
            plugin.call(Entry::Cancel, source, "").json();
            assert_eq!(open.join().unwrap().error().kind(), Kind::Interrupted);
        });
        until(|| watch.waiting.load(Ordering::SeqCst) == 0);
    }
}

#[test]
fn cancel_does_not_wait_for_code_that_blocks_its_thread() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let (_, session) = plugin.session(r#"{"blocks":"count","watch":"cancel blocks"}"#);
    let watch = watch("cancel blocks");
    let error = std::thread::scope(|scope| {
        let call = scope.spawn(|| plugin.call(Entry::SessionCount, session, COUNT));
        until(|| watch.stuck.load(Ordering::SeqCst));
        plugin.call(Entry::Cancel, session, "").json();
        call.join().unwrap().error()
    });
    assert_eq!(error.kind(), Kind::Interrupted);
    assert_eq!(watch.sessions.load(Ordering::SeqCst), 1, "it blocks still");
    watch.go.store(true, Ordering::SeqCst);
    plugin.call(Entry::Release, session, "").json();
    assert_eq!(watch.sessions.load(Ordering::SeqCst), 0);
}

#[test]
fn cancel_does_nothing_where_no_call_runs() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let (source, session, stream) = plugin.scan(r#"{"batches":3}"#);
    for handle in [source, session, stream, stream] {
        assert_eq!(plugin.call(Entry::Cancel, handle, "").text(), "0 {}");
    }
    assert_eq!(plugin.read(stream).1, 6);
    plugin.call(Entry::Release, stream, "").json();
    plugin.call(Entry::Cancel, session, "").json();
    assert_eq!(plugin.call(Entry::SessionCount, session, COUNT).json()["rows"], 6);
}
