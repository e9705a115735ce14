//! What is sent of a child, full or partial, and what DfE holds afterwards (design, section 7).
//!
//! DfE has not said what it does with a second document for a child, so there are two readings. Under `replace` it holds the
//! new document and nothing else. Under `merge` it keeps what the new one does not mention: a null removes a value, a record
//! is merged key by key, `purge: true` removes it, the members of a list are matched by their id; a list whose members have no
//! id, or no purge key, is replaced whole.
//!
//! Desired is what the SSD says today. A record that is held and not desired is *retired* where the SSD still has it, and stays;
//! otherwise it is *gone*, and is purged. The law: `apply(held, delta(held, desired))` is desired and what retired.

use std::collections::BTreeSet;

use super::apply;
use super::compose::{Composer, Extent, Pair};
use super::draft::Draft;
use super::members::{PURGE, entries, get, id_of, is_purged, is_skeleton, same};
use super::unsure;
use crate::config::{RemovedValues, Semantics};
use crate::payload::canonical::Json;
use crate::payload::plan::BlockPlan;

/// Whether the SSD still holds a record, or the rows behind an object block, that the rules left out: retired, not gone.
///
/// The first argument is the block's path as in [`BlockPlan::path`], the second the ids of the list members around it from the
/// outermost on, and for a member of a list its own id last.
pub type Still<'a> = dyn Fn(&str, &[&str]) -> bool + 'a;

/// What has to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delta {
    /// Nothing: DfE holds what is desired.
    None,
    /// What changed; shorter than the full document.
    Partial(String),
    /// The full document.
    Full(String),
}

/// How documents are compared and written for one definition.
#[derive(Clone, Copy)]
pub struct Rules<'p> {
    /// The definition's document.
    pub root: &'p BlockPlan,
    /// What DfE is assumed to do with a second document.
    pub semantics: Semantics,
    /// How a partial document says that a value went.
    pub removed_values: RemovedValues,
}

impl<'p> Rules<'p> {
    /// What brings DfE from `held` to `desired`; `held` is `None` where it holds nothing of the child.
    pub fn delta(&self, held: Option<&Json<'_>>, desired: &Json<'_>, still: &Still<'_>) -> Delta {
        let Some(known) = held else {
            return Delta::Full(self.full(desired, None, still));
        };
        if self.semantics == Semantics::Replace {
            return match same(known, desired) {
                true => Delta::None,
                false => Delta::Full(self.full(desired, None, still)),
            };
        }
        if !self.is_partial_possible(known, desired) {
            return Delta::Full(self.full(desired, held, still));
        }
        let partial = self.changes(known, desired, still);
        if partial.changed.is_empty() {
            return Delta::None;
        }
        let cannot_be_said = partial.removed && self.removed_values == RemovedValues::Full;
        match partial.shorter && !cannot_be_said {
            true => Delta::Partial(partial.draft.finish()),
            false => Delta::Full(self.full(desired, held, still)),
        }
    }

    /// The full document, whatever DfE holds of what `may_hold` names. Under `merge` it has every key of the definition, and purges
    /// what is gone.
    pub fn full(&self, desired: &Json<'_>, may_hold: Option<&Json<'_>>, still: &Still<'_>) -> String {
        if self.semantics == Semantics::Replace {
            return canonical(desired);
        }
        let mut composer = Composer::new(still);
        composer.object(self.root, Pair { desired: Some(desired), held: may_hold }, Extent::Whole);
        composer.draft.finish()
    }

    /// What DfE holds once it accepted `sent`; `None` where that removed the child. Under `merge`, lists with ids come sorted by
    /// them: a retired member has no other place.
    pub fn apply<'a>(&self, held: Option<&Json<'a>>, sent: &Json<'a>) -> Option<Json<'a>> {
        match (is_purged(sent), self.semantics) {
            (true, _) => None,
            (false, Semantics::Replace) => Some(sent.clone()),
            (false, Semantics::Merge) => Some(apply::object(self.root, held, Some(sent))),
        }
    }

    /// The path of every record that is gone, once for each; what is inside a record that is gone goes with it uncounted.
    pub fn purges(&self, held: &Json<'_>, desired: &Json<'_>, still: &Still<'_>) -> Vec<&'p str> {
        self.changes(held, desired, still).purged
    }

    /// What differs, for people: paths of fields, and for a record that is new or goes the path of its list or block. Nothing of a
    /// child of whom nothing is held. A retired record differs under `replace` only: there it goes too.
    pub fn changed_fields(&self, held: Option<&Json<'_>>, desired: &Json<'_>, still: &Still<'_>) -> BTreeSet<&'p str> {
        let never = |_: &str, _: &[&str]| false;
        let still = if self.semantics == Semantics::Replace { &never } else { still };
        held.map(|held| self.changes(held, desired, still).changed).into_iter().flatten().collect()
    }

    /// The ids of every record that a document mentions, purged ones too, as a document of ids: what is kept of a request until its
    /// answer comes. A null says that the block may have been removed.
    pub fn mentioned(&self, sent: &Json<'_>) -> String {
        let mut draft = Draft::default();
        unsure::mention(self.root, sent, &mut draft);
        draft.finish()
    }

    /// What DfE may hold when it is not known whether a document that mentions `mentioned` arrived: what was held, and of every
    /// record mentioned no more than its id and what is inside it. Such a record lacks the key `purge`.
    pub fn may_hold(&self, held: Option<&Json<'_>>, mentioned: &Json<'_>) -> String {
        canonical(&unsure::object(self.root, held, Some(mentioned), false))
    }

    /// Held and desired are the same child, and it is sure what is held of it.
    fn is_partial_possible(&self, held: &Json<'_>, desired: &Json<'_>) -> bool {
        id_of(self.root, held) == id_of(self.root, desired) && !is_skeleton(self.root, held)
    }

    fn changes<'v>(&self, held: &'v Json<'v>, desired: &'v Json<'v>, still: &'v Still<'v>) -> Composer<'p, 'v> {
        let mut composer = Composer::new(still);
        composer.object(self.root, Pair { desired: Some(desired), held: Some(held) }, Extent::Values);
        composer
    }
}

/// The document that asks DfE to remove a child, in canonical form.
pub fn purge_form(la_child_id: &str, mis_child_id: Option<&str>) -> String {
    let mut draft = Draft::default();
    draft.raw("{");
    for (key, id) in [("la_child_id", Some(la_child_id)), ("mis_child_id", mis_child_id)] {
        if let Some(id) = id {
            draft.key(key);
            draft.value(Some(&Json::String(id.into())));
        }
    }
    draft.key(PURGE);
    draft.raw("true}");
    draft.finish()
}

/// Whether a document asks to remove this child and says nothing else.
pub fn is_purge_form(document: &Json<'_>, la_child_id: &str) -> bool {
    let is_its = matches!(get(document, "la_child_id"), Some(Json::String(id)) if id == la_child_id);
    let known = ["la_child_id", "mis_child_id", PURGE];
    is_its && is_purged(document) && entries(Some(document)).iter().all(|(key, _)| known.contains(&key.as_ref()))
}

fn canonical(document: &Json<'_>) -> String {
    let mut draft = Draft::default();
    draft.value(Some(document));
    draft.finish()
}
