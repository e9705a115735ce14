//! The rows of one read of a plugin.

use std::time::Duration;

use arrow_array::Array;
use arrow_array::RecordBatch;
use arrow_schema::DataType;
use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{RowStream, ScanEvent};
use csc_bridge_plugin_abi::message::{Rows, broke_protocol, decode_answer};
use csc_bridge_plugin_abi::rows::{RowReader, check_list, check_scan};
use csc_bridge_plugin_abi::table::{self, Entry, Handle};
use tokio::sync::mpsc;

use super::session::Held;
use crate::line::{Answer, Line};

/// What the batches must be.
pub(crate) enum Expected {
    /// These columns.
    List(Vec<String>),
    /// The child's number, below this, and these columns.
    Scan(Vec<String>, usize),
    /// `person_id`, never null, and `document`.
    Documents,
}

/// What the answers of one read say, one after the other.
pub(crate) struct Reading {
    plugin: &'static str,
    reader: RowReader,
    expected: Expected,
    delivered: u64,
}

impl Reading {
    pub fn new(plugin: &'static str, expected: Expected) -> Reading {
        Reading { plugin, reader: RowReader::new(), expected, delivered: 0 }
    }

    /// One answer to `stream_next`.
    pub fn event(&mut self, answer: Answer) -> Result<ScanEvent> {
        if answer.status == table::COMPLETE {
            let Rows { rows } = decode_answer(Entry::StreamNext, &answer.output)?;
            return self.complete(rows);
        }
        let batch = self.reader.read_owned(answer.done(Entry::StreamNext)?)?;
        self.expected.check(&batch)?;
        self.delivered += batch.num_rows() as u64;
        Ok(ScanEvent::Rows(batch))
    }

    fn complete(&self, rows: u64) -> Result<ScanEvent> {
        if rows == self.delivered {
            return Ok(ScanEvent::Complete { rows });
        }
        Err(Error::new(
            Kind::Incomplete,
            format!("the plugin {} announced {rows} rows and delivered {}", self.plugin, self.delivered),
            "nothing was staged; run again, and report it to the plugin's author if it happens twice",
        ))
    }
}

/// The rows of one read. A thread asks the plugin for the next batch while this one is worked on.
pub(crate) struct PluginRows {
    answers: mpsc::Receiver<Result<Answer>>,
    line: Line,
    stream: Handle,
    reading: Reading,
    ended: bool,
}

impl PluginRows {
    /// Reads the stream. `held` is kept until it is released: it keeps others from calls on its session.
    pub fn start(line: &Line, stream: Handle, held: Held, expected: Expected, release: Duration) -> PluginRows {
        // One batch waits, and one is being made.
        let (send, answers) = mpsc::channel(1);
        let plugin = line.clone();
        std::thread::spawn(move || {
            while !send.is_closed() {
                let answer = plugin.transport.call(Entry::StreamNext, stream, &[]);
                let is_last = !matches!(&answer, Ok(answer) if answer.status == table::OK);
                if send.blocking_send(answer).is_err() || is_last {
                    break;
                }
            }
            if plugin.transport.is_usable() {
                let _ = plugin.call_blocking(Entry::Release, stream, Vec::new(), release);
            }
            drop(held);
        });
        PluginRows { answers, line: line.clone(), stream, reading: Reading::new(line.plugin, expected), ended: false }
    }

    async fn event(&mut self) -> Result<ScanEvent> {
        let answer = match tokio::time::timeout(self.line.limit, self.answers.recv()).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return Err(Error::internal("a thread that read from a plugin ended before the rows did")),
            Err(_) => return Err(self.line.abandon(Entry::StreamNext, self.line.limit)),
        };
        // The reading thread knows that, too: there is nothing to cancel.
        self.ended = !matches!(&answer, Ok(answer) if answer.status == table::OK);
        self.reading.event(answer?)
    }
}

#[async_trait]
impl RowStream for PluginRows {
    async fn next(&mut self) -> Result<ScanEvent> {
        if self.ended {
            return Err(Error::internal("a read of a plugin was asked again after its end"));
        }
        let event = self.event().await;
        if event.is_err() {
            self.stop();
        }
        event
    }
}

impl PluginRows {
    /// Nobody wants the rest.
    fn stop(&mut self) {
        self.answers.close();
        if !self.ended {
            self.ended = true;
            self.line.transport.clone().cancel(self.stream);
        }
    }
}

impl Drop for PluginRows {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Expected {
    fn check(&self, batch: &RecordBatch) -> Result<()> {
        match self {
            Expected::List(columns) => check_list(batch, columns),
            Expected::Scan(columns, children) => check_scan(batch, columns, *children),
            Expected::Documents => check_documents(batch),
        }
    }
}

fn check_documents(batch: &RecordBatch) -> Result<()> {
    check_list(batch, &["person_id".to_owned(), "document".to_owned()])?;
    let is_text = |column: &arrow_array::ArrayRef| matches!(column.data_type(), DataType::Utf8 | DataType::LargeUtf8);
    match batch.columns().iter().all(is_text) && batch.column(0).null_count() == 0 {
        true => Ok(()),
        false => {
            Err(broke_protocol("the plugin's documents break the protocol: a column is not text, or an id is null"))
        }
    }
}
