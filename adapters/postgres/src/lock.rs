//! One `stage` at a time: an advisory lock, which the server gives back when the connection that holds it ends, however it ends.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::Guard;
use csc_bridge_sql::{Connection, Value, guard};

use crate::catalogue;
use crate::connection::PostgresConnection;

/// The lock's number is a hash of the table's full name. A table that is not there yet is the one that will be created where unqualified
/// names go.
const TAKE: &str = "SELECT CASE WHEN pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('csc-bridge stage ' || COALESCE(\
     (SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.oid = pg_catalog.to_regclass($1)), $2 || '.' || $3, pg_catalog.current_schema() || '.' || $3), 0)) \
     THEN 1 ELSE 0 END";

/// Takes the lock of `stage` on a table. When its connection ends early, `lost` says so from then on.
///
/// # Errors
/// [`Kind::Busy`] where somebody else has it.
pub(crate) async fn stage(
    mut connection: PostgresConnection,
    table: &TableName,
    lost: Arc<AtomicBool>,
) -> Result<Box<dyn Guard>> {
    let schema = match table.schema.is_empty() {
        true => Value::Null,
        false => Value::text(&table.schema),
    };
    let params = [Value::text(catalogue::named(table)), schema, Value::text(&table.table)];
    let mut taken = connection.query(TAKE, &params).await?;
    if taken.first_mut().map_or(Ok(0), |row| row.integer(0))? == 0 {
        return Err(Error::new(
            Kind::Busy,
            format!("another csc-bridge stages {table} at this moment"),
            "wait until it has ended and run again; one that died frees the table as soon as the server notices",
        ));
    }
    let ended = async move { connection.ended().await };
    Ok(guard::while_connected(ended, table, lost))
}
