//! Rows as they come from the driver.

use csc_bridge_sql::{Row, Value};
use oracle::sql_type::{InnerValue, OracleType};
use oracle::{RowValue, SqlValue};

use crate::bind::days;

/// One value.
// No Debug: a value may be a child's data.
pub(crate) enum Cell {
    Null,
    /// A whole number that the driver reads as one.
    Integer(i64),
    /// Any other NUMBER: its digits, which are the next bytes of the row's text.
    Number(usize),
    /// Text: the next bytes of the row's text.
    Text(usize),
    Bytes(Vec<u8>),
    Flag(bool),
    /// Microseconds since 1970-01-01, as the clock shows them; in UTC where the type has a zone.
    Time(i64),
    /// A value of a type, or of a form, that is not read.
    Unreadable,
}

/// The values of one row. Their text is in one piece: a row costs two allocations, not one for each cell.
pub(crate) struct Cells {
    pub(crate) text: String,
    pub(crate) cells: Vec<Cell>,
}

impl RowValue for Cells {
    /// From the driver's own buffer, which it uses again for the next rows.
    fn get(row: &oracle::Row) -> oracle::Result<Cells> {
        let values = row.sql_values();
        let mut cells = Cells { text: String::new(), cells: Vec::with_capacity(values.len()) };
        for value in values {
            let cell = cells.read(value)?;
            cells.cells.push(cell);
        }
        Ok(cells)
    }
}

impl Cells {
    fn read(&mut self, value: &SqlValue<'_>) -> oracle::Result<Cell> {
        if value.is_null()? {
            return Ok(Cell::Null);
        }
        Ok(match value.as_inner_value()? {
            InnerValue::Int64(number) => Cell::Integer(number),
            InnerValue::UInt64(number) => i64::try_from(number).map_or(Cell::Unreadable, Cell::Integer),
            InnerValue::Number(digits) => Cell::Number(self.add(digits)),
            InnerValue::Float(number) => Cell::Text(self.add(&number.to_string())),
            InnerValue::Double(number) => Cell::Text(self.add(&number.to_string())),
            // To Oracle it is no text at all.
            InnerValue::Char([]) => Cell::Null,
            InnerValue::Char(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Cell::Text(self.add(text)),
                Err(_) => Cell::Unreadable,
            },
            InnerValue::Raw(bytes) => Cell::Bytes(bytes.to_vec()),
            InnerValue::Boolean(flag) => Cell::Flag(flag),
            InnerValue::Timestamp(time) => {
                let day = days(i32::from(time.year), u32::from(time.month), u32::from(time.day));
                let clock = i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second);
                let zone = i64::from(time.tzHourOffset) * 3600 + i64::from(time.tzMinuteOffset) * 60;
                let zone = if has_zone(value.oracle_type()?) { zone } else { 0 };
                Cell::Time((day * 86_400 + clock - zone) * 1_000_000 + i64::from(time.fsecond) / 1000)
            }
            _ => Cell::Unreadable,
        })
    }

    fn add(&mut self, text: &str) -> usize {
        self.text.push_str(text);
        text.len()
    }

    /// As a row of a small query. `None` where a value is not readable there.
    pub(crate) fn into_row(self) -> Option<Row> {
        let (mut text, mut values) = (self.text.as_str(), Vec::with_capacity(self.cells.len()));
        for cell in self.cells {
            values.push(match cell {
                Cell::Null => Value::Null,
                Cell::Integer(number) => Value::Integer(number),
                Cell::Number(length) => {
                    let digits = next(&mut text, length)?;
                    digits.parse().map_or_else(|_| Value::text(digits), Value::Integer)
                }
                Cell::Text(length) => Value::text(next(&mut text, length)?),
                Cell::Bytes(bytes) => Value::Bytes(bytes),
                Cell::Flag(flag) => Value::Integer(i64::from(flag)),
                // Times are asked for as text.
                Cell::Time(_) | Cell::Unreadable => return None,
            });
        }
        Some(Row(values))
    }
}

/// The next bytes of a row's text.
pub(crate) fn next<'t>(text: &mut &'t str, length: usize) -> Option<&'t str> {
    let (this, rest) = text.split_at_checked(length)?;
    *text = rest;
    Some(this)
}

/// Whether a time of this type is of a place.
pub(crate) fn has_zone(kind: &OracleType) -> bool {
    matches!(kind, OracleType::TimestampTZ(_) | OracleType::TimestampLTZ(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_numbers_and_all_others_text() {
        let cells = Cells {
            text: "1712345678901234567890é".to_owned(),
            cells: vec![Cell::Number(2), Cell::Number(20), Cell::Null, Cell::Text(2), Cell::Flag(true)],
        };
        let Row(values) = cells.into_row().expect("readable");
        assert!(matches!(values[0], Value::Integer(17)));
        assert!(matches!(&values[1], Value::Text(text) if text == "12345678901234567890"));
        assert!(matches!(values[2], Value::Null));
        assert!(matches!(&values[3], Value::Text(text) if text == "é"));
        assert!(matches!(values[4], Value::Integer(1)));
    }

    #[test]
    fn a_time_is_no_value_of_a_small_query() {
        assert!(Cells { text: String::new(), cells: vec![Cell::Time(0)] }.into_row().is_none());
    }
}
