//! LOGIN7 (MS-TDS 2.2.6.4).

use std::io;

use super::read::{Reader, malformed, utf16};
use crate::session::Login;

/// What the server needs of a login.
pub(crate) struct Login7 {
    pub login: Login,
    pub packet_size: u32,
    /// The client asks for features, which has to be answered.
    pub features: bool,
    /// It wants to log in with Windows.
    pub integrated: bool,
}

/// Reads a login.
pub(crate) fn read(message: &[u8]) -> io::Result<Login7> {
    let mut fixed = Reader(message);
    let length = fixed.u32()? as usize;
    let message = message.get(..length).ok_or_else(|| malformed("a login is cut short"))?;
    fixed.u32()?;
    let packet_size = fixed.u32()?;
    fixed.bytes(12)?;
    let (_, options_2, _, options_3) = (fixed.u8()?, fixed.u8()?, fixed.u8()?, fixed.u8()?);
    fixed.bytes(8)?;
    let mut field = || -> io::Result<&[u8]> {
        let (offset, units) = (usize::from(fixed.u16()?), usize::from(fixed.u16()?));
        message.get(offset..offset + units * 2).ok_or_else(|| malformed("a login's field lies outside of it"))
    };
    let (_host, user, password, application, _server) = (field()?, field()?, field()?, field()?, field()?);
    // The extension's length is in bytes, so it is not read as a text.
    let _ = field();
    let (_library, _language, database) = (field()?, field()?, field()?);
    let password: Vec<u8> = password.iter().map(|byte| (byte ^ 0xa5).rotate_right(4)).collect();
    let login = Login {
        database: utf16(database)?,
        user: utf16(user)?,
        password: utf16(&password)?,
        application: utf16(application)?,
    };
    Ok(Login7 { login, packet_size, features: options_3 & 0x10 != 0, integrated: options_2 & 0x80 != 0 })
}
