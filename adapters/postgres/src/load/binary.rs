//! Arrow values in PostgreSQL's binary format.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use bytes::{BufMut, BytesMut};
use csc_bridge_core::error::{Error, Kind, Result};
use tokio_postgres::types::Type;

use crate::error::no_such_character;
use crate::value::{is_text, plain};

/// The signature, no flags, no extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What stands in place of a row's number of columns at the end.
pub(super) const TRAILER: &[u8] = &(-1i16).to_be_bytes();

/// PostgreSQL counts from 2000-01-01, Arrow from 1970-01-01.
const DAYS: i64 = 10_957;
const MICROSECONDS: i64 = 86_400_000_000;

/// How a column's values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Text into a type that is sent as its text.
    Text,
    /// Text into `jsonb`, after a byte that tells the version.
    Jsonb,
    /// Bytes into `bytea`.
    Bytes,
    /// A number into `smallint`.
    Int16,
    /// A number into `integer`.
    Int32,
    /// A number into `bigint`.
    Int64,
    /// A day into `date`.
    Date,
    /// A day into `timestamp`, at midnight.
    Timestamp,
}

impl Form {
    /// The form for values of this Arrow type in a column of this type, where there is one.
    pub(super) fn of(from: &DataType, to: &Type) -> Option<Form> {
        let to = plain(to);
        Some(match (from, to) {
            (DataType::Utf8, &Type::JSONB) => Form::Jsonb,
            (DataType::Utf8, to) if is_text(to) => Form::Text,
            (DataType::Binary, &Type::BYTEA) => Form::Bytes,
            (DataType::Int32 | DataType::Int64, &Type::INT2) => Form::Int16,
            (DataType::Int32 | DataType::Int64, &Type::INT4) => Form::Int32,
            (DataType::Int32 | DataType::Int64, &Type::INT8) => Form::Int64,
            (DataType::Date32, &Type::DATE) => Form::Date,
            (DataType::Date32, &Type::TIMESTAMP) => Form::Timestamp,
            _ => return None,
        })
    }

    /// Whether values of this Arrow type may be written so.
    pub(super) fn takes(self, from: &DataType) -> bool {
        match self {
            Form::Text | Form::Jsonb => *from == DataType::Utf8,
            Form::Bytes => *from == DataType::Binary,
            Form::Int16 | Form::Int32 | Form::Int64 => matches!(from, DataType::Int32 | DataType::Int64),
            Form::Date | Form::Timestamp => *from == DataType::Date32,
        }
    }
}

/// Writes one row.
///
/// # Errors
/// [`Kind::Data`]: a text with U+0000, or a number that the column's type does not hold.
pub(super) fn write_row(forms: &[Form], rows: &RecordBatch, at: usize, out: &mut BytesMut, place: &str) -> Result<()> {
    out.put_i16(i16::try_from(forms.len()).map_err(|_| Error::internal("a batch of more than 32767 columns"))?);
    for (form, column) in forms.iter().zip(rows.columns()) {
        if column.is_null(at) {
            out.put_i32(-1);
        } else {
            write(*form, column.as_ref(), at, out, place)?;
        }
    }
    Ok(())
}

fn write(form: Form, column: &dyn Array, at: usize, out: &mut BytesMut, place: &str) -> Result<()> {
    match form {
        Form::Text | Form::Jsonb => {
            let text = column.as_string::<i32>().value(at).as_bytes();
            if text.contains(&0) {
                return Err(no_such_character(place));
            }
            let version: &[u8] = if form == Form::Jsonb { &[1] } else { &[] };
            out.put_i32(length(version.len() + text.len())?);
            out.put_slice(version);
            out.put_slice(text);
        }
        Form::Bytes => {
            let bytes = column.as_binary::<i32>().value(at);
            out.put_i32(length(bytes.len())?);
            out.put_slice(bytes);
        }
        Form::Int16 => {
            out.put_i32(2);
            out.put_i16(i16::try_from(number(column, at)).map_err(|_| too_large(place))?);
        }
        Form::Int32 => {
            out.put_i32(4);
            out.put_i32(i32::try_from(number(column, at)).map_err(|_| too_large(place))?);
        }
        Form::Int64 => {
            out.put_i32(8);
            out.put_i64(number(column, at));
        }
        Form::Date => {
            out.put_i32(4);
            out.put_i32(i32::try_from(day(column, at)).map_err(|_| too_large(place))?);
        }
        Form::Timestamp => {
            out.put_i32(8);
            out.put_i64(day(column, at).saturating_mul(MICROSECONDS));
        }
    }
    Ok(())
}

fn length(bytes: usize) -> Result<i32> {
    i32::try_from(bytes).map_err(|_| Error::internal("a value of more than two thousand million bytes"))
}

fn number(column: &dyn Array, at: usize) -> i64 {
    match column.as_primitive_opt::<Int32Type>() {
        Some(column) => column.value(at).into(),
        None => column.as_primitive::<Int64Type>().value(at),
    }
}

/// Days since 2000-01-01.
fn day(column: &dyn Array, at: usize) -> i64 {
    i64::from(column.as_primitive::<Date32Type>().value(at)) - DAYS
}

fn too_large(place: &str) -> Error {
    Error::new(
        Kind::Data,
        format!("{place} has a column whose type is too small for a number"),
        "make the column a bigint, as csc-bridge creates it",
    )
}
