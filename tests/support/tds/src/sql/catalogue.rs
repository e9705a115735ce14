//! The tables that a statement names, with their columns as they were declared.

use tokio::sync::OnceCell;
use tokio_postgres::{Client, Row, Statement};

use super::rewrite::{Collation, Label, Output, TableKey};
use super::types::{self, Family};

/// A table or view as PostgreSQL has it.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// Schema and name, quoted.
    pub(crate) sql: String,
    pub(crate) columns: Vec<Output>,
}

/// Names compare as the usual collation compares texts.
const COLUMNS: &str = "SELECT n.nspname::text, c.relname::text, a.attname::text, \
     coalesce(substring(d.description FROM '^mssql:(.*)$'), mssql.declared(c.oid, a.attnum)), NOT a.attnotnull, \
     a.attidentity <> '', coalesce(l.collname IN ('C', 'POSIX'), false) \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     LEFT JOIN pg_collation l ON l.oid = a.attcollation \
     LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum \
     WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relname::text COLLATE mssql.ci = $2 \
     AND CASE WHEN $1 = '' THEN n.oid = pg_my_temp_schema() ELSE n.nspname::text COLLATE mssql.ci = $1 END \
     ORDER BY c.relname = $2 DESC, n.nspname = $1 DESC, c.oid, a.attnum";

/// Looks tables up. The query is prepared once: each statement asks it of each of its tables.
#[derive(Debug, Default)]
pub(crate) struct Catalogue(OnceCell<Statement>);

impl Catalogue {
    /// Looks a table up without regard to case, the exact name first; `None` where there is none.
    pub(crate) async fn find(&self, client: &Client, key: &TableKey) -> Result<Option<Table>, tokio_postgres::Error> {
        let columns = self.0.get_or_try_init(|| client.prepare(COLUMNS)).await?;
        Ok(described(key, &client.query(columns, &[&key.schema, &key.table]).await?))
    }
}

fn described(key: &TableKey, rows: &[Row]) -> Option<Table> {
    let first = rows.first()?;
    let (schema, name): (String, String) = (first.get(0), first.get(1));
    let schema_sql = if key.schema.is_empty() { "pg_temp".to_owned() } else { quote(&schema) };
    let mut columns = Vec::new();
    for row in rows {
        let of: (String, String) = (row.get(0), row.get(1));
        let Some(column) = row.get::<_, Option<String>>(2) else { continue };
        if of.0 != schema || of.1 != name {
            break;
        }
        let kind = row.get::<_, Option<String>>(3).and_then(|declared| types::parse(&declared));
        let label = match kind.map(types::family) {
            Some(Family::Text) => Label::Implicit(if row.get(6) { Collation::Exact } else { Collation::Folding }),
            _ => Label::Default,
        };
        columns.push(Output { name: column, kind, nullable: row.get(4), is_identity: row.get(5), label });
    }
    Some(Table { sql: format!("{schema_sql}.{}", quote(&name)), columns })
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
