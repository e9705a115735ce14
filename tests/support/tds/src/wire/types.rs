//! TYPE_INFO: how a type is named on the wire (MS-TDS 2.2.5.4 and 2.2.5.6).

use std::io;

use bytes::{BufMut, BytesMut};

use super::codepage::Collation;
use super::read::{Reader, malformed};
use crate::session::Type;

/// How a value's length is told (MS-TDS 2.2.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// It is always null, and nothing of it is sent.
    Null,
    /// It follows from the type.
    Fixed(usize),
    /// In one byte; 0 is null.
    Byte,
    /// In two bytes; 0xFFFF is null.
    Short,
    /// In chunks: the types with `max` (MS-TDS 2.2.5.2.3).
    Chunks,
}

/// A type as the wire has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TypeInfo {
    pub kind: Type,
    pub length: Length,
    pub collation: Collation,
}

/// What `max` is written as.
const MAX: u16 = 0xffff;

impl TypeInfo {
    /// The type of a column in an answer. As in SQL Server, one that cannot be null has its fixed form where there is one.
    pub fn of(kind: Type, nullable: bool, collation: Collation) -> TypeInfo {
        let length = match kind {
            Type::Bit | Type::TinyInt if !nullable => Length::Fixed(1),
            Type::SmallInt if !nullable => Length::Fixed(2),
            Type::Int | Type::Real | Type::SmallDateTime if !nullable => Length::Fixed(4),
            Type::BigInt | Type::Float | Type::DateTime if !nullable => Length::Fixed(8),
            Type::NVarChar(None) | Type::VarChar(None) | Type::VarBinary(None) => Length::Chunks,
            Type::NVarChar(_)
            | Type::NChar(_)
            | Type::VarChar(_)
            | Type::Char(_)
            | Type::VarBinary(_)
            | Type::Binary(_)
            | Type::RowVersion => Length::Short,
            _ => Length::Byte,
        };
        TypeInfo { kind, length, collation }
    }

    pub fn write(&self, buffer: &mut BytesMut) {
        if let Length::Fixed(_) = self.length {
            buffer.put_u8(match self.kind {
                Type::TinyInt => 0x30,
                Type::Bit => 0x32,
                Type::SmallInt => 0x34,
                Type::SmallDateTime => 0x3a,
                Type::Real => 0x3b,
                Type::DateTime => 0x3d,
                Type::Float => 0x3e,
                Type::BigInt => 0x7f,
                _ => 0x38,
            });
            return;
        }
        match self.kind {
            Type::Bit => buffer.put_slice(&[0x68, 1]),
            Type::TinyInt => buffer.put_slice(&[0x26, 1]),
            Type::SmallInt => buffer.put_slice(&[0x26, 2]),
            Type::Int => buffer.put_slice(&[0x26, 4]),
            Type::BigInt => buffer.put_slice(&[0x26, 8]),
            Type::Real => buffer.put_slice(&[0x6d, 4]),
            Type::Float => buffer.put_slice(&[0x6d, 8]),
            Type::Decimal { precision, scale } => {
                buffer.put_slice(&[0x6c, decimal_length(precision), precision, scale]);
            }
            Type::NVarChar(length) => self.text(buffer, 0xe7, length.map_or(MAX, |length| length.saturating_mul(2))),
            Type::NChar(length) => self.text(buffer, 0xef, length.saturating_mul(2)),
            Type::VarChar(length) => self.text(buffer, 0xa7, length.unwrap_or(MAX)),
            Type::Char(length) => self.text(buffer, 0xaf, length),
            Type::VarBinary(length) => sized(buffer, 0xa5, length.unwrap_or(MAX)),
            Type::Binary(length) => sized(buffer, 0xad, length),
            Type::RowVersion => sized(buffer, 0xad, 8),
            Type::Date => buffer.put_u8(0x28),
            Type::Time(scale) => buffer.put_slice(&[0x29, scale]),
            Type::DateTime2(scale) => buffer.put_slice(&[0x2a, scale]),
            Type::DateTimeOffset(scale) => buffer.put_slice(&[0x2b, scale]),
            Type::SmallDateTime => buffer.put_slice(&[0x6f, 4]),
            Type::DateTime => buffer.put_slice(&[0x6f, 8]),
            Type::UniqueIdentifier => buffer.put_slice(&[0x24, 16]),
        }
    }

    fn text(&self, buffer: &mut BytesMut, token: u8, length: u16) {
        sized(buffer, token, length);
        buffer.put_slice(&self.collation.wire());
    }

    /// Reads the type of a parameter or of a column of a bulk load. `money` is told as `decimal(19, 4)`, `xml` as `nvarchar(max)`.
    pub fn read(reader: &mut Reader<'_>) -> io::Result<TypeInfo> {
        let token = reader.u8()?;
        let (kind, length) = match token {
            0x1f => (Type::NVarChar(Some(4000)), Length::Null),
            0x30 => (Type::TinyInt, Length::Fixed(1)),
            0x32 => (Type::Bit, Length::Fixed(1)),
            0x34 => (Type::SmallInt, Length::Fixed(2)),
            0x38 => (Type::Int, Length::Fixed(4)),
            0x3a => (Type::SmallDateTime, Length::Fixed(4)),
            0x3b => (Type::Real, Length::Fixed(4)),
            0x3d => (Type::DateTime, Length::Fixed(8)),
            0x3e => (Type::Float, Length::Fixed(8)),
            0x7f => (Type::BigInt, Length::Fixed(8)),
            0x68 => (expect(reader, &[1], Type::Bit)?, Length::Byte),
            0x24 => (expect(reader, &[0, 16], Type::UniqueIdentifier)?, Length::Byte),
            0x28 => (Type::Date, Length::Byte),
            0x26 => match reader.u8()? {
                1 => (Type::TinyInt, Length::Byte),
                2 => (Type::SmallInt, Length::Byte),
                4 => (Type::Int, Length::Byte),
                8 => (Type::BigInt, Length::Byte),
                other => return Err(malformed(format!("a whole number of {other} bytes"))),
            },
            0x6d => match reader.u8()? {
                4 => (Type::Real, Length::Byte),
                8 => (Type::Float, Length::Byte),
                other => return Err(malformed(format!("a floating-point number of {other} bytes"))),
            },
            0x6f => match reader.u8()? {
                4 => (Type::SmallDateTime, Length::Byte),
                8 => (Type::DateTime, Length::Byte),
                other => return Err(malformed(format!("a datetime of {other} bytes"))),
            },
            0x6a | 0x6c => {
                reader.u8()?;
                let (precision, scale) = (reader.u8()?, reader.u8()?);
                if precision > 38 || scale > precision {
                    return Err(malformed(format!("a decimal({precision}, {scale})")));
                }
                (Type::Decimal { precision, scale }, Length::Byte)
            }
            0x29 => (Type::Time(scale(reader)?), Length::Byte),
            0x2a => (Type::DateTime2(scale(reader)?), Length::Byte),
            0x2b => (Type::DateTimeOffset(scale(reader)?), Length::Byte),
            0xa5 | 0xa7 | 0xe7 => {
                let (length, how) = match reader.u16()? {
                    MAX => (None, Length::Chunks),
                    length => (Some(length), Length::Short),
                };
                match token {
                    0xa5 => (Type::VarBinary(length), how),
                    0xa7 => (Type::VarChar(length), how),
                    _ => (Type::NVarChar(length.map(|length| length / 2)), how),
                }
            }
            0xad => (Type::Binary(reader.u16()?), Length::Short),
            0xaf => (Type::Char(reader.u16()?), Length::Short),
            0xef => (Type::NChar(reader.u16()? / 2), Length::Short),
            0xf1 => (expect(reader, &[0], Type::NVarChar(None))?, Length::Chunks),
            other => return Err(malformed(format!("the type 0x{other:02x} is not one that this server knows"))),
        };
        let collation = match token {
            0xa7 | 0xaf | 0xe7 | 0xef => Collation::from_wire(reader.bytes(5)?),
            _ => Collation::Latin1,
        };
        Ok(TypeInfo { kind, length, collation })
    }
}

/// The bytes of a decimal with this precision: its sign and its digits (MS-TDS 2.2.5.5.1.6).
pub(crate) fn decimal_length(precision: u8) -> u8 {
    match precision {
        0..=9 => 5,
        10..=19 => 9,
        20..=28 => 13,
        _ => 17,
    }
}

fn sized(buffer: &mut BytesMut, token: u8, length: u16) {
    buffer.put_u8(token);
    buffer.put_u16_le(length);
}

fn expect(reader: &mut Reader<'_>, allowed: &[u8], kind: Type) -> io::Result<Type> {
    let found = reader.u8()?;
    if allowed.contains(&found) { Ok(kind) } else { Err(malformed(format!("{kind:?} with the length {found}"))) }
}

fn scale(reader: &mut Reader<'_>) -> io::Result<u8> {
    match reader.u8()? {
        scale @ 0..=7 => Ok(scale),
        other => Err(malformed(format!("a time with {other} decimal places"))),
    }
}

/// The type that a declaration names: `nvarchar(max)`, `decimal(10,2)`. `None` for what this server does not know.
pub(crate) fn declared(text: &str) -> Option<Type> {
    let text = text.trim().to_ascii_lowercase();
    let (name, inside) = match text.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.split(')').next()),
        None => (text.split_whitespace().next()?, None),
    };
    let numbers: Vec<u16> =
        inside.unwrap_or_default().split(',').filter_map(|number| number.trim().parse().ok()).collect();
    let length = numbers.first().copied();
    let scale = length.map_or(7, |scale| scale.min(7) as u8);
    Some(match name {
        "bit" => Type::Bit,
        "tinyint" => Type::TinyInt,
        "smallint" => Type::SmallInt,
        "int" => Type::Int,
        "bigint" => Type::BigInt,
        "real" => Type::Real,
        "float" if length.is_some_and(|bits| bits <= 24) => Type::Real,
        "float" => Type::Float,
        "decimal" | "numeric" => Type::Decimal {
            precision: length.unwrap_or(18).min(38) as u8,
            scale: numbers.get(1).copied().unwrap_or(0).min(38) as u8,
        },
        "nvarchar" => Type::NVarChar(length),
        "nchar" => Type::NChar(length.unwrap_or(1)),
        "varchar" => Type::VarChar(length),
        "char" => Type::Char(length.unwrap_or(1)),
        "varbinary" => Type::VarBinary(length),
        "binary" => Type::Binary(length.unwrap_or(1)),
        "date" => Type::Date,
        "time" => Type::Time(scale),
        "smalldatetime" => Type::SmallDateTime,
        "datetime" => Type::DateTime,
        "datetime2" => Type::DateTime2(scale),
        "datetimeoffset" => Type::DateTimeOffset(scale),
        "uniqueidentifier" => Type::UniqueIdentifier,
        _ => return None,
    })
}
