//! One batch, from its claim to its outcomes.
//!
//! The batch is a list of groups still to be sent, at first one. A request that is too large, or that hides a bad record,
//! parts its group; everything else happens to a group as a whole.

use std::time::Duration;

use uuid::Uuid;

use super::Shared;
use super::brake::Stopped;
use super::outgoing::{Fate, Ready};
use crate::config::ManagedBy;
use crate::error::{Error, Kind, Result};
use crate::sink::{Receipt, Record, SendError, Then};
use crate::staging::{Attempt, Claim, ClosedAs, IntentRecord, Outcome, RecordKind, SendResult};

/// First pause before a retry; doubled each time, with full jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// No pause of our own is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The status of DfE's firewall, and of an authority without access.
const FORBIDDEN: u16 = 403;

/// Claims, sends and records one batch. What was earned before an error is recorded all the same.
pub(super) async fn batch(shared: &Shared, ids: &[String]) -> Result<()> {
    let claim = shared.staging.claim(ids, shared.settings.choice()).await?;
    let mut delivery =
        Delivery { shared, claim, outcomes: Vec::new(), extra_requests: 0, suspects: 0, keeps_going: true };
    let sent = delivery.send_all().await;
    delivery.claim.record(delivery.outcomes).await.and(sent)
}

/// A claim on its way.
struct Delivery<'a> {
    shared: &'a Shared,
    claim: Box<dyn Claim>,
    outcomes: Vec<Outcome>,
    /// Requests beyond the first, spent on parting groups.
    extra_requests: u32,
    /// Records that were refused access (403) one by one, while nothing has passed in this run.
    suspects: u32,
    /// Off once the locks are lost.
    keeps_going: bool,
}

impl Delivery<'_> {
    async fn send_all(&mut self) -> Result<()> {
        let ready = self.prepare();
        if !ready.is_empty() {
            self.shared.count(|counts| counts.batches += 1);
        }
        let mut groups = parted_by_bytes(ready, self.shared.sink.limits().max_bytes);
        groups.reverse();
        while let Some(group) = groups.pop() {
            if !self.keeps_going || self.shared.brake.is_on() {
                break;
            }
            groups.extend(self.send(group).await?);
        }
        Ok(())
    }

    /// Sorts out rows of which nothing is sent.
    fn prepare(&mut self) -> Vec<Ready> {
        let mut ready = Vec::new();
        let mut unusable = 0;
        for row in self.claim.rows() {
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

    /// Sends one group until it is settled; returns the groups it parted into, the next to be sent last.
    async fn send(&mut self, group: Vec<Ready>) -> Result<Vec<Vec<Ready>>> {
        // A renewed token is no retry: the request was never judged. Two refusals in a row are final.
        let mut renewed = false;
        let mut tries = 0;
        for number in 1.. {
            self.shared.pace.turn().await;
            if !self.claim.still_held().await? {
                tracing::warn!("a batch changed hands before it was sent; its rows stay pending");
                self.keeps_going = false;
                return Ok(Vec::new());
            }
            let attempt_id = Uuid::new_v4().to_string();
            let error = match self.request(&group, &attempt_id, number).await? {
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
                        _ if tries >= self.shared.settings.sink.max_attempts => {
                            self.spent(group, error, &attempt_id).await?;
                            return Ok(Vec::new());
                        }
                        Some(after) => *after,
                        None => jittered(tries),
                    }
                }
                _ => return self.settle(group, error, &attempt_id).await,
            };
            renewed = error.then == Then::Reauthenticate;
            self.close_unless_unsure(&group, &error, &attempt_id).await?;
            self.shared.count(|counts| counts.retries += 1);
            tokio::time::sleep(pause).await;
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
            Then::BadRecords(bad) => {
                let bad = bad.clone();
                self.part_bad(group, &bad, error, attempt_id).await
            }
            Then::TooLarge if group.len() == 1 => {
                self.refuse(group, &error, attempt_id);
                Ok(Vec::new())
            }
            Then::TooLarge => {
                self.not_taken(&group, attempt_id).await?;
                Ok(self.halve(group))
            }
            Then::GiveUp if error.status == Some(FORBIDDEN) => self.part_forbidden(group, error, attempt_id).await,
            Then::GiveUp | Then::Reauthenticate | Then::Retry { .. } | Then::RetryUnsure { .. } => {
                self.not_taken(&group, attempt_id).await?;
                self.shared.brake.stop(Stopped::Systemic, error.error);
                Ok(Vec::new())
            }
        }
    }

    /// DfE's firewall answers 403 to a batch for one record it dislikes, and to every batch of an authority without access. Halving
    /// tells the two apart: where something passes, what is left is bad; where nothing does, the authority has no access.
    async fn part_forbidden(
        &mut self,
        group: Vec<Ready>,
        error: SendError,
        attempt_id: &str,
    ) -> Result<Vec<Vec<Ready>>> {
        if group.len() > 1 {
            self.not_taken(&group, attempt_id).await?;
            return Ok(self.halve(group));
        }
        if self.shared.brake.has_passed() {
            self.refuse(group, &error, attempt_id);
            return Ok(Vec::new());
        }
        // Nothing has passed yet: the record waits for another run, and a second such record ends this one.
        self.not_taken(&group, attempt_id).await?;
        self.suspects += 1;
        if self.suspects > 1 {
            self.shared.brake.stop(Stopped::Systemic, error.error);
        } else {
            self.shared.brake.suspect(error.error);
        }
        Ok(Vec::new())
    }

    /// One request, with its intents committed before it leaves.
    async fn request(&self, group: &[Ready], attempt_id: &str, number: u32) -> Result<Result<Vec<Receipt>, SendError>> {
        let attempt =
            Attempt { attempt_id: attempt_id.to_owned(), run_id: self.shared.settings.run_id.clone(), number };
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
        self.shared.count(|counts| counts.requests += 1);
        let records: Vec<Record<'_>> =
            group.iter().map(|ready| Record { person_id: &ready.row.person_id, document: &ready.document }).collect();
        let answer = self.shared.sink.send(&records).await;
        Ok(answer.and_then(|receipts| match receipts.len() == group.len() {
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
        }))
    }

    fn accept(&mut self, group: Vec<Ready>, receipts: Vec<Receipt>, attempt_id: &str) -> Result<()> {
        self.shared.brake.batch_got_through();
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
        self.shared.brake.batch_failed(error);
    }

    /// Retries are spent. An API that cannot be reached, or that asks for patience, takes nothing: the rows stay pending and the
    /// run ends. One that answers with errors may do so because of what is in the batch: its rows become `error`, and only
    /// several such batches in a row end the run.
    async fn spent(&mut self, group: Vec<Ready>, error: SendError, attempt_id: &str) -> Result<()> {
        if error.status.is_none_or(|status| status < 500) {
            self.close_unless_unsure(&group, &error, attempt_id).await?;
            self.shared.brake.stop(Stopped::Breaker, error.error);
            return Ok(());
        }
        let count = group.len() as u64;
        let reason = reason(&error);
        self.close_unless_unsure(&group, &error, attempt_id).await?;
        for ready in group {
            let result = SendResult::Refused { reason: reason.clone() };
            self.outcomes.push(Outcome { person_id: ready.row.person_id, attempt_id: None, result });
        }
        self.shared.count(|counts| counts.failed += count);
        self.shared.brake.batch_failed(error.error);
        Ok(())
    }

    /// Some records are bad: those that are named are refused and the others sent on; where none is named the group is halved.
    async fn part_bad(
        &mut self,
        group: Vec<Ready>,
        bad: &[usize],
        error: SendError,
        attempt_id: &str,
    ) -> Result<Vec<Vec<Ready>>> {
        self.shared.brake.batch_got_through();
        let (named, others): (Vec<_>, Vec<_>) =
            group.into_iter().enumerate().partition(|(index, _)| bad.contains(index));
        let (named, others): (Vec<Ready>, Vec<Ready>) =
            (named.into_iter().map(|(_, ready)| ready).collect(), others.into_iter().map(|(_, ready)| ready).collect());
        if named.is_empty() {
            if others.len() == 1 {
                self.refuse(others, &error, attempt_id);
                return Ok(Vec::new());
            }
            self.not_taken(&others, attempt_id).await?;
            return Ok(self.halve(others));
        }
        self.refuse(named, &error, attempt_id);
        if others.is_empty() {
            return Ok(Vec::new());
        }
        self.not_taken(&others, attempt_id).await?;
        Ok(if self.may_spend(1) { vec![others] } else { Vec::new() })
    }

    /// Parts a group in two. Where the budget is spent its records are left as they are: nothing is known against any of them.
    fn halve(&mut self, mut group: Vec<Ready>) -> Vec<Vec<Ready>> {
        if !self.may_spend(2) {
            return Vec::new();
        }
        let second = group.split_off(group.len() / 2);
        vec![second, group]
    }

    /// Takes requests from the batch's budget for parting.
    fn may_spend(&mut self, requests: u32) -> bool {
        self.extra_requests += requests;
        let may = self.extra_requests <= self.shared.settings.sink.isolation_budget;
        if !may {
            tracing::warn!("the batch's isolation_budget is spent; records not judged are left for the next run");
        }
        may
    }

    fn refuse(&mut self, group: Vec<Ready>, error: &SendError, attempt_id: &str) {
        let count = group.len() as u64;
        let reason = reason(error);
        for ready in group {
            let result = SendResult::Refused { reason: reason.clone() };
            self.outcomes.push(Outcome {
                person_id: ready.row.person_id,
                attempt_id: Some(attempt_id.to_owned()),
                result,
            });
        }
        *self.shared.report().refusals.entry((error.status, None)).or_default() += count;
        self.shared.count(|counts| counts.refused += count);
    }

    /// Closes an attempt that is about to be repeated, but for one whose batch may have been taken.
    async fn close_unless_unsure(&self, group: &[Ready], error: &SendError, attempt_id: &str) -> Result<()> {
        match error.then {
            Then::RetryUnsure { .. } => Ok(()),
            _ => self.not_taken(group, attempt_id).await,
        }
    }

    async fn not_taken(&self, group: &[Ready], attempt_id: &str) -> Result<()> {
        let ids: Vec<String> = group.iter().map(|ready| ready.row.person_id.clone()).collect();
        self.shared.staging.close_intents(attempt_id, &ids, ClosedAs::NotTaken).await
    }
}

/// The reason in full, for `api_response` alone.
fn reason(error: &SendError) -> String {
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
        let size = ready.document.len() + 1;
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
