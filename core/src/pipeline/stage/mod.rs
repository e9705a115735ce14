//! `stage`: the SSD's desired documents against what the staging table holds; only rows that change are written.
//!
//! Reading a chunk of children overlaps with assembling the one before, so two chunks are in memory whatever the cohort.
//! Changes are collected in private and applied at the end, so that a run that must not happen has written nothing.

mod portion;
mod report;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::JoinHandle;

pub use report::{Event, StageReport, StageSettings, Staged};

use portion::Portion;

use super::people::{People, judge};
use crate::delta::{Change, Comparison, Desired, Effect, decide, same_document};
use crate::error::{Error, Result};
use crate::payload::rows::ChunkRows;
use crate::payload::{Assembler, Findings, Plan, Verdict, read};
use crate::source::{ReadSession, Source};
use crate::staging::{Documents, Hash, Held, LedgerRow, NewDocument, Staging, Status, Write};

/// Ledger rows are fetched this many at a time.
const LEDGER_AT_ONCE: usize = 1000;
/// Stored documents are fetched for comparison this many at a time.
const COMPARE_AT_ONCE: usize = 200;
/// Rows that changed under us are decided again this often before they are left for the next run.
const ROUNDS: usize = 3;

/// Stages the whole cohort.
///
/// # Errors
/// What the source or the staging report; nothing is written then, but what [`Staging::prepare`] and [`Staging::recover`] did.
pub async fn stage(
    plan: Arc<Plan>,
    source: Arc<dyn Source>,
    staging: Arc<dyn Staging>,
    settings: StageSettings,
    tell: &mut (dyn FnMut(Event<'_>) + Send),
) -> Result<StageReport> {
    let mut recovered = 0;
    let mut lock = None;
    if settings.dry_run {
        tracing::info!("dry run: nothing will be written");
    } else {
        staging.prepare().await?;
        lock = Some(staging.lock_stage().await?);
        recovered = staging.recover(settings.request_life).await?;
    }
    let has_ledger = !settings.dry_run || staging.is_ready().await?;
    let mut session = source.open(&plan.source_tables()).await?;
    let mut findings = if settings.finding_values { Findings::with_values() } else { Findings::default() };
    let people = judge(read::people(&mut *session, &plan).await?, &plan, &mut findings);
    tell(Event::Children(people.to_read() as u64));
    let changes = if settings.dry_run { None } else { Some(staging.changes().await?) };
    let mut stager = Stager {
        plan: &plan,
        staging: &*staging,
        settings: &settings,
        has_ledger,
        findings,
        report: StageReport { recovered, ..StageReport::default() },
        out: Portion::new(changes),
    };
    let session = stager.read_all(session, &people, tell).await?;
    stager.left_by_age(&people).await?;
    stager.refused(&people).await?;
    stager.gone(&people).await?;
    let report = stager.finish(session, &people).await?;
    drop(lock);
    Ok(report)
}

struct Stager<'a> {
    plan: &'a Arc<Plan>,
    staging: &'a dyn Staging,
    settings: &'a StageSettings,
    /// A dry run before the first run finds no table.
    has_ledger: bool,
    findings: Findings,
    report: StageReport,
    out: Portion,
}

/// A desired document that is not simply as staged: it waits for the stored ones to be compared with.
struct Waiting<'a> {
    row: LedgerRow,
    hash: Hash,
    document: String,
    legacy_id: Option<&'a str>,
}

impl Stager<'_> {
    /// Reads and decides all chunks; gives the session back.
    async fn read_all(
        &mut self,
        session: Box<dyn ReadSession>,
        people: &People,
        tell: &mut (dyn FnMut(Event<'_>) + Send),
    ) -> Result<Box<dyn ReadSession>> {
        let people_table = &self.plan.tables[self.plan.people.table].ssd_name;
        self.report.rows.insert(people_table.clone(), people.rows() as u64);
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

    async fn chunk(
        &mut self,
        ids: &[String],
        rows: &ChunkRows,
        tell: &mut (dyn FnMut(Event<'_>) + Send),
    ) -> Result<()> {
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

    async fn decide_chunk(
        &mut self,
        ids: &[String],
        rows: &ChunkRows,
        findings: &mut Findings,
        tell: &mut (dyn FnMut(Event<'_>) + Send),
    ) -> Result<()> {
        let plan = self.plan.clone();
        let mut assembler = Assembler::new(&plan);
        let mut waiting = Vec::new();
        let mut ledger = HashMap::new();
        for (number, id) in ids.iter().enumerate() {
            if number % LEDGER_AT_ONCE == 0 {
                ledger = self.ledger(&ids[number..ids.len().min(number + LEDGER_AT_ONCE)]).await?;
            }
            let row = ledger.remove(id.as_str());
            let Verdict::Cohort(child) = assembler.assemble(rows, number, id, findings)? else {
                self.out_of_cohort(row, &Desired::Left).await?;
                continue;
            };
            self.report.staged.cohort += 1;
            let Some(row) = row else {
                let nothing = Comparison { current: false, held: false, stored_exactly: false };
                let change = decide(None, &Desired::Document { hash: child.hash, same: nothing });
                tell(Event::Document { person_id: id, document: child.document, to_be_sent: to_be_sent(None, change) });
                self.write(id, None, change, Some((child.document.to_owned(), child.legacy_id))).await?;
                continue;
            };
            if self.hashes_tell(&row, child.hash) {
                let same = by_hash(&row, child.hash);
                let change = decide(Some(&row), &Desired::Document { hash: child.hash, same });
                tell(Event::Document {
                    person_id: id,
                    document: child.document,
                    to_be_sent: to_be_sent(Some(&row), change),
                });
                // Where the hashes tell, the stored text is the document: nothing of it is written.
                self.write(id, Some(&row), change, Some((String::new(), None))).await?;
                continue;
            }
            waiting.push(Waiting {
                row,
                hash: child.hash,
                document: child.document.to_owned(),
                legacy_id: child.legacy_id,
            });
            if waiting.len() == COMPARE_AT_ONCE {
                self.compare(std::mem::take(&mut waiting), tell).await?;
            }
        }
        self.compare(waiting, tell).await
    }

    /// Whether a child's hashes alone say that its document is both staged and, if anything is held, held; without unstable ids
    /// equal hashes are equal documents.
    fn hashes_tell(&self, row: &LedgerRow, hash: Hash) -> bool {
        let same = by_hash(row, hash);
        same.current && (same.held || !matches!(row.held, Held::Document(_))) && self.settings.unstable_ids.is_empty()
    }

    /// Compares documents with the stored ones, where the hashes cannot tell.
    async fn compare(&mut self, waiting: Vec<Waiting<'_>>, tell: &mut (dyn FnMut(Event<'_>) + Send)) -> Result<()> {
        let omit = &self.settings.unstable_ids;
        let ids: Vec<String> = waiting.iter().map(|wait| wait.row.person_id.clone()).collect();
        let stored = if ids.is_empty() { Vec::new() } else { self.staging.documents(&ids).await? };
        let stored: HashMap<&str, &Documents> =
            stored.iter().map(|stored| (stored.person_id.as_str(), stored)).collect();
        for wait in &waiting {
            let stored = stored.get(wait.row.person_id.as_str()).copied();
            let is = |text: Option<&String>, omit: &[String]| {
                text.is_some_and(|text| same_document(&wait.document, text, omit))
            };
            let current = stored.and_then(|stored| stored.current.as_ref());
            let held = stored.and_then(|stored| stored.held.as_ref());
            let by_hash = by_hash(&wait.row, wait.hash);
            let same = Comparison {
                current: by_hash.current || is(current, omit),
                held: by_hash.held || (matches!(wait.row.held, Held::Document(_)) && is(held, omit)),
                stored_exactly: is(current, &[]),
            };
            let change = decide(Some(&wait.row), &Desired::Document { hash: wait.hash, same });
            let to_be_sent = to_be_sent(Some(&wait.row), change);
            tell(Event::Document { person_id: &wait.row.person_id, document: &wait.document, to_be_sent });
            let document = (wait.document.clone(), wait.legacy_id);
            self.write(&wait.row.person_id, Some(&wait.row), change, Some(document)).await?;
        }
        Ok(())
    }

    async fn left_by_age(&mut self, people: &People) -> Result<()> {
        for ids in people.chunks_out_of_age(self.settings.chunk) {
            for (_, row) in self.ledger(&ids).await? {
                self.out_of_cohort(Some(row), &Desired::Left).await?;
            }
        }
        Ok(())
    }

    async fn refused(&mut self, people: &People) -> Result<()> {
        for ids in people.refused().chunks(self.settings.chunk) {
            for (_, row) in self.ledger(ids).await? {
                self.out_of_cohort(Some(row), &Desired::Refused).await?;
            }
        }
        Ok(())
    }

    async fn gone(&mut self, people: &People) -> Result<()> {
        if !self.has_ledger {
            return Ok(());
        }
        let mut gone = Vec::new();
        self.staging
            .each_key(&mut |id| {
                if !people.contains(id) {
                    gone.push(id.to_owned());
                }
            })
            .await?;
        for ids in gone.chunks(self.settings.chunk) {
            for (_, row) in self.ledger(ids).await? {
                self.out_of_cohort(Some(row), &Desired::Gone).await?;
            }
        }
        Ok(())
    }

    async fn out_of_cohort(&mut self, row: Option<LedgerRow>, desired: &Desired) -> Result<()> {
        match row {
            Some(row) => self.write(&row.person_id, Some(&row), decide(Some(&row), desired), None).await,
            None => Ok(()),
        }
    }

    async fn ledger(&self, ids: &[String]) -> Result<HashMap<String, LedgerRow>> {
        if !self.has_ledger {
            return Ok(HashMap::new());
        }
        let rows = self.staging.ledger(ids).await?;
        Ok(rows.into_iter().map(|row| (row.person_id.clone(), row)).collect())
    }

    /// Counts a decision and collects its write.
    async fn write(
        &mut self,
        id: &str,
        row: Option<&LedgerRow>,
        change: Option<Change>,
        document: Option<(String, Option<&str>)>,
    ) -> Result<()> {
        let staged = &mut self.report.staged;
        let Some(change) = change else {
            staged.unchanged += u64::from(document.is_some());
            return Ok(());
        };
        let count = match change.effect {
            Effect::New => &mut staged.new,
            Effect::Updated => &mut staged.updated,
            Effect::Returned => &mut staged.returned,
            Effect::Refreshed => &mut staged.refreshed,
            Effect::Gone => &mut staged.gone,
            Effect::Left => &mut staged.left,
            // Counted as withdrawn below.
            Effect::Refused => &mut 0,
        };
        *count += 1;
        let was = row.map(|row| row.status);
        staged.withdrawn += u64::from(change.status == Status::Withdrawn && was != Some(Status::Withdrawn));
        let document = document.filter(|_| change.writes_document);
        self.out
            .push(Write {
                person_id: id.to_owned(),
                expected: row.map(|row| row.version.clone()),
                status: change.status,
                row_state: change.row_state,
                document: document.map(|(json, legacy)| NewDocument { json, legacy_id: legacy.map(str::to_owned) }),
                current_hash: change.current_hash,
                held: change.held,
            })
            .await
    }

    /// Applies what was collected. Rows that changed meanwhile are decided again from the same moment of the SSD.
    async fn finish(mut self, mut session: Box<dyn ReadSession>, people: &People) -> Result<StageReport> {
        let mut missed = self.apply().await?;
        for _ in 0..ROUNDS {
            if missed.is_empty() {
                break;
            }
            tracing::info!(rows = missed.len(), "rows changed while staging; deciding them again");
            let counted = self.report.clone();
            self.out.changes = Some(self.staging.changes().await?);
            let (to_read, others): (Vec<String>, Vec<String>) = missed.into_iter().partition(|id| people.is_read(id));
            let mut unreported = Findings::default();
            for ids in to_read.chunks(self.settings.chunk) {
                let rows = read::chunk(&mut *session, self.plan, ids).await?;
                self.decide_chunk(ids, &rows, &mut unreported, &mut |_| {}).await?;
            }
            for (id, row) in self.ledger(&others).await? {
                let desired = match people.contains(&id) {
                    _ if people.is_refused(&id) => Desired::Refused,
                    true => Desired::Left,
                    false => Desired::Gone,
                };
                self.out_of_cohort(Some(row), &desired).await?;
            }
            // The children were counted when they were first decided.
            self.report = counted;
            missed = self.apply().await?;
        }
        if !missed.is_empty() {
            tracing::warn!(rows = missed.len(), "rows are held by another process; they are left for the next run");
        }
        self.report.left_for_next_run = missed.len() as u64;
        self.report.findings = self.findings.list();
        Ok(self.report)
    }

    async fn apply(&mut self) -> Result<Vec<String>> {
        self.out.flush().await?;
        let Some(changes) = self.out.changes.take() else { return Ok(Vec::new()) };
        let applied = changes.apply().await?;
        self.report.staged.written += applied.written;
        Ok(applied.missed)
    }
}

/// Whether a row waits to be sent after a change.
fn to_be_sent(row: Option<&LedgerRow>, change: Option<Change>) -> bool {
    let status = change.map(|change| change.status).or(row.map(|row| row.status));
    matches!(status, Some(Status::Pending | Status::Error))
}

/// What the hashes alone say.
fn by_hash(row: &LedgerRow, hash: Hash) -> Comparison {
    let current = row.current_hash == Some(hash);
    Comparison { current, held: row.held == Held::Document(hash), stored_exactly: current }
}
