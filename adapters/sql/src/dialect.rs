//! What differs between SQL products, and nothing else: spellings, no statements.

use csc_bridge_core::source::TableName;

/// The spellings of one SQL product. All methods are pure text.
///
/// An `expr` is SQL text, such as `t."person_id"`; it is never a value.
///
/// This is what reading takes; [`WritingDialect`](crate::WritingDialect) has what staging tables and made-up children take beside it.
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

    /// `MATERIALIZED ` where the product has the keyword, so that a common table expression that is used once is not folded
    /// into a correlated search; else empty.
    fn materialized(&self) -> &'static str {
        ""
    }

    /// A join key: the column's value as text without leading and trailing [white space](crate::name::WHITE_SPACE), comparing by
    /// exact characters. Generated tables have an index on exactly this expression ([`WritingDialect::key_index`](crate::WritingDialect::key_index)).
    fn key(&self, expr: &str) -> String;

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

    /// Tells the planner how many rows a temporary table has, where it does not find out by itself.
    fn analyze_temporary(&self, _name: &str) -> Option<String> {
        None
    }
}

/// What a column of the staging tables, or of a temporary table, holds.
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
