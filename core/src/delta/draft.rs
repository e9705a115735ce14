//! The bytes of a document that is being written, nulls included: canonical but for those.

use crate::payload::canonical::{Json, write_string};

/// A document being written.
#[derive(Default)]
pub(super) struct Draft(Vec<u8>);

impl Draft {
    /// How long it is.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes back what was written after `length`.
    pub fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }

    /// Brackets and words.
    pub fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A key; its value comes next. A value never ends in an opening bracket, so one says that nothing stands before.
    pub fn key(&mut self, key: &str) {
        self.separate(b'{');
        write_string(key, &mut self.0);
        self.0.push(b':');
    }

    /// The place of a list's next member.
    pub fn next(&mut self) {
        self.separate(b'[');
    }

    /// A value, or null.
    pub fn value(&mut self, value: Option<&Json<'_>>) {
        match value {
            Some(value) => value.write(&[], &mut self.0),
            None => self.raw("null"),
        }
    }

    /// The text.
    pub fn finish(self) -> String {
        // Only whole texts were appended, so nothing is ever lost here.
        String::from_utf8(self.0).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    fn separate(&mut self, opening: u8) {
        if self.0.last() != Some(&opening) {
            self.0.push(b',');
        }
    }
}
