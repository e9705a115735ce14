//! One record batch as the bytes of an Arrow IPC stream, and back.
//!
//! Every batch travels as a stream of its own: schema, batch, end. That costs some hundred bytes for each of tens of thousands of rows,
//! and in return no call depends on the one before it.
//!
//! The reader takes the stream apart itself (`frame`, `schema`) and checks every length against the bytes that are there, before
//! arrow sees it: hostile lengths allocate nothing. arrow then checks the content (offsets, UTF-8, nulls), within `catch_unwind`.

mod frame;
mod schema;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::{Array, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::reader::read_record_batch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Schema, SchemaRef};
use csc_bridge_core::error::{Error, Result};

use crate::message::broke_protocol;

/// Reads the batches of one scan. Keeps the first one's schema, which the others must have as well.
#[derive(Debug, Default)]
pub struct RowReader {
    schema: Option<SchemaRef>,
}

impl RowReader {
    /// For one scan.
    pub fn new() -> RowReader {
        RowReader::default()
    }

    /// Reads the output of one `stream_next`. The bytes are copied once: the plugin's own may be freed afterwards.
    ///
    /// # Errors
    /// As [`RowReader::read_owned`].
    pub fn read(&mut self, bytes: &[u8]) -> Result<RecordBatch> {
        self.read_buffer(Buffer::from(bytes))
    }

    /// The same for bytes that the host owns, such as those from a pipe: they become the batch's, without a copy.
    ///
    /// # Errors
    /// [`Kind::Protocol`](csc_bridge_core::error::Kind::Protocol), without any of the data: not a stream of one batch and its end,
    /// compressed, with dictionaries, with a column of a type that [`check_columns`] refuses, with another schema than the batch before,
    /// or with content that arrow refuses.
    pub fn read_owned(&mut self, bytes: Vec<u8>) -> Result<RecordBatch> {
        self.read_buffer(Buffer::from_vec(bytes))
    }

    fn read_buffer(&mut self, bytes: Buffer) -> Result<RecordBatch> {
        let frames = frame::frames(&bytes)?;
        let schema = match &self.schema {
            Some(first) if **first != frames.schema => return Err(bad("the schema changed within a scan")),
            Some(first) => first.clone(),
            None => self.schema.insert(SchemaRef::new(frames.schema)).clone(),
        };
        let body = bytes.slice_with_length(frames.body.start, frames.body.len());
        frame::check_batch(frames.batch, &schema, body.len())?;
        let decode = || read_record_batch(&body, frames.batch, schema, &HashMap::new(), None, &frames.version);
        match catch_unwind(AssertUnwindSafe(decode)) {
            Ok(Ok(batch)) => Ok(batch),
            // arrow's text may quote a value.
            Ok(Err(_)) | Err(_) => Err(bad("the content does not fit the schema")),
        }
    }
}

/// Writes batches into one buffer, which is kept from batch to batch.
#[derive(Debug, Default)]
pub struct RowWriter {
    bytes: Vec<u8>,
}

impl RowWriter {
    /// With an empty buffer.
    pub fn new() -> RowWriter {
        RowWriter::default()
    }

    /// The batch as bytes, until the next one is written.
    ///
    /// # Errors
    /// As [`check_columns`].
    pub fn write(&mut self, batch: &RecordBatch) -> Result<&[u8]> {
        write(batch, &mut self.bytes)?;
        Ok(&self.bytes)
    }
}

/// Writes the batch into `out`, whose content is replaced and whose memory is used again.
///
/// # Errors
/// As [`check_columns`].
pub fn write(batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
    check_columns(&batch.schema())?;
    out.clear();
    // Metadata of schema and columns is nobody's here, and may be long.
    let fields = batch
        .schema()
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_metadata(HashMap::new()))
        .collect::<Vec<_>>();
    let written = StreamWriter::try_new(out, &Schema::new(fields)).and_then(|mut writer| {
        writer.write(batch)?;
        writer.finish()
    });
    written.map_err(|_| Error::internal("a batch of rows cannot be written as Arrow IPC"))
}

/// Whether core reads every column's type.
///
/// # Errors
/// [`Kind::Protocol`](csc_bridge_core::error::Kind::Protocol), naming the first column that has another, by its place from 1.
pub fn check_columns(schema: &Schema) -> Result<()> {
    match schema.fields().iter().position(|field| !readable(field.data_type())) {
        Some(place) => Err(bad_type(place)),
        None => Ok(()),
    }
}

/// Whether a batch of a scan is what was asked for: `child` first, `Int32`, without nulls and below `children`, then `columns`.
///
/// # Errors
/// [`Kind::Protocol`](csc_bridge_core::error::Kind::Protocol), naming the column by its place from 1, or the tag.
pub fn check_scan(batch: &RecordBatch, columns: &[String], children: usize) -> Result<()> {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int32Type;

    let schema = batch.schema();
    let tag = schema.fields().first().filter(|field| field.name() == "child" && *field.data_type() == DataType::Int32);
    if tag.is_none() {
        return Err(bad("the first column of a scan is not child, of type Int32"));
    }
    check_names(&schema, 1, columns)?;
    let tags = batch.column(0).as_primitive::<Int32Type>();
    let known = |tag: &i32| usize::try_from(*tag).is_ok_and(|tag| tag < children);
    if tags.null_count() > 0 || !tags.values().iter().all(known) {
        return Err(bad("a row of a scan belongs to a child that was not asked for"));
    }
    Ok(())
}

/// Whether a batch of a list has `columns`, in this order.
///
/// # Errors
/// [`Kind::Protocol`](csc_bridge_core::error::Kind::Protocol), naming the column by its place from 1.
pub fn check_list(batch: &RecordBatch, columns: &[String]) -> Result<()> {
    check_names(&batch.schema(), 0, columns)
}

fn check_names(schema: &Schema, first: usize, columns: &[String]) -> Result<()> {
    let fields = &schema.fields()[first..];
    if fields.len() != columns.len() {
        return Err(bad(format!("{} columns came where {} were asked for", fields.len(), columns.len())));
    }
    match fields.iter().zip(columns).position(|(field, column)| field.name() != column) {
        Some(place) => Err(bad(format!("column {} is not the one asked for", first + place + 1))),
        None => Ok(()),
    }
}

/// Those of [`csc_bridge_core::payload::column`].
fn readable(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::Float64
            | DataType::Decimal128(..)
            | DataType::Boolean
            | DataType::Date32
            | DataType::Timestamp(..)
    )
}

fn bad_type(place: usize) -> Error {
    bad(format!("column {} has a type that csc-bridge does not read", place + 1))
}

fn bad(what: impl std::fmt::Display) -> Error {
    broke_protocol(format!("the plugin's rows break the protocol: {what}"))
}
