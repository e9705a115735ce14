//! One connection to PostgreSQL.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{RowStream, TableName};
use csc_bridge_sql::{Connection, Read, Row, Value};
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{CancelToken, Client, SimpleQueryMessage, Statement};

use crate::error::{explain, lost};
use crate::tls::Connector;
use crate::value::{self, Bound, Sent};
use crate::{catalogue, load, scan};

/// Statements kept prepared. There are some dozens, each run for every chunk or claim.
const PREPARED: usize = 200;

/// How long a statement may take to hear that it is not wanted any more.
const CANCELLING: Duration = Duration::from_secs(5);

/// One connection.
pub(crate) struct PostgresConnection {
    pub(crate) client: Client,
    /// What reads from and writes to the socket.
    task: JoinHandle<()>,
    cancel: (CancelToken, Connector),
    pub(crate) place: String,
    /// Whether the lock of `stage` was lost, and with it the right to write.
    lock_lost: Arc<AtomicBool>,
    /// Whether a statement runs of which nobody has seen the end.
    pub(crate) busy: bool,
    prepared: HashMap<String, Statement>,
    pub(crate) reads: scan::Prepared,
    pub(crate) loads: load::Prepared,
}

impl PostgresConnection {
    pub(crate) fn new(
        client: Client,
        task: JoinHandle<()>,
        cancel: (CancelToken, Connector),
        place: String,
        lock_lost: Arc<AtomicBool>,
    ) -> PostgresConnection {
        PostgresConnection {
            client,
            task,
            cancel,
            place,
            lock_lost,
            busy: false,
            prepared: HashMap::new(),
            reads: scan::Prepared::default(),
            loads: load::Prepared::default(),
        }
    }

    /// Waits until the connection is gone.
    pub(crate) async fn ended(&mut self) {
        let _ = (&mut self.task).await;
    }

    /// What an error of the driver means here.
    pub(crate) fn explain(&self, error: &tokio_postgres::Error) -> Error {
        // What a server said last before it went, a later statement does not hear.
        match self.client.is_closed() && error.code().is_none() {
            true => lost(&self.place),
            false => explain(error, &self.place),
        }
    }

    /// Runs a statement without parameters and tells how many rows it changed.
    pub(crate) async fn run_script(&self, sql: &str) -> Result<u64> {
        let messages = self.client.simple_query(sql).await.map_err(|error| self.explain(&error))?;
        Ok(messages
            .iter()
            .map(|message| if let SimpleQueryMessage::CommandComplete(rows) = message { *rows } else { 0 })
            .sum())
    }

    /// As [`PostgresConnection::run_script`], known to be busy meanwhile.
    async fn run(&mut self, sql: &str) -> Result<u64> {
        self.busy = true;
        let done = self.run_script(sql).await;
        self.busy = false;
        done
    }

    async fn prepare(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await.map_err(|error| self.explain(&error))?;
        if self.prepared.len() >= PREPARED {
            self.prepared.clear();
        }
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// The text in the first column of the first row.
    pub(crate) async fn one_word(&mut self, sql: &str, param: &str) -> Result<Option<String>> {
        let mut rows = self.query(sql, &[Value::text(param)]).await?;
        rows.first_mut().map_or(Ok(None), |row| row.text(0))
    }

    async fn rows(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let statement = self.prepare(sql).await?;
        let bound: Vec<Bound<'_>> = params.iter().map(Bound).collect();
        let bound: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let sent = self.client.query(&statement, &bound).await.map_err(|error| self.explain(&error))?;
        let columns = statement.columns();
        let row = |row: &tokio_postgres::Row| {
            let cells = columns.iter().enumerate().map(|(at, column)| {
                let cell = row.try_get::<_, Option<Sent<'_>>>(at).ok()?;
                value::read(column.type_(), cell)
            });
            cells.collect::<Option<Vec<Value>>>().map(Row)
        };
        sent.iter().map(row).collect::<Option<Vec<Row>>>().ok_or_else(|| self.unreadable())
    }

    fn unreadable(&self) -> Error {
        Error::new(
            Kind::Schema,
            format!("{} has a column of a type that csc-bridge does not read there", self.place),
            "compare the staging tables with those that csc-bridge creates",
        )
    }
}

#[async_trait]
impl Connection for PostgresConnection {
    async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        // In one go, and without a plan that is kept: a temporary table has another size each time.
        if params.is_empty() {
            return self.run(sql).await;
        }
        self.busy = true;
        let done = async {
            let statement = self.prepare(sql).await?;
            let bound: Vec<Bound<'_>> = params.iter().map(Bound).collect();
            let bound: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
            self.client.execute(&statement, &bound).await.map_err(|error| self.explain(&error))
        }
        .await;
        self.busy = false;
        done
    }

    async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.busy = true;
        let rows = self.rows(sql, params).await;
        self.busy = false;
        rows
    }

    /// A stream that is dropped early leaves the connection usable: what the server still sends is read away first. Whoever has no
    /// more use for the connection drops that, too, which ends the statement.
    async fn scan(&mut self, read: Read) -> Result<Box<dyn RowStream + '_>> {
        scan::start(self, read).await
    }

    async fn load(&mut self, target: &str, rows: &RecordBatch) -> Result<()> {
        self.busy = true;
        let loaded = load::load(self, target, rows).await;
        self.busy = false;
        loaded
    }

    async fn columns(&mut self, table: &TableName) -> Result<Option<Vec<String>>> {
        let rows = self.query(catalogue::COLUMNS, &[Value::text(catalogue::named(table))]).await?;
        let names = rows.into_iter().map(|mut row| row.word(0)).collect::<Result<Vec<String>>>()?;
        Ok(Some(names).filter(|names| !names.is_empty()))
    }

    /// Locks first, then looks: LOCK takes no snapshot, the first SELECT does. A table that was truncated in between would be empty
    /// under the snapshot, without an error, because TRUNCATE is not versioned; as it is, a TRUNCATE before the lock is over, with its
    /// refill or without, and one after it waits for the end of the session.
    ///
    /// The transaction is not READ ONLY: that would forbid to truncate the temporary table of the set.
    async fn snapshot(&mut self, tables: &[TableName]) -> Result<()> {
        let (mut locked, mut others) = (Vec::new(), Vec::new());
        for table in tables {
            let kind = self.one_word(catalogue::KIND, &catalogue::named(table)).await?.unwrap_or_default();
            match catalogue::may_be_locked(&kind) {
                true => locked.push(catalogue::named(table)),
                false => others.push(catalogue::named(table)),
            }
        }
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
        if !locked.is_empty() {
            let lock = format!("LOCK TABLE {} IN ACCESS SHARE MODE", locked.join(", "));
            self.run(&lock).await.map_err(|error| error.within("locking the SSD tables against TRUNCATE"))?;
        }
        self.run("SELECT 1").await?;
        // Materialized views and foreign tables cannot be locked by LOCK, but whoever reads them locks them until the end, too.
        for table in others {
            self.run(&format!("SELECT FROM {table} LIMIT 0")).await?;
        }
        Ok(())
    }

    async fn begin(&mut self) -> Result<()> {
        if self.lock_lost.load(Ordering::SeqCst) {
            return Err(
                lost(&self.place).within("nothing more is written, for the lock of stage went with its connection")
            );
        }
        self.run("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        Ok(())
    }

    async fn commit(&mut self) -> Result<()> {
        self.run("COMMIT").await?;
        Ok(())
    }

    async fn rollback(&mut self) -> Result<()> {
        self.run("ROLLBACK").await?;
        Ok(())
    }
}

impl Drop for PostgresConnection {
    /// A connection at rest takes its leave, which undoes an open transaction. One that runs a statement does not listen: the statement
    /// is cancelled, so that its locks do not outlive it.
    fn drop(&mut self) {
        if !self.busy || self.client.is_closed() {
            return;
        }
        let task = self.task.abort_handle();
        let (cancel, connector) = self.cancel.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    let _ = tokio::time::timeout(CANCELLING, cancel.cancel_query(connector)).await;
                    task.abort();
                });
            }
            Err(_) => task.abort(),
        }
    }
}
