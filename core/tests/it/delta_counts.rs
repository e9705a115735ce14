//! How often each kind of change occurred, so that nobody has to believe that the random documents cover them.

use std::collections::BTreeMap;

use csc_bridge_core::payload::plan::BlockPlan;

use super::delta_model::{Fate, Node, Part};

/// Numbers by kind of change, and by field that was removed.
#[derive(Default)]
pub struct Counts {
    kinds: BTreeMap<&'static str, u64>,
    removed: BTreeMap<String, u64>,
}

impl Counts {
    pub fn add(&mut self, kind: &'static str) {
        *self.kinds.entry(kind).or_default() += 1;
    }

    /// Counts what differs between what is believed and what is desired; says whether a value went.
    pub fn compare<'a>(
        &mut self,
        block: &BlockPlan,
        held: &'a Node,
        desired: &'a Node,
        fate: Fate,
        ids: &mut Vec<&'a str>,
    ) -> bool {
        if has_purge_and_unknown(block, held) {
            self.add("skeleton that returned");
            return false;
        }
        let mut went = self.fields(block, held, desired);
        for (index, inner) in block.blocks.iter().enumerate() {
            match (&held.parts[index], &desired.parts[index]) {
                (Part::Object(Some(held)), Part::Object(Some(desired))) => {
                    went |= self.compare(inner, held, desired, fate, ids);
                }
                (Part::Object(None), Part::Object(Some(_))) => self.add("block new"),
                (Part::Object(Some(_)), Part::Object(None)) => {
                    self.add(if fate.still(&inner.path, ids) { "block retired" } else { "block gone" });
                }
                (Part::Matched(held), Part::Matched(desired)) => {
                    for (id, member) in held {
                        ids.push(id);
                        match desired.get(id) {
                            Some(desired) => {
                                if desired != member {
                                    self.add("member changed");
                                }
                                went |= self.compare(inner, member, desired, fate, ids);
                            }
                            None if fate.still(&inner.path, ids) => self.add("member retired"),
                            None => self.add("member gone"),
                        }
                        ids.pop();
                    }
                    let new = desired.keys().filter(|id| !held.contains_key(*id)).count();
                    (0..new).for_each(|_| self.add("member new"));
                }
                (Part::Replaced(held), Part::Replaced(desired)) if held != desired => {
                    self.add("list sent whole");
                    held.iter().zip(desired).for_each(|(held, desired)| {
                        self.fields(inner, held, desired);
                    });
                }
                _ => {}
            }
        }
        went
    }

    fn fields(&mut self, block: &BlockPlan, held: &Node, desired: &Node) -> bool {
        let mut went = false;
        for (index, field) in block.fields.iter().enumerate() {
            match (&held.fields[index], &desired.fields[index]) {
                (Some(_), None) => {
                    went = true;
                    self.add("value gone");
                    match self.removed.get_mut(&field.path) {
                        Some(count) => *count += 1,
                        None => {
                            self.removed.insert(field.path.clone(), 1);
                        }
                    }
                }
                (None, Some(_)) => self.add("value new"),
                (Some(held), Some(desired)) if held != desired => self.add("value changed"),
                _ => {}
            }
        }
        went
    }

    /// Prints them, and asserts that every kind of `kinds` came up and every field but the ids was removed, unless it was a single
    /// case that was run again.
    pub fn report(&self, title: &str, kinds: &[&str], root: &BlockPlan, is_whole_run: bool) {
        println!("{title}");
        for (kind, count) in &self.kinds {
            println!("  {count:>9}  {kind}");
        }
        let mut all = Vec::new();
        removable(root, &mut all);
        println!("  {:>9}  fields, each removed at least {} times", all.len(), self.fewest(&all));
        if !is_whole_run {
            return;
        }
        for path in all {
            assert!(self.removed.contains_key(path), "{path} was never removed");
        }
        for kind in kinds {
            assert!(self.kinds.contains_key(kind), "no {kind}");
        }
    }

    fn fewest(&self, paths: &[&str]) -> u64 {
        paths.iter().map(|path| self.removed.get(*path).copied().unwrap_or(0)).min().unwrap_or(0)
    }
}

fn has_purge_and_unknown(block: &BlockPlan, held: &Node) -> bool {
    super::delta_model::has_purge(block) && !held.known
}

/// The paths of all fields but record ids, which never go.
fn removable<'p>(block: &'p BlockPlan, paths: &mut Vec<&'p str>) {
    let fields = block.fields.iter().enumerate().filter(|(index, _)| block.id != Some(*index));
    paths.extend(fields.map(|(_, field)| field.path.as_str()));
    block.blocks.iter().for_each(|inner| removable(inner, paths));
}
