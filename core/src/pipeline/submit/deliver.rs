//! One batch, from its claim to its outcomes.
//!
//! The batch is a list of groups still to be sent, at first one. A request that is too large, or that hides a bad record,
//! parts its group ([`super::parting`]); everything else happens to a group as a whole.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::SemaphorePermit;
use uuid::Uuid;

use super::Shared;
use super::brake::Stopped;
use super::outgoing::{Fate, Ready};
use super::parting::{FORBIDDEN, Suspect, halved};
use crate::config::ManagedBy;
use crate::error::{Error, Kind, Result};
use crate::sink::{Limits, Receipt, Record, SendError, Sent, Then};
use crate::staging::{Attempt, Claim, ClosedAs, IntentRecord, Outcome, RecordKind, SendResult};

/// First pause before a retry; doubled each time, with full jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// No pause of our own is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Longest time for which intents are open before their request leaves.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Documents looked at before others have their turn: an answer that came in the meantime does not wait for a whole batch.
const AT_ONCE: usize = 8;

/// Tries of a group that was parted because its batch met a server error: whether others pass is known by then.
const TRIES_OF_A_PART: u32 = 2;

/// How old an intent is when nothing of its request can come any more.
pub fn intent_life(limits: &Limits) -> Duration {
    limits.request_life + LONGEST_WAIT
}

/// Claims, sends and records one batch. What was earned before an error is recorded all the same.
pub(super) async fn batch(shared: &Shared, ids: &[String]) -> Result<()> {
    let claim = shared.staging.claim(ids, shared.settings.choice()).await?;
    let mut delivery = Delivery {
        shared,
        claim,
        in_flight: None,
        outcomes: Vec::new(),
        extra_requests: 0,
        suspects: Vec::new(),
        is_parted: false,
        is_failed: false,
        keeps_going: true,
    };
    let sent = delivery.send_all().await;
    delivery.claim.record(delivery.outcomes).await.and(sent)
}

/// A claim on its way.
pub(super) struct Delivery<'a> {
    pub(super) shared: &'a Shared,
    claim: Box<dyn Claim>,
    /// Leave to be in flight: from the first request until the last is answered, the pauses between them included.
    in_flight: Option<SemaphorePermit<'a>>,
    pub(super) outcomes: Vec<Outcome>,
    /// Requests beyond the first, spent on parting groups.
    pub(super) extra_requests: u32,
    /// Of whom it is not yet known whether they or all are refused.
    pub(super) suspects: Vec<Suspect>,
    /// Whether a server error parted the batch.
    pub(super) is_parted: bool,
    /// Whether the batch counts as failed already.
    is_failed: bool,
    /// Off once the locks are lost.
    keeps_going: bool,
}

impl Delivery<'_> {
    async fn send_all(&mut self) -> Result<()> {
        let ready = self.prepare().await;
        if !ready.is_empty() {
            self.shared.count(|counts| counts.batches += 1);
        }
        // The larger groups first: as soon as one passes it is known that the end is there and takes records of this authority.
        let mut groups = VecDeque::from(parted_by_bytes(ready, self.shared.sink.limits().max_bytes));
        while let Some(group) = groups.pop_front() {
            if !self.keeps_going || self.shared.brake.is_on() {
                break;
            }
            groups.extend(self.send(group).await?);
        }
        self.judge_suspects(self.keeps_going && !self.shared.brake.is_on()).await?;
        self.in_flight = None;
        // Whoever waited for this turn goes first: what is left to do here can be done while it is in flight.
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Sorts out rows of which nothing is sent.
    async fn prepare(&mut self) -> Vec<Ready> {
        let mut ready = Vec::new();
        let mut unusable = 0;
        for (at, row) in self.claim.rows().iter().enumerate() {
            if at % AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
            let result = match self.shared.settings.fate(row) {
                Fate::Send(record) => {
                    ready.push(*record);
                    continue;
                }
                Fate::Withdraw => SendResult::Withdrawn,
                Fate::Unusable(reason) => {
                    tracing::warn!(reason, "a staged row cannot be sent as it stands");
                    unusable += 1;
                    let reason = reason.to_owned();
                    match self.shared.settings.managed_by {
                        ManagedBy::CscBridge => SendResult::Unusable { reason },
                        // Nobody would write it anew: their builder passes over rows without a hash (staging fact sheet, 4.26).
                        ManagedBy::Sql => SendResult::Refused { reason },
                    }
                }
            };
            self.outcomes.push(Outcome { person_id: row.person_id.clone(), attempt_id: None, result });
        }
        self.shared.count(|counts| counts.failed += unusable);
        ready
    }

    fn most_tries(&self) -> u32 {
        let most = self.shared.settings.sink.max_attempts;
        if self.is_parted { most.min(TRIES_OF_A_PART) } else { most }
    }

    /// Sends one group until it is settled; returns the groups it parted into.
    async fn send(&mut self, group: Vec<Ready>) -> Result<Vec<Vec<Ready>>> {
        // A renewed token is no retry: the request was never judged. Two refusals in a row are final.
        let mut renewed = false;
        let mut tries = 0;
        for number in 1.. {
            let Some(attempt_id) = self.leave(&group, number).await? else { return Ok(Vec::new()) };
            let error = match self.request(&group, &attempt_id).await {
                Ok(receipts) => {
                    self.accept(group, receipts, &attempt_id)?;
                    return Ok(Vec::new());
                }
                Err(error) => error,
            };
            tracing::warn!(status = error.status, then = ?error.then, records = group.len(), attempt_id, "{}", error.error);
            let pause = match &error.then {
                Then::Reauthenticate if !renewed => Duration::ZERO,
                Then::Retry { after } | Then::RetryUnsure { after } => {
                    tries += 1;
                    match after {
                        Some(after) if *after > self.shared.settings.sink.max_retry_after => {
                            self.close_unless_unsure(&group, &error, &attempt_id).await?;
                            self.shared.brake.stop(Stopped::RetryAfter, error.error);
                            return Ok(Vec::new());
                        }
                        _ if tries >= self.most_tries() => return self.spent(group, error, &attempt_id).await,
                        Some(after) => *after,
                        None => jittered(tries),
                    }
                }
                _ => return self.settle(group, error, &attempt_id).await,
            };
            renewed = error.then == Then::Reauthenticate;
            self.close_unless_unsure(&group, &error, &attempt_id).await?;
            self.shared.count(|counts| counts.retries += 1);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.shared.brake.pulled() => {}
            }
            if self.shared.brake.is_on() {
                return Ok(Vec::new());
            }
        }
        Ok(Vec::new())
    }

    /// What becomes of a group whose request will not simply be repeated.
    async fn settle(&mut self, group: Vec<Ready>, error: SendError, attempt_id: &str) -> Result<Vec<Vec<Ready>>> {
        match &error.then {
            Then::Unknown => {
                self.unknown(&group, error.error);
                Ok(Vec::new())
            }
            Then::BadRecords(bad) if bad.is_empty() => self.part_unnamed(group, error, attempt_id).await,
            Then::BadRecords(bad) => {
                let bad = bad.clone();
                self.part_named(group, &bad, error, attempt_id).await
            }
            Then::TooLarge if group.len() == 1 => {
                self.refuse(group, &error, attempt_id);
                Ok(Vec::new())
            }
            Then::TooLarge => {
                self.not_taken(&group, attempt_id).await?;
                Ok(if self.may_spend(2) { halved(group) } else { Vec::new() })
            }
            Then::GiveUp if error.status == Some(FORBIDDEN) => self.part_unnamed(group, error, attempt_id).await,
            Then::GiveUp | Then::Reauthenticate | Then::Retry { .. } | Then::RetryUnsure { .. } => {
                self.not_taken(&group, attempt_id).await?;
                self.shared.brake.stop(Stopped::Systemic, error.error);
                Ok(Vec::new())
            }
        }
    }

    /// Waits until a request may leave; its intents are committed by then. Returns the attempt, or nothing where none leaves.
    ///
    /// The intents are opened before the wait, so that the wire does not wait for the database; where the wait was long they are opened
    /// anew, for by their age it is told when nothing of a request can come any more.
    async fn leave(&mut self, group: &[Ready], number: u32) -> Result<Option<String>> {
        let opened = Instant::now();
        let mut attempt_id = self.open_intents(group, number).await?;
        if self.in_flight.is_none() {
            tokio::select! {
                permit = self.shared.in_flight.acquire() => self.in_flight = permit.ok(),
                () = self.shared.brake.pulled() => {}
            }
        }
        tokio::select! {
            () = self.shared.pace.turn() => {}
            () = self.shared.brake.pulled() => {}
        }
        if opened.elapsed() >= LONGEST_WAIT && !self.shared.brake.is_on() {
            self.not_taken(group, &attempt_id).await?;
            attempt_id = self.open_intents(group, number).await?;
        }
        let is_held = self.claim.still_held().await?;
        // A wait may be long, and a batch that waited is not in flight.
        if is_held && !self.shared.brake.is_on() {
            return Ok(Some(attempt_id));
        }
        self.not_taken(group, &attempt_id).await?;
        if !is_held {
            tracing::warn!("a batch changed hands before it was sent; its rows stay pending");
            self.keeps_going = false;
        }
        Ok(None)
    }

    /// One open intent for each record, of an attempt of their own.
    async fn open_intents(&self, group: &[Ready], number: u32) -> Result<String> {
        let attempt_id = Uuid::new_v4().to_string();
        let attempt = Attempt { attempt_id, run_id: self.shared.settings.run_id.clone(), number };
        let intents: Vec<IntentRecord> = group
            .iter()
            .map(|ready| IntentRecord {
                person_id: ready.row.person_id.clone(),
                kind: ready.kind,
                hash: ready.hash,
                based_on: ready.row.held,
                mentioned: ready.mentioned.clone(),
            })
            .collect();
        self.shared.staging.open_intents(&attempt, &intents).await?;
        Ok(attempt.attempt_id)
    }

    /// One request. Its intents are committed.
    async fn request(&self, group: &[Ready], attempt_id: &str) -> Result<Vec<Receipt>, SendError> {
        self.shared.count(|counts| counts.requests += 1);
        let records: Vec<Record<'_>> =
            group.iter().map(|ready| Record { person_id: &ready.row.person_id, document: ready.document() }).collect();
        let began = Instant::now();
        let Sent { result, request_id } = self.shared.sink.send_with_request_id(&records).await;
        self.shared.answered(began.elapsed());
        if let Some(request_id) = request_id {
            tracing::info!(attempt_id, request_id, records = records.len(), "the API answered");
        }
        result.and_then(|receipts| match receipts.len() == group.len() {
            true => Ok(receipts),
            false => Err(SendError {
                error: Error::new(
                    Kind::Protocol,
                    format!("{} records were sent and {} receipts came back", group.len(), receipts.len()),
                    "the records are taken up as unsure by a later run; report it to DfE if it happens again",
                ),
                then: Then::Unknown,
                status: None,
                detail: None,
            }),
        })
    }

    fn accept(&mut self, group: Vec<Ready>, receipts: Vec<Receipt>, attempt_id: &str) -> Result<()> {
        self.shared.brake.accepted();
        for (ready, receipt) in group.into_iter().zip(receipts) {
            let (person_id, kind) = (ready.row.person_id.clone(), ready.kind);
            let result = self.shared.settings.accepted(ready, receipt)?;
            self.outcomes.push(Outcome { person_id, attempt_id: Some(attempt_id.to_owned()), result });
            self.shared.count(|counts| {
                counts.sent += 1;
                *match kind {
                    RecordKind::Full => &mut counts.full,
                    RecordKind::Partial => &mut counts.partial,
                    RecordKind::Purge => &mut counts.purged,
                } += 1;
            });
        }
        Ok(())
    }

    /// The intents stay open: whether it arrived is not known.
    fn unknown(&mut self, group: &[Ready], error: Error) {
        self.shared.count(|counts| counts.unknown += group.len() as u64);
        self.batch_failed(error);
    }

    /// Retries are spent. An API that cannot be reached, or that asks for patience, takes nothing: the rows stay pending and the
    /// run ends. One that answers with errors may do so because of what is in the batch: the batch is parted, and what fails by
    /// itself becomes `error`. Where nothing passes at all, parting once is enough, and several such batches in a row end the run.
    async fn spent(&mut self, group: Vec<Ready>, error: SendError, attempt_id: &str) -> Result<Vec<Vec<Ready>>> {
        self.close_unless_unsure(&group, &error, attempt_id).await?;
        if error.status.is_none_or(|status| status < 500) {
            self.shared.brake.stop(Stopped::Breaker, error.error);
            return Ok(Vec::new());
        }
        let others_pass = self.shared.brake.has_accepted();
        if group.len() > 1 && (others_pass || !self.is_parted) && self.may_spend(2) {
            self.is_parted = true;
            return Ok(halved(group));
        }
        let count = group.len() as u64;
        let reason = full_reason(&error);
        for ready in group {
            let result = SendResult::Refused { reason: reason.clone() };
            self.outcomes.push(Outcome { person_id: ready.row.person_id.clone(), attempt_id: None, result });
        }
        self.shared.count(|counts| counts.failed += count);
        self.batch_failed(error.error);
        Ok(Vec::new())
    }

    /// Counts the batch as failed, once.
    fn batch_failed(&mut self, error: Error) {
        if !std::mem::replace(&mut self.is_failed, true) {
            self.shared.brake.batch_failed(error);
        }
    }

    /// Closes an attempt that is about to be repeated, but for one whose batch may have been taken.
    async fn close_unless_unsure(&self, group: &[Ready], error: &SendError, attempt_id: &str) -> Result<()> {
        match error.then {
            Then::RetryUnsure { .. } => Ok(()),
            _ => self.not_taken(group, attempt_id).await,
        }
    }

    pub(super) async fn not_taken(&self, group: &[Ready], attempt_id: &str) -> Result<()> {
        let ids: Vec<String> = group.iter().map(|ready| ready.row.person_id.clone()).collect();
        self.shared.staging.close_intents(attempt_id, &ids, ClosedAs::NotTaken).await
    }
}

/// The reason in full, for `api_response` alone.
pub(super) fn full_reason(error: &SendError) -> String {
    match &error.detail {
        Some(detail) => format!("{}: {detail}", error.error.message()),
        None => error.error.message().to_owned(),
    }
}

/// Groups of at most `max_bytes` of documents; a larger document goes alone.
fn parted_by_bytes(ready: Vec<Ready>, max_bytes: usize) -> Vec<Vec<Ready>> {
    let mut groups: Vec<Vec<Ready>> = Vec::new();
    let mut bytes = 0;
    for ready in ready {
        let size = ready.document().len() + 1;
        match groups.last_mut() {
            Some(group) if bytes + size <= max_bytes => group.push(ready),
            _ => {
                bytes = 1;
                groups.push(vec![ready]);
            }
        }
        bytes += size;
    }
    groups
}

/// Full jitter: anywhere between nothing and the doubled pause.
fn jittered(attempt: u32) -> Duration {
    let most = FIRST_PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    most.mul_f64(fastrand::f64())
}
