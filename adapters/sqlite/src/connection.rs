//! One SQLite connection. SQLite blocks, so all work is done on Tokio's blocking threads.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use async_trait::async_trait;
use csc_bridge_core::error::{Error, Result};
use csc_bridge_core::source::{RowStream, TableName};
use csc_bridge_sql::{Connection, Dialect, Read, Row, Transaction, Value, WritingDialect};
use rusqlite::InterruptHandle;
use rusqlite::hooks::Wal;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::error::explain;
use crate::turn::{Turn, Writers};
use crate::{SqliteDialect, scan};

/// Runs blocking work away from the threads that keep the program answering.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Error::internal("a task that used SQLite ended without a result")),
    }
}

/// The driver's connection and, while it writes, its turn.
pub(crate) struct Driven {
    // Before the turn, for fields are dropped in their order: a transaction left open is undone before another may begin.
    pub(crate) driver: rusqlite::Connection,
    turn: Option<Turn>,
}

/// The driver's connection, shared between this handle and the blocking task that uses it at the moment.
pub(crate) type Shared = Arc<Mutex<Driven>>;

/// The connection, once its present user is done with it.
pub(crate) fn lock(shared: &Shared) -> MutexGuard<'_, Driven> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One SQLite connection.
pub(crate) struct SqliteConnection {
    shared: Shared,
    interrupt: Arc<InterruptHandle>,
    /// None where the connection only reads.
    writers: Option<Arc<Writers>>,
    /// Whether a transaction has been begun, and with it the turn taken.
    writing: bool,
    path: PathBuf,
}

impl SqliteConnection {
    /// `writers` where it may write. Blocks.
    pub(crate) fn new(
        mut driver: rusqlite::Connection,
        writers: Option<Arc<Writers>>,
        path: PathBuf,
    ) -> Result<SqliteConnection> {
        // As many as the staging tables have; each is sent again for every batch.
        driver.set_prepared_statement_cache_capacity(64);
        if let Some(writers) = writers.clone() {
            // This takes the place of SQLite's own checkpoints.
            let committed = move |_: &mut Wal, pages| {
                writers.checkpoints.committed(pages);
                Ok(())
            };
            driver.wal_hook(Some(committed)).map_err(|error| explain(&error, &path))?;
        }
        let interrupt = Arc::new(driver.get_interrupt_handle());
        let shared = Arc::new(Mutex::new(Driven { driver, turn: None }));
        Ok(SqliteConnection { shared, interrupt, writers, writing: false, path })
    }

    async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (shared, path) = (self.shared.clone(), self.path.clone());
        blocking(move || work(&lock(&shared).driver).map_err(|error| explain(&error, &path))).await
    }

    /// Runs what may write to the file: with a turn, which is taken here unless a transaction has it already, and which ends with
    /// the transaction, or with the statement where there is none. Whoever stops waiting for the result does not end it: the turn
    /// lies beside the connection until the work is done.
    async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let turn = match &self.writers {
            Some(writers) if !self.writing => Some(writers.turn().await),
            _ => None,
        };
        let (shared, writers, path) = (self.shared.clone(), self.writers.clone(), self.path.clone());
        let (done, is_long) = blocking(move || {
            let mut driven = lock(&shared);
            if turn.is_some() {
                driven.turn = turn;
            }
            let done = work(&driven.driver).map_err(|error| explain(&error, &path));
            let mut is_long = false;
            if driven.driver.is_autocommit() {
                driven.turn = None;
                is_long = writers.is_some_and(|writers| writers.checkpoints.run(&driven.driver));
            }
            Ok((done, is_long))
        })
        .await?;
        if is_long {
            self.begin_log_anew().await?;
        }
        done
    }

    /// Copies the rest of the log while nobody writes, so that the next writer begins it anew.
    async fn begin_log_anew(&self) -> Result<()> {
        let Some(writers) = self.writers.clone() else { return Ok(()) };
        let turn = writers.turn().await;
        let shared = self.shared.clone();
        blocking(move || {
            writers.checkpoints.finish(&lock(&shared).driver);
            drop(turn);
            Ok(())
        })
        .await
    }

    /// Ends the transaction. One that cannot be ended keeps its turn until the connection is dropped.
    async fn end(&mut self, sql: &'static str) -> Result<()> {
        self.write(move |connection| connection.execute_batch(sql)).await?;
        self.writing = false;
        Ok(())
    }
}

#[async_trait]
impl Connection for SqliteConnection {
    async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let private = is_private(sql);
        let (sql, params) = (sql.to_owned(), params.to_vec());
        let work = move |connection: &rusqlite::Connection| execute(connection, &sql, &params);
        match private {
            true => self.run(work).await,
            false => self.write(work).await,
        }
    }

    async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let (sql, params) = (sql.to_owned(), params.to_vec());
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let columns = statement.column_count();
            let mut rows = statement.query(rusqlite::params_from_iter(params.iter().map(bound)))?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let values =
                    (0..columns).map(|at| row.get_ref(at).map(value)).collect::<rusqlite::Result<Vec<Value>>>()?;
                all.push(Row(values));
            }
            Ok(all)
        })
        .await
    }

    async fn scan(&mut self, read: Read) -> Result<Box<dyn RowStream + '_>> {
        Ok(Box::new(scan::start(self.shared.clone(), self.interrupt.clone(), read, self.path.clone())))
    }

    async fn load(&mut self, target: &str, rows: &RecordBatch) -> Result<()> {
        let mut columns = Vec::with_capacity(rows.num_columns());
        let mut places = Vec::with_capacity(rows.num_columns());
        for (at, field) in rows.schema_ref().fields().iter().enumerate() {
            columns.push(SqliteDialect.quote(field.name()));
            let place = SqliteDialect.placeholder(at + 1);
            match field.data_type() {
                DataType::Utf8 | DataType::Binary | DataType::Int32 | DataType::Int64 => places.push(place),
                DataType::Date32 => places.push(SqliteDialect.date(&place)),
                other => return Err(Error::internal(format!("a column of type {other} cannot be loaded into SQLite"))),
            }
        }
        let sql = format!("INSERT INTO {target} ({}) VALUES ({})", columns.join(", "), places.join(", "));
        let rows = rows.clone();
        let private = is_private(&sql);
        // A savepoint is a transaction of its own outside of one, and costs nothing inside: without it every row would be.
        let work = move |connection: &rusqlite::Connection| {
            connection.execute_batch("SAVEPOINT load")?;
            let loaded = insert(connection, &sql, &rows);
            connection.execute_batch(if loaded.is_ok() { "RELEASE load" } else { "ROLLBACK TO load; RELEASE load" })?;
            loaded
        };
        match private {
            true => self.run(work).await,
            false => self.write(work).await,
        }
    }

    async fn columns(&mut self, table: &TableName) -> Result<Option<Vec<String>>> {
        let table = table.clone();
        self.run(move |connection| {
            let schema = if table.schema.is_empty() { "main" } else { &table.schema };
            let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1, ?2)")?;
            let names = statement.query_map([table.table.as_str(), schema], |row| row.get(0))?;
            let names = names.collect::<rusqlite::Result<Vec<String>>>()?;
            Ok(Some(names).filter(|names| !names.is_empty()))
        })
        .await
    }

    async fn snapshot(&mut self, _tables: &[TableName]) -> Result<()> {
        // BEGIN alone fixes nothing: the moment is that of the first read. A snapshot in SQLite includes every table.
        self.run(|connection| {
            connection.execute_batch("BEGIN")?;
            connection.query_row("SELECT COUNT(*) FROM main.sqlite_schema", [], |row| row.get::<_, i64>(0)).map(|_| ())
        })
        .await
    }

    async fn begin(&mut self) -> Result<()> {
        // IMMEDIATE takes the writer's lock at once, within lock_timeout. A transaction that begins by reading and writes later
        // fails without waiting when somebody else wrote in between.
        self.write(|connection| connection.execute_batch("BEGIN IMMEDIATE")).await?;
        self.writing = true;
        Ok(())
    }

    async fn commit(&mut self) -> Result<()> {
        self.end("COMMIT").await
    }

    async fn rollback(&mut self) -> Result<()> {
        self.end("ROLLBACK").await
    }

    /// In one go: between two statements that are sent one by one the other writers would wait for more than SQLite.
    async fn transact(&mut self, transaction: Transaction) -> Result<Vec<u64>> {
        let Transaction { statements, is_begun, may_be_lost } = transaction;
        let work = move |connection: &rusqlite::Connection| {
            if !is_begun {
                if may_be_lost {
                    // With write-ahead logging the next commit that waits for the disk takes what went before with it.
                    connection.pragma_update(Some("main"), "synchronous", "NORMAL")?;
                }
                connection.execute_batch("BEGIN IMMEDIATE")?;
            }
            let changed =
                statements.iter().map(|(sql, params)| execute(connection, sql, params)).collect::<Result<_, _>>()?;
            connection.execute_batch("COMMIT")?;
            if may_be_lost {
                connection.pragma_update(Some("main"), "synchronous", "FULL")?;
            }
            Ok(changed)
        };
        let changed = self.write(work).await?;
        self.writing = false;
        Ok(changed)
    }
}

fn execute(connection: &rusqlite::Connection, sql: &str, params: &[Value]) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(sql)?;
    let changed = statement.execute(rusqlite::params_from_iter(params.iter().map(bound)))?;
    Ok(changed as u64)
}

/// Whether a statement writes to nothing but temporary tables, in the spelling of [`SqliteDialect`]: nobody waits for those. What is
/// not known for sure counts as a write to the file.
fn is_private(sql: &str) -> bool {
    ["DELETE FROM temp.", "INSERT INTO temp.", "CREATE TEMP TABLE ", "ANALYZE temp."]
        .iter()
        .any(|beginning| sql.starts_with(beginning))
}

fn bound(value: &Value) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match value {
        Value::Null => ValueRef::Null,
        Value::Integer(number) => ValueRef::Integer(*number),
        Value::Text(text) => ValueRef::Text(text.as_bytes()),
        Value::Bytes(bytes) => ValueRef::Blob(bytes),
    })
}

/// A value of a small query. Text that is not UTF-8 is handed on as bytes, which whoever asked for text refuses.
fn value(read: ValueRef<'_>) -> Value {
    match read {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Text(scan::real(number)),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::text(text),
            Err(_) => Value::Bytes(bytes.to_vec()),
        },
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

fn insert(connection: &rusqlite::Connection, sql: &str, rows: &RecordBatch) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    for at in 0..rows.num_rows() {
        statement.execute(rusqlite::params_from_iter(rows.columns().iter().map(|column| cell(column.as_ref(), at))))?;
    }
    Ok(())
}

fn cell(column: &dyn Array, at: usize) -> ToSqlOutput<'_> {
    if column.is_null(at) {
        return ToSqlOutput::Borrowed(ValueRef::Null);
    }
    ToSqlOutput::Borrowed(match column.data_type() {
        DataType::Utf8 => ValueRef::Text(column.as_string::<i32>().value(at).as_bytes()),
        DataType::Binary => ValueRef::Blob(column.as_binary::<i32>().value(at)),
        DataType::Int32 => ValueRef::Integer(i64::from(column.as_primitive::<Int32Type>().value(at))),
        DataType::Int64 => ValueRef::Integer(column.as_primitive::<Int64Type>().value(at)),
        DataType::Date32 => ValueRef::Integer(i64::from(column.as_primitive::<Date32Type>().value(at))),
        // `load` lets no other type through.
        _ => ValueRef::Null,
    })
}
