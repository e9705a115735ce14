//! Sinks that are wrong in one way.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::sink::{Limits, Receipt, Record, SendError, Sent, Sink, Then};

use super::{CHECKS, Destination, End};
use crate::broken;
use crate::failure::Checked;
use crate::run::{Table, Verdict};

/// What is wrong with a twin's sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkFault {
    /// A batch may have no record.
    NoRoom,
    /// The last record has no receipt.
    LosesAReceipt,
    /// All receipts are the same.
    OneReceipt,
    /// Records go in the opposite order.
    Reverses,
    /// Characters of four bytes are replaced.
    ReplacesAstral,
    /// The last record of a full batch is not sent, but answered for.
    DropsTheLast,
    /// Large records are a fault of the program.
    FailsOnLarge,
    /// The id of a request is its document.
    TellsByDocument,
    /// Errors quote a document.
    Quotes,
    /// What fails is answered for.
    SwallowsErrors,
    /// Another record is named than the one that was refused.
    NamesAnother,
}

/// A sink that is wrong in one way, and the checks that must notice.
pub struct SinkTwin {
    /// What it does.
    pub name: &'static str,
    /// How.
    pub fault: SinkFault,
    /// The ids of the checks that fail on it.
    pub noticed_by: &'static [&'static str],
}

const fn twin(name: &'static str, fault: SinkFault, noticed_by: &'static [&'static str]) -> SinkTwin {
    SinkTwin { name, fault, noticed_by }
}

const ARRIVE: &str = "documents_arrive_once_in_order_and_with_the_same_meaning";
const CANNOT_BE_SENT: &str = "a_batch_that_cannot_be_sent_says_what_may_be_done_and_quotes_nothing";

/// All twins.
pub const TWINS: &[SinkTwin] = &[
    twin("has no room", SinkFault::NoRoom, &["the_limits_leave_room_for_a_record"]),
    twin("loses a receipt", SinkFault::LosesAReceipt, &["each_record_has_a_receipt_of_its_own"]),
    twin("has one receipt", SinkFault::OneReceipt, &["each_record_has_a_receipt_of_its_own"]),
    twin("reverses", SinkFault::Reverses, &[ARRIVE]),
    twin("replaces astral characters", SinkFault::ReplacesAstral, &[ARRIVE]),
    twin("drops the last", SinkFault::DropsTheLast, &["a_batch_of_as_many_records_as_may_be_arrives"]),
    twin(
        "fails on large records",
        SinkFault::FailsOnLarge,
        &["a_record_that_is_too_large_is_sent_alone_or_said_to_be"],
    ),
    twin("tells requests by documents", SinkFault::TellsByDocument, &["the_id_of_a_request_may_be_logged"]),
    twin("quotes documents", SinkFault::Quotes, &[CANNOT_BE_SENT]),
    twin("swallows errors", SinkFault::SwallowsErrors, &[CANNOT_BE_SENT]),
    twin("names another", SinkFault::NamesAnother, &["a_refused_record_is_named_and_nothing_of_its_batch_was_taken"]),
];

/// Runs every twin against the checks that must notice it. A check that no twin fails is a failure, too.
pub async fn run_twins(destination: &dyn Destination) -> Table {
    let mut table = Table::new(destination.name());
    for twin in TWINS {
        for id in twin.noticed_by {
            let verdict = match (CHECKS.iter().find(|check| check.id == *id), destination.fresh().await) {
                (Some(check), Ok(end)) => {
                    let end = TwinEnd { end, fault: twin.fault, refused: Mutex::default() };
                    broken::verdict(tokio::spawn(async move { (check.run)(&end).await }).await)
                }
                (None, _) => Verdict::Failed("there is no such check".to_owned()),
                (_, Err(failure)) => Verdict::Failed(failure.to_string()),
            };
            table.push(format!("{}: {}", twin.name, id.replace('_', " ")), verdict);
        }
    }
    for check in CHECKS.iter().filter(|check| !TWINS.iter().any(|twin| twin.noticed_by.contains(&check.id))) {
        table.push(check.id.replace('_', " "), Verdict::Failed("no twin shows that this check can fail".to_owned()));
    }
    table
}

struct TwinEnd {
    end: Box<dyn End>,
    fault: SinkFault,
    /// For a twin that refuses, whether or not its end can.
    refused: Mutex<Option<String>>,
}

#[async_trait]
impl End for TwinEnd {
    fn sink(&self) -> Checked<Arc<dyn Sink>> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Arc::new(TwinSink { inner: self.end.sink()?, fault: self.fault, refused }))
    }

    fn document(&self, child: &str, text: &str) -> String {
        self.end.document(child, text)
    }

    async fn arrived(&self) -> Checked<Vec<String>> {
        self.end.arrived().await
    }

    async fn refuse(&self, child: &str) -> Checked {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(child.to_owned());
        Ok(())
    }

    async fn take_away(&self) -> Checked {
        self.end.take_away().await
    }
}

struct TwinSink {
    inner: Arc<dyn Sink>,
    fault: SinkFault,
    refused: Option<String>,
}

fn failed(kind: Kind, message: String, then: Then) -> SendError {
    SendError { error: Error::new(kind, message, "this is a broken twin"), then, status: None, detail: None }
}

impl TwinSink {
    fn receipts(&self, count: usize) -> Vec<Receipt> {
        vec![Receipt { id: "the same".to_owned(), received_at: None }; count]
    }
}

#[async_trait]
impl Sink for TwinSink {
    fn limits(&self) -> Limits {
        let limits = self.inner.limits();
        if self.fault == SinkFault::NoRoom { Limits { max_records: 0, ..limits } } else { limits }
    }

    async fn send(&self, records: &[Record<'_>]) -> Result<Vec<Receipt>, SendError> {
        if let Some(at) = records.iter().position(|record| self.refused.as_deref() == Some(record.person_id)) {
            return Err(failed(Kind::Data, "a record was refused".to_owned(), Then::BadRecords(vec![at + 1])));
        }
        let limits = self.inner.limits();
        let replaced: Vec<String> = records
            .iter()
            .map(|record| record.document.chars().map(|c| if c > '\u{ffff}' { '\u{fffd}' } else { c }).collect())
            .collect();
        let mut batch = records.to_vec();
        match self.fault {
            SinkFault::Reverses => batch.reverse(),
            SinkFault::ReplacesAstral => {
                batch.iter_mut().zip(&replaced).for_each(|(record, document)| record.document = document);
            }
            SinkFault::DropsTheLast if batch.len() == limits.max_records => drop(batch.pop()),
            SinkFault::FailsOnLarge if batch[0].document.len() > limits.max_bytes => {
                return Err(failed(Kind::Internal, "too large".to_owned(), Then::Unknown));
            }
            _ => {}
        }
        let sent = self.inner.send(&batch).await;
        match (self.fault, sent) {
            (SinkFault::LosesAReceipt, Ok(receipts)) => Ok(receipts.into_iter().skip(1).collect()),
            (SinkFault::OneReceipt | SinkFault::DropsTheLast, Ok(_)) => Ok(self.receipts(records.len())),
            (SinkFault::SwallowsErrors, Err(_)) => Ok(self.receipts(records.len())),
            (SinkFault::Quotes, Err(error)) => {
                Err(failed(error.error.kind(), format!("this did not go: {}", records[0].document), error.then))
            }
            (_, sent) => sent,
        }
    }

    async fn send_with_request_id(&self, records: &[Record<'_>]) -> Sent {
        let mut sent = self.inner.send_with_request_id(records).await;
        if self.fault == SinkFault::TellsByDocument {
            sent.request_id = records.first().map(|record| record.document.to_owned());
        }
        sent
    }
}
