//! What differs between SQL products, and nothing else: spellings, no statements.

use std::time::Duration;

use csc_bridge_core::payload::definition::ColumnType;
use csc_bridge_core::source::TableName;

/// What stands for a spelling that is not there: no product takes it for SQL.
const NOT_SPELLED: &str = "this engine is for reading only";

/// The spellings of one SQL product. All methods are pure text.
///
/// An `expr` is SQL text, such as `t."person_id"`; it is never a value.
///
/// An engine that only reads, as a plugin's does, spells [`key`](Dialect::key), [`temporary`](Dialect::temporary) and
/// [`create_temporary`](Dialect::create_temporary), and whatever else differs from standard SQL. An engine for staging tables spells
/// everything: what it left out no database takes, and the conformance suite finds at once.
pub trait Dialect: Send + Sync {
    /// Quotes an identifier so that any name is harmless. The default is standard SQL; SQL Server takes it as well
    /// (`QUOTED_IDENTIFIER` is on for every modern driver).
    fn quote(&self, identifier: &str) -> String {
        format!("\"{}\"", identifier.replace('"', "\"\""))
    }

    /// A table in a statement.
    fn table(&self, name: &TableName) -> String {
        if name.schema.is_empty() {
            self.quote(&name.table)
        } else {
            format!("{}.{}", self.quote(&name.schema), self.quote(&name.table))
        }
    }

    /// The parameter at `position`, counted from 1: `?1`, `$1`, `@P1`, `:1`.
    fn placeholder(&self, _position: usize) -> String {
        NOT_SPELLED.to_owned()
    }

    /// A text as a constant of a statement, for the few that cannot be bound ([`Read`](crate::Read) has no parameters: a product's
    /// quickest export may take none). The text holds no U+0000 ([`name::check_literal`](crate::name::check_literal)). The
    /// default is standard SQL; a product in which a backslash escapes, or whose plain literals are not Unicode, has its own.
    fn literal(&self, text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    /// Whether a [`Dialect::key`] is a text at all: neither null nor empty. Oracle, whose empty text is null, has its own.
    fn has_key(&self, expr: &str) -> String {
        format!("{expr} <> ''")
    }

    /// The database's present time. The database's, because several hosts may send to one table.
    fn now(&self) -> &'static str {
        NOT_SPELLED
    }

    /// The database's present time less `age`.
    fn before_now(&self, _age: Duration) -> String {
        NOT_SPELLED.to_owned()
    }

    /// Whole seconds from a time of the staging tables to the database's present time: null where it is null, negative where it is
    /// yet to come.
    fn seconds_since(&self, _expr: &str) -> String {
        NOT_SPELLED.to_owned()
    }

    /// `MATERIALIZED ` where the product has the keyword, so that a common table expression that is used once is not folded
    /// into a correlated search; else empty.
    fn materialized(&self) -> &'static str {
        ""
    }

    /// How rows are locked for a sender; `None` for a product without row locks (see [`Engine::lock`](crate::Engine::lock)).
    fn row_lock(&self) -> Option<RowLock> {
        None
    }

    /// A join key: the column's value as text without leading and trailing [white space](crate::name::WHITE_SPACE), comparing by
    /// exact characters. Generated tables have an index on exactly this expression ([`Dialect::key_index`]).
    fn key(&self, expr: &str) -> String;

    /// A word of a small vocabulary: trimmed text in lower case, null where the column is null.
    fn word(&self, _expr: &str) -> String {
        NOT_SPELLED.to_owned()
    }

    /// A null-safe, exact comparison.
    fn same(&self, _left: &str, _right: &str) -> String {
        NOT_SPELLED.to_owned()
    }

    /// A column read as text exactly as it stands.
    fn text(&self, _expr: &str) -> String {
        NOT_SPELLED.to_owned()
    }

    /// A column read as bytes exactly as it stands.
    fn bytes(&self, _expr: &str) -> String {
        NOT_SPELLED.to_owned()
    }

    /// `last_updated` as text with all the precision the database keeps: half of a row's compare-and-set token.
    fn version(&self, _expr: &str) -> String {
        NOT_SPELLED.to_owned()
    }

    /// A text `YYYY-MM-DD HH:MM:SS.fff` as the product's timestamp.
    fn timestamp(&self, _expr: &str) -> String {
        NOT_SPELLED.to_owned()
    }

    /// Days since 1970-01-01 as a date of the generated SSD tables.
    fn date(&self, _expr: &str) -> String {
        NOT_SPELLED.to_owned()
    }

    /// A text put into a column of [`Store::Json`].
    fn document_in(&self, _expr: &str) -> String {
        NOT_SPELLED.to_owned()
    }

    /// A column of [`Store::Json`] read as text.
    fn document_out(&self, _expr: &str) -> String {
        NOT_SPELLED.to_owned()
    }

    /// A null-safe, exact comparison of a column of [`Store::Json`] with a text that was read by [`Dialect::document_out`]. A product
    /// that cannot compare long texts as it compares others has its own.
    fn same_document(&self, column: &str, text: &str) -> String {
        self.same(&self.document_out(column), text)
    }

    /// Whether a document column holds anything, without reading it where the product can.
    fn has_document(&self, _expr: &str) -> String {
        NOT_SPELLED.to_owned()
    }

    /// Whether a transaction that created a table can be undone. Where it cannot (Oracle commits by itself), `check` tries no
    /// CREATE TABLE.
    fn creating_can_be_undone(&self) -> bool {
        true
    }

    /// The type of a column of the staging tables and of temporary tables.
    fn stored(&self, _store: Store) -> String {
        NOT_SPELLED.to_owned()
    }

    /// The type of a column of a generated SSD table.
    fn generated(&self, _column: ColumnType) -> String {
        NOT_SPELLED.to_owned()
    }

    /// A session's temporary table in a statement: `temp.x`, `#x`.
    fn temporary(&self, name: &str) -> String;

    /// For a product whose readers may not create a temporary table: the [`SET`](crate::SET) as a query with one parameter, the text that
    /// [`Dialect::set_text`] makes, and the columns `id` and `nr`. `None` where readers have the temporary table that the staging tables have.
    fn set_query(&self) -> Option<String> {
        None
    }

    /// The ids of a set as the one text that [`Dialect::set_query`] reads: its `nr` is the place of an id among them, from 0.
    fn set_text(&self, _ids: &[String]) -> String {
        String::new()
    }

    /// Creates a temporary table that only this connection sees; `key` is its primary key.
    fn create_temporary(&self, name: &str, columns: &[(&str, Store)], key: &str) -> String;

    /// Takes all rows out of a temporary table.
    fn clear_temporary(&self, name: &str) -> String {
        format!("DELETE FROM {}", self.temporary(name))
    }

    /// Whether rows can be grouped by a column of [`Store::LongText`]. Oracle groups by no CLOB.
    fn groups_long_text(&self) -> bool {
        true
    }

    /// Tells the planner how many rows a temporary table has, where it does not find out by itself.
    fn analyze_temporary(&self, _name: &str) -> Option<String> {
        None
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
    fn update_from(&self, _update: &UpdateFrom<'_>) -> String {
        NOT_SPELLED.to_owned()
    }

    /// An index by which [`Dialect::key`] of a column is found.
    fn key_index(&self, _index: &KeyIndex<'_>) -> String {
        NOT_SPELLED.to_owned()
    }

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

/// What a column of the staging tables holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// The primary key, numbered by the database.
    Identity,
    /// Text of up to this many characters.
    Text(u32),
    /// Text without a limit.
    LongText,
    /// A JSON document.
    Json,
    /// 32 bytes.
    Hash,
    /// A time, to the millisecond or better.
    Timestamp,
    /// A whole number, of any size that [`Store::Identity`] reaches.
    Integer,
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
