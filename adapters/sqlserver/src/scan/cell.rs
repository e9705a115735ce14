//! One column of a read: from the driver's values into an Arrow array.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::builder::{Date32Builder, Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use tiberius::{ColumnData, ColumnType};

use crate::value;

/// How a column's values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The child's number.
    Tag,
    /// Every whole number, and BIT as 1 and 0.
    Integer,
    /// `DATE`.
    Date,
    /// A day and a time of no place.
    Timestamp,
    /// `DATETIMEOFFSET`: an instant, whose day core finds.
    Instant,
    /// `MONEY`, which the driver makes a floating-point number of.
    Money,
    /// Everything that is text, or is printed exactly.
    Text,
}

impl Form {
    /// The form of a type.
    ///
    /// # Errors
    /// [`Kind::Schema`]: a type that has no text.
    pub(super) fn of(kind: ColumnType, column: &str, table: &TableName) -> Result<Form> {
        Ok(match kind {
            ColumnType::Bit
            | ColumnType::Bitn
            | ColumnType::Int1
            | ColumnType::Int2
            | ColumnType::Int4
            | ColumnType::Int8
            | ColumnType::Intn => Form::Integer,
            ColumnType::Daten => Form::Date,
            ColumnType::Datetime | ColumnType::Datetime4 | ColumnType::Datetimen | ColumnType::Datetime2 => {
                Form::Timestamp
            }
            ColumnType::DatetimeOffsetn => Form::Instant,
            ColumnType::Money | ColumnType::Money4 => Form::Money,
            ColumnType::BigVarBin | ColumnType::BigBinary | ColumnType::Image | ColumnType::Udt => {
                return Err(Error::new(
                    Kind::Schema,
                    format!("the column {column} of {table} holds bytes, or values of a type that has no text"),
                    "name another column in [source.names], or a view that has the value as text",
                ));
            }
            _ => Form::Text,
        })
    }

    pub(super) fn data_type(self) -> DataType {
        match self {
            Form::Tag => DataType::Int32,
            Form::Integer => DataType::Int64,
            Form::Date => DataType::Date32,
            Form::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Form::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Form::Money | Form::Text => DataType::Utf8,
        }
    }
}

/// A column being built.
pub(super) enum Column {
    Tag(Int32Builder),
    Integer(Int64Builder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Money(StringBuilder),
    Text(StringBuilder),
}

impl Column {
    pub(super) fn new(form: Form) -> Column {
        match form {
            Form::Tag => Column::Tag(Int32Builder::new()),
            Form::Integer => Column::Integer(Int64Builder::new()),
            Form::Date => Column::Date(Date32Builder::new()),
            Form::Timestamp | Form::Instant => {
                Column::Timestamp(TimestampMicrosecondBuilder::new().with_data_type(form.data_type()))
            }
            Form::Money => Column::Money(StringBuilder::new()),
            Form::Text => Column::Text(StringBuilder::new()),
        }
    }

    /// Adds a value; returns about how many bytes it has. `None` where it is none of the column's type.
    pub(super) fn push(&mut self, data: ColumnData<'static>) -> Option<usize> {
        match self {
            // Never null: that would be a row that belongs to no child.
            Column::Tag(column) => column.append_value(i32::try_from(integer(&data)??).ok()?),
            Column::Integer(column) => column.append_option(integer(&data)?),
            Column::Date(column) => match data {
                ColumnData::Date(None) => column.append_null(),
                ColumnData::Date(Some(date)) => column.append_value(value::day(date)?),
                _ => return None,
            },
            Column::Timestamp(column) => column.append_option(value::moment(data)?),
            Column::Money(column) => match data {
                ColumnData::F64(None) => column.append_null(),
                ColumnData::F64(Some(amount)) => {
                    // Into the builder, then the end of the value: no text of its own for each cell.
                    let _ = write!(column, "{amount:.4}");
                    column.append_value("");
                }
                _ => return None,
            },
            Column::Text(column) => {
                let text = value::text(data)?;
                let length = text.as_ref().map_or(0, |text| text.len());
                column.append_option(text);
                return Some(length);
            }
        }
        Some(8)
    }

    /// The array of what was added, without the room that was kept for growing: a chunk's batches stay in memory together.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Column::Tag(column) => shrunk(column.finish()),
            Column::Integer(column) => shrunk(column.finish()),
            Column::Date(column) => shrunk(column.finish()),
            Column::Timestamp(column) => shrunk(column.finish()),
            Column::Money(column) | Column::Text(column) => shrunk(column.finish()),
        }
    }
}

fn shrunk(mut array: impl Array + 'static) -> ArrayRef {
    array.shrink_to_fit();
    Arc::new(array)
}

/// The inner `None` is null, the outer one a value that is no whole number.
pub(super) fn integer(data: &ColumnData<'_>) -> Option<Option<i64>> {
    Some(match data {
        ColumnData::U8(number) => number.map(i64::from),
        ColumnData::I16(number) => number.map(i64::from),
        ColumnData::I32(number) => number.map(i64::from),
        ColumnData::I64(number) => *number,
        ColumnData::Bit(bit) => bit.map(i64::from),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Int64Type, TimestampMicrosecondType};
    use tiberius::time::DateTime;

    use super::*;

    fn column(form: Form, values: Vec<ColumnData<'static>>) -> Option<ArrayRef> {
        let mut column = Column::new(form);
        values.into_iter().map(|value| column.push(value)).collect::<Option<Vec<usize>>>()?;
        Some(column.finish())
    }

    #[test]
    fn whole_numbers_of_every_width_are_one_column() {
        let values = vec![ColumnData::Bit(Some(true)), ColumnData::U8(Some(255)), ColumnData::I64(None)];
        let array = column(Form::Integer, values).expect("builds");
        let numbers: Vec<Option<i64>> = array.as_primitive::<Int64Type>().iter().collect();
        assert_eq!(numbers, [Some(1), Some(255), None]);
    }

    #[test]
    fn a_tag_is_never_null() {
        assert!(column(Form::Tag, vec![ColumnData::I64(None)]).is_none());
        assert!(column(Form::Tag, vec![ColumnData::I64(Some(7)), ColumnData::I32(Some(8))]).is_some());
        assert!(column(Form::Tag, vec![ColumnData::I64(Some(1 << 40))]).is_none());
    }

    #[test]
    fn times_money_and_texts() {
        let array =
            column(Form::Timestamp, vec![ColumnData::DateTime(Some(DateTime::new(25_567, 300)))]).expect("builds");
        assert_eq!(array.as_primitive::<TimestampMicrosecondType>().value(0), 1_000_000);
        let array = column(Form::Money, vec![ColumnData::F64(Some(-1234.5)), ColumnData::F64(None)]).expect("builds");
        assert_eq!(array.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("-1234.5000"), None]);
        let array = column(Form::Text, vec![ColumnData::String(Some("AB  ".into())), ColumnData::String(None)]);
        assert_eq!(array.expect("builds").as_string::<i32>().iter().collect::<Vec<_>>(), [Some("AB  "), None]);
    }

    #[test]
    fn bytes_are_refused_with_the_columns_name() {
        let table = TableName { schema: "dbo".to_owned(), table: "ssd_person".to_owned() };
        let error = Form::of(ColumnType::BigVarBin, "pers_photo", &table).expect_err("is refused");
        assert!(error.message().contains("pers_photo of dbo.ssd_person"));
        assert_eq!(Form::of(ColumnType::Guid, "x", &table).ok(), Some(Form::Text));
    }
}
