//! Arrow values in PostgreSQL's text format, for columns of types that have no form of their own: the server reads them as it reads
//! constants.

use std::fmt::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use bytes::{BufMut, BytesMut};
use csc_bridge_core::error::{Error, Result};

use crate::error::no_such_character;

/// Writes one row: a tab between values, a line feed at the end.
pub(super) fn write_row(rows: &RecordBatch, at: usize, out: &mut BytesMut, place: &str) -> Result<()> {
    for (number, column) in rows.columns().iter().enumerate() {
        if number > 0 {
            out.put_u8(b'\t');
        }
        match column.is_null(at) {
            true => out.put_slice(b"\\N"),
            false => write(column.as_ref(), at, out, place)?,
        }
    }
    out.put_u8(b'\n');
    Ok(())
}

fn write(column: &dyn Array, at: usize, out: &mut BytesMut, place: &str) -> Result<()> {
    // Writing into memory does not fail.
    let _ = match column.data_type() {
        DataType::Utf8 => return write_text(column.as_string::<i32>().value(at), out, place),
        DataType::Binary => {
            out.put_slice(b"\\\\x");
            column.as_binary::<i32>().value(at).iter().try_for_each(|byte| write!(out, "{byte:02x}"))
        }
        DataType::Int32 => write!(out, "{}", column.as_primitive::<Int32Type>().value(at)),
        DataType::Int64 => write!(out, "{}", column.as_primitive::<Int64Type>().value(at)),
        DataType::Date32 => {
            let (year, month, day) = civil(column.as_primitive::<Date32Type>().value(at).into());
            match year {
                1.. => write!(out, "{year:04}-{month:02}-{day:02}"),
                // There is no year 0: the one before 1 is 1 before Christ.
                _ => write!(out, "{:04}-{month:02}-{day:02} BC", 1 - year),
            }
        }
        other => return Err(Error::internal(format!("a column of type {other} cannot be loaded into PostgreSQL"))),
    };
    Ok(())
}

fn write_text(text: &str, out: &mut BytesMut, place: &str) -> Result<()> {
    for byte in text.bytes() {
        match byte {
            0 => return Err(no_such_character(place)),
            b'\\' => out.put_slice(b"\\\\"),
            b'\n' => out.put_slice(b"\\n"),
            b'\r' => out.put_slice(b"\\r"),
            b'\t' => out.put_slice(b"\\t"),
            other => out.put_u8(other),
        }
    }
    Ok(())
}

/// Year, month and day of a number of days since 1970-01-01, by the calendar of today, also for days before it.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years are counted from March, so that the leap day is the last, in spans of 400 years, which are all of 146097 days.
    let from_march = days + 719_468;
    let (span, day) = (from_march.div_euclid(146_097), from_march.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    (year + span * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (2_932_896, (9999, 12, 31)),
            (-719_162, (1, 1, 1)),
            (-719_163, (0, 12, 31)),
        ] {
            assert_eq!(civil(days), date);
        }
    }
}
