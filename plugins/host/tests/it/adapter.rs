//! A plugin in the registry: what it is, and what it is not.

use csc_bridge_core::error::Kind;
use csc_bridge_core::payload::read;
use csc_bridge_core::registry::{DatabaseAdapter, Registry, SinkAdapter};
use csc_bridge_core::sink::{Record, Then};
use csc_bridge_core::source::read_all;

use crate::support::*;

const RECORD: Record<'_> = Record { person_id: "A", document: "{}" };

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_an_adapter_like_any_other() {
    for hosted in BOTH {
        let adapter = build("good").load(hosted).unwrap();
        let registry = Registry::default().with_database(adapter.clone()).with_sink(adapter);
        let config = config("host = \"db01\"", "folder = \"out\"");
        let source = registry.database("hostile").unwrap().source(&config.source.options).unwrap();
        assert_eq!(read(source.as_ref()).await.unwrap(), two_rows());

        let sinks = registry.sink("hostile").unwrap();
        let facts = sinks.facts(&config.sink.options).unwrap();
        assert!(facts.is_local && facts.limits.max_records == 7);
        let sink = sinks.sink(&config.sink.options, "845").unwrap();
        assert_eq!(sink.limits(), facts.limits);
        let sent = sink.send_with_request_id(&[RECORD]).await;
        assert_eq!(sent.result.unwrap()[0].id, "r1");
        assert_eq!(sent.request_id.as_deref(), Some("q1"));
        let probe = sink.probe().await;
        assert_eq!(probe.token.unwrap().unwrap(), "granted");
        assert_eq!(probe.clock_ahead.unwrap().as_secs(), -2);
        assert!(probe.reach.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_is_not_is_refused_with_advice() {
    let adapter = build("good").load(InProcess).unwrap();
    let config = config("", "");
    let error = adapter.staging(&config.staging.options, &config.staging, None).err().unwrap();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.advice().contains("another adapter in [staging]"), "{error:?}");
    assert_eq!(adapter.writer(&config.source.options).await.err().unwrap().kind(), Kind::Config);

    let adapter = build_with("good", &["KIND=\"null\""]).load(InProcess).unwrap();
    let error = adapter.source(&config.source.options).err().unwrap();
    assert!(error.message().contains("is no adapter that reads children: it is a sink"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_in_the_hands_of_a_plugin_that_died_may_have_arrived() {
    let config = config("", "");
    let endless = build_with("endless", &["WHERE=sink_send"]);
    let crash = build_with("crash", &["WHERE=sink_send", "HOW=abort()"]);
    for (folder, hosted) in [(&endless, InProcess), (&endless, Isolated), (&crash, Isolated)] {
        let adapter = folder.load_within(hosted, short()).unwrap();
        let sink = adapter.sink(&config.sink.options, "845").unwrap();
        // Isolated, the second batch has a child of its own.
        for round in 0..2 {
            let error = sink.send(&[RECORD]).await.unwrap_err();
            match (hosted, round) {
                (InProcess, 1) => assert_eq!(error.then, Then::Retry { after: None }, "{error:?}"),
                _ => assert_eq!(error.then, Then::Unknown, "{error:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_are_under_way_at_once_do_not_wait_for_each_other() {
    let adapter = build("good").load(Isolated).unwrap();
    let sink = adapter.sink(&config("", "").sink.options, "845").unwrap();
    let one = [RECORD];
    let (a, b, c) = tokio::join!(sink.send(&one), sink.send(&one), sink.send(&one));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_read_and_nothing_else_in_their_place() {
    let config = config("", "");
    let children = ["A".to_owned(), "B".to_owned()];
    for hosted in BOTH {
        let adapter = build_with("documents", &["ROWS=DOCUMENTS"]).load(hosted).unwrap();
        let source = adapter.source(&config.source.options).unwrap();
        assert_eq!(source.open(&[persons()]).await.err().unwrap().kind(), Kind::Config, "it has no tables");
        let mut session = source.documents().unwrap().open().await.unwrap();
        let listed = read_all(session.ids().await.unwrap().as_mut()).await.unwrap();
        assert_eq!(listed.iter().map(|batch| batch.num_rows()).sum::<usize>(), 2);
        let read = read::documents(&mut *session, &children).await.unwrap();
        assert_eq!(read, [Some("{}".to_owned()), None], "a document, and one that cannot be had");
        // One child more, and one fewer, than the plugin delivers.
        let more = [&children[..], &["C".to_owned()]].concat();
        let error = read::documents(&mut *session, &more).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Incomplete, "{error:?}");
        let error = read::documents(&mut *session, &children[..1]).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol, "{error:?}");
        for other in ["ROWS=LIST", "ROWS=SCAN", "ROWS=NAMELESS"] {
            let adapter = build_with("documents", &[other]).load(hosted).unwrap();
            let source = adapter.source(&config.source.options).unwrap();
            let mut session = source.documents().unwrap().open().await.unwrap();
            let error = read_all(session.ids().await.unwrap().as_mut()).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Protocol, "{other}: {error:?}");
        }
    }
}
