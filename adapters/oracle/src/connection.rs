//! One connection to Oracle. The driver blocks, so all work is done on Tokio's blocking threads.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{RowStream, TableName};
use csc_bridge_sql::{Connection, Dialect, Read, Row, Store, Value};
use oracle::sql_type::{OracleType, ToSql};

use crate::bind::Bound;
use crate::error::{explain, is, lost};
use crate::options::Settings;
use crate::row::Cells;
use crate::snapshot::{self, Moment};
use crate::temporary::{self, Known};
use crate::{OracleDialect, load, scan};

/// Rows to a round trip, both of those that come with the answer and of those that are fetched after it.
///
/// At a thousand a round trip of 2 ms takes as long as its rows: 255,000 rows a second, beside 45,000 at a hundred and 380,000 at five thousand
/// (`tests/it/speed.rs`). More costs memory: the driver keeps room for so many rows at the declared width of each column, which is 4 kB for
/// a text of 1,000 characters.
pub(crate) const FETCH: u32 = 1000;

/// Answers to a SELECT of a table that is not there: none of that name, a synonym of nothing.
const NO_TABLE: [i32; 4] = [942, 980, 1775, 4043];

/// Runs blocking work away from the threads that keep the program answering.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Error::internal("a task that used Oracle ended without a result")),
    }
}

/// The driver's connection, shared between its handle and the blocking task that uses it at the moment.
pub(crate) struct Shared {
    pub(crate) driver: oracle::Connection,
    turn: Mutex<()>,
    pub(crate) place: String,
}

impl Shared {
    /// The connection, once its present user is done with it.
    pub(crate) fn begun(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the driver's error means here.
    pub(crate) fn explain(&self, error: &oracle::Error) -> Error {
        explain(error, &self.place)
    }
}

impl Drop for Shared {
    /// Said, for the driver ends a session when the last of its handles goes, and keeps one of each CLOB (`scan`).
    fn drop(&mut self) {
        let _ = self.driver.close();
    }
}

/// One connection.
pub(crate) struct OracleConnection {
    shared: Arc<Shared>,
    settings: Arc<Settings>,
    known: Known,
    /// Whether the lock of `stage` was lost, and with it the right to write.
    lock_lost: Arc<AtomicBool>,
    /// Oracle is always in a transaction; outside of one of ours each statement is lasting at once.
    in_transaction: bool,
    /// What a read session began with.
    moment: Option<Moment>,
    /// The columns of tables that rows were loaded into.
    loaded: HashMap<String, Arc<Vec<(String, OracleType)>>>,
}

impl OracleConnection {
    pub(crate) fn new(
        driver: oracle::Connection,
        settings: &Arc<Settings>,
        known: &Known,
        lock_lost: &Arc<AtomicBool>,
    ) -> OracleConnection {
        OracleConnection {
            shared: Arc::new(Shared { driver, turn: Mutex::new(()), place: settings.place.clone() }),
            settings: settings.clone(),
            known: known.clone(),
            lock_lost: lock_lost.clone(),
            in_transaction: false,
            moment: None,
            loaded: HashMap::new(),
        }
    }

    /// Runs work on the driver's connection. Whoever stops waiting for it does not end it.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Shared) -> Result<T> + Send + 'static,
    {
        let shared = self.shared.clone();
        blocking(move || {
            let _turn = shared.begun();
            work(&shared)
        })
        .await
    }

    /// Runs a statement and returns the rows it changed, or `None` where Oracle answers with one of these errors.
    pub(crate) async fn unless(&self, sql: &str, params: &[Value], answers: &'static [i32]) -> Result<Option<u64>> {
        let (sql, params, lasting) = (sql.to_owned(), params.to_vec(), !self.in_transaction);
        self.run(move |shared| {
            let changed = match execute(&shared.driver, &sql, &params) {
                Ok(changed) => changed,
                Err(error) if is(&error, answers) => return Ok(None),
                Err(error) => return Err(shared.explain(&error)),
            };
            if lasting {
                shared.driver.commit().map_err(|error| shared.explain(&error))?;
            }
            Ok(Some(changed))
        })
        .await
    }

    /// Whether a query that locks rows got them, or Oracle answers with one of these errors. They are locked until the session ends.
    pub(crate) async fn locks(&self, sql: &str, params: &[Value], answers: &'static [i32]) -> Result<bool> {
        let (sql, params) = (sql.to_owned(), params.to_vec());
        self.run(move |shared| match query(&shared.driver, &sql, &params) {
            Ok(rows) => Ok(!rows.is_empty()),
            Err(error) if is(&error, answers) => Ok(false),
            Err(error) => Err(shared.explain(&error)),
        })
        .await
    }

    /// Whether the server answers.
    pub(crate) async fn is_alive(&self) -> Result<()> {
        self.run(|shared| shared.driver.ping().map_err(|error| shared.explain(&error))).await
    }

    /// The columns of a table or view as a SELECT finds it, with their types: no right to the catalogue is needed, and a synonym is as good.
    /// `None` where there is none.
    async fn described(&self, table: &str) -> Result<Option<Vec<(String, OracleType)>>> {
        let sql = format!("SELECT * FROM {table} WHERE 1 = 0");
        self.run(move |shared| {
            let described = shared.driver.statement(&sql).fetch_array_size(1).build().and_then(|mut statement| {
                let rows = statement.query_as::<Cells>(&[])?;
                let columns = rows.column_info().iter();
                Ok(columns.map(|column| (column.name().to_owned(), column.oracle_type().clone())).collect())
            });
            match described {
                Ok(columns) => Ok(Some(columns)),
                Err(error) if is(&error, &NO_TABLE) => Ok(None),
                Err(error) => Err(shared.explain(&error)),
            }
        })
        .await
    }

    /// The columns of a table into which rows are loaded, asked for once.
    async fn loadable(&mut self, target: &str) -> Result<Arc<Vec<(String, OracleType)>>> {
        if let Some(columns) = self.loaded.get(target) {
            return Ok(columns.clone());
        }
        let columns = self.described(target).await?.ok_or_else(|| crate::error::refused(942, &self.shared.place))?;
        let columns = Arc::new(columns);
        self.loaded.insert(target.to_owned(), columns.clone());
        Ok(columns)
    }
}

impl Drop for OracleConnection {
    /// Who drops a connection in the midst of a call does not want its end: it is broken off, which OCIBreak is for, from any thread. Where
    /// that fails, or comes between two calls, the work ends by itself, and the session with it.
    fn drop(&mut self) {
        if Arc::strong_count(&self.shared) > 1 {
            let _ = self.shared.driver.break_execution();
        }
    }
}

#[async_trait]
impl Connection for OracleConnection {
    async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        Ok(self.unless(sql, params, &[]).await?.unwrap_or(0))
    }

    async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let (sql, params) = (sql.to_owned(), params.to_vec());
        self.run(move |shared| {
            let rows = query(&shared.driver, &sql, &params).map_err(|error| shared.explain(&error))?;
            rows.into_iter().map(Cells::into_row).collect::<Option<Vec<Row>>>().ok_or_else(|| {
                Error::new(
                    Kind::Schema,
                    format!("{} has a column of a type that csc-bridge does not read there", shared.place),
                    "compare the staging tables with those that csc-bridge creates",
                )
            })
        })
        .await
    }

    async fn scan(&mut self, read: Read) -> Result<Box<dyn RowStream + '_>> {
        let counted = self.moment.as_ref().map(|moment| moment.counted(&read)).unwrap_or_default();
        Ok(Box::new(scan::start(self.shared.clone(), read, counted)))
    }

    async fn load(&mut self, target: &str, rows: &RecordBatch) -> Result<()> {
        let columns = self.loadable(target).await?;
        let plan = load::plan(target, &columns, rows)?;
        let (rows, lasting) = (rows.clone(), !self.in_transaction);
        self.run(move |shared| {
            load::load(shared, &plan, &rows)?;
            match lasting {
                true => shared.driver.commit().map_err(|error| shared.explain(&error)),
                false => Ok(()),
            }
        })
        .await
    }

    async fn create_temporary(
        &mut self,
        dialect: &dyn Dialect,
        name: &str,
        columns: &[(&str, Store)],
        key: &str,
    ) -> Result<()> {
        let known = self.known.clone();
        temporary::ensure(self, &known, dialect, name, columns, key).await
    }

    async fn columns(&mut self, table: &TableName) -> Result<Option<Vec<String>>> {
        let described = self.described(&OracleDialect.table(table)).await?;
        Ok(described.map(|columns| columns.into_iter().map(|(name, _)| name).collect()))
    }

    async fn snapshot(&mut self, tables: &[TableName]) -> Result<()> {
        self.in_transaction = true;
        let tables = tables.to_vec();
        self.moment = Some(self.run(move |shared| snapshot::begin(shared, tables)).await?);
        Ok(())
    }

    /// Nothing is said to the server: from now on it just is not told to commit.
    async fn begin(&mut self) -> Result<()> {
        if self.lock_lost.load(Ordering::SeqCst) {
            return Err(lost(&self.settings.place)
                .within("nothing more is written, for the lock of stage went with its connection"));
        }
        self.in_transaction = true;
        Ok(())
    }

    async fn commit(&mut self) -> Result<()> {
        self.run(|shared| shared.driver.commit().map_err(|error| shared.explain(&error))).await?;
        self.in_transaction = false;
        Ok(())
    }

    async fn rollback(&mut self) -> Result<()> {
        self.run(|shared| shared.driver.rollback().map_err(|error| shared.explain(&error))).await?;
        self.in_transaction = false;
        Ok(())
    }
}

/// Runs a statement that returns no rows.
pub(crate) fn execute(driver: &oracle::Connection, sql: &str, params: &[Value]) -> oracle::Result<u64> {
    let bound: Vec<Bound<'_>> = params.iter().map(Bound::from).collect();
    let bound: Vec<&dyn ToSql> = bound.iter().map(|value| value as &dyn ToSql).collect();
    let statement = driver.execute(sql, &bound)?;
    match statement.is_dml() {
        true => statement.row_count(),
        false => Ok(0),
    }
}

/// Runs a query to its end.
pub(crate) fn query(driver: &oracle::Connection, sql: &str, params: &[Value]) -> oracle::Result<Vec<Cells>> {
    let bound: Vec<Bound<'_>> = params.iter().map(Bound::from).collect();
    let bound: Vec<&dyn ToSql> = bound.iter().map(|value| value as &dyn ToSql).collect();
    let mut statement = driver.statement(sql).fetch_array_size(FETCH).prefetch_rows(FETCH).build()?;
    statement.query_as::<Cells>(&bound)?.collect()
}
