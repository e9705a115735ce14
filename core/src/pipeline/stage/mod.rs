//! `stage`: the SSD's desired documents against what the staging table holds; only rows that change are written.
//!
//! Reading a chunk of children overlaps with assembling the one before, so two chunks are in memory whatever the cohort.
//! Changes are collected in private and applied at the end, so that a run that must not happen has written nothing. [`judging`]
//! decides the children of a chunk ([`weigh`] those whose documents have to be compared), [`leaving`] those out of the cohort, and
//! [`guards`] the whole run.

mod guards;
mod judging;
mod leaving;
mod portion;
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

use super::Interrupt;
use super::people::{People, judge};
use crate::delta::{Desired, Rules};
use crate::error::{Error, Kind, Result};
use crate::payload::definition::WindowRule;
use crate::payload::rows::ChunkRows;
use crate::payload::{Findings, Plan, RunDates, read};
use crate::source::{ReadSession, Source};
use crate::staging::{LedgerRow, Staging};

/// Rows that changed under us are decided again this often before they are left for the next run.
const ROUNDS: usize = 3;

/// Tells what `stage` does.
type Tell<'t> = dyn FnMut(Event<'_>) + Send + 't;

/// Stages the whole cohort. Where a guard fires nothing is written, and the report says so.
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
        lock = Some(staging.lock_stage().await?);
        let may_hold = |held: Option<&str>, mentioned: &str| rules.after_no_answer(held, mentioned);
        recovered = staging.recover(settings.intent_life, &may_hold).await?;
    }
    let has_ledger = !settings.dry_run || staging.is_ready().await?;
    let last = if has_ledger { Last::read(&*staging, &plan.window).await? } else { Last::default() };
    let mut session = source.open(&plan.source_tables()).await?;
    let mut findings = if settings.shows.finding_values { Findings::with_values() } else { Findings::default() };
    let tables = count(&mut *session, &plan).await?;
    let people = judge(read::people(&mut *session, &plan).await?, &plan, &mut findings);
    tell(Event::Children(people.to_read() as u64));
    let changes = if settings.dry_run { None } else { Some(staging.changes().await?) };
    let mut stager = Stager {
        plan: &plan,
        rules,
        staging: &*staging,
        settings: &settings,
        has_ledger,
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

/// The rows of every table, whosever they are: a table is compared with itself, not with the children of the day.
async fn count(session: &mut dyn ReadSession, plan: &Plan) -> Result<BTreeMap<String, u64>> {
    let mut rows = BTreeMap::new();
    for table in &plan.tables {
        let count = match table.scans.first() {
            Some(scan) => session.count(&scan.table).await?,
            None => 0,
        };
        rows.insert(table.ssd_name.clone(), count);
    }
    Ok(rows)
}

/// The last run that finished staging, as guards need it.
#[derive(Default)]
struct Last {
    /// First day of its window. `None` where there was no such run.
    window_start: Option<Date>,
    rows: BTreeMap<String, u64>,
}

impl Last {
    async fn read(staging: &dyn Staging, window: &WindowRule) -> Result<Last> {
        let Some(last) = staging.last_staged().await? else { return Ok(Last::default()) };
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
    findings: Findings,
    tally: Tally,
    report: StageReport,
    /// Children out of the cohort whose documents have to be looked at.
    leaving: Vec<Leaving>,
    out: Portion,
}

impl Stager<'_> {
    /// Reads and decides all chunks; gives the session back.
    async fn read_all(
        &mut self,
        session: Box<dyn ReadSession>,
        people: &People,
        tell: &mut Tell<'_>,
    ) -> Result<Box<dyn ReadSession>> {
        let people_table = &self.plan.tables[self.plan.people.table].ssd_name;
        self.report.rows.insert(people_table.clone(), people.rows() as u64);
        for table in &self.plan.tables {
            self.report.rows.entry(table.ssd_name.clone()).or_default();
        }
        let mut chunks = people.chunks(self.settings.chunk);
        let Some(first) = chunks.next() else { return Ok(session) };
        let mut reading = self.start_reading(session, first);
        loop {
            let (session, ids, rows) = reading.await.map_err(|_| Error::internal("reading a chunk panicked"))??;
            let Some(next) = chunks.next() else {
                self.chunk(&ids, &rows, tell).await?;
                return Ok(session);
            };
            reading = self.start_reading(session, next);
            self.chunk(&ids, &rows, tell).await?;
        }
    }

    #[allow(clippy::type_complexity, reason = "what the task hands back, used once")]
    fn start_reading(
        &self,
        mut session: Box<dyn ReadSession>,
        ids: Vec<String>,
    ) -> JoinHandle<Result<(Box<dyn ReadSession>, Vec<String>, ChunkRows)>> {
        let plan = self.plan.clone();
        tokio::spawn(async move {
            let rows = read::chunk(&mut *session, &plan, &ids).await?;
            Ok((session, ids, rows))
        })
    }

    async fn chunk(&mut self, ids: &[String], rows: &ChunkRows, tell: &mut Tell<'_>) -> Result<()> {
        self.go_on()?;
        for (index, table) in self.plan.tables.iter().enumerate() {
            if index != self.plan.people.table {
                *self.report.rows.entry(table.ssd_name.clone()).or_default() += rows.count(index) as u64;
            }
        }
        let mut findings = std::mem::take(&mut self.findings);
        let result = self.decide_chunk(ids, rows, &mut findings, tell).await;
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
        self.staging
            .each_key(&mut |id| {
                if !people.contains(id) {
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
    async fn finish(mut self, mut session: Box<dyn ReadSession>, people: &People, last: &Last) -> Result<StageReport> {
        self.flush_leaving().await?;
        self.report.findings = self.findings.list();
        // Between two 1 Aprils no child leaves by time alone.
        let retires = last.window_start != Some(self.plan.dates.start);
        let run = guards::Run { people: people.rows() as u64, rows: &self.report.tables, last: &last.rows, retires };
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
            self.decide_again(&mut *session, people, missed).await?;
            self.report = counted;
            missed = self.apply().await?;
        }
        if !missed.is_empty() {
            tracing::warn!(rows = missed.len(), "rows are held by another process; they are left for the next run");
        }
        self.report.left_for_next_run = missed.len() as u64;
        Ok(self.report)
    }

    async fn decide_again(
        &mut self,
        session: &mut dyn ReadSession,
        people: &People,
        missed: Vec<String>,
    ) -> Result<()> {
        let (to_read, others): (Vec<String>, Vec<String>) = missed.into_iter().partition(|id| people.is_read(id));
        let mut unreported = Findings::default();
        for ids in to_read.chunks(self.settings.chunk) {
            let rows = read::chunk(session, self.plan, ids).await?;
            self.decide_chunk(ids, &rows, &mut unreported, &mut |_| {}).await?;
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
