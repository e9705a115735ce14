//! Values on their way to PostgreSQL and back, in its binary formats.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type as PgType, to_sql_checked};

use super::types::{self, Family};
use crate::session::{Type, Value};

/// Days from 0001-01-01 to 2000-01-01, from which PostgreSQL counts.
const EPOCH: i32 = 730_119;
const DAY: i64 = 86_400_000_000;

/// A parameter. Times, decimals and the like go as text, and the statement converts them.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    kind: Type,
    value: Value,
}

impl Bound {
    pub(crate) fn new(kind: Type, value: &Value) -> Bound {
        Bound { kind, value: value.clone() }
    }
}

/// The type under which a parameter is sent.
pub(crate) fn sent_as(kind: Type) -> PgType {
    match (kind, types::family(kind)) {
        (Type::Int, _) => PgType::INT4,
        (Type::BigInt, _) => PgType::INT8,
        (_, Family::Whole) => PgType::INT2,
        (Type::Float | Type::Real, _) => PgType::FLOAT8,
        (_, Family::Bytes) => PgType::BYTEA,
        _ => PgType::TEXT,
    }
}

impl ToSql for Bound {
    fn to_sql(&self, kind: &PgType, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (&self.value, kind) {
            (Value::Null, _) => return Ok(IsNull::Yes),
            (Value::Integer(number), &PgType::INT2) => out.put_i16(i16::try_from(*number)?),
            (Value::Integer(number), &PgType::INT4) => out.put_i32(i32::try_from(*number)?),
            (Value::Integer(number), &PgType::INT8) => out.put_i64(*number),
            (Value::Bit(bit), &PgType::INT2) => out.put_i16(i16::from(*bit)),
            (Value::Float(number), &PgType::FLOAT8) => out.put_f64(*number),
            (Value::Bytes(bytes), &PgType::BYTEA) => out.put_slice(bytes),
            (value, &PgType::TEXT) => out.put_slice(text(self.kind, value)?.as_bytes()),
            (_, kind) => return Err(format!("a value that is no {kind}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &PgType) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value as PostgreSQL reads it from text.
pub(crate) fn text(kind: Type, value: &Value) -> Result<String, Box<dyn Error + Sync + Send>> {
    Ok(match value {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bit(bit) => u8::from(*bit).to_string(),
        Value::Decimal(digits) => match kind {
            Type::Decimal { scale, .. } => format!("{digits}e-{scale}"),
            _ => digits.to_string(),
        },
        Value::Date(days) => date(*days),
        Value::Moment { nanoseconds, .. } if matches!(kind, Type::Time(_)) => time(*nanoseconds),
        Value::Moment { days, nanoseconds, .. } => match kind {
            // The moment is UTC's; PostgreSQL keeps no offset.
            Type::DateTimeOffset(_) => format!("{} {}+00", date(*days), time(*nanoseconds)),
            _ => format!("{} {}", date(*days), time(*nanoseconds)),
        },
        Value::Null | Value::Bytes(_) => return Err("a value that is no text".into()),
    })
}

fn time(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{:09}", nanoseconds % 1_000_000_000)
}

/// The proleptic Gregorian date of a number of days since 0001-01-01.
pub(crate) fn date(days: i32) -> String {
    // Counted from 0000-03-01, so that the day of a leap year is the last of its year.
    let days = i64::from(days) + 306;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) =
        (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A value of a row, as it came.
pub(crate) struct Raw(Option<Vec<u8>>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &PgType, raw: &'a [u8]) -> Result<Raw, Box<dyn Error + Sync + Send>> {
        Ok(Raw(Some(raw.to_vec())))
    }

    fn from_sql_null(_: &PgType) -> Result<Raw, Box<dyn Error + Sync + Send>> {
        Ok(Raw(None))
    }

    fn accepts(_: &PgType) -> bool {
        true
    }
}

/// A value as SQL Server's type has it; `None` where the bytes are not what PostgreSQL says.
pub(crate) fn value(raw: Raw, from: &PgType, kind: Type) -> Option<Value> {
    let Some(bytes) = raw.0 else { return Some(Value::Null) };
    let micros = || Some(i64::from_be_bytes(bytes.as_slice().try_into().ok()?));
    let whole = |number: i64| match kind {
        Type::Bit => Value::Bit(number != 0),
        Type::Decimal { scale, .. } => Value::Decimal(i128::from(number) * 10_i128.pow(u32::from(scale))),
        // Integers that stand beside floats.
        #[allow(clippy::cast_precision_loss)]
        Type::Float | Type::Real => Value::Float(number as f64),
        _ => Value::Integer(number),
    };
    Some(match *from {
        PgType::BOOL => Value::Bit(bytes.first()? != &0),
        PgType::INT2 => whole(i64::from(i16::from_be_bytes(bytes.try_into().ok()?))),
        PgType::INT4 => whole(i64::from(i32::from_be_bytes(bytes.try_into().ok()?))),
        PgType::INT8 => whole(i64::from_be_bytes(bytes.try_into().ok()?)),
        PgType::OID => whole(i64::from(u32::from_be_bytes(bytes.try_into().ok()?))),
        PgType::FLOAT4 => Value::Float(f64::from(f32::from_be_bytes(bytes.try_into().ok()?))),
        PgType::FLOAT8 => Value::Float(f64::from_be_bytes(bytes.try_into().ok()?)),
        PgType::NUMERIC => {
            let scale = if let Type::Decimal { scale, .. } = kind { scale } else { 0 };
            let digits = numeric(&bytes, scale)?;
            match types::family(kind) {
                Family::Whole => whole(i64::try_from(digits).ok()?),
                _ => Value::Decimal(digits),
            }
        }
        PgType::TEXT | PgType::VARCHAR | PgType::BPCHAR | PgType::NAME | PgType::UNKNOWN => {
            Value::Text(padded(String::from_utf8(bytes).ok()?, kind))
        }
        PgType::BYTEA => Value::Bytes(match kind {
            Type::Binary(length) => {
                let mut bytes = bytes;
                bytes.resize(bytes.len().max(usize::from(length)), 0);
                bytes
            }
            _ => bytes,
        }),
        PgType::DATE => moment(i64::from(i32::from_be_bytes(bytes.try_into().ok()?)).checked_mul(DAY)?, kind)?,
        PgType::TIMESTAMP | PgType::TIMESTAMPTZ => moment(micros()?, kind)?,
        PgType::TIME => {
            Value::Moment { days: 0, nanoseconds: u64::try_from(micros()?).ok()? * 1000, offset_minutes: 0 }
        }
        PgType::UUID => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            let part = |from: usize, to: usize| hex.get(from..to);
            let parts = [part(0, 8)?, part(8, 12)?, part(12, 16)?, part(16, 20)?, part(20, 32)?];
            Value::Text(parts.join("-"))
        }
        _ => return None,
    })
}

/// NCHAR and CHAR are filled up with spaces.
fn padded(mut text: String, kind: Type) -> String {
    if let Type::NChar(length) | Type::Char(length) = kind {
        let missing = usize::from(length).saturating_sub(text.chars().count());
        text.extend(std::iter::repeat_n(' ', missing));
    }
    text
}

fn moment(micros: i64, kind: Type) -> Option<Value> {
    let days = i32::try_from(micros.div_euclid(DAY)).ok()? + EPOCH;
    let nanoseconds = u64::try_from(micros.rem_euclid(DAY)).ok()? * 1000;
    Some(match kind {
        Type::Date => Value::Date(days),
        _ => Value::Moment { days, nanoseconds, offset_minutes: 0 },
    })
}

/// PostgreSQL's numeric as a whole number of units of `scale`; cut off, not rounded, which the statement has done.
fn numeric(bytes: &[u8], scale: u8) -> Option<i128> {
    let word = |at: usize| Some(i16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    let (count, weight, sign) = (word(0)?, i32::from(word(2)?), word(4)?);
    let mut sum: i128 = 0;
    for at in 0..count {
        let digit = i128::from(word(8 + 2 * usize::try_from(at).ok()?)?);
        // The digit's value is digit × 10000^(weight − at).
        let power = 4 * (weight - i32::from(at)) + i32::from(scale);
        sum += match u32::try_from(power) {
            Ok(power) => digit.checked_mul(10_i128.checked_pow(power)?)?,
            Err(_) => digit / 10_i128.checked_pow(power.unsigned_abs())?,
        };
    }
    match sign {
        0 => Some(sum),
        0x4000 => Some(-sum),
        _ => None,
    }
}
