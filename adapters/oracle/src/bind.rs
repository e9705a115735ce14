//! Values on their way into statements.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use csc_bridge_core::error::{Error, Result};
use csc_bridge_sql::Value;
use oracle::sql_type::{OracleType, Timestamp, ToSql};
use oracle::{Connection, SqlValue};

/// Bytes of a text that any column of text takes; a longer one goes in pieces, which only CLOB does.
const SHORT: usize = 4000;

/// A value that is bound. Text goes as VARCHAR2, which may stand beside every kind of text.
// No Debug: a value may be a child's data.
#[derive(Clone, Copy)]
pub(crate) enum Bound<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Days since 1970-01-01.
    Day(i32),
}

impl<'a> From<&'a Value> for Bound<'a> {
    fn from(value: &'a Value) -> Bound<'a> {
        match value {
            Value::Null => Bound::Null,
            Value::Integer(number) => Bound::Integer(*number),
            // Said here, for the driver does not: the empty text is null.
            Value::Text(text) if text.is_empty() => Bound::Null,
            Value::Text(text) => Bound::Text(text),
            Value::Bytes(bytes) => Bound::Bytes(bytes),
        }
    }
}

impl<'a> Bound<'a> {
    /// A cell of a batch.
    ///
    /// # Errors
    /// A fault of the program: a type that is not loaded.
    pub(crate) fn cell(column: &'a ArrayRef, row: usize) -> Result<Bound<'a>> {
        if column.is_null(row) {
            return Ok(Bound::Null);
        }
        Ok(match column.data_type() {
            DataType::Utf8 => match column.as_string::<i32>().value(row) {
                "" => Bound::Null,
                text => Bound::Text(text),
            },
            DataType::Binary => Bound::Bytes(column.as_binary::<i32>().value(row)),
            DataType::Int32 => Bound::Integer(i64::from(column.as_primitive::<Int32Type>().value(row))),
            DataType::Int64 => Bound::Integer(column.as_primitive::<Int64Type>().value(row)),
            DataType::Date32 => Bound::Day(column.as_primitive::<Date32Type>().value(row)),
            other => return Err(Error::internal(format!("a column of type {other} cannot be loaded into Oracle"))),
        })
    }
}

impl ToSql for Bound<'_> {
    fn oratype(&self, _: &Connection) -> oracle::Result<OracleType> {
        // A size of 0 is none.
        let size = |bytes: usize| u32::try_from(bytes.max(1)).unwrap_or(u32::MAX);
        Ok(match self {
            Bound::Null => OracleType::Varchar2(1),
            Bound::Integer(_) => OracleType::Int64,
            Bound::Text(text) if text.len() > SHORT => OracleType::Long,
            Bound::Text(text) => OracleType::Varchar2(size(text.len())),
            Bound::Bytes(bytes) => OracleType::Raw(size(bytes.len())),
            Bound::Day(_) => OracleType::Date,
        })
    }

    fn to_sql(&self, value: &mut SqlValue<'_>) -> oracle::Result<()> {
        match self {
            Bound::Null => value.set_null(),
            Bound::Integer(number) => value.set(number),
            Bound::Text(text) => value.set(text),
            Bound::Bytes(bytes) => value.set(bytes),
            Bound::Day(days) => {
                let (year, month, day) = civil(*days);
                value.set(&Timestamp::new(year, month, day, 0, 0, 0, 0)?)
            }
        }
    }
}

/// The year, month and day of a number of days since 1970-01-01.
// Howard Hinnant's civil_from_days: years that begin in March, so that the leap day is the last.
fn civil(days: i32) -> (i32, u32, u32) {
    let shifted = i64::from(days) + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year_of_era + era * 400 + later;
    (i32::try_from(year).unwrap_or(i32::MAX), u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// The number of days from 1970-01-01 to a day: the way back.
pub(crate) fn days(year: i32, month: u32, day: u32) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month = i64::from(month);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar_both_ways() {
        for (number, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (-719_162, (1, 1, 1)),
            (19_782, (2024, 2, 29)),
            (2_932_896, (9999, 12, 31)),
            (-25_567, (1900, 1, 1)),
        ] {
            assert_eq!(civil(number), date);
            assert_eq!(days(date.0, date.1, date.2), i64::from(number));
        }
    }

    #[test]
    fn the_empty_text_goes_in_as_null() {
        assert!(matches!(Bound::from(&Value::text("")), Bound::Null));
        let column: ArrayRef = std::sync::Arc::new(arrow_array::StringArray::from(vec!["", "x"]));
        assert!(matches!(Bound::cell(&column, 0), Ok(Bound::Null)));
        assert!(matches!(Bound::cell(&column, 1), Ok(Bound::Text("x"))));
    }
}
