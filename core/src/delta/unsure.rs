//! What may be held while it is not known whether a document arrived: ids, and of what it mentioned nothing else.

use std::borrow::Cow;

use super::apply;
use super::draft::Draft;
use super::members::{PURGE, get, is_matched, is_purged, items, side_by_side};
use crate::payload::canonical::Json;
use crate::payload::plan::{BlockPlan, Member};

/// Writes the ids of every record that `sent` mentions.
pub(super) fn mention(plan: &BlockPlan, sent: &Json<'_>, draft: &mut Draft) {
    draft.raw("{");
    for member in &plan.members {
        match *member {
            Member::Field(index) if plan.id == Some(index) => {
                let key = &plan.fields[index].key;
                draft.key(key);
                draft.value(get(sent, key));
            }
            Member::Purge if is_purged(sent) => {
                draft.key(PURGE);
                draft.raw("true");
            }
            Member::Block(index) => mention_block(&plan.blocks[index], sent, draft),
            Member::Field(_) | Member::Purge => {}
        }
    }
    draft.raw("}");
}

fn mention_block(block: &BlockPlan, sent: &Json<'_>, draft: &mut Draft) {
    let Some(inner) = sent.get(&block.key) else { return };
    if is_matched(block) {
        let members = items(Some(inner));
        if members.is_empty() {
            return;
        }
        draft.key(&block.key);
        draft.raw("[");
        for member in members {
            draft.next();
            mention(block, member, draft);
        }
        draft.raw("]");
    } else if !block.list {
        draft.key(&block.key);
        match inner {
            Json::Null => draft.raw("null"),
            inner => mention(block, inner, draft),
        }
    }
}

/// A record that is mentioned, or of which all may have been removed: its id, and what is inside it.
pub(super) fn object<'a>(
    plan: &BlockPlan,
    held: Option<&Json<'a>>,
    mentioned: Option<&Json<'a>>,
    is_removed: bool,
) -> Json<'a> {
    let is_removed = is_removed || mentioned.is_some_and(is_purged);
    let mut kept = Vec::new();
    for member in &plan.members {
        let (key, value) = match *member {
            Member::Field(index) if plan.id == Some(index) => {
                let key = &plan.fields[index].key;
                let id = [held, mentioned].into_iter().flatten().find_map(|record| get(record, key));
                (key, id.cloned())
            }
            Member::Block(index) => {
                let block = &plan.blocks[index];
                let held = held.and_then(|held| get(held, &block.key));
                let mentioned = mentioned.and_then(|mentioned| mentioned.get(&block.key));
                let value = match (is_matched(block), block.list) {
                    (true, _) => list(block, held, mentioned, is_removed),
                    // Lists replaced whole have no ids to keep.
                    (false, true) => None,
                    (false, false) => record(block, held, mentioned, is_removed),
                };
                (&block.key, value)
            }
            Member::Field(_) | Member::Purge => continue,
        };
        kept.extend(value.map(|value| (Cow::Owned(key.clone()), value)));
    }
    Json::Object(kept)
}

/// A block, or a member of a list: as it was where nothing mentioned it.
fn record<'a>(
    block: &BlockPlan,
    held: Option<&Json<'a>>,
    mentioned: Option<&Json<'a>>,
    is_removed: bool,
) -> Option<Json<'a>> {
    match (held, mentioned) {
        (None, None | Some(Json::Null)) => None,
        (Some(held), None) if !is_removed => Some(apply::object(block, Some(held), None)),
        (held, Some(Json::Null)) => Some(object(block, held, None, true)),
        (held, mentioned) => Some(object(block, held, mentioned, is_removed)),
    }
}

fn list<'a>(
    block: &BlockPlan,
    held: Option<&Json<'a>>,
    mentioned: Option<&Json<'a>>,
    is_removed: bool,
) -> Option<Json<'a>> {
    let members = side_by_side(block, held, mentioned).into_iter();
    let members: Vec<Json<'a>> =
        members.filter_map(|(held, mentioned)| record(block, held, mentioned, is_removed)).collect();
    (!members.is_empty()).then_some(Json::List(members))
}
