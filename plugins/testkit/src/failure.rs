//! Why a check did not pass.

use std::fmt;
use std::panic::Location;

use csc_bridge_core::error::Error;

/// The longest text of a failure that is shown: a document of a megabyte tells nobody anything.
const SHOWN: usize = 400;

/// What a check returns.
pub type Checked<T = ()> = Result<T, Failure>;

/// Why a check did not pass. Test data is made up, so a failure may quote it.
#[derive(Debug, Clone)]
pub enum Failure {
    /// The contract is broken.
    Broken {
        /// What the contract promises, and what was there instead.
        what: String,
        /// The line of the check that noticed.
        at: &'static Location<'static>,
    },
    /// The product has nothing of the kind, for this reason. Shown in the table, never taken for a pass.
    NotApplicable(String),
}

impl Failure {
    /// The contract is broken: `expected` was promised, `found` was there.
    #[track_caller]
    pub fn broken(expected: impl fmt::Display, found: impl fmt::Display) -> Failure {
        let what = format!("expected {}, found {}", shortened(&expected.to_string()), shortened(&found.to_string()));
        Failure::Broken { what, at: Location::caller() }
    }

    /// The product has nothing of the kind.
    pub fn not_applicable(reason: impl Into<String>) -> Failure {
        Failure::NotApplicable(reason.into())
    }

    /// Says what was looked at when it failed.
    pub fn within(self, context: impl fmt::Display) -> Failure {
        match self {
            Failure::Broken { what, at } => Failure::Broken { what: format!("{context}: {what}"), at },
            other => other,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Broken { what, at } => write!(f, "{what} ({at})"),
            Failure::NotApplicable(reason) => write!(f, "not applicable: {reason}"),
        }
    }
}

impl std::error::Error for Failure {}

/// An error where the contract promises none.
impl From<Error> for Failure {
    #[track_caller]
    fn from(error: Error) -> Failure {
        Failure::broken("no error", format!("{error:?}"))
    }
}

/// Fails unless both are the same.
#[track_caller]
pub(crate) fn same<E: fmt::Debug, F: PartialEq<E> + fmt::Debug>(what: &str, found: F, expected: E) -> Checked {
    match found == expected {
        true => Ok(()),
        false => Err(Failure::broken(format!("{expected:?}"), format!("{found:?}")).within(what)),
    }
}

/// Fails unless it holds.
#[track_caller]
pub(crate) fn holds(what: &str, holds: bool) -> Checked {
    match holds {
        true => Ok(()),
        false => Err(Failure::broken(what, "otherwise")),
    }
}

/// The error that the contract promises.
#[track_caller]
pub(crate) fn refused<T>(what: &str, result: csc_bridge_core::error::Result<T>) -> Checked<Error> {
    match result {
        Err(error) => Ok(error),
        Ok(_) => Err(Failure::broken(format!("an error for {what}"), "none")),
    }
}

/// The hashes of tests have 32 bytes of one value, and say more in two words.
fn shortened(text: &str) -> String {
    let mut text = text.to_owned();
    for n in 0..=9u8 {
        text = text.replace(&format!("{:?}", [n; 32]), &format!("hash {n}"));
    }
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], text.len()),
    }
}
