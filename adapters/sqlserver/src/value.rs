//! Values on their way to parameters and back from the rows of small queries, and the texts of SQL Server's types.

use std::borrow::Cow;
use std::fmt::Write as _;

use csc_bridge_sql::{Row, Value};
use tiberius::numeric::Numeric;
use tiberius::time::{Date, DateTime, DateTime2, SmallDateTime, Time};
use tiberius::{ColumnData, ToSql};

/// Arrow counts from 1970-01-01: DATETIME from 1900-01-01, the newer types from 0001-01-01.
pub(crate) const DAYS_TO_1900: i32 = 25_567;
pub(crate) const DAYS_TO_YEAR_1: i32 = 719_162;
const DAY: i64 = 86_400_000_000;

/// A value bound to a parameter. Text goes as NVARCHAR, so that no character depends on a code page; null goes as text, too, which the
/// server takes for every type but VARBINARY.
pub(crate) struct Bound<'a>(pub(crate) &'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> ColumnData<'_> {
        match self.0 {
            Value::Null => ColumnData::String(None),
            Value::Integer(number) => ColumnData::I64(Some(*number)),
            Value::Text(text) => ColumnData::String(Some(Cow::Borrowed(text))),
            Value::Bytes(bytes) => ColumnData::Binary(Some(Cow::Borrowed(bytes))),
        }
    }
}

/// A row of a small query; `None` where a column is of a type that no statement asks for.
pub(crate) fn row(row: tiberius::Row) -> Option<Row> {
    row.into_iter().map(value).collect::<Option<Vec<Value>>>().map(Row)
}

fn value(data: ColumnData<'static>) -> Option<Value> {
    let integer = |number: Option<i64>| number.map_or(Value::Null, Value::Integer);
    let value = match data {
        ColumnData::U8(number) => integer(number.map(i64::from)),
        ColumnData::I16(number) => integer(number.map(i64::from)),
        ColumnData::I32(number) => integer(number.map(i64::from)),
        ColumnData::I64(number) => integer(number),
        ColumnData::Bit(bit) => integer(bit.map(i64::from)),
        ColumnData::Binary(bytes) => bytes.map_or(Value::Null, |bytes| Value::Bytes(bytes.into_owned())),
        // A sum may be a decimal although it is whole.
        ColumnData::Numeric(Some(number)) => {
            let text = decimal(number);
            text.parse().map_or(Value::Text(text), Value::Integer)
        }
        other => match text(other)? {
            Some(text) => Value::Text(text.into_owned()),
            None => Value::Null,
        },
    };
    Some(value)
}

/// A value as text: as the server itself prints it, where it prints it exactly. `None` for bytes, dates and times.
pub(crate) fn text(data: ColumnData<'_>) -> Option<Option<Cow<'_, str>>> {
    let printed = |text: Option<String>| text.map(Cow::Owned);
    Some(match data {
        ColumnData::String(text) => text,
        ColumnData::Xml(xml) => printed(xml.map(|xml| xml.into_owned().into_string())),
        ColumnData::Guid(id) => printed(id.map(|id| id.hyphenated().to_string().to_uppercase())),
        ColumnData::Numeric(number) => printed(number.map(decimal)),
        // The shortest text that is this number and no other.
        ColumnData::F32(number) => printed(number.map(|number| number.to_string())),
        ColumnData::F64(number) => printed(number.map(|number| number.to_string())),
        ColumnData::U8(number) => printed(number.map(|number| number.to_string())),
        ColumnData::I16(number) => printed(number.map(|number| number.to_string())),
        ColumnData::I32(number) => printed(number.map(|number| number.to_string())),
        ColumnData::I64(number) => printed(number.map(|number| number.to_string())),
        ColumnData::Bit(bit) => printed(bit.map(|bit| u8::from(bit).to_string())),
        ColumnData::Time(time) => printed(time.and_then(time_of_day)),
        _ => return None,
    })
}

/// A decimal with all the digits that its type has after the point.
fn decimal(number: Numeric) -> String {
    let scale = usize::from(number.scale());
    let digits = format!("{:0width$}", number.value().unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let sign = if number.value() < 0 { "-" } else { "" };
    match part {
        "" => format!("{sign}{whole}"),
        part => format!("{sign}{whole}.{part}"),
    }
}

fn time_of_day(time: Time) -> Option<String> {
    let microseconds = microseconds(time)?;
    let seconds = microseconds / 1_000_000;
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if microseconds % 1_000_000 != 0 {
        // Writing into a text does not fail.
        let _ = write!(text, ".{:06}", microseconds % 1_000_000);
    }
    Some(text)
}

/// Microseconds since midnight.
fn microseconds(time: Time) -> Option<i64> {
    let increments = i64::try_from(time.increments()).ok()?;
    let microseconds = match 10_i64.pow(u32::from(time.scale().min(9))) {
        // A TIME(7) counts in tenths of a microsecond.
        per_second if per_second > 1_000_000 => increments / (per_second / 1_000_000),
        per_second => increments.checked_mul(1_000_000 / per_second)?,
    };
    Some(microseconds)
}

/// Days since 1970-01-01.
pub(crate) fn day(date: Date) -> Option<i32> {
    i32::try_from(date.days()).ok()?.checked_sub(DAYS_TO_YEAR_1)
}

/// Microseconds since 1970-01-01, of no place. The inner `None` is null, the outer one a type that is no moment.
pub(crate) fn moment(data: ColumnData<'_>) -> Option<Option<i64>> {
    Some(match data {
        ColumnData::DateTime(moment) => moment.map(datetime),
        ColumnData::SmallDateTime(moment) => moment.map(small_datetime),
        ColumnData::DateTime2(moment) => moment.map(datetime2).map_or(Some(None), |at| at.map(Some))?,
        // Sent in UTC, with the offset beside it.
        ColumnData::DateTimeOffset(moment) => {
            moment.map(|moment| datetime2(moment.datetime2())).map_or(Some(None), |at| at.map(Some))?
        }
        _ => return None,
    })
}

/// Of DATETIME, which counts in three-hundredths of a second.
fn datetime(moment: DateTime) -> i64 {
    days_since_1900(moment.days()) + i64::from(moment.seconds_fragments()) * 10_000 / 3
}

/// Of SMALLDATETIME, which counts in minutes.
fn small_datetime(moment: SmallDateTime) -> i64 {
    days_since_1900(i32::from(moment.days())) + i64::from(moment.seconds_fragments()) * 60_000_000
}

fn days_since_1900(days: i32) -> i64 {
    (i64::from(days) - i64::from(DAYS_TO_1900)) * DAY
}

fn datetime2(moment: DateTime2) -> Option<i64> {
    Some(i64::from(day(moment.date())?) * DAY + microseconds(moment.time())?)
}

#[cfg(test)]
mod tests {
    use tiberius::time::DateTimeOffset;

    use super::*;

    fn shown(data: ColumnData<'static>) -> Option<String> {
        text(data).flatten().map(Cow::into_owned)
    }

    #[test]
    fn numbers_are_printed_without_loss() {
        let decimal = |value, scale| shown(ColumnData::Numeric(Some(Numeric::new_with_scale(value, scale))));
        assert_eq!(decimal(1250, 2).as_deref(), Some("12.50"));
        assert_eq!(decimal(-5, 3).as_deref(), Some("-0.005"));
        assert_eq!(decimal(-7, 0).as_deref(), Some("-7"));
        assert_eq!(decimal(10_i128.pow(37) + 1, 0), Some(format!("1{}1", "0".repeat(36))));
        assert_eq!(shown(ColumnData::F64(Some(0.1))).as_deref(), Some("0.1"));
        assert_eq!(shown(ColumnData::F32(Some(0.1))).as_deref(), Some("0.1"));
        assert_eq!(shown(ColumnData::F64(Some(12_345_678.0))).as_deref(), Some("12345678"));
        assert_eq!(shown(ColumnData::Bit(Some(true))).as_deref(), Some("1"));
    }

    #[test]
    fn ids_of_type_uniqueidentifier_are_as_the_server_prints_them() {
        let id = tiberius::Uuid::from_u128(0x6F96_19FF_8B86_D011_B42D_00C0_4FC9_64FF);
        assert_eq!(shown(ColumnData::Guid(Some(id))).as_deref(), Some("6F9619FF-8B86-D011-B42D-00C04FC964FF"));
    }

    #[test]
    fn days_and_times_are_counted_from_1970() {
        let at = |data| moment(data).flatten();
        assert_eq!(at(ColumnData::DateTime(Some(DateTime::new(25_567, 0)))), Some(0));
        // 1900-01-01, which stands for no date, and the last moment of a day: 23:59:59.997.
        assert_eq!(at(ColumnData::DateTime(Some(DateTime::new(0, 25_919_999)))), Some(-25_566 * DAY - 3_334));
        assert_eq!(at(ColumnData::SmallDateTime(Some(SmallDateTime::new(25_568, 90)))), Some(DAY + 5_400_000_000));
        let noon = DateTime2::new(Date::new(719_162), Time::new(432_000_000_000, 7));
        assert_eq!(at(ColumnData::DateTime2(Some(noon))), Some(DAY / 2));
        assert_eq!(at(ColumnData::DateTimeOffset(Some(DateTimeOffset::new(noon, 60)))), Some(DAY / 2));
        let seconds = DateTime2::new(Date::new(719_162), Time::new(43_200, 0));
        assert_eq!(at(ColumnData::DateTime2(Some(seconds))), Some(DAY / 2));
        assert_eq!(moment(ColumnData::DateTime2(None)), Some(None));
        assert_eq!(moment(ColumnData::I32(Some(1))), None);
        assert_eq!(day(Date::new(0)), Some(-719_162));
        assert_eq!(shown(ColumnData::Time(Some(Time::new(45_296, 0)))).as_deref(), Some("12:34:56"));
    }

    #[test]
    fn small_queries_tell_numbers_texts_and_bytes_apart() {
        let is = |data, wanted: Value| value(data).is_some_and(|value| value == wanted);
        assert!(is(ColumnData::U8(Some(1)), Value::Integer(1)));
        assert!(is(ColumnData::Numeric(Some(Numeric::new_with_scale(12, 0))), Value::Integer(12)));
        assert!(is(ColumnData::String(Some("x ".into())), Value::text("x ")));
        assert!(is(ColumnData::Binary(Some(vec![0_u8, 1].into())), Value::Bytes(vec![0, 1])));
        assert!(is(ColumnData::Numeric(None), Value::Null));
        assert!(value(ColumnData::DateTime(None)).is_none());
    }
}
