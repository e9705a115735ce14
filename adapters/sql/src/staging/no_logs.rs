//! The logs as whoever only looks sees them before they are there.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Result};
use csc_bridge_core::staging::{
    Attempt, Closing, Hash, IntentRecord, LastRun, LastStaged, Logs, LostIntent, RunRecord,
};

/// Logs without a row, into which nothing can be written.
pub(super) struct NoLogs;

fn not_there<T>() -> Result<T> {
    Err(Error::internal("the logs are written before they were prepared"))
}

#[async_trait]
impl Logs for NoLogs {
    fn place(&self) -> String {
        "not there yet".to_owned()
    }

    async fn exist(&self) -> Result<bool> {
        Ok(false)
    }

    async fn prepare(&self) -> Result<()> {
        not_there()
    }

    async fn open(&self, _: &Attempt, _: &[IntentRecord]) -> Result<()> {
        not_there()
    }

    async fn close(&self, _: &[Closing]) -> Result<()> {
        not_there()
    }

    async fn waiting(&self, _: Option<&[String]>) -> Result<HashSet<String>> {
        Ok(HashSet::new())
    }

    async fn lost(&self, _: Duration) -> Result<Vec<LostIntent>> {
        Ok(Vec::new())
    }

    async fn last_accepted(&self, _: &[String]) -> Result<HashMap<String, Hash>> {
        Ok(HashMap::new())
    }

    async fn last_staged(&self) -> Result<Vec<LastStaged>> {
        Ok(Vec::new())
    }

    async fn record_run(&self, _: &RunRecord) -> Result<()> {
        not_there()
    }

    async fn prune(&self, _: Duration) -> Result<u64> {
        not_there()
    }

    async fn open_intents(&self) -> Result<u64> {
        Ok(0)
    }

    async fn last_run(&self) -> Result<Option<LastRun>> {
        Ok(None)
    }
}
