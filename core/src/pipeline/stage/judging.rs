//! One child: what the SSD says of it against what its row keeps, and the write that follows.

use std::collections::HashMap;

use super::report::Event;
use super::{Stager, Tell};
use crate::config::{Deletion, Semantics};
use crate::delta::{
    Change, Comparison, Delta, Desired, Effect, canonical_hash, decide, is_purge_form, purge_form, same_document,
};
use crate::error::Result;
use crate::payload::canonical::Json;
use crate::payload::rows::ChunkRows;
use crate::payload::{Assembled, Assembler, Findings, Retired, Verdict};
use crate::staging::{Documents, Hash, Held, LedgerRow, NewDocument, Outgoing, RowState, Status, Write};

/// Ledger rows are fetched this many at a time.
const LEDGER_AT_ONCE: usize = 1000;
/// Stored documents are fetched this many at a time.
const COMPARE_AT_ONCE: usize = 200;

/// A child out of the cohort whose stored documents have to be looked at.
pub(super) struct Leaving {
    row: LedgerRow,
    desired: Desired,
}

/// A desired document that is not simply as staged: it waits for the stored ones to be compared with.
struct Waiting<'a> {
    id: &'a str,
    row: Option<LedgerRow>,
    hash: Hash,
    document: String,
    legacy_id: Option<&'a str>,
    retired: Vec<Retired<'a>>,
}

impl Waiting<'_> {
    /// Whether the SSD still has a record that the rules left out.
    fn still(&self) -> impl Fn(&str, &[&str]) -> bool {
        |path, ids| self.retired.iter().any(|one| one.path == path && one.ids == ids)
    }
}

/// What comparing says of a child in the cohort.
struct Judged {
    row: Option<LedgerRow>,
    change: Option<Change>,
    /// What goes into `partial_json_payload`, and whether it is a partial document.
    outgoing: Option<(String, bool)>,
    /// The partial document, for an analyst who asked.
    partial: Option<String>,
    /// The blocks of the records that are gone from the SSD.
    purges: Vec<String>,
    /// Whether there are purges, or another difference, that were not staged before.
    is_news: bool,
}

impl Stager<'_> {
    /// Assembles and decides the children of a chunk.
    pub(super) async fn decide_chunk(
        &mut self,
        ids: &[String],
        rows: &ChunkRows,
        findings: &mut Findings,
        tell: &mut Tell<'_>,
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
                if let Some(row) = row {
                    self.out_of_cohort(row, Desired::Left).await?;
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
                    retired: child.retired,
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
            self.report.foreseen.would_send.document(child.document.len(), false);
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
            let (document, partial) = (wait.document.as_str(), judged.partial.as_deref());
            tell(Event::Document { person_id: wait.id, document, partial, to_be_sent });
            if to_be_sent && self.settings.shows.foreseen {
                self.foresee(&wait, stored.get(wait.id), &judged)?;
            }
            if judged.is_news {
                self.tally.member_purges += judged.purges.len() as u64;
            }
            let Some(change) = change else {
                self.report.staged.unchanged += 1;
                continue;
            };
            let changed = change.effect == Effect::Updated && change.writes_document && to_be_sent;
            self.tally.changed += u64::from(changed);
            let document = NewDocument { json: wait.document, legacy_id: wait.legacy_id.map(str::to_owned) };
            let outgoing = judged.outgoing.map(|(text, _)| text);
            self.write(wait.id, judged.row.as_ref(), change, Some(document), outgoing).await?;
        }
        Ok(())
    }

    /// Decides one child by its documents.
    fn judge(&self, wait: &Waiting<'_>, stored: Option<&Documents>) -> Result<Judged> {
        let (policy, rules) = (&self.settings.policy, &self.rules);
        let still = wait.still();
        let merges = policy.semantics == Semantics::Merge;
        let mut row = wait.row.clone();
        if let Some(row) = row.as_mut().filter(|row| !self.trusts(row, stored)) {
            row.held = Held::Unsure;
        }
        let held_text = stored.and_then(|stored| stored.held.as_deref());
        let holds = row.as_ref().is_some_and(|row| row.held != Held::Nothing);
        let held = held_text.filter(|_| holds).and_then(|text| Json::parse(text).ok());
        if held.is_none() && !merges {
            let same = row.as_ref().map_or(Comparison::NOTHING, |row| self.compared(row, wait, stored));
            let change = decide(row.as_ref(), &Desired::Document { hash: wait.hash, same }, policy);
            return Ok(Judged { row, change, outgoing: None, partial: None, purges: Vec::new(), is_news: true });
        }
        let desired = Json::parse(&wait.document)?;
        let purges: Vec<String> = match &held {
            Some(held) => rules.purges(held, &desired, &still).into_iter().map(str::to_owned).collect(),
            None => Vec::new(),
        };
        let delta = || rules.delta(held.as_ref(), &desired, &still);
        let same = match &row {
            None => Comparison::NOTHING,
            Some(row) => {
                let mut same = self.compared(row, wait, stored);
                if merges && matches!(row.held, Held::Document(_)) {
                    same.held |= held.is_some() && matches!(delta(), Delta::None);
                    same.held &= purges.is_empty();
                }
                same
            }
        };
        let wanted = Desired::Document { hash: wait.hash, same };
        let mut change = decide(row.as_ref(), &wanted, policy);
        let full = || (rules.full(&desired, held.as_ref(), &still), false);
        let outgoing = match change.map(|change| change.outgoing) {
            Some(Outgoing::Full) => Some(full()),
            Some(Outgoing::Changes) => Some(match delta() {
                Delta::Partial(text) => (text, true),
                Delta::Full(text) => (text, false),
                Delta::None => full(),
            }),
            _ => None,
        };
        // Only now can be said what is prepared already: if it is the same, there may be nothing to write.
        let prepared = stored.and_then(|stored| stored.outgoing.as_deref());
        if let (Some(row), Some(change_to), Some((text, _)), Some(prepared)) = (&mut row, change, &outgoing, prepared)
            && same_json(text, prepared)
        {
            row.outgoing = change_to.outgoing;
            change = decide(Some(row), &wanted, policy);
        }
        let partial = match self.settings.shows.prepared.then(delta) {
            Some(Delta::Partial(text)) => Some(text),
            _ => None,
        };
        let is_news = change.is_some_and(|change| change.writes_document || change.outgoing != Outgoing::Nothing);
        Ok(Judged { row, change, outgoing, partial, purges, is_news })
    }

    fn compared(&self, row: &LedgerRow, wait: &Waiting<'_>, stored: Option<&Documents>) -> Comparison {
        let omit = &self.settings.unstable_ids;
        let is =
            |text: Option<&String>, omit: &[String]| text.is_some_and(|text| same_document(&wait.document, text, omit));
        let current = stored.and_then(|stored| stored.current.as_ref());
        let held = stored.and_then(|stored| stored.held.as_ref());
        let by_hash = by_hash(row, wait.hash);
        Comparison {
            current: by_hash.current || is(current, omit),
            held: by_hash.held || (matches!(row.held, Held::Document(_)) && is(held, omit)),
            stored_exactly: is(current, &[]),
        }
    }

    /// Whether DfE really has what the row says it holds. Other tools copy a document there without having sent it (staging fact sheet,
    /// 4.1): of a row that waits to be sent it is believed only where this program left a trace.
    fn trusts(&self, row: &LedgerRow, stored: Option<&Documents>) -> bool {
        let (Held::Document(hash), Some(stored)) = (row.held, stored) else { return true };
        if stored.accepted || !matches!(row.status, Status::Pending | Status::Error) {
            return true;
        }
        let ours =
            |omit: &[String]| stored.held.as_deref().and_then(|text| canonical_hash(text, omit).ok()) == Some(hash);
        ours(&self.settings.unstable_ids) || ours(&[])
    }

    /// Counts what would be sent of a child.
    fn foresee(&mut self, wait: &Waiting<'_>, stored: Option<&Documents>, judged: &Judged) -> Result<()> {
        let foreseen = &mut self.report.foreseen;
        match &judged.outgoing {
            Some((text, partial)) => foreseen.would_send.document(text.len(), *partial),
            None => {
                let prepared = stored.and_then(|stored| stored.outgoing.as_ref());
                let merges = self.settings.policy.semantics == Semantics::Merge;
                let length = prepared.filter(|_| merges).map_or(wait.document.len(), String::len);
                foreseen.would_send.document(length, false);
            }
        }
        let Some(held) = stored.and_then(|stored| stored.held.as_deref()).and_then(|text| Json::parse(text).ok())
        else {
            return Ok(());
        };
        let desired = Json::parse(&wait.document)?;
        let still = wait.still();
        for field in self.rules.changed_fields(Some(&held), &desired, &still) {
            *foreseen.changes.fields.entry(field.to_owned()).or_default() += 1;
        }
        for path in &judged.purges {
            *foreseen.changes.purges.members.entry(path.clone()).or_default() += 1;
        }
        let missing = self.rules.purges(&held, &desired, &|_, _| false).len();
        foreseen.changes.retired.members += (missing - judged.purges.len()) as u64;
        Ok(())
    }

    /// Decides a child out of the cohort; where it may be purged, once its documents are at hand.
    pub(super) async fn out_of_cohort(&mut self, row: LedgerRow, desired: Desired) -> Result<()> {
        self.tally.known += u64::from(!row.row_state.is_out());
        let deletions = self.settings.policy.deletions;
        let deletion = match desired {
            Desired::Gone => deletions.gone,
            Desired::Left => deletions.left,
            _ => Deletion::Mark,
        };
        if deletion == Deletion::Purge && row.held != Held::Nothing {
            self.leaving.push(Leaving { row, desired });
            return if self.leaving.len() == COMPARE_AT_ONCE { self.flush_leaving().await } else { Ok(()) };
        }
        match decide(Some(&row), &desired, &self.settings.policy) {
            Some(change) => self.write(&row.person_id, Some(&row), change, None, None).await,
            None => Ok(()),
        }
    }

    /// Decides the children that wait for their documents.
    pub(super) async fn flush_leaving(&mut self) -> Result<()> {
        let leaving = std::mem::take(&mut self.leaving);
        let ids: Vec<String> = leaving.iter().map(|leaving| leaving.row.person_id.clone()).collect();
        let stored = self.documents(&ids).await?;
        for Leaving { mut row, desired } in leaving {
            let stored = stored.get(&row.person_id);
            let form = purge_form(&row.person_id, stored.and_then(other_id).as_deref());
            let prepared = stored.and_then(|stored| stored.outgoing.as_deref());
            if let Some(prepared) = prepared.and_then(|text| Json::parse(text).ok())
                && is_purge_form(&prepared, &row.person_id)
            {
                row.outgoing = Outgoing::Purge;
            }
            let change = decide(Some(&row), &desired, &self.settings.policy);
            let outgoing = change.map_or(row.outgoing, |change| change.outgoing);
            if outgoing == Outgoing::Purge && self.settings.shows.foreseen && to_be_sent(Some(&row), change) {
                self.report.foreseen.changes.purges.children += 1;
                self.report.foreseen.would_send.purge += 1;
                self.report.foreseen.would_send.bytes += form.len() as u64;
            }
            if let Some(change) = change {
                let outgoing = (change.outgoing == Outgoing::Purge).then_some(form);
                self.write(&row.person_id, Some(&row), change, None, outgoing).await?;
            }
        }
        Ok(())
    }

    async fn documents(&self, ids: &[String]) -> Result<HashMap<String, Documents>> {
        let stored = if ids.is_empty() { Vec::new() } else { self.staging.documents(ids).await? };
        Ok(stored.into_iter().map(|stored| (stored.person_id.clone(), stored)).collect())
    }

    /// Counts a change and collects its write.
    async fn write(
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
        self.tally.gone += u64::from(change.effect == Effect::Gone);
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
fn to_be_sent(row: Option<&LedgerRow>, change: Option<Change>) -> bool {
    let status = change.map(|change| change.status).or(row.map(|row| row.status));
    matches!(status, Some(Status::Pending | Status::Error))
}

/// What the hashes alone say.
fn by_hash(row: &LedgerRow, hash: Hash) -> Comparison {
    let current = row.current_hash == Some(hash);
    Comparison { current, held: row.held == Held::Document(hash), stored_exactly: current }
}

/// The child's other id, as DfE knows it, else as it was to be sent.
fn other_id(stored: &Documents) -> Option<String> {
    let id = |text: &String| match Json::parse(text).ok()?.get("mis_child_id")? {
        Json::String(id) => Some(id.to_string()),
        _ => None,
    };
    stored.held.as_ref().and_then(id).or_else(|| stored.current.as_ref().and_then(id))
}

/// Whether two texts are the same JSON.
fn same_json(a: &str, b: &str) -> bool {
    a == b || matches!((Json::parse(a), Json::parse(b)), (Ok(a), Ok(b)) if a == b)
}
