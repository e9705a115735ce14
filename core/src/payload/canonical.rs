//! Canonical JSON (design, section 5): UTF-8, sorted keys, no spaces, numbers as written, strings escaped as RFC 8785
//! does and otherwise as they are, nulls and empty lists left out (but `factors`).
//!
//! The assembler writes this form directly. This module brings documents that somebody else wrote, such as a
//! `jsonb` column's text or D2I's script, into the same form, so that they can be compared.

use std::borrow::Cow;

use crate::error::Result;

/// Appends a JSON string.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    if is_plain(text.as_bytes()) {
        return write_plain(text, out);
    }
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (at, byte) in bytes.iter().enumerate().filter(|(_, byte)| is_special(**byte)) {
        out.extend_from_slice(&bytes[plain..at]);
        plain = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x0a => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            0x0d => out.extend_from_slice(b"\\r"),
            control => {
                let hex = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(control >> 4), hex(control & 15)]);
            }
        }
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

/// Appends a JSON string that is known to need no escapes.
pub(super) fn write_plain(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Whether nothing needs an escape: eight bytes at a time, which the compiler turns into one comparison.
fn is_plain(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let any = |bytes: &[u8]| bytes.iter().fold(false, |any, byte| any | is_special(*byte));
    !words.iter().any(|word| any(word)) && !any(rest)
}

/// A JSON value that borrows from its text; numbers keep their digits.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// null.
    Null,
    /// true or false.
    Bool(bool),
    /// A number as written.
    Number(&'a str),
    /// A string, without its escapes.
    String(Cow<'a, str>),
    /// A list.
    List(Vec<Json<'a>>),
    /// An object, sorted by key; of a key written twice the last stands, as in every database's JSON type.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Reads a text.
    ///
    /// # Errors
    /// [`Kind::Data`](crate::error::Kind::Data) with line and column, without the text.
    pub fn parse(text: &'a str) -> Result<Json<'a>> {
        super::json::parse(text)
    }

    /// The member of an object.
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        match self {
            Json::Object(members) => {
                let found = members.binary_search_by(|(known, _)| (**known).cmp(key));
                found.ok().map(|index| &members[index].1)
            }
            _ => None,
        }
    }

    /// The member of an object, its key compared in any case.
    pub fn get_ignoring_case(&self, key: &str) -> Option<&Json<'a>> {
        match self {
            Json::Object(members) => {
                members.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// Appends the canonical form. Members at a path of `omit` (such as `social_care_episodes[].social_care_episode_id`) are left out.
    pub fn write(&self, omit: &[String], out: &mut Vec<u8>) {
        self.write_at(&mut String::new(), omit, out);
    }

    fn write_at(&self, path: &mut String, omit: &[String], out: &mut Vec<u8>) {
        match self {
            Json::Null => out.extend_from_slice(b"null"),
            Json::Bool(true) => out.extend_from_slice(b"true"),
            Json::Bool(false) => out.extend_from_slice(b"false"),
            Json::Number(number) => out.extend_from_slice(number.as_bytes()),
            Json::String(text) => write_string(text, out),
            Json::List(items) => {
                let above = path.len();
                path.push_str("[]");
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write_at(path, omit, out);
                }
                out.push(b']');
                path.truncate(above);
            }
            Json::Object(members) => {
                let above = path.len();
                out.push(b'{');
                let mut first = true;
                for (key, value) in members {
                    let nothing = match value {
                        Json::Null => true,
                        Json::List(items) => items.is_empty() && key != "factors",
                        _ => false,
                    };
                    if above > 0 {
                        path.push('.');
                    }
                    path.push_str(key);
                    if !nothing && !omit.iter().any(|omitted| omitted == path.as_str()) {
                        if !first {
                            out.push(b',');
                        }
                        first = false;
                        write_string(key, out);
                        out.push(b':');
                        value.write_at(path, omit, out);
                    }
                    path.truncate(above);
                }
                out.push(b'}');
            }
        }
    }
}
