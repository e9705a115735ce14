//! What differs between SQL products where they are written to: spellings, no statements.

use std::time::Duration;

use csc_bridge_core::payload::definition::ColumnType;
use csc_bridge_core::source::TableName;

use crate::{Dialect, Store};

/// The spellings of one SQL product that staging tables, their logs and made-up children take, beside those of [`Dialect`].
pub trait WritingDialect: Dialect {
    /// The parameter at `position`, counted from 1: `?1`, `$1`, `@P1`, `:1`.
    fn placeholder(&self, position: usize) -> String;

    /// The database's present time. The database's, because several hosts may send to one table.
    fn now(&self) -> &'static str;

    /// The database's present time less `age`.
    fn before_now(&self, age: Duration) -> String;

    /// Whole seconds from a time of the staging tables to the database's present time: null where it is null, negative where it is
    /// yet to come.
    fn seconds_since(&self, expr: &str) -> String;

    /// How rows are locked for a sender; `None` for a product without row locks (see [`WritingEngine::lock`](crate::WritingEngine::lock)).
    fn row_lock(&self) -> Option<RowLock> {
        None
    }

    /// A word of a small vocabulary: trimmed text in lower case, null where the column is null.
    fn word(&self, expr: &str) -> String;

    /// A null-safe, exact comparison.
    fn same(&self, left: &str, right: &str) -> String;

    /// A column read as text exactly as it stands.
    fn text(&self, expr: &str) -> String;

    /// A column read as bytes exactly as it stands.
    fn bytes(&self, expr: &str) -> String;

    /// `last_updated` as text with all the precision the database keeps: half of a row's compare-and-set token.
    fn version(&self, expr: &str) -> String;

    /// A text `YYYY-MM-DD HH:MM:SS.fff` as the product's timestamp.
    fn timestamp(&self, expr: &str) -> String;

    /// Days since 1970-01-01 as a date of the generated SSD tables.
    fn date(&self, expr: &str) -> String;

    /// A text put into a column of [`Store::Json`].
    fn document_in(&self, expr: &str) -> String;

    /// A column of [`Store::Json`] read as text.
    fn document_out(&self, expr: &str) -> String;

    /// A null-safe, exact comparison of a column of [`Store::Json`] with a text that was read by [`WritingDialect::document_out`]. A product
    /// that cannot compare long texts as it compares others has its own.
    fn same_document(&self, column: &str, text: &str) -> String {
        self.same(&self.document_out(column), text)
    }

    /// Whether a document column holds anything, without reading it where the product can.
    fn has_document(&self, expr: &str) -> String;

    /// Whether a transaction that created a table can be undone. Where it cannot (Oracle commits by itself), `check` tries no
    /// CREATE TABLE.
    fn creating_can_be_undone(&self) -> bool {
        true
    }

    /// The type of a column of the staging tables and of temporary tables.
    fn stored(&self, store: Store) -> String;

    /// The type of a column of a generated SSD table.
    fn generated(&self, column: ColumnType) -> String;

    /// Whether rows can be grouped by a column of [`Store::LongText`]. Oracle groups by no CLOB.
    fn groups_long_text(&self) -> bool {
        true
    }

    /// A text of a temporary table beside a lasting table's column: compared with it so that the column's index is used, or put in its
    /// place. A product that mixes no two collations (SQL Server) takes the column's.
    fn beside_column(&self, expr: &str) -> String {
        expr.to_owned()
    }

    /// What makes a column of texts unique. Empty for a product whose unique texts would be unlike in more than their case.
    fn unique(&self) -> &'static str {
        " UNIQUE"
    }

    /// One set-based update; see [`UpdateFrom`].
    fn update_from(&self, update: &UpdateFrom<'_>) -> String;

    /// An index by which [`Dialect::key`] of a column is found.
    fn key_index(&self, index: &KeyIndex<'_>) -> String;

    /// An index on a column as it stands.
    fn plain_index(&self, name: &str, table: &TableName, column: &str) -> String {
        format!("CREATE INDEX {} ON {} ({})", self.quote(name), self.table(table), self.quote(column))
    }
}

/// How a product locks rows while skipping those that are locked already. One of the two is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowLock {
    /// After the table's alias: ` WITH (ROWLOCK, READPAST, UPDLOCK)`.
    pub hint: &'static str,
    /// At the end of the statement, for the table with the alias `t`: ` FOR UPDATE OF t SKIP LOCKED`.
    pub clause: &'static str,
    /// How ids of rows are joined with their table, for a product that locks whatever a statement looks at, wanted or not: rows are then
    /// found first, and locked by primary key. `None` where only the rows that a statement returns are locked.
    pub by_id: Option<&'static str>,
}

/// `UPDATE target t SET … FROM source WHERE on`, which each product spells in its own way (`UPDATE … FROM`, `MERGE`).
#[derive(Debug, Clone, Copy)]
pub struct UpdateFrom<'a> {
    /// The table to be written, as [`Dialect::table`] spells it. Its alias is `t`.
    pub target: &'a str,
    /// Unquoted column names and their new values.
    pub set: &'a [(&'a str, String)],
    /// What is joined: tables with aliases other than `t`.
    pub source: &'a str,
    /// The condition; for every row of the target it holds for at most one row of the source. It begins with an equality that an index of
    /// the target answers: no other row need be looked at, nor locked.
    pub on: &'a str,
}

/// An index on [`Dialect::key`] of a column.
#[derive(Debug, Clone, Copy)]
pub struct KeyIndex<'a> {
    /// The index's own name, unquoted.
    pub name: &'a str,
    /// The table.
    pub table: &'a TableName,
    /// The column.
    pub column: &'a str,
    /// Columns kept in the index so that reads need not visit the row, whose documents are long.
    pub include: &'a [&'a str],
    /// Only rows for which this holds, where the product has such indexes.
    pub only: Option<&'a str>,
}
