//! The JSON of every call. `include/csc_bridge_plugin.h` shows each message with its units; here is a type for each, and the way from
//! and to core's own types.
//!
//! The host writes inputs by [`encode`] and reads answers by [`decode_answer`]; a plugin does it the other way about. What a sink
//! answers to a batch has ways of its own ([`write_sent`], [`read_sent`]), because there an answer that cannot be understood means
//! that the batch may have arrived.

mod fault;
mod send;
mod sink;
mod source;

use csc_bridge_core::error::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use crate::table::Entry;

pub use fault::{Fault, read_error, write_error};
pub use send::{SendRecord, SendRecords, read_sent, write_sent};
pub use sink::{NewSink, ProbeAnswer, ProbePart, SinkFacts, SinkHandle};
pub use source::{
    Children, Description, NewHandle, NewSource, OneTable, Open, Rows, ScanOf, SourceKind, Step, TableColumns,
    TableRef, Way,
};

/// The answer of a call that has nothing to say.
pub const NOTHING: &[u8] = b"{}";

/// The longest text of a plugin that is shown to people, in characters.
pub const LONGEST_LINE: usize = 500;

/// A message as bytes.
///
/// # Errors
/// [`Kind::Internal`]: a value that JSON does not have.
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(message).map_err(|_| Error::internal("a message for a plugin cannot be written as JSON"))
}

/// Reads what a plugin answered to a call of `entry`. Fields that are not known are passed over.
///
/// # Errors
/// [`Kind::Protocol`], naming the entry and, where a field is missing, the field. Never a value.
pub fn decode_answer<'a, T: Deserialize<'a>>(entry: Entry, bytes: &'a [u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| bad_answer(entry, wrong(&error)))
}

/// Reads what the host handed to a call of `entry`. Fields that are not known are passed over.
///
/// # Errors
/// As [`decode_answer`].
pub fn decode_input<'a, T: Deserialize<'a>>(entry: Entry, bytes: &'a [u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        Error::new(
            Kind::Protocol,
            format!("the host's input of {entry} {}", wrong(&error)),
            "check that the plugin was built for this version of csc-bridge",
        )
    })
}

/// A plugin broke the protocol; `message` names the call and no value.
pub fn broke_protocol(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Kind::Protocol, message, "report it to the plugin's author")
}

fn bad_answer(entry: Entry, what: impl std::fmt::Display) -> Error {
    broke_protocol(format!("the plugin's answer to {entry} {what}"))
}

/// What is wrong, in our words: serde's text quotes the value that it did not expect.
fn wrong(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let field = text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')).map(|(field, _)| field);
    let fault = match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => "is not JSON",
        Category::Data if text.starts_with("missing field") => match field {
            Some(field) => return format!("lacks the field {field}"),
            None => "lacks a field",
        },
        Category::Data if text.starts_with("duplicate field") => "has a field twice",
        Category::Data if text.starts_with("invalid value") => "has a value out of range",
        Category::Data if text.starts_with("unknown variant") => "has a word that is not one of those allowed",
        Category::Data => "has a value of the wrong type",
    };
    format!("{fault}, at line {}, column {}", error.line(), error.column())
}

/// A plugin's text as one line of at most [`LONGEST_LINE`] characters: it cannot end a line of the log, begin another, colour it
/// or turn it round. `otherwise` where nothing is left.
pub fn one_line(text: &str, otherwise: &str) -> String {
    let fit = |character: char| if breaks_lines(character) { ' ' } else { character };
    let line: String = text.chars().take(LONGEST_LINE).map(fit).collect();
    match line.trim() {
        "" => otherwise.to_owned(),
        line => line.to_owned(),
    }
}

/// Control characters, and those of Unicode that separate lines or turn the direction of what follows.
fn breaks_lines(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}
