//! The patterns of fields. Those that payloads have (sets of characters, repeats, alternatives) become a table with one step for each
//! byte; any other is left to `regex-lite`, whose matching takes a hundred times as long. Every id of every document comes through here.

use regex_lite::Regex;

/// Most characters and character sets in a pattern that becomes a table.
const MOST_PLACES: usize = 64;
/// Most states of a table: 256 bytes each.
const MOST_STATES: usize = 64;
/// The state that no text leaves.
const DEAD: u8 = 0;
const START: u8 = 1;

/// A pattern that a whole text must match.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    table: Option<Table>,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// As `regex-lite` has it, where it is no regular expression.
    pub fn new(pattern: &str) -> Result<Pattern, regex_lite::Error> {
        Ok(Pattern { regex: Regex::new(pattern)?, table: Parser::table(pattern) })
    }

    /// Whether a text matches.
    pub fn is_match(&self, text: &str) -> bool {
        match &self.table {
            Some(table) => table.accepts(text.as_bytes()),
            None => self.regex.is_match(text),
        }
    }

    /// Whether what matches is of characters alone that stand in JSON as they are.
    pub(super) fn is_plain(&self) -> bool {
        self.table.is_some()
    }
}

/// A state for each set of places at which the next byte may stand.
#[derive(Debug, Clone)]
struct Table {
    next: Vec<[u8; 256]>,
    accepts: Vec<bool>,
    /// Whether it says no more than which bytes there may be, in any number.
    is_set: bool,
}

impl Table {
    fn accepts(&self, text: &[u8]) -> bool {
        if self.is_set {
            // Each byte for itself: none waits for the one before it.
            let next = &self.next[usize::from(START)];
            return text.iter().fold(true, |all, byte| all & (next[usize::from(*byte)] == START));
        }
        let state = text.iter().fold(START, |state, byte| self.next[usize::from(state)][usize::from(*byte)]);
        self.accepts[usize::from(state)]
    }
}

/// Which bytes may stand at a place.
type Bytes = [bool; 128];
/// A set of places, one bit each.
type Places = u64;

/// A part of a pattern: where it may begin and end, and whether it may be empty.
#[derive(Clone, Copy)]
struct Part {
    first: Places,
    last: Places,
    empty: bool,
}

/// Reads the patterns that become tables: `^…$` of letters, digits, spaces, `-` and `_`, sets of them, groups with alternatives, and the
/// repeats `?`, `*`, `+`, `{n}` and `{n,m}`. Anything else is `None`.
struct Parser<'p> {
    rest: &'p [u8],
    bytes: Vec<Bytes>,
    /// The places that may come after each place.
    follow: Vec<Places>,
}

impl<'p> Parser<'p> {
    fn table(pattern: &'p str) -> Option<Table> {
        let rest = pattern.strip_prefix('^')?.strip_suffix('$')?.as_bytes();
        let mut parser = Parser { rest, bytes: Vec::new(), follow: Vec::new() };
        let whole = parser.sequence()?;
        // A bar that stands in no group would part `^` from `$`.
        if !parser.rest.is_empty() { None } else { parser.states(whole) }
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn sequence(&mut self) -> Option<Part> {
        let mut whole = Part { first: 0, last: 0, empty: true };
        while !matches!(self.peek(), None | Some(b'|' | b')')) {
            let part = self.repeated()?;
            whole = self.then(whole, part);
        }
        Some(whole)
    }

    fn then(&mut self, a: Part, b: Part) -> Part {
        self.link(a.last, b.first);
        Part {
            first: if a.empty { a.first | b.first } else { a.first },
            last: if b.empty { a.last | b.last } else { b.last },
            empty: a.empty && b.empty,
        }
    }

    fn link(&mut self, from: Places, to: Places) {
        for (place, follow) in self.follow.iter_mut().enumerate() {
            if from >> place & 1 == 1 {
                *follow |= to;
            }
        }
    }

    fn repeated(&mut self) -> Option<Part> {
        let begin = self.rest;
        let part = self.single()?;
        let text = &begin[..begin.len() - self.rest.len()];
        let repeated = match self.peek() {
            Some(b'?') => Part { empty: true, ..part },
            Some(sign @ (b'*' | b'+')) => {
                self.link(part.last, part.first);
                Part { empty: part.empty || sign == b'*', ..part }
            }
            Some(b'{') => return self.counted(text, part),
            _ => return Some(part),
        };
        self.take();
        self.once(repeated)
    }

    /// `{n}` or `{n,m}`: the part so many times, one after the other.
    fn counted(&mut self, text: &'p [u8], mut part: Part) -> Option<Part> {
        self.take();
        let least = self.number()?;
        let most = if self.peek()? == b',' { self.take().and_then(|_| self.number())? } else { least };
        if self.take()? != b'}' || least == 0 || most < least {
            return None;
        }
        let after = self.rest;
        let mut whole = part;
        for time in 1..most {
            self.rest = text;
            part = self.single()?;
            part.empty |= time >= least;
            whole = self.then(whole, part);
        }
        self.rest = after;
        self.once(whole)
    }

    /// A repeat of a repeat, or a lazy one, is left alone.
    fn once(&self, part: Part) -> Option<Part> {
        if matches!(self.peek(), Some(b'?' | b'*' | b'+' | b'{')) { None } else { Some(part) }
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            self.take();
            number = Some(number.unwrap_or(0) * 10 + usize::from(digit - b'0')).filter(|number| *number <= MOST_PLACES);
            number?;
        }
        number
    }

    fn single(&mut self) -> Option<Part> {
        match self.take()? {
            b'(' => {
                let mut whole = self.sequence()?;
                while self.peek()? == b'|' {
                    self.take();
                    let other = self.sequence()?;
                    whole = Part {
                        first: whole.first | other.first,
                        last: whole.last | other.last,
                        empty: whole.empty || other.empty,
                    };
                }
                (self.take()? == b')').then_some(whole)
            }
            b'[' => self.set(),
            byte => self.place(std::iter::once(plain(byte)?)),
        }
    }

    /// A set: characters and ranges. A `-` stands first or last.
    fn set(&mut self) -> Option<Part> {
        let mut bytes = Vec::new();
        loop {
            let byte = match self.take()? {
                b']' if !bytes.is_empty() => return self.place(bytes.into_iter()),
                b'-' if bytes.is_empty() || self.peek()? == b']' => b'-',
                b'-' => return None,
                byte => plain(byte)?,
            };
            match self.rest {
                [b'-', last, ..] if byte != b'-' && *last != b']' => {
                    let same_kind = |kind: fn(&u8) -> bool| kind(&byte) && kind(last);
                    let is_range = same_kind(u8::is_ascii_digit)
                        || same_kind(u8::is_ascii_lowercase)
                        || same_kind(u8::is_ascii_uppercase);
                    if !is_range || byte > *last {
                        return None;
                    }
                    bytes.extend(byte..=*last);
                    self.rest = &self.rest[2..];
                }
                _ => bytes.push(byte),
            }
        }
    }

    fn place(&mut self, bytes: impl Iterator<Item = u8>) -> Option<Part> {
        let place = self.bytes.len();
        if place == MOST_PLACES {
            return None;
        }
        let mut set = [false; 128];
        bytes.for_each(|byte| set[usize::from(byte)] = true);
        self.bytes.push(set);
        self.follow.push(0);
        Some(Part { first: 1 << place, last: 1 << place, empty: false })
    }

    /// The table: each state is the set of places at which the next byte may stand, and whether the text may end.
    fn states(&self, whole: Part) -> Option<Table> {
        let places = |set: Places| (0..self.bytes.len()).filter(move |place| set >> place & 1 == 1);
        let mut known = vec![(0, false), (whole.first, whole.empty)];
        let mut next = vec![[DEAD; 256]];
        while next.len() < known.len() {
            let (set, _) = known[next.len()];
            let mut row = [DEAD; 256];
            for (byte, to) in row.iter_mut().enumerate().take(128) {
                let taken: Vec<usize> = places(set).filter(|place| self.bytes[*place][byte]).collect();
                if taken.is_empty() {
                    continue;
                }
                let follow = taken.iter().fold(0, |follow, place| follow | self.follow[*place]);
                let state = (follow, taken.iter().any(|place| whole.last >> place & 1 == 1));
                let index = known.iter().position(|other| *other == state).unwrap_or_else(|| {
                    known.push(state);
                    known.len() - 1
                });
                *to = u8::try_from(index).ok().filter(|index| usize::from(*index) < MOST_STATES)?;
            }
            next.push(row);
        }
        let start = &next[usize::from(START)];
        let is_set = known[usize::from(START)].1 && start.iter().all(|to| [DEAD, START].contains(to));
        Some(Table { next, accepts: known.iter().map(|(_, accepts)| *accepts).collect(), is_set })
    }
}

/// A character that stands for itself in patterns and in JSON.
fn plain(byte: u8) -> Option<u8> {
    (byte.is_ascii_alphanumeric() || b" _-/".contains(&byte)).then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "^[A-Za-z0-9_-]*$";
    const UPN: &str = "^[A-Za-z0-9]{13}$";
    const POSTCODE: &str = "^([A-Za-z]{1,2}[0-9][A-Za-z0-9]? ?[0-9][A-Za-z]{2}|[Gg][Ii][Rr] ?0[Aa]{2})$";

    #[test]
    fn the_patterns_of_the_definition_become_tables() {
        for pattern in [ID, UPN, POSTCODE] {
            assert!(Pattern::new(pattern).expect("a pattern").is_plain(), "{pattern}");
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_regex_lite() {
        for pattern in
            ["a", "^a", "a$", "^a|b$", "^a.$", "^[^a]$", "^\\d$", "^a??$", "^a{2}{3}$", "^(?i)a$", "^é$", "^a\"$"]
        {
            assert!(Pattern::new(pattern).is_ok_and(|pattern| !pattern.is_plain()), "{pattern}");
        }
    }

    #[test]
    fn a_table_says_what_regex_lite_says() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let patterns = [
            ID,
            UPN,
            POSTCODE,
            "^$",
            "^a*b+c?$",
            "^(ab|a)(bc)?$",
            "^(a|b|)+c$",
            "^(a*)*$",
            "^(a?b){2,3}$",
            "^((a|b)c){2}$",
            "^a{1,3}a$",
            "^[-a]+$",
            "^[a-]+$",
            "^(a|ab)(c|bcd)*$",
        ];
        for pattern in patterns {
            let (ours, theirs) = (Pattern::new(pattern).expect("a pattern"), Regex::new(pattern).expect("a pattern"));
            assert!(ours.is_plain(), "{pattern}");
            for _ in 0..2000 {
                let letters = if random.bool() { "abc-" } else { "AZgir09 _-aé\n\"" };
                let letters: Vec<char> = letters.chars().collect();
                let text: String = (0..random.usize(..16)).map(|_| letters[random.usize(..letters.len())]).collect();
                assert_eq!(ours.is_match(&text), theirs.is_match(&text), "{pattern} {text:?}");
            }
            for text in ["SW1A 1AA", "M11AE", "GIR 0AA", "gir0aa", "A123456789012", "ab", "abc", "aabab", "acbc", "a\n"]
            {
                assert_eq!(ours.is_match(text), theirs.is_match(text), "{pattern} {text:?}");
            }
        }
    }
}
