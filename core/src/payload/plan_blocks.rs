//! Blocks, fields and row rules with their names resolved to positions.

use std::collections::{BTreeMap, BTreeSet};

use super::day::Day;
use super::definition::{CodeSet, FieldType};
use super::pattern::Pattern;

/// Most lookups a block may have; the assembler keeps them in an array of this size.
pub const MOST_LOOKUPS: usize = 4;

/// One object or list.
#[derive(Clone)]
pub struct BlockPlan {
    /// Its key in the parent; empty for the root.
    pub key: String,
    /// Its place in the document, such as `social_care_episodes[].adoption`.
    pub path: String,
    /// A list, or one object.
    pub list: bool,
    /// Whose rows it shows.
    pub source: Source,
    /// Rows of other tables it uses.
    pub lookups: Vec<LookupPlan>,
    /// Which rows count.
    pub rows: Vec<Rule>,
    /// A list's order.
    pub order: Vec<OrderKey>,
    /// Which one row an object shows.
    pub latest: Vec<Slot>,
    /// Whether nothing but `purge` in it leaves it out.
    pub drop_empty: bool,
    /// The field that is its record id.
    pub id: Option<usize>,
    /// The field without a good value of which a record is left out: the record id, where there is one. None of the root.
    pub required: Option<usize>,
    /// Its fields, in the definition's order.
    pub fields: Vec<FieldPlan>,
    /// Its inner blocks, in the definition's order.
    pub blocks: Vec<BlockPlan>,
    /// What is written, sorted by key.
    pub members: Vec<Member>,
    /// What stands before each member's value: a comma, and its key.
    pub(super) keys: Vec<String>,
}

impl BlockPlan {
    /// The key at which a member stands.
    pub fn key_of(&self, member: Member) -> &str {
        match member {
            Member::Field(index) => &self.fields[index].key,
            Member::Block(index) => &self.blocks[index].key,
            Member::Purge => "purge",
        }
    }
}

/// What an object holds at one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// A field.
    Field(usize),
    /// An inner block.
    Block(usize),
    /// `"purge":false`.
    Purge,
}

/// Whose rows a block shows.
#[derive(Clone)]
pub enum Source {
    /// Its parent's own row.
    Parent,
    /// Rows of a table: those of the parent's row, or all of the child's.
    Table {
        /// The table.
        table: usize,
        /// Which of them.
        link: Option<Link>,
    },
    /// Placements of a referral.
    Placements(PlacementPlan),
}

/// `column` of the other table equals `own` of this row.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// The other table's column.
    pub column: usize,
    /// This row's column.
    pub own: usize,
}

/// What the placement rule needs to know (design, decision 2).
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "each is the position of the column it is named for")]
pub struct PlacementPlan {
    pub placements: usize,
    pub placement_id: usize,
    pub placement_period: usize,
    pub care_episodes: usize,
    pub care_placement: usize,
    pub care_period: usize,
    pub care_referral: usize,
    pub care_start: usize,
    pub care_end: usize,
    pub referral_id: usize,
}

/// A row of another table, chosen for a row.
#[derive(Clone)]
pub struct LookupPlan {
    /// The table.
    pub table: usize,
    /// Which rows.
    pub link: Option<Link>,
    /// Which of them count.
    pub rows: Vec<Rule>,
    /// Which one of several.
    pub latest: Vec<Slot>,
    /// An end date: an open row comes first.
    pub open_first: Option<Slot>,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// A column of the block's own row.
    Own(usize),
    /// A column of a lookup's row.
    Lookup(usize, usize),
}

/// One key of a list's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderKey {
    /// A column of dates.
    pub slot: Slot,
    /// Latest first.
    pub descending: bool,
}

/// The days that a rule tests against; both ends count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First day.
    pub from: Day,
    /// Last day.
    pub to: Day,
}

/// A rule about one row, with its days.
#[derive(Clone)]
#[allow(missing_docs, reason = "as the definition's RowRule")]
pub enum Rule {
    Overlaps { start: Slot, end: Slot, window: Window },
    InWindow { dates: Vec<Slot>, window: Window },
    Present(Slot),
    Absent(Slot),
    OfChild(Slot),
    Equals { slot: Slot, value: String },
    Contains { slot: Slot, value: String },
    OpenOrEndsInWindow { end: Slot, window: Window },
    OnCensusDate { start: Slot, end: Slot, days: Vec<Day> },
    Any(Vec<Rule>),
    Exists { wanted: bool, table: usize, link: Link, rows: Vec<Rule> },
}

/// One field.
#[derive(Clone)]
pub struct FieldPlan {
    /// Its key.
    pub key: String,
    /// Its place in the document, for findings.
    pub path: String,
    /// What it is.
    pub kind: FieldType,
    /// Where its value stands. For a field of several rows, a column of `rows_of`; for `Found`, a lookup.
    pub slot: Slot,
    /// The table a field of several rows reads, and which of its rows.
    pub rows_of: Option<(usize, Option<Link>)>,
    /// Where it stands otherwise.
    pub fallback: Option<Slot>,
    /// Without a good value the record is left out.
    pub required: bool,
    /// Whether an empty cell at its slot says that nothing is written.
    pub(super) may_skip: bool,
    /// Whether it stays out of the hash.
    pub unstable: bool,
    /// Longest text.
    pub max: Option<usize>,
    /// Exact length.
    pub length: Option<usize>,
    /// The whole text must match.
    pub pattern: Option<Pattern>,
    /// Its code set.
    pub codes: Option<usize>,
    /// Codes that are no value here.
    pub not_codes: Option<usize>,
    /// Lowest and highest number.
    pub range: Option<[i64; 2]>,
    /// Most members.
    pub max_items: Option<usize>,
    /// Without a good value.
    pub default: Option<String>,
    /// A date before this is left out.
    pub not_before: Option<Slot>,
}

/// A code set, ready for look-ups in any case.
#[derive(Debug, Clone)]
pub struct CodesPlan {
    /// The codes, sorted.
    codes: Vec<String>,
    /// Upper-case spelling to its code's place, the codes themselves among them; sorted.
    spellings: Vec<(String, usize)>,
    /// Where the spellings of up to eight bytes are found: their bytes in one number, their length, and their code's place. A power of
    /// two, at most half of it taken.
    short: Vec<Option<(u64, u32, u32)>>,
    /// Whether any text is a code: only the mutation check widens a set so far.
    pub anything: bool,
}

impl CodesPlan {
    /// The codes and aliases of a set.
    pub fn new(set: &CodeSet) -> CodesPlan {
        let own = set.codes.keys().map(|code| (code.to_uppercase(), code));
        let aliases = set.aliases.iter().map(|(alias, code)| (alias.to_uppercase(), code));
        let spellings: BTreeMap<String, &String> = aliases.chain(own).collect();
        let codes: BTreeSet<&String> = spellings.values().copied().collect();
        let codes: Vec<String> = codes.into_iter().cloned().collect();
        let place = |code: &String| codes.binary_search(code).unwrap_or_default();
        let spellings: Vec<(String, usize)> =
            spellings.into_iter().map(|(spelling, code)| (spelling, place(code))).collect();
        let mut short = vec![None; (spellings.len() * 2).next_power_of_two()];
        for (spelling, place) in &spellings {
            let Some(word) = word_of(spelling) else { continue };
            let mut slot = slot_of(word, short.len());
            while short[slot].is_some() {
                slot = (slot + 1) % short.len();
            }
            short[slot] = Some((word, spelling.len() as u32, *place as u32));
        }
        CodesPlan { codes, spellings, short, anything: false }
    }

    /// The code that a spelling stands for, in any case.
    pub fn find<'a>(&'a self, text: &'a str) -> Option<&'a str> {
        if self.anything { Some(text) } else { self.place_of(text).map(|place| self.code(place)) }
    }

    /// The place among the sorted codes of the one that a spelling stands for, in any case. None of a set that takes anything.
    pub(super) fn place_of(&self, text: &str) -> Option<usize> {
        if self.anything {
            return None;
        }
        let Some(word) = word_of(text) else {
            let upper = || text.bytes().map(|byte| byte.to_ascii_uppercase());
            let found = self.spellings.binary_search_by(|(spelling, _)| spelling.bytes().cmp(upper()));
            return found.ok().map(|at| self.spellings[at].1);
        };
        let mut slot = slot_of(word, self.short.len());
        while let Some((known, length, place)) = self.short[slot] {
            if known == word && length as usize == text.len() {
                return Some(place as usize);
            }
            slot = (slot + 1) % self.short.len();
        }
        None
    }

    /// The code at a place.
    pub(super) fn code(&self, place: usize) -> &str {
        &self.codes[place]
    }
}

/// Up to eight bytes in upper case as one number.
fn word_of(text: &str) -> Option<u64> {
    let mut word = [0; 8];
    word.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    word.make_ascii_uppercase();
    Some(u64::from_le_bytes(word))
}

/// Where a word is looked for first, among a power of two of slots.
fn slot_of(word: u64, slots: usize) -> usize {
    (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & (slots - 1)
}
