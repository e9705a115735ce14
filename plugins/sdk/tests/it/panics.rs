use std::process::Command;

use csc_bridge_plugin_abi::table::{ERROR, Entry, LOG_ERROR, OK, PANIC};
use csc_bridge_plugin_sdk::__plugin;

use crate::host::{Answer, COUNT, LIST, Loaded, OPEN, SCAN, SELECT, load};
use crate::toy::{NAME, Toy, until};
use crate::toy_sink::{BATCH, ToySink};

/// Calls everything that leads to the panic, and returns the last answer.
fn provoke(plugin: &Loaded, place: &str) -> Answer {
    let new = format!(r#"{{"options":{{"panics":"{place}","batches":4}},"folder":"/","la_code":"845"}}"#);
    let source = match place {
        "facts" => return plugin.call(Entry::SinkFacts, 0, &new),
        "sink" => return plugin.call(Entry::SinkNew, 0, &new),
        "send" | "probe" => {
            let sink = plugin.call(Entry::SinkNew, 0, &new).handle();
            let entry = if place == "send" { Entry::SinkSend } else { Entry::SinkProbe };
            return plugin.call(entry, sink, BATCH);
        }
        "new" => return plugin.call(Entry::SourceNew, 0, &new),
        _ => plugin.call(Entry::SourceNew, 0, &new).handle(),
    };
    let open = plugin.call(Entry::SourceOpen, source, OPEN);
    if place == "open" {
        return open;
    }
    let session = open.handle();
    match place {
        "list" => plugin.call(Entry::SessionList, session, LIST),
        "count" => plugin.call(Entry::SessionCount, session, COUNT),
        "select" => plugin.call(Entry::SessionSelect, session, SELECT),
        "scan" => plugin.call(Entry::SessionScan, session, SCAN),
        "drop" => plugin.call(Entry::Release, session, ""),
        "next" | "end" => {
            let stream = plugin.call(Entry::SessionList, session, LIST).handle();
            loop {
                let answer = plugin.call(Entry::StreamNext, stream, "");
                if answer.status != OK {
                    return answer;
                }
            }
        }
        _ => panic!("no such place"),
    }
}

fn check(plugin: &Loaded, place: &str) {
    let answer = provoke(plugin, place);
    assert_eq!((answer.status, answer.bytes.len()), (PANIC, 0), "{place}");
    for entry in Entry::ALL.into_iter().filter(|entry| plugin.has(*entry)) {
        for of in [0, 1, 2, 3] {
            let answer = plugin.call(entry, of, "{}");
            assert_eq!((answer.status, answer.bytes.len()), (PANIC, 0), "{entry} after a panic in {place}");
        }
    }
    let logged = plugin.logged();
    assert!(logged.iter().all(|(_, line)| !line.contains(NAME)), "{logged:?}");
    let file = if ["facts", "sink", "send", "probe"].contains(&place) { "toy_sink.rs:" } else { "toy.rs:" };
    let of_the_panic = |(level, line): &&(i32, String)| {
        *level == LOG_ERROR && line.starts_with("a panic in csc-bridge-plugin-sdk at ") && line.contains(file)
    };
    assert_eq!(logged.iter().filter(of_the_panic).count(), 1, "{logged:?}");
}

/// A plugin for each: a poisoned one stays so.
macro_rules! poisons {
    ($($name:ident $place:literal),* $(,)?) => {$(
        #[test]
        fn $name() {
            __plugin!(P, source: Toy, sink: ToySink);
            check(&load::<P>(), $place);
        }
    )*};
}

poisons! {
    a_panic_in_source_new_poisons "new",
    a_panic_in_source_open_poisons "open",
    a_panic_in_session_list_poisons "list",
    a_panic_in_session_count_poisons "count",
    a_panic_in_session_select_poisons "select",
    a_panic_in_session_scan_poisons "scan",
    a_panic_in_stream_next_poisons "next",
    a_panic_at_the_end_of_a_stream_poisons "end",
    a_panic_in_release_poisons "drop",
    a_panic_in_sink_facts_poisons "facts",
    a_panic_in_sink_new_poisons "sink",
    a_panic_in_sink_send_poisons "send",
    a_panic_in_sink_probe_poisons "probe",
}

#[test]
fn a_panic_between_two_calls_poisons() {
    __plugin!(P, source: Toy);
    let plugin = load::<P>();
    let (_, session) = plugin.session(r#"{"panics":"next","batches":1}"#);
    plugin.call(Entry::SessionList, session, LIST).handle();
    // Nobody asks for the batch that is fetched ahead.
    until(|| plugin.call(Entry::Describe, 0, "").status == PANIC);
}

#[test]
fn one_plugins_panic_is_not_anothers() {
    __plugin!(P, source: Toy);
    __plugin!(Q, source: Toy);
    let (broken, whole) = (load::<P>(), load::<Q>());
    check(&broken, "count");
    let (_, session) = whole.session(r#"{"batches":1}"#);
    assert_eq!(whole.call(Entry::SessionCount, session, COUNT).json()["rows"], 2);
    assert_eq!(whole.call(Entry::SessionCount, 99, COUNT).status, ERROR);
}

#[test]
fn what_a_panic_says_does_not_reach_stderr() {
    let own = std::env::current_exe().unwrap();
    let test = "panics::a_panic_in_session_count_poisons";
    let output = Command::new(own).args(["--exact", test, "--nocapture", "--test-threads=1"]).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert!(!said.contains(NAME) && !said.contains("panicked"), "{said}");
}
