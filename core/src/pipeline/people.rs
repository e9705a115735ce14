//! Who may be sent at all: ids that are good, unique and unlike each other, and people of the right age.
//!
//! Ids are never cut or folded: one that is ill-formed, too long, given twice, or alike another but for case or spaces is
//! refused with a finding, because merging two children is worse than leaving one out (design, section 3).

use std::collections::HashMap;

use crate::payload::Plan;
use crate::payload::findings::{Fault, Findings};
use crate::payload::read::Person;

/// The people of the SSD, judged by id and age. Each list is sorted and without duplicates.
#[derive(Default)]
pub struct People {
    /// Of the right age: their rows are read.
    pub to_read: Vec<String>,
    /// Out of the age limits: they have left if they were ever sent.
    pub out_of_age: Vec<String>,
    /// Refused, as [`folded`]: their staging rows are left alone.
    refused: Vec<String>,
}

impl People {
    /// Whether the SSD still holds a child of this id, whatever became of it.
    pub fn contains(&self, id: &str) -> bool {
        let among = |list: &[String]| list.binary_search_by(|known| known.as_str().cmp(id)).is_ok();
        among(&self.to_read) || among(&self.out_of_age) || self.refused.binary_search(&folded(id)).is_ok()
    }

    /// How many were refused for their id.
    pub fn refused(&self) -> usize {
        self.refused.len()
    }
}

/// Judges a list of people.
pub fn judge(people: Vec<Person>, plan: &Plan, findings: &mut Findings) -> People {
    let mut alike: HashMap<String, Alike> = HashMap::with_capacity(people.len());
    for person in &people {
        let id = person.raw_id.as_str();
        alike
            .entry(folded(id))
            .and_modify(|others| *others = if others.is_all(id) { Alike::Twins(id.into()) } else { Alike::Likes })
            .or_insert_with(|| Alike::One(id.into()));
    }
    let mut judged = People::default();
    for Person { raw_id, birth, expected } in people {
        let id = raw_id.trim();
        if let Some(fault) = id_fault(&raw_id, id, plan, &alike) {
            findings.add(fault, "", id, None);
            judged.refused.push(folded(id));
        } else if plan.is_of_age(birth, expected) {
            judged.to_read.push(id.to_owned());
        } else {
            judged.out_of_age.push(id.to_owned());
        }
    }
    for list in [&mut judged.to_read, &mut judged.out_of_age, &mut judged.refused] {
        list.sort_unstable();
        list.dedup();
        list.shrink_to_fit();
    }
    judged
}

fn id_fault(raw_id: &str, id: &str, plan: &Plan, alike: &HashMap<String, Alike>) -> Option<Fault> {
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
    match alike.get(&folded(id)) {
        Some(Alike::Twins(_)) => Some(Fault::ChildDuplicateId),
        Some(Alike::Likes) => Some(Fault::ChildCollidingId),
        Some(Alike::One(_)) | None => None,
    }
}

/// The people whose ids are alike but for case or spaces.
enum Alike {
    /// One.
    One(Box<str>),
    /// Several, all of exactly this id.
    Twins(Box<str>),
    /// Several of different ids.
    Likes,
}

impl Alike {
    fn is_all(&self, id: &str) -> bool {
        matches!(self, Alike::One(known) | Alike::Twins(known) if **known == *id)
    }
}

/// An id without its case and spaces.
fn folded(id: &str) -> String {
    id.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase).collect()
}
