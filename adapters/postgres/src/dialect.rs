//! PostgreSQL's spellings.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use csc_bridge_core::payload::definition::ColumnType;
use csc_bridge_sql::{Dialect, KeyIndex, RowLock, Store, UpdateFrom, WritingDialect, name};

/// The type of the staging table's documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Documents {
    /// As we and D2I's script create them.
    Jsonb,
    /// As some authority may have created them.
    Json,
    /// The same.
    Text,
}

/// PostgreSQL's spellings.
///
/// Every comparison of text says `COLLATE "C"`: exact characters, whatever the database's own collation, and the planner needs not
/// wonder which of two columns' collations counts.
#[derive(Debug, Default)]
pub struct PostgresDialect {
    /// [`Documents`] by its number. The one thing here that is not the product's but a table's: there is no expression that may be put
    /// into a column of `jsonb` and into one of `text` alike, so it is looked up when a connection is made.
    documents: AtomicU8,
}

impl PostgresDialect {
    pub(crate) fn set_documents(&self, documents: Documents) {
        self.documents.store(documents as u8, Ordering::Relaxed);
    }

    fn documents(&self) -> Documents {
        match self.documents.load(Ordering::Relaxed) {
            1 => Documents::Json,
            2 => Documents::Text,
            _ => Documents::Jsonb,
        }
    }
}

impl Dialect for PostgresDialect {
    /// With a letter of its own, because in a plain literal a backslash may escape or not, as the server is set.
    fn literal(&self, text: &str) -> String {
        format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    }

    fn materialized(&self) -> &'static str {
        "MATERIALIZED "
    }

    /// Immutable for the types that ids have, so that it may be indexed. (The text of a date depends on a setting of the session, and
    /// an index on it is refused.)
    fn key(&self, expr: &str) -> String {
        format!("(btrim(({expr})::text, {}) COLLATE \"C\")", white_space())
    }

    fn temporary(&self, name: &str) -> String {
        format!("pg_temp.{name}")
    }

    fn create_temporary(&self, name: &str, columns: &[(&str, Store)], key: &str) -> String {
        let columns: Vec<String> = columns
            .iter()
            .map(|(column, store)| {
                let kind = match store {
                    // Its index must have the collation of the comparisons. Other columns meet columns of the staging tables as they stand.
                    Store::Text(_) if *column == key => "text COLLATE \"C\"".to_owned(),
                    Store::Text(_) => "text".to_owned(),
                    other => self.stored(*other),
                };
                let rule = if *column == key { " PRIMARY KEY" } else { "" };
                format!("{column} {kind}{rule}")
            })
            .collect();
        format!("CREATE TEMPORARY TABLE {name} ({}) ON COMMIT PRESERVE ROWS", columns.join(", "))
    }

    /// Deleted rows would stay: nobody vacuums a temporary table, and the transaction of a read session, to which they might yet be
    /// visible, lasts the whole run. Truncated twice in one transaction, a table is emptied in place.
    fn clear_temporary(&self, name: &str) -> String {
        format!("TRUNCATE {}", self.temporary(name))
    }

    fn analyze_temporary(&self, name: &str) -> Option<String> {
        Some(format!("ANALYZE {}", self.temporary(name)))
    }
}

impl WritingDialect for PostgresDialect {
    fn placeholder(&self, position: usize) -> String {
        format!("${position}")
    }

    /// The beginning of the statement, not of the transaction: a claim's transaction lasts as long as its request.
    fn now(&self) -> &'static str {
        "statement_timestamp()"
    }

    fn before_now(&self, age: Duration) -> String {
        format!("(statement_timestamp() - INTERVAL '{}.{:03} seconds')", age.as_secs(), age.subsec_millis())
    }

    fn seconds_since(&self, expr: &str) -> String {
        format!("floor(extract(epoch FROM statement_timestamp() - ({expr})))::bigint")
    }

    fn row_lock(&self) -> Option<RowLock> {
        Some(RowLock { hint: "", clause: " FOR UPDATE OF t SKIP LOCKED", by_id: None })
    }

    fn word(&self, expr: &str) -> String {
        format!("lower({})", self.key(expr))
    }

    fn same(&self, left: &str, right: &str) -> String {
        format!("{left} IS NOT DISTINCT FROM {right}")
    }

    fn text(&self, expr: &str) -> String {
        format!("(({expr})::text COLLATE \"C\")")
    }

    fn bytes(&self, expr: &str) -> String {
        expr.to_owned()
    }

    fn version(&self, expr: &str) -> String {
        self.text(expr)
    }

    /// Into a column with a time zone it goes as a time of the session's zone, which is the server's own: as D2I's senders have it.
    fn timestamp(&self, expr: &str) -> String {
        format!("({expr})::timestamp")
    }

    fn date(&self, expr: &str) -> String {
        format!("(DATE '1970-01-01' + ({expr})::integer)::timestamp")
    }

    fn document_in(&self, expr: &str) -> String {
        match self.documents() {
            Documents::Jsonb => format!("({expr})::jsonb"),
            Documents::Json => format!("({expr})::json"),
            Documents::Text => expr.to_owned(),
        }
    }

    /// Of `jsonb` the server's own text, with its order of keys and its spaces: core compares documents in canonical form. One
    /// document has always the same text, so texts that were read may be compared with texts that are read again.
    fn document_out(&self, expr: &str) -> String {
        self.text(expr)
    }

    /// Without reading the document: the length of a long text is known without it, and JSON is never blank.
    fn has_document(&self, expr: &str) -> String {
        match self.documents() {
            Documents::Jsonb | Documents::Json => format!("{expr} IS NOT NULL"),
            Documents::Text => format!("COALESCE(octet_length({expr}), 0) >= 2"),
        }
    }

    fn stored(&self, store: Store) -> String {
        match store {
            Store::Identity => "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY".to_owned(),
            Store::Text(width) => format!("varchar({width})"),
            Store::LongText => "text".to_owned(),
            Store::Json => "jsonb".to_owned(),
            Store::Hash => "bytea".to_owned(),
            Store::Timestamp => "timestamptz".to_owned(),
            Store::Integer => "bigint".to_owned(),
        }
    }

    /// As Eclipse has them, but for the widths, which the definition does not know.
    fn generated(&self, column: ColumnType) -> String {
        match column {
            ColumnType::Id | ColumnType::Text => "varchar",
            ColumnType::Date => "timestamp",
            ColumnType::Integer => "integer",
            ColumnType::Json => "text",
        }
        .to_owned()
    }

    fn update_from(&self, update: &UpdateFrom<'_>) -> String {
        let set: Vec<String> = update.set.iter().map(|(column, value)| format!("{column} = {value}")).collect();
        format!("UPDATE {} AS t SET {} FROM {} WHERE {}", update.target, set.join(", "), update.source, update.on)
    }

    fn key_index(&self, index: &KeyIndex<'_>) -> String {
        let include: Vec<String> = index.include.iter().map(|column| self.quote(column)).collect();
        let include = match include.is_empty() {
            true => String::new(),
            false => format!(" INCLUDE ({})", include.join(", ")),
        };
        let only = index.only.map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
        format!(
            "CREATE INDEX {} ON {} ({}){include}{only}",
            self.quote(index.name),
            self.table(index.table),
            self.key(&self.quote(index.column)),
        )
    }
}

/// The white space of [`name::WHITE_SPACE`] as a literal.
fn white_space() -> String {
    let escaped: Vec<String> = name::WHITE_SPACE.iter().map(|code| format!("\\u{code:04x}")).collect();
    format!("E'{}'", escaped.concat())
}
