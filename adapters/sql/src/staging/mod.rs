//! The second contract over SQL: [`SqlStaging`], the staging table and its two logs.
//!
//! One file for each thing that is done with them: [`tables`] their columns and DDL, [`prepare`] how they get ready, [`ledger`] what `stage` reads, [`apply`]
//! what it writes, [`choose`], [`claim`] and [`record`] what a sender does, [`recover`] what a lost sender left behind, [`resubmit`] what somebody asks to be sent again, [`status`]
//! the numbers; [`rehearse`] what `check` tries; [`log`] the logs' statements, [`logs`] the logs as a thing of their own, [`no_logs`] logs that are not there yet, [`beside`] which of them is asked.
//! Everything they share is [`Shared`]: the tables' names, idle connections, and what this process itself holds.

mod apply;
mod beside;
mod choose;
mod claim;
mod ledger;
mod located;
mod log;
mod logs;
mod no_logs;
mod pool;
mod prepare;
mod record;
mod recover;
mod rehearse;
mod resubmit;
mod status;
mod tables;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::config::{ManagedBy, StagingConfig};
use csc_bridge_core::error::Result;
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::{
    Attempt, Candidate, ChangeSet, Choice, Claim, ClosedAs, Closing, Documents, Guard, IntentRecord, LastStaged,
    LedgerRow, Logs, MayHold, Rehearsal, Resubmitted, RunRecord, Shard, Staging, States, StatusReport,
};

use crate::{Lock, WritingDialect, WritingEngine, name};
use beside::LogPlace;
use pool::{Lease, Pool};

pub use logs::SqlLogs;

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

/// The staging tables behind an [`WritingEngine`].
pub struct SqlStaging {
    shared: Arc<Shared>,
}

impl SqlStaging {
    /// Checks the names; opens nothing yet. `fallback` takes the logs where the database refuses them.
    ///
    /// # Errors
    /// [`Kind::Config`](csc_bridge_core::error::Kind::Config): a name that no database can have.
    pub fn new(
        engine: Arc<dyn WritingEngine>,
        names: StagingNames,
        fallback: Option<Arc<dyn Logs>>,
    ) -> Result<SqlStaging> {
        for table in [&names.staging, &names.log, &names.runs] {
            name::check_table(table)?;
        }
        let pool = Arc::new(Pool::new(engine));
        let shared = Shared {
            sql: TableSql { staging: pool.dialect().table(&names.staging) },
            logs: Arc::new(SqlLogs::among(pool.clone(), names.log.clone(), names.runs.clone())),
            pool,
            names,
            fallback,
            log_place: Mutex::default(),
            claimed: Mutex::default(),
            submit_locks: AtomicUsize::new(0),
        };
        Ok(SqlStaging { shared: Arc::new(shared) })
    }
}

/// What all parts of the staging share.
struct Shared {
    pool: Arc<Pool>,
    names: StagingNames,
    sql: TableSql,
    /// The logs in the database of the staging table.
    logs: Arc<SqlLogs>,
    /// The logs where that database refuses them.
    fallback: Option<Arc<dyn Logs>>,
    /// Which of the two it is, once that is known.
    log_place: Mutex<Option<LogPlace>>,
    /// The trimmed ids of the rows that this process has claimed, for products without row locks.
    claimed: Mutex<HashSet<String>>,
    /// How many submit locks this process holds.
    submit_locks: AtomicUsize,
}

/// The staging table as the dialect spells it.
struct TableSql {
    staging: String,
}

impl Shared {
    fn dialect(&self) -> &dyn WritingDialect {
        self.pool.dialect()
    }

    fn claimed(&self) -> MutexGuard<'_, HashSet<String>> {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection with its temporary tables.
    async fn lease(&self) -> Result<Lease> {
        self.pool.lease().await
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
        prepare::prepare(&self.shared).await
    }

    async fn is_ready(&self) -> Result<bool> {
        prepare::is_ready(&self.shared).await
    }

    async fn rehearse(&self, for_stage: bool) -> Result<Rehearsal> {
        rehearse::rehearse(&self.shared, for_stage).await
    }

    async fn lock_stage(&self, shard: Option<Shard>) -> Result<Box<dyn Guard>> {
        self.shared.pool.engine.lock(&self.shared.names.staging, Lock::Stage(shard)).await
    }

    async fn lock_submit(&self) -> Result<Box<dyn Guard>> {
        let lock = self.shared.pool.engine.lock(&self.shared.names.staging, Lock::Submit).await?;
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

    async fn resubmit(&self, ids: &[String], choice: Choice, dry_run: bool) -> Result<Vec<Resubmitted>> {
        resubmit::resubmit(&self.shared, ids, choice, dry_run).await
    }

    async fn open_intents(&self, attempt: &Attempt, records: &[IntentRecord]) -> Result<()> {
        self.shared.logs().await?.open(attempt, records).await
    }

    async fn close_intents(&self, attempt_id: &str, person_ids: &[String], closed_as: ClosedAs) -> Result<()> {
        let closing = |person_id: &String| Closing {
            attempt_id: attempt_id.to_owned(),
            person_id: person_id.clone(),
            closed_as,
            response_id: None,
        };
        self.shared.logs().await?.close(&person_ids.iter().map(closing).collect::<Vec<_>>()).await
    }

    async fn last_staged(&self) -> Result<Vec<LastStaged>> {
        self.shared.logs().await?.last_staged().await
    }

    async fn record_run(&self, run: &RunRecord) -> Result<()> {
        self.shared.logs().await?.record_run(run).await
    }

    async fn prune(&self, older_than: Duration) -> Result<u64> {
        self.shared.logs().await?.prune(older_than).await
    }

    async fn states(&self) -> Result<States> {
        status::states(&self.shared).await
    }

    async fn status(&self) -> Result<StatusReport> {
        status::status(&self.shared).await
    }
}
