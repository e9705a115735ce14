//! A document as a tree without order or text, for the delta's law: how it is written, and what becomes of it by the published
//! rules. It shares no code with `core::delta`, so that the law means something.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use csc_bridge_core::config::{Names, PayloadConfig, Profile, load_definition};
use csc_bridge_core::payload::Plan;
use csc_bridge_core::payload::canonical::Json;
use csc_bridge_core::payload::plan::{BlockPlan, Member};

/// The real definition; `unstable_ids` as in SystemC's profile.
pub fn plan(unstable_ids: &[&str]) -> Plan {
    let definition = load_definition("dfe-csc-0.9", Path::new(".")).expect("a definition");
    let unstable_ids = unstable_ids.iter().map(|path| (*path).to_owned()).collect();
    let payload = PayloadConfig { unstable_ids, ..PayloadConfig::default() };
    let day = jiff::civil::date(2026, 11, 20);
    Plan::new(&definition, &Profile::default(), &Names::default(), &payload, day).expect("a plan")
}

/// A record: the document, a block or a member of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    /// Whether it has the key `purge`, if the definition gives it one: a record known by its id only has not.
    pub known: bool,
    /// Its values as JSON, by the definition's positions.
    pub fields: Vec<Option<String>>,
    /// What its blocks hold, by the definition's positions.
    pub parts: Vec<Part>,
}

/// What a block holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// An object.
    Object(Option<Box<Node>>),
    /// A list whose members are matched by id.
    Matched(BTreeMap<String, Node>),
    /// A list that is replaced whole.
    Replaced(Vec<Node>),
}

pub fn has_purge(block: &BlockPlan) -> bool {
    block.members.iter().any(|member| matches!(member, Member::Purge))
}

impl Part {
    /// Nothing there.
    pub fn none(block: &BlockPlan) -> Part {
        match (block.list, block.id.is_some() && has_purge(block)) {
            (false, _) => Part::Object(None),
            (true, true) => Part::Matched(BTreeMap::new()),
            (true, false) => Part::Replaced(Vec::new()),
        }
    }
}

impl Node {
    /// A record known by its id only.
    pub fn skeleton(block: &BlockPlan, id: Option<&str>) -> Node {
        let mut fields = vec![None; block.fields.len()];
        if let (Some(index), Some(id)) = (block.id, id) {
            fields[index] = Some(format!("\"{id}\""));
        }
        Node { known: false, fields, parts: block.blocks.iter().map(Part::none).collect() }
    }

    /// The record that a document's text shows.
    pub fn read(block: &BlockPlan, json: &Json<'_>) -> Node {
        let there = |key: &str| json.get(key).filter(|value| **value != Json::Null);
        let mut node = Node::skeleton(block, None);
        node.known = there("purge").is_some();
        for (field, value) in block.fields.iter().zip(&mut node.fields) {
            *value = there(&field.key).map(|value| text(|out| value.write(&[], out)));
        }
        for (inner, part) in block.blocks.iter().zip(&mut node.parts) {
            let members = match there(&inner.key) {
                Some(Json::List(members)) => members.as_slice(),
                _ => &[],
            };
            match part {
                Part::Object(object) => *object = there(&inner.key).map(|json| Box::new(Node::read(inner, json))),
                Part::Matched(list) => list.extend(members.iter().map(|member| {
                    let node = Node::read(inner, member);
                    (node.id(inner).to_owned(), node)
                })),
                Part::Replaced(list) => list.extend(members.iter().map(|member| Node::read(inner, member))),
            }
        }
        node
    }

    /// Its id, without quotes.
    pub fn id(&self, block: &BlockPlan) -> &str {
        block.id.and_then(|index| self.fields[index].as_deref()).unwrap_or("").trim_matches('"')
    }

    /// Its canonical form; `backwards` turns lists with ids around.
    pub fn text(&self, block: &BlockPlan, backwards: bool) -> String {
        text(|out| self.write(block, backwards, out))
    }

    fn write(&self, block: &BlockPlan, backwards: bool, out: &mut Vec<u8>) {
        out.push(b'{');
        for member in &block.members {
            let before = out.len();
            let mut key = |key: &str| {
                if out.last() != Some(&b'{') {
                    out.push(b',');
                }
                out.extend_from_slice(format!("\"{key}\":").as_bytes());
            };
            match *member {
                Member::Purge if self.known => {
                    key("purge");
                    out.extend_from_slice(b"false");
                }
                Member::Purge => {}
                Member::Field(index) => {
                    if let Some(value) = &self.fields[index] {
                        key(&block.fields[index].key);
                        out.extend_from_slice(value.as_bytes());
                    }
                }
                Member::Block(index) => {
                    let inner = &block.blocks[index];
                    key(&inner.key);
                    if !self.parts[index].write(inner, backwards, out) {
                        out.truncate(before);
                    }
                }
            }
        }
        out.push(b'}');
    }
}

impl Part {
    fn write(&self, block: &BlockPlan, backwards: bool, out: &mut Vec<u8>) -> bool {
        let members: Vec<&Node> = match self {
            Part::Object(None) => return false,
            Part::Object(Some(object)) => {
                object.write(block, backwards, out);
                return true;
            }
            Part::Matched(list) if backwards => list.values().rev().collect(),
            Part::Matched(list) => list.values().collect(),
            Part::Replaced(list) => list.iter().collect(),
        };
        out.push(b'[');
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            member.write(block, backwards, out);
        }
        out.push(b']');
        !members.is_empty()
    }
}

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("UTF-8")
}

/// What the SSD still has of the records that are not desired. Any answer will do, as long as it stays the same.
#[derive(Clone, Copy)]
pub struct Fate(pub u64);

impl Fate {
    pub fn still(self, path: &str, ids: &[&str]) -> bool {
        let bytes = path.bytes().chain(ids.iter().flat_map(|id| [0].into_iter().chain(id.bytes())));
        let start = self.0 ^ 0xcbf2_9ce4_8422_2325;
        let hash = bytes.fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        (hash ^ (hash >> 29)) & 0x100 == 0
    }
}

/// What DfE should hold after a document: what is desired, and what retired of what it held.
///
/// `real` is what it held, `held` what we believed. They differ only where we know a record by its id alone.
#[derive(Clone, Copy)]
pub struct Three<'a> {
    pub real: Option<&'a Node>,
    pub held: Option<&'a Node>,
    pub desired: Option<&'a Node>,
}

impl<'a> Three<'a> {
    /// The three of an inner object.
    fn object(self, index: usize) -> Three<'a> {
        self.map(|node| match &node.parts[index] {
            Part::Object(object) => object.as_deref(),
            _ => None,
        })
    }

    /// The three of a member of a list.
    fn member(self, index: usize, id: &str) -> Three<'a> {
        self.map(|node| match &node.parts[index] {
            Part::Matched(list) => list.get(id),
            _ => None,
        })
    }

    fn map(self, inner: impl Fn(&'a Node) -> Option<&'a Node>) -> Three<'a> {
        Three {
            real: self.real.and_then(&inner),
            held: self.held.and_then(&inner),
            desired: self.desired.and_then(&inner),
        }
    }

    fn ids(self, index: usize) -> BTreeSet<&'a str> {
        let lists = [self.real, self.held, self.desired].into_iter().flatten().map(|node| &node.parts[index]);
        lists
            .flat_map(|part| match part {
                Part::Matched(list) => list.keys().map(String::as_str).collect(),
                _ => Vec::new(),
            })
            .collect()
    }
}

/// The union of desired and retired, for one record. A retired record that DfE does not have after all is there with its id alone
/// when something inside it had to be purged.
pub fn union<'a>(block: &BlockPlan, three: Three<'a>, fate: Fate, ids: &mut Vec<&'a str>) -> Option<Node> {
    let mut is_mentioned = false;
    let own_id = ids.last().copied().filter(|_| block.list);
    let mut node = match (three.desired, three.real) {
        (Some(desired), _) => Node { known: true, ..desired.clone() },
        (None, Some(real)) => real.clone(),
        (None, None) => Node::skeleton(block, own_id),
    };
    for (index, inner) in block.blocks.iter().enumerate() {
        match &mut node.parts[index] {
            Part::Object(object) => {
                let three = three.object(index);
                let settled = settle(inner, three, fate, ids, &mut is_mentioned);
                *object = settled.map(Box::new);
            }
            Part::Matched(list) => {
                list.clear();
                for id in three.ids(index) {
                    ids.push(id);
                    let settled = settle(inner, three.member(index, id), fate, ids, &mut is_mentioned);
                    list.extend(settled.map(|node| (id.to_owned(), node)));
                    ids.pop();
                }
            }
            Part::Replaced(_) => {}
        }
    }
    (three.desired.is_some() || three.real.is_some() || is_mentioned).then_some(node)
}

/// A record inside another; says whether it has to be mentioned though it is not desired.
fn settle<'a>(
    block: &BlockPlan,
    three: Three<'a>,
    fate: Fate,
    ids: &mut Vec<&'a str>,
    is_mentioned: &mut bool,
) -> Option<Node> {
    if three.desired.is_none() && block.id.is_some_and(|id| block.fields[id].unstable) {
        return three.real.cloned();
    }
    if three.desired.is_some() || fate.still(&block.path, ids) {
        let before = three.real.is_some() || three.desired.is_some();
        let node = union(block, three, fate, ids);
        // A shell that was not there stands for a purge inside it, so what is around it is mentioned, too.
        *is_mentioned |= !before && node.is_some();
        return node;
    }
    *is_mentioned |= three.held.is_some();
    None
}
