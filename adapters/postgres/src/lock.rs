//! One `stage` at a time, or one for each shard: advisory locks, which the server gives back when the connection that holds them ends, however
//! it ends.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use csc_bridge_core::error::Result;
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::Guard;
use csc_bridge_sql::locks::{self, Mode, NamedLocks};
use csc_bridge_sql::{Connection, Lock, Value, guard};

use crate::catalogue;
use crate::connection::PostgresConnection;

/// A lock's number is a hash of its name and the table's full name. A table that is not there yet is the one that will be created where
/// unqualified names go.
const NUMBER: &str = "pg_catalog.hashtextextended('csc-bridge ' || $4 || ' ' || COALESCE(\
     (SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.oid = pg_catalog.to_regclass($1)), $2 || '.' || $3, pg_catalog.current_schema() || '.' || $3), 0)";

/// The advisory locks of a session.
struct AdvisoryLocks {
    connection: PostgresConnection,
    /// As [`NUMBER`] has it: quoted, its schema or null, and the name alone.
    table: [Value; 3],
}

impl AdvisoryLocks {
    async fn ask(&mut self, function: &str, name: &str, mode: Mode) -> Result<bool> {
        let shared = if mode == Mode::Shared { "_shared" } else { "" };
        let sql = format!("SELECT CASE WHEN pg_catalog.{function}{shared}({NUMBER}) THEN 1 ELSE 0 END");
        let mut params = self.table.to_vec();
        params.push(Value::text(name));
        let mut done = self.connection.query(&sql, &params).await?;
        Ok(done.first_mut().map_or(Ok(0), |row| row.integer(0))? == 1)
    }
}

#[async_trait]
impl NamedLocks for AdvisoryLocks {
    async fn take(&mut self, name: &str, mode: Mode) -> Result<bool> {
        self.ask("pg_try_advisory_lock", name, mode).await
    }

    async fn release(&mut self, name: &str, mode: Mode) -> Result<()> {
        self.ask("pg_advisory_unlock", name, mode).await.map(drop)
    }
}

/// Takes a lock on a table. When its connection ends early, `lost` says so from then on.
///
/// # Errors
/// [`Kind::Busy`](csc_bridge_core::error::Kind::Busy) where somebody else has it.
pub(crate) async fn take(
    connection: PostgresConnection,
    table: &TableName,
    wanted: Lock,
    lost: Arc<AtomicBool>,
) -> Result<Box<dyn Guard>> {
    let schema = match table.schema.is_empty() {
        true => Value::Null,
        false => Value::text(&table.schema),
    };
    let names = [Value::text(catalogue::named(table)), schema, Value::text(&table.table)];
    let mut session = AdvisoryLocks { connection, table: names };
    if !locks::take(&mut session, wanted).await? {
        let advice =
            "wait until it has ended and run again; one that died frees the table as soon as the server notices";
        return Err(locks::busy(table, wanted, advice));
    }
    let ended = async move { session.connection.ended().await };
    Ok(guard::while_connected(ended, table, lost))
}
