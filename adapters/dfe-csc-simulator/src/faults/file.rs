//! Faults in a file: TOML, every complaint with its line and column.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::Path;

use csc_bridge_core::config::{Document, Span};
use csc_bridge_core::error::{Error, Kind, Result};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

use super::{Fault, FaultKind, Faults, Latency, On, RateLimit, RetryAfter, Rule, When};

const ADVICE: &str = "correct that line; docs/faults.md explains every key";

/// How long `slow` takes where nothing is said.
const SLOW: std::time::Duration = std::time::Duration::from_secs(5);

impl Faults {
    /// Reads a file of faults.
    ///
    /// # Errors
    /// [`Kind::Config`], with line and column of what is wrong in it.
    pub fn load(path: &Path) -> Result<Faults> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(
                Kind::Config,
                format!("the faults {} cannot be read: {}", path.display(), error.kind()),
                "check the path of --faults",
            )
        })?;
        Faults::parse(path, &text)
    }

    /// Reads the text of such a file; `path` is for messages.
    ///
    /// # Errors
    /// As [`Faults::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Faults> {
        let (document, table) = Document::parse(path, text)?;
        let whole = Spanned::new(0..0, DeValue::Table(table));
        let keys = Keys::deserialize(ValueDeserializer::from(whole)).map_err(|error| {
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            document.error_at(error.span().unwrap_or(0..0), &message, ADVICE)
        })?;
        let mut faults = Vec::new();
        let mut places = Vec::new();
        for fault in keys.fault {
            let place = fault.span();
            faults.push(fault.into_inner().read().map_err(|why| document.error_at(place.clone(), why, ADVICE))?);
            places.push(place);
        }
        super::check(&faults).map_err(|(number, why)| document.error_at(places[number].clone(), why, ADVICE))?;
        let span = |span: Option<Span>| span.map(|span| span.0);
        Ok(Faults {
            seed: keys.seed,
            byte_limit: keys.byte_limit,
            rate_limit: keys.rate_limit.map(RateLimitKeys::read),
            token_lifetime: span(keys.token_lifetime),
            token_says: span(keys.token_says),
            latency: keys.latency,
            refuse: keys.refuse,
            faults,
        })
    }
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    #[serde(default)]
    seed: u64,
    byte_limit: Option<usize>,
    rate_limit: Option<RateLimitKeys>,
    token_lifetime: Option<Span>,
    token_says: Option<Span>,
    latency: Option<Latency>,
    #[serde(default)]
    refuse: Vec<Rule>,
    #[serde(default)]
    fault: Vec<Spanned<FaultKeys>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateLimitKeys {
    per_second: NonZeroU32,
    retry_after: Option<Span>,
    #[serde(default)]
    retry_after_date: bool,
}

impl RateLimitKeys {
    fn read(self) -> RateLimit {
        RateLimit { per_second: self.per_second, retry_after: retry_after(self.retry_after, self.retry_after_date) }
    }
}

/// One `[[fault]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultKeys {
    kind: Word,
    rate: Option<f64>,
    requests: Option<BTreeSet<u64>>,
    on: Option<On>,
    applied: Option<bool>,
    retry_after: Option<Span>,
    retry_after_date: Option<bool>,
    body: Option<String>,
    more: Option<bool>,
    delay: Option<Span>,
}

impl FaultKeys {
    fn read(mut self) -> Result<Fault, &'static str> {
        let when = match (self.rate.take(), self.requests.take()) {
            (Some(rate), None) => When::Rate(rate),
            (None, Some(numbers)) => When::Requests(numbers),
            _ => return Err("a fault has either rate or requests"),
        };
        let on = self.on;
        let kind = self.kind()?;
        Ok(Fault { on: on.unwrap_or(kind.usually_on()), when, kind })
    }

    /// The kind with its own keys. A key of another kind would be silently without effect: it is refused.
    fn kind(self) -> Result<FaultKind, &'static str> {
        let status_keys = self.applied.is_some()
            || self.retry_after.is_some()
            || self.retry_after_date.is_some()
            || self.body.is_some();
        let kind = match self.kind.0 {
            FaultKind::Status { code, applied, .. } => {
                if self.retry_after_date.is_some() && self.retry_after.is_none() {
                    return Err("retry_after_date says how retry_after is written: set that as well");
                }
                FaultKind::Status {
                    code,
                    applied: self.applied.unwrap_or(applied),
                    retry_after: retry_after(self.retry_after, self.retry_after_date.unwrap_or_default()),
                    body: self.body,
                }
            }
            _ if status_keys => {
                return Err("applied, retry_after, retry_after_date and body are for a kind that is a status");
            }
            FaultKind::WrongCount { .. } => FaultKind::WrongCount { more: self.more.unwrap_or_default() },
            FaultKind::Slow(usual) => FaultKind::Slow(self.delay.map_or(usual, |span| span.0)),
            other => other,
        };
        match &kind {
            FaultKind::WrongCount { .. } if self.delay.is_none() => Ok(kind),
            FaultKind::Slow(_) if self.more.is_none() => Ok(kind),
            _ if self.more.is_some() => Err("more is for kind = \"wrong_count\""),
            _ if self.delay.is_some() => Err("delay is for kind = \"slow\""),
            _ => Ok(kind),
        }
    }
}

fn retry_after(wait: Option<Span>, as_date: bool) -> Option<RetryAfter> {
    wait.map(|Span(wait)| if as_date { RetryAfter::Date(wait) } else { RetryAfter::Seconds(wait) })
}

/// A kind by its name alone.
struct Word(FaultKind);

impl Word {
    fn of(word: &str) -> Option<Word> {
        let kind = match word {
            "refuse_connection" => FaultKind::RefuseConnection,
            "hang_before" => FaultKind::HangBefore,
            "hang_after" => FaultKind::HangAfter,
            "lost" => FaultKind::Lost,
            "cut" => FaultKind::Cut,
            "cut_before" => FaultKind::CutBefore,
            "wrong_count" => FaultKind::WrongCount { more: false },
            "garbled" => FaultKind::Garbled,
            "not_json" => FaultKind::NotJson,
            "slow" => FaultKind::Slow(SLOW),
            status => FaultKind::status(status.parse().ok().filter(|code| (201..=599).contains(code))?),
        };
        Some(Word(kind))
    }
}

impl<'de> Deserialize<'de> for Word {
    /// By hand: a status may be written as text or as a number.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Word;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a status from 201 to 599 or a kind of fault")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Word, E> {
                Word::of(word).ok_or_else(|| E::custom(format!("there is no fault \"{word}\"")))
            }

            fn visit_i64<E: serde::de::Error>(self, status: i64) -> Result<Word, E> {
                self.visit_str(&status.to_string())
            }
        }
        deserializer.deserialize_any(Either)
    }
}
