//! One column of a read: from PostgreSQL's binary values into an Arrow array.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Int16Builder, Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use tokio_postgres::types::Type;

use crate::numeric;
use crate::value::{is_text, plain, uuid};

/// PostgreSQL counts from 2000-01-01, Arrow from 1970-01-01.
const DAYS: i32 = 10_957;
const MICROSECONDS: i64 = 10_957 * 86_400_000_000;

/// How a column's values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The child's number, from `integer` or `bigint`.
    Tag,
    /// `smallint`.
    Int16,
    /// `integer`.
    Int32,
    /// `bigint`.
    Int64,
    /// `boolean`.
    Boolean,
    /// `date`.
    Date,
    /// `timestamp`: a day and a time of no place.
    Timestamp,
    /// `timestamptz`: an instant, whose day core finds.
    Instant,
    /// A type that is sent as its text.
    Text,
    /// `jsonb`: its text after a byte that tells the version.
    Jsonb,
    /// `uuid`.
    Uuid,
    /// `numeric`, printed as the server prints it, exact. So it is the same text as in the dialect's `key`.
    Numeric,
    /// Anything else: cast to text by the server, floating-point numbers too, for the same reason.
    Cast,
}

impl Form {
    pub(super) fn of_tag(_: &Type) -> Form {
        Form::Tag
    }

    /// The form of a type.
    ///
    /// # Errors
    /// [`Kind::Schema`]: `bytea`, which has no text.
    pub(super) fn of(kind: &Type, column: &str, table: &TableName) -> Result<Form> {
        Ok(match *plain(kind) {
            Type::INT2 => Form::Int16,
            Type::INT4 => Form::Int32,
            Type::INT8 => Form::Int64,
            Type::BOOL => Form::Boolean,
            Type::DATE => Form::Date,
            Type::TIMESTAMP => Form::Timestamp,
            Type::TIMESTAMPTZ => Form::Instant,
            Type::JSONB => Form::Jsonb,
            Type::UUID => Form::Uuid,
            Type::NUMERIC => Form::Numeric,
            Type::BYTEA => {
                return Err(Error::new(
                    Kind::Schema,
                    format!("the column {column} of {table} holds bytes (bytea)"),
                    "name another column in [source.names], or a view that has the value as text",
                ));
            }
            ref kind if is_text(kind) => Form::Text,
            _ => Form::Cast,
        })
    }

    pub(super) fn data_type(self) -> DataType {
        match self {
            Form::Int16 => DataType::Int16,
            Form::Tag | Form::Int32 => DataType::Int32,
            Form::Int64 => DataType::Int64,
            Form::Boolean => DataType::Boolean,
            Form::Date => DataType::Date32,
            Form::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Form::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Form::Text | Form::Jsonb | Form::Uuid | Form::Numeric | Form::Cast => DataType::Utf8,
        }
    }
}

/// A column being built.
pub(super) enum Column {
    Tag(Int32Builder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Text(StringBuilder),
    Jsonb(StringBuilder),
    Uuid(StringBuilder),
    Numeric(StringBuilder),
}

impl Column {
    pub(super) fn new(form: Form) -> Column {
        match form {
            Form::Tag => Column::Tag(Int32Builder::new()),
            Form::Int16 => Column::Int16(Int16Builder::new()),
            Form::Int32 => Column::Int32(Int32Builder::new()),
            Form::Int64 => Column::Int64(Int64Builder::new()),
            Form::Boolean => Column::Boolean(BooleanBuilder::new()),
            Form::Date => Column::Date(Date32Builder::new()),
            Form::Timestamp | Form::Instant => {
                Column::Timestamp(TimestampMicrosecondBuilder::new().with_data_type(form.data_type()))
            }
            Form::Text | Form::Cast => Column::Text(StringBuilder::new()),
            Form::Jsonb => Column::Jsonb(StringBuilder::new()),
            Form::Uuid => Column::Uuid(StringBuilder::new()),
            Form::Numeric => Column::Numeric(StringBuilder::new()),
        }
    }

    /// Adds a value. `None` where its bytes are none of its type.
    pub(super) fn push(&mut self, value: Option<&[u8]>) -> Option<()> {
        let Some(bytes) = value else { return self.push_null() };
        match self {
            Column::Tag(column) => column.append_value(match *bytes {
                [_, _, _, _] => int4(bytes)?,
                _ => i32::try_from(int8(bytes)?).ok()?,
            }),
            Column::Int16(column) => column.append_value(i16::from_be_bytes(bytes.try_into().ok()?)),
            Column::Int32(column) => column.append_value(int4(bytes)?),
            Column::Int64(column) => column.append_value(int8(bytes)?),
            Column::Boolean(column) => column.append_value(*bytes.first()? != 0),
            // Infinity, either way, stays out of all calendars.
            Column::Date(column) => column.append_value(int4(bytes)?.saturating_add(DAYS)),
            Column::Timestamp(column) => column.append_value(int8(bytes)?.saturating_add(MICROSECONDS)),
            Column::Text(column) => column.append_value(std::str::from_utf8(bytes).ok()?),
            Column::Jsonb(column) => column.append_value(std::str::from_utf8(bytes.get(1..)?).ok()?),
            Column::Uuid(column) => column.append_value(uuid(bytes)?),
            Column::Numeric(column) => {
                // Writing into the builder, then ending the value: no text of its own for each cell.
                numeric::write(bytes, column)?;
                column.append_value("");
            }
        }
        Some(())
    }

    fn push_null(&mut self) -> Option<()> {
        match self {
            // A row that belongs to no child.
            Column::Tag(_) => return None,
            Column::Int16(column) => column.append_null(),
            Column::Int32(column) => column.append_null(),
            Column::Int64(column) => column.append_null(),
            Column::Boolean(column) => column.append_null(),
            Column::Date(column) => column.append_null(),
            Column::Timestamp(column) => column.append_null(),
            Column::Text(column) | Column::Jsonb(column) | Column::Uuid(column) | Column::Numeric(column) => {
                column.append_null();
            }
        }
        Some(())
    }

    /// The array of what was added, without the room that was kept for growing: a chunk's batches stay in memory together.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Column::Tag(column) | Column::Int32(column) => shrunk(column.finish()),
            Column::Int16(column) => shrunk(column.finish()),
            Column::Int64(column) => shrunk(column.finish()),
            Column::Boolean(column) => shrunk(column.finish()),
            Column::Date(column) => shrunk(column.finish()),
            Column::Timestamp(column) => shrunk(column.finish()),
            Column::Text(column) | Column::Jsonb(column) | Column::Uuid(column) | Column::Numeric(column) => {
                shrunk(column.finish())
            }
        }
    }
}

fn shrunk(mut array: impl Array + 'static) -> ArrayRef {
    array.shrink_to_fit();
    Arc::new(array)
}

fn int4(bytes: &[u8]) -> Option<i32> {
    Some(i32::from_be_bytes(bytes.try_into().ok()?))
}

fn int8(bytes: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(bytes.try_into().ok()?))
}
