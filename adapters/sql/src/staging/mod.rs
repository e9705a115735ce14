//! The second contract over SQL: [`SqlStaging`], the staging table and its two logs.
//!
//! One file for each thing that is done with them: [`tables`] their columns and DDL, [`ledger`] what `stage` reads, [`apply`]
//! what it writes, [`choose`], [`claim`] and [`record`] what a sender does, [`recover`] what a lost sender left behind, [`logs`]
//! the two logs.
//! Everything they share is [`Shared`]: the tables' names, idle connections, and what this process itself holds.

mod apply;
mod choose;
mod claim;
mod history;
mod ledger;
mod logs;
mod record;
mod recover;
mod tables;

use std::collections::HashSet;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::config::{ManagedBy, StagingConfig};
use csc_bridge_core::error::Result;
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::{
    Attempt, Candidate, ChangeSet, Choice, Claim, ClosedAs, Documents, Guard, IntentRecord, LastStaged, LedgerRow,
    MayHold, RunRecord, Staging, StatusReport,
};

use crate::{Connection, Dialect, Engine, Lock, Purpose, name, set};

/// The names of the staging tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagingNames {
    /// The staging table.
    pub staging: TableName,
    /// The submission log.
    pub log: TableName,
    /// The run log.
    pub runs: TableName,
    /// Whether missing tables are created.
    pub create: bool,
    /// Whether the staging table and its twin are among them: one that another tool fills is that tool's to create.
    pub create_staging: bool,
    /// Whether a database that is not there may be created for them, where the product can.
    pub create_database: bool,
}

impl From<&StagingConfig> for StagingNames {
    fn from(config: &StagingConfig) -> StagingNames {
        let table = |table: &String| TableName { schema: config.schema.clone(), table: table.clone() };
        StagingNames {
            staging: table(&config.table),
            log: table(&config.log_table),
            runs: table(&config.run_table),
            create: config.create,
            create_staging: config.create && config.managed_by == ManagedBy::CscBridge,
            create_database: config.create && config.own_database,
        }
    }
}

/// The staging tables behind an [`Engine`].
pub struct SqlStaging {
    shared: Arc<Shared>,
}

impl SqlStaging {
    /// Checks the names; opens nothing yet.
    ///
    /// # Errors
    /// [`Kind::Config`](csc_bridge_core::error::Kind::Config): a name that no database can have.
    pub fn new(engine: Arc<dyn Engine>, names: StagingNames) -> Result<SqlStaging> {
        for table in [&names.staging, &names.log, &names.runs] {
            name::check_table(table)?;
        }
        let dialect = engine.dialect();
        let sql = TableSql {
            staging: dialect.table(&names.staging),
            log: dialect.table(&names.log),
            runs: dialect.table(&names.runs),
        };
        let shared = Shared {
            engine,
            names,
            sql,
            idle: Mutex::default(),
            claimed: Mutex::default(),
            submit_locks: AtomicUsize::new(0),
        };
        Ok(SqlStaging { shared: Arc::new(shared) })
    }
}

/// What all parts of the staging share.
struct Shared {
    engine: Arc<dyn Engine>,
    names: StagingNames,
    sql: TableSql,
    /// Connections that nobody uses, with their temporary tables. One that met an error never comes back here.
    idle: Mutex<Vec<Box<dyn Connection>>>,
    /// The trimmed ids of the rows that this process has claimed, for products without row locks.
    claimed: Mutex<HashSet<String>>,
    /// How many submit locks this process holds.
    submit_locks: AtomicUsize,
}

/// The tables as the dialect spells them.
struct TableSql {
    staging: String,
    log: String,
    runs: String,
}

impl Shared {
    fn dialect(&self) -> &dyn Dialect {
        self.engine.dialect()
    }

    fn claimed(&self) -> MutexGuard<'_, HashSet<String>> {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection with its temporary tables: an idle one, or a new one.
    async fn lease(self: &Arc<Self>) -> Result<Lease> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let mut connection = self.engine.connect(Purpose::Stage).await?;
                set::create(connection.as_mut(), self.dialect()).await?;
                record::create_outcomes(connection.as_mut(), self.dialect()).await?;
                logs::create_intents(connection.as_mut(), self.dialect()).await?;
                recover::create_lost(connection.as_mut(), self.dialect()).await?;
                connection
            }
        };
        Ok(Lease { connection, shared: self.clone() })
    }
}

/// A connection in use. Dropping it closes the connection, which undoes an open transaction and frees its row locks; only
/// [`Lease::give_back`] keeps it for the next one. So whatever goes wrong, nothing half-done is left on a connection.
struct Lease {
    connection: Box<dyn Connection>,
    shared: Arc<Shared>,
}

impl Lease {
    /// Keeps the connection for others. Only outside a transaction.
    fn give_back(self) {
        self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.connection);
    }
}

impl Deref for Lease {
    type Target = dyn Connection;

    fn deref(&self) -> &Self::Target {
        self.connection.as_ref()
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.connection.as_mut()
    }
}

/// The submit lock, counted while this process holds it.
struct SubmitGuard {
    _lock: Box<dyn Guard>,
    shared: Arc<Shared>,
}

impl Guard for SubmitGuard {}

impl Drop for SubmitGuard {
    fn drop(&mut self) {
        self.shared.submit_locks.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Staging for SqlStaging {
    async fn prepare(&self) -> Result<()> {
        tables::prepare(&self.shared).await
    }

    async fn is_ready(&self) -> Result<bool> {
        tables::is_ready(&self.shared).await
    }

    async fn lock_stage(&self) -> Result<Box<dyn Guard>> {
        self.shared.engine.lock(&self.shared.names.staging, Lock::Stage).await
    }

    async fn lock_submit(&self) -> Result<Box<dyn Guard>> {
        let lock = self.shared.engine.lock(&self.shared.names.staging, Lock::Submit).await?;
        self.shared.submit_locks.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(SubmitGuard { _lock: lock, shared: self.shared.clone() }))
    }

    async fn recover(&self, older_than: Duration, may_hold: &MayHold<'_>) -> Result<u64> {
        recover::recover(&self.shared, older_than, may_hold).await
    }

    async fn ledger(&self, ids: &[String]) -> Result<Vec<LedgerRow>> {
        ledger::ledger(&self.shared, ids).await
    }

    async fn each_key(&self, take: &mut (dyn for<'k> FnMut(&'k str) + Send)) -> Result<()> {
        ledger::each_key(&self.shared, take).await
    }

    async fn documents(&self, ids: &[String]) -> Result<Vec<Documents>> {
        ledger::documents(&self.shared, ids).await
    }

    async fn changes(&self) -> Result<Box<dyn ChangeSet>> {
        Ok(Box::new(apply::SqlChangeSet::new(&self.shared).await?))
    }

    async fn candidates(&self, choice: Choice) -> Result<Vec<Candidate>> {
        choose::candidates(&self.shared, choice).await
    }

    async fn superseded(&self) -> Result<u64> {
        choose::superseded(&self.shared).await
    }

    async fn claim(&self, ids: &[String], choice: Choice) -> Result<Box<dyn Claim>> {
        Ok(Box::new(claim::SqlClaim::take(&self.shared, ids, choice).await?))
    }

    async fn open_intents(&self, attempt: &Attempt, records: &[IntentRecord]) -> Result<()> {
        logs::open_intents(&self.shared, attempt, records).await
    }

    async fn close_intents(&self, attempt_id: &str, person_ids: &[String], closed_as: ClosedAs) -> Result<()> {
        logs::close_intents(&self.shared, attempt_id, person_ids, closed_as).await
    }

    async fn last_staged(&self) -> Result<Option<LastStaged>> {
        logs::last_staged(&self.shared).await
    }

    async fn record_run(&self, run: &RunRecord) -> Result<()> {
        logs::record_run(&self.shared, run).await
    }

    async fn prune(&self, older_than: Duration) -> Result<u64> {
        logs::prune(&self.shared, older_than).await
    }

    async fn status(&self) -> Result<StatusReport> {
        logs::status(&self.shared).await
    }
}
