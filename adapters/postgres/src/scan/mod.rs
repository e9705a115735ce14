//! A streamed read: `COPY (SELECT …) TO STDOUT (FORMAT binary)`, parsed into record batches as it arrives.
//!
//! How the end is attested: the server writes the format's trailer after the last row, then ends the copy, then reports the statement
//! complete. [`Rows`] asks for all three, in this order. A connection that dies before is an error of the stream.

mod batch;
mod cell;
mod copy;

use std::collections::HashMap;
use std::pin::Pin;

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{RowStream, ScanEvent};
use csc_bridge_sql::Read;
use futures_util::StreamExt;
use tokio_postgres::{CopyOutStream, Statement};

use crate::connection::PostgresConnection;
use batch::Batch;
use cell::Form;
use copy::Copy;

/// Reads that were prepared: a run reads the same tables for each chunk.
const PREPARED: usize = 100;

/// Reads by their statement.
pub(crate) type Prepared = HashMap<String, Plan>;

/// A prepared read.
#[derive(Clone)]
pub(crate) struct Plan {
    statement: Statement,
    forms: Vec<Form>,
}

/// Starts a read.
pub(crate) async fn start(connection: &mut PostgresConnection, read: Read) -> Result<Box<dyn RowStream + '_>> {
    connection.busy = true;
    let begun = begin(connection, &read).await.map_err(|error| error.within(format!("reading {}", read.table)));
    if begun.is_err() {
        connection.busy = false;
    }
    let (plan, data) = begun?;
    let batch = Batch::new(&read, &plan.forms);
    Ok(Box::new(Rows { connection, data: Box::pin(data), copy: Copy::default(), copied: false, batch, read, total: 0 }))
}

async fn begin(connection: &mut PostgresConnection, read: &Read) -> Result<(Plan, CopyOutStream)> {
    let plan = match connection.reads.get(&read.sql) {
        Some(plan) => plan.clone(),
        None => {
            let plan = prepare(connection, read).await?;
            if connection.reads.len() >= PREPARED {
                connection.reads.clear();
            }
            connection.reads.insert(read.sql.clone(), plan.clone());
            plan
        }
    };
    let data = connection.client.copy_out(&plan.statement).await;
    let data = data.map_err(|error| connection.explain(&error))?;
    Ok((plan, data))
}

/// Asks the server for the columns' types, and has those cast to text that are not read as they are.
async fn prepare(connection: &mut PostgresConnection, read: &Read) -> Result<Plan> {
    let explain = |error| connection.explain(&error);
    let described = connection.client.prepare(&read.sql).await.map_err(explain)?;
    let tag = usize::from(read.tagged);
    if described.columns().len() != read.columns.len() + tag {
        return Err(Error::internal("a read returns other columns than it names"));
    }
    let mut forms = Vec::with_capacity(described.columns().len());
    for (at, column) in described.columns().iter().enumerate() {
        let form = match at < tag {
            true => Form::of_tag(column.type_()),
            false => Form::of(column.type_(), &read.columns[at - tag], &read.table)?,
        };
        forms.push(form);
    }
    let copy = match forms.contains(&Form::Cast) {
        false => format!("COPY ({}) TO STDOUT (FORMAT binary)", read.sql),
        true => {
            let name = |at: usize| format!("c{at}");
            let names: Vec<String> = (0..forms.len()).map(name).collect();
            let cast = |(at, form): (usize, &Form)| match form {
                Form::Cast => format!("q.{}::text", name(at)),
                _ => format!("q.{}", name(at)),
            };
            let list: Vec<String> = forms.iter().enumerate().map(cast).collect();
            format!(
                "COPY (SELECT {} FROM ({}) q({})) TO STDOUT (FORMAT binary)",
                list.join(", "),
                read.sql,
                names.join(", ")
            )
        }
    };
    let statement = connection.client.prepare(&copy).await.map_err(explain)?;
    Ok(Plan { statement, forms })
}

/// The rows of a read.
struct Rows<'c> {
    connection: &'c mut PostgresConnection,
    data: Pin<Box<CopyOutStream>>,
    copy: Copy,
    /// Whether the copy has been ended. After that only one more message is of interest.
    copied: bool,
    batch: Batch,
    read: Read,
    total: u64,
}

#[async_trait]
impl RowStream for Rows<'_> {
    async fn next(&mut self) -> Result<ScanEvent> {
        let event = self.event().await;
        match event {
            Ok(ScanEvent::Rows(_)) => event,
            // Nothing more comes, for an error ends the copy, too.
            Ok(ScanEvent::Complete { .. }) => {
                self.connection.busy = false;
                event
            }
            Err(error) => Err(error.within(format!("reading {}", self.read.table))),
        }
    }
}

impl Rows<'_> {
    async fn event(&mut self) -> Result<ScanEvent> {
        loop {
            if self.parse()? {
                return self.take();
            }
            if self.copied {
                return match self.batch.is_empty() {
                    true => self.complete().await,
                    false => self.take(),
                };
            }
            match self.data.next().await {
                Some(Ok(data)) => self.copy.feed(data),
                Some(Err(error)) => return Err(self.connection.explain(&error)),
                None => self.copied = true,
            }
        }
    }

    /// Takes rows out of what arrived, which may be more than go into a batch; whether the batch is full.
    fn parse(&mut self) -> Result<bool> {
        let (batch, read) = (&mut self.batch, &self.read);
        let taken = self.copy.rows(batch.columns(), &mut |row| batch.push(row, read))?;
        self.total += taken;
        Ok(batch.is_full())
    }

    fn take(&mut self) -> Result<ScanEvent> {
        self.batch.take().map(ScanEvent::Rows)
    }

    async fn complete(&mut self) -> Result<ScanEvent> {
        if !self.copy.has_ended() {
            return Err(Error::new(
                Kind::Incomplete,
                "the copy ended before its last row",
                "nothing was staged; run again, and report it if it happens twice",
            ));
        }
        // After the data comes the report that the statement is complete, which the driver does not expect here: any message is
        // an error to it. An error of the server's, or of the connection, is one in earnest.
        if let Some(Err(error)) = self.data.next().await
            && (error.code().is_some() || error.is_closed() || self.connection.client.is_closed())
        {
            return Err(self.connection.explain(&error));
        }
        Ok(ScanEvent::Complete { rows: self.total })
    }
}
