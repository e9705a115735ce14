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
use super::rows::{ChunkRows, Row};
use super::rules::{Child, Env, Latest};
use super::value::Reporter;
use crate::error::{Error, Result};
use crate::staging::Hash;

/// Writes the documents of a chunk, one child at a time: assembled from rows, or as its source delivered them.
pub struct Assembler<'a> {
    pub(super) plan: &'a Plan,
    pub(super) out: Vec<u8>,
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
    /// Records that the SSD still holds, left out by the rules. `None`: nobody knows, for the source had no rows; what the document does
    /// not mention may be there still.
    pub retired: Option<Vec<Retired<'a>>>,
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
        Assembler { plan, out: Vec::new() }
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
        let person = child.rows(self.plan.people.table).next();
        let person = person.ok_or_else(|| Error::internal("a listed child has no row in the table of people"))?;
        let root = &self.plan.root;
        let mut writer = Writer {
            child,
            reporter: Reporter { findings: Some(findings), child: id, invalid: self.plan.invalid },
            record_ids: true,
            unstable: Vec::new(),
            within: Vec::new(),
            retired: Vec::new(),
            records: 0,
        };
        self.out.clear();
        writer.object(root, &writer.with_lookups(root, Env::of(person)), &mut self.out);
        let legacy = root.fields.iter().find(|field| field.key == "mis_child_id");
        let legacy_id =
            legacy.and_then(|field| writer.reporter.quietly().good_text(self.plan, field, &Env::of(person)));
        let legacy_id = legacy_id.map(Cow::Borrowed);
        let (unstable, retired, records) = (writer.unstable, Some(writer.retired), writer.records);
        let document = std::str::from_utf8(&self.out).map_err(|_| Error::internal("a document is not UTF-8"))?;
        let hash = hash_without(document.as_bytes(), &unstable);
        Ok(Verdict::Cohort(Assembled { document, hash, legacy_id, retired, records }))
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
    /// Byte ranges of the document that stay out of the hash.
    unstable: Vec<(usize, usize)>,
    /// The ids of the records around what is being written, the outermost first.
    pub(super) within: Vec<&'a str>,
    pub(super) retired: Vec<Retired<'a>>,
    records: u64,
}

/// A member of a list, before it is written.
struct Candidate<'a> {
    env: Env<'a>,
    id: Option<&'a str>,
}

impl<'a> Writer<'a, '_> {
    /// Writes an object of a block for one row; says whether anything but `purge` stands in it.
    fn object(&mut self, block: &'a BlockPlan, env: &Env<'a>, out: &mut Vec<u8>) -> bool {
        out.push(b'{');
        let mut written = 0;
        let mut values = 0;
        // Set while an unstable id is the object's first member: the comma after it must stay out of the hash with it.
        let mut unstable_first = false;
        for member in &block.members {
            let before = out.len();
            if written > 0 {
                out.push(b',');
            }
            write_string(block.key_of(*member), out);
            out.push(b':');
            let is_written = match *member {
                Member::Field(index) => self.field(block, index, env, out),
                Member::Block(index) => self.block(&block.blocks[index], env, out),
                Member::Purge => {
                    out.extend_from_slice(b"false");
                    true
                }
            };
            if !is_written {
                out.truncate(before);
                continue;
            }
            if unstable_first && let Some(range) = self.unstable.last_mut() {
                range.1 = before + 1;
            }
            unstable_first = false;
            if self.record_ids && matches!(*member, Member::Field(index) if block.fields[index].unstable) {
                self.unstable.push((before, out.len()));
                unstable_first = written == 0;
            }
            written += 1;
            values += usize::from(*member != Member::Purge);
        }
        out.push(b'}');
        values > 0
    }

    fn field(&mut self, block: &BlockPlan, index: usize, env: &Env<'a>, out: &mut Vec<u8>) -> bool {
        if !self.record_ids && block.id == Some(index) {
            return false;
        }
        let field: &FieldPlan = &block.fields[index];
        if field.required && !block.path.is_empty() {
            // Judged, and reported, when the member was chosen.
            let text = self.reporter.quietly().good_text(self.child.plan, field, env);
            return text.is_some_and(|text| {
                write_string(text, out);
                true
            });
        }
        self.reporter.write_field(self.child, field, env, out)
    }

    fn block(&mut self, block: &'a BlockPlan, parent: &Env<'a>, out: &mut Vec<u8>) -> bool {
        if block.list {
            return self.list(block, parent, out);
        }
        let env = match block.source {
            Source::Parent => Some(self.with_lookups(block, Env { row: parent.row, lookups: Default::default() })),
            _ => self.picked(block, parent),
        };
        let Some(env) = env else {
            self.retire_object(block, parent);
            return false;
        };
        let (length, unstable) = (out.len(), self.unstable.len());
        let has_values = self.object(block, &env, out);
        if block.drop_empty && !has_values {
            out.truncate(length);
            self.unstable.truncate(unstable);
            self.retire_object(block, parent);
            return false;
        }
        true
    }

    /// The one row an object shows: the latest, ties broken as in a list.
    fn picked(&mut self, block: &'a BlockPlan, parent: &Env<'a>) -> Option<Env<'a>> {
        let mut rows = self.rows(block, parent);
        rows.retain(|env| {
            let counts = self.child.all_hold(&block.rows, env);
            if !counts {
                self.reporter.report_bad_days(env);
            }
            counts
        });
        rows.sort_by_key(|env| Latest(env.first_day(&block.latest)));
        let latest = |env: &Env<'a>| env.first_day(&block.latest);
        let first = latest(rows.first()?);
        rows.truncate(rows.iter().take_while(|env| latest(env) == first).count());
        if rows.len() > 1 {
            rows.sort_by_cached_key(|env| self.bytes_without_ids(block, env));
        }
        rows.first().copied()
    }

    fn list(&mut self, block: &'a BlockPlan, parent: &Env<'a>, out: &mut Vec<u8>) -> bool {
        let (members, retired) = self.members(block, parent);
        if self.record_ids {
            for (id, env) in retired {
                if !members.iter().any(|member| member.id == Some(id)) {
                    self.retire(block, id, &env);
                }
            }
        }
        out.push(b'[');
        let mut count = 0;
        let mut last = 0..0;
        for member in &members {
            let before = out.len();
            if count > 0 {
                out.push(b',');
            }
            let start = out.len();
            self.within.extend(member.id);
            self.object(block, &member.env, out);
            if member.id.is_some() {
                self.within.pop();
                self.records += 1;
            }
            // Identical members without an id count once. Members of equal content stand side by side.
            if block.id.is_none() && count > 0 && out[last.clone()] == out[start..] {
                out.truncate(before);
                continue;
            }
            last = start..out.len();
            count += 1;
        }
        out.push(b']');
        count > 0
    }

    /// The members of a list in order, and the records that its row rules left out, by id.
    fn members(&mut self, block: &'a BlockPlan, parent: &Env<'a>) -> (Vec<Candidate<'a>>, Vec<(&'a str, Env<'a>)>) {
        let mut members = Vec::new();
        let mut retired = Vec::new();
        for env in self.rows(block, parent) {
            let counts = self.child.all_hold(&block.rows, &env);
            let required = block.fields.iter().find(|field| field.required);
            let Some(required) = required else {
                match counts {
                    true => members.push(Candidate { env, id: None }),
                    false => self.reporter.report_bad_days(&env),
                }
                continue;
            };
            if !counts {
                self.reporter.report_bad_days(&env);
                if block.id.is_some() {
                    let id = self.reporter.quietly().good_text(self.child.plan, required, &env);
                    retired.extend(id.map(|id| (id, env)));
                }
                continue;
            }
            match self.reporter.good_text(self.child.plan, required, &env) {
                Some(id) => members.push(Candidate { env, id: block.id.map(|_| id) }),
                None => self.reporter.report_bad_id(required, &env),
            }
        }
        self.sort(block, &mut members);
        if block.id.is_some() {
            self.drop_duplicates(block, &mut members);
        }
        (members, retired)
    }

    fn sort(&mut self, block: &'a BlockPlan, members: &mut [Candidate<'a>]) {
        let by_dates = |a: &Candidate<'a>, b: &Candidate<'a>| by_dates(block, &a.env, &b.env);
        members.sort_by(by_dates);
        let mut start = 0;
        while start < members.len() {
            let same = members[start..]
                .iter()
                .take_while(|member| by_dates(&members[start], member) == Ordering::Equal)
                .count();
            if same > 1 {
                members[start..start + same]
                    .sort_by_cached_key(|member| (self.bytes_without_ids(block, &member.env), member.id));
            }
            start += same;
        }
    }

    /// Of members with one id the first stays (design, decision 1).
    fn drop_duplicates(&mut self, block: &'a BlockPlan, members: &mut Vec<Candidate<'a>>) {
        let mut kept: Vec<Candidate<'a>> = Vec::with_capacity(members.len());
        for member in members.drain(..) {
            if kept.iter().any(|other| other.id == member.id) {
                if let Some(index) = block.id {
                    self.reporter.report(Fault::DuplicateId, &block.fields[index], member.id);
                }
            } else {
                kept.push(member);
            }
        }
        *members = kept;
    }

    /// A member's canonical bytes without the record ids in it.
    fn bytes_without_ids(&mut self, block: &'a BlockPlan, env: &Env<'a>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut quiet = Writer {
            child: self.child,
            reporter: self.reporter.quietly(),
            record_ids: false,
            unstable: Vec::new(),
            within: Vec::new(),
            retired: Vec::new(),
            records: 0,
        };
        quiet.object(block, env, &mut bytes);
        bytes
    }

    /// The rows a block shows for its parent's row, with their lookups, before any row rule.
    pub(super) fn rows(&self, block: &'a BlockPlan, parent: &Env<'a>) -> Vec<Env<'a>> {
        match &block.source {
            Source::Parent => vec![self.with_lookups(block, *parent)],
            Source::Placements(plan) => self.child.placements(plan, parent.row),
            Source::Table { table, link } => {
                let rows = self.child.linked(*table, *link, parent.row);
                rows.map(|row: Row<'a>| self.with_lookups(block, Env::of(row))).collect()
            }
        }
    }

    fn with_lookups(&self, block: &'a BlockPlan, mut env: Env<'a>) -> Env<'a> {
        for (slot, lookup) in env.lookups.iter_mut().zip(&block.lookups) {
            *slot = self.child.look_up(lookup, env.row);
        }
        env
    }
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
