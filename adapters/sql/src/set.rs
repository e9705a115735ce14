//! The numbered set: some thousands of ids in a temporary table, to which statements join.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Int32Array, RecordBatch, StringArray};
use csc_bridge_core::error::{Error, Result};

use crate::{Connection, Dialect, Store};

/// The temporary table of the set: `id`, the trimmed text of an id, and its `number`.
pub const SET: &str = "csc_bridge_set";

/// Creates the set's table on a connection, once.
pub(crate) async fn create(connection: &mut dyn Connection, dialect: &dyn Dialect) -> Result<()> {
    let columns = [("id", Store::Text(200)), ("number", Store::Integer)];
    connection.execute(&dialect.create_temporary(SET, &columns, "id"), &[]).await?;
    Ok(())
}

/// Replaces the set: the id at position n gets the number n. The ids are trimmed and distinct.
pub(crate) async fn fill<'a, I>(connection: &mut dyn Connection, dialect: &dyn Dialect, ids: I) -> Result<()>
where
    I: IntoIterator<Item = &'a str>,
    I::IntoIter: Send,
{
    let ids = StringArray::from_iter_values(ids);
    let numbers = Int32Array::from_iter_values(0..i32::try_from(ids.len()).map_err(|_| too_many())?);
    let rows = batch([("id", Arc::new(ids) as ArrayRef), ("number", Arc::new(numbers))])?;
    replace(connection, dialect, SET, &rows).await
}

/// Replaces the rows of a temporary table, and lets the planner know.
pub(crate) async fn replace(
    connection: &mut dyn Connection,
    dialect: &dyn Dialect,
    table: &str,
    rows: &RecordBatch,
) -> Result<()> {
    clear(connection, dialect, table).await?;
    connection.load(&dialect.temporary(table), rows).await?;
    analyze(connection, dialect, table).await
}

/// Takes all rows out of a temporary table.
pub(crate) async fn clear(connection: &mut dyn Connection, dialect: &dyn Dialect, table: &str) -> Result<()> {
    connection.execute(&dialect.clear_temporary(table), &[]).await?;
    Ok(())
}

/// Lets the planner know how many rows a temporary table has. Without it a planner takes a set for as large as an SSD table and
/// reads the SSD table whole, index or no index.
pub(crate) async fn analyze(connection: &mut dyn Connection, dialect: &dyn Dialect, table: &str) -> Result<()> {
    if let Some(sql) = dialect.analyze_temporary(table) {
        connection.execute(&sql, &[]).await?;
    }
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
