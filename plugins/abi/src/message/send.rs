//! A batch and what comes of it.
//!
//! An answer that cannot be understood does not undo what was sent: the batch may have arrived. So [`read_sent`] does not fail; it says
//! [`Then::Unknown`], and the intents of the batch stay open.

use std::borrow::Cow;

use csc_bridge_core::error::{Error, Result};
use csc_bridge_core::sink::{Receipt, Record, SendError, Sent, Then};
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::sink::{duration, milliseconds};
use super::{bad_answer, broke_protocol, decode_answer, encode, one_line};
use crate::table::{self, Entry, Status};

/// The input of `sink_send`. No `Debug`: it holds children's data.
#[derive(Clone, Serialize, Deserialize)]
pub struct SendRecords<'a> {
    /// At least one.
    #[serde(borrow)]
    pub records: Vec<SendRecord<'a>>,
}

/// One record of a batch.
#[derive(Clone, Serialize, Deserialize)]
pub struct SendRecord<'a> {
    /// The child's id.
    #[serde(borrow)]
    pub person_id: Cow<'a, str>,
    /// The document's own text, to be sent as it is.
    #[serde(borrow)]
    pub document: Cow<'a, str>,
}

impl<'a> From<&[Record<'a>]> for SendRecords<'a> {
    fn from(records: &[Record<'a>]) -> SendRecords<'a> {
        let record =
            |record: &Record<'a>| SendRecord { person_id: record.person_id.into(), document: record.document.into() };
        SendRecords { records: records.iter().map(record).collect() }
    }
}

impl SendRecords<'_> {
    /// As core's sinks take them.
    pub fn records(&self) -> Vec<Record<'_>> {
        self.records.iter().map(|record| Record { person_id: &record.person_id, document: &record.document }).collect()
    }
}

/// The output of `sink_send` that was taken.
#[derive(Serialize, Deserialize)]
struct Taken<'a> {
    #[serde(borrow)]
    receipts: Vec<OneReceipt<'a>>,
    #[serde(borrow)]
    request_id: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
struct OneReceipt<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    received_at: Option<Cow<'a, str>>,
}

/// The output of `sink_send` that was not taken. The fields of a [`Fault`] are written out: to flatten it would copy the detail.
#[derive(Serialize, Deserialize)]
struct Refused<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    directive: Cow<'a, str>,
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    advice: Cow<'a, str>,
    #[serde(borrow)]
    then: Cow<'a, str>,
    after_ms: Option<u64>,
    records: Option<Vec<u64>>,
    status: Option<u16>,
    #[serde(borrow)]
    detail: Option<Cow<'a, str>>,
    #[serde(borrow)]
    request_id: Option<Cow<'a, str>>,
}

/// What came of a batch, as a plugin puts it out.
pub fn write_sent(sent: &Sent) -> (Status, Vec<u8>) {
    let request_id = sent.request_id.as_deref().map(Cow::Borrowed);
    let (status, output) = match &sent.result {
        Ok(receipts) => {
            let receipts = receipts.iter().map(|receipt| OneReceipt {
                id: receipt.id.as_str().into(),
                received_at: receipt.received_at.as_deref().map(Cow::Borrowed),
            });
            (table::OK, encode(&Taken { receipts: receipts.collect(), request_id }))
        }
        Err(error) => (table::ERROR, encode(&refused(error, request_id))),
    };
    // Texts and whole numbers are always JSON; an empty answer is read as "unknown", which is true then.
    (status, output.unwrap_or_default())
}

fn refused<'a>(error: &'a SendError, request_id: Option<Cow<'a, str>>) -> Refused<'a> {
    let Fault { kind, directive, message, advice } = Fault::from(&error.error);
    let (then, after, records) = match &error.then {
        Then::Retry { after } => ("retry", *after, None),
        Then::RetryUnsure { after } => ("retry_unsure", *after, None),
        Then::Reauthenticate => ("reauthenticate", None, None),
        Then::TooLarge => ("too_large", None, None),
        Then::BadRecords(records) => ("bad_records", None, Some(records.iter().map(|n| *n as u64).collect())),
        Then::GiveUp => ("give_up", None, None),
        Then::Unknown => ("unknown", None, None),
    };
    Refused {
        kind,
        directive,
        message,
        advice,
        then: then.into(),
        after_ms: after.map(milliseconds),
        records,
        status: error.status,
        detail: error.detail.as_deref().map(Cow::Borrowed),
        request_id,
    }
}

/// What a plugin put out for a batch of `records` records, with the status of the call. Any breach of the protocol is an error with
/// [`Then::Unknown`].
pub fn read_sent(status: Status, output: &[u8], records: usize) -> Sent {
    let sent = match status {
        table::OK => taken(output, records),
        table::ERROR => not_taken(output, records),
        table::PANIC => Err(broke_protocol("the plugin panicked in sink_send")),
        _ => Err(broke_protocol("the plugin ended sink_send with a status that is not one of those allowed")),
    };
    sent.unwrap_or_else(|error| Sent {
        result: Err(SendError { error, then: Then::Unknown, status: None, detail: None }),
        request_id: None,
    })
}

fn taken(output: &[u8], records: usize) -> Result<Sent> {
    let Taken { receipts, request_id } = decode_answer(Entry::SinkSend, output)?;
    if receipts.len() != records {
        let what = format_args!("has {} receipts for {records} records", receipts.len());
        return Err(bad_answer(Entry::SinkSend, what));
    }
    let receipts = receipts.iter().map(|receipt| Receipt {
        id: one_line(&receipt.id, ""),
        received_at: receipt.received_at.as_deref().and_then(moment),
    });
    Ok(Sent { result: Ok(receipts.collect()), request_id: request_id.as_deref().and_then(printable) })
}

fn not_taken(output: &[u8], records: usize) -> Result<Sent> {
    let refused: Refused = decode_answer(Entry::SinkSend, output)?;
    let then = then(&refused, records)?;
    let Refused { kind, directive, message, advice, status, detail, request_id, .. } = refused;
    let error = Error::from(&Fault { kind, directive, message, advice });
    let detail = detail.map(|detail| fit_for_a_database(&detail));
    Ok(Sent {
        result: Err(SendError { error, then, status, detail }),
        request_id: request_id.as_deref().and_then(printable),
    })
}

fn then(refused: &Refused, records: usize) -> Result<Then> {
    let out_of_range = |field: &str| bad_answer(Entry::SinkSend, format_args!("has a value of {field} out of range"));
    let after = match refused.after_ms {
        Some(milliseconds) => Some(duration(milliseconds).ok_or_else(|| out_of_range("after_ms"))?),
        None => None,
    };
    Ok(match &*refused.then {
        "retry" => Then::Retry { after },
        "retry_unsure" => Then::RetryUnsure { after },
        "reauthenticate" => Then::Reauthenticate,
        "too_large" => Then::TooLarge,
        "bad_records" => {
            let position = |n: &u64| usize::try_from(*n).ok().filter(|n| *n < records);
            let positions = refused.records.iter().flatten().map(position).collect::<Option<Vec<usize>>>();
            let mut positions = positions.ok_or_else(|| out_of_range("records"))?;
            positions.sort_unstable();
            positions.dedup();
            Then::BadRecords(positions)
        }
        "give_up" => Then::GiveUp,
        // A word of a later day too: of what is not understood, nothing is promised.
        _ => Then::Unknown,
    })
}

/// A time as DfE writes it, which goes into a column of times; any other text is no time.
fn moment(text: &str) -> Option<String> {
    let shaped = text.len() <= 32 && text.starts_with(|first: char| first.is_ascii_digit());
    let moment = DateTime::strptime("%Y-%m-%d %H:%M:%S%.f", text).ok().filter(|_| shaped)?;
    Some(moment.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string())
}

fn printable(text: &str) -> Option<String> {
    let fit = (1..=200).contains(&text.len()) && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    fit.then(|| text.to_owned())
}

/// PostgreSQL keeps no NUL in a text.
fn fit_for_a_database(text: &str) -> String {
    text.chars().map(|character| if character == '\0' { ' ' } else { character }).collect()
}
