//! Taking a batch.

use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use hyper::header::HeaderMap;
use hyper::{Request, StatusCode};
use serde_json::Value;
use tokio::sync::watch;

use crate::faults::{self, Arrival, Dropped};
use crate::held::{self, Change, lock};
use crate::merge::Object;
use crate::reply::{self, Reply, Whole};
use crate::routes::{Shared, is_la_code};
use crate::settings::{Semantics, Settings};
use crate::{intake, refuse};

/// Takes a batch.
///
/// What strikes it and how long it takes is decided as it comes. It is read and judged, which is a part of that time, and waits for the
/// rest; then come the faults before applying, which hide everything; then the answer, and what it changes ([`take`]); then the faults
/// between applying and answering, the ones that find bugs.
pub(crate) async fn submit<B: Body<Data = Bytes>>(
    shared: &Shared,
    la_code: &str,
    request: Request<B>,
    stopped: watch::Receiver<()>,
) -> Result<Reply, Dropped> {
    lock(&shared.stats).requests += 1;
    let begins = Instant::now();
    let mut arrival = lock(&shared.chance).batch(begins);
    let (head, body) = request.into_parts();
    // Read before anything is refused: a connection closed on a sender that still writes would lose it the answer.
    let body = read(body, arrival.faults.byte_limit).await;
    // Latency is how long a batch takes, and reading and judging it is a part of that.
    let batch = body.map(|body| intake::records(&body).map(|records| Batch::new(records, &shared.settings, &arrival)));
    wait_until(begins + arrival.latency.unwrap_or(shared.settings.latency)).await;
    let fault = arrival.fault.take();
    let made = |fault: &faults::FaultKind| shared.count_fault(fault.name());
    faults::around(fault, stopped, made, || take(shared, &arrival, la_code, &head.headers, batch)).await
}

/// Waits until a moment has come, to a tenth of a millisecond: Tokio's timers round up to whole ones, which at a latency of some tens
/// would be a part of what is measured.
async fn wait_until(moment: Instant) {
    if let Some(early) = moment.checked_sub(Duration::from_millis(2)) {
        tokio::time::sleep_until(early.into()).await;
    }
    let left = moment.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        // Not awaiting it would only let an answer go early.
        let _ = tokio::task::spawn_blocking(move || std::thread::sleep(left)).await;
    }
}

/// Answers a batch and applies it.
///
/// The order of the questions: do you send too fast, is the address right, may you send, is it JSON, does it fit, is it any good.
fn take(
    shared: &Shared,
    arrival: &Arrival,
    la_code: &str,
    headers: &HeaderMap,
    batch: Result<Result<Batch, Box<Whole>>, Unread>,
) -> Result<Whole, Box<Whole>> {
    check_rate(shared, arrival)?;
    if !is_la_code(la_code) {
        return Err(Box::new(reply::refusal(StatusCode::NOT_FOUND, "this is no authority's code")));
    }
    shared.gate.check(headers)?;
    intake::check_type(headers)?;
    let batch = batch.map_err(|why| {
        if why == Unread::TooLong {
            shared.count_fault("byte_limit".to_owned());
        }
        why.refusal()
    })??;
    let count = batch.count;
    lock(&shared.stats).records += count as u64;
    batch.judged?;
    batch.struck.inspect_err(|_| shared.count_fault("refuse".to_owned()))?;
    let repeated = match batch.content {
        Content::Whole(written) => replace(shared, la_code, &written),
        Content::Parts(records) => merge(shared, la_code, &records),
    };
    let mut stats = lock(&shared.stats);
    stats.applied += count as u64;
    stats.repeated += repeated;
    let receipts: Vec<String> = (0..count).map(|_| receipt()).collect();
    tracing::debug!(batch.records = count, batch.repeated = repeated, "batch taken");
    Ok(reply::json(StatusCode::OK, &receipts.into()))
}

fn check_rate(shared: &Shared, arrival: &Arrival) -> Result<(), Box<Whole>> {
    let Some(limit) = arrival.faults.rate_limit.as_ref().filter(|_| arrival.too_soon) else {
        return Ok(());
    };
    shared.count_fault("rate_limit".to_owned());
    let mut refusal = reply::refusal(StatusCode::TOO_MANY_REQUESTS, "too many requests");
    faults::set_retry_after(&mut refusal, limit.retry_after);
    Err(Box::new(refusal))
}

/// The children that a batch is about, with what is asked for each.
fn children(records: &[Value]) -> impl Iterator<Item = (&str, &Object)> {
    records.iter().filter_map(|record| record.as_object()).filter_map(|record| Some((intake::child(record)?, record)))
}

/// A batch that was read and judged.
struct Batch {
    count: usize,
    judged: Result<(), Box<Whole>>,
    /// What the rules of the faults say of it, where it is good otherwise.
    struck: Result<(), Box<Whole>>,
    content: Content,
}

/// What of a batch will be held.
enum Content {
    /// Each document replaces the one before.
    Whole(Written),
    /// Each document is merged into the one before.
    Parts(Vec<Value>),
}

impl Batch {
    fn new(records: Vec<Value>, settings: &Settings, arrival: &Arrival) -> Batch {
        let judged = intake::judge(&records, settings.validator.as_ref());
        let struck = if judged.is_ok() { refuse::judge(&records, &arrival.faults.refuse) } else { Ok(()) };
        let count = records.len();
        let content = match settings.semantics {
            Semantics::Replace => Content::Whole(Written::of(&records)),
            Semantics::Merge => Content::Parts(records),
        };
        Batch { count, judged, struck, content }
    }
}

/// The documents of a batch as text, one after the other.
///
/// Kept texts that lie between a batch's thousands of small pieces leave holes everywhere when it goes, and with a few hundred thousand
/// of them the search for room takes most of the time: so they are copied from here, once the batch is gone.
struct Written {
    text: String,
    /// For each record where its child's id and its document end, and whether it is a document: a purge is not.
    ends: Vec<(usize, usize, bool)>,
}

impl Written {
    fn of(records: &[Value]) -> Written {
        let (mut text, mut ends) = (String::new(), Vec::with_capacity(records.len()));
        for (child, record) in children(records) {
            text.push_str(child);
            let child_ends = text.len();
            let keeps = !crate::merge::is_purge(record);
            if keeps {
                text.push_str(&held::text(record));
            }
            ends.push((child_ends, text.len(), keeps));
        }
        Written { text, ends }
    }
}

/// Applies a judged batch, all of it at once: each child's document is replaced. Returns how many records changed nothing.
fn replace(shared: &Shared, la_code: &str, batch: &Written) -> u64 {
    let (mut held, mut received) = (lock(&shared.held), lock(&shared.received));
    let (mut repeated, mut begins) = (0, 0);
    for &(child_ends, ends, keeps) in &batch.ends {
        let (child, document) = (&batch.text[begins..child_ends], &batch.text[child_ends..ends]);
        let changed = held.apply(la_code, child, if keeps { Change::Hold(document) } else { Change::Purge });
        received.note(la_code, child, changed);
        repeated += u64::from(!changed);
        begins = ends;
    }
    repeated
}

/// Applies a judged batch, all of it at once: each document is merged into what is held. Returns how many records changed nothing.
fn merge(shared: &Shared, la_code: &str, records: &[Value]) -> u64 {
    let (mut held, mut received) = (lock(&shared.held), lock(&shared.received));
    let mut repeated = 0;
    for (child, record) in children(records) {
        let is_purge = crate::merge::is_purge(record);
        let changed = held.apply(la_code, child, if is_purge { Change::Purge } else { Change::Merge(record) });
        received.note(la_code, child, changed);
        repeated += u64::from(!changed);
    }
    repeated
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is longer than the limit.
    TooLong,
    /// It broke off.
    Broken,
}

impl Unread {
    fn refusal(self) -> Box<Whole> {
        Box::new(match self {
            Unread::TooLong => reply::refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
            Unread::Broken => reply::refusal(StatusCode::BAD_REQUEST, "the body broke off"),
        })
    }
}

/// Reads a body to its end, and keeps it if it is no longer than `limit`.
pub(crate) async fn read<B: Body<Data = Bytes>>(body: B, limit: Option<usize>) -> Result<Vec<u8>, Unread> {
    let mut body = std::pin::pin!(body);
    let limit = limit.unwrap_or(usize::MAX);
    let mut kept = Vec::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unread::Broken)?;
        if let Some(data) = frame.data_ref() {
            length += data.len();
            match length <= limit {
                true => kept.extend_from_slice(data),
                false => kept = Vec::new(),
            }
        }
    }
    match length <= limit {
        true => Ok(kept),
        false => Err(Unread::TooLong),
    }
}

/// `YYYY-MM-DD_HH:MM:SS.ff_<uuid>.json`. DfE's documents do not say in which time zone; here it is UTC.
pub(crate) fn receipt() -> String {
    format!("{}_{}.json", jiff::Timestamp::now().strftime("%Y-%m-%d_%H:%M:%S%.2f"), uuid::Uuid::new_v4())
}
