//! The third contract: a [`Sink`] takes a batch of documents and answers for each of them.
//!
//! A sink makes one request per [`Sink::send`] and says what its answer means. Retrying, splitting and isolating live in
//! [`crate::pipeline`], once, for every sink.

use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;

use crate::error::Error;

/// Where batches go.
#[async_trait]
pub trait Sink: Send + Sync {
    /// What one request may hold.
    fn limits(&self) -> Limits;

    /// Sends one batch, once: at least one record, within [`Sink::limits`].
    ///
    /// Returns one receipt per record, in the order sent.
    ///
    /// # Errors
    /// A [`SendError`] that says what may be done about it.
    async fn send(&self, records: &[Record<'_>]) -> Result<Vec<Receipt>, SendError>;

    /// [`Sink::send`] together with the other end's id of its answer. A sink whose answers have one writes this, and `send` by it.
    async fn send_with_request_id(&self, records: &[Record<'_>]) -> Sent {
        Sent { result: self.send(records).await, request_id: None }
    }

    /// For `check`: tries how far a batch would get, without sending a record. A sink that cannot be asked says nothing.
    async fn probe(&self) -> Probe {
        Probe::default()
    }
}

/// What came of one [`Sink::send`].
#[derive(Debug)]
pub struct Sent {
    /// One receipt per record, or why there are none.
    pub result: Result<Vec<Receipt>, SendError>,
    /// The other end's id of its answer, good or bad, by which its support finds the request. At most 200 printable ASCII
    /// characters, never a child's data: it may be logged.
    pub request_id: Option<String>,
}

/// What a sink's configuration says of it without its secrets: enough to stage and to look at documents, which an analyst does
/// who has no credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What one request may hold.
    pub limits: Limits,
    /// Whether everything sent stays on this machine (a loopback address, a folder): only then may the run date be set, and
    /// made-up children be generated.
    pub is_local: bool,
}

/// What one request may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Records, at least 1.
    pub max_records: usize,
    /// Bytes of the request's body. A single record that is larger is sent alone.
    pub max_bytes: usize,
    /// Longest time for which a request can still be on the wire after it was begun.
    pub request_life: Duration,
}

/// One record of a batch.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    /// The child's id, for a sink that needs it beside the document.
    pub person_id: &'a str,
    /// The document: one JSON object, UTF-8, without a line break.
    pub document: &'a str,
}

/// A request's body: the documents as one JSON array (API fact sheet, the request), in a buffer made to measure.
#[must_use]
pub fn array(records: &[Record<'_>]) -> Vec<u8> {
    let size = records.iter().map(|record| record.document.len() + 1).sum::<usize>() + 2;
    let mut body = Vec::with_capacity(size);
    body.push(b'[');
    for (position, record) in records.iter().enumerate() {
        if position > 0 {
            body.push(b',');
        }
        body.extend_from_slice(record.document.as_bytes());
    }
    body.push(b']');
    body
}

/// DfE's answer for one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// DfE's id of the record.
    pub id: String,
    /// When DfE took it, `YYYY-MM-DD HH:MM:SS.fff`, where it says so.
    pub received_at: Option<String>,
}

/// Why a batch was not taken, and what may be done about it.
pub struct SendError {
    /// What happened, without any of the answer's own text.
    pub error: Error,
    /// What may be done.
    pub then: Then,
    /// The answer's status (an HTTP status), where there was an answer.
    pub status: Option<u16>,
    /// The answer's text, which may quote children's data. It goes into `api_response` and nowhere else.
    pub detail: Option<String>,
}

// The detail may quote a child's data: Debug must not print it.
impl std::fmt::Debug for SendError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SendError {{ {:?}, then: {:?} }}", self.error, self.then)
    }
}

/// What may be done about a [`SendError`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// Nothing was taken; the same batch may be sent again, not before `after` if it is given (429, 503).
    Retry {
        /// From `Retry-After`.
        after: Option<Duration>,
    },
    /// The other end failed while it had the batch (500, 502, 504): it may have been taken, and may be sent again. The attempt's
    /// own answer will never be known, so its intents stay open whatever a retry brings.
    RetryUnsure {
        /// From `Retry-After`.
        after: Option<Duration>,
    },
    /// Nothing was taken, and the sink has dropped its credentials: the next send fetches new ones (401).
    Reauthenticate,
    /// Nothing was taken: the batch is too large (413).
    TooLarge,
    /// Nothing was taken: the records at these positions are bad, the others were not looked at or are good. Empty: some record
    /// is bad, and the answer does not say which.
    BadRecords(Vec<usize>),
    /// Nothing was taken, and no other batch would fare better (wrong LA code, no permission).
    GiveUp,
    /// It may have arrived: the connection broke after the request was sent, or the answer cannot be understood.
    Unknown,
}

/// What [`Sink::probe`] found. Each part is for people, in one line; `None` where the sink has no such thing.
#[derive(Debug, Default)]
pub struct Probe {
    /// Whether the credentials were accepted.
    pub token: Option<Result<String, Error>>,
    /// Whether the place that takes batches is there and lets us in.
    pub reach: Option<Result<String, Error>>,
    /// By how much the other end's clock is ahead of this machine's, where it tells the time. To the second.
    pub clock_ahead: Option<SignedDuration>,
}
