//! Arrow columns, of whatever type a driver delivers, read as the two things a document needs: text and days.
//!
//! Text stays where it is in the batch and is borrowed; other types are printed once into a column of text. Days are read
//! once. A value that cannot be read as a day is kept apart from a missing one, so that it is reported.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
};
use arrow_array::{Array, ArrayRef, LargeStringArray, StringArray};
use arrow_schema::{DataType, TimeUnit};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::day::Day;
use crate::error::{Error, Kind, Result};

/// A column of one batch.
pub enum Column {
    /// Text; null is no value.
    Text(StringArray),
    /// Long text.
    LargeText(LargeStringArray),
    /// Days, packed: a chunk holds hundreds of thousands of them.
    Days(Vec<PackedDay>),
    /// The CMS has no such column.
    Missing,
}

/// One cell of a column of dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayCell {
    /// Null, blank, or one of the definition's `no_date`.
    None,
    /// A day.
    Day(Day),
    /// Text that is no date.
    Bad,
}

/// A [`DayCell`] in four bytes: the day's number, or one of two numbers that no day has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackedDay(u32);

impl PackedDay {
    const NONE: u32 = 0;
    const BAD: u32 = 1;

    fn unpack(self) -> DayCell {
        match self.0 {
            PackedDay::NONE => DayCell::None,
            PackedDay::BAD => DayCell::Bad,
            number => Day::from_number(number).map_or(DayCell::Bad, DayCell::Day),
        }
    }
}

impl From<DayCell> for PackedDay {
    fn from(cell: DayCell) -> PackedDay {
        PackedDay(match cell {
            DayCell::None => PackedDay::NONE,
            DayCell::Bad => PackedDay::BAD,
            DayCell::Day(day) => day.number(),
        })
    }
}

impl Column {
    /// Reads a column as text.
    ///
    /// # Errors
    /// [`Kind::Schema`] where a type cannot stand for text.
    pub fn text(array: &ArrayRef, name: &str) -> Result<Column> {
        let printed = match array.data_type() {
            DataType::Utf8 => return Ok(Column::Text(array.as_string::<i32>().clone())),
            DataType::LargeUtf8 => return Ok(Column::LargeText(array.as_string::<i64>().clone())),
            DataType::Int16 => print(array.as_primitive::<Int16Type>().iter(), |number| number.to_string()),
            DataType::Int32 => print(array.as_primitive::<Int32Type>().iter(), |number| number.to_string()),
            DataType::Int64 => print(array.as_primitive::<Int64Type>().iter(), |number| number.to_string()),
            DataType::UInt8 => print(array.as_primitive::<UInt8Type>().iter(), |number| number.to_string()),
            DataType::Float64 => print(array.as_primitive::<Float64Type>().iter(), |number| number.to_string()),
            DataType::Decimal128(..) => {
                let decimals = array.as_primitive::<Decimal128Type>();
                let rows = (0..decimals.len()).map(|row| decimals.is_valid(row).then_some(row));
                print(rows, |row| plain_decimal(&decimals.value_as_string(row)))
            }
            DataType::Boolean => print(array.as_boolean().iter(), |flag| if flag { "1" } else { "0" }.to_owned()),
            DataType::Date32 | DataType::Timestamp(..) => print(
                days(array, name)?.into_iter().map(|cell| match cell {
                    DayCell::Day(day) => Some(day),
                    _ => None,
                }),
                |day| {
                    let mut text = Vec::with_capacity(10);
                    day.write(&mut text);
                    String::from_utf8_lossy(&text).into_owned()
                },
            ),
            other => return Err(unreadable(name, other, "text")),
        };
        Ok(Column::Text(printed))
    }

    /// Reads a column as days; `no_date` are days that mean "none".
    ///
    /// # Errors
    /// [`Kind::Schema`] where a type cannot stand for a date.
    pub fn days(array: &ArrayRef, name: &str, no_date: &[Day], no_value: &[String]) -> Result<Column> {
        let mut cells = match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().iter().map(|text| day_of_text(text, no_value)).collect(),
            DataType::LargeUtf8 => array.as_string::<i64>().iter().map(|text| day_of_text(text, no_value)).collect(),
            _ => days(array, name)?,
        };
        for cell in &mut cells {
            if matches!(cell, DayCell::Day(day) if no_date.contains(day)) {
                *cell = DayCell::None;
            }
        }
        Ok(Column::Days(cells.into_iter().map(PackedDay::from).collect()))
    }

    /// The text of a row as the database has it, not trimmed; `None` for null and for columns of days.
    pub fn raw(&self, row: usize) -> Option<&str> {
        match self {
            Column::Text(array) => array.is_valid(row).then(|| array.value(row)),
            Column::LargeText(array) => array.is_valid(row).then(|| array.value(row)),
            Column::Days(_) | Column::Missing => None,
        }
    }

    /// The day of a row.
    pub fn day(&self, row: usize) -> DayCell {
        match self {
            Column::Days(cells) => cells[row].unpack(),
            _ => DayCell::None,
        }
    }
}

fn day_of_text(text: Option<&str>, no_value: &[String]) -> DayCell {
    match text.map(str::trim) {
        None | Some("") => DayCell::None,
        Some(text) => match Day::parse(text) {
            Some(day) => DayCell::Day(day),
            None if no_value.iter().any(|none| none == text) => DayCell::None,
            None => DayCell::Bad,
        },
    }
}

fn print<T>(cells: impl Iterator<Item = Option<T>>, text: impl Fn(T) -> String) -> StringArray {
    cells.map(|cell| cell.map(&text)).collect()
}

/// `12.00` is printed as `12`: ids and scores in NUMBER columns are whole numbers.
fn plain_decimal(text: &str) -> String {
    match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|byte| byte == b'0') => whole.to_owned(),
        _ => text.to_owned(),
    }
}

fn days(array: &ArrayRef, name: &str) -> Result<Vec<DayCell>> {
    let cells = match array.data_type() {
        DataType::Date32 => array
            .as_primitive::<Date32Type>()
            .iter()
            .map(|day| day.map_or(DayCell::None, |day| day_of_epoch(i64::from(day), 86_400)))
            .collect(),
        DataType::Timestamp(unit, zone) => {
            let zone = zone.as_deref().map(|_| london()).transpose()?;
            let per_second = match unit {
                TimeUnit::Second => 1,
                TimeUnit::Millisecond => 1_000,
                TimeUnit::Microsecond => 1_000_000,
                TimeUnit::Nanosecond => 1_000_000_000,
            };
            let ticks: Vec<Option<i64>> = match unit {
                TimeUnit::Second => array.as_primitive::<TimestampSecondType>().iter().collect(),
                TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().iter().collect(),
                TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().iter().collect(),
                TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().iter().collect(),
            };
            let day = |tick: i64| match &zone {
                None => day_of_epoch(tick.div_euclid(per_second), 1),
                // A moment belongs to the day it has in England.
                Some(zone) => Timestamp::from_second(tick.div_euclid(per_second))
                    .map_or(DayCell::Bad, |moment| day_cell(zone.to_datetime(moment).date())),
            };
            ticks.into_iter().map(|tick| tick.map_or(DayCell::None, day)).collect()
        }
        other => return Err(unreadable(name, other, "a date")),
    };
    Ok(cells)
}

fn day_of_epoch(count: i64, seconds_each: i64) -> DayCell {
    let days = count.saturating_mul(seconds_each).div_euclid(86_400);
    let epoch = Date::constant(1970, 1, 1);
    Span::new().try_days(days).and_then(|span| epoch.checked_add(span)).map_or(DayCell::Bad, day_cell)
}

fn day_cell(date: Date) -> DayCell {
    if date.year() >= 1 { DayCell::Day(Day::from(date)) } else { DayCell::Bad }
}

fn london() -> Result<TimeZone> {
    TimeZone::get("Europe/London").map_err(|_| {
        Error::new(
            Kind::Io,
            "this machine has no time zone data for Europe/London",
            "install the operating system's tzdata package",
        )
    })
}

fn unreadable(name: &str, found: &DataType, wanted: &str) -> Error {
    Error::new(
        Kind::Schema,
        format!("column {name} has type {found}, which cannot be read as {wanted}"),
        "compare the column with the SSD's own definition, or map another column in [source.names]",
    )
}
