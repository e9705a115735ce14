//! `stage`: the SSD's desired documents against what the staging table holds; only rows that change are written.
//!
//! Reading a chunk of children overlaps with [`assembling`] the one before, so two chunks are in memory whatever the cohort.
//! Changes are collected in private and applied at the end, so that a run that must not happen has written nothing. [`judging`]
//! decides the children of a chunk ([`weigh`] those whose documents have to be compared), [`leaving`] those out of the cohort, and
//! [`guards`] the whole run.

mod assembling;
mod guards;
mod judging;
mod leaving;
mod portion;
mod reading;
mod report;
mod weigh;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::civil::Date;
use tokio::task::JoinHandle;

pub use guards::{Accepted, Guard};
pub use report::{Changes, Event, Foreseen, Purges, Retirements, Shows, StageReport, StageSettings, Staged, WouldSend};

use guards::Tally;
use leaving::Leaving;
use portion::Portion;
use reading::{Chunk, Reading};

use super::Interrupt;
use super::people::People;
use crate::delta::{Desired, Rules};
use crate::error::{Error, Kind, Result};
use crate::payload::definition::WindowRule;
use crate::payload::{Findings, Plan, RunDates};
use crate::source::Source;
use crate::staging::{LastStaged, LedgerRow, Shard, Staging};

/// Rows that changed under us are decided again this often before they are left for the next run.
const ROUNDS: usize = 3;

/// Tells what `stage` does.
type Tell<'t> = dyn FnMut(Event<'_>) + Send + 't;

/// Stages the cohort, or a shard of it. Where a guard fires nothing is written, and the report says so.
///
/// # Errors
/// What the source or the staging report; nothing is written then, but what [`Staging::prepare`] and [`Staging::recover`] did.
pub async fn stage(
    plan: Arc<Plan>,
    source: Arc<dyn Source>,
    staging: Arc<dyn Staging>,
    settings: StageSettings,
    tell: &mut Tell<'_>,
) -> Result<StageReport> {
    let rules =
        Rules { root: &plan.root, semantics: settings.policy.semantics, removed_values: settings.removed_values };
    let mut recovered = 0;
    let mut lock = None;
    if settings.dry_run {
        tracing::info!("dry run: nothing will be written");
    } else {
        staging.prepare().await?;
        lock = Some(staging.lock_stage(settings.shard).await?);
        let may_hold = |held: Option<&str>, mentioned: &str| rules.after_no_answer(held, mentioned);
        recovered = staging.recover(settings.intent_life, &may_hold).await?;
    }
    let has_ledger = !settings.dry_run || staging.is_ready().await?;
    let last = if has_ledger { Last::read(&*staging, &plan.window, settings.shard).await? } else { Last::default() };
    let mut session = Reading::open(&*source, &plan).await?;
    let mut findings = if settings.shows.finding_values { Findings::with_values() } else { Findings::default() };
    let tables = session.count(&plan).await?;
    let people = session.people(&plan, settings.shard, &mut findings).await?;
    tell(Event::Children(people.to_read() as u64));
    let changes = if settings.dry_run { None } else { Some(staging.changes().await?) };
    let mut stager = Stager {
        plan: &plan,
        rules,
        staging: &*staging,
        settings: &settings,
        has_ledger,
        // Between two 1 Aprils no child leaves by time alone.
        retires: last.window_start != Some(plan.dates.start),
        findings,
        tally: Tally::default(),
        report: StageReport { recovered, tables, ..StageReport::default() },
        leaving: Vec::new(),
        out: Portion::new(changes),
    };
    let session = stager.read_all(session, &people, tell).await?;
    stager.left_by_age(&people).await?;
    stager.refused(&people).await?;
    stager.gone(&people).await?;
    let report = stager.finish(session, &people, &last).await?;
    drop(lock);
    Ok(report)
}

/// The last run that staged the same children, as guards need it.
#[derive(Default)]
struct Last {
    /// First day of its window. `None` where there was no such run.
    window_start: Option<Date>,
    rows: BTreeMap<String, u64>,
}

impl Last {
    async fn read(staging: &dyn Staging, window: &WindowRule, shard: Option<Shard>) -> Result<Last> {
        let runs = staging.last_staged().await?;
        let Some(last) = LastStaged::of(&runs, shard) else { return Ok(Last::default()) };
        let unreadable = || {
            Error::new(
                Kind::Data,
                "the last run in the run log is not what this program writes there",
                "set table_rows of that row to null; guards then have nothing to compare this run with",
            )
        };
        let run_date: Date = last.run_date.parse().map_err(|_| unreadable())?;
        let rows = serde_json::from_str(&last.table_rows).map_err(|_| unreadable())?;
        Ok(Last { window_start: Some(RunDates::new(run_date, window)?.start), rows })
    }
}

struct Stager<'a> {
    plan: &'a Arc<Plan>,
    rules: Rules<'a>,
    staging: &'a dyn Staging,
    settings: &'a StageSettings,
    /// A dry run before the first run finds no table.
    has_ledger: bool,
    /// Whether a year has retired since the last run that staged these children, or there was no such run.
    retires: bool,
    findings: Findings,
    tally: Tally,
    report: StageReport,
    /// Children out of the cohort whose documents have to be looked at.
    leaving: Vec<Leaving>,
    out: Portion,
}

impl Stager<'_> {
    /// Reads and decides all chunks; gives the session back.
    async fn read_all(&mut self, session: Reading, people: &People, tell: &mut Tell<'_>) -> Result<Reading> {
        let people_table = &self.plan.tables[self.plan.people.table].ssd_name;
        self.report.rows.insert(people_table.clone(), people.rows() as u64);
        for table in &self.plan.tables {
            self.report.rows.entry(table.ssd_name.clone()).or_default();
        }
        let mut chunks = people.chunks(self.settings.chunk);
        let Some(first) = chunks.next() else { return Ok(session) };
        let mut reading = self.start_reading(session, first);
        loop {
            let (session, ids, chunk) = reading.await.map_err(|_| Error::internal("reading a chunk panicked"))??;
            let Some(next) = chunks.next() else {
                self.chunk(&ids, &chunk, tell).await?;
                return Ok(session);
            };
            reading = self.start_reading(session, next);
            self.chunk(&ids, &chunk, tell).await?;
        }
    }

    #[allow(clippy::type_complexity, reason = "what the task hands back, used once")]
    fn start_reading(
        &self,
        mut session: Reading,
        ids: Vec<String>,
    ) -> JoinHandle<Result<(Reading, Vec<String>, Chunk)>> {
        let plan = self.plan.clone();
        tokio::spawn(async move {
            let chunk = session.chunk(&plan, &ids).await?;
            Ok((session, ids, chunk))
        })
    }

    async fn chunk(&mut self, ids: &[String], chunk: &Chunk, tell: &mut Tell<'_>) -> Result<()> {
        self.go_on()?;
        for (index, table) in self.plan.tables.iter().enumerate() {
            if index != self.plan.people.table {
                *self.report.rows.entry(table.ssd_name.clone()).or_default() += chunk.rows(index);
            }
        }
        let mut findings = std::mem::take(&mut self.findings);
        let result = self.decide_chunk(ids, chunk, &mut findings, tell).await;
        self.findings = findings;
        tell(Event::Done(ids.len() as u64));
        result
    }

    /// Nothing is written yet: a run that was asked to end may do so here.
    fn go_on(&self) -> Result<()> {
        if self.settings.interrupt.is_set() { Err(Interrupt::error()) } else { Ok(()) }
    }

    async fn left_by_age(&mut self, people: &People) -> Result<()> {
        for ids in people.chunks_out_of_age(self.settings.chunk) {
            for (_, row) in self.ledger(&ids).await? {
                self.out_of_cohort(row, Desired::Left).await?;
            }
        }
        Ok(())
    }

    async fn refused(&mut self, people: &People) -> Result<()> {
        for ids in people.refused().chunks(self.settings.chunk) {
            for (_, row) in self.ledger(ids).await? {
                self.out_of_cohort(row, Desired::Refused).await?;
            }
        }
        Ok(())
    }

    async fn gone(&mut self, people: &People) -> Result<()> {
        if !self.has_ledger {
            return Ok(());
        }
        let (mut gone, mut alike) = (Vec::new(), Vec::new());
        let shard = self.settings.shard;
        self.staging
            .each_key(&mut |id| {
                if shard.is_some_and(|shard| !shard.has(id)) {
                    // Another's to judge.
                } else if !people.contains(id) {
                    gone.push(id.to_owned());
                } else if people.is_alike_refused(id) {
                    alike.push(id.to_owned());
                }
            })
            .await?;
        for (ids, desired) in [(gone, Desired::Gone), (alike, Desired::Refused)] {
            for ids in ids.chunks(self.settings.chunk) {
                for (_, row) in self.ledger(ids).await? {
                    self.out_of_cohort(row, desired).await?;
                }
            }
        }
        Ok(())
    }

    async fn ledger(&self, ids: &[String]) -> Result<HashMap<String, LedgerRow>> {
        if !self.has_ledger {
            return Ok(HashMap::new());
        }
        let rows = self.staging.ledger(ids).await?;
        Ok(rows.into_iter().map(|row| (row.person_id.clone(), row)).collect())
    }

    /// Judges the run, and applies what was collected. Rows that changed meanwhile are decided again from the same moment of the SSD.
    async fn finish(mut self, mut session: Reading, people: &People, last: &Last) -> Result<StageReport> {
        self.flush_leaving().await?;
        self.report.findings = self.findings.list();
        let retires = self.retires;
        let is_read = people.to_read() == 0 || self.tally.unread < people.to_read() as u64;
        let people_read = if is_read { people.all_rows() as u64 } else { 0 };
        let shards = self.settings.shard.map_or(1, |shard| shard.of().into());
        let run = guards::Run { people: people_read, rows: &self.report.tables, last: &last.rows, retires, shards };
        self.report.guards = guards::judge(&self.settings.guards, &self.settings.accepted, &self.tally, &run);
        if self.report.fired().next().is_some() {
            return Ok(self.report);
        }
        self.go_on()?;
        let mut missed = self.apply().await?;
        for _ in 0..ROUNDS {
            if missed.is_empty() {
                break;
            }
            tracing::info!(rows = missed.len(), "rows changed while staging; deciding them again");
            // The children were counted when they were first decided.
            let counted = self.report.clone();
            self.out.changes = Some(self.staging.changes().await?);
            self.decide_again(&mut session, people, missed).await?;
            self.report = counted;
            missed = self.apply().await?;
        }
        if !missed.is_empty() {
            tracing::warn!(rows = missed.len(), "rows are held by another process; they are left for the next run");
        }
        self.report.left_for_next_run = missed.len() as u64;
        Ok(self.report)
    }

    async fn decide_again(&mut self, session: &mut Reading, people: &People, missed: Vec<String>) -> Result<()> {
        let (to_read, others): (Vec<String>, Vec<String>) = missed.into_iter().partition(|id| people.is_read(id));
        let mut unreported = Findings::default();
        for ids in to_read.chunks(self.settings.chunk) {
            let chunk = session.chunk(self.plan, ids).await?;
            self.decide_chunk(ids, &chunk, &mut unreported, &mut |_| {}).await?;
        }
        for (id, row) in self.ledger(&others).await? {
            let desired = match people.contains(&id) {
                _ if people.is_refused(&id) => Desired::Refused,
                true => Desired::Left,
                false => Desired::Gone,
            };
            self.out_of_cohort(row, desired).await?;
        }
        self.flush_leaving().await
    }

    async fn apply(&mut self) -> Result<Vec<String>> {
        self.out.flush().await?;
        let Some(changes) = self.out.changes.take() else { return Ok(Vec::new()) };
        let applied = changes.apply().await?;
        self.report.staged.written += applied.written;
        Ok(applied.missed)
    }
}
