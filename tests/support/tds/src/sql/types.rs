//! SQL Server's types: their names, and which of PostgreSQL's stores each of them.

use tokio_postgres::types::Type as PgType;

use crate::session::Type;

/// What kinds of values convert into one another without a word, or may stand beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Text,
    Whole,
    Fraction,
    Bytes,
    /// With a date, a time or both.
    Temporal,
    Other,
}

pub(crate) fn family(kind: Type) -> Family {
    match kind {
        Type::NVarChar(_) | Type::NChar(_) | Type::VarChar(_) | Type::Char(_) => Family::Text,
        Type::Bit | Type::TinyInt | Type::SmallInt | Type::Int | Type::BigInt => Family::Whole,
        Type::Real | Type::Float | Type::Decimal { .. } => Family::Fraction,
        Type::VarBinary(_) | Type::Binary(_) | Type::RowVersion => Family::Bytes,
        Type::Date | Type::Time(_) | Type::SmallDateTime | Type::DateTime | Type::DateTime2(_) => Family::Temporal,
        Type::DateTimeOffset(_) => Family::Temporal,
        Type::UniqueIdentifier => Family::Other,
    }
}

/// A type as it stands in a declaration, in either case: `NVARCHAR(200)`, `[int]`.
pub(crate) fn parse(text: &str) -> Option<Type> {
    let text = text.to_lowercase().replace(['[', ']', ' '], "");
    let (name, rest) = text.split_once('(').unwrap_or((&text, ""));
    let numbers: Vec<&str> = rest.trim_end_matches(')').split(',').filter(|part| !part.is_empty()).collect();
    let number = |at: usize, default: u16| numbers.get(at).map_or(Some(default), |number| number.parse::<u16>().ok());
    let scale =
        |default: u16| number(0, default).filter(|scale| *scale <= 7).and_then(|scale| u8::try_from(scale).ok());
    let length = |most: u16, default: u16| number(0, default).filter(|length| (1..=most).contains(length));
    let most = |most: u16| match numbers.first() {
        Some(&"max") => Some(None),
        _ => length(most, 1).map(Some),
    };
    Some(match name {
        "bit" => Type::Bit,
        "tinyint" => Type::TinyInt,
        "smallint" => Type::SmallInt,
        "int" | "integer" => Type::Int,
        "bigint" => Type::BigInt,
        "real" => Type::Real,
        "float" => match number(0, 53)? {
            1..=24 => Type::Real,
            25..=53 => Type::Float,
            _ => return None,
        },
        "decimal" | "numeric" | "dec" => {
            let (precision, scale) = (u8::try_from(number(0, 18)?).ok()?, u8::try_from(number(1, 0)?).ok()?);
            (1..=38).contains(&precision).then_some(())?;
            (scale <= precision).then_some(Type::Decimal { precision, scale })?
        }
        "nvarchar" => Type::NVarChar(most(4000)?),
        "sysname" => Type::NVarChar(Some(128)),
        "varchar" => Type::VarChar(most(8000)?),
        "nchar" => Type::NChar(length(4000, 1)?),
        "char" | "character" => Type::Char(length(8000, 1)?),
        "varbinary" => Type::VarBinary(most(8000)?),
        "binary" => Type::Binary(length(8000, 1)?),
        "date" => Type::Date,
        "time" => Type::Time(scale(7)?),
        "smalldatetime" => Type::SmallDateTime,
        "datetime" => Type::DateTime,
        "datetime2" => Type::DateTime2(scale(7)?),
        "datetimeoffset" => Type::DateTimeOffset(scale(7)?),
        "uniqueidentifier" => Type::UniqueIdentifier,
        _ => return None,
    })
}

/// The type as `declared` of `setup.sql` and [`parse`] know it.
pub(crate) fn name(kind: Type) -> String {
    let sized = |name: &str, length: Option<u16>| match length {
        None => format!("{name}(max)"),
        Some(length) => format!("{name}({length})"),
    };
    match kind {
        Type::Bit => "bit".to_owned(),
        Type::TinyInt => "tinyint".to_owned(),
        Type::SmallInt => "smallint".to_owned(),
        Type::Int => "int".to_owned(),
        Type::BigInt => "bigint".to_owned(),
        Type::Real => "real".to_owned(),
        Type::Float => "float".to_owned(),
        Type::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        Type::NVarChar(length) => sized("nvarchar", length),
        Type::VarChar(length) => sized("varchar", length),
        Type::NChar(length) => sized("nchar", Some(length)),
        Type::Char(length) => sized("char", Some(length)),
        Type::VarBinary(length) => sized("varbinary", length),
        Type::Binary(length) => sized("binary", Some(length)),
        Type::Date => "date".to_owned(),
        Type::Time(scale) => format!("time({scale})"),
        Type::SmallDateTime => "smalldatetime".to_owned(),
        Type::DateTime => "datetime".to_owned(),
        Type::DateTime2(scale) => format!("datetime2({scale})"),
        Type::DateTimeOffset(scale) => format!("datetimeoffset({scale})"),
        Type::UniqueIdentifier => "uniqueidentifier".to_owned(),
        Type::RowVersion => "timestamp".to_owned(),
    }
}

/// What stores it in PostgreSQL. There are microseconds at best.
pub(crate) fn postgres(kind: Type) -> String {
    match kind {
        Type::Bit | Type::TinyInt | Type::SmallInt => "smallint".to_owned(),
        Type::Int => "integer".to_owned(),
        Type::BigInt => "bigint".to_owned(),
        Type::Real => "real".to_owned(),
        Type::Float => "double precision".to_owned(),
        Type::Decimal { precision, scale } => format!("numeric({precision},{scale})"),
        Type::NVarChar(None) | Type::VarChar(None) => "text".to_owned(),
        Type::NVarChar(Some(length)) | Type::VarChar(Some(length)) => format!("varchar({length})"),
        Type::NChar(length) | Type::Char(length) => format!("character({length})"),
        Type::VarBinary(_) | Type::Binary(_) | Type::RowVersion => "bytea".to_owned(),
        Type::Date => "date".to_owned(),
        Type::Time(scale) => format!("time({})", scale.min(6)),
        Type::SmallDateTime => "timestamp(0)".to_owned(),
        Type::DateTime => "timestamp(3)".to_owned(),
        Type::DateTime2(scale) => format!("timestamp({})", scale.min(6)),
        Type::DateTimeOffset(scale) => format!("timestamptz({})", scale.min(6)),
        Type::UniqueIdentifier => "uuid".to_owned(),
    }
}

/// The type of a result column about which nothing is known but what PostgreSQL says.
pub(crate) fn of_postgres(kind: &PgType, modifier: i32) -> Option<Type> {
    let length = u16::try_from(modifier - 4).ok().filter(|length| (1..=4000).contains(length));
    Some(match *kind {
        PgType::BOOL => Type::Bit,
        PgType::INT2 => Type::SmallInt,
        PgType::INT4 => Type::Int,
        PgType::INT8 | PgType::OID => Type::BigInt,
        PgType::FLOAT4 => Type::Real,
        PgType::FLOAT8 => Type::Float,
        PgType::NUMERIC if modifier >= 4 => {
            let (precision, scale) = ((modifier - 4) >> 16, (modifier - 4) & 0xffff);
            Type::Decimal { precision: u8::try_from(precision).ok()?, scale: u8::try_from(scale).ok()? }
        }
        PgType::NUMERIC => Type::Decimal { precision: 38, scale: 6 },
        PgType::VARCHAR => Type::NVarChar(length),
        PgType::BPCHAR => length.map_or(Type::NVarChar(None), Type::NChar),
        PgType::TEXT | PgType::NAME | PgType::UNKNOWN => Type::NVarChar(None),
        PgType::BYTEA => Type::VarBinary(None),
        PgType::DATE => Type::Date,
        PgType::TIME => Type::Time(7),
        PgType::TIMESTAMP => Type::DateTime2(7),
        PgType::TIMESTAMPTZ => Type::DateTimeOffset(7),
        PgType::UUID => Type::UniqueIdentifier,
        _ => return None,
    })
}

/// The type of an expression that has the one or the other: the higher of the two, as SQL Server ranks them.
pub(crate) fn common(one: Option<Type>, other: Option<Type>) -> Option<Type> {
    let (Some(one), Some(other)) = (one, other) else { return one.or(other) };
    let text = |kind: Type| match kind {
        Type::NVarChar(length) => Some((true, length)),
        Type::NChar(length) => Some((true, Some(length))),
        Type::VarChar(length) => Some((false, length)),
        Type::Char(length) => Some((false, Some(length))),
        _ => None,
    };
    if one == other {
        return Some(one);
    }
    if let (Some((one_is_wide, one)), Some((other_is_wide, other))) = (text(one), text(other)) {
        let length = one.zip(other).map(|(one, other)| one.max(other));
        return Some(if one_is_wide || other_is_wide { wide(length) } else { Type::VarChar(length) });
    }
    if let (Type::Decimal { precision: p, scale: s }, Type::Decimal { precision: q, scale: t }) = (one, other) {
        let (whole, scale) = ((p - s).max(q - t), s.max(t));
        return Some(Type::Decimal { precision: (whole + scale).min(38), scale });
    }
    if let (Family::Bytes, Family::Bytes) = (family(one), family(other)) {
        return Some(Type::VarBinary(None));
    }
    Some(if rank(one) >= rank(other) { one } else { other })
}

/// Unicode text of a length that may be too long for a declaration.
pub(crate) fn wide(length: Option<u16>) -> Type {
    Type::NVarChar(length.map(|length| length.clamp(1, 4000)))
}

fn rank(kind: Type) -> u8 {
    match kind {
        Type::VarBinary(_) | Type::Binary(_) => 0,
        Type::Char(_) => 1,
        Type::VarChar(_) => 2,
        Type::NChar(_) => 3,
        Type::NVarChar(_) => 4,
        Type::UniqueIdentifier => 5,
        Type::RowVersion => 6,
        Type::Bit => 7,
        Type::TinyInt => 8,
        Type::SmallInt => 9,
        Type::Int => 10,
        Type::BigInt => 11,
        Type::Decimal { .. } => 12,
        Type::Real => 13,
        Type::Float => 14,
        Type::Time(_) => 15,
        Type::Date => 16,
        Type::SmallDateTime => 17,
        Type::DateTime => 18,
        Type::DateTime2(_) => 19,
        Type::DateTimeOffset(_) => 20,
    }
}
