//! What the server's catalogue says of a table.

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_sql::Dialect;

use crate::PostgresDialect;
use crate::dialect::Documents;

/// The columns of the table that `$1` names, in their order: as many as none where there is no such table or view.
pub(crate) const COLUMNS: &str = "SELECT a.attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
     WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped \
     ORDER BY a.attnum";

/// What kind of table `$1` names.
pub(crate) const KIND: &str =
    "SELECT c.relkind::text FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)";

/// Name and type of the columns of the table that `$1` names, whose type matters; of a domain, the type behind it.
pub(crate) const TYPES: &str = "SELECT a.attname, CASE t.typbasetype WHEN 0 THEN t.oid ELSE t.typbasetype END::regtype::text \
     FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid WHERE a.attrelid = pg_catalog.to_regclass($1) \
     AND a.attname IN ('json_payload', 'current_hash', 'previous_hash') AND NOT a.attisdropped";

/// A table as `to_regclass` reads it: quoted, for the name is exact.
pub(crate) fn named(table: &TableName) -> String {
    PostgresDialect::default().table(table)
}

/// Whether LOCK takes a table of this kind: plain tables, partitioned ones, and views, of which it locks the tables.
pub(crate) fn may_be_locked(kind: &str) -> bool {
    matches!(kind, "r" | "p" | "v")
}

/// The type of a staging table's documents, by the [`TYPES`] of its columns. What is no JSON is text, of one kind or another; a table that
/// is not there will be as we create it.
///
/// # Errors
/// [`Kind::Schema`]: the hashes are something else than bytes. They would be written as text and could not be read again.
pub(crate) fn documents(table: &TableName, types: &[(String, String)]) -> Result<Documents> {
    if let Some((column, kind)) = types.iter().find(|(column, kind)| column != "json_payload" && kind != "bytea") {
        return Err(Error::new(
            Kind::Schema,
            format!("the column {column} of {table} is {kind}, and should be bytea"),
            "change the column's type, or name another table in [staging] and let csc-bridge create it",
        ));
    }
    let kind = types.iter().find(|(column, _)| column == "json_payload").map(|(_, kind)| kind.as_str());
    Ok(match kind {
        None | Some("jsonb") => Documents::Jsonb,
        Some("json") => Documents::Json,
        Some(_) => Documents::Text,
    })
}
