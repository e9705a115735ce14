//! One connection to a database, and the values that go over it.

use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use csc_bridge_core::error::{Error, Result};
use csc_bridge_core::source::{RowStream, TableName};

use crate::{Dialect, Store};

/// One connection. It runs one statement at a time, which `&mut self` says to the compiler (SQL Server and Oracle have
/// no other way). After an error inside a transaction it is thrown away, never used again.
///
/// Errors carry the adapter's own words: a server quotes the offending value in its text.
#[async_trait]
pub trait Connection: Send + Sync {
    /// Runs one statement and returns the number of rows it changed.
    async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64>;

    /// Runs one query and returns all of its rows: for ledgers and counts, not for SSD tables.
    async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>>;

    /// Runs one query and streams its rows; dropping the stream ends the query.
    async fn scan(&mut self, read: Read) -> Result<Box<dyn RowStream + '_>>;

    /// Adds the rows of a batch to a table in the product's quickest way. `target` is the table as the dialect spells it;
    /// the columns are the batch's, by name. Types are `Utf8`, `Binary`, `Int32`, `Int64` and `Date32`.
    async fn load(&mut self, target: &str, rows: &RecordBatch) -> Result<()>;

    /// Makes a temporary table that only this connection sees, whose primary key is `key`. A product whose temporary tables outlive the
    /// connection, and belong to whoever made them, has its own.
    async fn create_temporary(
        &mut self,
        dialect: &dyn Dialect,
        name: &str,
        columns: &[(&str, Store)],
        key: &str,
    ) -> Result<()> {
        self.execute(&dialect.create_temporary(name, columns, key), &[]).await?;
        Ok(())
    }

    /// The names of a table's columns as the database has them; `None` where there is no such table or view.
    async fn columns(&mut self, table: &TableName) -> Result<Option<Vec<String>>>;

    /// Fixes the moment that all further reads see, and keeps TRUNCATE and DROP away from `tables` where the product lets
    /// a reader do so.
    async fn snapshot(&mut self, tables: &[TableName]) -> Result<()>;

    /// Begins a transaction that will write.
    async fn begin(&mut self) -> Result<()> {
        self.execute("START TRANSACTION", &[]).await.map(drop)
    }

    /// Makes the transaction lasting.
    async fn commit(&mut self) -> Result<()> {
        self.execute("COMMIT", &[]).await.map(drop)
    }

    /// Undoes the transaction.
    async fn rollback(&mut self) -> Result<()> {
        self.execute("ROLLBACK", &[]).await.map(drop)
    }

    /// Runs the statements of a transaction and commits it; returns how many rows each of them changed. A product in which one
    /// connection writes at a time does it all in one go, so that the others wait no longer than they must.
    async fn transact(&mut self, transaction: Transaction) -> Result<Vec<u64>> {
        if !transaction.is_begun {
            self.begin().await?;
        }
        let mut changed = Vec::with_capacity(transaction.statements.len());
        for (sql, params) in &transaction.statements {
            changed.push(self.execute(sql, params).await?);
        }
        self.commit().await?;
        Ok(changed)
    }
}

/// The statements that a transaction ends with, or all that it has.
#[derive(Clone, Default)]
pub struct Transaction {
    /// Each with its parameters, in their order.
    pub statements: Vec<(String, Vec<Value>)>,
    /// Whether it is open already, for what was read or locked in it.
    pub is_begun: bool,
    /// Whether it may be lost where the machine loses its power, and only then, so that nobody waits for the disk. A product that has no
    /// such choice, or does not need it, ignores this.
    pub may_be_lost: bool,
}

/// A query whose rows are streamed.
// No Debug: a set is children's ids.
#[derive(Clone)]
pub struct Read {
    /// The statement. It has no parameters, but for the set where there is one.
    pub sql: String,
    /// The text of [`Dialect::set_text`], where the statement has [`Dialect::set_query`].
    pub set: Option<Arc<str>>,
    /// The table, for messages.
    pub table: TableName,
    /// The columns in their order, without the child's number.
    pub columns: Vec<String>,
    /// Whether the first column is the child's number (`Int32`, named `child`).
    pub tagged: bool,
}

/// A value that is bound to a parameter or read from a small query.
// No Debug: a value may be a child's data.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// Text; numbers that are not whole are read as text, too.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// Text, or NULL.
    pub fn text(value: impl Into<String>) -> Value {
        Value::Text(value.into())
    }
}

/// One row of a small query.
#[derive(Clone, PartialEq, Eq)]
pub struct Row(pub Vec<Value>);

impl Row {
    fn take(&mut self, position: usize) -> Result<Value> {
        let value =
            self.0.get_mut(position).ok_or_else(|| Error::internal("a query returned fewer columns than it names"))?;
        Ok(std::mem::replace(value, Value::Null))
    }

    /// Takes the text at `position`, counted from 0; a number is written out.
    ///
    /// # Errors
    /// A fault of the program: the statement did not ask for text.
    pub fn text(&mut self, position: usize) -> Result<Option<String>> {
        match self.take(position)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            Value::Integer(number) => Ok(Some(number.to_string())),
            Value::Bytes(_) => Err(Error::internal("a query returned bytes where text was asked for")),
        }
    }

    /// Takes the text at `position`, which the statement never leaves null.
    ///
    /// # Errors
    /// A fault of the program, as for [`Row::text`].
    pub fn word(&mut self, position: usize) -> Result<String> {
        self.text(position)?.ok_or_else(|| Error::internal("a query returned null where it cannot"))
    }

    /// Takes the bytes at `position`.
    ///
    /// # Errors
    /// A fault of the program: the statement did not ask for bytes.
    pub fn bytes(&mut self, position: usize) -> Result<Option<Vec<u8>>> {
        match self.take(position)? {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes)),
            Value::Text(_) | Value::Integer(_) => {
                Err(Error::internal("a query returned text where bytes were asked for"))
            }
        }
    }

    /// Takes the whole number at `position`.
    ///
    /// # Errors
    /// A fault of the program: the statement did not ask for a number.
    pub fn number(&mut self, position: usize) -> Result<Option<i64>> {
        match self.take(position)? {
            Value::Null => Ok(None),
            Value::Integer(number) => Ok(Some(number)),
            Value::Text(_) | Value::Bytes(_) => {
                Err(Error::internal("a query returned text where a number was asked for"))
            }
        }
    }

    /// Takes the whole number at `position`; null counts as 0.
    ///
    /// # Errors
    /// A fault of the program, as for [`Row::number`].
    pub fn integer(&mut self, position: usize) -> Result<i64> {
        Ok(self.number(position)?.unwrap_or(0))
    }
}
