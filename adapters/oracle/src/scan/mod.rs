//! A streamed read: a blocking task runs the statement, fetches its rows and hands batches over a short channel.
//!
//! How the end is attested: by the end of the fetch, which the driver tells from every error, and by the tables, which still have the rows
//! that they had when the session began ([`snapshot::check`]).

mod batch;

use std::io::Write as _;
use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{RowStream, ScanEvent};
use csc_bridge_sql::Read;
use oracle::sql_type::{Clob, ToSql};
use tokio::sync::mpsc;

use crate::connection::{FETCH, Shared};
use crate::row::Cells;
use crate::snapshot::{self, Counted};
use batch::Batch;

/// Batches that wait to be taken: one being read and one ready are enough to keep both sides busy.
const WAITING: usize = 2;

/// The receiving end. Dropping it ends the read, when the rows that are on their way have come: until then the connection waits. A call
/// that is broken off could leave its error to the next one.
struct OracleRows {
    events: mpsc::Receiver<Result<ScanEvent>>,
}

#[async_trait]
impl RowStream for OracleRows {
    async fn next(&mut self) -> Result<ScanEvent> {
        self.events.recv().await.unwrap_or_else(|| {
            Err(Error::new(
                Kind::Incomplete,
                "a read of the Oracle database ended before it was complete",
                "nothing was staged; run again, and report it if it happens twice",
            ))
        })
    }
}

/// Starts a read, after which the tables in it are counted again. It waits for the connection, so an earlier read that was dropped ends
/// first.
pub(crate) fn start(shared: Arc<Shared>, read: Read, counted: Vec<Counted>) -> impl RowStream {
    let (events, received) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let turn = shared.begun();
        let end = match events.is_closed() {
            false => Task { events: &events, read: &read }.run(&shared, &counted),
            true => Ok(None),
        };
        drop(turn);
        // The connection is free before the reader hears of the end and asks for the next table.
        drop(shared);
        if let Some(end) = end.transpose() {
            let _ = events.blocking_send(end.map_err(|error| error.within(format!("reading {}", read.table))));
        }
    });
    OracleRows { events: received }
}

/// A read that is under way.
struct Task<'a> {
    events: &'a mpsc::Sender<Result<ScanEvent>>,
    read: &'a Read,
}

impl Task<'_> {
    /// Sends all rows; returns the last event, or none where nobody listens any more.
    fn run(&self, shared: &Shared, counted: &[Counted]) -> Result<Option<ScanEvent>> {
        let failed = |error: oracle::Error| shared.explain(&error);
        let set = match &self.read.set {
            Some(text) => Some(Document::new(&shared.driver, text).map_err(failed)?),
            None => None,
        };
        let params: Vec<&dyn ToSql> = set.iter().map(|set| &set.0 as &dyn ToSql).collect();
        let mut statement = shared
            .driver
            .statement(&self.read.sql)
            .fetch_array_size(FETCH)
            .prefetch_rows(FETCH)
            .build()
            .map_err(failed)?;
        let mut rows = statement.query_as::<Cells>(&params).map_err(failed)?;
        let mut batch = Batch::new(self.read, rows.column_info())?;
        let mut total = 0u64;
        for row in &mut rows {
            batch.push(row.map_err(failed)?)?;
            total += 1;
            let is_given_up = match batch.is_full() {
                true => !self.send(batch.take()?),
                false => total.is_multiple_of(FETCH.into()) && self.events.is_closed(),
            };
            if is_given_up {
                return Ok(None);
            }
        }
        if !batch.is_empty() && !self.send(batch.take()?) {
            return Ok(None);
        }
        drop(rows);
        snapshot::check(shared, counted)?;
        Ok(Some(ScanEvent::Complete { rows: total }))
    }

    /// Hands a batch over; whether anybody takes it.
    fn send(&self, batch: RecordBatch) -> bool {
        self.events.blocking_send(Ok(ScanEvent::Rows(batch))).is_ok()
    }
}

/// A text as a CLOB of the session's own: no other kind of text may be longer than 4,000 bytes in a query.
struct Document(Clob);

impl Document {
    fn new(driver: &oracle::Connection, text: &str) -> oracle::Result<Document> {
        let mut document = Document(Clob::new(driver)?);
        let written = document.0.write_all(text.as_bytes());
        written.map_err(|error| match error.downcast::<oracle::Error>() {
            Ok(error) => error,
            Err(_) => oracle::Error::new(oracle::ErrorKind::Other, "a CLOB was not written"),
        })?;
        Ok(document)
    }
}

impl Drop for Document {
    /// The driver counts a CLOB that it made once too often, and would keep it to the end of the process (`oracle` 0.6.3).
    fn drop(&mut self) {
        let _ = self.0.close();
    }
}
