//! A streamed read: a plain SELECT, its rows put into record batches as they arrive.
//!
//! How the end is attested: the batch of statements ends with `SELECT @@ROWCOUNT`, so that after the last row the server says how many
//! there were. A connection that dies, and an error in the midst of the rows, are errors of the driver; a statement that was cut short in
//! any other way lacks that last answer, or disagrees with it.

mod batch;
mod cell;

use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{RowStream, ScanEvent};
use csc_bridge_sql::Read;
use futures_util::TryStreamExt;
use tiberius::{QueryItem, QueryStream};

use crate::catalogue;
use crate::connection::{SqlServerConnection, State};
use crate::snapshot::Keeper;
use batch::Batch;

/// Starts a read.
pub(crate) async fn start(
    connection: &mut SqlServerConnection,
    read: Read,
) -> Result<Box<dyn csc_bridge_core::source::RowStream + '_>> {
    let SqlServerConnection { client, settings, state, keeper, .. } = connection;
    let limit = settings.query_timeout;
    // Of a session without a snapshot the rows of the table are counted again, by the same request.
    let count = match keeper.as_ref().is_some_and(Keeper::counts) {
        true => format!(", (SELECT COUNT(*) FROM {})", catalogue::named(&read.table)),
        false => String::new(),
    };
    let sql = format!("{}; SELECT @@ROWCOUNT{count}", read.sql);
    state.begun()?;
    let begun = tokio::time::timeout(limit, client.simple_query(sql)).await;
    let stream = state.ended(begun).map_err(|error| error.within(format!("reading {}", read.table)))?;
    Ok(Box::new(Rows { stream, state, keeper: keeper.as_mut(), limit, batch: None, read, total: 0, attested: None }))
}

/// The rows of a read.
struct Rows<'c> {
    stream: QueryStream<'c>,
    state: &'c mut State,
    keeper: Option<&'c mut Keeper>,
    /// Longest wait for a batch.
    limit: Duration,
    batch: Option<Batch>,
    read: Read,
    total: u64,
    /// What the server says of the read after its last row: the rows of the read, and of the table.
    attested: Option<(i64, Option<i64>)>,
}

#[async_trait]
impl RowStream for Rows<'_> {
    async fn next(&mut self) -> Result<ScanEvent> {
        let event = self.event().await;
        event.map_err(|error| error.within(format!("reading {}", self.read.table)))
    }
}

impl Rows<'_> {
    async fn event(&mut self) -> Result<ScanEvent> {
        self.state.begun()?;
        let filled = tokio::time::timeout(self.limit, self.fill()).await;
        self.state.ended(filled)??;
        match &mut self.batch {
            Some(batch) if !batch.is_empty() => batch.take().map(ScanEvent::Rows),
            _ => self.complete().await,
        }
    }

    /// Reads rows until the batch is full or the stream has ended.
    async fn fill(&mut self) -> tiberius::Result<Result<()>> {
        while let Some(item) = self.stream.try_next().await? {
            match self.take(item) {
                Ok(false) => {}
                Ok(true) => break,
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(()))
    }

    /// Takes a part of the answer; whether the batch is full.
    fn take(&mut self, item: QueryItem) -> Result<bool> {
        match item {
            QueryItem::Metadata(described) if described.result_index() == 0 => {
                self.batch = Some(Batch::new(&self.read, described.columns())?);
                Ok(false)
            }
            QueryItem::Metadata(_) => Ok(false),
            QueryItem::Row(row) if row.result_index() == 0 => {
                let batch = self.batch.as_mut().ok_or_else(|| Error::internal("rows came before their columns"))?;
                batch.push(row, &self.read)?;
                self.total += 1;
                Ok(batch.is_full())
            }
            QueryItem::Row(row) => {
                let mut numbers = row.into_iter().map(|data| cell::integer(&data).flatten());
                if let Some(rows) = numbers.next().flatten() {
                    self.attested = Some((rows, numbers.next().flatten()));
                }
                Ok(false)
            }
        }
    }

    async fn complete(&mut self) -> Result<ScanEvent> {
        let Some((rows, of_table)) = self.attested else {
            return Err(cut_short());
        };
        if u64::try_from(rows) != Ok(self.total) {
            return Err(cut_short());
        }
        if let Some(keeper) = &mut self.keeper {
            if let Some(rows) = of_table {
                keeper.check(&self.read.table, rows)?;
            }
            keeper.still_keeps().await?;
        }
        Ok(ScanEvent::Complete { rows: self.total })
    }
}

fn cut_short() -> Error {
    Error::new(
        Kind::Incomplete,
        "the server ended the read before its last row",
        "nothing was staged; run again, and report it if it happens twice",
    )
}
