//! One moment for all reads of a session, and nobody who empties a table meanwhile.
//!
//! Under SNAPSHOT a row that another transaction changes or deletes is still read as it was. TRUNCATE and DROP are not versioned: they
//! wait for nothing but locks on the table, and a snapshot's plain reads hold none between two statements. So a second connection, the
//! *keeper*, reads one row of each table under REPEATABLE READ and leaves its transaction open: the intent lock on the table stays until
//! it ends, and TRUNCATE, DROP and a partition switch need a lock that does not go with it. A table that a refresh is filling at this
//! moment in one transaction is waited for, up to `lock_timeout`.
//!
//! Only when the keeper has all its locks does the session fix its moment. The other way round, or in one transaction, a table that was
//! truncated between the two would be empty, without an error. It cannot be one transaction that changes its level in between either:
//! SQL Server refuses that (3951).
//!
//! What the locks cost others: the shared lock on that one row, for which an UPDATE or DELETE of it waits until the session ends. Views
//! are not locked: behind them may be the CMS's live tables, which nobody truncates and in which no row may be kept from being written.

use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_sql::Connection;

use crate::catalogue;
use crate::connect;
use crate::connection::SqlServerConnection;

/// What allows a snapshot.
const ALLOW: &str = "ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON";

/// The locks of a session and the counts by which a session without a snapshot finds out that something moved.
pub(crate) struct Keeper {
    connection: Box<SqlServerConnection>,
    counts: Vec<(TableName, i64)>,
}

impl Keeper {
    /// Whether the locks are still held.
    ///
    /// # Errors
    /// The connection was lost, and with it the locks: what is read from now on may be of another moment.
    pub(crate) async fn still_keeps(&mut self) -> Result<()> {
        let alive = self.connection.is_alive().await;
        alive.map_err(|error| error.within("the locks that keep the SSD tables from TRUNCATE were lost"))
    }

    /// Whether tables are counted, because there is no snapshot.
    pub(crate) fn counts(&self) -> bool {
        !self.counts.is_empty()
    }

    /// Whether a table has as many rows as when the session began. Always so under a snapshot.
    ///
    /// # Errors
    /// [`Kind::Incomplete`] where it has not.
    pub(crate) fn check(&self, table: &TableName, rows: i64) -> Result<()> {
        match self.counts.iter().find(|(counted, _)| counted == table) {
            Some((_, before)) if *before != rows => Err(Error::new(
                Kind::Incomplete,
                format!("the table {table} changed while it was read: {before} rows before, {rows} after"),
                format!(
                    "run again when nothing refreshes the SSD; or have {ALLOW} said for the database, after which a run sees one moment"
                ),
            )),
            _ => Ok(()),
        }
    }
}

/// Fixes the moment that all further reads of `connection` see; returns what must live as long as it.
pub(crate) async fn begin(connection: &mut SqlServerConnection, tables: &[TableName]) -> Result<Keeper> {
    let mut keeper = connect::open(&connection.settings, connection.lock_lost.clone()).await?;
    // Where a refresh takes tables in another order, the one that gives way is this one.
    keeper.batch("SET DEADLOCK_PRIORITY LOW; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
    keeper.batch("BEGIN TRANSACTION").await?;
    for table in tables {
        let named = catalogue::named(table);
        let kind = keeper.one_word(catalogue::KIND, Some(&named)).await?.unwrap_or_default();
        // A kind that the catalogue does not show is tried: it may be a table of which only SELECT is granted.
        if kind != "V" {
            let lock = format!("SELECT TOP (1) 1 FROM {named} WITH (ROWLOCK)");
            let locked = keeper.query(&lock, &[]).await;
            locked.map_err(|error| error.within(format!("locking {table} against TRUNCATE")))?;
        }
    }
    let state =
        connection.query(catalogue::SNAPSHOT_STATE, &[]).await?.first_mut().map_or(Ok(0), |row| row.integer(0))?;
    let mut counts = Vec::new();
    if state == 1 {
        connection.batch("SET TRANSACTION ISOLATION LEVEL SNAPSHOT").await?;
        connection.batch("BEGIN TRANSACTION").await?;
        // The moment is that of the first read of a table, not that of BEGIN.
        if let Some(table) = tables.first() {
            connection.query(&format!("SELECT TOP (1) 1 FROM {}", catalogue::named(table)), &[]).await?;
        }
    } else {
        tracing::warn!(
            place = %connection.settings.place,
            "the database does not allow snapshots ({ALLOW}): tables are read one after another, and counted before and after"
        );
        for table in tables {
            let sql = format!("SELECT COUNT(*) FROM {}", catalogue::named(table));
            let rows = connection.query(&sql, &[]).await?.first_mut().map_or(Ok(0), |row| row.integer(0))?;
            counts.push((table.clone(), rows));
        }
    }
    Ok(Keeper { connection: Box::new(keeper), counts })
}

/// The longest wait for an answer to the question whether a connection is alive.
pub(crate) const ALIVE: Duration = Duration::from_secs(30);
