//! The schema of a stream. Read by hand: arrow's own reader builds any type there is, and copies any metadata.

use arrow_ipc::{Endianness, Field as IpcField, Precision, TimeUnit as IpcUnit, Type};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use csc_bridge_core::error::Result;

use super::{bad, bad_type};

/// The columns' names, types and nullability; metadata is passed over.
pub(super) fn read(schema: arrow_ipc::Schema<'_>) -> Result<Schema> {
    if schema.endianness() != Endianness::Little {
        return Err(bad("the stream is not little-endian"));
    }
    let fields = schema.fields().ok_or_else(|| bad("the schema has no columns"))?;
    let fields = fields.iter().enumerate().map(|(place, field)| {
        if field.dictionary().is_some() {
            return Err(bad(format!("column {} has a dictionary", place + 1)));
        }
        let name = field.name().ok_or_else(|| bad(format!("column {} has no name", place + 1)))?;
        let data_type = data_type(field).ok_or_else(|| bad_type(place))?;
        Ok(Field::new(name, data_type, field.nullable()))
    });
    Ok(Schema::new(fields.collect::<Result<Vec<Field>>>()?))
}

fn data_type(field: IpcField<'_>) -> Option<DataType> {
    if field.children().is_some_and(|children| !children.is_empty()) {
        return None;
    }
    Some(match field.type_type() {
        Type::Utf8 => DataType::Utf8,
        Type::LargeUtf8 => DataType::LargeUtf8,
        Type::Bool => DataType::Boolean,
        Type::Int => {
            let int = field.type_as_int()?;
            match (int.bitWidth(), int.is_signed()) {
                (16, true) => DataType::Int16,
                (32, true) => DataType::Int32,
                (64, true) => DataType::Int64,
                (8, false) => DataType::UInt8,
                _ => return None,
            }
        }
        Type::FloatingPoint if field.type_as_floating_point()?.precision() == Precision::DOUBLE => DataType::Float64,
        Type::Decimal => decimal(field.type_as_decimal()?)?,
        Type::Date if field.type_as_date()?.unit() == arrow_ipc::DateUnit::DAY => DataType::Date32,
        Type::Timestamp => {
            let timestamp = field.type_as_timestamp()?;
            let unit = match timestamp.unit() {
                IpcUnit::SECOND => TimeUnit::Second,
                IpcUnit::MILLISECOND => TimeUnit::Millisecond,
                IpcUnit::MICROSECOND => TimeUnit::Microsecond,
                IpcUnit::NANOSECOND => TimeUnit::Nanosecond,
                _ => return None,
            };
            DataType::Timestamp(unit, timestamp.timezone().map(Into::into))
        }
        _ => return None,
    })
}

/// At most 38 digits, and no more of them behind the point than there are.
fn decimal(decimal: arrow_ipc::Decimal<'_>) -> Option<DataType> {
    let precision = u8::try_from(decimal.precision()).ok().filter(|precision| (1..=38).contains(precision))?;
    let scale = i8::try_from(decimal.scale()).ok().filter(|scale| (-38..=precision as i8).contains(scale))?;
    (decimal.bitWidth() == 128).then_some(DataType::Decimal128(precision, scale))
}
