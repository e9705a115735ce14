//! The tables that a statement names, with their columns as they were declared.

use tokio_postgres::Client;

use super::rewrite::{Output, TableKey};
use super::types;

/// A table or view as PostgreSQL has it.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// Schema and name, quoted.
    pub(crate) sql: String,
    pub(crate) columns: Vec<Output>,
}

const COLUMNS: &str = "SELECT n.nspname::text, c.relname::text, a.attname::text, mssql.declared(c.oid, a.attnum), NOT a.attnotnull, \
     a.attidentity <> '' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     WHERE c.relkind IN ('r', 'p', 'v', 'm') AND lower(c.relname) = lower($2) AND CASE WHEN $1 = '' THEN n.oid = pg_my_temp_schema() \
     ELSE lower(n.nspname) = lower($1) END ORDER BY c.relname = $2 DESC, n.nspname = $1 DESC, c.oid, a.attnum";

/// Looks a table up without regard to case, the exact name first; `None` where there is none.
pub(crate) async fn find(client: &Client, key: &TableKey) -> Result<Option<Table>, tokio_postgres::Error> {
    let rows = client.query(COLUMNS, &[&key.schema, &key.table]).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let (schema, name): (String, String) = (first.get(0), first.get(1));
    let schema_sql = if key.schema.is_empty() { "pg_temp".to_owned() } else { quote(&schema) };
    let mut columns = Vec::new();
    for row in &rows {
        let of: (String, String) = (row.get(0), row.get(1));
        let Some(column) = row.get::<_, Option<String>>(2) else { continue };
        if of.0 != schema || of.1 != name {
            break;
        }
        let kind = row.get::<_, Option<String>>(3).and_then(|declared| types::parse(&declared));
        columns.push(Output { name: column, kind, nullable: row.get(4), is_identity: row.get(5) });
    }
    Ok(Some(Table { sql: format!("{schema_sql}.{}", quote(&name)), columns }))
}

/// An identifier of PostgreSQL.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text of PostgreSQL.
pub(crate) fn literal(text: &str) -> String {
    match text.contains('\\') {
        true => format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
        false => format!("'{}'", text.replace('\'', "''")),
    }
}
