//! The first contract: a [`Source`] is a CMS database that can be read.
//!
//! A [`ReadSession`] is one moment in time and one connection. It lists the children, takes a *numbered set* of some
//! thousands of them, and scans table after table for the rows of that set. Rows come back as Arrow record batches,
//! tagged with the child's number, in any order. Why this shape fits every engine is written down in
//! `docs/decisions/0002-scan-contract.md`.
//!
//! A system without tables is a [`DocumentSource`]: it lists ids, and hands over finished documents.
//!
//! Names in this module are the *database's* names: the CMS profile and `[source.names]` have been applied already, so
//! an adapter knows nothing of profiles.

use arrow_array::RecordBatch;
use async_trait::async_trait;

use crate::error::{Error, Kind, Result};

/// A CMS database that can be read.
#[async_trait]
pub trait Source: Send + Sync {
    /// Opens a read session: every read of the session sees the same moment, or the session fails.
    ///
    /// `tables` are all the tables the session will be asked for, so that the adapter can take its locks against
    /// TRUNCATE and DROP first, and can say at once which table or column is missing
    /// ([`Kind::Schema`], naming the first table or column that is not there).
    async fn open(&self, tables: &[Table]) -> Result<Box<dyn ReadSession>>;

    /// Where the system has documents instead of tables: itself, as a source of those. Nobody opens its tables then.
    fn documents(&self) -> Option<&dyn DocumentSource> {
        None
    }
}

/// A system that has documents instead of tables, such as one behind a REST interface.
#[async_trait]
pub trait DocumentSource: Send + Sync {
    /// Opens a read session. What keeps the system from being one moment in time, such as a request for each child, is the system's.
    async fn open(&self) -> Result<Box<dyn DocumentSession>>;
}

/// One read of a [`DocumentSource`].
#[async_trait]
pub trait DocumentSession: Send {
    /// The ids of all children, as the system has them, each once: a child who is not among them is gone. The first column is
    /// `person_id` (text, never null); what else there is nobody looks at.
    async fn ids(&mut self) -> Result<Box<dyn RowStream + '_>>;

    /// The documents of these children, whose ids come without white space around: exactly one row for each, in any order. Columns
    /// `person_id` (text, never null) and `document`: one JSON object in the payload's shape, or null where this child's cannot be had
    /// now, for whatever reason; the child then stays as it is. Where the *system* cannot be read the stream ends with an error.
    async fn documents(&mut self, children: &[String]) -> Result<Box<dyn RowStream + '_>>;
}

/// One moment of a [`Source`], over one connection.
///
/// `&mut self` everywhere: the drivers of SQL Server and Oracle run one statement at a time on a connection, so two
/// scans at once cannot be written down.
#[async_trait]
pub trait ReadSession: Send {
    /// Reads `columns` of every row of `table`, without tags: the list of children.
    async fn list(&mut self, table: &TableName, columns: &[String]) -> Result<Box<dyn RowStream + '_>>;

    /// How many rows `table` has, whosever they are.
    async fn count(&mut self, table: &TableName) -> Result<u64>;

    /// Hands a numbered set of children to the database, replacing the set before. `children[n]` is the trimmed text of
    /// the id of child number `n`; the ids are distinct. The set may be empty.
    async fn select(&mut self, children: &[String]) -> Result<()>;

    /// Reads the rows of `scan` that belong to the selected children. Batches have the child's number first
    /// (`Int32`, named `child`, never null), then the columns of `scan` in their order.
    ///
    /// A row that reaches two children is delivered once for each. A row that reaches one child by two partners is
    /// delivered once. Rows of no selected child are not delivered.
    async fn scan(&mut self, scan: &Scan) -> Result<Box<dyn RowStream + '_>>;
}

/// The rows of one read, ended by an explicit count.
///
/// There is no "end of stream" but [`ScanEvent::Complete`]: an adapter that loses its connection half-way has nothing
/// to return but an error, because a short read would look like a thousand deletions.
#[async_trait]
pub trait RowStream: Send {
    /// The next event. After [`ScanEvent::Complete`] or an error the stream is not asked again.
    async fn next(&mut self) -> Result<ScanEvent>;
}

/// What a [`RowStream`] delivers.
#[derive(Debug)]
pub enum ScanEvent {
    /// Some rows. Column types may be any of those [`crate::payload::column`] reads: text, integers, floats, decimals,
    /// dates, timestamps, booleans. All batches of one scan have the same schema.
    Rows(RecordBatch),
    /// The source attests that everything was delivered, and how many rows that was.
    Complete {
        /// Rows in all batches of this read.
        rows: u64,
    },
}

/// A table name as the database has it. `schema` is empty for an unqualified name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The schema, or empty.
    pub schema: String,
    /// The table's own name.
    pub table: String,
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.schema.is_empty() { f.write_str(&self.table) } else { write!(f, "{}.{}", self.schema, self.table) }
    }
}

/// A table and the columns of it that will be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The table.
    pub name: TableName,
    /// Its columns, each once.
    pub columns: Vec<String>,
}

/// One table's rows for the selected children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The table whose rows are wanted.
    pub table: TableName,
    /// The columns wanted, in this order.
    pub columns: Vec<String>,
    /// How a row reaches its child.
    pub path_to_child: Path,
}

/// How a row reaches its child: by joins, each on one column, to the table whose column holds the child's id.
///
/// Both sides of every comparison are compared as text without leading and trailing white space (Unicode White_Space) (Mosaic keeps an id as an
/// integer in one table and as text in the next), by exact characters, never by a collation that folds case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The joins, from the scanned table outwards. Empty where the table names its child itself.
    pub joins: Vec<Join>,
    /// The column of the last table (the scanned table itself where there are no joins) that holds the child's id.
    pub child: String,
    /// Texts that stand for "no id" (`-1`, `SSD_PH`). A key that is null, blank or one of these joins nothing: two records that
    /// both lack a key have nothing to do with each other.
    pub no_key: Vec<String>,
}

/// One step of a [`Path`]: `column` of the table before equals `key` of `table`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// The column of the table reached so far.
    pub column: String,
    /// The next table.
    pub table: TableName,
    /// Its column.
    pub key: String,
}

/// Reads a stream to its end, hands each batch over, and checks the attested count against the rows delivered.
///
/// # Errors
/// What the stream or `take` report, or [`Kind::Incomplete`] where the counts differ.
pub async fn read_each(
    stream: &mut dyn RowStream,
    take: &mut (dyn FnMut(RecordBatch) -> Result<()> + Send),
) -> Result<()> {
    let mut delivered = 0u64;
    loop {
        match stream.next().await? {
            ScanEvent::Rows(batch) => {
                delivered += batch.num_rows() as u64;
                take(batch)?;
            }
            ScanEvent::Complete { rows } if rows == delivered => return Ok(()),
            ScanEvent::Complete { rows } => {
                return Err(Error::new(
                    Kind::Incomplete,
                    format!("the source announced {rows} rows and delivered {delivered}"),
                    "nothing was staged; run again, and report it if it happens twice",
                ));
            }
        }
    }
}

/// Reads a stream to its end into memory, by [`read_each`].
///
/// # Errors
/// As [`read_each`].
pub async fn read_all(stream: &mut dyn RowStream) -> Result<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    read_each(stream, &mut |batch| {
        batches.push(batch);
        Ok(())
    })
    .await?;
    Ok(batches)
}

/// Writes made-up children into a source database, for `generate` and `mutate` only.
#[async_trait]
pub trait SourceWriter: Send {
    /// Creates the tables that are not there yet, with an index on each of `indexes`.
    async fn create(&mut self, tables: &[NewTable]) -> Result<()>;

    /// Adds rows. The batch's columns are named as the table's; types are `Utf8`, `Int64` and `Date32`.
    async fn insert(&mut self, table: &TableName, rows: &RecordBatch) -> Result<()>;

    /// Changes or removes rows; returns how many.
    async fn edit(&mut self, edit: &Edit) -> Result<u64>;

    /// Makes everything since the last commit lasting. Dropping the writer without it undoes that.
    async fn commit(&mut self) -> Result<()>;
}

/// A table for [`SourceWriter::create`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTable {
    /// Its name.
    pub name: TableName,
    /// Its columns with their types, all nullable.
    pub columns: Vec<(String, crate::payload::definition::ColumnType)>,
    /// Columns by which rows are found: each gets an index that serves the comparisons of a [`Path`].
    pub indexes: Vec<String>,
}

/// A change of rows whose `key` column, compared as trimmed text, equals `id`.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The table.
    pub table: TableName,
    /// The column that chooses rows.
    pub key: String,
    /// Its value.
    pub id: String,
    /// The columns to set, with their new values; empty to remove the rows.
    pub set: Vec<(String, Cell)>,
}

/// A value to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// NULL.
    Null,
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A day, as days since 1970-01-01.
    Date(i32),
}
