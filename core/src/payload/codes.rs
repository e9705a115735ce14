//! The codes of one list field of one record, each once: as places in their set, for there are few sets and many records.

use std::borrow::Cow;

use super::plan::CodesPlan;
use super::value::code_place;

/// Codes in hand.
pub(super) struct Codes<'p, 't> {
    pub set: &'p CodesPlan,
    /// One bit for each of the set's first codes.
    known: [u64; WORDS],
    /// Texts that are no code of the set, and codes of a set too large for the bits. Distinct.
    others: Vec<Cow<'t, str>>,
}

const WORDS: usize = 2;

impl<'p, 't> Codes<'p, 't> {
    /// None yet.
    pub fn of(set: &'p CodesPlan) -> Codes<'p, 't> {
        Codes { set, known: [0; WORDS], others: Vec::new() }
    }

    /// Adds the code that a text is, or that its first run of letters and digits is; says whether it is one.
    pub fn add(&mut self, text: &str) -> bool {
        let Some(place) = code_place(self.set, text) else { return false };
        match self.known.get_mut(place / 64) {
            Some(word) => *word |= 1 << (place % 64),
            None => self.add_other(Cow::Owned(self.set.code(place).to_owned())),
        }
        true
    }

    /// Adds a text as it is.
    pub fn add_other(&mut self, text: Cow<'t, str>) {
        let is_known = self.known().any(|place| self.set.code(place) == text);
        if !is_known && !self.others.contains(&text) {
            self.others.push(text);
        }
    }

    /// A default code goes when another stands beside it, and comes where nothing was said.
    pub fn mend(&mut self, default: &str, any: bool) {
        let is_default = |place: usize| self.set.code(place) == default;
        let others = self.known().any(|place| !is_default(place)) || self.others.iter().any(|code| code != default);
        if others {
            if let Some(place) = self.known().find(|place| is_default(*place)) {
                self.known[place / 64] &= !(1 << (place % 64));
            }
            self.others.retain(|code| code != default);
        } else if !any {
            self.add_other(Cow::Owned(default.to_owned()));
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        let known: u32 = self.known.iter().map(|word| word.count_ones()).sum();
        known as usize + self.others.len()
    }

    /// Hands over the first of them, sorted, and how many came before each.
    pub fn each_sorted(mut self, most: usize, mut take: impl FnMut(usize, &str)) {
        if self.others.is_empty() {
            return self.known().take(most).enumerate().for_each(|(index, place)| take(index, self.set.code(place)));
        }
        let known: Vec<&str> = self.known().map(|place| self.set.code(place)).collect();
        self.others.sort_unstable();
        let mut all: Vec<&str> = self.others.iter().map(AsRef::as_ref).chain(known).collect();
        all.sort_unstable();
        all.into_iter().take(most).enumerate().for_each(|(index, code)| take(index, code));
    }

    /// The places of the set's codes in hand. The set is sorted, and so are they.
    fn known(&self) -> impl Iterator<Item = usize> + use<> {
        let bits = |mut word: u64| {
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros();
                word &= word.wrapping_sub(1);
                (bit < 64).then_some(bit as usize)
            })
        };
        self.known.into_iter().enumerate().flat_map(move |(at, word)| bits(word).map(move |bit| at * 64 + bit))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::payload::definition::CodeSet;

    /// A set larger than the bits, with codes of more than eight bytes.
    fn set() -> CodesPlan {
        let code =
            |number: usize| if number.is_multiple_of(7) { format!("LONG-CODE-{number}") } else { format!("C{number}") };
        let codes = (0..200).map(|number| (code(number), String::new())).collect();
        CodesPlan::new(&CodeSet { codes, aliases: [("SEVEN".to_owned(), code(7))].into() })
    }

    #[test]
    fn codes_come_sorted_each_once_whatever_they_are() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let set = set();
        for _ in 0..2000 {
            let mut codes = Codes::of(&set);
            let mut expected = BTreeSet::new();
            for _ in 0..random.usize(..12) {
                let text = match random.u8(..4) {
                    0 => format!("other {}", random.u8(..4)),
                    1 => "Seven".to_owned(),
                    _ => format!("c{}", random.u8(..200)),
                };
                match set.find(&text) {
                    Some(code) => expected.insert(code.to_owned()),
                    None => expected.insert(text.clone()),
                };
                if !codes.add(&text) {
                    codes.add_other(Cow::Owned(text));
                }
            }
            assert_eq!(codes.len(), expected.len());
            let most = random.usize(..14);
            let mut written = Vec::new();
            codes.each_sorted(most, |index, code| {
                assert_eq!(index, written.len());
                written.push(code.to_owned());
            });
            assert_eq!(written, expected.into_iter().take(most).collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_spelling_is_found_in_any_case_and_no_other() {
        let set = set();
        for (text, code) in [("c1", "C1"), ("C199", "C199"), ("long-code-14", "LONG-CODE-14"), ("sEVEN", "LONG-CODE-7")]
        {
            assert_eq!(set.find(text), Some(code));
        }
        for text in ["", "C", "C200", "C1\0", "C7", "LONG-CODE-1", "é"] {
            assert_eq!(set.find(text), None, "{text:?}");
        }
    }
}
