//! Oracle's types in PostgreSQL's.

use sqlparser::ast::{CharLengthUnits, CharacterLength, DataType, ExactNumberInfo, TimezoneInfo};

use crate::error::{Result, told, unknown};

/// A type, and the bytes that it may hold where they are fewer than its characters might take.
pub(crate) struct Written {
    pub(crate) sql: String,
    pub(crate) bytes: Option<u64>,
}

pub(crate) fn written(of: &DataType) -> Result<Written> {
    let plain = |sql: &str| Ok(Written { sql: sql.to_owned(), bytes: None });
    match of {
        DataType::Custom(name, modifiers) => custom(&name.to_string().to_uppercase(), modifiers),
        DataType::Clob(None) => plain("oracle.clob"),
        DataType::Blob(None) => plain("oracle.blob"),
        DataType::Date => plain("oracle.date"),
        DataType::Timestamp(digits, zone) => {
            let digits = digits.unwrap_or(6);
            // PostgreSQL keeps microseconds; nanoseconds would be lost.
            if digits > 6 {
                return Err(unknown(format!("TIMESTAMP({digits})")));
            }
            match zone {
                TimezoneInfo::None => Ok(Written { sql: format!("timestamp({digits})"), bytes: None }),
                TimezoneInfo::WithTimeZone => Ok(Written { sql: format!("timestamptz({digits})"), bytes: None }),
                _ => Err(unknown(of.to_string())),
            }
        }
        DataType::Char(length) | DataType::Character(length) => text("char", 2000, length.as_ref()),
        DataType::Varchar(length @ Some(_)) => text("varchar", 4000, length.as_ref()),
        DataType::Varchar(None) => Err(told(906, "missing left parenthesis")),
        DataType::Int(None) | DataType::Integer(None) | DataType::SmallInt(None) => plain("numeric(38,0)"),
        DataType::Numeric(info) | DataType::Decimal(info) => match info {
            ExactNumberInfo::None => plain("numeric(38,0)"),
            ExactNumberInfo::Precision(precision) => number(&[precision.to_string()]),
            ExactNumberInfo::PrecisionAndScale(precision, scale) => number(&[precision.to_string(), scale.to_string()]),
        },
        DataType::Float(_) => plain("numeric"),
        _ => Err(told(902, format!("invalid datatype ({of})"))),
    }
}

fn text(sql: &str, most: u64, length: Option<&CharacterLength>) -> Result<Written> {
    let (length, unit) = match length {
        None => (1, None),
        Some(CharacterLength::IntegerLength { length, unit }) => (*length, *unit),
        Some(CharacterLength::Max) => return Err(told(906, "missing left parenthesis")),
    };
    sized(sql, most, length, unit != Some(CharLengthUnits::Characters))
}

fn sized(sql: &str, most: u64, length: u64, in_bytes: bool) -> Result<Written> {
    if length > most {
        return Err(told(910, "specified length too long for its datatype"));
    }
    Ok(Written { sql: format!("{sql}({length})"), bytes: in_bytes.then_some(length) })
}

fn number(modifiers: &[String]) -> Result<Written> {
    let sql = match modifiers {
        [] => "numeric".to_owned(),
        [precision] if precision != "*" => format!("numeric({precision},0)"),
        [precision, scale] if precision == "*" => format!("numeric(38,{scale})"),
        [precision, scale] => format!("numeric({precision},{scale})"),
        _ => return Err(unknown(format!("NUMBER({})", modifiers.join(",")))),
    };
    Ok(Written { sql, bytes: None })
}

fn custom(name: &str, modifiers: &[String]) -> Result<Written> {
    // `VARCHAR2(10 CHAR)`: the parser has the unit as a modifier.
    let modifiers: Vec<String> =
        modifiers.iter().flat_map(|one| one.split_whitespace().map(str::to_uppercase).collect::<Vec<_>>()).collect();
    let length = || modifiers.first().and_then(|length| length.parse::<u64>().ok());
    let in_bytes = modifiers.get(1).is_none_or(|unit| unit != "CHAR");
    match name {
        "NUMBER" => number(&modifiers),
        "VARCHAR2" => sized("varchar", 4000, length().ok_or_else(|| told(906, "missing left parenthesis"))?, in_bytes),
        "NVARCHAR2" => sized("varchar", 2000, length().ok_or_else(|| told(906, "missing left parenthesis"))?, false),
        "RAW" => sized("oracle.raw", 2000, length().ok_or_else(|| told(906, "missing left parenthesis"))?, false),
        "CLOB" if modifiers.is_empty() => Ok(Written { sql: "oracle.clob".to_owned(), bytes: None }),
        "BLOB" if modifiers.is_empty() => Ok(Written { sql: "oracle.blob".to_owned(), bytes: None }),
        "BINARY_DOUBLE" => Ok(Written { sql: "float8".to_owned(), bytes: None }),
        "NCHAR" | "NCLOB" | "LONG" | "BFILE" | "XMLTYPE" | "ROWID" | "BINARY_FLOAT" => {
            Err(unknown(format!("the type {name}")))
        }
        _ => Err(told(902, format!("invalid datatype ({name})"))),
    }
}
