//! How DfE is assumed to read a document under `merge`, and the order in which what it holds is kept.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::members::{Entry, entries, is_matched, is_nothing, is_purged, member_at, side_by_side};
use crate::payload::canonical::Json;
use crate::payload::plan::{BlockPlan, Member};

/// `held` after `sent`, without nulls and empty lists, lists with ids sorted by them. Of both `None`, an empty object.
pub(super) fn object<'a>(plan: &BlockPlan, held: Option<&Json<'a>>, sent: Option<&Json<'a>>) -> Json<'a> {
    let (mut held, mut sent) = (entries(held), entries(sent));
    let mut merged = Vec::with_capacity(held.len().max(sent.len()));
    // Both are sorted by key: side by side, each key comes once.
    while let Some((key, held, sent)) = next_key(&mut held, &mut sent) {
        if let Some(value) = value(plan, key, held, sent) {
            merged.push((key.clone(), value));
        }
    }
    Json::Object(merged)
}

type Found<'v, 'a> = (&'v Cow<'a, str>, Option<&'v Json<'a>>, Option<&'v Json<'a>>);

fn next_key<'v, 'a>(held: &mut &'v [Entry<'a>], sent: &mut &'v [Entry<'a>]) -> Option<Found<'v, 'a>> {
    let order = match (held.first(), sent.first()) {
        (None, None) => return None,
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some((held, _)), Some((sent, _))) => held.cmp(sent),
    };
    let (mut key, mut of_held, mut of_sent) = (None, None, None);
    if order.is_le()
        && let Some(((name, value), rest)) = held.split_first()
    {
        (key, of_held, *held) = (Some(name), Some(value), rest);
    }
    if order.is_ge()
        && let Some(((name, value), rest)) = sent.split_first()
    {
        (key, of_sent, *sent) = (Some(name), Some(value), rest);
    }
    Some((key?, of_held, of_sent))
}

/// What stands at one key afterwards. A key that the definition does not have is as a field.
fn value<'a>(plan: &BlockPlan, key: &str, held: Option<&Json<'a>>, sent: Option<&Json<'a>>) -> Option<Json<'a>> {
    if matches!(sent, Some(Json::Null)) {
        return None;
    }
    let block = match member_at(plan, key) {
        Some(Member::Block(index)) => Some(&plan.blocks[index]),
        _ => None,
    };
    let value = match block {
        Some(block) if is_matched(block) => list(block, held, sent),
        Some(block) if !block.list => match sent.is_some_and(is_purged) {
            true => return None,
            false => object(block, held, sent),
        },
        _ => without_nothing(sent.or(held)?),
    };
    (!is_nothing(key, &value)).then_some(value)
}

fn list<'a>(block: &BlockPlan, held: Option<&Json<'a>>, sent: Option<&Json<'a>>) -> Json<'a> {
    let kept = side_by_side(block, held, sent).into_iter().filter(|(_, sent)| !sent.is_some_and(is_purged));
    Json::List(kept.map(|(held, sent)| object(block, held, sent)).collect())
}

fn without_nothing<'a>(value: &Json<'a>) -> Json<'a> {
    match value {
        Json::Object(entries) => {
            let there = entries.iter().filter(|(key, value)| !is_nothing(key, value));
            Json::Object(there.map(|(key, value)| (key.clone(), without_nothing(value))).collect())
        }
        Json::List(items) => Json::List(items.iter().map(without_nothing).collect()),
        value => value.clone(),
    }
}
