//! What the tests of an adapter implement: a database product, and an empty place in it for each check.

use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::source::{Source, Table, TableName};
use csc_bridge_core::staging::Staging;

use crate::Checked;
use crate::failure::Failure;

/// A database product under test.
#[async_trait]
pub trait Database: Send + Sync {
    /// Its name at the head of the table.
    fn name(&self) -> &str;

    /// An empty database or schema of its own, in which nobody else works. It goes when the place is dropped.
    async fn fresh(&self) -> Checked<Box<dyn Place>>;
}

/// An empty place in a database: the adapter's own source and staging there, and what other people do to it meanwhile.
///
/// Everything but the two contracts is an *intent*, which the product carries out in its own words, over a connection that has
/// nothing to do with the adapter. A product that speaks SQL implements [`crate::SqlPlace`] instead, and gets this by
/// [`crate::OverSql`]. An intent that a product cannot carry out is [`Failure::NotApplicable`], with the reason.
///
/// An intent never waits for a lock: where it would have to, it gives up and says [`Touched::KeptOut`].
#[async_trait]
pub trait Place: Send + Sync {
    /// What the product is like.
    fn facts(&self) -> Facts;

    /// The name of a table of this place, as an adapter is told it.
    fn table(&self, name: &str) -> TableName {
        TableName { schema: String::new(), table: name.to_owned() }
    }

    /// The adapter's source. Each call is another process as far as the adapter is concerned.
    fn source(&self) -> Checked<Arc<dyn Source>> {
        cannot("read an SSD")
    }

    /// The adapter's staging. Each call is another process as far as the adapter is concerned.
    fn staging(&self, _settings: &StagingSettings) -> Checked<Arc<dyn Staging>> {
        cannot("keep staging tables")
    }

    /// Creates a table, all columns nullable, without any index.
    async fn create(&self, _table: &TestTable) -> Checked {
        cannot("create tables")
    }

    /// Adds rows and commits them.
    async fn insert(&self, _table: &TestTable, _rows: &[Vec<Value>]) -> Checked {
        cannot("insert rows")
    }

    /// Sets columns of all rows, or of those whose text column `only.0` is exactly `only.1`, and commits.
    async fn update(&self, _table: &str, _set: &[(&str, Value)], _only: Option<(&str, &str)>) -> Checked<Touched> {
        cannot("update rows")
    }

    /// Removes all rows, or those whose text column `only.0` is exactly `only.1`, and commits.
    async fn delete(&self, _table: &str, _only: Option<(&str, &str)>) -> Checked<Touched> {
        cannot("delete rows")
    }

    /// Reads committed rows as text (`None` for null), ordered by the first column. A document of a JSON type is its text; a time
    /// is whatever the product prints.
    async fn read(&self, _table: &str, _columns: &[&str]) -> Checked<Vec<Vec<Option<String>>>> {
        cannot("read rows")
    }

    /// Empties a table and fills it anew, in the way of the nightly refresh: by TRUNCATE where there is one.
    async fn refill(&self, _table: &TestTable, _rows: &[Vec<Value>]) -> Checked<Touched> {
        cannot("truncate tables")
    }

    /// Takes a column away.
    async fn drop_column(&self, _table: &str, _column: &str) -> Checked {
        cannot("drop columns")
    }

    /// Makes a view of some columns of a table.
    async fn make_view(&self, _view: &str, _of: &str, _columns: &[&str]) -> Checked {
        cannot("make views")
    }

    /// Has a table refuse every row whose text column is exactly this, by a rule or a trigger.
    async fn refuse(&self, _table: &str, _column: &str, _text: &str) -> Checked {
        cannot("refuse rows by a rule")
    }

    /// The same place for an account that may SELECT its present tables, and nothing else.
    async fn restrict_to_select(&self) -> Checked<Box<dyn Place>> {
        cannot("restrict an account")
    }

    /// Ends every connection to this place, as an administrator or a firewall does. The database lives on.
    async fn cut_connections(&self) -> Checked {
        cannot("cut connections")
    }

    /// Makes every read that is under way fail. The place need not be of use afterwards.
    async fn cut_reads(&self) -> Checked {
        self.cut_connections().await
    }
}

fn cannot<T>(what: &str) -> Checked<T> {
    Err(Failure::not_applicable(format!("it cannot {what}")))
}

/// What a product is like, where the contracts leave a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Whether rows can be locked one by one. Without, a second sending process is turned away.
    pub row_locks: bool,
    /// Whether it has [`ColumnKind::FoldingText`].
    pub folds: bool,
    /// Whether an empty text is null (Oracle).
    pub empty_text_is_null: bool,
    /// Whether it prints UUIDs in upper case (SQL Server).
    pub upper_case_uuids: bool,
    /// Characters of the longest name of a table or column.
    pub longest_name: usize,
}

impl Facts {
    /// A UUID, given in lower case, as the product prints it.
    pub(crate) fn printed_uuid(&self, uuid: &str) -> String {
        match self.upper_case_uuids {
            true => uuid.to_uppercase(),
            false => uuid.to_owned(),
        }
    }
}

/// What came of a change by somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touched {
    /// It was made and committed.
    Done,
    /// A lock kept it out; nothing was changed.
    KeptOut,
}

/// How a staging is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagingSettings {
    /// The staging table.
    pub staging: String,
    /// The submission log.
    pub log: String,
    /// The run log.
    pub runs: String,
    /// `create = "if_missing"`.
    pub create: bool,
    /// `managed_by = "sql"`.
    pub managed_by_sql: bool,
}

impl Default for StagingSettings {
    fn default() -> StagingSettings {
        StagingSettings {
            staging: "ssd_api_data_staging".to_owned(),
            log: "ssd_api_submission_log".to_owned(),
            runs: "ssd_api_run_log".to_owned(),
            create: true,
            managed_by_sql: false,
        }
    }
}

/// A table of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestTable {
    /// Its name.
    pub name: String,
    /// Its columns, all nullable.
    pub columns: Vec<(String, ColumnKind)>,
}

impl TestTable {
    /// A table of these columns.
    pub fn new(name: &str, columns: &[(&str, ColumnKind)]) -> TestTable {
        let columns = columns.iter().map(|(column, kind)| ((*column).to_owned(), *kind)).collect();
        TestTable { name: name.to_owned(), columns }
    }

    /// As [`Source::open`] is told it.
    pub fn in_place(&self, place: &dyn Place) -> Table {
        Table {
            name: place.table(&self.name),
            columns: self.columns.iter().map(|(column, _)| column.clone()).collect(),
        }
    }
}

/// A column's type, in words that every product has its own for. One that it has not is [`Failure::NotApplicable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// 16 bits.
    SmallInteger,
    /// 32 bits.
    Integer,
    /// 64 bits.
    BigInteger,
    /// Decimals.
    Numeric {
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// A double.
    Float,
    /// Text, as an SSD has it for ids: at least 200 characters.
    Text,
    /// Text whose comparisons ignore case, and accents and width if the product has such a collation.
    FoldingText,
    /// Text of up to so many characters.
    VarChar(u32),
    /// Text that the product pads with spaces to so many characters.
    Char(u32),
    /// Text without a limit (CLOB).
    LongText,
    /// A day.
    Date,
    /// A day and a time of day, to the millisecond.
    Timestamp,
    /// A moment.
    TimestampWithZone,
    /// True or false.
    Boolean,
    /// A UUID type of the product's own.
    Uuid,
    /// Bytes: no SSD column is read as such, but the staging table keeps hashes in one.
    Binary,
}

/// A cell's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A whole number, for any kind of number.
    Integer(i64),
    /// Decimals as they are written: `-12.50`. For [`ColumnKind::Numeric`] and [`ColumnKind::Float`].
    Number(String),
    /// Text, for any kind of text and for [`ColumnKind::Uuid`].
    Text(String),
    /// `YYYY-MM-DD`.
    Date(String),
    /// `YYYY-MM-DD HH:MM:SS.fff`.
    Timestamp(String),
    /// The same in UTC, for [`ColumnKind::TimestampWithZone`].
    Moment(String),
    /// True or false.
    Boolean(bool),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// Some text.
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }
}
