use std::sync::atomic::Ordering;

use csc_bridge_core::error::Kind;
use csc_bridge_plugin_abi::table::{Entry, LOG_WARN};
use csc_bridge_plugin_sdk::__plugin;

use crate::host::{COUNT, LIST, load};
use crate::toy::{Toy, until, watch};

/// Of source, session and stream.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

#[test]
fn in_every_order_all_is_given_up() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let watch = watch("every order");
    for waits in ["", "next", "end"] {
        for order in ORDERS {
            let options = format!(r#"{{"batches":9,"waits":"{waits}","watch":"every order"}}"#);
            let (source, session, stream) = plugin.scan(&options);
            if waits != "next" {
                plugin.call(Entry::StreamNext, stream, "");
            }
            assert_eq!(watch.sessions.load(Ordering::SeqCst), 1);
            for which in order {
                let answer = plugin.call(Entry::Release, [source, session, stream][which], "");
                assert_eq!(answer.text(), "0 {}", "{order:?}");
            }
            let left = (watch.sessions.load(Ordering::SeqCst), watch.streams.load(Ordering::SeqCst));
            assert_eq!(left, (0, 0), "{order:?}, waiting in {waits:?}");
        }
    }
}

#[test]
fn a_session_takes_calls_again_when_its_stream_is_released_half_read_or_waiting() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let watch = watch("half read");
    for (waits, read) in [("", 0), ("", 1), ("", 7), ("next", 0), ("end", 3)] {
        let (_, session, stream) = plugin.scan(&format!(r#"{{"batches":7,"waits":"{waits}","watch":"half read"}}"#));
        for _ in 0..read {
            plugin.call(Entry::StreamNext, stream, "");
        }
        plugin.call(Entry::Release, stream, "").json();
        assert_eq!(plugin.call(Entry::SessionCount, session, COUNT).json()["rows"], 14);
        assert_eq!(watch.streams.load(Ordering::SeqCst), 0, "the author's stream outlived its release");
        plugin.call(Entry::Release, session, "").json();
    }
}

#[test]
fn a_stream_whose_session_was_released_is_no_end_of_rows() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let (_, session, stream) = plugin.scan(r#"{"batches":100}"#);
    plugin.call(Entry::Release, session, "").json();
    let mut read = 0;
    let error = loop {
        let answer = plugin.call(Entry::StreamNext, stream, "");
        match answer.status {
            0 => read += 1,
            _ => break answer.error(),
        }
    };
    assert_eq!(error.kind(), Kind::Incomplete, "after {read} batches: {error:?}");
}

#[test]
fn a_call_after_release_is_a_clean_error() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let (source, session, stream) = plugin.scan(r#"{"batches":1}"#);
    for handle in [stream, session, source] {
        plugin.call(Entry::Release, handle, "").json();
    }
    for (entry, handle) in [
        (Entry::StreamNext, stream),
        (Entry::SessionCount, session),
        (Entry::SourceOpen, source),
        (Entry::Release, session),
        (Entry::Cancel, stream),
    ] {
        assert_eq!(plugin.call(entry, handle, LIST).error().kind(), Kind::Protocol, "{entry}");
    }
    // A number is not given out again.
    let (again, ..) = plugin.scan("{}");
    assert!(again > stream.max(session).max(source));
}

#[test]
fn a_release_while_a_call_runs_does_not_hang() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    for which in [1, 2] {
        let (source, session, stream) = plugin.scan(r#"{"batches":1,"waits":"next","watch":"runs"}"#);
        std::thread::scope(|scope| {
            let call = scope.spawn(|| plugin.call(Entry::StreamNext, stream, ""));
            until(|| watch("runs").stuck.load(Ordering::SeqCst));
            plugin.call(Entry::Release, [source, session, stream][which], "").json();
            if which == 2 {
                plugin.call(Entry::Release, session, "").json();
            }
            assert_eq!(call.join().unwrap().status, 2);
        });
    }
}

#[test]
fn the_release_of_a_session_whose_code_blocks_says_so_and_returns() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let (_, session, _) = plugin.scan(r#"{"batches":1,"blocks":"next","watch":"release blocks"}"#);
    let watch = watch("release blocks");
    until(|| watch.stuck.load(Ordering::SeqCst));
    plugin.call(Entry::Release, session, "").json();
    assert!(plugin.logged().iter().any(|(level, line)| *level == LOG_WARN && line.contains("blocks")));
    assert_eq!(watch.sessions.load(Ordering::SeqCst), 1);
    watch.go.store(true, Ordering::SeqCst);
    until(|| watch.sessions.load(Ordering::SeqCst) == 0);
}
