//! Plugins that break the protocol, break down, or do not come back. In the process a clean error wherever it survives; isolated always.

use csc_bridge_core::error::{Directive, Error, Kind};
use csc_bridge_core::registry::SinkAdapter;
use csc_bridge_core::sink::{Record, Then};
use csc_bridge_core::source::ScanEvent;
use csc_bridge_plugin_host::Limits;

use crate::support::*;

/// The same error both ways; in a child, another session can be tried after it.
async fn fails(source: &str, kind: Kind, says: &str) {
    fails_where(&build(source), &BOTH, Limits::default(), kind, says).await;
}

async fn fails_where(folder: &Folder, hosted: &[Hosted], limits: Limits, kind: Kind, says: &str) {
    for hosted in hosted {
        let error = first_error(folder, *hosted, limits).await;
        assert_eq!(error.kind(), kind, "{hosted:?}: {error:?}");
        assert!(error.message().contains(says), "{hosted:?}: {error:?}");
        assert!(!error.message().contains('\n') && !error.advice().is_empty(), "{hosted:?}: {error:?}");
    }
}

const READS: [&str; 6] =
    ["source_open", "session_list", "session_count", "session_select", "session_scan", "stream_next"];

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_any_call_is_an_error_of_that_call() {
    const PANICS: &str = "HOW=return CSC_PANIC";
    let calls = READS.map(|entry| (entry, Kind::Incomplete));
    for (entry, kind) in calls.into_iter().chain(["describe", "source_new"].map(|entry| (entry, Kind::Unreachable))) {
        let folder = build_with("crash", &[&format!("WHERE={entry}"), PANICS]);
        fails_where(&folder, &BOTH, Limits::default(), kind, &format!("panicked in {entry}")).await;
    }
    for entry in ["sink_facts", "sink_new", "sink_send", "sink_probe"] {
        let folder = build_with("crash", &[&format!("WHERE={entry}"), PANICS]);
        for hosted in BOTH {
            let error = sink_error(&folder, hosted).await;
            assert_eq!(error.kind(), Kind::Unreachable, "{hosted:?}: {error:?}");
            assert!(error.message().contains(&format!("panicked in {entry}")), "{hosted:?}: {error:?}");
        }
    }
    let folder = build_with("documents", &["ROWS=DOCUMENTS", PANICS]);
    for hosted in BOTH {
        let error = documents_error(&folder, hosted).await;
        assert_eq!(error.kind(), Kind::Incomplete, "{hosted:?}: {error:?}");
        assert!(error.message().contains("panicked in session_documents"), "{hosted:?}: {error:?}");
    }
}

/// Asks for everything that a sink does; what went wrong first.
async fn sink_error(folder: &Folder, hosted: Hosted) -> Error {
    let adapter = folder.load(hosted).unwrap();
    let config = config("", "");
    if let Err(error) = adapter.facts(&config.sink.options) {
        return error;
    }
    let sink = match adapter.sink(&config.sink.options, "845") {
        Ok(sink) => sink,
        Err(error) => return error,
    };
    if let Some(Err(error)) = sink.probe().await.reach {
        return error;
    }
    let error =
        sink.send(&[Record { person_id: "A", document: "{}" }]).await.expect_err("it sends as if nothing were wrong");
    assert_eq!(error.then, Then::Unknown, "{error:?}");
    error.error
}

async fn documents_error(folder: &Folder, hosted: Hosted) -> Error {
    let adapter = folder.load(hosted).unwrap();
    let source = source(&adapter).unwrap();
    let mut session = source.documents().unwrap().open().await.unwrap();
    session.ids().await.err().expect("it reads as if nothing were wrong")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_in_any_call_of_a_sink_or_of_documents_is_an_error() {
    for entry in ["sink_facts", "sink_new", "sink_send", "sink_probe"] {
        let folder = build_with("crash", &[&format!("WHERE={entry}"), "HOW=abort()"]);
        let error = sink_error(&folder, Isolated).await;
        assert_eq!(error.kind(), Kind::Unreachable, "{entry}: {error:?}");
        assert!(error.message().contains(&format!("signal 6, during or before {entry}")), "{error:?}");
    }
    let folder = build_with("documents", &["ROWS=DOCUMENTS", "HOW=abort()"]);
    let error = documents_error(&folder, Isolated).await;
    assert_eq!(error.kind(), Kind::Incomplete, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_breaks_down_ends_its_own_session_at_most() {
    for how in ["HOW=abort()", "HOW=return CSC_PANIC"] {
        let adapter = build_with("crash", &["WHERE=cancel", how]).load(Isolated).unwrap();
        let source = source(&adapter).unwrap();
        let mut session = source.open(&[persons()]).await.unwrap();
        drop(session.list(&persons().name, &persons().columns).await.unwrap());
        // Whether the child was still there is chance.
        match session.count(&persons().name).await {
            Ok(rows) => assert_eq!(rows, 2),
            Err(error) => assert_eq!(error.kind(), Kind::Incomplete, "{error:?}"),
        }
        assert_eq!(read(source.as_ref()).await.unwrap(), two_rows(), "{how}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_in_any_call_is_an_error_of_that_call() {
    for entry in READS {
        let folder = build_with("crash", &[&format!("WHERE={entry}"), "HOW=abort()"]);
        let says = format!("was ended by signal 6, during or before {entry}");
        fails_where(&folder, &[Isolated], Limits::default(), Kind::Incomplete, &says).await;
    }
    for entry in ["describe", "source_new"] {
        let folder = build_with("crash", &[&format!("WHERE={entry}"), "HOW=abort()"]);
        fails_where(&folder, &[Isolated], Limits::default(), Kind::Unreachable, "was ended by signal 6").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segmentation_fault_a_kill_and_an_exit_are_errors() {
    for (how, says) in [
        ("HOW=*(volatile int *)8 = 1", "signal 11"),
        ("HOW=raise(SIGKILL)", "signal 9"),
        ("HOW=exit(0)", "ended with code 0"),
        ("HOW=_exit(3)", "ended with code 3"),
    ] {
        let folder = build_with("crash", &["WHERE=session_scan", how]);
        fails_where(&folder, &[Isolated], Limits::default(), Kind::Incomplete, says).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_in_release_spoils_nothing_that_was_complete() {
    let adapter = build_with("crash", &["WHERE=release", "HOW=abort()"]).load(Isolated).unwrap();
    let source = source(&adapter).unwrap();
    // The list's stream is released before the next call, which finds nobody: an error. The session after it has a child of its own.
    for _ in 0..2 {
        let error = read(source.as_ref()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Incomplete, "{error:?}");
    }
    let mut session = source.open(&[persons()]).await.unwrap();
    let mut rows = session.list(&persons().name, &persons().columns).await.unwrap();
    csc_bridge_core::source::read_all(rows.as_mut()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_dies_in_mid_scan_is_never_complete_and_the_next_session_is_a_new_child() {
    let adapter = build("crash_midway").load(Isolated).unwrap();
    let source = source(&adapter).unwrap();
    for _ in 0..3 {
        let mut session = source.open(&[persons()]).await.unwrap();
        assert_eq!(session.count(&persons().name).await.unwrap(), 2);
        session.select(&["A".to_owned(), "B".to_owned()]).await.unwrap();
        let mut rows = session.scan(&scan_of_persons()).await.unwrap();
        // The batch that came before may be seen or not; the end is an error.
        let error = loop {
            match rows.next().await {
                Ok(ScanEvent::Rows(_)) => {}
                Ok(ScanEvent::Complete { .. }) => panic!("a scan that broke off is complete"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), Kind::Incomplete, "{error:?}");
        assert_eq!(error.kind().directive(), Directive::NextRun);
        drop(rows);
        let error = session.count(&persons().name).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Incomplete, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_is_given_up_when_its_time_has_passed() {
    let mut waiting = tokio::task::JoinSet::new();
    for entry in READS {
        let folder = build_with("endless", &[&format!("WHERE={entry}")]);
        let says = format!("did not end {entry} within {:?}", short().call);
        waiting.spawn(async move { fails_where(&folder, &BOTH, short(), Kind::Incomplete, &says).await });
    }
    for entry in ["describe", "source_new"] {
        let folder = build_with("endless", &[&format!("WHERE={entry}")]);
        let what = if entry == "describe" { "its start" } else { entry };
        let says = format!("did not end {what} within {:?}", short().start);
        waiting.spawn(async move { fails_where(&folder, &BOTH, short(), Kind::Unreachable, &says).await });
    }
    waiting.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_endless_loop_the_process_calls_nothing_more_and_a_child_is_replaced() {
    let folder = build_with("endless", &["WHERE=session_scan"]);
    for hosted in BOTH {
        let adapter = folder.load_within(hosted, short()).unwrap();
        let source = source(&adapter).unwrap();
        assert!(read(source.as_ref()).await.is_err());
        let again = source.open(&[persons()]).await;
        match hosted {
            InProcess => {
                let error = again.err().unwrap();
                assert!(error.message().contains("failed before, and is not called again"), "{error:?}");
            }
            Isolated => assert_eq!(again.unwrap().count(&persons().name).await.unwrap(), 2),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_panic_the_process_calls_nothing_more_and_a_child_is_replaced() {
    for hosted in BOTH {
        let adapter = build("panic").load(hosted).unwrap();
        let source = source(&adapter).unwrap();
        for round in 0..2 {
            let error = read(source.as_ref()).await.unwrap_err();
            let is_new = hosted == Isolated || round == 0;
            let says = if is_new { "panicked in session_scan" } else { "failed before" };
            assert!(error.message().contains(says), "{hosted:?}: {error:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_just_stops_is_an_error() {
    fails("cut_off", Kind::Protocol, "rows break the protocol").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_with_another_count_is_an_error() {
    fails("wrong_count", Kind::Incomplete, "announced 3 rows and delivered 2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_without_bytes_is_an_error() {
    fails("null_with_length", Kind::Protocol, "no bytes at its address, or too many").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_beyond_reason_is_an_error() {
    fails("absurd_length", Kind::Protocol, "no bytes at its address, or too many").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_does_not_exist_is_an_error() {
    fails("strange_status", Kind::Protocol, "a status that is not one of those allowed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_batch_is_an_error() {
    fails("truncated_arrow", Kind::Protocol, "rows break the protocol").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_read_are_an_error() {
    fails("other_rows", Kind::Protocol, "the first column of a scan is not child").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_bytes_are_wrong_is_an_error_or_other_rows() {
    fails_where(
        &build_with("invalid_arrow", &["AT=0"]),
        &BOTH,
        Limits::default(),
        Kind::Protocol,
        "break the protocol",
    )
    .await;
    let adapter = build_with("invalid_arrow", &["AT=0"]).load(InProcess).unwrap();
    let source = source(&adapter).unwrap();
    let mut refused = 0;
    for _ in 0..600 {
        // Where a wrong byte makes another value, there is nothing to notice.
        match read(source.as_ref()).await {
            Ok(rows) => assert_eq!(rows.len(), 2),
            Err(error) => {
                assert!(matches!(error.kind(), Kind::Protocol | Kind::Incomplete), "{error:?}");
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "{refused} of 600 were refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_utf8_is_an_error() {
    fails("invalid_utf8", Kind::Protocol, "the plugin's answer to describe is not JSON").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_is_not_utf8_is_an_error() {
    let folder = build_with("bad_error", &["TEXT=\"{\\\"kind\\\":\\\"io\\xff\\\"}\""]);
    fails_where(&folder, &BOTH, Limits::default(), Kind::Protocol, "an error without its form").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_would_break_the_log_is_one_line() {
    for hosted in BOTH {
        let error = first_error(&build("bad_error"), hosted, Limits::default()).await;
        assert_eq!((error.kind(), error.message()), (Kind::Schema, "one two [31m"));
        assert_eq!(error.advice(), "ask the plugin's author");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_prints_and_reads_does_not_disturb_the_frames() {
    let isolated = build_with("prints", &["PRINTS_ONLY=0"]).load(Isolated).unwrap();
    assert_eq!(read(source(&isolated).unwrap().as_ref()).await.unwrap(), two_rows());
    // In the process it is the program's own standard output.
    let in_process = build_with("prints", &["PRINTS_ONLY=1"]).load(InProcess).unwrap();
    assert_eq!(read(source(&in_process).unwrap().as_ref()).await.unwrap(), two_rows());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_logs_does_not_stop_it() {
    for hosted in BOTH {
        let adapter = build("logs").load(hosted).unwrap();
        assert_eq!(read(source(&adapter).unwrap().as_ref()).await.unwrap(), two_rows(), "{hosted:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_given_up_leaves_the_source_usable() {
    for hosted in BOTH {
        let adapter = build("good").load(hosted).unwrap();
        let source = source(&adapter).unwrap();
        for _ in 0..3 {
            let mut session = source.open(&[persons()]).await.unwrap();
            drop(session.list(&persons().name, &persons().columns).await.unwrap());
            drop(session);
            assert_eq!(read(source.as_ref()).await.unwrap(), two_rows(), "{hosted:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_waits_for_any_more_is_ended() {
    let adapter = build_with("endless", &["WHERE=session_scan"]).load(Isolated).unwrap();
    let source = source(&adapter).unwrap();
    let mut session = source.open(&[persons()]).await.unwrap();
    let scan = scan_of_persons();
    tokio::select! {
        biased;
        _ = session.scan(&scan) => panic!("the scan ended"),
        () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {}
    }
    // The child was killed, so its session answers at once and does not wait ten minutes for the scan.
    let error = session.count(&persons().name).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Incomplete, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_nobody_reads_any_more_is_cancelled_and_its_session_is_of_use() {
    for hosted in BOTH {
        let adapter = build("cancelled").load(hosted).unwrap();
        let source = source(&adapter).unwrap();
        let mut session = source.open(&[persons()]).await.unwrap();
        for _ in 0..2 {
            session.select(&["A".to_owned(), "B".to_owned()]).await.unwrap();
            let mut rows = session.scan(&scan_of_persons()).await.unwrap();
            tokio::select! {
                biased;
                _ = rows.next() => panic!("{hosted:?}: a stream without an end ended"),
                () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {}
            }
            drop(rows);
            // Waits for nothing but the end of the cancelled call.
            assert_eq!(session.count(&persons().name).await.unwrap(), 2, "{hosted:?}");
        }
    }
}
