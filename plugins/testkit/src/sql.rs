//! A [`Place`] for products that speak SQL: the intents in standard SQL, and what each product says otherwise.

use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::source::{Source, TableName};
use csc_bridge_core::staging::Staging;

use crate::failure::{Checked, Failure};
use crate::{ColumnKind, Facts, Place, StagingSettings, TestTable, Touched, Value};

/// Bytes of one INSERT statement, about: products limit a statement's length and its number of rows.
const STATEMENT: usize = 500_000;
/// Rows of one INSERT statement (SQL Server: 1,000).
const ROWS: usize = 500;

/// What a SQL product says in its own words. Methods that run statements use connections that are not the adapter's.
#[async_trait]
pub trait SqlPlace: Send + Sync {
    /// What the product is like.
    fn facts(&self) -> Facts;

    /// The schema of this place, or empty.
    fn schema(&self) -> String {
        String::new()
    }

    /// As [`Place::source`].
    fn source(&self) -> Checked<Arc<dyn Source>>;

    /// As [`Place::staging`].
    fn staging(&self, settings: &StagingSettings) -> Checked<Arc<dyn Staging>>;

    /// The product's type for a kind, with its collation if need be.
    ///
    /// # Errors
    /// [`Failure::NotApplicable`]: it has none.
    fn column_type(&self, kind: ColumnKind) -> Checked<String>;

    /// Runs statements, one after the other, each committed by itself, without waiting for a lock.
    async fn run(&self, statements: &[String]) -> Checked<Touched>;

    /// Runs a query that returns text columns only.
    async fn query(&self, sql: &str) -> Checked<Vec<Vec<Option<String>>>>;

    /// Statements that have a table refuse rows whose text column is exactly this.
    fn refuse_sql(&self, table: &str, column: &str, text: &str) -> Vec<String> {
        let (column, text) = (self.quote(column), self.literal(&Value::text(text)));
        vec![format!("ALTER TABLE {table} ADD CONSTRAINT refused_by_a_check CHECK ({column} <> {text})")]
    }

    /// Empties a table as the nightly refresh does.
    fn truncate_sql(&self, table: &str) -> String {
        format!("TRUNCATE TABLE {table}")
    }

    /// Whether a text column is exactly this, which is a text in the product's words.
    fn equals(&self, column: &str, text: &str) -> String {
        format!("{column} = {text}")
    }

    /// A column as text.
    fn as_text(&self, column: &str) -> String {
        format!("CAST({column} AS text)")
    }

    /// Quotes a name.
    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// A table in a statement.
    fn spelled(&self, name: &TableName) -> String {
        match name.schema.is_empty() {
            true => self.quote(&name.table),
            false => format!("{}.{}", self.quote(&name.schema), self.quote(&name.table)),
        }
    }

    /// A value in a statement.
    fn literal(&self, value: &Value) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        match value {
            Value::Null => "NULL".to_owned(),
            Value::Integer(number) => number.to_string(),
            Value::Number(number) => number.clone(),
            Value::Text(text) => quoted(text),
            Value::Date(date) => format!("DATE {}", quoted(date)),
            Value::Timestamp(time) => format!("TIMESTAMP {}", quoted(time)),
            Value::Moment(time) => format!("TIMESTAMP WITH TIME ZONE {}", quoted(&format!("{time}+00"))),
            Value::Boolean(flag) => flag.to_string(),
            Value::Bytes(bytes) => {
                format!("X'{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            }
        }
    }

    /// As [`Place::restrict_to_select`].
    async fn restrict_to_select(&self) -> Checked<Box<dyn Place>> {
        Err(Failure::not_applicable("it cannot restrict an account"))
    }

    /// As [`Place::cut_connections`].
    async fn cut_connections(&self) -> Checked {
        Err(Failure::not_applicable("it cannot cut connections"))
    }

    /// As [`Place::cut_reads`].
    async fn cut_reads(&self) -> Checked {
        self.cut_connections().await
    }
}

/// A [`Place`] of a SQL product.
pub struct OverSql<P>(pub P);

impl<P: SqlPlace> OverSql<P> {
    fn named(&self, table: &str) -> String {
        self.0.spelled(&TableName { schema: self.0.schema(), table: table.to_owned() })
    }

    fn only(&self, only: Option<(&str, &str)>) -> String {
        only.map_or(String::new(), |(column, text)| {
            format!(" WHERE {}", self.0.equals(&self.0.quote(column), &self.0.literal(&Value::text(text))))
        })
    }

    fn insertions(&self, table: &TestTable, rows: &[Vec<Value>]) -> Vec<String> {
        let columns: Vec<String> = table.columns.iter().map(|(column, _)| self.0.quote(column)).collect();
        let head = format!("INSERT INTO {} ({}) VALUES ", self.named(&table.name), columns.join(", "));
        let (mut statements, mut values) = (Vec::new(), Vec::new());
        let mut length = 0;
        for row in rows {
            let cells: Vec<String> = row.iter().map(|cell| self.0.literal(cell)).collect();
            let row = format!("({})", cells.join(", "));
            if values.len() == ROWS || !values.is_empty() && length + row.len() > STATEMENT {
                statements.push(format!("{head}{}", values.join(", ")));
                (length, values) = (0, Vec::new());
            }
            length += row.len();
            values.push(row);
        }
        if !values.is_empty() {
            statements.push(format!("{head}{}", values.join(", ")));
        }
        statements
    }

    /// Runs statements of the check's own making, at a time when nobody holds a lock.
    async fn must(&self, statements: &[String]) -> Checked {
        match self.0.run(statements).await? {
            Touched::Done => Ok(()),
            Touched::KeptOut => Err(Failure::broken("no lock on a table while nobody uses it", "one")),
        }
    }
}

#[async_trait]
impl<P: SqlPlace> Place for OverSql<P> {
    fn facts(&self) -> Facts {
        self.0.facts()
    }

    fn table(&self, name: &str) -> TableName {
        TableName { schema: self.0.schema(), table: name.to_owned() }
    }

    fn source(&self) -> Checked<Arc<dyn Source>> {
        self.0.source()
    }

    fn staging(&self, settings: &StagingSettings) -> Checked<Arc<dyn Staging>> {
        self.0.staging(settings)
    }

    async fn create(&self, table: &TestTable) -> Checked {
        let columns = table.columns.iter().map(|(column, kind)| {
            // SQL Server takes a column for NOT NULL under some settings, unless it is told.
            Ok(format!("{} {} NULL", self.0.quote(column), self.0.column_type(*kind)?))
        });
        let columns = columns.collect::<Checked<Vec<String>>>()?;
        self.must(&[format!("CREATE TABLE {} ({})", self.named(&table.name), columns.join(", "))]).await
    }

    async fn insert(&self, table: &TestTable, rows: &[Vec<Value>]) -> Checked {
        self.must(&self.insertions(table, rows)).await
    }

    async fn update(&self, table: &str, set: &[(&str, Value)], only: Option<(&str, &str)>) -> Checked<Touched> {
        let set: Vec<String> =
            set.iter().map(|(column, value)| format!("{} = {}", self.0.quote(column), self.0.literal(value))).collect();
        self.0.run(&[format!("UPDATE {} SET {}{}", self.named(table), set.join(", "), self.only(only))]).await
    }

    async fn delete(&self, table: &str, only: Option<(&str, &str)>) -> Checked<Touched> {
        self.0.run(&[format!("DELETE FROM {}{}", self.named(table), self.only(only))]).await
    }

    async fn read(&self, table: &str, columns: &[&str]) -> Checked<Vec<Vec<Option<String>>>> {
        let texts: Vec<String> = columns.iter().map(|column| self.0.as_text(&self.0.quote(column))).collect();
        let order = columns.first().map_or(String::new(), |first| format!(" ORDER BY {}", self.0.quote(first)));
        self.0.query(&format!("SELECT {} FROM {}{order}", texts.join(", "), self.named(table))).await
    }

    async fn refill(&self, table: &TestTable, rows: &[Vec<Value>]) -> Checked<Touched> {
        let mut statements = vec![self.0.truncate_sql(&self.named(&table.name))];
        statements.extend(self.insertions(table, rows));
        self.0.run(&statements).await
    }

    async fn drop_column(&self, table: &str, column: &str) -> Checked {
        self.must(&[format!("ALTER TABLE {} DROP COLUMN {}", self.named(table), self.0.quote(column))]).await
    }

    async fn make_view(&self, view: &str, of: &str, columns: &[&str]) -> Checked {
        let columns: Vec<String> = columns.iter().map(|column| self.0.quote(column)).collect();
        let sql = format!("CREATE VIEW {} AS SELECT {} FROM {}", self.named(view), columns.join(", "), self.named(of));
        self.must(&[sql]).await
    }

    async fn refuse(&self, table: &str, column: &str, text: &str) -> Checked {
        self.must(&self.0.refuse_sql(&self.named(table), column, text)).await
    }

    async fn restrict_to_select(&self) -> Checked<Box<dyn Place>> {
        self.0.restrict_to_select().await
    }

    async fn cut_connections(&self) -> Checked {
        self.0.cut_connections().await
    }

    async fn cut_reads(&self) -> Checked {
        self.0.cut_reads().await
    }
}
