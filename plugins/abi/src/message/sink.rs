//! The messages of a sink, but for those of a batch.

use std::borrow::Cow;
use std::num::NonZeroU64;
use std::time::Duration;

use csc_bridge_core::error::{Error, Result};
use csc_bridge_core::sink::{Facts, Limits, Probe};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fault::Fault;
use super::{bad_answer, one_line};
use crate::table::Entry;

/// The longest time that a plugin may name; times are added to clocks, which have an end.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// A clock that is wrong by more tells no time. A hundred years, in seconds.
const WRONGEST_CLOCK: i64 = 100 * 366 * 86_400;

/// The input of `sink_facts`, where there is no `la_code`, and of `sink_new`. No `Debug`: somebody may have written a secret out among the
/// options.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct NewSink {
    /// The keys of `[sink]` that belong to the plugin.
    pub options: Map<String, Value>,
    /// The configuration's folder, absolute: relative paths among the options are relative to it.
    pub folder: String,
    /// The authority's code, three digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub la_code: Option<String>,
}

/// The answer to `sink_facts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkFacts {
    /// Records of one request.
    pub max_records: u64,
    /// Bytes of one request's body.
    pub max_bytes: u64,
    /// Longest time for which a request can still be on the wire after it was begun, in milliseconds.
    pub request_life_ms: u64,
    /// Whether everything sent stays on this machine.
    pub is_local: bool,
}

impl From<Facts> for SinkFacts {
    fn from(Facts { limits, is_local }: Facts) -> SinkFacts {
        SinkFacts {
            max_records: limits.max_records as u64,
            max_bytes: limits.max_bytes as u64,
            request_life_ms: milliseconds(limits.request_life),
            is_local,
        }
    }
}

impl TryFrom<SinkFacts> for Facts {
    type Error = Error;

    fn try_from(facts: SinkFacts) -> Result<Facts> {
        let limits = limits(Entry::SinkFacts, facts.max_records, facts.max_bytes, facts.request_life_ms)?;
        Ok(Facts { limits, is_local: facts.is_local })
    }
}

/// The answer to `sink_new`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkHandle {
    /// The plugin's name for the sink.
    pub handle: NonZeroU64,
    /// Records of one request.
    pub max_records: u64,
    /// Bytes of one request's body.
    pub max_bytes: u64,
    /// Longest time for which a request can still be on the wire after it was begun, in milliseconds.
    pub request_life_ms: u64,
}

impl SinkHandle {
    /// For a plugin's answer.
    pub fn new(handle: NonZeroU64, limits: Limits) -> SinkHandle {
        SinkHandle {
            handle,
            max_records: limits.max_records as u64,
            max_bytes: limits.max_bytes as u64,
            request_life_ms: milliseconds(limits.request_life),
        }
    }

    /// What one request may hold.
    ///
    /// # Errors
    /// [`Kind::Protocol`](csc_bridge_core::error::Kind::Protocol), naming the number that is out of range.
    pub fn limits(&self) -> Result<Limits> {
        limits(Entry::SinkNew, self.max_records, self.max_bytes, self.request_life_ms)
    }
}

fn limits(entry: Entry, max_records: u64, max_bytes: u64, request_life_ms: u64) -> Result<Limits> {
    let out_of_range = |field: &str| bad_answer(entry, format_args!("has a {field} that is out of range"));
    let count = |field, number: u64| {
        usize::try_from(number).ok().filter(|number| *number > 0).ok_or_else(|| out_of_range(field))
    };
    Ok(Limits {
        max_records: count("max_records", max_records)?,
        max_bytes: count("max_bytes", max_bytes)?,
        request_life: duration(request_life_ms).ok_or_else(|| out_of_range("request_life_ms"))?,
    })
}

/// Rounded up: a time that is waited for has passed then.
pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.min(LONGEST).as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

pub(super) fn duration(milliseconds: u64) -> Option<Duration> {
    Some(Duration::from_millis(milliseconds)).filter(|time| *time <= LONGEST)
}

/// The answer to `sink_probe`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ProbeAnswer<'a> {
    /// Whether the credentials were accepted.
    #[serde(borrow)]
    pub token: Option<ProbePart<'a>>,
    /// Whether the place that takes batches is there and lets us in.
    #[serde(borrow)]
    pub reach: Option<ProbePart<'a>>,
    /// By how many seconds the other end's clock is ahead of this machine's.
    pub clock_ahead_s: Option<i64>,
}

/// One thing that was tried: `{"ok":"…"}` or `{"error":{…}}`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ProbePart<'a> {
    /// What was found, in one line.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<Cow<'a, str>>,
    /// Why not.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault<'a>>,
}

impl<'a> From<&'a Probe> for ProbeAnswer<'a> {
    fn from(probe: &'a Probe) -> ProbeAnswer<'a> {
        ProbeAnswer {
            token: probe.token.as_ref().map(part),
            reach: probe.reach.as_ref().map(part),
            clock_ahead_s: probe.clock_ahead.map(|ahead| ahead.as_secs()),
        }
    }
}

impl TryFrom<ProbeAnswer<'_>> for Probe {
    type Error = Error;

    fn try_from(answer: ProbeAnswer<'_>) -> Result<Probe> {
        let clock_ahead = match answer.clock_ahead_s {
            Some(seconds) if seconds.unsigned_abs() > WRONGEST_CLOCK.unsigned_abs() => {
                return Err(bad_answer(Entry::SinkProbe, "has a clock_ahead_s that is out of range"));
            }
            seconds => seconds.map(SignedDuration::from_secs),
        };
        Ok(Probe {
            token: answer.token.map(found).transpose()?,
            reach: answer.reach.map(found).transpose()?,
            clock_ahead,
        })
    }
}

fn part(found: &Result<String>) -> ProbePart<'_> {
    match found {
        Ok(text) => ProbePart { ok: Some(text.into()), error: None },
        Err(error) => ProbePart { ok: None, error: Some(Fault::from(error)) },
    }
}

fn found(part: ProbePart<'_>) -> Result<Result<String>> {
    match part {
        ProbePart { ok: Some(text), error: None } => Ok(Ok(one_line(&text, "yes"))),
        ProbePart { ok: None, error: Some(fault) } => Ok(Err(Error::from(&fault))),
        _ => Err(bad_answer(Entry::SinkProbe, "says of a part neither or both of ok and error")),
    }
}
