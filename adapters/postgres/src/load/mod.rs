//! Adding the rows of a batch to a table: `COPY … FROM STDIN`.
//!
//! In the binary format where every column's type is one that is known here, which is so for all of our own tables; else in the text
//! format, in which the server reads any type.

mod binary;
mod text;

use std::collections::HashMap;
use std::pin::pin;

use arrow_array::RecordBatch;
use bytes::{Bytes, BytesMut};
use csc_bridge_core::error::Result;
use csc_bridge_sql::Dialect;
use futures_util::SinkExt;
use tokio_postgres::{CopyInSink, Statement};

use crate::PostgresDialect;
use crate::connection::PostgresConnection;

/// Bytes sent at a time, about.
const PART: usize = 1 << 18;
/// Loads that are kept prepared.
const PREPARED: usize = 100;

/// Loads by their target and columns.
pub(crate) type Prepared = HashMap<String, Plan>;

/// A prepared load.
#[derive(Clone)]
pub(crate) struct Plan {
    statement: Statement,
    format: Format,
}

/// The format of a copy.
#[derive(Clone)]
enum Format {
    /// How each column's values are written.
    Binary(Vec<binary::Form>),
    Text,
}

/// Adds the rows to `target`, all of them or none.
pub(crate) async fn load(connection: &mut PostgresConnection, target: &str, rows: &RecordBatch) -> Result<()> {
    let dialect = PostgresDialect::default();
    let columns: Vec<String> = rows.schema_ref().fields().iter().map(|field| dialect.quote(field.name())).collect();
    let columns = columns.join(", ");
    let key = format!("{target} ({columns})");
    let plan = match connection.loads.get(&key) {
        Some(plan) if plan.fits(rows) => plan.clone(),
        _ => {
            let plan = prepare(connection, target, &columns, rows).await?;
            if connection.loads.len() >= PREPARED {
                connection.loads.clear();
            }
            connection.loads.insert(key, plan.clone());
            plan
        }
    };
    let sink = connection.client.copy_in(&plan.statement).await.map_err(|error| connection.explain(&error))?;
    send(connection, sink, &plan.format, rows).await
}

impl Plan {
    /// Whether the plan was made for a batch of such types.
    fn fits(&self, rows: &RecordBatch) -> bool {
        match &self.format {
            Format::Text => true,
            Format::Binary(forms) => {
                forms.iter().zip(rows.schema_ref().fields()).all(|(form, field)| form.takes(field.data_type()))
            }
        }
    }
}

async fn prepare(connection: &PostgresConnection, target: &str, columns: &str, rows: &RecordBatch) -> Result<Plan> {
    let described = format!("SELECT {columns} FROM {target}");
    let explain = |error| connection.explain(&error);
    let described = connection.client.prepare(&described).await.map_err(explain)?;
    let forms: Option<Vec<binary::Form>> = described
        .columns()
        .iter()
        .zip(rows.schema_ref().fields())
        .map(|(column, field)| binary::Form::of(field.data_type(), column.type_()))
        .collect();
    let (format, word) = match forms {
        Some(forms) => (Format::Binary(forms), "binary"),
        None => (Format::Text, "text"),
    };
    let copy = format!("COPY {target} ({columns}) FROM STDIN (FORMAT {word})");
    let statement = connection.client.prepare(&copy).await.map_err(explain)?;
    Ok(Plan { statement, format })
}

async fn send(
    connection: &PostgresConnection,
    sink: CopyInSink<Bytes>,
    format: &Format,
    rows: &RecordBatch,
) -> Result<()> {
    let mut sink = pin!(sink);
    let mut part = BytesMut::with_capacity(PART + PART / 4);
    let explain = |error| connection.explain(&error);
    if let Format::Binary(_) = format {
        part.extend_from_slice(binary::HEADER);
    }
    for at in 0..rows.num_rows() {
        match format {
            Format::Binary(forms) => binary::write_row(forms, rows, at, &mut part, &connection.place)?,
            Format::Text => text::write_row(rows, at, &mut part, &connection.place)?,
        }
        if part.len() >= PART {
            let full = std::mem::replace(&mut part, BytesMut::with_capacity(PART + PART / 4));
            if let Err(error) = sink.send(full.freeze()).await {
                // The server has refused a row, and why is what it says at the end.
                return Err(explain(sink.finish().await.err().unwrap_or(error)));
            }
        }
    }
    if let Format::Binary(_) = format {
        part.extend_from_slice(binary::TRAILER);
    }
    if let Err(error) = sink.send(part.freeze()).await {
        return Err(explain(sink.finish().await.err().unwrap_or(error)));
    }
    let loaded = sink.finish().await.map_err(explain)?;
    match loaded == rows.num_rows() as u64 {
        true => Ok(()),
        false => Err(csc_bridge_core::error::Error::new(
            csc_bridge_core::error::Kind::Data,
            format!("{} did not take every row", connection.place),
            "look for a trigger or a rule on the table that leaves rows out",
        )),
    }
}
