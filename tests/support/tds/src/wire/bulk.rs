//! The rows of a bulk load (MS-TDS 2.2.6.1): COLMETADATA, ROW tokens and DONE, as an answer has them, but from the client.

use std::io;

use super::read::{Reader, malformed};
use super::types::TypeInfo;
use super::values;
use crate::session::{Column, Request};

/// Reads a bulk load.
pub(crate) fn read(message: &[u8]) -> io::Result<Request> {
    let mut reader = Reader(message);
    if reader.u8()? != 0x81 {
        return Err(malformed("a bulk load does not begin with its columns"));
    }
    let count = reader.u16()?;
    let mut columns = Vec::new();
    let mut types = Vec::new();
    for _ in 0..count {
        reader.u32()?;
        let flags = reader.u16()?;
        let info = TypeInfo::read(&mut reader)?;
        columns.push(Column { name: reader.b_varchar()?, kind: info.kind, nullable: flags & 1 != 0 });
        types.push(info);
    }
    let mut rows = Vec::new();
    loop {
        match reader.u8()? {
            0xd1 => rows.push(types.iter().map(|info| values::read(&mut reader, info)).collect::<io::Result<_>>()?),
            0xfd => break,
            other => return Err(malformed(format!("the token 0x{other:02x} in a bulk load"))),
        }
    }
    Ok(Request::Bulk { columns, rows })
}
