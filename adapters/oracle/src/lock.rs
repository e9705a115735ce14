//! One `stage` at a time, or one for each shard: rows that are locked until their session ends, however it ends.
//!
//! DBMS_LOCK would be the way, but no account has it unless it is granted; and every lock of the staging table as a whole that keeps out a
//! second `stage` keeps out its senders. So there is a small table beside it, with a row for each staging table, one for each shard that it
//! was ever staged by, and a gate. No row can be locked by several, so who comes locks its own row, and looks whether all the others are free
//! that would have children in common with it. The gate, which is held for so long, sees to it that nobody else comes meanwhile.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use csc_bridge_core::error::{Error, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::{Guard, Shard};
use csc_bridge_sql::{Connection, Dialect, Lock, Value, guard, locks};

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

/// The table of locks, and the name of the staging table in it.
struct Rows {
    sql: String,
    table: TableName,
    staging: String,
}

impl Rows {
    fn of(staging: &TableName) -> Rows {
        let table = TableName { schema: staging.schema.clone(), table: TABLE.to_owned() };
        let name = OracleDialect.quote(&staging.table).trim_matches('"').to_owned();
        Rows { sql: OracleDialect.table(&table), table, staging: name }
    }

    fn gate(&self) -> String {
        format!("{} gate", self.staging)
    }

    fn shard(&self, shard: Shard) -> String {
        format!("{} {shard}", self.staging)
    }

    /// The shard of a row, if it is one's of this staging table.
    fn is_of(&self, row: &str) -> Option<Shard> {
        row.strip_prefix(&self.staging)?.strip_prefix(' ')?.parse().ok()
    }

    /// Locks a row until the session ends or the transaction is undone. Whether it was free.
    async fn lock(&self, connection: &OracleConnection, row: &str) -> Result<bool> {
        let sql = format!("SELECT l.name FROM {} l WHERE l.name = :1 FOR UPDATE NOWAIT", self.sql);
        connection.locks(&sql, &[Value::text(row)], HELD).await
    }

    async fn lock_gate(&self, connection: &OracleConnection) -> Result<bool> {
        for _ in 0..locks::GATE_TRIES {
            if self.lock(connection, &self.gate()).await? {
                return Ok(true);
            }
            tokio::time::sleep(locks::GATE_PAUSE).await;
        }
        Ok(false)
    }

    /// Whether nobody stages children of the shard, or of the whole, but perhaps the very same. With the gate, on whose connection all rows
    /// are locked that were looked at.
    async fn are_others_free(&self, gate: &mut OracleConnection, shard: Option<Shard>) -> Result<bool> {
        let sql = format!("SELECT l.name FROM {} l", self.sql);
        for mut row in gate.query(&sql, &[]).await? {
            let name = row.word(0)?;
            let is_other = match (self.is_of(&name), shard) {
                (Some(other), Some(shard)) => other.of() != shard.of(),
                (Some(_), None) => true,
                (None, Some(_)) => name == self.staging,
                (None, None) => false,
            };
            if is_other && !self.lock(gate, &name).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A connection that holds a row until it is dropped.
struct Held {
    _connection: OracleConnection,
}

impl Guard for Held {}

/// Takes the lock under which tables are made.
///
/// # Errors
/// [`Kind::Busy`](csc_bridge_core::error::Kind::Busy) where somebody else has it for half a minute.
pub(crate) async fn tables(mut connection: OracleConnection, table: &TableName) -> Result<Box<dyn Guard>> {
    let rows = Rows::of(table);
    ensure(&mut connection, &rows, &[rows.gate()]).await?;
    match rows.lock_gate(&connection).await? {
        true => Ok(Box::new(Held { _connection: connection })),
        false => Err(locks::busy(table, Lock::Tables, "")),
    }
}

/// Takes the lock of `stage` on a table, or on a shard of it. When its connection, the first, ends early, `lost` says so from then on. The other
/// is for the gate.
///
/// # Errors
/// [`Kind::Busy`](csc_bridge_core::error::Kind::Busy) where somebody else has it.
pub(crate) async fn stage(
    [mut connection, mut gate]: [OracleConnection; 2],
    table: &TableName,
    shard: Option<Shard>,
    lost: Arc<AtomicBool>,
) -> Result<Box<dyn Guard>> {
    let rows = Rows::of(table);
    let own = shard.map_or_else(|| rows.staging.clone(), |shard| rows.shard(shard));
    ensure(&mut connection, &rows, &[rows.gate(), rows.staging.clone(), own.clone()]).await?;
    for at in 1.. {
        // A query is never committed: the row is locked until the session ends.
        let is_taken = rows.lock_gate(&gate).await?
            && rows.are_others_free(&mut gate, shard).await?
            && rows.lock(&connection, &own).await?;
        gate.rollback().await?;
        if is_taken {
            break;
        }
        if at == locks::TRIES {
            let advice =
                "wait until it has ended and run again; one that died frees the table as soon as the server notices";
            return Err(locks::busy(table, Lock::Stage(shard), advice));
        }
        tokio::time::sleep(locks::PAUSE).await;
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

/// Makes the table of locks, and rows, where they are not there.
async fn ensure(connection: &mut OracleConnection, rows: &Rows, names: &[String]) -> Result<()> {
    let within =
        |error: Error| error.within(format!("making the table of locks {}", rows.table.to_string().to_uppercase()));
    if connection.columns(&rows.table).await.map_err(within)?.is_none() {
        let sql = format!("CREATE TABLE {} (name VARCHAR2(128 CHAR) PRIMARY KEY)", rows.sql);
        connection.unless(&sql, &[], TAKEN).await.map_err(within)?;
    }
    for name in names {
        let name = [Value::text(name)];
        let there = format!("SELECT COUNT(*) FROM {} WHERE name = :1", rows.sql);
        let there = connection.query(&there, &name).await?.first_mut().map_or(Ok(0), |row| row.integer(0))?;
        if there == 0 {
            let sql = format!("INSERT INTO {} (name) VALUES (:1)", rows.sql);
            connection.unless(&sql, &name, THERE).await.map_err(within)?;
        }
    }
    Ok(())
}
