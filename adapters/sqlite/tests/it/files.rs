use csc_bridge_core::error::Kind;
use csc_bridge_core::source::{Source, read_all};
use csc_bridge_core::staging::Staging;
use csc_bridge_sql::SqlStaging;

use crate::support::*;

#[tokio::test]
async fn a_database_that_is_not_there_is_unreachable_and_is_not_created() {
    let home = Home::new();
    let error = home.source().open(&[columns("t", &["id"])]).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Unreachable);
    assert!(
        error.message().starts_with("the SQLite database ") && error.message().ends_with(" does not exist"),
        "{error}"
    );

    let never = SqlStaging::new(
        home.engine(),
        csc_bridge_sql::StagingNames { create: false, create_staging: false, create_database: false, ..names() },
        None,
    )
    .unwrap();
    assert_eq!(never.prepare().await.unwrap_err().kind(), Kind::Unreachable);
    assert_eq!(never.is_ready().await.unwrap_err().kind(), Kind::Unreachable);
    assert_eq!(keys(&home.staging()).await.unwrap_err().kind(), Kind::Unreachable);
    assert!(!home.staging().is_ready().await.unwrap());
    assert!(!home.path().exists());
}

#[tokio::test]
async fn staging_tables_in_the_source_s_database_are_created_but_their_database_is_not() {
    let home = Home::new();
    let names = || csc_bridge_sql::StagingNames { create_database: false, ..names() };
    let staging = SqlStaging::new(home.engine(), names(), None).unwrap();
    assert_eq!(staging.prepare().await.unwrap_err().kind(), Kind::Unreachable);
    assert!(!home.path().exists());
    home.raw().execute_batch("CREATE TABLE person (id TEXT)").unwrap();
    staging.prepare().await.unwrap();
    assert!(staging.is_ready().await.unwrap());
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_said() {
    let home = Home::new();
    let path = home.folder().join("nowhere").join("csc.db");
    let engine = csc_bridge_sqlite::SqliteEngine::new(&path, std::time::Duration::ZERO).unwrap();
    let staging = SqlStaging::new(std::sync::Arc::new(engine), names(), None).unwrap();
    let error = staging.prepare().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable);
    assert!(error.message().contains("nor does its folder"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_said_to_be_none() {
    let home = Home::new();
    std::fs::write(home.path(), "this is a spreadsheet".repeat(100)).unwrap();
    let error = home.source().open(&[columns("t", &["id"])]).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Data);
    assert!(error.message().contains("is not a SQLite database"), "{error}");
    assert_eq!(home.staging().prepare().await.unwrap_err().kind(), Kind::Data);
}

#[tokio::test]
async fn a_truncated_database_is_damaged_and_never_a_short_read() {
    let home = Home::with(
        "CREATE TABLE t (id INTEGER, v TEXT);
         INSERT INTO t WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n LIMIT 20000) SELECT v, printf('%0100d', v) FROM n;",
    );
    let length = std::fs::metadata(home.path()).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(home.path()).unwrap().set_len(length / 2).unwrap();
    let error = match home.source().open(&[columns("t", &["id", "v"])]).await {
        Err(error) => error,
        Ok(mut session) => {
            let mut stream = session.list(&table("t"), &strings(&["id", "v"])).await.unwrap();
            read_all(stream.as_mut()).await.unwrap_err()
        }
    };
    assert_eq!(error.kind(), Kind::Data);
    assert!(error.message().contains("is damaged"), "{error}");
}

#[tokio::test]
async fn an_empty_file_is_a_database_without_tables() {
    let home = Home::new();
    std::fs::write(home.path(), "").unwrap();
    assert_eq!(home.source().open(&[columns("t", &["id"])]).await.err().unwrap().kind(), Kind::Schema);
}

#[tokio::test]
async fn a_database_that_another_program_writes_is_busy_after_the_lock_timeout() {
    let (home, staging) = Home::staged().await;
    let other = home.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut changes = staging.changes().await.unwrap();
    changes.push(vec![new_child("1", 1)]).await.unwrap();
    let error = changes.apply().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Busy);
    assert!(error.message().contains("is locked by another program"), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(apply(&staging, vec![new_child("1", 1)]).await.written, 1);
}

#[tokio::test]
async fn staging_tables_are_written_while_the_ssd_in_the_same_file_is_read() {
    let (home, staging) = Home::staged().await;
    home.raw().execute_batch("CREATE TABLE t (id TEXT); INSERT INTO t VALUES ('1');").unwrap();
    let mut session = opened(&home, &[columns("t", &["id"])]).await;
    assert_eq!(apply(&staging, vec![new_child("1", 1)]).await.written, 1);
    session.select(&strings(&["1"])).await.unwrap();
    assert_eq!(scanned(&mut session, &scan("t", &["id"], &[], "id")).await, ["0|1"]);
}

// Windows has no such names.
#[cfg(unix)]
#[tokio::test]
async fn a_path_that_looks_like_a_uri_is_a_path() {
    let home = Home::new();
    let path = home.folder().join("file:x?mode=memory");
    let engine = csc_bridge_sqlite::SqliteEngine::new(&path, std::time::Duration::ZERO).unwrap();
    SqlStaging::new(std::sync::Arc::new(engine), names(), None).unwrap().prepare().await.unwrap();
    assert!(path.is_file());
}
