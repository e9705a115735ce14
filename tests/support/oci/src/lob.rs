//! LOB locators. What one was fetched with is read through it; a temporary one can be written. A locator of a table's value cannot:
//! that is an error.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::sync::Arc;

use crate::error::{Result, told, unknown};
use crate::handle::{Handle, SUCCESS, call, connection, lob, put};

/// A locator, with its value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lob {
    /// UTF-8 where it is text.
    pub(crate) bytes: Arc<Vec<u8>>,
    pub(crate) is_text: bool,
    pub(crate) is_temporary: bool,
    pub(crate) is_open: bool,
}

impl Lob {
    /// In characters, or bytes. A CLOB's length is told in UTF-16 units, as Oracle does.
    fn length(&self) -> u64 {
        match std::str::from_utf8(&self.bytes) {
            Ok(text) if self.is_text => text.chars().map(|letter| letter.len_utf16() as u64).sum(),
            _ => self.bytes.len() as u64,
        }
    }

    /// The place of a character, counted from 1, in bytes.
    fn offset(&self, position: u64) -> usize {
        let skip = position.saturating_sub(1);
        if !self.is_text {
            return (skip as usize).min(self.bytes.len());
        }
        let (mut units, mut at) = (0, 0);
        for letter in std::str::from_utf8(&self.bytes).unwrap_or_default().chars() {
            if units >= skip {
                break;
            }
            units += letter.len_utf16() as u64;
            at += letter.len_utf8();
        }
        at
    }

    fn written(&mut self) -> Result<&mut Vec<u8>> {
        if !self.is_temporary {
            return Err(unknown("writing through the locator of a table's LOB"));
        }
        Ok(Arc::make_mut(&mut self.bytes))
    }
}

#[unsafe(no_mangle)]
extern "C" fn OCILobCreateTemporary(
    context: *mut c_void,
    error: *mut c_void,
    locator: *mut c_void,
    _charset: u16,
    _form: u8,
    kind: u8,
    _cache: i32,
    _duration: u16,
) -> i32 {
    const TEMP_CLOB: u8 = 2;
    call(error, || {
        // SAFETY: the caller's handles.
        unsafe {
            connection(context)?.alive()?;
            *lob(locator)? = Lob { is_text: kind == TEMP_CLOB, is_temporary: true, ..Lob::default() };
        }
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCILobFreeTemporary(_context: *mut c_void, error: *mut c_void, locator: *mut c_void) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle.
        unsafe { *lob(locator)? = Lob::default() };
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCILobIsTemporary(
    _environment: *mut c_void,
    error: *mut c_void,
    locator: *mut c_void,
    flag: *mut i32,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle and its place for the answer.
        unsafe { put(flag, lob(locator)?.is_temporary.into()) };
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCILobIsOpen(_context: *mut c_void, error: *mut c_void, locator: *mut c_void, flag: *mut i32) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle and its place for the answer.
        unsafe { put(flag, lob(locator)?.is_open.into()) };
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCILobOpen(_context: *mut c_void, error: *mut c_void, locator: *mut c_void, _mode: u8) -> i32 {
    open(error, locator, true)
}

#[unsafe(no_mangle)]
extern "C" fn OCILobClose(_context: *mut c_void, error: *mut c_void, locator: *mut c_void) -> i32 {
    open(error, locator, false)
}

fn open(error: *mut c_void, locator: *mut c_void, is_open: bool) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle.
        let lob = unsafe { lob(locator)? };
        if lob.is_open == is_open {
            return Err(match is_open {
                true => told(22293, "LOB already opened in the same transaction"),
                false => told(22289, "cannot perform operation on an unopened file or LOB"),
            });
        }
        lob.is_open = is_open;
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCILobGetLength2(
    context: *mut c_void,
    error: *mut c_void,
    locator: *mut c_void,
    length: *mut u64,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handles and its place for the length.
        unsafe {
            connection(context)?.alive()?;
            put(length, lob(locator)?.length());
        }
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCILobGetChunkSize(
    _context: *mut c_void,
    _error: *mut c_void,
    _locator: *mut c_void,
    size: *mut u32,
) -> i32 {
    // SAFETY: the caller's place for the size: a block of 8 KB less its head.
    unsafe { put(size, 8132) };
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn OCILobRead2(
    context: *mut c_void,
    error: *mut c_void,
    locator: *mut c_void,
    bytes: *mut u64,
    characters: *mut u64,
    offset: u64,
    buffer: *mut u8,
    size: u64,
    _piece: u8,
    _callback_context: *mut c_void,
    _callback: *mut c_void,
    _charset: u16,
    _form: u8,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handles, and its place that says how many characters it wants.
        let (lob, wanted) = unsafe {
            connection(context)?.alive()?;
            (lob(locator)?, if characters.is_null() { 0 } else { characters.read_unaligned() })
        };
        let from = lob.offset(offset);
        let to = match wanted {
            // As many bytes as `bytes` says.
            // SAFETY: the caller's place.
            0 => from + unsafe { bytes.read_unaligned() } as usize,
            _ => lob.offset(offset + wanted),
        };
        let mut to = to.min(lob.bytes.len()).min(from + size as usize);
        if let (true, Ok(text)) = (lob.is_text, std::str::from_utf8(&lob.bytes)) {
            while !text.is_char_boundary(to) {
                to -= 1;
            }
        }
        let part = &lob.bytes[from..to];
        let units = match std::str::from_utf8(part) {
            Ok(text) if lob.is_text => text.chars().map(|letter| letter.len_utf16() as u64).sum(),
            _ => part.len() as u64,
        };
        // SAFETY: the caller's buffer of `size` bytes, and its places for what was read.
        unsafe {
            std::ptr::copy_nonoverlapping(part.as_ptr(), buffer, part.len());
            put(bytes, part.len() as u64);
            put(characters, units);
        }
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCILobWrite2(
    context: *mut c_void,
    error: *mut c_void,
    locator: *mut c_void,
    bytes: *mut u64,
    characters: *mut u64,
    offset: u64,
    buffer: *const u8,
    size: u64,
    _piece: u8,
    _callback_context: *mut c_void,
    _callback: *mut c_void,
    _charset: u16,
    _form: u8,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handles and its `size` bytes.
        let (lob, part) = unsafe {
            connection(context)?.alive()?;
            let part = if size == 0 { &[] } else { std::slice::from_raw_parts(buffer, size as usize) };
            (lob(locator)?, part)
        };
        let at = lob.offset(offset);
        if lob.is_text && at != lob.bytes.len() {
            return Err(unknown("writing over a part of a CLOB"));
        }
        let into = lob.written()?;
        into.resize(into.len().max(at + part.len()), 0);
        into[at..at + part.len()].copy_from_slice(part);
        // SAFETY: the caller's places for what was written.
        unsafe {
            put(bytes, size);
            put(characters, size);
        }
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCILobTrim2(_context: *mut c_void, error: *mut c_void, locator: *mut c_void, length: u64) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle.
        let lob = unsafe { lob(locator)? };
        let at = lob.offset(length + 1);
        lob.written()?.truncate(at);
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCILobLocatorAssign(
    _context: *mut c_void,
    error: *mut c_void,
    source: *const c_void,
    target: *mut *mut c_void,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handles.
        unsafe {
            let copy = lob(source)?.clone();
            match target.read_unaligned() {
                none if none.is_null() => put(target, Handle::Lob(copy).give()),
                to => *lob(to)? = copy,
            }
        }
        Ok(SUCCESS)
    })
}
