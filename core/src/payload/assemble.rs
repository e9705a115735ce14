//! One child's document, written as canonical bytes straight into a reused buffer while the rules are followed. Of a source that has
//! documents instead of tables, `document` writes the same.
//!
//! A list's order is total (design, decision 1): by the definition's dates, nulls last; then by the member's canonical bytes
//! without record ids; then by id. The bytes are only made where the dates tie.

use std::borrow::Cow;
use std::cmp::Ordering;

use sha2::{Digest, Sha256};

use super::canonical::write_string;
use super::findings::{Fault, Findings};
use super::plan::{BlockPlan, FieldPlan, Member, Plan, Source};
use super::rows::{ChunkRows, is_same};
use super::rules::{Child, Env, Latest};
use super::value::{Reporter, good_text};
use crate::error::{Error, Result};
use crate::staging::Hash;

/// Writes the documents of a chunk, one child at a time: assembled from rows, or as its source delivered them.
pub struct Assembler<'a> {
    pub(super) plan: &'a Plan,
    pub(super) out: Vec<u8>,
    scratch: Scratch<'a>,
}

/// What the rules say about a child.
pub enum Verdict<'a, 'b> {
    /// In the cohort, with this document.
    Cohort(Assembled<'a, 'b>),
    /// In the SSD, but no set admits the child, or the document shows that it is not of the right age.
    Left,
    /// The document is none, or another child's. Of documents alone.
    Refused,
    /// The source could not say: the child stays as it is. Of documents alone.
    Unread,
}

/// A child's document.
pub struct Assembled<'a, 'b> {
    /// Canonical JSON.
    pub document: &'b str,
    /// SHA-256 over it, without unstable ids.
    pub hash: Hash,
    /// `mis_child_id`, where there is one.
    pub legacy_id: Option<Cow<'a, str>>,
    /// How many records with an id the document has, the child itself not among them.
    pub records: u64,
}

/// What the SSD still holds of a child and the rules left out: retired, not gone (design, section 6). A record of a list, or the
/// rows behind an object block.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Retired<'a> {
    /// The block's path, such as `social_care_episodes[].child_in_need_plans[]` or `social_care_episodes[].adoption`.
    pub path: &'a str,
    /// The ids of the records around it, the outermost first; then, of a list's record, its own.
    pub ids: Vec<&'a str>,
}

impl<'a> Assembler<'a> {
    /// An assembler for a run.
    pub fn new(plan: &'a Plan) -> Self {
        Assembler { plan, out: Vec::new(), scratch: Scratch::default() }
    }

    /// Assembles child `number` of the chunk, whose id is `id`.
    ///
    /// # Errors
    /// Only [`crate::error::Kind::Internal`]: whatever the data is, it makes a document or findings.
    pub fn assemble<'b>(
        &'b mut self,
        chunk: &'a ChunkRows,
        number: usize,
        id: &'a str,
        findings: &mut Findings,
    ) -> Result<Verdict<'a, 'b>> {
        let child = Child { plan: self.plan, chunk, number, id };
        if !child.is_included() {
            return Ok(Verdict::Left);
        }
        let reporter = Reporter { findings: Some(findings), child: id, invalid: self.plan.invalid };
        let (records, _) = self.write(child, reporter, false)?;
        let legacy = self.plan.root.fields.iter().find(|field| field.key == "mis_child_id");
        let legacy_id = legacy.and_then(|field| good_text(self.plan, field, &Env::of(child.person()?)));
        let legacy_id = legacy_id.map(Cow::Borrowed);
        let document = std::str::from_utf8(&self.out).map_err(|_| Error::internal("a document is not UTF-8"))?;
        let hash = hash_without(document.as_bytes(), &self.scratch.unstable);
        Ok(Verdict::Cohort(Assembled { document, hash, legacy_id, records }))
    }

    /// What the SSD still holds of child `number` and the rules left out. Only few children are asked for it: those whose document is not
    /// as it was.
    ///
    /// # Errors
    /// Only [`crate::error::Kind::Internal`].
    pub fn retired(&mut self, chunk: &'a ChunkRows, number: usize, id: &'a str) -> Result<Vec<Retired<'a>>> {
        let child = Child { plan: self.plan, chunk, number, id };
        let reporter = Reporter { findings: None, child: id, invalid: self.plan.invalid };
        self.write(child, reporter, true).map(|(_, retired)| retired)
    }

    /// Writes the document; returns how many records it has, and what retired if that is wanted.
    fn write(
        &mut self,
        child: Child<'a>,
        reporter: Reporter<'a, '_>,
        retires: bool,
    ) -> Result<(u64, Vec<Retired<'a>>)> {
        let person = child.person();
        let person = person.ok_or_else(|| Error::internal("a listed child has no row in the table of people"))?;
        let root = &self.plan.root;
        let scratch = std::mem::take(&mut self.scratch);
        let mut writer =
            Writer { child, reporter, record_ids: true, retires, scratch, retired: Vec::new(), records: 0 };
        self.out.clear();
        writer.scratch.unstable.clear();
        writer.object(root, &child.with_lookups(root, Env::of(person)), None, &mut self.out);
        self.scratch = writer.scratch;
        Ok((writer.records, writer.retired))
    }
}

/// SHA-256 over canonical bytes without some ranges, which are ascending and apart.
pub(super) fn hash_without(bytes: &[u8], ranges: &[(usize, usize)]) -> Hash {
    let mut hasher = Sha256::new();
    let mut at = 0;
    for (start, end) in ranges {
        hasher.update(&bytes[at..*start]);
        at = *end;
    }
    hasher.update(&bytes[at..]);
    hasher.finalize().into()
}

/// Follows the plan for one child.
pub(super) struct Writer<'a, 'f> {
    pub(super) child: Child<'a>,
    pub(super) reporter: Reporter<'a, 'f>,
    /// Off while a member is written only to be compared: without record ids, without findings.
    record_ids: bool,
    /// Whether anybody asks what retired.
    pub(super) retires: bool,
    pub(super) scratch: Scratch<'a>,
    pub(super) retired: Vec<Retired<'a>>,
    records: u64,
}

/// What is kept from child to child, so that none has to ask for memory.
#[derive(Default)]
pub(super) struct Scratch<'a> {
    /// The rows of the lists and objects that are being written, the outermost first.
    rows: Vec<Candidate<'a>>,
    /// The records that the row rules of the list in hand left out.
    left_out: Vec<(&'a str, Env<'a>)>,
    /// The ids of the records around what is being written, the outermost first.
    pub(super) within: Vec<&'a str>,
    /// Byte ranges of the document that stay out of the hash.
    unstable: Vec<(usize, usize)>,
}

/// A row of a list or an object, before it is written.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    env: Env<'a>,
    /// The text without which there is no such record: its id, where it has one.
    required: Option<&'a str>,
}

impl<'a> Writer<'a, '_> {
    /// Writes an object of a block for one row, whose required text is known; says whether anything but `purge` stands in it.
    fn object(&mut self, block: &'a BlockPlan, env: &Env<'a>, required: Option<&'a str>, out: &mut Vec<u8>) -> bool {
        let begin = out.len();
        let mut values = 0;
        // Set while an unstable id is the object's first member: the comma after it must stay out of the hash with it.
        let mut unstable_first = false;
        for (member, key) in block.members.iter().zip(&block.keys) {
            let before = out.len();
            let is_written = match *member {
                Member::Field(index) => self.field(block, index, env, required, key, out),
                Member::Block(index) => self.block(&block.blocks[index], env, key, out),
                Member::Purge => {
                    out.extend_from_slice(key.as_bytes());
                    out.extend_from_slice(b"false");
                    true
                }
            };
            if !is_written {
                out.truncate(before);
                continue;
            }
            if unstable_first && let Some(range) = self.scratch.unstable.last_mut() {
                range.1 = before + 1;
            }
            unstable_first = false;
            if self.record_ids && matches!(*member, Member::Field(index) if block.fields[index].unstable) {
                unstable_first = before == begin;
                self.scratch.unstable.push((before + usize::from(unstable_first), out.len()));
            }
            values += usize::from(*member != Member::Purge);
        }
        // Each member came with a comma before it: the first one's makes place.
        match out.get_mut(begin) {
            Some(comma) => *comma = b'{',
            None => out.push(b'{'),
        }
        out.push(b'}');
        values > 0
    }

    fn field(
        &mut self,
        block: &BlockPlan,
        index: usize,
        env: &Env<'a>,
        required: Option<&'a str>,
        key: &str,
        out: &mut Vec<u8>,
    ) -> bool {
        let field: &FieldPlan = &block.fields[index];
        if !self.record_ids && block.id == Some(index) {
            return false;
        }
        if field.may_skip && env.is_empty(field.slot) {
            return false;
        }
        out.extend_from_slice(key.as_bytes());
        if !field.required || block.path.is_empty() {
            return self.reporter.write_field(self.child, field, env, out);
        }
        // Judged, and reported, when the member was chosen.
        let text = match required {
            Some(text) if block.required == Some(index) => Some(text),
            _ => good_text(self.child.plan, field, env),
        };
        text.is_some_and(|text| {
            write_string(text, out);
            true
        })
    }

    fn block(&mut self, block: &'a BlockPlan, parent: &Env<'a>, key: &str, out: &mut Vec<u8>) -> bool {
        if block.list {
            return self.list(block, parent, key, out);
        }
        let env = match block.source {
            Source::Parent => {
                Some(self.child.with_lookups(block, Env { row: parent.row, lookups: Default::default() }))
            }
            _ => self.picked(block, parent),
        };
        let Some(env) = env else {
            self.retire_object(block, parent);
            return false;
        };
        out.extend_from_slice(key.as_bytes());
        let unstable = self.scratch.unstable.len();
        let has_values = self.object(block, &env, None, out);
        if block.drop_empty && !has_values {
            self.scratch.unstable.truncate(unstable);
            self.retire_object(block, parent);
            return false;
        }
        true
    }

    /// The one row an object shows: the latest, ties broken as in a list.
    fn picked(&mut self, block: &'a BlockPlan, parent: &Env<'a>) -> Option<Env<'a>> {
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

    fn list(&mut self, block: &'a BlockPlan, parent: &Env<'a>, key: &str, out: &mut Vec<u8>) -> bool {
        let begin = self.scratch.rows.len();
        self.collect(block, parent);
        let end = self.scratch.rows.len();
        if begin == end {
            return false;
        }
        out.extend_from_slice(key.as_bytes());
        out.push(b'[');
        let mut last = 0..0;
        for at in begin..end {
            let Candidate { env, required } = self.scratch.rows[at];
            let before = out.len();
            if at > begin {
                out.push(b',');
            }
            let start = out.len();
            let id = required.filter(|_| block.id.is_some());
            self.scratch.within.extend(id);
            self.object(block, &env, required, out);
            if id.is_some() {
                self.scratch.within.pop();
                self.records += 1;
            }
            // Identical members without an id count once. Members of equal content stand side by side.
            if block.id.is_none() && at > begin && out[last.clone()] == out[start..] {
                out.truncate(before);
                continue;
            }
            last = start..out.len();
        }
        out.push(b']');
        self.scratch.rows.truncate(begin);
        true
    }

    /// Puts the members of a list in order behind the rows in hand, and retires the records that its row rules left out.
    fn collect(&mut self, block: &'a BlockPlan, parent: &Env<'a>) {
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
