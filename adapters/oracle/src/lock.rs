//! One `stage` at a time: a row that is locked until its session ends, however it ends.
//!
//! DBMS_LOCK would be the way, but no account has it unless it is granted; and every lock of the staging table as a whole that keeps out a
//! second `stage` keeps out its senders. So there is a small table beside it, with a row for each staging table.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::Guard;
use csc_bridge_sql::{Connection, Dialect, Value, guard};

use crate::OracleDialect;
use crate::connection::OracleConnection;
use crate::temporary::TAKEN;

/// The table of locks, in the schema of the staging table.
const TABLE: &str = "csc_bridge_lock";

/// The row is there already.
const THERE: &[i32] = &[1];

/// Somebody else has the row.
const HELD: &[i32] = &[54];

/// How often the connection of the lock is looked after. The driver tells of a lost connection only to whoever uses it; and a firewall, or
/// the account's profile, ends those that nobody uses.
const LOOK: Duration = Duration::from_secs(5);

/// Takes the lock of `stage` on a table. When its connection ends early, `lost` says so from then on.
///
/// # Errors
/// [`Kind::Busy`] where somebody else has it.
pub(crate) async fn stage(
    mut connection: OracleConnection,
    table: &TableName,
    lost: Arc<AtomicBool>,
) -> Result<Box<dyn Guard>> {
    let locks = TableName { schema: table.schema.clone(), table: TABLE.to_owned() };
    let within = |error: Error| error.within(format!("making the table of locks {}", locks.to_string().to_uppercase()));
    let row = [Value::text(OracleDialect.quote(&table.table).trim_matches('"'))];
    ensure(&mut connection, &locks, &row).await.map_err(within)?;
    let sql = format!("SELECT l.name FROM {} l WHERE l.name = :1 FOR UPDATE NOWAIT", OracleDialect.table(&locks));
    // A query is never committed: the row is locked until the session ends.
    if !connection.locks(&sql, &row, HELD).await? {
        return Err(Error::new(
            Kind::Busy,
            format!("another csc-bridge stages {table} at this moment"),
            "wait until it has ended and run again; one that died frees the table as soon as the server notices",
        ));
    }
    let ended = async move {
        loop {
            tokio::time::sleep(LOOK).await;
            if connection.is_alive().await.is_err() {
                break;
            }
        }
    };
    Ok(guard::while_connected(ended, table, lost))
}

/// Makes the table of locks, and the row, where they are not there.
async fn ensure(connection: &mut OracleConnection, locks: &TableName, row: &[Value; 1]) -> Result<()> {
    let table = OracleDialect.table(locks);
    if connection.columns(locks).await?.is_none() {
        let sql = format!("CREATE TABLE {table} (name VARCHAR2(128 CHAR) PRIMARY KEY)");
        connection.unless(&sql, &[], TAKEN).await?;
    }
    let there = format!("SELECT COUNT(*) FROM {table} WHERE name = :1");
    let there = connection.query(&there, row).await?.first_mut().map_or(Ok(0), |row| row.integer(0))?;
    if there == 0 {
        connection.unless(&format!("INSERT INTO {table} (name) VALUES (:1)"), row, THERE).await?;
    }
    Ok(())
}
