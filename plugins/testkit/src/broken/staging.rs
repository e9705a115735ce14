//! Stagings that are wrong in one way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::staging::*;

use super::faults::StagingFault;
use super::stores::{TwinChanges, TwinClaim};
use crate::{Place, StagingSettings, Value};

/// What a twin remembers.
#[derive(Default)]
pub(super) struct Memory {
    /// Attempts with their records.
    pub(super) attempts: Vec<(String, Vec<String>)>,
    accepted: HashMap<String, Hash>,
    asked: Vec<String>,
    pub(super) leaked: bool,
}

pub(super) struct TwinStaging {
    inner: Arc<dyn Staging>,
    place: Arc<dyn Place>,
    settings: StagingSettings,
    fault: StagingFault,
    memory: Arc<Mutex<Memory>>,
}

struct NoGuard;

/// Held by whoever prepares alone.
static PREPARING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

impl Guard for NoGuard {}

impl TwinStaging {
    pub(super) fn new(
        inner: Arc<dyn Staging>,
        place: Arc<dyn Place>,
        settings: StagingSettings,
        fault: StagingFault,
    ) -> TwinStaging {
        TwinStaging { inner, place, settings, fault, memory: Arc::default() }
    }

    fn is(&self, fault: StagingFault) -> bool {
        self.fault == fault
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn raw_ids(&self) -> Vec<String> {
        let rows = self.place.read(&self.settings.staging, &["person_id"]).await.unwrap_or_default();
        rows.into_iter().flatten().flatten().collect()
    }

    fn choice(&self, choice: Choice) -> Choice {
        if self.is(StagingFault::OneChoice) { Choice::AsStaged } else { choice }
    }

    fn ids(&self, ids: &[String]) -> Vec<String> {
        let fold = |id: &String| if self.is(StagingFault::FoldsIds) { id.to_lowercase() } else { id.clone() };
        ids.iter().map(fold).collect()
    }

    fn believed(&self, id: &str, accepted: Option<Hash>) -> Option<Hash> {
        if !self.is(StagingFault::BelievesForEver) {
            return accepted;
        }
        let mut memory = self.memory();
        if let Some(hash) = accepted {
            memory.accepted.insert(id.to_owned(), hash);
        }
        memory.accepted.get(id).copied()
    }

    fn read_row(&self, mut row: LedgerRow) -> LedgerRow {
        let is_lower = |word: &Option<String>| word.as_ref().is_some_and(|word| *word == word.trim().to_lowercase());
        if self.is(StagingFault::KnowsOneCase) && !is_lower(&row.version.status) {
            row.status = Status::Other;
        }
        if self.is(StagingFault::Ageless) {
            row.age = Duration::ZERO;
        }
        row
    }
}

#[async_trait]
impl Staging for TwinStaging {
    async fn prepare(&self) -> Result<()> {
        let refused = || Error::new(Kind::Config, "that is no name", "this is a broken twin");
        match self.fault {
            StagingFault::ForgetsToPrepare => Ok(()),
            StagingFault::RefusesOddNames if self.settings.staging.contains('"') => Err(refused()),
            StagingFault::OverlooksColumns => self.inner.prepare().await.or(Ok(())),
            StagingFault::PreparesAlone => match PREPARING.try_lock() {
                Ok(_alone) => self.inner.prepare().await,
                Err(_) => Err(Error::new(Kind::Data, "there is such a table already", "this is a broken twin")),
            },
            StagingFault::PreparesAnew => {
                self.inner.prepare().await?;
                let again = [("submission_status", Value::text("Pending"))];
                let _ = self.place.update(&self.settings.staging, &again, None).await;
                Ok(())
            }
            _ => self.inner.prepare().await,
        }
    }

    async fn is_ready(&self) -> Result<bool> {
        self.inner.is_ready().await
    }

    async fn lock_stage(&self, shard: Option<Shard>) -> Result<Box<dyn Guard>> {
        match self.fault {
            StagingFault::LetsEverybodyStage => Ok(Box::new(NoGuard)),
            StagingFault::LetsEveryShardStage if shard.is_some() => Ok(Box::new(NoGuard)),
            StagingFault::TakesShardsForTheWhole => self.inner.lock_stage(None).await,
            _ => self.inner.lock_stage(shard).await,
        }
    }

    async fn lock_submit(&self) -> Result<Box<dyn Guard>> {
        if self.is(StagingFault::LetsEverybodySend) { Ok(Box::new(NoGuard)) } else { self.inner.lock_submit().await }
    }

    async fn recover(&self, older_than: Duration, may_hold: &MayHold<'_>) -> Result<u64> {
        let forgets = |previous: Option<&str>, _: &str| Ok(previous.unwrap_or("[]").to_owned());
        let guesses =
            |previous: Option<&str>, mentioned: &str| may_hold(previous, mentioned).or_else(|_| Ok("[]".to_owned()));
        match self.fault {
            StagingFault::RecoversNothing => Ok(0),
            StagingFault::RecoversTheYoung => self.inner.recover(Duration::ZERO, may_hold).await,
            StagingFault::ForgetsWhatWasMentioned => self.inner.recover(older_than, &forgets).await,
            StagingFault::GuessesWhatIsHeld => self.inner.recover(older_than, &guesses).await,
            StagingFault::RecoversFromTheLiving => {
                let unsure = [("previous_hash", Value::Bytes(vec![0; 32]))];
                let _ = self.place.update(&self.settings.staging, &unsure, None).await;
                self.inner.recover(older_than, may_hold).await
            }
            StagingFault::SendsWhoLeft => {
                let recovered = self.inner.recover(older_than, may_hold).await?;
                let _ = self
                    .place
                    .update(&self.settings.staging, &[("submission_status", Value::text("pending"))], None)
                    .await;
                Ok(recovered)
            }
            _ => self.inner.recover(older_than, may_hold).await,
        }
    }

    async fn ledger(&self, ids: &[String]) -> Result<Vec<LedgerRow>> {
        let mut rows = match self.inner.ledger(&self.ids(ids)).await {
            Err(error) if self.is(StagingFault::OverlooksDuplicates) && error.kind() == Kind::Data => Vec::new(),
            rows => rows?,
        };
        if self.is(StagingFault::LosesARow) {
            rows.pop();
        }
        if self.is(StagingFault::TrimsNothing) {
            let raw = self.raw_ids().await;
            rows.retain(|row| raw.contains(&row.person_id));
        }
        Ok(rows.into_iter().map(|row| self.read_row(row)).collect())
    }

    async fn each_key(&self, take: &mut (dyn for<'k> FnMut(&'k str) + Send)) -> Result<()> {
        self.inner.each_key(take).await?;
        if self.is(StagingFault::KeysTwice) { self.inner.each_key(take).await } else { Ok(()) }
    }

    async fn documents(&self, ids: &[String]) -> Result<Vec<Documents>> {
        let mut all = self.inner.documents(&self.ids(ids)).await?;
        for documents in &mut all {
            documents.accepted_hash = self.believed(&documents.person_id, documents.accepted_hash);
            if self.is(StagingFault::MixesDocuments) {
                std::mem::swap(&mut documents.current, &mut documents.held);
            }
            if let (StagingFault::CutsDocuments, Some(text)) = (self.fault, &mut documents.current) {
                *text = text.chars().take(4000).collect();
            }
        }
        Ok(all)
    }

    async fn changes(&self) -> Result<Box<dyn ChangeSet>> {
        let inner = self.inner.changes().await?;
        Ok(Box::new(TwinChanges { inner, staging: self.inner.clone(), fault: self.fault, held: Vec::new() }))
    }

    async fn candidates(&self, choice: Choice) -> Result<Vec<Candidate>> {
        let mut all = match self.inner.candidates(self.choice(choice)).await {
            Err(error) if self.is(StagingFault::OverlooksDuplicates) && error.kind() == Kind::Data => Vec::new(),
            all => all?,
        };
        if self.is(StagingFault::NewestFirst) {
            all.reverse();
        }
        if self.is(StagingFault::EverythingIsACandidate) {
            all =
                self.raw_ids().await.into_iter().map(|person_id| Candidate { person_id, after_error: false }).collect();
        }
        Ok(all)
    }

    async fn superseded(&self) -> Result<u64> {
        self.inner.superseded().await
    }

    async fn claim(&self, ids: &[String], choice: Choice) -> Result<Box<dyn Claim>> {
        let mut ids = self.ids(ids);
        if self.is(StagingFault::ClaimsInOrderOfIds) {
            ids.sort();
        }
        if self.is(StagingFault::KeepsWhatItAskedFor) {
            let mut memory = self.memory();
            ids.retain(|id| !memory.asked.contains(id));
            memory.asked.extend(ids.iter().cloned());
        }
        let inner = self.inner.claim(&ids, self.choice(choice)).await?;
        let mut rows = inner.rows().to_vec();
        for row in &mut rows {
            Arc::make_mut(row).accepted_hash = self.believed(&row.person_id, row.accepted_hash);
        }
        Ok(Box::new(TwinClaim {
            inner: Some(inner).filter(|_| !self.is(StagingFault::ClaimsWithoutALock)),
            choice: self.choice(choice),
            rows,
            staging: self.inner.clone(),
            place: self.place.clone(),
            table: self.settings.staging.clone(),
            fault: self.fault,
            memory: self.memory.clone(),
        }))
    }

    async fn resubmit(&self, ids: &[String], choice: Choice, dry_run: bool) -> Result<Vec<Resubmitted>> {
        let (ids, choice) = (self.ids(ids), self.choice(choice));
        match self.fault {
            StagingFault::ResubmitsNobody => self.inner.resubmit(&ids, choice, true).await,
            StagingFault::ResubmitsWhoeverLooks => self.inner.resubmit(&ids, choice, false).await,
            StagingFault::ResubmitsEverybody => {
                for id in &ids {
                    let pending = [("submission_status", Value::text("pending"))];
                    let _ = self.place.update(&self.settings.staging, &pending, Some(("person_id", id))).await;
                }
                self.inner.resubmit(&ids, choice, dry_run).await
            }
            _ => self.inner.resubmit(&ids, choice, dry_run).await,
        }
    }

    async fn open_intents(&self, attempt: &Attempt, records: &[IntentRecord]) -> Result<()> {
        let ids = records.iter().map(|record| record.person_id.clone()).collect();
        self.memory().attempts.push((attempt.attempt_id.clone(), ids));
        self.inner.open_intents(attempt, records).await
    }

    async fn close_intents(&self, attempt_id: &str, person_ids: &[String], closed_as: ClosedAs) -> Result<()> {
        let mut ids = person_ids.to_vec();
        if self.is(StagingFault::ClosesTheWholeAttempt) {
            let attempts = self.memory().attempts.clone();
            ids = attempts.into_iter().filter(|(id, _)| id == attempt_id).flat_map(|(_, ids)| ids).collect();
        }
        self.inner.close_intents(attempt_id, &ids, closed_as).await
    }

    async fn last_staged(&self) -> Result<Vec<LastStaged>> {
        self.inner.last_staged().await
    }

    async fn record_run(&self, run: &RunRecord) -> Result<()> {
        let mut run = run.clone();
        if self.is(StagingFault::EveryRunStaged) {
            run.table_rows.get_or_insert_with(|| "{}".to_owned());
        }
        if self.is(StagingFault::ForgetsShards) {
            run.shard = None;
        }
        self.inner.record_run(&run).await
    }

    async fn prune(&self, older_than: Duration) -> Result<u64> {
        if self.is(StagingFault::PrunesNothing) {
            return Ok(0);
        }
        let pruned = self.inner.prune(older_than).await?;
        if self.is(StagingFault::PrunesEverything) && pruned > 0 {
            let _ = self.place.delete(&self.settings.log, None).await;
        }
        Ok(pruned)
    }

    async fn states(&self) -> Result<States> {
        if self.is(StagingFault::CountsNothing) { Ok(States::default()) } else { self.inner.states().await }
    }

    async fn status(&self) -> Result<StatusReport> {
        if self.is(StagingFault::CountsNothing) { Ok(StatusReport::default()) } else { self.inner.status().await }
    }
}
