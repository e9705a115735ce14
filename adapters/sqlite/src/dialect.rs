//! SQLite's spellings.

use std::time::Duration;

use csc_bridge_core::payload::definition::ColumnType;
use csc_bridge_core::source::TableName;
use csc_bridge_sql::{Dialect, KeyIndex, RowLock, Store, UpdateFrom, WritingDialect, name};

/// SQLite's spellings.
pub struct SqliteDialect;

impl Dialect for SqliteDialect {
    /// Always with a schema, or a temporary table could stand in for a table of the same name.
    fn table(&self, name: &TableName) -> String {
        let schema = if name.schema.is_empty() { "main" } else { &name.schema };
        format!("{}.{}", self.quote(schema), self.quote(&name.table))
    }

    fn materialized(&self) -> &'static str {
        "MATERIALIZED "
    }

    /// The result of a function has no collation of the column's, so a column declared NOCASE compares exactly here, too.
    ///
    /// A whole number that is stored as a real (as pandas does with a column of integers that has gaps) counts as the whole
    /// number: 12.0 is the id 12, here and in what a scan delivers.
    fn key(&self, expr: &str) -> String {
        let whole = format!("CAST({expr} AS INTEGER)");
        trimmed(&format!("CASE WHEN typeof({expr}) = 'real' AND {expr} = {whole} THEN {whole} ELSE {expr} END"))
    }

    fn temporary(&self, name: &str) -> String {
        format!("temp.{name}")
    }

    fn create_temporary(&self, name: &str, columns: &[(&str, Store)], key: &str) -> String {
        // Without a type, but for numbers: a column declared as text would have its comparisons made "as text", and SQLite then
        // passes over an index on an expression such as `key`, whose result has no type.
        let columns: Vec<String> = columns
            .iter()
            .map(|(column, store)| {
                let kind = if *store == Store::Integer { " INTEGER" } else { "" };
                let rule = if *column == key { " NOT NULL PRIMARY KEY" } else { "" };
                format!("{column}{kind}{rule}")
            })
            .collect();
        format!("CREATE TEMP TABLE {name} ({})", columns.join(", "))
    }

    fn analyze_temporary(&self, name: &str) -> Option<String> {
        Some(format!("ANALYZE temp.{name}"))
    }
}

impl WritingDialect for SqliteDialect {
    fn placeholder(&self, position: usize) -> String {
        format!("?{position}")
    }

    fn now(&self) -> &'static str {
        "(strftime('%Y-%m-%d %H:%M:%f', 'now'))"
    }

    fn before_now(&self, age: Duration) -> String {
        format!("strftime('%Y-%m-%d %H:%M:%f', 'now', '-{}.{:03} seconds')", age.as_secs(), age.subsec_millis())
    }

    /// Only of what begins as a date does: a bare number, which other tools may have left, would count as a Julian day, which is
    /// thousands of years ago.
    fn seconds_since(&self, expr: &str) -> String {
        format!("CASE WHEN {expr} LIKE '____-__-__%' THEN unixepoch('now') - unixepoch({expr}) END")
    }

    fn row_lock(&self) -> Option<RowLock> {
        None
    }

    fn word(&self, expr: &str) -> String {
        format!("lower({})", trimmed(expr))
    }

    fn same(&self, left: &str, right: &str) -> String {
        format!("{left} IS {right}")
    }

    fn text(&self, expr: &str) -> String {
        format!("CAST({expr} AS TEXT)")
    }

    fn bytes(&self, expr: &str) -> String {
        format!("CAST({expr} AS BLOB)")
    }

    fn version(&self, expr: &str) -> String {
        format!("CAST({expr} AS TEXT)")
    }

    fn timestamp(&self, expr: &str) -> String {
        expr.to_owned()
    }

    fn date(&self, expr: &str) -> String {
        format!("datetime({expr} * 86400, 'unixepoch')")
    }

    fn document_in(&self, expr: &str) -> String {
        expr.to_owned()
    }

    fn document_out(&self, expr: &str) -> String {
        format!("CAST({expr} AS TEXT)")
    }

    /// The shortest document has two bytes. Unlike a comparison, this does not read the document's pages.
    fn has_document(&self, expr: &str) -> String {
        format!("COALESCE(octet_length({expr}), 0) >= 2")
    }

    fn stored(&self, store: Store) -> String {
        match store {
            Store::Identity => "INTEGER PRIMARY KEY".to_owned(),
            // SQLite does not keep to the width, but analysts see it.
            Store::Text(width) => format!("VARCHAR({width})"),
            Store::LongText | Store::Json | Store::Timestamp => "TEXT".to_owned(),
            Store::Hash => "BLOB".to_owned(),
            Store::Integer => "INTEGER".to_owned(),
        }
    }

    fn generated(&self, column: ColumnType) -> String {
        match column {
            ColumnType::Id | ColumnType::Text | ColumnType::Date | ColumnType::Json => "TEXT".to_owned(),
            ColumnType::Integer => "INTEGER".to_owned(),
        }
    }

    fn update_from(&self, update: &UpdateFrom<'_>) -> String {
        let set: Vec<String> = update.set.iter().map(|(column, value)| format!("{column} = {value}")).collect();
        format!("UPDATE {} AS t SET {} FROM {} WHERE {}", update.target, set.join(", "), update.source, update.on)
    }

    fn key_index(&self, index: &KeyIndex<'_>) -> String {
        let mut columns = vec![self.key(&self.quote(index.column))];
        columns.extend(index.include.iter().map(|column| self.quote(column)));
        let only = index.only.map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
        format!("CREATE INDEX {} ({}){only}", self.index_on(index.name, index.table), columns.join(", "))
    }

    fn plain_index(&self, name: &str, table: &TableName, column: &str) -> String {
        format!("CREATE INDEX {} ({})", self.index_on(name, table), self.quote(column))
    }
}

/// An expression as text without white space at its ends. `trim` with one argument takes off U+0020 only; the list is a constant,
/// which SQLite makes once for a statement.
fn trimmed(expr: &str) -> String {
    let white: Vec<String> = name::WHITE_SPACE.iter().map(u32::to_string).collect();
    format!("trim(CAST({expr} AS TEXT), char({}))", white.join(","))
}

impl SqliteDialect {
    /// In SQLite the index carries the schema, and the table must not.
    fn index_on(&self, name: &str, table: &TableName) -> String {
        let schema = if table.schema.is_empty() { "main" } else { &table.schema };
        format!("{}.{} ON {}", self.quote(schema), self.quote(name), self.quote(&table.table))
    }
}
