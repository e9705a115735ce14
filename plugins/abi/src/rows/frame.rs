//! The messages of an Arrow IPC stream: each is `FFFFFFFF`, the length of its metadata, the metadata (a flatbuffer), and a body.

use std::ops::Range;

use arrow_ipc::{Buffer, Message, MetadataVersion};
use arrow_schema::{DataType, Schema};
use csc_bridge_core::error::Result;
use flatbuffers::VerifierOptions;

use super::{bad, schema};

/// A stream of one batch, taken apart.
pub(super) struct Frames<'a> {
    pub schema: Schema,
    pub batch: arrow_ipc::RecordBatch<'a>,
    pub version: MetadataVersion,
    /// Where the batch's body is.
    pub body: Range<usize>,
}

/// Takes a stream apart that holds a schema, a batch and its end, and nothing else.
pub(super) fn frames(bytes: &[u8]) -> Result<Frames<'_>> {
    let mut at = 0;
    let (message, body) = next(bytes, &mut at)?.ok_or_else(|| bad("the stream is empty"))?;
    let schema = message.header_as_schema().ok_or_else(|| bad("the stream does not begin with a schema"))?;
    let schema = schema::read(schema)?;
    if !body.is_empty() {
        return Err(bad("the schema has a body"));
    }
    let (message, body) = next(bytes, &mut at)?.ok_or_else(|| bad("the stream holds no batch"))?;
    let batch = message.header_as_record_batch().ok_or_else(|| bad("a message is not a batch of rows"))?;
    if next(bytes, &mut at)?.is_some() {
        return Err(bad("the stream holds more than one batch"));
    }
    if at != bytes.len() {
        return Err(bad("something follows the end of the stream"));
    }
    Ok(Frames { schema, batch, version: message.version(), body })
}

/// The message at `at` with the place of its body; `None` at the end mark. Moves `at` behind it.
fn next<'a>(bytes: &'a [u8], at: &mut usize) -> Result<Option<(Message<'a>, Range<usize>)>> {
    if word(bytes, at)? != u32::MAX {
        return Err(bad("a message does not begin with FFFFFFFF"));
    }
    let length = word(bytes, at)?;
    if length == 0 {
        return Ok(None);
    }
    let metadata = take(bytes, at, u64::from(length))?;
    let options = VerifierOptions {
        // Flatbuffers may point at one thing from many places. No writer of streams does, and it would make much of little.
        max_apparent_size: metadata.len().saturating_mul(4).saturating_add(1024),
        max_tables: metadata.len(),
        ..VerifierOptions::default()
    };
    let message = arrow_ipc::root_as_message_with_opts(&options, &bytes[metadata])
        .map_err(|_| bad("the metadata of a message cannot be read"))?;
    if message.version() != MetadataVersion::V5 {
        return Err(bad("the metadata is not of version 5"));
    }
    let length = u64::try_from(message.bodyLength()).map_err(|_| bad("a length is negative"))?;
    let body = take(bytes, at, length)?;
    Ok(Some((message, body)))
}

fn word(bytes: &[u8], at: &mut usize) -> Result<u32> {
    let range = take(bytes, at, 4)?;
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[range]);
    Ok(u32::from_le_bytes(word))
}

fn take(bytes: &[u8], at: &mut usize, length: u64) -> Result<Range<usize>> {
    let start = *at;
    let length = usize::try_from(length).ok().filter(|length| *length <= bytes.len() - start);
    *at = start + length.ok_or_else(|| bad("a length goes beyond what came"))?;
    Ok(start..*at)
}

/// Whether the batch describes the schema's columns, within `body` bytes: arrow takes lengths and offsets as they are.
pub(super) fn check_batch(batch: arrow_ipc::RecordBatch<'_>, schema: &Schema, body: usize) -> Result<()> {
    if batch.compression().is_some() {
        return Err(bad("the batch is compressed"));
    }
    let (Some(nodes), Some(buffers)) = (batch.nodes(), batch.buffers()) else {
        return Err(bad("the batch describes no columns"));
    };
    let rows = batch.length();
    // No type takes less than a bit a row. A batch without columns has nothing that could bear out its number of rows.
    if u64::try_from(rows).map_or(true, |rows| rows / 8 > body as u64) {
        return Err(bad("the batch has fewer bytes than rows"));
    }
    if schema.fields().is_empty() || nodes.len() != schema.fields().len() {
        return Err(bad("the batch does not have the columns of its schema"));
    }
    if nodes.iter().any(|node| node.length() != rows || !(0..=rows).contains(&node.null_count())) {
        return Err(bad("a column does not have as many rows as the batch"));
    }
    let mut buffers = buffers.iter();
    for (place, field) in schema.fields().iter().enumerate() {
        check_column(field.data_type(), &mut buffers, body)
            .map_err(|fault| bad(format!("column {} {fault}", place + 1)))?;
    }
    if buffers.next().is_some() || batch.variadicBufferCounts().is_some_and(|counts| !counts.is_empty()) {
        return Err(bad("the batch has more buffers than its columns"));
    }
    Ok(())
}

/// The buffers of one column: nulls, offsets and text; or nulls and values.
fn check_column<'a>(
    data_type: &DataType,
    buffers: &mut impl Iterator<Item = &'a Buffer>,
    body: usize,
) -> Result<(), &'static str> {
    // Of the offsets, or of the values; bits and bytes are of any length.
    let (count, width) = match data_type {
        DataType::Utf8 => (3, 4),
        DataType::LargeUtf8 => (3, 8),
        other => (2, other.primitive_width().unwrap_or(1)),
    };
    for number in 0..count {
        let buffer = buffers.next().ok_or("lacks a buffer")?;
        let (start, length) = (usize::try_from(buffer.offset()), usize::try_from(buffer.length()));
        let (Ok(start), Ok(length)) = (start, length) else { return Err("has a negative length") };
        if start.checked_add(length).is_none_or(|end| end > body) {
            return Err("goes beyond what came");
        }
        // arrow panics here.
        if number == 1 && length % width != 0 {
            return Err("ends within a value");
        }
    }
    Ok(())
}
