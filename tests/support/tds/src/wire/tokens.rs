//! The tokens of an answer (MS-TDS 2.2.7).

use bytes::{BufMut, BytesMut};

use super::codepage::Collation;
use super::types::TypeInfo;
use super::values;
use crate::session::{Column, Param, SqlError, Type};

/// The bits of a DONE token's status (MS-TDS 2.2.7.6).
pub(crate) mod done {
    pub const MORE: u16 = 0x01;
    pub const ERROR: u16 = 0x02;
    pub const COUNT: u16 = 0x10;
    pub const ATTENTION: u16 = 0x20;
}

/// Which of the three DONE tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    Batch = 0xfd,
    Procedure = 0xfe,
    InProcedure = 0xff,
}

/// What an ENVCHANGE token tells (MS-TDS 2.2.7.9).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change<'a> {
    Database { old: &'a str, new: &'a str },
    Language,
    PacketSize { old: usize, new: usize },
    Collation(Collation),
    Begun(u64),
    Committed(u64),
    RolledBack(u64),
    Reset,
}

/// At most so many characters go into a text with its length in one byte.
fn b_varchar(buffer: &mut BytesMut, text: &str) {
    let units: Vec<u16> = text.encode_utf16().take(255).collect();
    buffer.put_u8(units.len() as u8);
    units.into_iter().for_each(|unit| buffer.put_u16_le(unit));
}

fn us_varchar(buffer: &mut BytesMut, text: &str, limit: usize) {
    let units: Vec<u16> = text.encode_utf16().take(limit).collect();
    buffer.put_u16_le(units.len() as u16);
    units.into_iter().for_each(|unit| buffer.put_u16_le(unit));
}

/// Writes a token whose length stands in two bytes before it.
fn token(buffer: &mut BytesMut, kind: u8, body: impl FnOnce(&mut BytesMut)) {
    buffer.put_u8(kind);
    let start = buffer.len();
    buffer.put_u16_le(0);
    body(buffer);
    let length = (buffer.len() - start - 2) as u16;
    buffer[start..start + 2].copy_from_slice(&length.to_le_bytes());
}

/// COLMETADATA (MS-TDS 2.2.7.4). A column of a table may be changed, or it is unknown whether; `rowversion` may not.
pub(crate) fn columns(buffer: &mut BytesMut, columns: &[Column], collation: Collation) {
    buffer.put_u8(0x81);
    buffer.put_u16_le(columns.len() as u16);
    for column in columns {
        metadata(buffer, column.kind, column.nullable, collation);
        b_varchar(buffer, &column.name);
    }
}

fn metadata(buffer: &mut BytesMut, kind: Type, nullable: bool, collation: Collation) {
    const UPDATEABLE_UNKNOWN: u16 = 0x08;
    let read_only = kind == Type::RowVersion;
    // 80 is the user type of `timestamp` (MS-TDS 2.2.5.4).
    buffer.put_u32_le(if read_only { 80 } else { 0 });
    buffer.put_u16_le(u16::from(nullable) | if read_only { 0 } else { UPDATEABLE_UNKNOWN });
    TypeInfo::of(kind, nullable, collation).write(buffer);
}

/// ROW (MS-TDS 2.2.7.20). When a value does not fit its column the buffer is left as it was.
pub(crate) fn row(buffer: &mut BytesMut, types: &[TypeInfo], row: &[crate::session::Value]) -> Result<(), String> {
    if types.len() != row.len() {
        return Err(format!("a row of {} values under {} columns", row.len(), types.len()));
    }
    let start = buffer.len();
    buffer.put_u8(0xd1);
    for (info, value) in types.iter().zip(row) {
        if let Err(why) = values::write(buffer, info, value) {
            buffer.truncate(start);
            return Err(why);
        }
    }
    Ok(())
}

/// DONE, DONEPROC or DONEINPROC (MS-TDS 2.2.7.6 to 2.2.7.8).
pub(crate) fn done(buffer: &mut BytesMut, kind: Done, status: u16, select: bool, count: Option<u64>) {
    buffer.put_u8(kind as u8);
    buffer.put_u16_le(status | if count.is_some() { done::COUNT } else { 0 });
    buffer.put_u16_le(if select { 0xc1 } else { 0 });
    buffer.put_u64_le(count.unwrap_or(0));
}

/// ERROR (MS-TDS 2.2.7.10).
pub(crate) fn error(buffer: &mut BytesMut, error: &SqlError) {
    message(buffer, 0xaa, error);
}

/// INFO (MS-TDS 2.2.7.13).
pub(crate) fn info(buffer: &mut BytesMut, info: &SqlError) {
    message(buffer, 0xab, info);
}

fn message(buffer: &mut BytesMut, kind: u8, error: &SqlError) {
    token(buffer, kind, |buffer| {
        buffer.put_i32_le(error.number);
        buffer.put_u8(1);
        buffer.put_u8(error.class);
        us_varchar(buffer, &error.message, 30_000);
        b_varchar(buffer, "TESTSERVER");
        b_varchar(buffer, "");
        buffer.put_u32_le(1);
    });
}

/// RETURNSTATUS (MS-TDS 2.2.7.18).
pub(crate) fn return_status(buffer: &mut BytesMut, status: i32) {
    buffer.put_u8(0x79);
    buffer.put_i32_le(status);
}

/// RETURNVALUE (MS-TDS 2.2.7.19) of an output parameter.
pub(crate) fn return_value(
    buffer: &mut BytesMut,
    ordinal: u16,
    param: &Param,
    collation: Collation,
) -> Result<(), String> {
    let start = buffer.len();
    buffer.put_u8(0xac);
    buffer.put_u16_le(ordinal);
    b_varchar(buffer, &param.name);
    buffer.put_u8(1);
    metadata(buffer, param.kind, true, collation);
    values::write(buffer, &TypeInfo::of(param.kind, true, collation), &param.value)
        .inspect_err(|_| buffer.truncate(start))
}

/// ENVCHANGE (MS-TDS 2.2.7.9).
pub(crate) fn change(buffer: &mut BytesMut, change: Change<'_>) {
    fn raw(buffer: &mut BytesMut, bytes: &[u8]) {
        buffer.put_u8(bytes.len() as u8);
        buffer.put_slice(bytes);
    }
    token(buffer, 0xe3, |buffer| match change {
        Change::Database { old, new } => {
            buffer.put_u8(1);
            b_varchar(buffer, new);
            b_varchar(buffer, old);
        }
        Change::Language => {
            buffer.put_u8(2);
            b_varchar(buffer, "us_english");
            b_varchar(buffer, "");
        }
        Change::PacketSize { old, new } => {
            buffer.put_u8(4);
            b_varchar(buffer, &new.to_string());
            b_varchar(buffer, &old.to_string());
        }
        Change::Collation(collation) => {
            buffer.put_u8(7);
            raw(buffer, &collation.wire());
            raw(buffer, &[]);
        }
        Change::Begun(descriptor) => {
            buffer.put_u8(8);
            raw(buffer, &descriptor.to_le_bytes());
            raw(buffer, &[]);
        }
        Change::Committed(descriptor) => {
            buffer.put_u8(9);
            raw(buffer, &[]);
            raw(buffer, &descriptor.to_le_bytes());
        }
        Change::RolledBack(descriptor) => {
            buffer.put_u8(10);
            raw(buffer, &[]);
            raw(buffer, &descriptor.to_le_bytes());
        }
        Change::Reset => {
            buffer.put_u8(18);
            raw(buffer, &[]);
            raw(buffer, &[]);
        }
    });
}

/// LOGINACK (MS-TDS 2.2.7.14) for TDS 7.4, with the server's version.
pub(crate) fn login_ack(buffer: &mut BytesMut, version: (u8, u8, u16)) {
    token(buffer, 0xad, |buffer| {
        buffer.put_u8(1);
        buffer.put_u32(0x7400_0004);
        b_varchar(buffer, "Microsoft SQL Server");
        buffer.put_u8(version.0);
        buffer.put_u8(version.1);
        buffer.put_u16(version.2);
    });
}

/// FEATUREEXTACK (MS-TDS 2.2.7.11): none of the features asked for is there.
pub(crate) fn no_features(buffer: &mut BytesMut) {
    buffer.put_slice(&[0xae, 0xff]);
}
