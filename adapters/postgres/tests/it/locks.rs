//! One stage at a time, and the tables of a read session kept from TRUNCATE.

use std::time::{Duration, Instant};

use csc_bridge_core::error::Kind;
use csc_bridge_core::source::Source;
use csc_bridge_core::staging::Staging;
use csc_bridge_sql::{Engine, Purpose};

use crate::support::*;

#[tokio::test]
async fn one_stage_at_a_time_and_any_number_of_senders() {
    let Some((home, staging)) = Home::staged().await else { return };
    let other = home.staging();
    let stage = staging.lock_stage(None).await.unwrap();
    let error = other.lock_stage(None).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Busy);
    assert!(error.message().contains("another csc-bridge stages ssd_api_data_staging"), "{error}");
    let _senders = (staging.lock_submit().await.unwrap(), other.lock_submit().await.unwrap());
    // Another table is another matter.
    let anon = csc_bridge_sql::StagingNames { staging: table("ssd_api_data_staging_anon"), ..names() };
    let anon = csc_bridge_sql::SqlStaging::new(home.engine(), anon, None).unwrap();
    drop(anon.lock_stage(None).await.unwrap());
    drop(stage);
    let begun = Instant::now();
    while other.lock_stage(None).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_stage_that_lost_its_lock_writes_no_more() {
    let Some((home, staging)) = Home::staged().await else { return };
    let lock = staging.lock_stage(None).await.unwrap();
    let mut changes = staging.changes().await.unwrap();
    changes.push(vec![new_child("1", 1)]).await.unwrap();
    let holder = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'";
    assert_eq!(home.one(holder), "1");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let error = changes.apply().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable);
    assert!(error.message().contains("the lock of stage"), "{error}");
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_data_staging"), 0);
    // Whoever gave it back may write what is not of a stage: the run's log, what is sent.
    drop(lock);
    apply(&staging, vec![new_child("1", 1)]).await;
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_data_staging"), 1);
}

#[tokio::test]
async fn a_truncate_waits_for_the_end_of_the_session_which_sees_one_moment() {
    let Some(home) = Home::with(
        "CREATE TABLE t (id text); INSERT INTO t VALUES ('1'), ('2'); CREATE TABLE of_view (id text);
         INSERT INTO of_view VALUES ('1'); CREATE VIEW v AS SELECT id FROM of_view;
         CREATE MATERIALIZED VIEW m AS SELECT id FROM t;",
    ) else {
        return;
    };
    let mut session = opened(&home, &[columns("t", &["id"]), columns("v", &["id"]), columns("m", &["id"])]).await;
    for refill in ["TRUNCATE t", "TRUNCATE of_view", "DROP VIEW v", "REFRESH MATERIALIZED VIEW m"] {
        let refused =
            home.server.try_psql(&home.database, &format!("SET lock_timeout = '200ms'; {refill}")).unwrap_err();
        assert!(refused.contains("lock timeout"), "{refill}: {refused}");
    }
    // What leaves old rows where they are is no harm.
    home.raw("DELETE FROM t WHERE id = '1'; INSERT INTO t VALUES ('3')");
    let listed = rows(session.list(&table("t"), &strings(&["id"])).await.unwrap().as_mut()).await;
    assert_eq!(listed, ["1", "2"]);
    session.select(&strings(&["1", "3"])).await.unwrap();
    assert_eq!(scanned(&mut session, &scan("t", &["id"], &[], "id")).await, ["0|1"]);
    drop(session);
    // The connection takes its leave on this thread, which the next line keeps busy.
    tokio::time::sleep(Duration::from_millis(200)).await;
    home.raw("SET lock_timeout = '10s'; TRUNCATE t");
}

/// Why the lock is there.
#[tokio::test]
async fn without_the_lock_a_table_that_is_truncated_reads_as_empty_under_the_snapshot() {
    let Some(home) = Home::with("CREATE TABLE t (id text); INSERT INTO t VALUES ('1'), ('2')") else { return };
    let mut connection = home.engine().connect(Purpose::Read).await.unwrap();
    // As `snapshot`, without LOCK.
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ", &[]).await.unwrap();
    connection.execute("SELECT 1", &[]).await.unwrap();
    home.raw("TRUNCATE t");
    home.raw("INSERT INTO t VALUES ('3')");
    let count = |rows: Vec<csc_bridge_sql::Row>| rows.into_iter().next().unwrap().integer(0).unwrap();
    assert_eq!(count(connection.query("SELECT COUNT(*) FROM t", &[]).await.unwrap()), 0);
}

#[tokio::test]
async fn a_table_that_is_being_refilled_makes_the_session_wait_for_its_time_limit() {
    let Some(home) = Home::with("CREATE TABLE t (id text); INSERT INTO t VALUES ('1')") else { return };
    let mut refill = home.engine().connect(Purpose::Generate).await.unwrap();
    refill.begin().await.unwrap();
    refill.execute("TRUNCATE t", &[]).await.unwrap();
    let error = home.source().open(&[columns("t", &["id"])]).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Busy, "{error:?}");
    assert!(error.message().contains("lock_timeout"), "{error}");
    // When it is done in time, the session sees what it brought.
    refill.execute("INSERT INTO t VALUES ('2')", &[]).await.unwrap();
    let source = home.source();
    let opening = tokio::spawn(async move { source.open(&[columns("t", &["id"])]).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    refill.commit().await.unwrap();
    let mut session = opening.await.unwrap().unwrap();
    let listed = rows(session.list(&table("t"), &strings(&["id"])).await.unwrap().as_mut()).await;
    assert_eq!(listed, ["2"]);
}
