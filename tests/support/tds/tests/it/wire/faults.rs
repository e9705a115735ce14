//! What a test can let go wrong.

use std::time::Duration;

use futures_util::TryStreamExt;
use tiberius::QueryItem;
use tokio::time::timeout;

use super::support::*;

#[tokio::test]
async fn the_next_request_fails_and_only_that() {
    let server = start(&Default::default());
    let mut client = connect(&server).await;
    server.fail_next(error(1205, 13, "Transaction was deadlocked. Rerun the transaction."));
    let failed = client.execute("TWO", &[]).await.expect_err("it is to fail");
    assert_eq!(number(&failed), Some(1205));
    client.execute("TWO", &[]).await.expect("the next one does not");
    server.fail_next_with("ROWS", error(701, 19, "There is insufficient system memory."));
    client.execute("TWO", &[]).await.expect("this one has another text");
    assert!(client.simple_query("ROWS 1").await.is_err());
}

#[tokio::test]
async fn a_severe_error_ends_the_connection() {
    let server = start(&Default::default());
    let mut client = connect(&server).await;
    server.fail_next(error(596, 21, "Cannot continue the execution because the session is in the kill state."));
    assert_eq!(number(&client.execute("TWO", &[]).await.expect_err("it is to fail")), Some(596));
    client.execute("TWO", &[]).await.expect_err("the connection is gone");
}

#[tokio::test]
async fn the_connection_is_cut_after_some_rows() {
    let server = start(&Default::default());
    let mut client = connect(&server).await;
    server.cut_after_rows(10);
    let mut stream = client.simple_query("ROWS 1000").await.expect("it begins");
    let mut rows = 0;
    let failed = loop {
        match stream.try_next().await {
            Ok(Some(QueryItem::Row(_))) => rows += 1,
            Ok(Some(_)) => {}
            Ok(None) => panic!("it did not end early"),
            Err(error) => break error,
        }
    };
    assert_eq!(rows, 10, "{failed}");
    drop(stream);
    let mut client = connect(&server).await;
    client.simple_query("ROWS 1000").await.expect("it begins").into_results().await.expect("it is whole");
}

#[tokio::test]
async fn connections_are_dropped_at_once() {
    let server = start(&Default::default());
    let mut idle = connect(&server).await;
    let mut busy = connect(&server).await;
    let waiting = tokio::spawn(async move { busy.simple_query("STUCK").await.map(|_| ()) });
    while !server.log().contains(&"STUCK".to_owned()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.drop_connections();
    let waiting = timeout(Duration::from_secs(5), waiting).await.expect("it ends").expect("it does not panic");
    waiting.expect_err("its connection is gone");
    idle.execute("TWO", &[]).await.expect_err("its connection is gone");
    connect(&server).await;
    let port = server.port();
    drop(server);
    tokio::time::sleep(Duration::from_millis(50)).await;
    tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect_err("nobody listens");
}

#[tokio::test]
async fn a_session_may_drop_its_connection() {
    let server = start(&Default::default());
    let mut client = connect(&server).await;
    client.execute("DIE", &[]).await.expect_err("it is dropped");
}
