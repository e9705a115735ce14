//! One `stage` at a time, or one for each shard: application locks, which the server gives back when the session that holds them ends, however
//! it ends.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::Guard;
use csc_bridge_sql::locks::{self, Mode, NamedLocks};
use csc_bridge_sql::{Connection, Lock, Value, guard};

use crate::catalogue;
use crate::connection::SqlServerConnection;

/// Do not wait: who comes second is told at once.
const TAKE: &str = "DECLARE @r INT; EXEC @r = sp_getapplock @Resource = @P1, @LockMode = 'Exclusive', @LockOwner = 'Session', \
     @LockTimeout = 0; SELECT @r";
const TAKE_SHARED: &str = "DECLARE @r INT; EXEC @r = sp_getapplock @Resource = @P1, @LockMode = 'Shared', @LockOwner = 'Session', \
     @LockTimeout = 0; SELECT @r";

const RELEASE: &str = "DECLARE @r INT; EXEC @r = sp_releaseapplock @Resource = @P1, @LockOwner = 'Session'; SELECT @r";

/// Where unqualified names go.
const OWN_SCHEMA: &str = "SELECT SCHEMA_NAME()";

/// How often the connection of the lock is looked after. The driver tells of a lost connection only to whoever uses it; and a firewall
/// ends those that nobody uses.
const LOOK: Duration = Duration::from_secs(5);

/// The application locks of a session.
struct ApplicationLocks {
    connection: SqlServerConnection,
    table: TableName,
    /// The table's full name, in lower case.
    full_name: String,
}

impl ApplicationLocks {
    async fn ask(&mut self, sql: &str, name: &str) -> Result<Option<i64>> {
        let resource = Value::text(format!("csc-bridge {name} {}", self.full_name));
        self.connection.query(sql, &[resource]).await?.first_mut().map_or(Ok(None), |row| row.number(0))
    }
}

#[async_trait]
impl NamedLocks for ApplicationLocks {
    async fn take(&mut self, name: &str, mode: Mode) -> Result<bool> {
        let sql = if mode == Mode::Shared { TAKE_SHARED } else { TAKE };
        // 0 and 1: had, at once or after waiting. Below: somebody else has it, or there is no such lock to be had.
        match self.ask(sql, name).await? {
            Some(0..) => Ok(true),
            Some(-1) => Ok(false),
            _ => Err(Error::new(
                Kind::Permission,
                format!("the server refused the lock (sp_getapplock) under which {} is staged", self.table),
                "ask the server's administrator whether this user may execute sp_getapplock, which everybody may by default",
            )),
        }
    }

    async fn release(&mut self, name: &str, _: Mode) -> Result<()> {
        self.ask(RELEASE, name).await.map(drop)
    }
}

/// Takes a lock on a table. When its connection ends early, `lost` says so from then on.
///
/// # Errors
/// [`Kind::Busy`] where somebody else has it.
pub(crate) async fn take(
    mut connection: SqlServerConnection,
    table: &TableName,
    wanted: Lock,
    lost: Arc<AtomicBool>,
) -> Result<Box<dyn Guard>> {
    let full_name = full_name(&mut connection, table).await?;
    let mut session = ApplicationLocks { connection, table: table.clone(), full_name };
    if !locks::take(&mut session, wanted).await? {
        let advice =
            "wait until it has ended and run again; one that died frees the table as soon as the server notices";
        return Err(locks::busy(table, wanted, advice));
    }
    let ended = async move {
        loop {
            tokio::time::sleep(LOOK).await;
            if session.connection.is_alive().await.is_err() {
                break;
            }
        }
    };
    Ok(guard::while_connected(ended, table, lost))
}

/// The table's name in a lock's. In lower case: whether `Staging` and `staging` are one table is the database's affair, and where they are two it
/// does no harm that they have one lock.
async fn full_name(connection: &mut SqlServerConnection, table: &TableName) -> Result<String> {
    let schema = match table.schema.is_empty() {
        false => table.schema.clone(),
        true => connection.one_word(OWN_SCHEMA, None).await?.unwrap_or_default(),
    };
    tracing::debug!(table.name = %catalogue::named(table), "asks for a lock");
    Ok(format!("{schema}.{}", table.table).to_lowercase())
}
