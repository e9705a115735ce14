//! Random documents and random edits of them. Everything follows from a seed.

use csc_bridge_core::payload::definition::FieldType;
use csc_bridge_core::payload::plan::BlockPlan;
use fastrand::Rng;

use super::delta_model::{Node, Part};

/// Ids from a small pool, so that lists and parents share them.
const IDS: [&str; 9] = ["1", "2", "3", "10", "A-1", "a-1", "o'1", "9007199254740993", "é"];
/// Values in canonical form: quotes, controls, characters outside the basic plane, numbers that no float holds.
const VALUES: [&str; 14] = [
    "\"x\"",
    "\"o'x ''\"",
    "\"a\\\"b\\\\c/\"",
    "\"\\u0000\\u0001\\t\\n\\u001f\u{7f}\"",
    "\"𝄞\u{10ffff}\u{2028}\"",
    "\"\"",
    "\"2026-01-31\"",
    "true",
    "false",
    "0",
    "-1",
    "9007199254740993",
    "123456789012345678901234567890",
    "1.50",
];
const LISTS: [&str; 4] = ["[\"1A\"]", "[\"1A\",\"22A\"]", "[\"NONE\",\"o'x\"]", "[\"𝄞\",\"\\u0001\"]"];

fn id(rng: &mut Rng) -> &'static str {
    IDS[rng.usize(..IDS.len())]
}

fn value(rng: &mut Rng, kind: FieldType) -> String {
    let values: &[&str] = match kind {
        // `[]` is a value here and only here.
        FieldType::Factors if rng.u8(..3) == 0 => &["[]"],
        FieldType::Factors | FieldType::CodeList => &LISTS,
        _ => &VALUES,
    };
    values[rng.usize(..values.len())].to_owned()
}

/// A child's document.
pub fn document(rng: &mut Rng, root: &BlockPlan) -> Node {
    node(rng, root, Some("C-1"))
}

/// A random record; `id` where it has one.
fn node(rng: &mut Rng, block: &BlockPlan, id: Option<&str>) -> Node {
    let mut node = Node::skeleton(block, id);
    node.known = true;
    for (index, field) in block.fields.iter().enumerate() {
        if block.id != Some(index) && rng.u8(..5) > 1 {
            node.fields[index] = Some(value(rng, field.kind));
        }
    }
    node.parts = block.blocks.iter().map(|inner| part(rng, inner)).collect();
    node
}

fn part(rng: &mut Rng, block: &BlockPlan) -> Part {
    let mut part = Part::none(block);
    // Few members: a case is quick, and every shape comes up all the same.
    let most = if block.blocks.is_empty() { 2 } else { 4 };
    match &mut part {
        Part::Object(object) => *object = rng.bool().then(|| Box::new(node(rng, block, None))),
        Part::Matched(list) => {
            for _ in 0..rng.u8(..most) {
                insert(rng, block, list);
            }
        }
        Part::Replaced(list) => {
            list.extend((0..rng.u8(..3).saturating_sub(1)).map(|_| node(rng, block, None)));
        }
    }
    part
}

fn insert(rng: &mut Rng, block: &BlockPlan, list: &mut std::collections::BTreeMap<String, Node>) {
    let id = id(rng);
    let member = node(rng, block, Some(id));
    list.entry(id.to_owned()).or_insert(member);
}

/// One random edit somewhere in a record.
pub fn edit(rng: &mut Rng, block: &BlockPlan, node: &mut Node) {
    let free: Vec<usize> = (0..block.fields.len()).filter(|index| block.id != Some(*index)).collect();
    if !free.is_empty() && (block.blocks.is_empty() || rng.u8(..3) == 0) {
        let index = free[rng.usize(..free.len())];
        node.fields[index] = match rng.u8(..5) {
            0 | 1 => None,
            _ => Some(value(rng, block.fields[index].kind)),
        };
        return;
    }
    if block.blocks.is_empty() {
        return;
    }
    // Where there is more inside, more happens.
    let sizes = block.blocks.iter().enumerate();
    let tickets: Vec<usize> =
        sizes.flat_map(|(index, inner)| std::iter::repeat_n(index, 1 + 2 * inner.blocks.len())).collect();
    let index = tickets[rng.usize(..tickets.len())];
    let inner = &block.blocks[index];
    match &mut node.parts[index] {
        Part::Object(object) => match object {
            Some(record) if rng.u8(..4) > 0 => edit(rng, inner, record),
            Some(_) => *object = None,
            None => *object = Some(Box::new(self::node(rng, inner, None))),
        },
        Part::Matched(list) => edit_matched(rng, inner, list),
        Part::Replaced(list) => edit_replaced(rng, inner, list),
    }
}

fn edit_matched(rng: &mut Rng, block: &BlockPlan, list: &mut std::collections::BTreeMap<String, Node>) {
    let ids: Vec<String> = list.keys().cloned().collect();
    let one = (!ids.is_empty()).then(|| ids[rng.usize(..ids.len())].clone());
    match (one, rng.u8(..10)) {
        (None, _) | (_, 0) => insert(rng, block, list),
        (Some(id), 1 | 2) => {
            list.remove(&id);
        }
        (Some(id), 3) if !block.blocks.is_empty() => move_member(rng, block, list, &id),
        (Some(id), _) => {
            if let Some(member) = list.get_mut(&id) {
                edit(rng, block, member);
            }
        }
    }
}

/// A record goes from one parent to another, its id with it.
fn move_member(rng: &mut Rng, block: &BlockPlan, list: &mut std::collections::BTreeMap<String, Node>, from: &str) {
    let index = rng.usize(..block.blocks.len());
    let Some(Part::Matched(inner)) = list.get_mut(from).map(|parent| &mut parent.parts[index]) else { return };
    let Some((id, member)) = inner.pop_first() else { return };
    let to = list.iter_mut().find(|(id, _)| id.as_str() != from);
    if let Some((_, Node { parts, .. })) = to
        && let Part::Matched(other) = &mut parts[index]
    {
        other.insert(id, member);
    }
}

fn edit_replaced(rng: &mut Rng, block: &BlockPlan, list: &mut Vec<Node>) {
    match (list.len(), rng.u8(..6)) {
        (0, _) | (_, 0) => list.push(node(rng, block, None)),
        (_, 1) => list.clear(),
        (_, 2) => list.reverse(),
        (length, 3) => {
            list.remove(rng.usize(..length));
        }
        (length, _) => {
            let at = rng.usize(..length);
            edit(rng, block, &mut list[at]);
        }
    }
}

/// Forgets what records are: some are known by their id only. Returns what is believed; `node` becomes what DfE really holds.
pub fn forget(rng: &mut Rng, block: &BlockPlan, node: &mut Node) -> Node {
    let mut held = node.clone();
    forget_inside(rng, block, node, &mut held, 6);
    held
}

fn forget_inside(rng: &mut Rng, block: &BlockPlan, real: &mut Node, held: &mut Node, one_in: u8) {
    for (index, inner) in block.blocks.iter().enumerate() {
        match (&mut real.parts[index], &mut held.parts[index]) {
            (Part::Object(real), Part::Object(Some(held))) => {
                let mut slot = real.take().map(|real| *real);
                forget_record(rng, inner, &mut slot, held, one_in);
                *real = slot.map(Box::new);
            }
            (Part::Matched(real), Part::Matched(held)) => {
                for (id, held) in held {
                    let mut slot = real.remove(id);
                    forget_record(rng, inner, &mut slot, held, one_in);
                    real.extend(slot.map(|real| (id.clone(), real)));
                }
            }
            _ => {}
        }
    }
}

fn forget_record(rng: &mut Rng, block: &BlockPlan, real: &mut Option<Node>, held: &mut Node, one_in: u8) {
    let is_forgotten = real.is_none() || rng.u8(..one_in) == 0;
    if is_forgotten {
        // Perhaps it never arrived; perhaps all of it was removed; perhaps its values are others.
        if rng.u8(..3) == 0 {
            *real = None;
        }
        if let Some(real) = real {
            for value in &mut real.fields {
                if rng.bool() && value.as_deref().is_some_and(|value| !value.starts_with('[')) {
                    *value = Some("\"other\"".to_owned());
                }
            }
        }
        let id = held.id(block).to_owned();
        if let (Some(real), Some(index)) = (real.as_mut(), block.id) {
            real.fields[index] = Some(format!("\"{id}\""));
        }
        let parts = std::mem::take(&mut held.parts).into_iter();
        let parts = parts.map(|part| if let Part::Replaced(_) = part { Part::Replaced(Vec::new()) } else { part });
        *held = Node { parts: parts.collect(), ..Node::skeleton(block, Some(&id)) };
    }
    match real {
        Some(real) => forget_inside(rng, block, real, held, one_in),
        None => forget_inside(rng, block, &mut Node::skeleton(block, None), held, one_in),
    }
}

/// Any part of what may be held, with any content.
pub fn some_of(rng: &mut Rng, block: &BlockPlan, may_hold: &Node) -> Node {
    let id = may_hold.id(block).to_owned();
    let mut real = node(rng, block, Some(&id));
    for (index, inner) in block.blocks.iter().enumerate() {
        match (&may_hold.parts[index], &mut real.parts[index]) {
            (Part::Object(from), Part::Object(to)) => {
                let from = from.as_deref().filter(|_| rng.u8(..4) > 0);
                *to = from.map(|from| Box::new(some_of(rng, inner, from)));
            }
            (Part::Matched(from), Part::Matched(to)) => {
                to.clear();
                for (id, from) in from {
                    if rng.u8(..4) > 0 {
                        to.insert(id.clone(), some_of(rng, inner, from));
                    }
                }
            }
            _ => {}
        }
    }
    real
}
