//! One walk over the definition that writes what brings DfE from what is held to what is desired, and notes what it says.

use super::draft::Draft;
use super::members::{
    PURGE, by_id, get, has_purge, id_of, is_matched, is_skeleton, is_unstable, items, same_value, shows_parent,
};
use super::outgoing::Still;
use crate::payload::canonical::Json;
use crate::payload::plan::{BlockPlan, Member};

/// How much of an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Every key of the definition, null where absent: DfE has no such record, or it is not sure what it has.
    Whole,
    /// Every value, and null for one that went: what says who the child is.
    Values,
    /// The id and what changed.
    Changes,
    /// The id and the purges inside: a record that the rules left out, of which something is gone.
    Retired,
}

/// A record as it is desired and as it is held.
#[derive(Clone, Copy)]
pub(super) struct Pair<'v> {
    pub desired: Option<&'v Json<'v>>,
    pub held: Option<&'v Json<'v>>,
}

impl<'v> Pair<'v> {
    fn at(self, key: &str) -> Pair<'v> {
        Pair {
            desired: self.desired.and_then(|desired| get(desired, key)),
            held: self.held.and_then(|held| get(held, key)),
        }
    }
}

/// An outgoing document being composed.
pub(super) struct Composer<'p, 'v> {
    still: &'v Still<'v>,
    /// The ids of the list members around the place that is being written.
    ids: Vec<&'v str>,
    /// The document.
    pub draft: Draft,
    /// The path of every change.
    pub changed: Vec<&'p str>,
    /// The path of every record that is purged.
    pub purged: Vec<&'p str>,
    /// Whether a null stands for a value that went.
    pub removed: bool,
    /// Whether anything is left out that stands in the full document. A partial document never has what the full one has not, so
    /// one that leaves nothing out is the full one.
    pub shorter: bool,
}

impl<'p, 'v> Composer<'p, 'v> {
    /// Nothing written yet.
    pub fn new(still: &'v Still<'v>) -> Self {
        Composer {
            still,
            ids: Vec::new(),
            draft: Draft::default(),
            changed: Vec::new(),
            purged: Vec::new(),
            removed: false,
            shorter: false,
        }
    }

    /// An object: the document, a block or a member of a list.
    pub fn object(&mut self, plan: &'p BlockPlan, pair: Pair<'v>, extent: Extent) {
        self.draft.raw("{");
        for member in &plan.members {
            match *member {
                Member::Field(index) => self.field(plan, index, pair, extent),
                Member::Block(index) => {
                    let block = &plan.blocks[index];
                    let start = self.draft.len();
                    self.draft.key(&block.key);
                    let inner = pair.at(&block.key);
                    let is_written = match (is_matched(block), block.list) {
                        (true, _) => self.matched(block, inner, extent),
                        (false, true) => self.replaced(block, inner, extent),
                        (false, false) => self.block(plan, block, inner, extent),
                    };
                    if !is_written {
                        self.draft.truncate(start);
                        self.shorter |= extent != Extent::Retired
                            && (block.list || inner.desired.is_some() || inner.held.is_none());
                    }
                }
                Member::Purge => {
                    // A changed member needs none; a changed block would be empty without.
                    let changes = extent == Extent::Changes && !plan.list;
                    if changes || matches!(extent, Extent::Whole | Extent::Values) {
                        self.draft.key(PURGE);
                        self.draft.raw("false");
                    }
                    self.shorter |= extent == Extent::Changes && plan.list;
                }
            }
        }
        self.draft.raw("}");
    }

    fn field(&mut self, plan: &'p BlockPlan, index: usize, pair: Pair<'v>, extent: Extent) {
        let field = &plan.fields[index];
        let is_id = plan.id == Some(index);
        let Pair { desired, held } = pair.at(&field.key);
        let differs = matches!(extent, Extent::Values | Extent::Changes) && !same_value(desired, held);
        let is_written = match extent {
            Extent::Whole => true,
            Extent::Values => desired.is_some() || differs,
            Extent::Changes => is_id || differs,
            Extent::Retired => is_id,
        };
        if differs {
            self.changed.push(&field.path);
            self.removed |= desired.is_none();
        }
        if is_written {
            self.draft.key(&field.key);
            self.draft.value(if extent == Extent::Retired { held } else { desired });
        }
        self.shorter |= !is_written && extent != Extent::Retired;
    }

    /// An object block, after its key; says whether it stays written.
    fn block(&mut self, outer: &BlockPlan, block: &'p BlockPlan, pair: Pair<'v>, extent: Extent) -> bool {
        let (start, before, shorter) = (self.draft.len(), self.changed.len(), self.shorter);
        match (pair.desired, pair.held) {
            (Some(_), Some(held)) if extent != Extent::Whole && !is_skeleton(block, held) => {
                let identifies = outer.path.is_empty() && shows_parent(block);
                self.object(block, pair, if identifies { Extent::Values } else { Extent::Changes });
                let differs = self.changed.len() > before;
                if differs && !has_purge(block) {
                    // Such a block cannot say of itself that it is a skeleton, so what DfE has of it is never sure.
                    self.draft.truncate(start);
                    self.shorter = shorter;
                    self.object(block, pair, Extent::Whole);
                }
                identifies || differs
            }
            (Some(_), _) => {
                self.whole(block, pair, extent);
                true
            }
            (None, Some(_)) if (self.still)(&block.path, &self.ids) => {
                self.object(block, pair, Extent::Retired);
                self.changed.len() > before
            }
            (None, Some(_)) => {
                self.changed.push(&block.path);
                self.purged.push(&block.path);
                match has_purge(block) {
                    true => self.draft.raw("{\"purge\":true}"),
                    false => {
                        self.removed = true;
                        self.draft.raw("null");
                    }
                }
                true
            }
            (None, None) => {
                self.draft.raw("null");
                extent == Extent::Whole
            }
        }
    }

    /// A list whose members are matched by id, after its key; says whether it stays written.
    fn matched(&mut self, block: &'p BlockPlan, pair: Pair<'v>, extent: Extent) -> bool {
        let held = by_id(block, pair.held);
        let mut is_desired = vec![false; held.len()];
        self.draft.raw("[");
        let empty = self.draft.len();
        for desired in items(pair.desired) {
            let id = id_of(block, desired);
            let at = held.binary_search_by_key(&id, |(id, _)| id).ok();
            if let Some(at) = at {
                is_desired[at] = true;
            }
            let pair = Pair { desired: Some(desired), held: at.map(|at| held[at].1) };
            self.member(id, |composer| composer.desired_member(block, pair, extent));
        }
        // Under an unstable id a member that is not desired may only have got another one: it is left alone altogether.
        let left_out = held.iter().zip(is_desired).filter(|(_, is_desired)| !is_desired && !is_unstable(block));
        for ((id, held), _) in left_out {
            let pair = Pair { desired: None, held: Some(*held) };
            self.member(id, |composer| composer.held_member(block, pair));
        }
        let is_empty = self.draft.len() == empty;
        self.draft.raw("]");
        !is_empty || extent == Extent::Whole
    }

    /// A member of a list, taken back if `write` says so.
    fn member(&mut self, id: &'v str, write: impl FnOnce(&mut Self) -> bool) {
        let start = self.draft.len();
        self.draft.next();
        self.ids.push(id);
        if !write(self) {
            self.draft.truncate(start);
        }
        self.ids.pop();
    }

    fn desired_member(&mut self, block: &'p BlockPlan, pair: Pair<'v>, extent: Extent) -> bool {
        let before = self.changed.len();
        match pair.held {
            Some(held) if extent != Extent::Whole && !is_skeleton(block, held) => {
                self.object(block, pair, Extent::Changes);
                let differs = self.changed.len() > before;
                self.shorter |= !differs;
                differs
            }
            _ => {
                self.whole(block, pair, extent);
                true
            }
        }
    }

    fn held_member(&mut self, block: &'p BlockPlan, pair: Pair<'v>) -> bool {
        let before = self.changed.len();
        if (self.still)(&block.path, &self.ids) {
            self.object(block, pair, Extent::Retired);
            return self.changed.len() > before;
        }
        self.changed.push(&block.path);
        self.purged.push(&block.path);
        self.draft.raw("{");
        let id = block.id.map(|id| block.fields[id].key.as_str());
        // The id and `purge` in the order of their keys, as everywhere.
        let is_first = id.is_some_and(|id| id < PURGE);
        for key in if is_first { [id, Some(PURGE)] } else { [Some(PURGE), id] }.into_iter().flatten() {
            self.draft.key(key);
            if Some(key) == id { self.draft.value(pair.at(key).held) } else { self.draft.raw("true") }
        }
        self.draft.raw("}");
        true
    }

    /// A list that is replaced whole, after its key; says whether it stays written.
    fn replaced(&mut self, block: &'p BlockPlan, pair: Pair<'v>, extent: Extent) -> bool {
        let is_written = match extent {
            Extent::Whole => true,
            Extent::Values | Extent::Changes => !same_value(pair.desired, pair.held),
            Extent::Retired => false,
        };
        if !is_written {
            return false;
        }
        if extent != Extent::Whole {
            self.changed.push(&block.path);
        }
        self.draft.raw("[");
        for member in items(pair.desired) {
            self.draft.next();
            self.object(block, Pair { desired: Some(member), held: None }, Extent::Whole);
        }
        self.draft.raw("]");
        true
    }

    /// A record whole; a change, unless the record around it is one already.
    fn whole(&mut self, block: &'p BlockPlan, pair: Pair<'v>, outer: Extent) {
        if outer != Extent::Whole {
            self.changed.push(&block.path);
        }
        self.object(block, pair, Extent::Whole);
    }
}
