//! Where the logs are, and what a row's own transaction asks of them.
//!
//! Beside the staging table a row and its intents are read and written on one connection. Where the logs are apart, what is read is
//! a little older or newer than the row, and what is written is committed after it. The locks on the rows make both safe: nobody
//! opens an intent for a row that somebody else holds, and an intent that outlives its row's outcome only sends the child again.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use csc_bridge_core::error::Result;
use csc_bridge_core::staging::{Closing, Hash, Logs, LostIntent};

use super::Shared;
use super::pool::Lease;
use crate::Transaction;

/// Where the logs are.
#[derive(Clone)]
pub(super) enum LogPlace {
    /// In the database of the staging table.
    Beside,
    /// Somewhere else.
    Apart(Arc<dyn Logs>),
}

impl Shared {
    /// Where the logs are. Logs that are apart stay there: they may know of requests of which nobody else does.
    pub(super) async fn log_place(&self) -> Result<LogPlace> {
        let known = self.log_place.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (known, &self.fallback) {
            (Some(place), _) => Ok(place),
            (None, Some(fallback)) if fallback.exist().await? => Ok(self.logs_are(LogPlace::Apart(fallback.clone()))),
            (None, _) => Ok(self.logs_are(LogPlace::Beside)),
        }
    }

    /// Remembers where the logs are.
    pub(super) fn logs_are(&self, place: LogPlace) -> LogPlace {
        *self.log_place.lock().unwrap_or_else(PoisonError::into_inner) = Some(place.clone());
        place
    }

    /// The logs, wherever they are, with a transaction of their own for everything.
    pub(super) async fn logs(&self) -> Result<Arc<dyn Logs>> {
        Ok(match self.log_place().await? {
            LogPlace::Beside => self.logs.clone(),
            LogPlace::Apart(logs) => logs,
        })
    }

    /// Of which of the set's children a request waits for its answer. `ids` are those in the lease's [`crate::SET`].
    pub(super) async fn waiting(&self, lease: &mut Lease, ids: &[String]) -> Result<HashSet<String>> {
        match self.log_place().await? {
            LogPlace::Beside => self.logs.sql().waiting(&mut **lease, true).await,
            LogPlace::Apart(logs) => logs.waiting(Some(ids)).await,
        }
    }

    /// What the log says that DfE last accepted for the set's children. `ids` are those in the lease's [`crate::SET`].
    pub(super) async fn last_accepted(&self, lease: &mut Lease, ids: &[String]) -> Result<HashMap<String, Hash>> {
        match self.log_place().await? {
            LogPlace::Beside => self.logs.sql().last_accepted(&mut **lease).await,
            LogPlace::Apart(logs) => logs.last_accepted(ids).await,
        }
    }

    /// The open intents that are old.
    pub(super) async fn lost(&self, lease: &mut Lease, older_than: Duration) -> Result<Vec<LostIntent>> {
        match self.log_place().await? {
            LogPlace::Beside => self.logs.sql().lost(&mut **lease, older_than).await,
            LogPlace::Apart(logs) => logs.lost(older_than).await,
        }
    }

    /// Loads what [`Shared::commit_and_close`] needs of the closings on this connection.
    pub(super) async fn load_closings(&self, lease: &mut Lease, closings: &[Closing]) -> Result<()> {
        match self.log_place().await? {
            LogPlace::Beside => self.logs.sql().load_closings(lease, closings).await,
            LogPlace::Apart(_) => Ok(()),
        }
    }

    /// Writes to rows, and with it or after it the end of their intents, which have been loaded. Returns how many rows each statement
    /// changed.
    pub(super) async fn commit_and_close(
        &self,
        lease: &mut Lease,
        mut transaction: Transaction,
        closings: &[Closing],
    ) -> Result<Vec<u64>> {
        match self.log_place().await? {
            LogPlace::Beside => {
                let rows = transaction.statements.len();
                transaction.statements.extend((!closings.is_empty()).then(|| self.logs.sql().close()));
                let mut changed = lease.transact(transaction).await?;
                changed.truncate(rows);
                Ok(changed)
            }
            LogPlace::Apart(logs) => {
                // What is committed must not be less lasting than the end of its intents, which follows.
                let changed = lease.transact(Transaction { may_be_lost: false, ..transaction }).await?;
                logs.close(closings).await?;
                Ok(changed)
            }
        }
    }
}
