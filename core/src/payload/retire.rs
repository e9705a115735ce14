//! What the SSD still holds and the rules left out. Only what is gone from the SSD may be purged (design, section 6), so everything
//! behind a record that was left out is listed, too.

use super::assemble::{Retired, Writer};
use super::plan::{BlockPlan, Source};
use super::rules::Env;
use super::value::good_text;

impl<'a> Writer<'a, '_> {
    /// A record of a list was left out: it, and everything in it, is retired.
    pub(super) fn retire(&mut self, block: &'a BlockPlan, id: &'a str, env: &Env<'a>) {
        self.scratch.within.push(id);
        self.retired.push(Retired { path: &block.path, ids: self.scratch.within.clone() });
        for inner in &block.blocks {
            self.retire_all(inner, env);
        }
        self.scratch.within.pop();
    }

    /// An object was left out: it is retired if there are rows behind it.
    pub(super) fn retire_object(&mut self, block: &'a BlockPlan, parent: &Env<'a>) {
        if self.retires && self.has_rows(block, parent) {
            self.retired.push(Retired { path: &block.path, ids: self.scratch.within.clone() });
        }
    }

    /// Everything that a block would show of a record that was left out.
    fn retire_all(&mut self, block: &'a BlockPlan, parent: &Env<'a>) {
        if !block.list {
            self.retire_object(block, parent);
            if let Source::Parent = block.source {
                for inner in &block.blocks {
                    self.retire_all(inner, parent);
                }
            }
            return;
        }
        let Some(id) = block.id.map(|index| &block.fields[index]) else { return };
        let child = self.child;
        child.each_row(block, parent, |env| {
            let env = child.with_lookups(block, env);
            if let Some(id) = good_text(child.plan, id, &env) {
                self.retire(block, id, &env);
            }
        });
    }

    fn has_rows(&self, block: &'a BlockPlan, parent: &Env<'a>) -> bool {
        match &block.source {
            Source::Parent => block.blocks.iter().any(|inner| self.has_rows(inner, parent)),
            Source::Table { table, link } => self.child.linked(*table, *link, parent.row).next().is_some(),
            Source::Placements(plan) => self.child.placements(plan, parent.row).next().is_some(),
        }
    }
}
