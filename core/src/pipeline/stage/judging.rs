//! The children of a chunk: their documents written, decided by their hashes where these tell, and their rows written.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use super::assembling::{Page, assemble};
use super::reading::Chunk;
use super::report::Event;
use super::weigh::Waiting;
use super::{Stager, Tell};
use crate::config::Semantics;
use crate::delta::{Change, Comparison, Desired, Effect, decide};
use crate::error::{Error, Result};
use crate::payload::{Assembled, Findings, Verdict};
use crate::staging::{Documents, Hash, Held, LedgerRow, NewDocument, Outgoing, RowState, Status, Write};

/// Ledger rows are fetched this many at a time.
const LEDGER_AT_ONCE: usize = 1000;
/// Stored documents are fetched this many at a time.
pub(super) const COMPARE_AT_ONCE: usize = 200;

impl Stager<'_> {
    /// Writes the documents of a chunk of children, and decides them.
    pub(super) async fn decide_chunk(
        &mut self,
        ids: &[String],
        chunk: &Chunk,
        findings: &mut Findings,
        tell: &mut Tell<'_>,
    ) -> Result<()> {
        let plan = self.plan.clone();
        let pages = assemble(&plan, chunk, ids, findings)?;
        let mut verdicts = pages.iter().flat_map(Page::verdicts);
        let mut waiting = Vec::new();
        let mut ledger = HashMap::new();
        for (number, id) in ids.iter().enumerate() {
            if number % LEDGER_AT_ONCE == 0 {
                ledger = self.ledger(&ids[number..ids.len().min(number + LEDGER_AT_ONCE)]).await?;
            }
            let row = ledger.remove(id.as_str());
            let (child, out) = match verdicts.next() {
                Some(Verdict::Cohort(child)) => (Some(child), None),
                Some(Verdict::Left) => (None, Some(Desired::Left)),
                Some(Verdict::Refused) => (None, Some(Desired::Refused)),
                Some(Verdict::Unread) => (None, None),
                None => return Err(Error::internal("a child of a chunk was not judged")),
            };
            let Some(child) = child else {
                match (row, out) {
                    (Some(row), Some(desired)) => self.out_of_cohort(row, desired).await?,
                    (None, Some(_)) => {}
                    (row, None) => {
                        self.tally.unread += 1;
                        self.tally.known += u64::from(row.is_some_and(|row| !row.row_state.is_out()));
                    }
                }
                continue;
            };
            self.report.staged.cohort += 1;
            self.tally.members += child.records;
            self.tally.known += u64::from(row.as_ref().is_some_and(|row| !row.row_state.is_out()));
            match row {
                Some(row) if self.hashes_tell(&row, child.hash) => self.by_hashes(&row, &child, tell).await?,
                row => waiting.push(Waiting {
                    id,
                    row,
                    hash: child.hash,
                    document: child.document.to_owned(),
                    legacy_id: child.legacy_id,
                    read: (&plan, chunk, number),
                    retired: OnceCell::new(),
                }),
            }
            if waiting.len() == COMPARE_AT_ONCE {
                self.compare(std::mem::take(&mut waiting), tell).await?;
            }
        }
        self.compare(waiting, tell).await
    }

    /// Whether a child's hashes alone say that its document is both staged and, if anything is held, held. Without unstable ids equal
    /// hashes are equal documents. Where DfE merges, the document held may have records beside it that are gone by now.
    fn hashes_tell(&self, row: &LedgerRow, hash: Hash) -> bool {
        let same = by_hash(row, hash);
        same.current
            && (same.held || !matches!(row.held, Held::Document(_)))
            && self.settings.unstable_ids.is_empty()
            && self.settings.policy.semantics == Semantics::Replace
            && !self.settings.shows.prepared
    }

    async fn by_hashes(&mut self, row: &LedgerRow, child: &Assembled<'_, '_>, tell: &mut Tell<'_>) -> Result<()> {
        let desired = Desired::Document { hash: child.hash, same: by_hash(row, child.hash) };
        let change = decide(Some(row), &desired, &self.settings.policy);
        let to_be_sent = to_be_sent(Some(row), change);
        tell(Event::Document { person_id: &row.person_id, document: child.document, partial: None, to_be_sent });
        if to_be_sent && self.settings.shows.foreseen {
            let send = &mut self.report.foreseen.would_send;
            send.document(child.document.len(), false, status_after(Some(row), change));
        }
        match change {
            None => self.report.staged.unchanged += 1,
            // The stored text is the document: nothing of it is written.
            Some(change) => self.write(&row.person_id, Some(row), change, None, None).await?,
        }
        Ok(())
    }

    /// Compares documents with the stored ones, where the hashes cannot tell.
    async fn compare(&mut self, waiting: Vec<Waiting<'_>>, tell: &mut Tell<'_>) -> Result<()> {
        let known = waiting.iter().filter_map(|wait| wait.row.as_ref());
        let ids: Vec<String> = known.map(|row| row.person_id.clone()).collect();
        let stored = self.documents(&ids).await?;
        for wait in waiting {
            let judged = self.judge(&wait, stored.get(wait.id))?;
            let (row, change) = (judged.row.as_ref(), judged.change);
            let to_be_sent = to_be_sent(row, change);
            let partial = judged.partial.as_deref();
            tell(Event::Document { person_id: wait.id, document: &wait.document, partial, to_be_sent });
            if to_be_sent && self.settings.shows.foreseen {
                self.foresee(&wait, stored.get(wait.id), &judged)?;
            }
            let Some(change) = change else {
                self.report.staged.unchanged += 1;
                continue;
            };
            if change.writes_document || change.outgoing != Outgoing::Nothing {
                self.tally.member_purges += judged.missing;
            }
            let changed = change.effect == Effect::Updated && change.writes_document && to_be_sent;
            self.tally.changed += u64::from(changed && judged.differs);
            let document = NewDocument { json: wait.document, legacy_id: wait.legacy_id.map(Cow::into_owned) };
            let outgoing = judged.outgoing.map(|(text, _)| text);
            self.write(wait.id, judged.row.as_ref(), change, Some(document), outgoing).await?;
        }
        Ok(())
    }

    pub(super) async fn documents(&self, ids: &[String]) -> Result<HashMap<String, Documents>> {
        let stored = if ids.is_empty() { Vec::new() } else { self.staging.documents(ids).await? };
        Ok(stored.into_iter().map(|stored| (stored.person_id.clone(), stored)).collect())
    }

    /// Counts a change and collects its write.
    pub(super) async fn write(
        &mut self,
        id: &str,
        row: Option<&LedgerRow>,
        change: Change,
        document: Option<NewDocument>,
        outgoing: Option<String>,
    ) -> Result<()> {
        let staged = &mut self.report.staged;
        let count = match change.effect {
            Effect::New => &mut staged.new,
            Effect::Updated => &mut staged.updated,
            Effect::Returned => &mut staged.returned,
            Effect::Refreshed => &mut staged.refreshed,
            Effect::Gone => &mut staged.gone,
            Effect::Left => &mut staged.left,
            // A purge staged or withdrawn; counted where it is foreseen, and as withdrawn below.
            Effect::Out | Effect::Refused => &mut 0,
        };
        *count += 1;
        let was = row.map(|row| row.status);
        staged.withdrawn += u64::from(change.status == Status::Withdrawn && was != Some(Status::Withdrawn));
        let was_in = row.is_some_and(|row| !row.row_state.is_out());
        self.tally.gone += u64::from(change.effect == Effect::Gone && was_in);
        self.tally.left += u64::from(change.effect == Effect::Left && was_in);
        let purges = change.outgoing == Outgoing::Purge && row.is_some_and(|row| row.outgoing != Outgoing::Purge);
        self.tally.purges += u64::from(purges && change.row_state == RowState::Deleted);
        let newly_left = change.effect == Effect::Left && row.is_some_and(|row| row.row_state != RowState::Left);
        self.report.foreseen.changes.retired.children += u64::from(newly_left);
        self.out
            .push(Write {
                person_id: id.to_owned(),
                expected: row.map(|row| row.version.clone()),
                status: change.status,
                row_state: change.row_state,
                document: document.filter(|_| change.writes_document),
                current_hash: change.current_hash,
                held: change.held,
                outgoing,
                touches: change.effect != Effect::Out,
            })
            .await
    }
}

/// Whether a row waits to be sent after a change.
pub(super) fn to_be_sent(row: Option<&LedgerRow>, change: Option<Change>) -> bool {
    matches!(status_after(row, change), Status::Pending | Status::Error)
}

pub(super) fn status_after(row: Option<&LedgerRow>, change: Option<Change>) -> Status {
    change.map(|change| change.status).or(row.map(|row| row.status)).unwrap_or(Status::Other)
}

/// What the hashes alone say.
pub(super) fn by_hash(row: &LedgerRow, hash: Hash) -> Comparison {
    let current = row.current_hash == Some(hash);
    Comparison { current, held: row.held == Held::Document(hash), stored_exactly: current }
}
