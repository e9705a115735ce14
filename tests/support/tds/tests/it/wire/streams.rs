//! Answers that are long, are not wanted any more, or have several parts.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::TryStreamExt;
use tiberius::QueryItem;
use tokio::time::timeout;

use super::support::*;

#[tokio::test]
async fn a_dropped_stream_is_read_to_its_end_by_the_next_query() {
    let memory: Arc<Memory> = Default::default();
    let server = start(&memory);
    let mut client = connect(&server).await;
    {
        let mut stream = client.simple_query("WIDE 3000").await.expect("it is answered");
        while let Some(item) = stream.try_next().await.expect("it can be read") {
            if matches!(item, QueryItem::Row(_)) {
                break;
            }
        }
    }
    // No attention is sent: the next query takes all the rest from the socket first.
    let rows = client.simple_query("ROWS 2").await.expect("it is answered").into_first_result().await;
    assert_eq!(rows.expect("it can be read").len(), 2);
    assert_eq!(memory.handed_over.load(Ordering::SeqCst), 3002);
    assert_eq!(memory.cancelled.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_attention_stops_an_answer() {
    let memory: Arc<Memory> = Default::default();
    let server = start(&memory);
    let mut client = connect(&server).await;
    {
        let mut stream = client.simple_query("WIDE 1000000").await.expect("it is answered");
        while let Some(item) = stream.try_next().await.expect("it can be read") {
            if matches!(item, QueryItem::Row(_)) {
                break;
            }
        }
    }
    client.cancel_query().await.expect("the server says that it has stopped");
    assert!(memory.handed_over.load(Ordering::SeqCst) < 100_000);
    assert_eq!(memory.cancelled.load(Ordering::SeqCst), 1);
    let rows = client.simple_query("ROWS 2").await.expect("it is answered").into_first_result().await;
    assert_eq!(rows.expect("it can be read").len(), 2);
}

/// A statement that yields nothing: one that looks out for the attention, and one that does not.
#[tokio::test]
async fn an_attention_stops_a_statement_that_waits() {
    let memory: Arc<Memory> = Default::default();
    let server = start(&memory);
    for (statement, told) in [("WAIT", 1), ("STUCK", 1)] {
        let mut client = connect(&server).await;
        let waiting = timeout(Duration::from_millis(100), client.simple_query(statement)).await.map(|_| ());
        waiting.expect_err("it waits");
        client.cancel_query().await.expect("the server says that it has stopped");
        assert_eq!(memory.cancelled.load(Ordering::SeqCst), told);
        client.simple_query("ROWS 2").await.expect("it is answered").into_first_result().await.expect("it can be read");
    }
}

#[tokio::test]
async fn counts_and_changes_are_told() {
    let server = start(&Default::default());
    let mut client = connect(&server).await;
    assert_eq!(client.execute("TWO", &[]).await.expect("it is answered").rows_affected(), [2, 5]);
    let error = client.simple_query("HALF").await.expect("it begins").into_first_result().await;
    assert_eq!(number(&error.expect_err("it ends early")), Some(8134));
    let error = client.simple_query("UNFIT").await.expect("it begins").into_first_result().await;
    assert_eq!(number(&error.expect_err("the row does not fit")), Some(50_000));
    client.simple_query("ROWS 1").await.expect("it goes on").into_results().await.expect("it can be read");
}

#[tokio::test]
async fn transactions_of_both_kinds_are_followed() {
    let server = start(&Default::default());
    let mut client = connect(&server).await;
    client.begin_transaction().await.expect("it begins");
    client.save_transaction("here").await.expect("it is saved");
    client.commit_transaction().await.expect("it commits");
    client.begin_transaction_with_isolation(tiberius::IsolationLevel::Serializable).await.expect("it begins");
    client.rollback_transaction().await.expect("it is undone");
    client.simple_query("BEGIN TRANSACTION").await.expect("it begins").into_results().await.expect("it ends");
    client.simple_query("COMMIT").await.expect("it commits").into_results().await.expect("it ends");
    let wanted = [
        "BEGIN TRANSACTION",
        "SAVE TRANSACTION here",
        "COMMIT TRANSACTION",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; BEGIN TRANSACTION",
        "ROLLBACK TRANSACTION",
        "BEGIN TRANSACTION",
        "COMMIT",
    ];
    assert_eq!(server.log(), wanted);
}
