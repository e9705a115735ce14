//! [`SqlLogs`]: the two logs as a thing of their own, each operation in a transaction of its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::{
    Attempt, Closing, Hash, IntentRecord, LastRun, LastStaged, Logs, LostIntent, RunRecord,
};

use super::log::LogSql;
use super::pool::{Lease, Pool};
use super::prepare;
use crate::{Purpose, Transaction, WritingEngine, name};

/// The two logs behind an [`WritingEngine`].
pub struct SqlLogs {
    pool: Arc<Pool>,
    names: [TableName; 2],
    log: String,
    runs: String,
}

impl SqlLogs {
    /// The submission log and the run log in a database of their own. Opens nothing yet.
    ///
    /// # Errors
    /// [`Kind::Config`](csc_bridge_core::error::Kind::Config): a name that no database can have.
    pub fn new(engine: Arc<dyn WritingEngine>, log: TableName, runs: TableName) -> Result<SqlLogs> {
        name::check_table(&log)?;
        name::check_table(&runs)?;
        Ok(SqlLogs::among(Arc::new(Pool::new(engine)), log, runs))
    }

    /// The logs over connections that others use, too.
    pub(super) fn among(pool: Arc<Pool>, log: TableName, runs: TableName) -> SqlLogs {
        let (log_sql, runs_sql) = (pool.dialect().table(&log), pool.dialect().table(&runs));
        SqlLogs { pool, names: [log, runs], log: log_sql, runs: runs_sql }
    }

    /// Their statements.
    pub(super) fn sql(&self) -> LogSql<'_> {
        LogSql { dialect: self.pool.dialect(), log: &self.log, runs: &self.runs }
    }

    /// The names of the submission log and of the run log.
    pub(super) fn names(&self) -> &[TableName; 2] {
        &self.names
    }
}

async fn commit(mut lease: Lease) -> Result<()> {
    lease.commit().await?;
    lease.give_back();
    Ok(())
}

#[async_trait]
impl Logs for SqlLogs {
    fn place(&self) -> String {
        self.pool.engine.place()
    }

    async fn exist(&self) -> Result<bool> {
        if !self.pool.engine.exists().await? {
            return Ok(false);
        }
        let mut connection = self.pool.engine.connect(Purpose::Stage).await?;
        prepare::are_logs_there(connection.as_mut(), &self.names, true).await
    }

    async fn prepare(&self) -> Result<()> {
        let mut connection = self.pool.engine.connect(Purpose::Prepare { create: true }).await?;
        prepare::prepare_logs(connection.as_mut(), &*self.pool.engine, &self.names, true).await
    }

    async fn open(&self, attempt: &Attempt, records: &[IntentRecord]) -> Result<()> {
        let mut lease = self.pool.lease().await?;
        self.sql().load_intents(&mut lease, records).await?;
        let statements = vec![self.sql().open(attempt)];
        let opened = lease.transact(Transaction { statements, ..Transaction::default() }).await?;
        if opened != [records.len() as u64] {
            return Err(Error::internal("the submission log did not take every intent"));
        }
        lease.give_back();
        Ok(())
    }

    async fn close(&self, closings: &[Closing]) -> Result<()> {
        if closings.is_empty() {
            return Ok(());
        }
        let mut lease = self.pool.lease().await?;
        self.sql().load_closings(&mut lease, closings).await?;
        let statements = vec![self.sql().close()];
        lease.transact(Transaction { statements, ..Transaction::default() }).await?;
        lease.give_back();
        Ok(())
    }

    async fn waiting(&self, among: Option<&[String]>) -> Result<HashSet<String>> {
        let mut lease = self.pool.lease().await?;
        if let Some(ids) = among {
            lease.fill(ids.iter().map(String::as_str)).await?;
        }
        let waiting = self.sql().waiting(&mut *lease, among.is_some()).await?;
        lease.give_back();
        Ok(waiting)
    }

    async fn lost(&self, older_than: Duration) -> Result<Vec<LostIntent>> {
        let mut lease = self.pool.lease().await?;
        let lost = self.sql().lost(&mut *lease, older_than).await?;
        lease.give_back();
        Ok(lost)
    }

    async fn last_accepted(&self, ids: &[String]) -> Result<HashMap<String, Hash>> {
        let mut lease = self.pool.lease().await?;
        lease.fill(ids.iter().map(String::as_str)).await?;
        let accepted = self.sql().last_accepted(&mut *lease).await?;
        lease.give_back();
        Ok(accepted)
    }

    async fn last_staged(&self) -> Result<Vec<LastStaged>> {
        let mut lease = self.pool.lease().await?;
        let last = self.sql().last_staged(&mut *lease).await?;
        lease.give_back();
        Ok(last)
    }

    async fn record_run(&self, run: &RunRecord) -> Result<()> {
        let mut lease = self.pool.lease().await?;
        lease.begin().await?;
        self.sql().record_run(&mut *lease, run).await?;
        commit(lease).await
    }

    async fn prune(&self, older_than: Duration) -> Result<u64> {
        let mut lease = self.pool.lease().await?;
        lease.begin().await?;
        let deleted = self.sql().prune(&mut *lease, older_than).await?;
        commit(lease).await?;
        Ok(deleted)
    }

    async fn open_intents(&self) -> Result<u64> {
        let mut lease = self.pool.lease().await?;
        let open = self.sql().open_intents(&mut *lease).await?;
        lease.give_back();
        Ok(open)
    }

    async fn last_run(&self) -> Result<Option<LastRun>> {
        let mut lease = self.pool.lease().await?;
        let last = self.sql().last_run(&mut *lease).await?;
        lease.give_back();
        Ok(last)
    }
}
