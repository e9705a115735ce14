//! Looking into documents: keys, lists by record id, and what counts as the same.
//!
//! A null and an empty list say no more than a key that is not there, but for `factors`: that is the canonical form's rule
//! (design, section 5), and everything here follows it.

use crate::payload::canonical::Json;
use crate::payload::plan::{BlockPlan, Member, Source};

/// The key by which a record is removed.
pub(super) const PURGE: &str = "purge";

/// One member of an object.
pub(super) type Entry<'a> = (std::borrow::Cow<'a, str>, Json<'a>);

/// The members of an object; none of anything else.
pub(super) fn entries<'v, 'a>(value: Option<&'v Json<'a>>) -> &'v [Entry<'a>] {
    match value {
        Some(Json::Object(entries)) => entries,
        _ => &[],
    }
}

/// The members of a list; none of anything else.
pub(super) fn items<'v, 'a>(value: Option<&'v Json<'a>>) -> &'v [Json<'a>] {
    match value {
        Some(Json::List(items)) => items,
        _ => &[],
    }
}

/// The value at a key, where there is one.
pub(super) fn get<'v, 'a>(object: &'v Json<'a>, key: &str) -> Option<&'v Json<'a>> {
    object.get(key).filter(|value| !is_nothing(key, value))
}

/// Whether a value says no more than a key that is not there.
pub(super) fn is_nothing(key: &str, value: &Json<'_>) -> bool {
    match value {
        Json::Null => true,
        Json::List(items) => items.is_empty() && key != "factors",
        _ => false,
    }
}

/// Whether the canonical forms are equal.
pub(super) fn same(a: &Json<'_>, b: &Json<'_>) -> bool {
    match (a, b) {
        (Json::Object(a), Json::Object(b)) => {
            let there = |entry: &&Entry<'_>| !is_nothing(&entry.0, &entry.1);
            let (mut a, mut b) = (a.iter().filter(there), b.iter().filter(there));
            loop {
                match (a.next(), b.next()) {
                    (None, None) => return true,
                    (Some((key, a)), Some((other, b))) if key == other && same(a, b) => {}
                    _ => return false,
                }
            }
        }
        (Json::List(a), Json::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => a == b,
    }
}

/// [`same`], of values that may not be there.
pub(super) fn same_value(a: Option<&Json<'_>>, b: Option<&Json<'_>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// Whether a record says of itself that it is to be removed.
pub(super) fn is_purged(record: &Json<'_>) -> bool {
    get(record, PURGE) == Some(&Json::Bool(true))
}

/// Whether a block's records can be removed by themselves.
pub(super) fn has_purge(block: &BlockPlan) -> bool {
    block.members.contains(&Member::Purge)
}

/// Whether a list's members are matched by their id. Every other list is sent, and replaced, whole.
pub(super) fn is_matched(block: &BlockPlan) -> bool {
    block.list && block.id.is_some() && has_purge(block)
}

/// Whether a held record is known by its id only: it has lost the key `purge`, because an answer never came and it is not sure
/// what DfE made of it.
pub(super) fn is_skeleton(block: &BlockPlan, held: &Json<'_>) -> bool {
    has_purge(block) && get(held, PURGE).is_none()
}

/// Whether an object shows fields of its parent's own row, as `child_details` does those of the child.
pub(super) fn shows_parent(block: &BlockPlan) -> bool {
    !block.list && matches!(block.source, Source::Parent) && !block.fields.is_empty()
}

/// Whether a list's ids are its CMS's to change: a member that is not desired may be there still under another id.
pub(super) fn is_unstable(block: &BlockPlan) -> bool {
    block.id.is_some_and(|id| block.fields[id].unstable)
}

/// What the definition has at a key.
pub(super) fn member_at(block: &BlockPlan, key: &str) -> Option<Member> {
    let key_of = |member: &Member| match *member {
        Member::Field(index) => block.fields[index].key.as_str(),
        Member::Block(index) => block.blocks[index].key.as_str(),
        Member::Purge => PURGE,
    };
    block.members.binary_search_by(|member| key_of(member).cmp(key)).ok().map(|at| block.members[at])
}

/// A record's id. One that has none is as one with an empty id: nothing here fails over what somebody else wrote.
pub(super) fn id_of<'v>(block: &BlockPlan, record: &'v Json<'_>) -> &'v str {
    match block.id.and_then(|id| get(record, &block.fields[id].key)) {
        Some(Json::String(id)) => id,
        Some(Json::Number(id)) => id,
        _ => "",
    }
}

/// The members of a list by id, sorted; of several with one id the first.
pub(super) fn by_id<'v, 'a>(block: &BlockPlan, list: Option<&'v Json<'a>>) -> Vec<(&'v str, &'v Json<'a>)> {
    let mut members: Vec<_> = items(list).iter().map(|member| (id_of(block, member), member)).collect();
    members.sort_by_key(|(id, _)| *id);
    members.dedup_by_key(|(id, _)| *id);
    members
}

/// A member of a list as two documents have it.
pub(super) type Sides<'v, 'a> = (Option<&'v Json<'a>>, Option<&'v Json<'a>>);

/// The members of two lists by id, sorted.
pub(super) fn side_by_side<'v, 'a>(
    block: &BlockPlan,
    one: Option<&'v Json<'a>>,
    other: Option<&'v Json<'a>>,
) -> Vec<Sides<'v, 'a>> {
    let (one, other) = (by_id(block, one), by_id(block, other));
    let mut sides = Vec::with_capacity(one.len().max(other.len()));
    let (mut one, mut other) = (one.into_iter().peekable(), other.into_iter().peekable());
    loop {
        let id = match (one.peek(), other.peek()) {
            (None, None) => return sides,
            (Some((id, _)), None) | (None, Some((id, _))) => *id,
            (Some((one, _)), Some((other, _))) => *one.min(other),
        };
        let of_one = one.next_if(|(known, _)| *known == id).map(|(_, member)| member);
        let of_other = other.next_if(|(known, _)| *known == id).map(|(_, member)| member);
        sides.push((of_one, of_other));
    }
}
