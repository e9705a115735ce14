//! What a connection holds: the client of PostgreSQL, its prepared statements, and the rows that are under way.

use std::collections::{HashMap, HashSet, VecDeque};
use std::pin::Pin;
use std::sync::Weak;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::sync::Mutex as AsyncMutex;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{CancelToken, Client, NoTls, Row, Statement};

use crate::error::{OraError, Result, ends_session, from_postgres, ora, unknown};
use crate::value::{Kind, Value};

/// What makes a database one of ours; a superuser runs it once.
pub const SETUP: &str = include_str!("setup.sql");
/// Prepared statements that are kept.
const KEPT: usize = 100;

/// A session of PostgreSQL's.
pub(crate) struct Session {
    pub(crate) client: Option<Client>,
    pub(crate) user: String,
    pub(crate) prepared: HashMap<(String, Vec<Kind>), Statement>,
    /// Tables whose name was looked up: no temporary ones, or temporary ones that this session has made.
    pub(crate) known: HashSet<String>,
    pub(crate) cursor: Weak<AsyncMutex<Rows>>,
    /// Whether the query before left its savepoint open, for its rows were still under way.
    pub(crate) has_savepoint: bool,
}

pub(crate) type Coming = Pin<Box<dyn Stream<Item = std::result::Result<Row, tokio_postgres::Error>> + Send>>;

/// Rows of a query: those read ahead, and those to come.
pub(crate) struct Rows {
    pub(crate) ahead: VecDeque<Row>,
    pub(crate) coming: Option<Coming>,
    pub(crate) failed: Option<OraError>,
}

/// Waits no longer than a call may take, and cancels what takes longer.
pub(crate) async fn timed<T>(milliseconds: u32, cancel: &CancelToken, run: impl Future<Output = T>) -> Result<T> {
    if milliseconds == 0 {
        return Ok(run.await);
    }
    let mut run = std::pin::pin!(run);
    match tokio::time::timeout(Duration::from_millis(milliseconds.into()), run.as_mut()).await {
        Ok(done) => Ok(done),
        Err(_) => {
            let _ = cancel.cancel_query(NoTls).await;
            run.await;
            Err(ora(3156))
        }
    }
}

pub(crate) fn bound(values: &[Value]) -> impl ExactSizeIterator<Item = &(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync))
}

/// The values of a row. A text of more than 4,000 bytes is none that VARCHAR2 could hold.
pub(crate) fn values(row: &Row, text: &str) -> Result<Vec<Value>> {
    let mut values = Vec::with_capacity(row.len());
    for (at, column) in row.columns().iter().enumerate() {
        let value = row.try_get(at).map_err(|fault| unknown(format!("{fault}: {text}")))?;
        if matches!(&value, Value::Text(long) if long.len() > 4000) && column.type_().name() != "clob" {
            return Err(ora(1489));
        }
        values.push(value);
    }
    Ok(values)
}

impl Rows {
    pub(crate) async fn next(&mut self, text: &str) -> Result<Option<Row>> {
        if let Some(row) = self.ahead.pop_front() {
            return Ok(Some(row));
        }
        if let Some(fault) = &self.failed {
            return Err(fault.clone());
        }
        let Some(coming) = &mut self.coming else { return Ok(None) };
        match coming.next().await {
            Some(Ok(row)) => Ok(Some(row)),
            Some(Err(fault)) => {
                let fault = from_postgres(&fault, text);
                (self.failed, self.coming) = (Some(fault.clone()), None);
                Err(fault)
            }
            None => {
                self.coming = None;
                Ok(None)
            }
        }
    }
}

impl Session {
    pub(crate) fn client(&self) -> Result<&Client> {
        self.client.as_ref().ok_or_else(|| ora(3114))
    }

    /// Reads an open query to its end: PostgreSQL answers nothing else before that. Its caller gets the rows later.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        if let Some(rows) = std::mem::take(&mut self.cursor).upgrade() {
            let mut rows = rows.lock().await;
            while let Some(coming) = &mut rows.coming {
                match coming.next().await {
                    Some(Ok(row)) => rows.ahead.push_back(row),
                    Some(Err(fault)) => {
                        rows.failed = Some(from_postgres(&fault, "a query"));
                        rows.coming = None;
                    }
                    None => rows.coming = None,
                }
            }
        }
        if std::mem::take(&mut self.has_savepoint)
            && let Err(fault) = self.simple("RELEASE SAVEPOINT oracle_statement").await
        {
            // The query failed, seen or not.
            return if ends_session(fault.code) { Err(fault) } else { self.undo().await };
        }
        Ok(())
    }

    pub(crate) async fn simple(&mut self, sql: &str) -> Result<()> {
        self.run(sql, sql).await
    }

    pub(crate) async fn run(&mut self, sql: &str, text: &str) -> Result<()> {
        self.client()?.batch_execute(sql).await.map_err(|fault| from_postgres(&fault, text))
    }

    /// Undoes the statement; a cancellation that comes late must not meet this.
    pub(crate) async fn undo(&mut self) -> Result<()> {
        loop {
            match self.simple("ROLLBACK TO SAVEPOINT oracle_statement; RELEASE SAVEPOINT oracle_statement").await {
                Err(fault) if fault.code == 1013 => {}
                done => return done,
            }
        }
    }

    pub(crate) async fn prepare(&mut self, sql: &str, kinds: &[Kind], text: &str) -> Result<Statement> {
        let key = (sql.to_owned(), kinds.to_vec());
        if let Some(statement) = self.prepared.get(&key) {
            return Ok(statement.clone());
        }
        let types: Vec<Type> = kinds.iter().map(|kind| kind.sent()).collect();
        let prepared = self.client()?.prepare_typed(sql, &types).await;
        let prepared = prepared.map_err(|fault| match from_postgres(&fault, text) {
            fault if fault.code == 900 => unknown(format!("{} [{sql}]", fault.message)),
            fault => fault,
        })?;
        if self.prepared.len() >= KEPT {
            self.prepared.clear();
        }
        self.prepared.insert(key, prepared.clone());
        Ok(prepared)
    }
}

/// Makes a database one of ours, once; that takes a superuser.
pub(crate) async fn set_up(client: &Client) -> std::result::Result<(), tokio_postgres::Error> {
    client.batch_execute("SELECT pg_advisory_lock(1521)").await?;
    let done = async {
        if client.query_one("SELECT to_regnamespace('oracle') IS NULL", &[]).await?.get(0) {
            client.batch_execute(&format!("BEGIN; {SETUP}; COMMIT")).await?;
        }
        Ok(())
    };
    let done = done.await;
    client.batch_execute("ROLLBACK; SELECT pg_advisory_unlock(1521)").await?;
    done
}
