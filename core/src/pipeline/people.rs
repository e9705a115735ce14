//! Who may be sent at all: ids that are good, unique and unlike each other, and people of the right age.
//!
//! Ids are never cut or folded: one that is ill-formed, too long, given twice, or alike another but for case or spaces is
//! refused with a finding, because merging two children is worse than leaving one out (design, section 3).

use crate::payload::Plan;
use crate::payload::findings::{Fault, Findings};
use crate::payload::read::Roll;
use crate::staging::Shard;

/// The people of the SSD, judged by id and age: all of them, or those of a shard.
pub struct People {
    /// Of every shard.
    roll: Roll,
    /// How many of them are looked at.
    rows: usize,
    /// Of the right age: their rows are read. Numbers in `roll`, sorted by id.
    to_read: Vec<u32>,
    /// Out of the age limits: they have left if they were ever sent. Sorted by id.
    out_of_age: Vec<u32>,
    /// Refused: their staging rows are neither gone nor left, and nothing is sent for them. Sorted.
    refused: Vec<String>,
    /// The same of every shard, [`folded`]: ids that are alike need not be in one. Sorted.
    refused_folds: Vec<String>,
}

impl People {
    /// How many rows of the table of people are looked at.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many rows the table of people has.
    pub fn all_rows(&self) -> usize {
        self.roll.len()
    }

    /// How many are of the right age.
    pub fn to_read(&self) -> usize {
        self.to_read.len()
    }

    /// The ids of those of the right age, sorted, so many at a time.
    pub fn chunks(&self, size: usize) -> impl Iterator<Item = Vec<String>> + '_ {
        self.to_read.chunks(size).map(|numbers| self.ids(numbers))
    }

    /// The ids of those out of the age limits, sorted, so many at a time.
    pub fn chunks_out_of_age(&self, size: usize) -> impl Iterator<Item = Vec<String>> + '_ {
        self.out_of_age.chunks(size).map(|numbers| self.ids(numbers))
    }

    /// Whether a child is of the right age, and its id a good one.
    pub fn is_read(&self, id: &str) -> bool {
        self.is_among(&self.to_read, id)
    }

    /// Whether the SSD still holds a child of this id, which is of the shard, whatever became of it.
    pub fn contains(&self, id: &str) -> bool {
        self.is_read(id) || self.is_among(&self.out_of_age, id) || self.is_refused(id)
    }

    /// The ids of those refused, sorted.
    pub fn refused(&self) -> &[String] {
        &self.refused
    }

    /// Whether a child was refused, or is alike one that was but for case or spaces.
    pub fn is_refused(&self, id: &str) -> bool {
        self.refused_folds.binary_search(&folded(id)).is_ok()
    }

    /// Whether a child that is not in the SSD by this very id is alike one that was refused, but for case or spaces.
    pub fn is_alike_refused(&self, id: &str) -> bool {
        let is_there = self.is_read(id) || self.is_among(&self.out_of_age, id);
        !is_there && self.is_refused(id) && self.refused.binary_search_by(|refused| refused.as_str().cmp(id)).is_err()
    }

    fn is_among(&self, numbers: &[u32], id: &str) -> bool {
        numbers.binary_search_by(|number| self.id(*number).cmp(id)).is_ok()
    }

    fn ids(&self, numbers: &[u32]) -> Vec<String> {
        numbers.iter().map(|number| self.id(*number).to_owned()).collect()
    }

    fn id(&self, number: u32) -> &str {
        self.roll.raw_id(number as usize).trim()
    }
}

/// Judges a list of people, and keeps those of the shard. Which ids are alike is seen among all people.
pub fn judge(roll: Roll, plan: &Plan, shard: Option<Shard>, findings: &mut Findings) -> People {
    let unlike = Unlike::new(&roll);
    let (mut to_read, mut out_of_age, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    let (mut rows, mut refused_folds) = (0, Vec::new());
    for number in 0..roll.len() {
        let raw_id = roll.raw_id(number);
        let id = raw_id.trim();
        // Where only ids are known, the documents will tell.
        let is_of_age = roll.dates(number).map_or(Ok(true), |(birth, expected)| plan.judge_age(birth, expected));
        let is_looked_at = shard.is_none_or(|shard| shard.has(id));
        rows += usize::from(is_looked_at);
        match (id_fault(raw_id, id, plan, &unlike), is_of_age) {
            (Some(_), _) | (None, Err(_)) if !is_looked_at => refused_folds.push(folded(id)),
            _ if !is_looked_at => {}
            (Some(fault), _) | (None, Err(fault)) => {
                findings.add(fault, "", id, None);
                refused_folds.push(folded(id));
                refused.push(id.to_owned());
            }
            (None, Ok(true)) => to_read.push(number as u32),
            (None, Ok(false)) => out_of_age.push(number as u32),
        }
    }
    refused.sort_unstable();
    refused.dedup();
    for numbers in [&mut to_read, &mut out_of_age] {
        numbers.sort_unstable_by(|a, b| roll.raw_id(*a as usize).trim().cmp(roll.raw_id(*b as usize).trim()));
        numbers.shrink_to_fit();
    }
    refused_folds.sort_unstable();
    refused_folds.dedup();
    People { roll: roll.only_ids(), rows, to_read, out_of_age, refused, refused_folds }
}

fn id_fault(raw_id: &str, id: &str, plan: &Plan, unlike: &Unlike) -> Option<Fault> {
    if id.is_empty() || plan.no_value.iter().any(|none| none == id) {
        return Some(Fault::ChildNoId);
    }
    let field = plan.root.id.map(|index| &plan.root.fields[index]);
    let too_long = field.and_then(|field| field.max).is_some_and(|max| id.chars().count() > max);
    let ill_formed = field.and_then(|field| field.pattern.as_ref()).is_some_and(|pattern| !pattern.is_match(id));
    // Databases trim spaces and nothing else: an id with another kind of space around it would find none of its rows.
    if too_long || ill_formed || raw_id.trim_matches(' ') != id {
        return Some(Fault::ChildBadId);
    }
    unlike.fault(id)
}

/// Which ids are alike but for case or spaces: only those that are not alone are kept.
struct Unlike {
    /// Folded ids that several people have, and whether all of these have exactly the same id. Sorted.
    shared: Vec<(String, bool)>,
}

impl Unlike {
    fn new(roll: &Roll) -> Unlike {
        let mut order: Vec<u32> = (0..roll.len() as u32).collect();
        let id = |at: &u32| roll.raw_id(*at as usize);
        let fold = |at: &u32| letters(id(at));
        order.sort_unstable_by(|a, b| fold(a).cmp(fold(b)));
        let same_fold = |a: &u32, b: &u32| fold(a).eq(fold(b));
        let shared = order
            .chunk_by(same_fold)
            .filter(|group| group.len() > 1)
            .map(|group| (folded(id(&group[0])), group.iter().all(|at| id(at) == id(&group[0]))));
        let mut shared: Vec<(String, bool)> = shared.collect();
        shared.sort_unstable();
        Unlike { shared }
    }

    fn fault(&self, id: &str) -> Option<Fault> {
        if self.shared.is_empty() {
            return None;
        }
        let folded = folded(id);
        let found = self.shared.binary_search_by(|(known, _)| known.as_str().cmp(&folded)).ok()?;
        Some(if self.shared[found].1 { Fault::ChildDuplicateId } else { Fault::ChildCollidingId })
    }
}

/// An id without its case and spaces.
fn folded(id: &str) -> String {
    letters(id).collect()
}

fn letters(id: &str) -> impl Iterator<Item = char> + '_ {
    id.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase)
}
