//! One error type for the whole program: what happened, what the program does next, what the operator can do.
//!
//! An [`Error`] never carries a child's data: no name, no id, no value read from a row. Adapters turn a driver's error
//! into an [`Error`] by its code and their own words, never by pasting the server's text, because a server quotes the
//! offending value in its text.

use std::borrow::Cow;
use std::fmt;

/// What went wrong, by area. The kind decides the [`Directive`] and, in the program, the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The command line or `csc-bridge.toml` is wrong. Nothing was opened.
    Config,
    /// A database or the API could not be reached at all.
    Unreachable,
    /// The server answered and said no: password, grant, token, supplier key.
    Permission,
    /// A table or column that the payload definition needs is not there, or has a type that cannot be read.
    Schema,
    /// Data that no rule can work with, such as a staging table with two rows for one child.
    Data,
    /// Another process holds what this one needs.
    Busy,
    /// A read ended before the source said that it was complete. What was read is not used.
    Incomplete,
    /// The other end broke its own protocol: an answer that cannot be understood.
    Protocol,
    /// A guard stopped the run before anything was written: it would have changed too much, or had read too little.
    Guard,
    /// The operator or the operating system asked the run to end.
    Interrupted,
    /// The operating system refused a file, a folder or a socket of this machine.
    Io,
    /// A fault of this program.
    Internal,
}

/// What the program does after an error of a [`Kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directive {
    /// Stop before anything is written; what was staged stays as it was.
    Stop,
    /// Worth another try in the next scheduled run; nothing is lost.
    NextRun,
}

impl Kind {
    /// What the program does next.
    pub fn directive(self) -> Directive {
        match self {
            Kind::Unreachable | Kind::Busy | Kind::Incomplete | Kind::Protocol | Kind::Interrupted => {
                Directive::NextRun
            }
            Kind::Config | Kind::Permission | Kind::Schema | Kind::Data | Kind::Io => Directive::Stop,
            Kind::Guard | Kind::Internal => Directive::Stop,
        }
    }
}

/// An error with its kind and advice. Shown to people as `message`, then `advice` on a line of its own.
pub struct Error {
    kind: Kind,
    message: Cow<'static, str>,
    advice: Cow<'static, str>,
}

/// The result of everything in this workspace that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// `message` says what happened and where, in one line without a final stop; `advice` says what the operator can do.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>, advice: impl Into<Cow<'static, str>>) -> Self {
        Error { kind, message: message.into(), advice: advice.into() }
    }

    /// A fault of this program: the advice is to report it.
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Error::new(Kind::Internal, message, "this is a fault of csc-bridge; please report it with the log of this run")
    }

    /// What went wrong, by area.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What happened, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the operator can do about it.
    pub fn advice(&self) -> &str {
        &self.advice
    }

    /// Says where the error happened: `context: message`. Said once: an adapter knows the table it reads, and so does whoever called it.
    pub fn within(mut self, context: impl fmt::Display) -> Self {
        let place = format!("{context}: ");
        if !self.message.starts_with(&place) {
            self.message = format!("{place}{}", self.message).into();
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {} ({})", self.kind, self.message, self.advice)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_said_once_and_places_stand_from_without_inwards() {
        let error = Error::internal("x").within("reading t").within("reading t").within("a night");
        assert_eq!(error.message(), "a night: reading t: x");
        assert_eq!(Error::internal("reading tables: x").within("reading t").message(), "reading t: reading tables: x");
    }
}
