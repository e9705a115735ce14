//! One child in the cohort: its desired document beside those that its row keeps.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::Stager;
use super::judging::{by_hash, status_after};
use super::reading::Chunk;
use crate::config::Semantics;
use crate::delta::{
    Change, Comparison, Delta, Desired, Effect, Rules, Still, canonical_hash, decide, is_purge_form, same_document,
};
use crate::error::Result;
use crate::payload::canonical::Json;
use crate::payload::{Plan, Retired};
use crate::staging::{Documents, Hash, Held, LedgerRow, Outgoing, Status};

/// A desired document that is not simply as staged: it waits for the stored ones to be compared with.
pub(super) struct Waiting<'a> {
    pub id: &'a str,
    pub row: Option<LedgerRow>,
    pub hash: Hash,
    pub document: String,
    pub legacy_id: Option<Cow<'a, str>>,
    /// What the child was assembled from, and its number there.
    pub read: (&'a Plan, &'a Chunk, usize),
    /// What the SSD still has and the rules left out, once somebody asks. `None` in it: nobody knows, for the source has no rows; what the
    /// document does not mention may be there still.
    pub retired: OnceCell<Result<Option<Vec<Retired<'a>>>>>,
}

impl Waiting<'_> {
    /// Whether the SSD still has a record that the rules left out; `unknown` where the source cannot tell.
    fn still(&self, unknown: bool) -> impl Fn(&str, &[&str]) -> bool {
        let (plan, chunk, number) = self.read;
        let retired = move || self.retired.get_or_init(|| chunk.retired(plan, number, self.id));
        move |path, ids| match retired() {
            Ok(Some(retired)) => retired.iter().any(|one| one.path == path && one.ids == ids),
            Ok(None) => unknown,
            // A record is purged only if it is known to be gone.
            Err(_) => true,
        }
    }
}

/// What comparing says of a child in the cohort.
pub(super) struct Judged {
    /// The row, as far as it is believed.
    pub row: Option<LedgerRow>,
    pub change: Option<Change>,
    /// What goes into `partial_json_payload`, and whether it is a partial document.
    pub outgoing: Option<(String, bool)>,
    /// The partial document, for an analyst who asked.
    pub partial: Option<String>,
    /// The blocks of the records that are gone from the SSD.
    pub purges: Vec<String>,
    /// How many records the guards take to be gone: those, and of a source that cannot tell, all that are missing.
    pub missing: u64,
    /// Whether more than retirement parts what is desired from what is held.
    pub differs: bool,
}

/// The documents of one child, read.
struct Sides<'s> {
    desired: Json<'s>,
    /// What DfE may hold.
    held: Option<Json<'s>>,
}

impl Stager<'_> {
    /// Decides one child by its documents.
    pub(super) fn judge(&self, wait: &Waiting<'_>, stored: Option<&Documents>) -> Result<Judged> {
        let mut row = wait.row.clone();
        if let Some(row) = row.as_mut().filter(|row| !self.trusts(row, stored)) {
            row.held = Held::Unsure;
        }
        match self.settings.policy.semantics {
            Semantics::Replace => self.judge_replacing(row, wait, stored),
            Semantics::Merge => self.judge_merging(row, wait, stored),
        }
    }

    fn judge_replacing(
        &self,
        row: Option<LedgerRow>,
        wait: &Waiting<'_>,
        stored: Option<&Documents>,
    ) -> Result<Judged> {
        let same = row.as_ref().map_or(Comparison::NOTHING, |row| self.compared(row, wait, stored));
        let wanted = Desired::Document { hash: wait.hash, same };
        let change = decide(row.as_ref(), &wanted, &self.settings.policy);
        let mut judged =
            Judged { row, change, outgoing: None, partial: None, purges: Vec::new(), missing: 0, differs: true };
        // What is as it was is not looked into: on most nights that is nearly everybody. Nor is a child of whom DfE holds nothing: on the
        // first night that is everybody.
        let is_refreshed = change.is_none_or(|change| change.effect == Effect::Refreshed);
        let is_held = judged.row.as_ref().is_some_and(|row| row.held != Held::Nothing);
        if is_held && (!is_refreshed || self.settings.shows.foreseen) {
            let still = wait.still(self.retires);
            let sides = Sides::read(judged.row.as_ref(), wait, stored)?;
            judged.purges = self.purges(&sides, &still);
            judged.missing = judged.purges.len() as u64;
            judged.differs = self.differs(&sides, &still);
        }
        Ok(judged)
    }

    fn judge_merging(
        &self,
        mut row: Option<LedgerRow>,
        wait: &Waiting<'_>,
        stored: Option<&Documents>,
    ) -> Result<Judged> {
        let policy = &self.settings.policy;
        // Only what is known to be gone may be purged.
        let still = wait.still(true);
        let sides = Sides::read(row.as_ref(), wait, stored)?;
        let delta = self.rules.delta(sides.held.as_ref(), &sides.desired, &still);
        let purges = self.purges(&sides, &still);
        let mut same = row.as_ref().map_or(Comparison::NOTHING, |row| self.compared(row, wait, stored));
        if row.as_ref().is_some_and(|row| matches!(row.held, Held::Document(_))) {
            let nothing = matches!(delta, Delta::None);
            same.held = match &sides.held {
                None => false,
                Some(_) if self.settings.unstable_ids.is_empty() => nothing,
                Some(_) => (same.held || nothing) && purges.is_empty(),
            };
        }
        let prepared = stored.and_then(|stored| stored.outgoing.as_deref());
        if let (Some(row), Some(Ok(sent))) = (&mut row, prepared.map(Json::parse))
            && !self.rules.is_full(&sent)
            && !is_purge_form(&sent, wait.id)
        {
            row.outgoing = Outgoing::OldChanges;
        }
        let wanted = Desired::Document { hash: wait.hash, same };
        let mut change = decide(row.as_ref(), &wanted, policy);
        let full = || (self.rules.full(&sides.desired, sides.held.as_ref(), &still), false);
        let outgoing = match change.map(|change| change.outgoing) {
            Some(Outgoing::Full) => Some(full()),
            Some(Outgoing::Changes) => Some(match &delta {
                Delta::Partial(text) => (text.clone(), true),
                Delta::Full(text) => (text.clone(), false),
                Delta::None => full(),
            }),
            _ => None,
        };
        // Only now can be said what is prepared already: if it is the same, there may be nothing to write.
        if let (Some(row), Some(change_to), Some((text, _)), Some(prepared)) = (&mut row, change, &outgoing, prepared)
            && same_json(text, prepared)
        {
            row.outgoing = change_to.outgoing;
            change = decide(Some(row), &wanted, policy);
        }
        // Only a document is changed by a part; what may be held is not one.
        let is_known = row.as_ref().is_some_and(|row| matches!(row.held, Held::Document(_)));
        let guarded = wait.still(self.retires);
        let (missing, differs) = (self.purges(&sides, &guarded).len() as u64, self.differs(&sides, &guarded));
        let partial = match delta {
            Delta::Partial(text) if self.settings.shows.prepared && is_known => Some(text),
            _ => None,
        };
        Ok(Judged { row, change, outgoing, partial, purges, missing, differs })
    }

    fn purges(&self, sides: &Sides<'_>, still: &Still<'_>) -> Vec<String> {
        let Some(held) = &sides.held else { return Vec::new() };
        self.rules.purges(held, &sides.desired, still).into_iter().map(str::to_owned).collect()
    }

    /// Whether more than retirement parts what is desired from what is held. A year that retires changes most documents at once, and is
    /// no reason to stop.
    fn differs(&self, sides: &Sides<'_>, still: &Still<'_>) -> bool {
        let rules = Rules { semantics: Semantics::Merge, ..self.rules };
        let Some(held) = &sides.held else { return true };
        !rules.changed_fields(Some(held), &sides.desired, still).is_empty()
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
    /// 4.1): but for a row that is sent it is believed only where the row's own history has it.
    fn trusts(&self, row: &LedgerRow, stored: Option<&Documents>) -> bool {
        let (Held::Document(hash), Some(stored)) = (row.held, stored) else { return true };
        let is_accepted = |hash| stored.accepted_hash == Some(hash);
        let own = |text: &String| canonical_hash(text, &self.settings.unstable_ids).ok();
        row.status == Status::Sent || is_accepted(hash) || stored.held.as_ref().and_then(own).is_some_and(is_accepted)
    }

    /// Counts what would be sent of a child.
    pub(super) fn foresee(&mut self, wait: &Waiting<'_>, stored: Option<&Documents>, judged: &Judged) -> Result<()> {
        let status = status_after(judged.row.as_ref(), judged.change);
        // Where DfE merges, what is to be sent is always prepared anew to be compared; else the document goes as it is.
        let (bytes, is_partial) = judged
            .outgoing
            .as_ref()
            .map_or((wait.document.len(), false), |(text, is_partial)| (text.len(), *is_partial));
        let sides = Sides::read(judged.row.as_ref(), wait, stored)?;
        let foreseen = &mut self.report.foreseen;
        foreseen.would_send.document(bytes, is_partial, status);
        let Some(held) = &sides.held else { return Ok(()) };
        let still = wait.still(self.retires || self.settings.policy.semantics == Semantics::Merge);
        for field in self.rules.changed_fields(Some(held), &sides.desired, &still) {
            *foreseen.changes.fields.entry(field.to_owned()).or_default() += 1;
        }
        for path in &judged.purges {
            *foreseen.changes.purges.members.entry(path.clone()).or_default() += 1;
        }
        let missing = self.rules.purges(held, &sides.desired, &|_, _| false).len();
        foreseen.changes.retired.members += (missing - judged.purges.len()) as u64;
        Ok(())
    }
}

impl<'s> Sides<'s> {
    /// Reads them. A text that is no JSON is nothing.
    fn read(row: Option<&LedgerRow>, wait: &'s Waiting<'_>, stored: Option<&'s Documents>) -> Result<Sides<'s>> {
        let holds = row.is_some_and(|row| row.held != Held::Nothing);
        let held = stored.filter(|_| holds).and_then(|stored| stored.held.as_deref());
        Ok(Sides { desired: Json::parse(&wait.document)?, held: held.and_then(|text| Json::parse(text).ok()) })
    }
}

/// Whether two texts are the same JSON.
fn same_json(a: &str, b: &str) -> bool {
    a == b || matches!((Json::parse(a), Json::parse(b)), (Ok(a), Ok(b)) if a == b)
}
