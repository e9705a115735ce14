use std::sync::Arc;
use std::time::Duration;

use csc_bridge_core::error::{Kind, Result};
use csc_bridge_core::source::SourceWriter;
use csc_bridge_core::staging::{Attempt, Choice, Held, IntentRecord, RecordKind, RunRecord, Staging};
use csc_bridge_sql::{Engine, Purpose, SqlStaging, Transaction, Value};
use csc_bridge_sqlite::SqliteEngine;

use crate::support::*;

/// A runtime with fewer blocking threads than the program's own: two.
fn as_in_the_program<T>(work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).max_blocking_threads(2).enable_all().build().unwrap().block_on(work)
}

/// Staging tables behind an engine of their own, which hardly waits for other programs.
fn staging(home: &Home, lock_timeout: Duration) -> SqlStaging {
    SqlStaging::new(Arc::new(SqliteEngine::new(&home.path(), lock_timeout).unwrap()), names(), None).unwrap()
}

/// Claims, opens intents and records, as a worker of `submit` does.
async fn send(staging: &SqlStaging, worker: u8, rounds: usize) -> Result<usize> {
    let mut sent = 0;
    for round in 0..rounds {
        let ids: Vec<String> = (0..3).map(|child| format!("{worker}-{round}-{child}")).collect();
        let claim = staging.claim(&ids, Choice::AsStaged).await?;
        let attempt_id = format!("{worker}-{round}");
        let attempt = Attempt { attempt_id: attempt_id.clone(), run_id: "run".to_owned(), number: 1 };
        let intent = |id: &String| IntentRecord {
            person_id: id.clone(),
            kind: RecordKind::Full,
            hash: hash(1),
            based_on: Held::Nothing,
            mentioned: None,
        };
        staging.open_intents(&attempt, &ids.iter().map(intent).collect::<Vec<_>>()).await?;
        sent += claim.rows().len();
        claim.record(ids.iter().map(|id| accepted(id, &attempt_id, 1)).collect()).await?;
    }
    Ok(sent)
}

#[test]
fn eight_workers_send_at_once_with_two_blocking_threads_and_hardly_a_lock_timeout() {
    as_in_the_program(async {
        const ROUNDS: usize = 12;
        let (home, first) = Home::staged().await;
        let children = (0..8).flat_map(|worker| (0..ROUNDS).map(move |round| (worker, round)));
        let children =
            children.flat_map(|(worker, round)| (0..3).map(move |child| format!("{worker}-{round}-{child}")));
        apply(&first, children.map(|id| new_child(&id, 1)).collect()).await;
        // Two engines for one file: the turns are the file's, not the engine's.
        let engines = [0, 1].map(|_| Arc::new(staging(&home, Duration::from_millis(20))));
        let workers: Vec<_> = (0..8u8)
            .map(|worker| {
                let staging = engines[usize::from(worker % 2)].clone();
                tokio::spawn(async move { send(&staging, worker, ROUNDS).await })
            })
            .collect();
        for worker in workers {
            let sent = tokio::time::timeout(Duration::from_secs(60), worker).await.expect("no standstill");
            assert_eq!(sent.unwrap().unwrap(), 3 * ROUNDS);
        }
        assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_submission_log WHERE outcome = 'accepted'"), 24 * 12);
        assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_data_staging WHERE submission_status = 'sent'"), 24 * 12);
    });
}

#[test]
fn writers_wait_for_a_transaction_of_this_process_without_a_thread_or_a_timeout() {
    as_in_the_program(async {
        let (home, _) = Home::staged().await;
        home.raw().execute_batch("CREATE TABLE t (id TEXT)").unwrap();
        let staging = Arc::new(staging(&home, Duration::ZERO));
        let engine = SqliteEngine::new(&home.path(), Duration::ZERO).unwrap();
        let mut holder = engine.connect(Purpose::Stage).await.unwrap();
        holder.begin().await.unwrap();
        let waiting: Vec<_> = (0..4)
            .map(|number| {
                let staging = staging.clone();
                // A single statement outside a transaction waits as a transaction does.
                tokio::spawn(async move {
                    let run = RunRecord {
                        run_id: number.to_string(),
                        command: "submit".to_owned(),
                        shard: None,
                        run_date: "2026-01-01".to_owned(),
                        exit_code: 0,
                        seconds: 1,
                        table_rows: None,
                        report: "{}".to_owned(),
                    };
                    staging.record_run(&run).await
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(waiting.iter().all(|task| !task.is_finished()));
        // Reads and temporary tables wait for nobody.
        assert!(staging.ledger(&strings(&["1"])).await.unwrap().is_empty());
        holder.execute("INSERT INTO main.t VALUES ('1')", &[]).await.unwrap();
        holder.commit().await.unwrap();
        for task in waiting {
            task.await.unwrap().unwrap();
        }
        assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_run_log"), 4);
        assert_eq!(home.count("SELECT COUNT(*) FROM t"), 1);
    });
}

#[test]
fn a_turn_ends_with_a_commit_a_rollback_a_drop_or_a_begin_that_failed() {
    as_in_the_program(async {
        let (home, staging) = Home::staged().await;
        let engine = SqliteEngine::new(&home.path(), Duration::ZERO).unwrap();
        let free = async || {
            let mut writer = engine.connect(Purpose::Stage).await.unwrap();
            tokio::time::timeout(Duration::from_secs(5), writer.begin()).await.expect("a free turn").unwrap();
            writer.rollback().await.unwrap();
        };
        let mut writer = engine.connect(Purpose::Stage).await.unwrap();
        writer.begin().await.unwrap();
        writer.commit().await.unwrap();
        free().await;
        writer.begin().await.unwrap();
        writer.rollback().await.unwrap();
        free().await;
        writer.execute("DELETE FROM main.nothing_such", &[]).await.unwrap_err();
        free().await;
        writer.begin().await.unwrap();
        drop(writer);
        free().await;
        // Given up while it waits, and while it works.
        let mut writer = engine.connect(Purpose::Stage).await.unwrap();
        writer.begin().await.unwrap();
        let mut other = engine.connect(Purpose::Stage).await.unwrap();
        tokio::time::timeout(Duration::from_millis(20), other.begin()).await.unwrap_err();
        writer.commit().await.unwrap();
        let _ = tokio::time::timeout(Duration::ZERO, other.begin()).await;
        drop(other);
        free().await;
        // Another program has the file.
        let program = home.raw();
        program.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert_eq!(writer.begin().await.unwrap_err().kind(), Kind::Busy);
        program.execute_batch("ROLLBACK").unwrap();
        free().await;
        // A writer of made-up children that is dropped half-way.
        let mut children = home.writer().await;
        children.create(&[]).await.unwrap();
        drop(children);
        free().await;
        drop(staging);
    });
}

#[test]
fn the_log_begins_anew_while_two_connections_write() {
    as_in_the_program(async {
        let (home, _) = Home::staged().await;
        home.raw().execute_batch("CREATE TABLE t (number INTEGER PRIMARY KEY, body BLOB)").unwrap();
        let engine = Arc::new(SqliteEngine::new(&home.path(), Duration::from_secs(30)).unwrap());
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                let engine = engine.clone();
                tokio::spawn(async move {
                    let mut connection = engine.connect(Purpose::Stage).await?;
                    for _ in 0..100 {
                        let body = Value::Bytes(vec![writer; 1 << 20]);
                        let insert = ("INSERT INTO t (body) VALUES (?1)".to_owned(), vec![body]);
                        let statements = vec![insert];
                        connection.transact(Transaction { statements, is_begun: false, may_be_lost: true }).await?;
                    }
                    Ok::<_, csc_bridge_core::error::Error>(connection)
                })
            })
            .collect();
        let mut open = Vec::new();
        for writer in writers {
            open.push(writer.await.unwrap().unwrap());
        }
        // 200 MB were written; the log keeps the length that it had at its longest, until the last connection is closed.
        let log = std::fs::metadata(home.path().with_extension("db-wal")).expect("the connections are open").len();
        assert!(log > 30 << 20 && log < 100 << 20, "{log} bytes");
        assert_eq!(home.count("SELECT COUNT(*) FROM t WHERE length(body) = 1048576"), 200);
    });
}
