//! One connection to SQL Server.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::RecordBatch;
use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{RowStream, TableName};
use csc_bridge_sql::{Connection, Read, Row, Value};
use tiberius::{Client, ToSql};
use tokio::net::TcpStream;
use tokio::time::error::Elapsed;
use tokio_util::compat::Compat;

use crate::error::{explain, given_up, lost, took_too_long};
use crate::options::Settings;
use crate::snapshot::{self, Keeper};
use crate::value::{self, Bound};
use crate::{catalogue, load, scan};

/// The driver's client.
pub(crate) type SqlServerClient = Client<Compat<TcpStream>>;

/// One connection.
pub(crate) struct SqlServerConnection {
    pub(crate) client: SqlServerClient,
    pub(crate) settings: Arc<Settings>,
    /// Whether the lock of `stage` was lost, and with it the right to write.
    pub(crate) lock_lost: Arc<AtomicBool>,
    pub(crate) state: State,
    /// What keeps the tables of a read session as they are.
    pub(crate) keeper: Option<Keeper>,
    pub(crate) loads: load::Prepared,
}

/// Whether the driver and the server agree on what has been said.
///
/// A request whose future is dropped, or that took too long, leaves an answer half read, and the driver's next request may take the rest
/// for its own (tiberius issue 79). So a connection is out of use from the moment a request begins until its end has been seen.
pub(crate) struct State {
    in_request: bool,
    pub(crate) place: String,
}

impl State {
    /// A request begins.
    ///
    /// # Errors
    /// The one before was given up.
    pub(crate) fn begun(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.in_request, true) {
            false => Ok(()),
            true => Err(given_up(&self.place)),
        }
    }

    /// What came of a request. After an error that is not the server's own the connection stays out of use.
    pub(crate) fn ended<T>(&mut self, done: Result<tiberius::Result<T>, Elapsed>) -> Result<T> {
        let done = done.map_err(|_| took_too_long(&self.place))?;
        if matches!(done, Ok(_) | Err(tiberius::error::Error::Server(_))) {
            self.in_request = false;
        }
        done.map_err(|error| explain(&error, &self.place))
    }
}

impl SqlServerConnection {
    pub(crate) fn new(
        client: SqlServerClient,
        settings: Arc<Settings>,
        lock_lost: Arc<AtomicBool>,
    ) -> SqlServerConnection {
        let state = State { in_request: false, place: settings.place.clone() };
        SqlServerConnection { client, settings, lock_lost, state, keeper: None, loads: HashMap::new() }
    }

    /// Runs statements without parameters and without an answer, as the session itself: what they set, begin or create as temporary
    /// stays. (With `sp_executesql`, which the driver takes for everything else, it would end with the statement.)
    pub(crate) async fn batch(&mut self, sql: &str) -> Result<()> {
        self.state.begun()?;
        let run = async { self.client.simple_query(sql).await?.into_results().await };
        let done = tokio::time::timeout(self.settings.query_timeout, run).await;
        self.state.ended(done)?;
        Ok(())
    }

    /// Whether the server still answers, and no request was given up.
    pub(crate) async fn is_alive(&mut self) -> Result<()> {
        self.state.begun()?;
        let run = async { self.client.simple_query("SELECT 1").await?.into_results().await };
        let done = tokio::time::timeout(snapshot::ALIVE, run).await;
        self.state.ended(done)?;
        Ok(())
    }

    /// The text in the first column of the first row.
    pub(crate) async fn one_word(&mut self, sql: &str, param: Option<&str>) -> Result<Option<String>> {
        let params: Vec<Value> = param.into_iter().map(Value::text).collect();
        let mut rows = self.query(sql, &params).await?;
        rows.first_mut().map_or(Ok(None), |row| row.text(0))
    }

    fn unreadable(&self) -> Error {
        Error::new(
            Kind::Schema,
            format!("{} has a column of a type that csc-bridge does not read there", self.settings.place),
            "compare the staging tables with those that csc-bridge creates",
        )
    }
}

#[async_trait]
impl Connection for SqlServerConnection {
    async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        // A temporary table that a procedure creates ends with the procedure.
        if params.is_empty() && sql.starts_with("CREATE TABLE #") {
            self.batch(sql).await?;
            return Ok(0);
        }
        self.state.begun()?;
        let bound: Vec<Bound<'_>> = params.iter().map(Bound).collect();
        let bound: Vec<&dyn ToSql> = bound.iter().map(|value| value as &dyn ToSql).collect();
        let done = tokio::time::timeout(self.settings.query_timeout, self.client.execute(sql, &bound)).await;
        Ok(self.state.ended(done)?.total())
    }

    async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.state.begun()?;
        let bound: Vec<Bound<'_>> = params.iter().map(Bound).collect();
        let bound: Vec<&dyn ToSql> = bound.iter().map(|value| value as &dyn ToSql).collect();
        let run = async { self.client.query(sql, &bound).await?.into_first_result().await };
        let done = tokio::time::timeout(self.settings.query_timeout, run).await;
        let rows = self.state.ended(done)?;
        rows.into_iter().map(value::row).collect::<Option<Vec<Row>>>().ok_or_else(|| self.unreadable())
    }

    /// A stream that is dropped between two batches leaves the connection usable: what the server still sends is read away first. One
    /// that is dropped while it waits does not.
    async fn scan(&mut self, read: Read) -> Result<Box<dyn RowStream + '_>> {
        scan::start(self, read).await
    }

    async fn load(&mut self, target: &str, rows: &RecordBatch) -> Result<()> {
        load::load(self, target, rows).await
    }

    async fn columns(&mut self, table: &TableName) -> Result<Option<Vec<String>>> {
        let named = catalogue::named(table);
        let rows = self.query(catalogue::COLUMNS, &[Value::text(&named)]).await?;
        let mut names = rows.into_iter().map(|mut row| row.word(0)).collect::<Result<Vec<String>>>()?;
        if names.is_empty() && self.one_word(catalogue::SYNONYM, Some(&named)).await?.is_some() {
            names = self.columns_of(&named).await?;
        }
        Ok(Some(names).filter(|names| !names.is_empty()))
    }

    async fn snapshot(&mut self, tables: &[TableName]) -> Result<()> {
        let keeper = Box::pin(snapshot::begin(self, tables)).await?;
        self.keeper = Some(keeper);
        Ok(())
    }

    async fn begin(&mut self) -> Result<()> {
        if self.lock_lost.load(Ordering::SeqCst) {
            return Err(lost(&self.settings.place)
                .within("nothing more is written, for the lock of stage went with its connection"));
        }
        self.batch("BEGIN TRANSACTION").await
    }

    async fn commit(&mut self) -> Result<()> {
        self.batch("COMMIT TRANSACTION").await
    }

    async fn rollback(&mut self) -> Result<()> {
        self.batch("ROLLBACK TRANSACTION").await
    }
}

impl SqlServerConnection {
    /// The columns of whatever a SELECT finds under a name.
    async fn columns_of(&mut self, named: &str) -> Result<Vec<String>> {
        self.state.begun()?;
        let sql = format!("SELECT TOP (0) * FROM {named}");
        let run = async {
            let mut stream = self.client.simple_query(sql).await?;
            let names =
                stream.columns().await?.unwrap_or_default().iter().map(|column| column.name().to_owned()).collect();
            stream.into_results().await?;
            Ok(names)
        };
        let done = tokio::time::timeout(self.settings.query_timeout, run).await;
        self.state.ended(done)
    }
}
