//! Values as bytes (MS-TDS 2.2.5.5) and how their length is told.

use std::io;

use bytes::{BufMut, BytesMut};

use super::read::{Reader, malformed, utf16};
use super::types::{Length, TypeInfo, decimal_length};
use crate::session::{Type, Value};

/// Days from 0001-01-01 to 1900-01-01, with which `datetime` begins.
const FROM_1900: i32 = 693_595;
const DAY: u64 = 86_400_000_000_000;
const MINUTE: u64 = 60_000_000_000;
/// In SQL Server's own chunks a value of a type with `max` comes in pieces of about this size.
const CHUNK: usize = 8_000;

/// Writes a value; the error says why it does not fit its type.
pub(crate) fn write(buffer: &mut BytesMut, info: &TypeInfo, value: &Value) -> Result<(), String> {
    if *value == Value::Null {
        match info.length {
            Length::Null => {}
            Length::Fixed(_) => return Err(format!("a null in a column that is {:?} and not null", info.kind)),
            Length::Byte => buffer.put_u8(0),
            Length::Short => buffer.put_u16_le(u16::MAX),
            Length::Chunks => buffer.put_u64_le(u64::MAX),
        }
        return Ok(());
    }
    let bytes = bytes(info, value)?;
    match info.length {
        Length::Null => return Err("a value of the type null".to_owned()),
        Length::Fixed(_) => {}
        Length::Byte => buffer.put_u8(u8::try_from(bytes.len()).map_err(|_| too_long(info))?),
        Length::Short => {
            let length = u16::try_from(bytes.len()).ok().filter(|length| *length < u16::MAX);
            buffer.put_u16_le(length.ok_or_else(|| too_long(info))?);
        }
        Length::Chunks => {
            buffer.put_u64_le(bytes.len() as u64);
            for chunk in bytes.chunks(CHUNK) {
                buffer.put_u32_le(chunk.len() as u32);
                buffer.put_slice(chunk);
            }
            buffer.put_u32_le(0);
            return Ok(());
        }
    }
    buffer.put_slice(&bytes);
    Ok(())
}

fn too_long(info: &TypeInfo) -> String {
    format!("a value is too long for {:?}", info.kind)
}

fn bytes(info: &TypeInfo, value: &Value) -> Result<Vec<u8>, String> {
    let unfit = || format!("{value:?} is no value of {:?}", info.kind);
    Ok(match (info.kind, value) {
        (Type::Bit, Value::Bit(bit)) => vec![u8::from(*bit)],
        (Type::TinyInt, Value::Integer(number)) => vec![u8::try_from(*number).map_err(|_| unfit())?],
        (Type::SmallInt, Value::Integer(number)) => i16::try_from(*number).map_err(|_| unfit())?.to_le_bytes().to_vec(),
        (Type::Int, Value::Integer(number)) => i32::try_from(*number).map_err(|_| unfit())?.to_le_bytes().to_vec(),
        (Type::BigInt, Value::Integer(number)) => number.to_le_bytes().to_vec(),
        (Type::Real, Value::Float(number)) => (*number as f32).to_le_bytes().to_vec(),
        (Type::Float, Value::Float(number)) => number.to_le_bytes().to_vec(),
        (Type::Decimal { precision, .. }, Value::Decimal(digits)) => {
            let mut bytes = vec![u8::from(*digits >= 0)];
            let width = usize::from(decimal_length(precision)) - 1;
            let all = digits.unsigned_abs().to_le_bytes();
            if digits.unsigned_abs() >= 10u128.pow(u32::from(precision.min(38))) {
                return Err(unfit());
            }
            bytes.extend_from_slice(&all[..width]);
            bytes
        }
        (Type::NVarChar(limit), Value::Text(text)) => {
            let bytes = utf16_bytes(text);
            within(&bytes, limit.map(|limit| usize::from(limit) * 2), unfit)?;
            bytes
        }
        (Type::NChar(length), Value::Text(text)) => {
            let mut bytes = utf16_bytes(text);
            within(&bytes, Some(usize::from(length) * 2), unfit)?;
            while bytes.len() < usize::from(length) * 2 {
                bytes.extend_from_slice(&[b' ', 0]);
            }
            bytes
        }
        (Type::VarChar(limit), Value::Text(text)) => {
            let bytes = info.collation.encode(text);
            within(&bytes, limit.map(usize::from), unfit)?;
            bytes
        }
        (Type::Char(length), Value::Text(text)) => {
            let mut bytes = info.collation.encode(text);
            within(&bytes, Some(usize::from(length)), unfit)?;
            bytes.resize(usize::from(length), b' ');
            bytes
        }
        (Type::VarBinary(limit), Value::Bytes(bytes)) => {
            within(bytes, limit.map(usize::from), unfit)?;
            bytes.clone()
        }
        (Type::Binary(length), Value::Bytes(bytes)) => {
            within(bytes, Some(usize::from(length)), unfit)?;
            let mut bytes = bytes.clone();
            bytes.resize(usize::from(length), 0);
            bytes
        }
        (Type::RowVersion, Value::Bytes(bytes)) if bytes.len() == 8 => bytes.clone(),
        (Type::RowVersion, Value::Integer(number)) => number.to_be_bytes().to_vec(),
        (Type::UniqueIdentifier, Value::Text(text)) => guid_bytes(text).ok_or_else(unfit)?.to_vec(),
        (Type::Date, Value::Date(days)) => days_bytes(*days).ok_or_else(unfit)?.to_vec(),
        (Type::Time(scale), Value::Moment { nanoseconds, .. }) => time_bytes(rounded(*nanoseconds, scale).0, scale),
        (Type::DateTime2(scale), Value::Moment { days, nanoseconds, .. }) => {
            moment_bytes(*days, *nanoseconds, scale).ok_or_else(unfit)?
        }
        (Type::DateTimeOffset(scale), Value::Moment { days, nanoseconds, offset_minutes }) => {
            let (days, nanoseconds) = shifted(*days, *nanoseconds, -i32::from(*offset_minutes));
            let mut bytes = moment_bytes(days, nanoseconds, scale).ok_or_else(unfit)?;
            bytes.extend_from_slice(&offset_minutes.to_le_bytes());
            bytes
        }
        (Type::DateTime, Value::Moment { days, nanoseconds, .. }) => {
            let mut days = days - FROM_1900;
            let mut ticks = (nanoseconds * 3 + 5_000_000) / 10_000_000;
            if ticks >= 86_400 * 300 {
                (days, ticks) = (days + 1, 0);
            }
            [days.to_le_bytes(), (ticks as u32).to_le_bytes()].concat()
        }
        (Type::SmallDateTime, Value::Moment { days, nanoseconds, .. }) => {
            let mut days = days - FROM_1900;
            let mut minutes = (nanoseconds + MINUTE / 2) / MINUTE;
            if minutes >= 1440 {
                (days, minutes) = (days + 1, 0);
            }
            [u16::try_from(days).map_err(|_| unfit())?.to_le_bytes(), (minutes as u16).to_le_bytes()].concat()
        }
        _ => return Err(unfit()),
    })
}

fn within(bytes: &[u8], limit: Option<usize>, unfit: impl Fn() -> String) -> Result<(), String> {
    if limit.is_some_and(|limit| bytes.len() > limit) { Err(unfit()) } else { Ok(()) }
}

fn utf16_bytes(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A GUID's first three parts are little-endian (MS-DTYP 2.3.4.2).
fn guid_bytes(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|character| !matches!(character, '-' | '{' | '}')).collect();
    if digits.len() != 32 || !digits.is_ascii() {
        return None;
    }
    let mut bytes = u128::from_str_radix(&digits, 16).ok()?.to_be_bytes();
    swap_guid(&mut bytes);
    Some(bytes)
}

fn swap_guid(bytes: &mut [u8; 16]) {
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
}

fn days_bytes(days: i32) -> Option<[u8; 3]> {
    let [a, b, c, high] = u32::try_from(days).ok()?.to_le_bytes();
    (high == 0).then_some([a, b, c])
}

/// The time in units of the scale, and whether it became midnight of the next day.
fn rounded(nanoseconds: u64, scale: u8) -> (u64, bool) {
    let unit = 10u64.pow(9 - u32::from(scale.min(7)));
    let units = (nanoseconds + unit / 2) / unit;
    if units >= DAY / unit { (0, true) } else { (units, false) }
}

fn time_bytes(units: u64, scale: u8) -> Vec<u8> {
    let width = match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    };
    units.to_le_bytes()[..width].to_vec()
}

fn moment_bytes(days: i32, nanoseconds: u64, scale: u8) -> Option<Vec<u8>> {
    let (units, next) = rounded(nanoseconds, scale);
    let mut bytes = time_bytes(units, scale);
    bytes.extend_from_slice(&days_bytes(days + i32::from(next))?);
    Some(bytes)
}

fn shifted(days: i32, nanoseconds: u64, minutes: i32) -> (i32, u64) {
    let all = i128::from(days) * i128::from(DAY) + i128::from(nanoseconds) + i128::from(minutes) * i128::from(MINUTE);
    (all.div_euclid(i128::from(DAY)) as i32, all.rem_euclid(i128::from(DAY)) as u64)
}

/// Reads a value.
pub(crate) fn read(reader: &mut Reader<'_>, info: &TypeInfo) -> io::Result<Value> {
    match info.length {
        Length::Null => Ok(Value::Null),
        Length::Fixed(length) => value(info, reader.bytes(length)?),
        Length::Byte => match reader.u8()? {
            0 => Ok(Value::Null),
            length => value(info, reader.bytes(usize::from(length))?),
        },
        Length::Short => match reader.u16()? {
            u16::MAX => Ok(Value::Null),
            length => value(info, reader.bytes(usize::from(length))?),
        },
        Length::Chunks => {
            if reader.u64()? == u64::MAX {
                return Ok(Value::Null);
            }
            let mut bytes = Vec::new();
            loop {
                match reader.u32()? {
                    0 => return value(info, &bytes),
                    length => bytes.extend_from_slice(reader.bytes(length as usize)?),
                }
            }
        }
    }
}

fn value(info: &TypeInfo, bytes: &[u8]) -> io::Result<Value> {
    Ok(match info.kind {
        Type::Bit => Value::Bit(number(bytes, &[1])? != 0),
        Type::TinyInt | Type::SmallInt | Type::Int | Type::BigInt => Value::Integer(match *bytes {
            [a] => i64::from(a),
            [a, b] => i64::from(i16::from_le_bytes([a, b])),
            [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
            [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
            _ => return Err(length(info, bytes)),
        }),
        Type::Real | Type::Float => Value::Float(match *bytes {
            [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
            [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
            _ => return Err(length(info, bytes)),
        }),
        Type::Decimal { .. } => {
            let (sign, digits) = bytes.split_first().ok_or_else(|| length(info, bytes))?;
            let digits = number(digits, &[4, 8, 12, 16])?;
            let digits = i128::try_from(digits).map_err(|_| malformed("a decimal is out of range"))?;
            Value::Decimal(if *sign == 0 { -digits } else { digits })
        }
        Type::NVarChar(_) | Type::NChar(_) => Value::Text(utf16(bytes)?),
        Type::VarChar(_) | Type::Char(_) => Value::Text(info.collation.decode(bytes)),
        Type::VarBinary(_) | Type::Binary(_) | Type::RowVersion => Value::Bytes(bytes.to_vec()),
        Type::UniqueIdentifier => {
            let mut bytes: [u8; 16] = bytes.try_into().map_err(|_| length(info, bytes))?;
            swap_guid(&mut bytes);
            Value::Text(guid_text(u128::from_be_bytes(bytes)))
        }
        Type::Date => Value::Date(number(bytes, &[3])? as i32),
        Type::Time(scale) => moment(0, time(bytes, scale)?, 0),
        Type::DateTime2(scale) => {
            let (time_part, days) = split(info, bytes, 3)?;
            moment(number(days, &[3])? as i32, time(time_part, scale)?, 0)
        }
        Type::DateTimeOffset(scale) => {
            let (bytes, offset) = split(info, bytes, 2)?;
            let (time_part, days) = split(info, bytes, 3)?;
            let offset = number(offset, &[2])? as u16 as i16;
            let (days, nanoseconds) = shifted(number(days, &[3])? as i32, time(time_part, scale)?, i32::from(offset));
            moment(days, nanoseconds, offset)
        }
        Type::DateTime => {
            let (days, ticks) = split(info, bytes, 4)?;
            let days = number(days, &[4])? as u32 as i32;
            // SQL Server shows thousandths: .000, .003, .007.
            let milliseconds = (number(ticks, &[4])? * 10 + 1) / 3;
            moment(days.saturating_add(FROM_1900), within_day(milliseconds * 1_000_000)?, 0)
        }
        Type::SmallDateTime => {
            let (days, minutes) = split(info, bytes, 2)?;
            let nanoseconds = within_day(number(minutes, &[2])? * u128::from(MINUTE))?;
            moment(number(days, &[2])? as i32 + FROM_1900, nanoseconds, 0)
        }
    })
}

fn moment(days: i32, nanoseconds: u64, offset_minutes: i16) -> Value {
    Value::Moment { days, nanoseconds, offset_minutes }
}

fn length(info: &TypeInfo, bytes: &[u8]) -> io::Error {
    malformed(format!("a value of {:?} with {} bytes", info.kind, bytes.len()))
}

fn split<'a>(info: &TypeInfo, bytes: &'a [u8], last: usize) -> io::Result<(&'a [u8], &'a [u8])> {
    bytes.split_at_checked(bytes.len().wrapping_sub(last)).ok_or_else(|| length(info, bytes))
}

fn number(bytes: &[u8], allowed: &[usize]) -> io::Result<u128> {
    if !allowed.contains(&bytes.len()) {
        return Err(malformed(format!("a number with {} bytes", bytes.len())));
    }
    let mut all = [0; 16];
    all[..bytes.len()].copy_from_slice(bytes);
    Ok(u128::from_le_bytes(all))
}

fn time(bytes: &[u8], scale: u8) -> io::Result<u64> {
    within_day(number(bytes, &[3, 4, 5])? * 10u128.pow(9 - u32::from(scale.min(7))))
}

fn within_day(nanoseconds: u128) -> io::Result<u64> {
    match u64::try_from(nanoseconds) {
        Ok(nanoseconds) if nanoseconds < DAY => Ok(nanoseconds),
        _ => Err(malformed("a time after midnight")),
    }
}

fn guid_text(number: u128) -> String {
    let digits = format!("{number:032X}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}
