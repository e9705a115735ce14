//! The columns of an answer as Oracle describes them.

use std::sync::Arc;

use tokio_postgres::Column as Found;

use crate::error::{Result, unknown};

pub(crate) const CHR: u16 = 1;
pub(crate) const NUM: u16 = 2;
pub(crate) const INT: u16 = 3;
pub(crate) const FLT: u16 = 4;
pub(crate) const VNU: u16 = 6;
pub(crate) const LNG: u16 = 8;
pub(crate) const DAT: u16 = 12;
pub(crate) const BIN: u16 = 23;
pub(crate) const LBI: u16 = 24;
pub(crate) const UIN: u16 = 68;
pub(crate) const AFC: u16 = 96;
pub(crate) const IBDOUBLE: u16 = 101;
pub(crate) const BDOUBLE: u16 = 22;
pub(crate) const CLOB: u16 = 112;
pub(crate) const BLOB: u16 = 113;
pub(crate) const ODT: u16 = 156;
pub(crate) const TIMESTAMP: u16 = 187;
pub(crate) const TIMESTAMP_TZ: u16 = 188;
pub(crate) const TIMESTAMP_LTZ: u16 = 232;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// Shared with the statement: a caller reads it after it has freed the descriptor.
    pub(crate) name: Arc<str>,
    pub(crate) kind: u16,
    /// In bytes.
    pub(crate) size: u16,
    /// In characters.
    pub(crate) characters: u16,
    pub(crate) precision: i16,
    /// Of a time: the digits of its seconds.
    pub(crate) scale: i8,
}

impl Column {
    pub(crate) fn of(found: &Found) -> Result<Column> {
        let modifier = found.type_modifier();
        let length = u16::try_from(modifier - 4).ok().filter(|_| modifier > 4);
        let column = |kind, size, precision, scale| Column {
            name: found.name().into(),
            kind,
            size,
            characters: size,
            precision,
            scale,
        };
        let text =
            |kind, length: u16| Column { size: length.saturating_mul(4).min(32_767), ..column(kind, length, 0, 0) };
        Ok(match found.type_().name() {
            "varchar" => text(CHR, length.unwrap_or(4000)),
            "bpchar" => text(AFC, length.unwrap_or(2000)),
            "text" | "name" | "unknown" => text(CHR, 4000),
            "numeric" if modifier > 4 => {
                let modifier = modifier - 4;
                column(NUM, 22, (modifier >> 16) as i16, (modifier & 0x7FF) as i8)
            }
            // NUMBER without more: precision 0, scale -127.
            "numeric" | "int2" | "int4" | "int8" | "oid" => column(NUM, 22, 0, -127),
            "float8" => column(BDOUBLE, 8, 0, 0),
            "date" => column(DAT, 7, 0, 0),
            "timestamp" => column(TIMESTAMP, 11, 0, fraction(modifier)),
            "timestamptz" => column(TIMESTAMP_TZ, 13, 0, fraction(modifier)),
            "raw" => column(BIN, length.unwrap_or(2000), 0, 0),
            "bytea" => column(BIN, 2000, 0, 0),
            "clob" => column(CLOB, 4000, 0, 0),
            "blob" => column(BLOB, 4000, 0, 0),
            other => return Err(unknown(format!("a column \"{}\" of type {other}", found.name()))),
        })
    }
}

fn fraction(modifier: i32) -> i8 {
    i8::try_from(modifier).ok().filter(|digits| *digits >= 0).unwrap_or(6)
}
