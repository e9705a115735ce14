//! The list: a CSV file with one id a line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use csc_bridge_plugin_sdk::error::{Error, Kind, Result};

/// What the first line may say instead of an id, in any case.
const HEADINGS: [&str; 9] =
    ["id", "ids", "sdms_id", "person_id", "la_child_id", "student_id", "staff_id", "school_id", "school_code"];

/// The longest id that DfE takes.
const LONGEST: usize = 36;

/// A list. No `Debug`: ids are children's data.
pub struct List {
    /// Ids with the line on which each stands first, counted from 1.
    lines: BTreeMap<String, usize>,
    /// What is wrong, by line, in their order.
    pub faults: Vec<(usize, &'static str)>,
    /// Repeated lines, which are among the faults and do no harm.
    repeated: u64,
}

impl List {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Kind::Io`]: it cannot be read. [`Kind::Incomplete`]: nothing stands in it; an empty list would look as if every child were gone.
    pub fn read(path: &Path) -> Result<List> {
        let bytes = std::fs::read(path).map_err(|error| {
            Error::new(
                Kind::Io,
                format!("the list {} cannot be read: {}", path.display(), error.kind()),
                "check ids in [source], and that the account that runs csc-bridge may read the file",
            )
        })?;
        let list = List::parse(&bytes);
        match list.lines.is_empty() {
            false => Ok(list),
            true => Err(Error::new(
                Kind::Incomplete,
                format!("the list {} has no id", path.display()),
                "see whether it was written whole; one id stands on each line",
            )),
        }
    }

    /// Takes a text apart. Every line that is not blank is an id, however odd: csc-bridge refuses an odd one, and leaves children alone who
    /// are alike it. Were it left out, a child would look gone.
    pub fn parse(bytes: &[u8]) -> List {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut list = List { lines: BTreeMap::new(), faults: Vec::new(), repeated: 0 };
        let mut is_first = true;
        for (at, line) in text.split('\n').enumerate() {
            let id = unquoted(line.trim());
            if id.is_empty() || (std::mem::take(&mut is_first) && is_heading(id)) {
                continue;
            }
            if list.lines.contains_key(id) {
                list.repeated += 1;
                list.faults.push((at + 1, "this id stands in the list already"));
                continue;
            }
            if !is_good(id) {
                list.faults.push((at + 1, "this is no id: at most 36 letters, digits, hyphens and underscores"));
            }
            list.lines.insert(id.to_owned(), at + 1);
        }
        for line in list.alike() {
            list.faults.push((line, "this id is another's but for its case: neither is asked for"));
        }
        list.faults.sort_unstable();
        list
    }

    /// Every id, good or odd, once.
    pub fn all(&self) -> Vec<String> {
        self.lines.keys().cloned().collect()
    }

    /// The ids that csc-bridge will ask for: the good ones that are unlike all others.
    pub fn askable(&self) -> BTreeSet<String> {
        let alike: BTreeSet<usize> = self.alike().into_iter().collect();
        let askable = self.lines.iter().filter(|(id, line)| is_good(id) && !alike.contains(line));
        askable.map(|(id, _)| id.clone()).collect()
    }

    /// The line of an id.
    pub fn line(&self, id: &str) -> Option<usize> {
        self.lines.get(id).copied()
    }

    /// How many lines hold nothing that can be asked for.
    pub fn errors(&self) -> u64 {
        self.faults.len() as u64 - self.repeated
    }

    /// The lines of good ids that differ in their case alone.
    fn alike(&self) -> Vec<usize> {
        let mut folded: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (id, line) in self.lines.iter().filter(|(id, _)| is_good(id)) {
            folded.entry(id.to_ascii_lowercase()).or_default().push(*line);
        }
        folded.into_values().filter(|lines| lines.len() > 1).flatten().collect()
    }
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).map_or(text, str::trim)
}

fn is_heading(text: &str) -> bool {
    HEADINGS.iter().any(|heading| heading.eq_ignore_ascii_case(text))
}

fn is_good(id: &str) -> bool {
    id.len() <= LONGEST && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(list: &List) -> Vec<String> {
        list.askable().into_iter().collect()
    }

    #[test]
    fn a_mark_a_heading_line_ends_of_windows_quotes_and_blank_lines_are_borne() {
        let list = List::parse(b"\xef\xbb\xbfSDMS_ID\r\nB2\r\n\r\n \"A1\" \r\n007");
        assert_eq!(asked(&list), ["007", "A1", "B2"]);
        assert_eq!((list.line("B2"), list.line("007")), (Some(2), Some(5)));
        assert!(list.faults.is_empty());
    }

    #[test]
    fn a_heading_is_one_on_the_first_line_alone() {
        assert_eq!(asked(&List::parse(b"A1\nid\n")), ["A1", "id"]);
    }

    #[test]
    fn odd_lines_are_told_by_number_and_listed_so_that_nobody_looks_gone() {
        let list = List::parse(b"A1\nA 2\nA3,x\nA1\n\xff\n");
        let lines: Vec<usize> = list.faults.iter().map(|(line, _)| *line).collect();
        assert_eq!((asked(&list), lines), (vec!["A1".to_owned()], vec![2, 3, 4, 5]));
        assert_eq!((list.all().len(), list.errors()), (4, 3), "a repeated line is no error");
    }

    #[test]
    fn ids_alike_but_for_case_are_listed_and_not_asked_for() {
        let list = List::parse(b"a1\nA1\nB2\n");
        assert_eq!((asked(&list), list.all().len(), list.errors()), (vec!["B2".to_owned()], 3, 2));
    }
}
