//! Sessions end, and give back what they hold, however their connection ends.

use std::sync::Arc;
use std::time::Duration;

use csc_bridge_core::error::Kind as ErrorKind;
use csc_bridge_core::source::{Path, Scan, Source as _, Table, TableName, read_all};
use csc_bridge_sql::{Engine, Lock, Purpose, SqlSource, WritingEngine};

use crate::home::{Home, Kind, Simulated};

fn table(name: &str) -> TableName {
    TableName { schema: String::new(), table: name.to_owned() }
}

/// Waits until so many sessions of a database are as they should be; the test's own connection is none of them.
async fn until(library: &Simulated, wanted: &str, condition: &str) {
    let sql = format!("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '{}' AND {condition}", library.database);
    while library.server.psql("postgres", &sql).trim() != wanted {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The driver counts a CLOB that it made once too often: such a session would stay to the end of the process.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_handed_children_ends_with_its_connection() {
    let Some(home) = Home::new(&Kind::Library) else { return };
    home.driver().unwrap().execute("CREATE TABLE visit (id VARCHAR2(20 CHAR))", &[]).unwrap();
    until(home.simulated(), "0", "true").await;
    let source = SqlSource::new(Arc::new(home.engine_with(&home.keys())));
    let columns = vec!["id".to_owned()];
    let mut session = source.open(&[Table { name: table("visit"), columns: columns.clone() }]).await.unwrap();
    session.select(&["a".to_owned()]).await.unwrap();
    let path_to_child = Path { joins: Vec::new(), child: "id".to_owned(), no_key: Vec::new() };
    let scan = Scan { table: table("visit"), columns, path_to_child };
    read_all(session.scan(&scan).await.unwrap().as_mut()).await.unwrap();
    until(home.simulated(), "1", "true").await;
    drop(session);
    until(home.simulated(), "0", "true").await;
}

/// As when a run is interrupted while Oracle works, or waits for somebody.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_broken_off_when_its_connection_is_dropped() {
    let Some(home) = Home::new(&Kind::Library) else { return };
    let somebody = home.driver().unwrap();
    somebody.execute("CREATE TABLE csc_bridge_set (id NUMBER)", &[]).unwrap();
    somebody.execute("LOCK TABLE csc_bridge_set IN EXCLUSIVE MODE", &[]).unwrap();
    let mut connection = home.engine_with(&home.keys()).connect(Purpose::Read).await.unwrap();
    let waiting = tokio::spawn(async move { connection.execute("DELETE FROM csc_bridge_set", &[]).await.is_ok() });
    until(home.simulated(), "1", "wait_event_type = 'Lock'").await;
    waiting.abort();
    assert!(waiting.await.is_err_and(|ended| ended.is_cancelled()));
    // Only he who has the lock is left, and has it still.
    until(home.simulated(), "1", "true").await;
    somebody.commit().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_once_the_lock_of_stage_is_lost() {
    let Some(home) = Home::new(&Kind::Library) else { return };
    let engine = home.engine_with(&home.keys());
    let guard = engine.lock(&table("ssd_api_data_staging"), Lock::Stage(None)).await.unwrap();
    let busy =
        home.engine_with(&home.keys()).lock(&table("ssd_api_data_staging"), Lock::Stage(None)).await.err().unwrap();
    assert_eq!(busy.kind(), ErrorKind::Busy, "{busy:?}");
    let mut connection = engine.connect(Purpose::Stage).await.unwrap();
    connection.begin().await.unwrap();
    connection.rollback().await.unwrap();
    home.cut().unwrap();
    let error = loop {
        let mut connection = engine.connect(Purpose::Stage).await.unwrap();
        match connection.begin().await {
            Ok(()) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error:?}");
    drop(guard);
    // Free again: for another, and for whoever had it.
    let _guard = engine.lock(&table("ssd_api_data_staging"), Lock::Stage(None)).await.unwrap();
    engine.connect(Purpose::Stage).await.unwrap().begin().await.unwrap();
}
