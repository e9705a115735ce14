//! One `stage` at a time: an application lock, which the server gives back when the session that holds it ends, however it ends.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::Guard;
use csc_bridge_sql::{Connection, Value, guard};

use crate::catalogue;
use crate::connection::SqlServerConnection;

/// Does not wait: a second `stage` is told at once.
const TAKE: &str = "DECLARE @r INT; EXEC @r = sp_getapplock @Resource = @P1, @LockMode = 'Exclusive', @LockOwner = 'Session', \
     @LockTimeout = 0; SELECT @r";

/// Where unqualified names go.
const OWN_SCHEMA: &str = "SELECT SCHEMA_NAME()";

/// How often the connection of the lock is looked after. The driver tells of a lost connection only to whoever uses it; and a firewall
/// ends those that nobody uses.
const LOOK: Duration = Duration::from_secs(5);

/// Takes the lock of `stage` on a table. When its connection ends early, `lost` says so from then on.
///
/// # Errors
/// [`Kind::Busy`] where somebody else has it.
pub(crate) async fn stage(
    mut connection: SqlServerConnection,
    table: &TableName,
    lost: Arc<AtomicBool>,
) -> Result<Box<dyn Guard>> {
    let resource = Value::text(resource(&mut connection, table).await?);
    let mut taken = connection.query(TAKE, &[resource]).await?;
    // 0 and 1: had, at once or after waiting. Below: somebody else has it, or there is no such lock to be had.
    match taken.first_mut().map_or(Ok(None), |row| row.number(0))? {
        Some(0..) => {}
        Some(-1) => {
            return Err(Error::new(
                Kind::Busy,
                format!("another csc-bridge stages {table} at this moment"),
                "wait until it has ended and run again; one that died frees the table as soon as the server notices",
            ));
        }
        _ => {
            return Err(Error::new(
                Kind::Permission,
                format!("the server refused the lock (sp_getapplock) under which {table} is staged"),
                "ask the server's administrator whether this user may execute sp_getapplock, which everybody may by default",
            ));
        }
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

/// The lock's name. In lower case: whether `Staging` and `staging` are one table is the database's affair, and where they are two it does
/// no harm that they have one lock.
async fn resource(connection: &mut SqlServerConnection, table: &TableName) -> Result<String> {
    let schema = match table.schema.is_empty() {
        false => table.schema.clone(),
        true => connection.one_word(OWN_SCHEMA, None).await?.unwrap_or_default(),
    };
    tracing::debug!(table.name = %catalogue::named(table), "takes the lock of stage");
    Ok(format!("csc-bridge stage {schema}.{}", table.table).to_lowercase())
}
