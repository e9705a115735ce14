//! `submit`: pending rows are claimed in batches, sent, and every record's outcome is written back.
//!
//! A few workers take batches from one queue. What becomes of one batch is in [`deliver`]; what ends the whole run is in
//! [`Brake`].

mod brake;
mod canary;
mod deliver;
mod outgoing;
mod pace;
mod parting;
mod reason;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Interrupt;
use crate::config::{Canary, Deletions, ManagedBy, PayloadConfig, SinkConfig};
use crate::error::{Error, Result};
use crate::payload::Plan;
use crate::sink::Sink;
use crate::staging::{Candidate, Staging, States, Status};
use brake::Brake;
use pace::Pace;

pub use brake::Stopped;
pub use deliver::intent_life;

/// Batches that are claimed or recorded while as many as may be are in flight: enough that none waits for the database, where those that
/// are answered at once wait for one another.
fn at_home(in_flight: usize) -> usize {
    in_flight.max(2)
}

/// How `submit` behaves.
#[derive(Clone)]
pub struct SubmitSettings {
    /// Unique; written to the submission log.
    pub run_id: String,
    /// `[sink]`.
    pub sink: SinkConfig,
    /// `[payload]`.
    pub payload: PayloadConfig,
    /// `[deletions]`.
    pub deletions: Deletions,
    /// Whose table it is.
    pub managed_by: ManagedBy,
    /// How long the logs are kept.
    pub keep_log: Duration,
    /// The document's form.
    pub plan: Arc<Plan>,
    /// Send nothing, write nothing.
    pub dry_run: bool,
    /// Send a small part first.
    pub canary: Option<Canary>,
    /// Ends the run early.
    pub interrupt: Interrupt,
}

/// Counts of records and requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// Records accepted.
    pub sent: u64,
    /// Records refused.
    pub refused: u64,
    /// Records that could not be sent, or whose retries are spent.
    pub failed: u64,
    /// Records whose answer never came: they are taken up as unsure by a later run.
    pub unknown: u64,
    /// Purges accepted.
    pub purged: u64,
    /// Records sent as full documents.
    pub full: u64,
    /// Records sent as partial documents.
    pub partial: u64,
    /// Rows still to be sent.
    pub left_pending: u64,
    /// Batches.
    pub batches: u64,
    /// Requests.
    pub requests: u64,
    /// Requests that were retries.
    pub retries: u64,
}

/// What `submit` did.
#[derive(Debug, Default)]
pub struct SubmitReport {
    /// Counts.
    pub submitted: Submitted,
    /// Rows found unsure at the start.
    pub recovered: u64,
    /// Rows left alone because a newer row of the same child counts (tables filled by other tools).
    pub superseded: u64,
    /// Refused records by (status, path in the document).
    pub refusals: BTreeMap<(Option<u16>, Option<String>), u64>,
    /// Intents that still have no answer: their rows wait until they are taken up.
    pub open_intents: u64,
    /// Why the run ended early.
    pub stopped: Option<Stopped>,
    /// What ended it, or what else went wrong; the counts stand all the same.
    pub error: Option<Error>,
}

/// Sends everything that is to be sent.
///
/// # Errors
/// What the staging reports before anything is sent. What goes wrong later is in [`SubmitReport::error`], beside the counts.
pub async fn submit(
    staging: Arc<dyn Staging>,
    sink: Arc<dyn Sink>,
    settings: SubmitSettings,
    tell: Arc<dyn Fn(u64, u64) + Send + Sync>,
) -> Result<SubmitReport> {
    if settings.dry_run {
        let ready = staging.is_ready().await?;
        let left_pending = if ready { staging.candidates(settings.choice()).await?.len() as u64 } else { 0 };
        return Ok(SubmitReport {
            submitted: Submitted { left_pending, ..Submitted::default() },
            ..SubmitReport::default()
        });
    }
    staging.prepare().await?;
    let lock = staging.lock_submit().await?;
    let rules = settings.rules();
    let may_hold = |held: Option<&str>, mentioned: &str| rules.after_no_answer(held, mentioned);
    let recovered = staging.recover(intent_life(&sink.limits()), &may_hold).await?;
    let candidates = staging.candidates(settings.choice()).await?;
    let superseded = superseded(&*staging, &settings).await?;
    let total = candidates.len() as u64;
    let max_records = sink.limits().max_records;
    let steps = canary::steps(settings.canary.as_ref(), candidates);
    let shared = Arc::new(Shared {
        queue: Mutex::default(),
        in_flight: Semaphore::new(settings.sink.concurrency),
        pace: Pace::new(settings.sink.min_interval),
        brake: Brake::new(settings.sink.stop_after_failed_batches),
        report: Mutex::new(SubmitReport { recovered, superseded, ..SubmitReport::default() }),
        answers: Mutex::default(),
        total,
        staging,
        sink,
        tell: Box::new(move |done| tell(done, total)),
        settings,
    });
    // A set of one, which ends its task when it is dropped: whoever drops a submit under way keeps neither staging nor sink.
    let mut interrupted = JoinSet::new();
    interrupted.spawn({
        let shared = shared.clone();
        async move {
            shared.settings.interrupt.wait().await;
            shared.brake.stop(Stopped::Signal, Interrupt::error());
        }
    });
    let first_error = send_steps(&shared, steps, max_records).await;
    drop(interrupted);
    prune(&*shared.staging, shared.settings.keep_log).await;
    drop(lock);
    let mut report = std::mem::take(&mut *shared.report());
    if let Some((stopped, error)) = shared.brake.take() {
        (report.stopped, report.error) = (Some(stopped), Some(error));
    }
    report.error = first_error.or(report.error);
    match shared.staging.states().await {
        Ok(states) => {
            report.submitted.left_pending = waiting(&states).saturating_sub(report.superseded);
            report.open_intents = states.open_intents;
        }
        // Where something went wrong already, that is the error to be told.
        Err(error) => report.error = report.error.or(Some(error)),
    }
    Ok(report)
}

/// What is old goes from the logs. Where that fails, the records are sent all the same.
async fn prune(staging: &dyn Staging, older_than: Duration) {
    match staging.prune(older_than).await {
        Ok(0) => {}
        Ok(rows) => tracing::info!(rows, "old rows of the logs were deleted"),
        Err(error) => tracing::warn!(%error, advice = error.advice(), "old rows of the logs could not be deleted"),
    }
}

/// Sends step after step, as long as the canary, if there is one, does well. Returns the first error of a worker.
async fn send_steps(shared: &Arc<Shared>, steps: Vec<Vec<Candidate>>, max_records: usize) -> Option<Error> {
    let last = steps.len().saturating_sub(1);
    for (number, step) in steps.into_iter().enumerate() {
        let before = shared.report().submitted;
        // Rows in error go last, among themselves, once all others have gone, so that they never hold those back.
        let (after_error, pending): (Vec<Candidate>, Vec<Candidate>) =
            step.into_iter().partition(|row| row.after_error);
        for rows in [pending, after_error] {
            *shared.queue.lock().unwrap_or_else(PoisonError::into_inner) = batches(&rows, max_records);
            if let Some(error) = work_all(shared).await {
                return Some(error);
            }
        }
        let Some(canary) = shared.settings.canary.as_ref().filter(|_| number < last) else { continue };
        shared.judge_step(canary, &before);
        tokio::select! {
            () = tokio::time::sleep(canary.hold) => {}
            () = shared.brake.pulled() => return None,
        }
    }
    None
}

/// Lets the workers empty the queue. Returns the first error of one.
async fn work_all(shared: &Arc<Shared>) -> Option<Error> {
    let mut workers = JoinSet::new();
    let in_flight = shared.settings.sink.concurrency;
    for _ in 0..in_flight + at_home(in_flight) {
        workers.spawn(work(shared.clone()));
    }
    let mut first_error = None;
    while let Some(worker) = workers.join_next().await {
        let result = worker.unwrap_or_else(|_| Err(Error::internal("a sending task panicked")));
        if let Err(error) = result {
            shared.brake.halt();
            first_error = first_error.or(Some(error));
        }
    }
    first_error
}

/// In a table that other tools filled a child may have several rows, of which the newest counts.
async fn superseded(staging: &dyn Staging, settings: &SubmitSettings) -> Result<u64> {
    let rows = if settings.managed_by == ManagedBy::Sql { staging.superseded().await? } else { 0 };
    if rows > 0 {
        tracing::warn!(rows, "children have several rows; the newest of each counts, the others are left alone");
    }
    Ok(rows)
}

/// Rows that are still to be sent, those behind an unanswered request among them.
fn waiting(states: &States) -> u64 {
    let pending = states.rows.iter().filter(|(status, state, ..)| *status == Status::Pending && !state.is_out());
    pending.map(|(.., count)| count).sum()
}

/// What the workers share.
struct Shared {
    staging: Arc<dyn Staging>,
    sink: Arc<dyn Sink>,
    settings: SubmitSettings,
    queue: Mutex<VecDeque<Vec<String>>>,
    /// A permit for each batch that may be in flight.
    in_flight: Semaphore,
    pace: Pace,
    brake: Brake,
    report: Mutex<SubmitReport>,
    /// How long the answers of a canary's step took.
    answers: Mutex<Vec<Duration>>,
    /// Records to be sent.
    total: u64,
    /// Told how many records are done.
    tell: Box<dyn Fn(u64) + Send + Sync>,
}

impl Shared {
    fn next_batch(&self) -> Option<Vec<String>> {
        if self.brake.is_on() {
            return None;
        }
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Whether all that is to be sent is one record.
    fn is_one_record(&self) -> bool {
        self.total == 1
    }

    fn answered(&self, after: Duration) {
        if self.settings.canary.is_some() {
            self.answers.lock().unwrap_or_else(PoisonError::into_inner).push(after);
        }
    }

    fn take_answers(&self) -> Vec<Duration> {
        std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn report(&self) -> std::sync::MutexGuard<'_, SubmitReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, change: impl FnOnce(&mut Submitted)) {
        let mut report = self.report();
        change(&mut report.submitted);
        let done = report.submitted;
        drop(report);
        (self.tell)(done.sent + done.refused + done.failed + done.unknown);
    }
}

async fn work(shared: Arc<Shared>) -> Result<()> {
    while let Some(ids) = shared.next_batch() {
        deliver::batch(&shared, &ids).await?;
    }
    Ok(())
}

/// Batches in sending order.
fn batches(rows: &[Candidate], max_records: usize) -> VecDeque<Vec<String>> {
    rows.chunks(max_records).map(|rows| rows.iter().map(|row| row.person_id.clone()).collect()).collect()
}
