//! An error on its way across the boundary.

use std::borrow::Cow;

use csc_bridge_core::error::{Directive, Error, Kind};
use serde::{Deserialize, Serialize};

use super::{broke_protocol, decode_answer, encode, one_line};
use crate::table::Entry;

/// What [`CSC_ERROR`](crate::table::ERROR) puts out.
#[derive(Debug, Serialize, Deserialize)]
pub struct Fault<'a> {
    /// What went wrong, by area, in a word.
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
    /// `stop` or `next_run`. Counts only where the host does not know the kind.
    #[serde(borrow)]
    pub directive: Cow<'a, str>,
    /// What happened, in one line, without a child's data.
    #[serde(borrow)]
    pub message: Cow<'a, str>,
    /// What the operator can do.
    #[serde(borrow)]
    pub advice: Cow<'a, str>,
}

impl<'a> From<&'a Error> for Fault<'a> {
    fn from(error: &'a Error) -> Fault<'a> {
        Fault {
            kind: word(error.kind()).into(),
            directive: match error.kind().directive() {
                Directive::Stop => "stop",
                Directive::NextRun => "next_run",
            }
            .into(),
            message: error.message().into(),
            advice: error.advice().into(),
        }
    }
}

impl From<&Fault<'_>> for Error {
    /// A kind that the host does not know becomes one that leads to the same directive.
    fn from(fault: &Fault<'_>) -> Error {
        let unknown = || if fault.directive == "stop" { Kind::Internal } else { Kind::Protocol };
        Error::new(
            kind(&fault.kind).unwrap_or_else(unknown),
            one_line(&fault.message, "the plugin gave no reason"),
            one_line(&fault.advice, "ask the plugin's author"),
        )
    }
}

/// An error as a plugin puts it out.
pub fn write_error(error: &Error) -> Vec<u8> {
    // Four texts are always JSON; nothing is better than a panic all the same.
    encode(&Fault::from(error)).unwrap_or_default()
}

/// What a plugin put out when a call of `entry` ended in [`CSC_ERROR`](crate::table::ERROR): its error, or one of kind
/// [`Kind::Protocol`] where that cannot be read.
pub fn read_error(entry: Entry, output: &[u8]) -> Error {
    match decode_answer::<Fault>(entry, output) {
        Ok(fault) => Error::from(&fault),
        Err(error) => broke_protocol(format!("an error without its form: {}", error.message())),
    }
}

/// A guard is the host's own: a plugin has none, so no word stands for it.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Config => "config",
        Kind::Unreachable => "unreachable",
        Kind::Permission => "permission",
        Kind::Schema => "schema",
        Kind::Data => "data",
        Kind::Busy => "busy",
        Kind::Incomplete => "incomplete",
        Kind::Protocol => "protocol",
        Kind::Interrupted => "interrupted",
        Kind::Io => "io",
        Kind::Guard | Kind::Internal => "internal",
    }
}

fn kind(word: &str) -> Option<Kind> {
    Some(match word {
        "config" => Kind::Config,
        "unreachable" => Kind::Unreachable,
        "permission" => Kind::Permission,
        "schema" => Kind::Schema,
        "data" => Kind::Data,
        "busy" => Kind::Busy,
        "incomplete" => Kind::Incomplete,
        "protocol" => Kind::Protocol,
        "interrupted" => Kind::Interrupted,
        "io" => Kind::Io,
        "internal" => Kind::Internal,
        _ => return None,
    })
}
