//! The batch being built.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_sql::Read;

use super::cell::{Column, Form};
use super::copy::RowValues;

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
    pub(super) fn new(read: &Read, forms: &[Form]) -> Batch {
        let tag = read.tagged.then_some("child");
        let names = tag.into_iter().chain(read.columns.iter().map(String::as_str));
        let field = |(name, form): (&str, &Form)| Field::new(name, form.data_type(), *form != Form::Tag);
        Batch {
            schema: Arc::new(Schema::new(names.zip(forms).map(field).collect::<Vec<Field>>())),
            columns: forms.iter().map(|form| Column::new(*form)).collect(),
            rows: 0,
            bytes: 0,
        }
    }

    /// How many values a row has.
    pub(super) fn columns(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows >= ROWS || self.bytes >= BYTES
    }

    /// Adds a row; whether there is room for another.
    pub(super) fn push(&mut self, mut row: RowValues<'_>, read: &Read) -> Result<bool> {
        for (at, column) in self.columns.iter_mut().enumerate() {
            let value = row.value();
            self.bytes += value.map_or(0, <[u8]>::len);
            column.push(value).ok_or_else(|| unreadable(read, at))?;
        }
        self.rows += 1;
        Ok(!self.is_full())
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
            format!("the column {column} of {} holds a value that is none of its type", read.table),
            "have the server's administrator look at the table: a dump of it would fail, too",
        ),
    }
}
