//! Streams that deliver something else than they are given.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, Int32Array, LargeStringArray, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::payload::column::Column;
use csc_bridge_core::source::{RowStream, ScanEvent};

use super::faults::SourceFault;

/// A stream of nothing, complete.
pub(super) struct Nothing;

#[async_trait]
impl RowStream for Nothing {
    async fn next(&mut self) -> Result<ScanEvent> {
        Ok(ScanEvent::Complete { rows: 0 })
    }
}

pub(super) struct TwinStream<'a> {
    pub(super) inner: Box<dyn RowStream + 'a>,
    pub(super) fault: SourceFault,
    /// For each number of the inner set the number that a row gets.
    pub(super) numbers: Vec<i32>,
    pub(super) joined: bool,
    pub(super) delivered: u64,
    pub(super) held_back: Option<RecordBatch>,
    pub(super) seen: HashSet<String>,
    pub(super) batches: usize,
    pub(super) ended: bool,
    /// Told when the stream is dropped before its end.
    pub(super) dropped: Arc<AtomicBool>,
}

impl Drop for TwinStream<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.dropped.store(true, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl RowStream for TwinStream<'_> {
    async fn next(&mut self) -> Result<ScanEvent> {
        loop {
            if let (SourceFault::DeliversTwice, Some(batch)) = (self.fault, self.held_back.take()) {
                return Ok(self.deliver(batch));
            }
            let batch = match self.inner.next().await {
                Ok(ScanEvent::Rows(batch)) => batch,
                Ok(ScanEvent::Complete { .. }) => return Ok(self.end()),
                Err(_) if self.fault == SourceFault::SwallowsCuts => return Ok(self.end()),
                Err(error) if self.fault == SourceFault::SaysLittle => {
                    return Err(Error::new(error.kind(), "something is wrong", "look"));
                }
                Err(error) => return Err(error),
            };
            self.batches += 1;
            let batch = self.changed(batch)?;
            match self.fault {
                SourceFault::LosesTheLastBatch => {
                    if let Some(before) = self.held_back.replace(batch) {
                        return Ok(self.deliver(before));
                    }
                }
                SourceFault::DeliversTwice => {
                    self.held_back = Some(batch.clone());
                    return Ok(self.deliver(batch));
                }
                _ if batch.num_rows() > 0 => return Ok(self.deliver(batch)),
                _ => {}
            }
        }
    }
}

impl TwinStream<'_> {
    fn deliver(&mut self, batch: RecordBatch) -> ScanEvent {
        self.delivered += batch.num_rows() as u64;
        ScanEvent::Rows(batch)
    }

    fn end(&mut self) -> ScanEvent {
        self.ended = true;
        ScanEvent::Complete { rows: self.delivered + u64::from(self.fault == SourceFault::AttestsTooMany) }
    }

    fn changed(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let tagged = batch.schema().field(0).name() == "child";
        match self.fault {
            SourceFault::TagsOffByOne if tagged => renumbered(&batch, |number| number + 1),
            SourceFault::Folds(_) if tagged => {
                let numbers = self.numbers.clone();
                renumbered(&batch, |number| numbers[number as usize])
            }
            SourceFault::ChildLast if tagged => {
                let last = batch.num_columns() - 1;
                let order: Vec<usize> = (1..=last).chain([0]).collect();
                batch.project(&order).map_err(internal)
            }
            SourceFault::SchemaWanders if self.batches > 1 => wide(&batch),
            SourceFault::DeliversDistinct => self.distinct(&batch, 0),
            SourceFault::DeliversToOneChild if tagged => self.distinct(&batch, 1),
            SourceFault::LosesJoinedRows if tagged && self.joined => filtered(&batch, |row| row[0] != Some("0")),
            SourceFault::TrimsNothing if tagged => {
                filtered(&batch, |row| row.iter().flatten().all(|text| text.trim() == *text))
            }
            SourceFault::Changes(change) => mapped(&batch, tagged, change),
            _ => Ok(batch),
        }
    }

    fn distinct(&mut self, batch: &RecordBatch, from: usize) -> Result<RecordBatch> {
        let seen = &mut self.seen;
        filtered(batch, |row| seen.insert(format!("{:?}", &row[from..])))
    }
}

fn internal(_: arrow_schema::ArrowError) -> Error {
    Error::new(Kind::Internal, "a twin made a batch that is none", "mend the twin")
}

fn renumbered(batch: &RecordBatch, number: impl Fn(i32) -> i32) -> Result<RecordBatch> {
    let numbers: Int32Array = batch.column(0).as_primitive::<Int32Type>().iter().map(|at| at.map(&number)).collect();
    let mut columns = batch.columns().to_vec();
    columns[0] = Arc::new(numbers);
    RecordBatch::try_new(batch.schema(), columns).map_err(internal)
}

fn texts(batch: &RecordBatch) -> Result<Vec<Column>> {
    let schema = batch.schema();
    batch.columns().iter().zip(schema.fields()).map(|(array, field)| Column::text(array, field.name())).collect()
}

/// The rows for which it holds.
fn filtered(batch: &RecordBatch, mut keep: impl FnMut(&[Option<&str>]) -> bool) -> Result<RecordBatch> {
    let columns = texts(batch)?;
    let parts = (0..batch.num_rows()).filter(|row| {
        let cells: Vec<Option<&str>> = columns.iter().map(|column| column.raw(*row)).collect();
        keep(&cells)
    });
    let kept: Vec<usize> = parts.collect();
    // Without Arrow's compute kernels, rows are chosen by rewriting them as text.
    let tagged = batch.schema().field(0).name() == "child";
    let mut arrays: Vec<ArrayRef> = Vec::new();
    let mut fields = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let name = batch.schema().field(at).name().clone();
        if at == 0 && tagged {
            let numbers = batch.column(0).as_primitive::<Int32Type>();
            arrays.push(Arc::new(Int32Array::from_iter_values(kept.iter().map(|row| numbers.value(*row)))));
            fields.push(Field::new(name, DataType::Int32, false));
        } else {
            arrays.push(Arc::new(kept.iter().map(|row| column.raw(*row)).collect::<StringArray>()));
            fields.push(Field::new(name, DataType::Utf8, true));
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(internal)
}

/// Every cell changed, as text.
fn mapped(batch: &RecordBatch, tagged: bool, change: fn(Option<&str>) -> Option<String>) -> Result<RecordBatch> {
    let columns = texts(batch)?;
    let mut arrays = batch.columns().to_vec();
    let mut fields: Vec<Field> = batch.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    for at in usize::from(tagged)..columns.len() {
        let cells = (0..batch.num_rows()).map(|row| change(columns[at].raw(row)));
        arrays[at] = Arc::new(cells.collect::<StringArray>());
        fields[at] = Field::new(fields[at].name(), DataType::Utf8, true);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(internal)
}

/// The same with another type.
fn wide(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = texts(batch)?;
    let mut arrays = batch.columns().to_vec();
    let mut fields: Vec<Field> = batch.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    let last = columns.len() - 1;
    arrays[last] = Arc::new((0..batch.num_rows()).map(|row| columns[last].raw(row)).collect::<LargeStringArray>());
    fields[last] = Field::new(fields[last].name(), DataType::LargeUtf8, true);
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(internal)
}
