//! Faults made on purpose: what may go wrong, when, and how often. The page `docs/faults.md` explains them to those who write the file.
//!
//! `file` reads them, `chance` decides for each request, `strike` does what was decided.

mod chance;
mod file;
mod latency;
mod strike;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use serde::Deserialize;

pub(crate) use chance::{Arrival, Chance};
pub use latency::Latency;
pub(crate) use strike::{Dropped, around, set_retry_after};

/// All that a simulator does wrong on purpose. The default does nothing wrong.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    /// The same seed strikes the same requests and draws the same latencies, counted in the order of their arrival.
    pub seed: u64,
    /// Most bytes of a batch's body (413 above).
    pub byte_limit: Option<usize>,
    /// Most batches a second (429 above).
    pub rate_limit: Option<RateLimit>,
    /// How long a token lasts, instead of [`crate::Settings::token_lifetime`].
    pub token_lifetime: Option<Duration>,
    /// How long the answer to a token request says that it lasts, where that is not the truth.
    pub token_says: Option<Duration>,
    /// How long a batch takes before it is applied and answered, instead of [`crate::Settings::latency`].
    pub latency: Option<Latency>,
    /// Records that are refused (400), and with each its whole batch.
    pub refuse: Vec<Rule>,
    /// What strikes single requests.
    pub faults: Vec<Fault>,
}

/// At most so many batches within any second.
#[derive(Debug, Clone, PartialEq)]
pub struct RateLimit {
    /// The number.
    pub per_second: NonZeroU32,
    /// What the refusal says.
    pub retry_after: Option<RetryAfter>,
}

/// The `Retry-After` header. Both forms name whole seconds: what is not one is rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// As a number of seconds.
    Seconds(Duration),
    /// As the HTTP date which is then.
    Date(Duration),
}

/// A record-level refusal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A dotted path into the record, such as `child_details.surname`. Every member of a list on its way is looked at.
    pub field: String,
    /// The value must contain this.
    pub contains: String,
    /// How the refusal names the record.
    #[serde(default)]
    pub form: Form,
}

/// How a refusal names a bad record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// `[n].field`.
    #[default]
    Indexed,
    /// `[n].social_care_episodes[3].closure_reason`, whatever the field: the second index is no record's.
    Nested,
    /// Not at all.
    Unnamed,
}

/// What strikes single requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// To what it happens.
    pub on: On,
    /// How often.
    pub when: When,
}

/// What a fault happens to. Each is counted for itself, from 1, since the faults were set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// Batches.
    Children,
    /// Token requests.
    Token,
    /// Connections, whoever makes them. [`FaultKind::RefuseConnection`] alone.
    Connection,
}

/// How often a fault happens.
#[derive(Debug, Clone, PartialEq)]
pub enum When {
    /// To this share of the requests, at random.
    Rate(f64),
    /// To these requests.
    Requests(BTreeSet<u64>),
}

/// What happens to a request. "Applied" is said of batches; for a token request it means that the token was made.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// Another answer than the simulator's own.
    Status {
        /// 201 to 599. A 201 is a success: applied, and answered with receipts.
        code: u16,
        /// Whether the batch was applied first.
        applied: bool,
        /// `Retry-After`.
        retry_after: Option<RetryAfter>,
        /// Sent as it is, as text; `None`: a reason in JSON.
        body: Option<String>,
    },
    /// The connection is accepted and reset. For one that is not accepted at all see [`crate::Running::pause`].
    RefuseConnection,
    /// The connection stays open without an answer; not applied.
    HangBefore,
    /// The connection stays open without an answer; applied.
    HangAfter,
    /// The connection is closed without an answer; applied.
    Lost,
    /// The connection is closed in the middle of the answer's body; applied.
    Cut,
    /// The connection is closed without an answer; not applied.
    CutBefore,
    /// A success with one receipt too few, or one too `more`; applied.
    WrongCount {
        /// One too many.
        more: bool,
    },
    /// A success in JSON whose texts are no receipts, or which has no token; applied.
    Garbled,
    /// A success with a web page; applied.
    NotJson,
    /// The right answer, this much later; applied at once.
    Slow(Duration),
}

impl FaultKind {
    /// This status instead of applying the batch. 201 applies it.
    pub fn status(code: u16) -> FaultKind {
        FaultKind::Status { code, applied: code == 201, retry_after: None, body: None }
    }

    /// This status after applying the batch.
    pub fn applied(code: u16) -> FaultKind {
        FaultKind::Status { code, applied: true, retry_after: None, body: None }
    }

    /// Its name, in the file and in [`crate::Stats::faults`].
    pub fn name(&self) -> String {
        let word = match self {
            FaultKind::Status { code, .. } => return code.to_string(),
            FaultKind::RefuseConnection => "refuse_connection",
            FaultKind::HangBefore => "hang_before",
            FaultKind::HangAfter => "hang_after",
            FaultKind::Lost => "lost",
            FaultKind::Cut => "cut",
            FaultKind::CutBefore => "cut_before",
            FaultKind::WrongCount { .. } => "wrong_count",
            FaultKind::Garbled => "garbled",
            FaultKind::NotJson => "not_json",
            FaultKind::Slow(_) => "slow",
        };
        word.to_owned()
    }

    /// What it happens to where nothing else is said.
    fn usually_on(&self) -> On {
        match self {
            FaultKind::RefuseConnection => On::Connection,
            _ => On::Children,
        }
    }
}

impl Fault {
    /// To a share of the batches (of the connections for [`FaultKind::RefuseConnection`]).
    pub fn rate(share: f64, kind: FaultKind) -> Fault {
        Fault { on: kind.usually_on(), when: When::Rate(share), kind }
    }

    /// To these batches (connections for [`FaultKind::RefuseConnection`]), counted from 1.
    pub fn requests(numbers: impl IntoIterator<Item = u64>, kind: FaultKind) -> Fault {
        Fault { on: kind.usually_on(), when: When::Requests(numbers.into_iter().collect()), kind }
    }

    /// The same to token requests.
    pub fn on_token(self) -> Fault {
        Fault { on: On::Token, ..self }
    }

    /// What is wrong with it by itself.
    fn check(&self) -> Result<(), &'static str> {
        match (&self.kind, self.on) {
            (FaultKind::RefuseConnection, On::Connection) => {}
            (FaultKind::RefuseConnection, _) | (_, On::Connection) => {
                return Err("refuse_connection happens to connections, everything else to requests");
            }
            (FaultKind::WrongCount { .. } | FaultKind::Status { applied: true, .. }, On::Token) => {
                return Err("a token request has no receipts and applies nothing");
            }
            (FaultKind::Status { code: 201, applied: false, .. }, On::Children) => {
                return Err("201 says that the batch was applied");
            }
            (FaultKind::Status { code: 201, body: Some(_), .. }, _) => {
                return Err("201 is answered with receipts");
            }
            (FaultKind::Status { code, applied, .. }, _) => match code {
                201..=299 | 408 | 500..=599 => {}
                300..=499 if !applied => {}
                300..=499 => return Err("this status says that the batch was not applied"),
                _ => return Err("this is no status from 201 to 599"),
            },
            _ => {}
        }
        match &self.when {
            When::Rate(share) if !(0.0..=1.0).contains(share) => Err("rate is a share of the requests: 0 to 1"),
            When::Requests(numbers) if numbers.contains(&0) => Err("requests are counted from 1"),
            _ => Ok(()),
        }
    }
}

impl Faults {
    /// What is wrong with faults that were not read from a file.
    ///
    /// # Errors
    /// [`Kind::Config`].
    pub(crate) fn check(&self) -> Result<()> {
        check(&self.faults).map_err(|(number, message)| {
            let message = format!("fault {} of the simulator: {message}", number + 1);
            Error::new(Kind::Config, message, "correct it; docs/faults.md explains every key")
        })
    }
}

/// The first fault that is wrong, by itself or beside those before it.
fn check(faults: &[Fault]) -> Result<(), (usize, &'static str)> {
    for on in [On::Connection, On::Token, On::Children] {
        let mut rates = 0.0;
        let mut scripted = BTreeSet::new();
        for (number, fault) in faults.iter().enumerate().filter(|(_, fault)| fault.on == on) {
            fault.check().map_err(|message| (number, message))?;
            match &fault.when {
                When::Rate(share) => rates += share,
                When::Requests(numbers) => {
                    if !numbers.iter().all(|request| scripted.insert(*request)) {
                        return Err((number, "a fault above strikes one of these requests already"));
                    }
                }
            }
            // Ten times 0.1 is a little more than 1.
            if rates > 1.0 + 1e-9 {
                return Err((number, "the rates come to more than 1"));
            }
        }
    }
    Ok(())
}
