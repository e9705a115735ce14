//! Change sets and claims that are wrong in one way.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use csc_bridge_core::error::Result;
use csc_bridge_core::staging::*;

use super::faults::{StagingFault, VersionPart};
use super::staging::Memory;
use crate::{Place, Value};

pub(super) struct TwinChanges {
    pub(super) inner: Box<dyn ChangeSet>,
    pub(super) staging: Arc<dyn Staging>,
    pub(super) fault: StagingFault,
    /// Changes that are not pushed on before they are applied.
    pub(super) held: Vec<Write>,
}

/// The row of a write as it is now.
async fn now(staging: &dyn Staging, write: &Write) -> Result<Option<LedgerRow>> {
    Ok(staging.ledger(std::slice::from_ref(&write.person_id)).await?.pop())
}

async fn apply_one(staging: &dyn Staging, writes: Vec<Write>) -> Result<Applied> {
    let mut changes = staging.changes().await?;
    changes.push(writes).await?;
    changes.apply().await
}

fn without_astral(text: &str) -> String {
    text.chars().map(|c| if c > '\u{ffff}' { '\u{fffd}' } else { c }).collect()
}

/// The write as the twin makes it.
async fn changed(staging: &dyn Staging, fault: StagingFault, mut write: Write) -> Result<Write> {
    match fault {
        StagingFault::Overwrites => write.expected = now(staging, &write).await?.map(|row| row.version),
        StagingFault::Ignores(part) => {
            let there = now(staging, &write).await?;
            if let (Some(expected), Some(there)) = (&mut write.expected, there) {
                match part {
                    VersionPart::PreviousHash => expected.previous_hash = there.version.previous_hash,
                    VersionPart::Status => expected.status = there.version.status,
                    VersionPart::RowState => expected.row_state = there.version.row_state,
                    VersionPart::LastUpdated => expected.last_updated = there.version.last_updated,
                }
            }
        }
        StagingFault::FoldsIds => write.person_id = write.person_id.to_lowercase(),
        StagingFault::CutsIds => write.person_id = write.person_id.chars().take(48).collect(),
        StagingFault::AlwaysWritesADocument => {
            write.document.get_or_insert_with(|| NewDocument { json: "{}".to_owned(), legacy_id: None });
        }
        StagingFault::TidiesWords if write.status == Status::Other => write.status = Status::Pending,
        StagingFault::AlwaysTouches => write.touches = true,
        StagingFault::KeepsWhatIsPrepared if write.outgoing.is_none() => {
            let documents = staging.documents(std::slice::from_ref(&write.person_id)).await?;
            write.outgoing = documents.into_iter().next().and_then(|documents| documents.outgoing);
        }
        StagingFault::ReplacesAstral => {
            if let Some(document) = &mut write.document {
                document.json = without_astral(&document.json);
            }
        }
        _ => {}
    }
    Ok(write)
}
#[async_trait]
impl ChangeSet for TwinChanges {
    async fn push(&mut self, writes: Vec<Write>) -> Result<()> {
        match self.fault {
            StagingFault::WritesAtOnce => apply_one(self.staging.as_ref(), writes).await.map(drop),
            _ => {
                self.held.extend(writes);
                Ok(())
            }
        }
    }

    async fn apply(mut self: Box<Self>) -> Result<Applied> {
        let mut writes = Vec::with_capacity(self.held.len());
        for write in std::mem::take(&mut self.held) {
            writes.push(changed(self.staging.as_ref(), self.fault, write).await?);
        }
        match self.fault {
            StagingFault::ForgetsCommit => Ok(Applied { written: writes.len() as u64, missed: Vec::new() }),
            StagingFault::BelievesItApplied => {
                let written = writes.len() as u64;
                writes.truncate(writes.len() / 2);
                apply_one(self.staging.as_ref(), writes).await?;
                Ok(Applied { written, missed: Vec::new() })
            }
            StagingFault::SavesWhatItCan => {
                let mut applied = Applied::default();
                let mut size = writes.len();
                while !writes.is_empty() {
                    match apply_one(self.staging.as_ref(), writes[..size].to_vec()).await {
                        Ok(part) => {
                            applied.written += part.written;
                            applied.missed.extend(part.missed);
                            writes.drain(..size);
                            size = writes.len().min(size);
                        }
                        Err(error) if size == 1 => return Err(error),
                        Err(_) => size = size.div_ceil(2),
                    }
                }
                Ok(applied)
            }
            _ => {
                self.inner.push(writes).await?;
                self.inner.apply().await
            }
        }
    }
}

pub(super) struct TwinClaim {
    /// None once it was recorded, and where nothing is locked.
    pub(super) inner: Option<Box<dyn Claim>>,
    pub(super) choice: Choice,
    pub(super) rows: Vec<Arc<ClaimedRow>>,
    pub(super) staging: Arc<dyn Staging>,
    pub(super) place: Arc<dyn Place>,
    pub(super) table: String,
    pub(super) fault: StagingFault,
    pub(super) memory: Arc<Mutex<Memory>>,
}

impl Drop for TwinClaim {
    fn drop(&mut self) {
        // One is enough: each would keep a connection.
        if self.fault == StagingFault::NeverFrees {
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            if !std::mem::replace(&mut memory.leaked, true) {
                std::mem::forget(self.inner.take());
            }
        }
    }
}

impl TwinClaim {
    fn outcomes(&self, mut outcomes: Vec<Outcome>) -> Vec<Outcome> {
        match self.fault {
            StagingFault::WithdrawsNothing => {
                outcomes.retain(|outcome| !matches!(outcome.result, SendResult::Withdrawn));
            }
            StagingFault::OverlooksStrangers => {
                outcomes.retain(|outcome| self.rows.iter().any(|row| row.person_id == outcome.person_id));
                outcomes.dedup_by(|a, b| a.person_id == b.person_id);
            }
            StagingFault::InventsOutcomes => {
                let without: Vec<&Arc<ClaimedRow>> =
                    self.rows.iter().filter(|row| !outcomes.iter().any(|o| o.person_id == row.person_id)).collect();
                outcomes.extend(without.into_iter().map(|row| Outcome {
                    person_id: row.person_id.clone(),
                    attempt_id: None,
                    result: SendResult::Refused { reason: "nobody knows".to_owned() },
                }));
            }
            _ => {}
        }
        outcomes.into_iter().map(|outcome| self.changed(outcome)).collect()
    }

    fn changed(&self, mut outcome: Outcome) -> Outcome {
        match (self.fault, &mut outcome.result) {
            (StagingFault::LeavesIntentsOpen, _) => outcome.attempt_id = None,
            (StagingFault::ForgetsTheTime, SendResult::Accepted { received_at, .. }) => *received_at = None,
            (StagingFault::CutsReasons, SendResult::Refused { reason }) => *reason = reason.chars().take(10).collect(),
            (StagingFault::UnusableIsRefused, SendResult::Unusable { reason }) => {
                outcome.result = SendResult::Refused { reason: reason.clone() };
            }
            (StagingFault::PurgesAreDocuments, SendResult::Purged { document, receipt, .. }) => {
                let (document, receipt) = (document.clone(), receipt.clone());
                outcome.result = SendResult::Accepted { document, hash: [7; 32], receipt, received_at: None };
            }
            _ => {}
        }
        outcome
    }

    /// What the twin does to the rows when their outcomes are there.
    async fn afterwards(&self, ids: &[String]) -> Result<()> {
        let sent = [("submission_status", Value::text("sent")), ("row_state", Value::text("unchanged"))];
        let touched = [("last_updated", Value::Timestamp("2026-11-20 00:00:00.000".to_owned()))];
        let set: &[(&str, Value)] = match self.fault {
            StagingFault::BelievesItIsWanted | StagingFault::RecordsIntoEveryRow => &sent,
            StagingFault::TouchesWhoLeft => &touched,
            StagingFault::ClosesAllIntents => {
                let attempts = self.memory.lock().unwrap_or_else(PoisonError::into_inner).attempts.clone();
                for (attempt, ids) in attempts {
                    self.staging.close_intents(&attempt, &ids, ClosedAs::NotTaken).await?;
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        for id in ids {
            let _ = self.place.update(&self.table, set, Some(("person_id", id))).await;
        }
        Ok(())
    }
}

#[async_trait]
impl Claim for TwinClaim {
    fn rows(&self) -> &[Arc<ClaimedRow>] {
        &self.rows
    }

    async fn still_held(&mut self) -> Result<bool> {
        match &mut self.inner {
            _ if matches!(self.fault, StagingFault::AlwaysHeld | StagingFault::ClaimsWithoutALock) => Ok(true),
            Some(inner) => inner.still_held().await,
            None => Ok(false),
        }
    }

    async fn record(mut self: Box<Self>, outcomes: Vec<Outcome>) -> Result<()> {
        if self.fault == StagingFault::ForgetsOutcomes {
            return Ok(());
        }
        let mut outcomes = self.outcomes(outcomes);
        if self.fault == StagingFault::ClaimsWithoutALock {
            let ids: Vec<String> = self.rows.iter().map(|row| row.person_id.clone()).collect();
            let late = self.staging.claim(&ids, self.choice).await?;
            outcomes.retain(|outcome| late.rows().iter().any(|row| row.person_id == outcome.person_id));
            self.inner = Some(late);
        }
        let ids: Vec<String> = outcomes.iter().map(|outcome| outcome.person_id.clone()).collect();
        if let Some(inner) = self.inner.take() {
            inner.record(outcomes).await?;
        }
        self.afterwards(&ids).await
    }
}
