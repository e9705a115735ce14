//! A streamed read: a blocking task steps through the rows and hands batches over a short channel.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{Int32Builder, StringBuilder};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{RowStream, ScanEvent};
use csc_bridge_sql::Read;
use rusqlite::InterruptHandle;
use rusqlite::types::ValueRef;
use tokio::sync::mpsc;

use crate::connection::{Shared, lock};
use crate::error::explain;

/// Rows to a batch, at most.
const ROWS: usize = 8192;
/// Bytes of text to a batch, about.
const BYTES: usize = 1 << 20;
/// Batches that wait to be taken: one being read and one ready are enough to keep both sides busy.
const WAITING: usize = 2;

/// The receiving end. Dropping it ends the read.
struct SqliteRows {
    events: mpsc::Receiver<Result<ScanEvent>>,
    interrupt: Arc<InterruptHandle>,
    ended: bool,
}

#[async_trait]
impl RowStream for SqliteRows {
    async fn next(&mut self) -> Result<ScanEvent> {
        let event = self.events.recv().await.unwrap_or_else(|| {
            Err(Error::new(
                Kind::Incomplete,
                "a read of the SQLite database ended before it was complete",
                "nothing was staged; run again, and report it if it happens twice",
            ))
        });
        self.ended = matches!(event, Ok(ScanEvent::Complete { .. }) | Err(_));
        event
    }
}

impl Drop for SqliteRows {
    fn drop(&mut self) {
        self.events.close();
        // The task may be deep in one step (a sort, a long search). Its connection runs nothing else before this returns,
        // so nothing else is interrupted.
        if !self.ended {
            self.interrupt.interrupt();
        }
    }
}

/// Starts a read. It waits for the connection, so an earlier read that was dropped ends first.
pub(crate) fn start(shared: Shared, interrupt: Arc<InterruptHandle>, read: Read, path: PathBuf) -> impl RowStream {
    let (events, received) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let connection = lock(&shared);
        if events.is_closed() {
            return;
        }
        let end = read_rows(&connection.driver, &read, &path, &events);
        // The connection is free before the reader hears of the end and asks for the next table.
        drop(connection);
        if let Some(end) = end.transpose() {
            let _ = events.blocking_send(end);
        }
    });
    SqliteRows { events: received, interrupt, ended: false }
}

/// Sends all rows; returns the last event, or none where nobody listens any more.
fn read_rows(
    connection: &rusqlite::Connection,
    read: &Read,
    path: &Path,
    events: &mpsc::Sender<Result<ScanEvent>>,
) -> Result<Option<ScanEvent>> {
    let failed = |error: rusqlite::Error| explain(&error, path).within(format!("reading {}", read.table));
    let mut statement = connection.prepare(&read.sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut batch = Batch::new(read);
    let mut total = 0u64;
    while let Some(row) = rows.next().map_err(failed)? {
        let mut at = 0;
        if read.tagged {
            let number = row.get_ref(0).map_err(failed)?;
            batch.tag(number)?;
            at = 1;
        }
        for column in 0..read.columns.len() {
            let value = row.get_ref(at + column).map_err(failed)?;
            batch.put(column, value)?;
        }
        total += 1;
        if batch.ended_row() && events.blocking_send(Ok(ScanEvent::Rows(batch.take()?))).is_err() {
            return Ok(None);
        }
    }
    if batch.rows > 0 && events.blocking_send(Ok(ScanEvent::Rows(batch.take()?))).is_err() {
        return Ok(None);
    }
    Ok(Some(ScanEvent::Complete { rows: total }))
}

/// The batch being built. SQLite's values have types, its columns do not: every column is text, so that all batches of a
/// scan have one schema.
struct Batch<'a> {
    read: &'a Read,
    schema: Arc<Schema>,
    tags: Int32Builder,
    columns: Vec<StringBuilder>,
    rows: usize,
    bytes: usize,
}

impl<'a> Batch<'a> {
    fn new(read: &'a Read) -> Batch<'a> {
        let tag = read.tagged.then(|| Field::new("child", DataType::Int32, false));
        let columns = read.columns.iter().map(|column| Field::new(column, DataType::Utf8, true));
        Batch {
            read,
            schema: Arc::new(Schema::new(tag.into_iter().chain(columns).collect::<Vec<Field>>())),
            tags: Int32Builder::new(),
            columns: read.columns.iter().map(|_| StringBuilder::new()).collect(),
            rows: 0,
            bytes: 0,
        }
    }

    fn tag(&mut self, number: ValueRef<'_>) -> Result<()> {
        let number = match number {
            ValueRef::Integer(number) => i32::try_from(number).ok(),
            _ => None,
        };
        self.tags.append_value(number.ok_or_else(|| Error::internal("a row came back without its child's number"))?);
        Ok(())
    }

    fn put(&mut self, column: usize, value: ValueRef<'_>) -> Result<()> {
        let builder = &mut self.columns[column];
        let before = builder.values_slice().len();
        match value {
            ValueRef::Null => builder.append_null(),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => builder.append_value(text),
                Err(_) => return Err(unreadable(self.read, column, "text that is not UTF-8")),
            },
            ValueRef::Integer(number) => {
                // Writing into the builder, then ending the value: no text of its own for each cell.
                let _ = write!(builder, "{number}");
                builder.append_value("");
            }
            ValueRef::Real(number) => builder.append_value(real(number)),
            ValueRef::Blob(_) => return Err(unreadable(self.read, column, "bytes (a BLOB)")),
        }
        self.bytes += builder.values_slice().len() - before;
        Ok(())
    }

    /// Counts the row; whether the batch is full.
    fn ended_row(&mut self) -> bool {
        self.rows += 1;
        self.rows >= ROWS || self.bytes >= BYTES
    }

    fn take(&mut self) -> Result<RecordBatch> {
        let tags = self.read.tagged.then(|| Arc::new(self.tags.finish()) as ArrayRef);
        // A chunk's batches stay in memory together: the room the builders kept for growing must not.
        let columns = self.columns.iter_mut().map(|column| {
            let mut array = column.finish();
            array.shrink_to_fit();
            Arc::new(array) as ArrayRef
        });
        let arrays: Vec<ArrayRef> = tags.into_iter().chain(columns).collect();
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(self.rows));
        (self.rows, self.bytes) = (0, 0);
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|_| Error::internal("a batch of rows could not be put together"))
    }
}

/// The shortest text that reads back as the same number: `1.5`, and `12` for 12.0, as in the dialect's `key`.
pub(crate) fn real(number: f64) -> String {
    number.to_string()
}

fn unreadable(read: &Read, column: usize, what: &str) -> Error {
    let name = read.columns.get(column).map_or("?", String::as_str);
    Error::new(
        Kind::Data,
        format!("the column {name} of {} holds {what}", read.table),
        "store the value as text; find the rows with typeof() in the sqlite3 shell",
    )
}
