//! The list of children to be sent again: a CSV file, one id a line, or a column under a heading.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::path::Path;
use std::str::Chars;

use csc_bridge_core::error::{Error, Kind, Result};

/// What the column of the ids may be called, the first that is there.
const HEADINGS: [&str; 3] = ["person_id", "la_child_id", "id"];

/// The children of a list. No `Debug`: ids are children's data.
#[derive(Default, PartialEq)]
pub struct List {
    /// Trimmed ids, each once, in their order.
    pub ids: Vec<String>,
    /// The line on which each of them stands first, counted from 1.
    pub lines: Vec<usize>,
    /// Lines that have something, but no id.
    pub without_id: Vec<usize>,
}

impl List {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Kind::Config`]: it cannot be read, is no text in UTF-8 or no CSV, or names no child. With the line, and without what stands there.
    pub fn read(path: &Path) -> Result<List> {
        let bytes = std::fs::read(path).map_err(|error| {
            let message = format!("the list {} cannot be read: {}", path.display(), error.kind());
            Error::new(Kind::Config, message, "check the path given with --file")
        })?;
        List::parse(&bytes).map_err(|fault| fault.in_file(path))
    }

    fn parse(bytes: &[u8]) -> Result<List, Fault> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
            Err(error) => {
                let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                return Err(Fault::NotUtf8(line_ends(&before) + 1));
            }
        };
        if let Some(at) = text.find('\0') {
            return Err(Fault::NotUtf8(line_ends(&text[..at]) + 1));
        }
        let mut reader = Reader { rest: text.chars().peekable(), line: 1 };
        let (mut list, mut seen, mut column) = (List::default(), BTreeSet::new(), None);
        while let Some((line, cells)) = reader.record()? {
            if cells.iter().all(String::is_empty) {
                continue;
            }
            let column = match column {
                Some(column) => column,
                None => {
                    let heading = heading(line, &cells)?;
                    column = Some(heading);
                    if heading.is_some() {
                        continue;
                    }
                    heading
                }
            };
            let id = match column {
                Some(column) => cells.get(column).filter(|id| !id.is_empty()),
                None if cells[1..].iter().all(String::is_empty) => Some(&cells[0]),
                None => return Err(Fault::WhichColumn(line)),
            };
            match id {
                None => list.without_id.push(line),
                Some(id) if seen.insert(id.clone()) => {
                    list.ids.push(id.clone());
                    list.lines.push(line);
                }
                Some(_) => {}
            }
        }
        if list.ids.is_empty() && list.without_id.is_empty() { Err(Fault::Empty) } else { Ok(list) }
    }
}

/// The column of the ids, where the first line is a heading.
fn heading(line: usize, cells: &[String]) -> Result<Option<usize>, Fault> {
    for name in HEADINGS {
        let mut columns = (0..cells.len()).filter(|at| cells[*at].eq_ignore_ascii_case(name));
        match (columns.next(), columns.next()) {
            (Some(_), Some(_)) => return Err(Fault::WhichColumn(line)),
            (Some(column), None) => return Ok(Some(column)),
            (None, _) => {}
        }
    }
    Ok(None)
}

/// What is wrong with a list, and on which line.
#[derive(Debug, PartialEq)]
enum Fault {
    NotUtf8(usize),
    OpenQuote(usize),
    AfterQuote(usize),
    WhichColumn(usize),
    Empty,
}

impl Fault {
    fn in_file(self, path: &Path) -> Error {
        let (line, what, advice) = match self {
            Fault::NotUtf8(line) => (line, "this is no text in UTF-8", "save the list as \"CSV UTF-8\""),
            Fault::OpenQuote(line) => (line, "a quote is opened here and never closed", "close it, or take it out"),
            Fault::AfterQuote(line) => {
                (line, "something stands between a closing quote and the end of its value", "correct that line")
            }
            Fault::WhichColumn(line) => (
                line,
                "there are several columns, and no heading says which of them has the ids",
                "call one column person_id, la_child_id or id in the first line, or leave nothing but ids",
            ),
            Fault::Empty => {
                let message = format!("the list {} names no child", path.display());
                return Error::new(Kind::Config, message, "write one id on each line");
            }
        };
        Error::new(Kind::Config, format!("the list {}, line {line}: {what}", path.display()), advice)
    }
}

/// Line ends of any system: LF, CR LF, CR.
fn line_ends(text: &str) -> usize {
    let mut before = ' ';
    let ends = text.chars().filter(|character| {
        let is_end = *character == '\r' || (*character == '\n' && before != '\r');
        before = *character;
        is_end
    });
    ends.count()
}

/// Takes a text apart.
struct Reader<'t> {
    rest: Peekable<Chars<'t>>,
    line: usize,
}

impl Reader<'_> {
    /// The next record: its line, and its values without white space at their ends. There is at least one.
    fn record(&mut self) -> Result<Option<(usize, Vec<String>)>, Fault> {
        if self.rest.peek().is_none() {
            return Ok(None);
        }
        let (line, mut cells) = (self.line, Vec::new());
        loop {
            cells.push(self.cell()?);
            match self.rest.next() {
                Some(',') => {}
                Some('\r') => {
                    self.rest.next_if_eq(&'\n');
                    break;
                }
                _ => break,
            }
        }
        self.line += 1;
        Ok(Some((line, cells)))
    }

    /// A value, up to the comma or the end of the line.
    fn cell(&mut self) -> Result<String, Fault> {
        self.white_space();
        let mut value = String::new();
        if self.rest.next_if_eq(&'"').is_none() {
            while let Some(character) = self.rest.next_if(|character| !matches!(character, ',' | '\r' | '\n')) {
                value.push(character);
            }
            return Ok(value.trim().to_owned());
        }
        let opened = self.line;
        loop {
            match self.rest.next() {
                None => return Err(Fault::OpenQuote(opened)),
                Some('"') if self.rest.next_if_eq(&'"').is_none() => break,
                Some(character) => value.push(character),
            }
        }
        self.line += line_ends(&value);
        self.white_space();
        match self.rest.peek() {
            None | Some(',' | '\r' | '\n') => Ok(value.trim().to_owned()),
            Some(_) => Err(Fault::AfterQuote(self.line)),
        }
    }

    /// Passes over white space within a line.
    fn white_space(&mut self) {
        let is_within = |character: &char| character.is_whitespace() && !matches!(character, '\r' | '\n');
        while self.rest.next_if(is_within).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ids with their lines.
    fn read(text: &str) -> Vec<(String, usize)> {
        let list = List::parse(text.as_bytes()).unwrap_or_else(|fault| panic!("{fault:?}"));
        list.ids.into_iter().zip(list.lines).collect()
    }

    fn ids(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
        expected.iter().map(|(id, line)| ((*id).to_owned(), *line)).collect()
    }

    fn fault(text: &[u8]) -> Fault {
        List::parse(text).err().unwrap_or_else(|| panic!("taken: {}", String::from_utf8_lossy(text)))
    }

    #[test]
    fn one_id_stands_on_each_line() {
        assert_eq!(read("A\nB\nC"), ids(&[("A", 1), ("B", 2), ("C", 3)]));
        assert_eq!(read("\u{feff}A\r\nB\r\n"), ids(&[("A", 1), ("B", 2)]));
        assert_eq!(read("A\rB\r\r\nC"), ids(&[("A", 1), ("B", 2), ("C", 4)]));
        assert_eq!(read("\n  \n\"\"\n,\nA\n\n"), ids(&[("A", 5)]));
    }

    #[test]
    fn an_id_stays_as_it_is_but_for_white_space_at_its_ends() {
        let text = "007\n0x1\n1.0\n1e3\na\nA\n\u{a0} padded \u{3000}\nin side\n\"co,mma\"\n\" qu\"\"ote \" \n=1\n";
        let expected = ["007", "0x1", "1.0", "1e3", "a", "A", "padded", "in side", "co,mma", "qu\"ote", "=1"];
        assert_eq!(read(text).into_iter().map(|(id, _)| id).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_id_that_stands_there_twice_counts_where_it_stands_first() {
        assert_eq!(read("A\nB\n A\n\"A\"\na\n"), ids(&[("A", 1), ("B", 2), ("a", 5)]));
    }

    #[test]
    fn a_heading_says_which_column_has_the_ids() {
        for heading in ["person_id", "la_child_id", "id", "\" PERSON_ID \""] {
            assert_eq!(read(&format!("\n{heading}\nA\n")), ids(&[("A", 3)]), "{heading}");
        }
        assert_eq!(read("\u{feff}Id\nA\n"), ids(&[("A", 2)]));
        assert_eq!(read("name,person_id,id\n\"x\ny\",A,1\nz,B,2\n"), ids(&[("A", 2), ("B", 4)]));
        // It is one where it comes first, and a child's id where it does not.
        assert_eq!(read("A\nid\n"), ids(&[("A", 1), ("id", 2)]));
    }

    #[test]
    fn a_line_without_an_id_is_told_and_an_empty_one_is_not() {
        let list = List::parse(b"name,id\nx,\ny\n,\n\nz,A,more\n").unwrap_or_else(|fault| panic!("{fault:?}"));
        assert_eq!((list.without_id, list.ids, list.lines), (vec![2, 3], vec!["A".to_owned()], vec![6]));
    }

    #[test]
    fn what_is_no_list_is_refused_with_its_line() {
        assert_eq!(fault(b"A\nB\xff\n"), Fault::NotUtf8(2));
        assert_eq!(fault(b"\xff\xfeA\0\n\0"), Fault::NotUtf8(1));
        assert_eq!(fault(b"A\r\n\r\nB\0\n"), Fault::NotUtf8(3));
        assert_eq!(fault(b"A\n\"B\nC\n"), Fault::OpenQuote(2));
        assert_eq!(fault(b"A\n\"B\nC\"D\n"), Fault::AfterQuote(3));
        assert_eq!(fault(b"A\nB,C\n"), Fault::WhichColumn(2));
        assert_eq!(fault(b"name,number\nA,1\n"), Fault::WhichColumn(1));
        assert_eq!(fault(b",A\n"), Fault::WhichColumn(1));
        assert_eq!(fault(b"id,id\nA,B\n"), Fault::WhichColumn(1));
        for empty in ["", "\u{feff}", "\r\n \n", "person_id\r\n"] {
            assert_eq!(fault(empty.as_bytes()), Fault::Empty, "{empty:?}");
        }
    }
}
