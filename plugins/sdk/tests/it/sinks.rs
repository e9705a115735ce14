use csc_bridge_core::error::Kind;
use csc_bridge_core::sink::{Facts, Probe, Then};
use csc_bridge_plugin_abi::message::{ProbeAnswer, SinkFacts, SinkHandle, decode_answer, read_sent};
use csc_bridge_plugin_abi::table::{Bytes, Entry, Handle};
use csc_bridge_plugin_sdk::__plugin;

use crate::host::{Loaded, load};
use crate::toy::{NAME, Toy};
use crate::toy_sink::{BATCH, ToySink, then};

fn sink(plugin: &Loaded, options: &str) -> Handle {
    let new = format!(r#"{{"options":{options},"folder":"/","la_code":"845"}}"#);
    plugin.call(Entry::SinkNew, 0, &new).handle()
}

#[test]
fn a_sink_says_its_facts_and_limits() {
    __plugin!(P, sink: ToySink);
    let plugin = load::<P>();
    let answer = plugin.call(Entry::SinkFacts, 0, r#"{"options":{},"folder":"/"}"#);
    let facts: Facts = decode_answer::<SinkFacts>(Entry::SinkFacts, &answer.bytes).unwrap().try_into().unwrap();
    assert!(facts.is_local && facts.limits.max_records == 7);
    let answer = plugin.call(Entry::SinkNew, 0, r#"{"options":{},"folder":"/","la_code":"845"}"#);
    let made: SinkHandle = decode_answer(Entry::SinkNew, &answer.bytes).unwrap();
    assert_eq!(made.limits().unwrap(), facts.limits);
    let error = plugin.call(Entry::SinkNew, 0, r#"{"options":{},"folder":"/"}"#).error();
    assert!(error.message().contains("la_code"), "{error:?}");
    assert!(!plugin.has(Entry::SourceNew) && !plugin.has(Entry::StreamNext));
}

#[test]
fn one_library_has_a_source_and_a_sink() {
    __plugin!(P, source: Toy, sink: ToySink);
    let described = load::<P>().call(Entry::Describe, 0, "").json();
    assert_eq!((&described["source"], &described["sink"]), (&"tables".into(), &true.into()));
}

#[test]
fn a_batch_is_answered_by_a_receipt_for_each_record_in_order() {
    __plugin!(P, sink: ToySink);
    let plugin = load::<P>();
    let sink = sink(&plugin, "{}");
    let answer = plugin.call(Entry::SinkSend, sink, BATCH);
    let sent = read_sent(answer.status, &answer.bytes, 2);
    let ids: Vec<String> = sent.result.unwrap().into_iter().map(|receipt| receipt.id).collect();
    assert_eq!(ids, [r#"845-1-{"a":"é"}"#, "845-2-{}"]);
    assert_eq!(sent.request_id.as_deref(), Some("00-4bf9"));
}

#[test]
fn whatever_may_be_done_about_a_batch_arrives() {
    __plugin!(P, sink: ToySink);
    let plugin = load::<P>();
    for word in ["retry", "retry_unsure", "reauthenticate", "too_large", "bad_records", "give_up", "unknown"] {
        let sink = sink(&plugin, &format!(r#"{{"then":"{word}"}}"#));
        // Twice: after an error the sink is used again.
        for _ in 0..2 {
            let answer = plugin.call(Entry::SinkSend, sink, BATCH);
            let sent = read_sent(answer.status, &answer.bytes, 2);
            let error = sent.result.unwrap_err();
            assert_eq!((Some(error.then), error.status), (then(word), Some(418)));
            assert_eq!((error.error.kind(), error.error.advice()), (Kind::Permission, "ask DfE"));
            assert_eq!(error.detail, Some(format!("{NAME} is bad")));
            assert_eq!(sent.request_id.as_deref(), Some("00-4bf9"));
        }
    }
}

#[test]
fn a_batch_that_never_reached_the_sink_was_not_taken() {
    __plugin!(P, sink: ToySink);
    let plugin = load::<P>();
    let sink = sink(&plugin, "{}");
    let nowhere = Bytes { data: std::ptr::null(), len: 3 };
    let answers = [
        plugin.call(Entry::SinkSend, 99, BATCH),
        plugin.call(Entry::SinkSend, sink, r#"{"records":[]}"#),
        plugin.call(Entry::SinkSend, sink, &BATCH[1..]),
        plugin.call(Entry::SinkSend, sink, ""),
        plugin.call_with(Entry::SinkSend, sink, nowhere),
    ];
    for answer in answers {
        let error = read_sent(answer.status, &answer.bytes, 2).result.unwrap_err();
        assert_eq!((error.then, error.error.kind()), (Then::GiveUp, Kind::Protocol), "{}", answer.text());
    }
}

#[test]
fn a_cancelled_batch_may_have_arrived_and_the_sink_goes_on() {
    __plugin!(P, sink: ToySink);
    let plugin = load::<P>();
    let sink = sink(&plugin, r#"{"then":"never"}"#);
    for _ in 0..2 {
        let answer = std::thread::scope(|scope| {
            let call = scope.spawn(|| plugin.call(Entry::SinkSend, sink, BATCH));
            while !call.is_finished() {
                plugin.call(Entry::Cancel, sink, "").json();
            }
            call.join().unwrap()
        });
        let error = read_sent(answer.status, &answer.bytes, 2).result.unwrap_err();
        assert_eq!((error.then, error.error.kind()), (Then::Unknown, Kind::Interrupted));
    }
    plugin.call(Entry::SinkProbe, sink, "").json();
}

#[test]
fn a_probe_arrives_whole() {
    __plugin!(P, sink: ToySink);
    let plugin = load::<P>();
    let answer = plugin.call(Entry::SinkProbe, sink(&plugin, "{}"), "");
    let probe: Probe = decode_answer::<ProbeAnswer>(Entry::SinkProbe, &answer.bytes).unwrap().try_into().unwrap();
    assert_eq!(probe.token.unwrap().unwrap(), "granted");
    assert_eq!(probe.reach.unwrap().unwrap_err().kind(), Kind::Permission);
    assert_eq!(probe.clock_ahead.unwrap().as_secs(), -2);
}
