//! Reading JSON into [`Json`], in one pass and borrowing from the text.
//!
//! `serde_json` offers either numbers that lose their digits or values that are scanned once for each level they are nested in; every
//! staged and every sent document comes through here. What counts as JSON is what `serde_json` says, which a test compares.

use std::borrow::Cow;

use super::canonical::Json;
use crate::error::{Error, Kind, Result};

/// Deeper nesting than this is no document: a payload is five deep, and a hostile text must not exhaust the stack.
const DEEPEST: usize = 32;

/// Reads a text.
///
/// # Errors
/// [`Kind::Data`] with line and column, without the text.
pub(super) fn parse(text: &str) -> Result<Json<'_>> {
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0 };
    let read = reader.value(DEEPEST).and_then(|value| match reader.next_mark() {
        None => Some(value),
        Some(_) => None,
    });
    read.ok_or_else(|| not_json(text, reader.at))
}

fn not_json(text: &str, at: usize) -> Error {
    let before = &text.as_bytes()[..at.min(text.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    Error::new(
        Kind::Data,
        format!("the text is not JSON at line {line}, column {column}"),
        "the row is staged anew by the next stage",
    )
}

/// A text and how far it is read. What returns `None` has met something that is not JSON, at `at`.
struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// The next byte that is no white space, which is not read yet.
    fn next_mark(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
        None
    }

    fn value(&mut self, deeper: usize) -> Option<Json<'a>> {
        let deeper = deeper.checked_sub(1)?;
        match self.next_mark()? {
            b'{' => self.object(deeper),
            b'[' => self.list(deeper),
            b'"' => Some(Json::String(self.string()?)),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'n' => self.word("null", Json::Null),
            _ => Some(Json::Number(self.number()?)),
        }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Option<Json<'a>> {
        self.bytes[self.at..].starts_with(word.as_bytes()).then(|| {
            self.at += word.len();
            value
        })
    }

    /// What follows an item: whether another one does. `end` closes the list or object.
    fn goes_on(&mut self, end: u8) -> Option<bool> {
        let mark = self.next_mark()?;
        if mark != b',' && mark != end {
            return None;
        }
        self.at += 1;
        Some(mark == b',')
    }

    fn list(&mut self, deeper: usize) -> Option<Json<'a>> {
        self.at += 1;
        let mut items = Vec::new();
        if self.next_mark()? == b']' {
            self.at += 1;
            return Some(Json::List(items));
        }
        loop {
            items.push(self.value(deeper)?);
            if !self.goes_on(b']')? {
                return Some(Json::List(items));
            }
        }
    }

    fn object(&mut self, deeper: usize) -> Option<Json<'a>> {
        self.at += 1;
        let mut members: Vec<(Cow<'a, str>, Json<'a>)> = Vec::new();
        if self.next_mark()? == b'}' {
            self.at += 1;
            return Some(Json::Object(members));
        }
        let mut is_sorted = true;
        loop {
            if self.next_mark()? != b'"' {
                return None;
            }
            let key = self.string()?;
            if self.next_mark()? != b':' {
                return None;
            }
            self.at += 1;
            let value = self.value(deeper)?;
            is_sorted &= members.last().is_none_or(|(last, _)| *last < key);
            members.push((key, value));
            if !self.goes_on(b'}')? {
                break;
            }
        }
        if !is_sorted {
            sort(&mut members);
        }
        Some(Json::Object(members))
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        let begins = self.at;
        self.at += 1;
        let mut is_plain = true;
        loop {
            match *self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' => {
                    is_plain = false;
                    self.at += 2;
                }
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        match is_plain {
            true => Some(Cow::Borrowed(&self.text[begins + 1..self.at - 1])),
            // Escapes are the library's affair.
            false => match serde_json::from_str(&self.text[begins..self.at]) {
                Ok(text) => Some(Cow::Owned(text)),
                Err(_) => {
                    self.at = begins;
                    None
                }
            },
        }
    }

    fn number(&mut self) -> Option<&'a str> {
        let begins = self.at;
        self.skip(b"-");
        if !self.skip(b"0") {
            self.digits()?;
        }
        if self.skip(b".") {
            self.digits()?;
        }
        if self.skip(b"eE") {
            self.skip(b"+-");
            self.digits()?;
        }
        Some(&self.text[begins..self.at])
    }

    /// Reads one byte, if it is one of these.
    fn skip(&mut self, any: &[u8]) -> bool {
        let is_there = self.bytes.get(self.at).is_some_and(|byte| any.contains(byte));
        self.at += usize::from(is_there);
        is_there
    }

    /// Reads one digit or more.
    fn digits(&mut self) -> Option<()> {
        let count = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }
}

/// Sorts members by key; of a key written twice the last stands.
fn sort(members: &mut Vec<(Cow<'_, str>, Json<'_>)>) {
    members.sort_by(|(a, _), (b, _)| a.cmp(b));
    members.dedup_by(|later, earlier| {
        let is_same = later.0 == earlier.0;
        if is_same {
            std::mem::swap(&mut later.1, &mut earlier.1);
        }
        is_same
    });
}
