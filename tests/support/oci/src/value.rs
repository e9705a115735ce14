//! Values between OCI's buffers and PostgreSQL.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A value. An empty text is null, as it is in Oracle.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Value {
    #[default]
    Null,
    Text(String),
    /// In decimal digits.
    Number(String),
    Double(f64),
    Bytes(Vec<u8>),
    Moment(Moment),
}

/// What a bound value is for PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Text,
    Number,
    Double,
    Date,
    Timestamp,
    TimestampTz,
    Raw,
    Clob,
    Blob,
}

impl Kind {
    /// Parameter `number` with its type.
    pub(crate) fn parameter(self, number: usize) -> String {
        match self {
            Kind::Text => format!("${number}"),
            Kind::Number => format!("CAST(${number} AS numeric)"),
            Kind::Double => format!("CAST(${number} AS float8)"),
            Kind::Date => format!("CAST(CAST(${number} AS timestamp) AS oracle.date)"),
            Kind::Timestamp => format!("CAST(${number} AS timestamp)"),
            Kind::TimestampTz => format!("CAST(${number} AS timestamptz)"),
            Kind::Raw => format!("${number}"),
            Kind::Clob => format!("CAST(${number} AS oracle.clob)"),
            Kind::Blob => format!("CAST(${number} AS oracle.blob)"),
        }
    }

    /// As what it is sent.
    pub(crate) fn sent(self) -> Type {
        match self {
            Kind::Raw | Kind::Blob => Type::BYTEA,
            _ => Type::TEXT,
        }
    }
}

/// A point in time as a clock shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Moment {
    pub(crate) year: i16,
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    pub(crate) nanoseconds: u32,
    /// Minutes east of Greenwich, where it has a zone.
    pub(crate) offset: Option<i16>,
}

impl Moment {
    /// From microseconds since 2000-01-01.
    pub(crate) fn of(microseconds: i64) -> Moment {
        const DAY: i64 = 86_400_000_000;
        let (days, rest) = (microseconds.div_euclid(DAY), microseconds.rem_euclid(DAY));
        // The proleptic Gregorian calendar, in years that begin in March.
        let shifted = days + 730_425;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let seconds = rest / 1_000_000;
        Moment {
            year: year as i16,
            month: month as u8,
            day: (of_year - (153 * shifted_month + 2) / 5 + 1) as u8,
            hour: (seconds / 3600) as u8,
            minute: (seconds / 60 % 60) as u8,
            second: (seconds % 60) as u8,
            nanoseconds: (rest % 1_000_000 * 1000) as u32,
            offset: None,
        }
    }

    fn text(&self) -> String {
        let Moment { year, month, day, hour, minute, second, nanoseconds, offset } = self;
        let zone = match offset {
            None => String::new(),
            Some(minutes) => {
                let sign = if *minutes < 0 { '-' } else { '+' };
                format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        };
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{nanoseconds:09}{zone}")
    }
}

impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Value::Null => return Ok(IsNull::Yes),
            Value::Text(text) | Value::Number(text) => out.put_slice(text.as_bytes()),
            Value::Double(number) => out.put_slice(number.to_string().as_bytes()),
            Value::Bytes(bytes) => out.put_slice(bytes),
            Value::Moment(moment) => out.put_slice(moment.text().as_bytes()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl FromSql<'_> for Value {
    fn from_sql(kind: &Type, raw: &[u8]) -> Result<Value, Box<dyn Error + Sync + Send>> {
        let whole = |raw: &[u8]| -> Option<i64> {
            Some(match raw.len() {
                2 => i16::from_be_bytes(raw.try_into().ok()?).into(),
                4 => i32::from_be_bytes(raw.try_into().ok()?).into(),
                8 => i64::from_be_bytes(raw.try_into().ok()?),
                _ => return None,
            })
        };
        let whole = || whole(raw).ok_or("a number of another length");
        Ok(match kind.name() {
            "text" | "varchar" | "bpchar" | "name" | "unknown" | "clob" => {
                let text = std::str::from_utf8(raw)?;
                // Only a locator can hold a text without any character.
                if text.is_empty() && kind.name() != "clob" { Value::Null } else { Value::Text(text.to_owned()) }
            }
            "int2" | "int4" | "int8" => Value::Number(whole()?.to_string()),
            "oid" => Value::Number((whole()? as u32).to_string()),
            "numeric" => Value::Number(numeric(raw).ok_or("a numeric that is no number")?),
            "float8" => Value::Double(f64::from_bits(whole()? as u64)),
            "bytea" | "raw" if raw.is_empty() => Value::Null,
            "bytea" | "raw" | "blob" => Value::Bytes(raw.to_vec()),
            "timestamp" | "date" => Value::Moment(Moment::of(whole()?)),
            "timestamptz" => Value::Moment(Moment { offset: Some(0), ..Moment::of(whole()?) }),
            other => return Err(format!("a value of type {other}").into()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Value, Box<dyn Error + Sync + Send>> {
        Ok(Value::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// PostgreSQL's binary numeric: groups of four digits.
fn numeric(raw: &[u8]) -> Option<String> {
    let part = |at: usize| Some(i16::from_be_bytes(raw.get(at * 2..at * 2 + 2)?.try_into().ok()?));
    let (count, weight, sign, scale) = (part(0)?, part(1)?, part(2)? as u16, part(3)?);
    if sign & 0xC000 == 0xC000 {
        return None;
    }
    let group = |at: i16| if at < 0 || at >= count { Some(0) } else { part(4 + at as usize) };
    let mut text = String::new();
    for at in 0..=weight.max(0) {
        let digits = if weight < 0 { 0 } else { group(at)? };
        if text.is_empty() { text += &digits.to_string() } else { text += &format!("{digits:04}") }
    }
    let whole = text.trim_start_matches('0');
    let mut text = if whole.is_empty() { "0".to_owned() } else { whole.to_owned() };
    if scale > 0 {
        let mut digits = String::new();
        for at in 0..(scale + 3) / 4 {
            digits += &format!("{:04}", group(weight + 1 + at)?);
        }
        digits.truncate(scale as usize);
        let digits = digits.trim_end_matches('0');
        if !digits.is_empty() {
            text = format!("{text}.{digits}");
        }
    }
    Some(if sign == 0x4000 { format!("-{text}") } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let day = |days: i64| Moment::of(days * 86_400_000_000);
        let shown = |moment: Moment| (moment.year, moment.month, moment.day);
        assert_eq!(shown(day(0)), (2000, 1, 1));
        assert_eq!(shown(day(59)), (2000, 2, 29));
        assert_eq!(shown(day(-1)), (1999, 12, 31));
        assert_eq!(shown(day(9820)), (2026, 11, 20));
    }
}
