//! Which rows a list or an object shows, and in which order.
//!
//! A list's order is total (design, decision 1): by the definition's dates, nulls last; then by the member's canonical bytes
//! without record ids; then by id. The bytes are only made where the dates tie.

use std::cmp::Ordering;

use super::assemble::{Scratch, Writer};
use super::findings::Fault;
use super::plan::BlockPlan;
use super::rows::is_same;
use super::rules::{Env, Latest};
use super::value::good_text;

/// A row of a list or an object, before it is written.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub env: Env<'a>,
    /// The text without which there is no such record: its id, where it has one.
    pub required: Option<&'a str>,
}

impl<'a> Writer<'a, '_> {
    /// The one row an object shows: the latest, ties broken as in a list.
    pub(super) fn picked(&mut self, block: &'a BlockPlan, parent: &Env<'a>) -> Option<Env<'a>> {
        let begin = self.scratch.rows.len();
        let child = self.child;
        child.each_row(block, parent, |env| match child.counted(block, env) {
            Some(env) => self.scratch.rows.push(Candidate { env, required: None }),
            None => self.reporter.report_bad_days(&env),
        });
        let latest = |row: &Candidate<'a>| Latest(row.env.first_day(&block.latest));
        if self.scratch.rows.len() > begin + 1 {
            self.scratch.rows[begin..].sort_by_key(latest);
            let first = latest(&self.scratch.rows[begin]);
            let same = self.scratch.rows[begin..].iter().take_while(|row| latest(row) == first).count();
            self.scratch.rows.truncate(begin + same);
            self.sort_by_bytes(block, begin, begin + same);
        }
        let picked = self.scratch.rows.get(begin).map(|row| row.env);
        self.scratch.rows.truncate(begin);
        picked
    }

    /// Puts the members of a list in order behind the rows in hand, and retires the records that its row rules left out.
    pub(super) fn collect(&mut self, block: &'a BlockPlan, parent: &Env<'a>) {
        let begin = self.scratch.rows.len();
        let child = self.child;
        child.each_row(block, parent, |env| self.consider(block, env));
        if self.scratch.rows.len() > begin + 1 {
            self.sort(block, begin);
            self.drop_duplicates(block, begin);
        }
        if self.scratch.left_out.is_empty() {
            return;
        }
        let mut left_out = std::mem::take(&mut self.scratch.left_out);
        for (id, env) in left_out.drain(..) {
            if !self.scratch.rows[begin..].iter().any(|member| member.required == Some(id)) {
                self.retire(block, id, &env);
            }
        }
        self.scratch.left_out = left_out;
    }

    /// A row of a list is a member, or left out by the row rules, or without a good id.
    fn consider(&mut self, block: &'a BlockPlan, env: Env<'a>) {
        let plan = self.child.plan;
        let required = block.required.map(|index| &block.fields[index]);
        let Some(env) = self.child.counted(block, env) else {
            self.reporter.report_bad_days(&env);
            if let (Some(field), Some(_), true) = (required, block.id, self.retires) {
                let env = self.child.with_lookups(block, env);
                self.scratch.left_out.extend(good_text(plan, field, &env).map(|id| (id, env)));
            }
            return;
        };
        let Some(field) = required else { return self.scratch.rows.push(Candidate { env, required: None }) };
        match good_text(plan, field, &env) {
            Some(text) => self.scratch.rows.push(Candidate { env, required: Some(text) }),
            None => self.reporter.report_bad_id(field, &env),
        }
    }

    fn sort(&mut self, block: &'a BlockPlan, begin: usize) {
        let by_dates = |a: &Candidate<'a>, b: &Candidate<'a>| by_dates(block, &a.env, &b.env);
        self.scratch.rows[begin..].sort_by(by_dates);
        let mut start = begin;
        while let Some(first) = self.scratch.rows.get(start) {
            let rest = self.scratch.rows[start..].iter();
            let same = rest.take_while(|member| by_dates(first, member) == Ordering::Equal).count();
            self.sort_by_bytes(block, start, start + same);
            start += same;
        }
    }

    /// Sorts some of the rows in hand by their canonical bytes without record ids, then by id.
    fn sort_by_bytes(&mut self, block: &'a BlockPlan, start: usize, end: usize) {
        if end - start < 2 {
            return;
        }
        let rows = self.scratch.rows[start..end].iter();
        let mut sorted: Vec<_> = rows
            .map(|row| (self.bytes_without_ids(block, row), row.required.filter(|_| block.id.is_some()), *row))
            .collect();
        sorted.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        for (slot, (.., row)) in self.scratch.rows[start..end].iter_mut().zip(sorted) {
            *slot = row;
        }
    }

    /// Of members with one id the first stays (design, decision 1).
    fn drop_duplicates(&mut self, block: &'a BlockPlan, begin: usize) {
        let Some(index) = block.id else { return };
        let mut kept = begin;
        for at in begin..self.scratch.rows.len() {
            let member = self.scratch.rows[at];
            if self.scratch.rows[begin..kept].iter().any(|other| is_equal(other.required, member.required)) {
                self.reporter.report(Fault::DuplicateId, &block.fields[index], member.required);
            } else {
                self.scratch.rows[kept] = member;
                kept += 1;
            }
        }
        self.scratch.rows.truncate(kept);
    }

    /// A member's canonical bytes without the record ids in it.
    fn bytes_without_ids(&self, block: &'a BlockPlan, row: &Candidate<'a>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut quiet = Writer {
            child: self.child,
            reporter: self.reporter.quietly(),
            record_ids: false,
            retires: false,
            scratch: Scratch::default(),
            retired: Vec::new(),
            records: 0,
        };
        quiet.object(block, &row.env, row.required, &mut bytes);
        bytes
    }
}

fn is_equal(a: Option<&str>, b: Option<&str>) -> bool {
    a.zip(b).is_some_and(|(a, b)| is_same(a, b))
}

fn by_dates<'a>(block: &BlockPlan, a: &Env<'a>, b: &Env<'a>) -> Ordering {
    let keys = block.order.iter().map(|key| {
        let (a, b) = (a.day(key.slot), b.day(key.slot));
        match key.descending {
            true => Latest(a).cmp(&Latest(b)),
            false => a.is_none().cmp(&b.is_none()).then(a.cmp(&b)),
        }
    });
    keys.fold(Ordering::Equal, Ordering::then)
}
