//! The batch being built.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_sql::Read;
use tiberius::Row;

use super::cell::{Column, Form};

/// Rows to a batch, at most.
const ROWS: usize = 8192;
/// Bytes of values to a batch, about.
const BYTES: usize = 1 << 20;

/// Some rows of a read, all batches of which have one schema.
pub(super) struct Batch {
    schema: Arc<Schema>,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

impl Batch {
    /// For the columns as the server describes them.
    ///
    /// # Errors
    /// A column of a type that has no text, or a fault of the program.
    pub(super) fn new(read: &Read, described: &[tiberius::Column]) -> Result<Batch> {
        let tag = usize::from(read.tagged);
        if described.len() != read.columns.len() + tag {
            return Err(Error::internal("a read returns other columns than it names"));
        }
        let mut forms = vec![Form::Tag; tag];
        for (name, column) in read.columns.iter().zip(described.iter().skip(tag)) {
            forms.push(Form::of(column.column_type(), name, &read.table)?);
        }
        let names = read.tagged.then_some("child").into_iter().chain(read.columns.iter().map(String::as_str));
        let field = |(name, form): (&str, &Form)| Field::new(name, form.data_type(), *form != Form::Tag);
        Ok(Batch {
            schema: Arc::new(Schema::new(names.zip(&forms).map(field).collect::<Vec<Field>>())),
            columns: forms.iter().map(|form| Column::new(*form)).collect(),
            rows: 0,
            bytes: 0,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows >= ROWS || self.bytes >= BYTES
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: Row, read: &Read) -> Result<()> {
        if row.len() != self.columns.len() {
            return Err(Error::internal("a row has other columns than its table"));
        }
        for (at, (column, data)) in self.columns.iter_mut().zip(row).enumerate() {
            self.bytes += column.push(data).ok_or_else(|| unreadable(read, at))?;
        }
        self.rows += 1;
        Ok(())
    }

    pub(super) fn take(&mut self) -> Result<RecordBatch> {
        let arrays: Vec<ArrayRef> = self.columns.iter_mut().map(Column::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        (self.rows, self.bytes) = (0, 0);
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|_| Error::internal("a batch of rows could not be put together"))
    }
}

fn unreadable(read: &Read, at: usize) -> Error {
    let column = at.checked_sub(usize::from(read.tagged)).and_then(|at| read.columns.get(at));
    match column {
        None => Error::internal("a row came back without its child's number"),
        Some(column) => Error::new(
            Kind::Data,
            format!("the column {column} of {} holds a value that csc-bridge cannot read", read.table),
            "name a view in [source.names] that has the value as text: CAST(… AS NVARCHAR(MAX))",
        ),
    }
}
