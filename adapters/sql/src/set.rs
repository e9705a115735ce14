//! The numbered set: some thousands of ids in a temporary table, to which statements join.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Int32Array, RecordBatch, StringArray};
use csc_bridge_core::error::{Error, Result};

use crate::{Connection, Dialect, Store};

/// The temporary table of the set: `id`, the trimmed text of an id, and its number, `nr` (NUMBER is a reserved word of Oracle's).
pub const SET: &str = "csc_bridge_set";

/// Creates the set's table on a connection, once.
pub(crate) async fn create(connection: &mut dyn Connection, dialect: &dyn Dialect) -> Result<()> {
    let columns = [("id", Store::Text(200)), ("nr", Store::Integer)];
    connection.create_temporary(dialect, SET, &columns, "id").await
}

/// What the planner has been told of the temporary tables of one connection.
#[derive(Default)]
pub(crate) struct Told {
    /// Rows that a table had when it was last analysed.
    rows: HashMap<&'static str, usize>,
}

impl Told {
    /// Replaces the set: the id at position n gets the number n. The ids are trimmed and distinct.
    pub async fn fill<'a, I>(&mut self, connection: &mut dyn Connection, dialect: &dyn Dialect, ids: I) -> Result<()>
    where
        I: IntoIterator<Item = &'a str>,
        I::IntoIter: Send,
    {
        let ids = StringArray::from_iter_values(ids);
        let numbers = Int32Array::from_iter_values(0..i32::try_from(ids.len()).map_err(|_| too_many())?);
        let rows = batch([("id", Arc::new(ids) as ArrayRef), ("nr", Arc::new(numbers))])?;
        self.replace(connection, dialect, SET, &rows).await
    }

    /// Replaces the rows of a temporary table, and lets the planner know.
    pub async fn replace(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        table: &'static str,
        rows: &RecordBatch,
    ) -> Result<()> {
        clear(connection, dialect, table).await?;
        connection.load(&dialect.temporary(table), rows).await?;
        self.analyze(connection, dialect, table, rows.num_rows()).await
    }

    /// Lets the planner know how many rows a temporary table has, where it thinks of far more or fewer: that is a statement of its own,
    /// after which all others are planned anew. A planner that is told nothing takes a set for as large as an SSD table and reads the
    /// SSD table whole, index or no index.
    pub async fn analyze(
        &mut self,
        connection: &mut dyn Connection,
        dialect: &dyn Dialect,
        table: &'static str,
        rows: usize,
    ) -> Result<()> {
        let is_known = self.rows.get(table).is_some_and(|told| told / 10 <= rows && rows <= told * 10);
        if rows == 0 || is_known {
            return Ok(());
        }
        if let Some(sql) = dialect.analyze_temporary(table) {
            connection.execute(&sql, &[]).await?;
        }
        self.rows.insert(table, rows);
        Ok(())
    }
}

/// Takes all rows out of a temporary table.
pub(crate) async fn clear(connection: &mut dyn Connection, dialect: &dyn Dialect, table: &str) -> Result<()> {
    connection.execute(&dialect.clear_temporary(table), &[]).await?;
    Ok(())
}

/// A batch for [`Connection::load`].
pub(crate) fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> Result<RecordBatch> {
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
        .map_err(|_| Error::internal("the columns of a batch differ in length"))
}

fn too_many() -> Error {
    Error::internal("a set of more than two thousand million children")
}
