//! Writing made-up children: [`SqlWriter`], for `generate` and `mutate` only.

use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use csc_bridge_core::error::Result;
use csc_bridge_core::source::{Cell, Edit, NewTable, SourceWriter, TableName};

use crate::{Connection, KeyIndex, Purpose, Value, WritingEngine, name};

/// A [`SourceWriter`] over one connection and one transaction at a time.
pub struct SqlWriter {
    engine: Arc<dyn WritingEngine>,
    connection: Box<dyn Connection>,
    writing: bool,
}

impl SqlWriter {
    /// Opens the database for writing.
    ///
    /// # Errors
    /// What the engine reports.
    pub async fn open(engine: Arc<dyn WritingEngine>) -> Result<SqlWriter> {
        let connection = engine.connect(Purpose::Generate).await?;
        Ok(SqlWriter { engine, connection, writing: false })
    }

    async fn begin(&mut self) -> Result<()> {
        if !self.writing {
            self.connection.begin().await?;
            self.writing = true;
        }
        Ok(())
    }

    async fn create_table(&mut self, table: &NewTable) -> Result<()> {
        let dialect = self.engine.writing();
        let mut statements = Vec::with_capacity(1 + table.indexes.len());
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|(column, kind)| format!("{} {}", dialect.quote(column), dialect.generated(*kind)))
            .collect();
        statements.push(format!("CREATE TABLE {} ({})", dialect.table(&table.name), columns.join(", ")));
        for (number, column) in table.indexes.iter().enumerate() {
            // The column's number keeps the name short and its own, whatever the column is called.
            let name = format!("ix_{}_{number}", table.name.table);
            let index = KeyIndex { name: &name, table: &table.name, column, include: &[], only: None };
            statements.push(dialect.key_index(&index));
        }
        for sql in statements {
            self.connection.execute(&sql, &[]).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl SourceWriter for SqlWriter {
    async fn create(&mut self, tables: &[NewTable]) -> Result<()> {
        for table in tables {
            name::check_table(&table.name)?;
            for column in table.columns.iter().map(|(column, _)| column).chain(&table.indexes) {
                name::check(&format!("a column of {}", table.name), column)?;
            }
        }
        self.begin().await?;
        for table in tables {
            if self.connection.columns(&table.name).await?.is_none() {
                self.create_table(table).await.map_err(|error| error.within(format!("creating {}", table.name)))?;
            }
        }
        Ok(())
    }

    async fn insert(&mut self, table: &TableName, rows: &RecordBatch) -> Result<()> {
        name::check_table(table)?;
        self.begin().await?;
        let target = self.engine.writing().table(table);
        self.connection.load(&target, rows).await.map_err(|error| error.within(format!("writing {table}")))
    }

    async fn edit(&mut self, edit: &Edit) -> Result<u64> {
        name::check_table(&edit.table)?;
        self.begin().await?;
        let dialect = self.engine.writing();
        let mut params = Vec::with_capacity(edit.set.len() + 1);
        let mut set = Vec::with_capacity(edit.set.len());
        for (column, cell) in &edit.set {
            name::check(&format!("a column of {}", edit.table), column)?;
            let place = dialect.placeholder(params.len() + 1);
            let (value, place) = match cell {
                Cell::Null => (Value::Null, place),
                Cell::Text(text) => (Value::text(text), place),
                Cell::Integer(number) => (Value::Integer(*number), place),
                Cell::Date(days) => (Value::Integer(i64::from(*days)), dialect.date(&place)),
            };
            params.push(value);
            set.push(format!("{} = {place}", dialect.quote(column)));
        }
        let table = dialect.table(&edit.table);
        let chosen = format!("{} = {}", dialect.key(&dialect.quote(&edit.key)), dialect.placeholder(params.len() + 1));
        params.push(Value::text(name::trimmed(&edit.id)));
        let sql = match set.is_empty() {
            true => format!("DELETE FROM {table} WHERE {chosen}"),
            false => format!("UPDATE {table} SET {} WHERE {chosen}", set.join(", ")),
        };
        self.connection.execute(&sql, &params).await.map_err(|error| error.within(format!("changing {}", edit.table)))
    }

    async fn commit(&mut self) -> Result<()> {
        if self.writing {
            self.connection.commit().await?;
            self.writing = false;
        }
        Ok(())
    }
}
