//! One child's document, written as canonical bytes straight into a reused buffer while the rules are followed. Of a source that has
//! documents instead of tables, `document` writes the same.
//! Which rows a list or an object shows, and in which order, is in `choose`.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::canonical::write_string;
use super::choose::Candidate;
use super::findings::Findings;
use super::plan::{BlockPlan, FieldPlan, Member, Plan, Source};
use super::rows::ChunkRows;
use super::rules::{Child, Env};
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
    pub(super) record_ids: bool,
    /// Whether anybody asks what retired.
    pub(super) retires: bool,
    pub(super) scratch: Scratch<'a>,
    pub(super) retired: Vec<Retired<'a>>,
    pub(super) records: u64,
}

/// What is kept from child to child, so that none has to ask for memory.
#[derive(Default)]
pub(super) struct Scratch<'a> {
    /// The rows of the lists and objects that are being written, the outermost first.
    pub(super) rows: Vec<Candidate<'a>>,
    /// The records that the row rules of the list in hand left out.
    pub(super) left_out: Vec<(&'a str, Env<'a>)>,
    /// The ids of the records around what is being written, the outermost first.
    pub(super) within: Vec<&'a str>,
    /// Byte ranges of the document that stay out of the hash.
    unstable: Vec<(usize, usize)>,
}

impl<'a> Writer<'a, '_> {
    /// Writes an object of a block for one row, whose required text is known; says whether anything but `purge` stands in it.
    pub(super) fn object(
        &mut self,
        block: &'a BlockPlan,
        env: &Env<'a>,
        required: Option<&'a str>,
        out: &mut Vec<u8>,
    ) -> bool {
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
}
