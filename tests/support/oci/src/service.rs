//! What is asked of a session that is open: whether it lives, its version, its transaction, and values kept with it.
#![allow(unsafe_code)]

use std::ffi::c_void;

use crate::handle::{SUCCESS, call, connection, login, put, text};

/// Values kept with a session of a pool.
#[unsafe(no_mangle)]
extern "C" fn OCIContextSetValue(
    session: *mut c_void,
    error: *mut c_void,
    _duration: u16,
    key: *const u8,
    length: u8,
    value: *mut c_void,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle and text.
        let (login, key) = unsafe { (login(session)?, text(key, length.into())) };
        login.texts.insert(name_number(&key), (value as usize).to_string());
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCIContextGetValue(
    session: *mut c_void,
    error: *mut c_void,
    key: *const u8,
    length: u8,
    value: *mut *mut c_void,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle and text, and its place for the value.
        unsafe {
            let key = name_number(&text(key, length.into()));
            let found = login(session)?.texts.get(&key).and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
            put(value, found as *mut c_void);
        }
        Ok(SUCCESS)
    })
}

/// A number that no attribute has.
fn name_number(key: &str) -> u32 {
    key.bytes().fold(0x8000_0000, |number: u32, byte| number.wrapping_mul(31).wrapping_add(byte.into()) | 0x8000_0000)
}

#[unsafe(no_mangle)]
extern "C" fn OCIPing(context: *mut c_void, error: *mut c_void, _mode: u32) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle.
        unsafe { connection(context)? }.ping()?;
        Ok(SUCCESS)
    })
}

/// Cancels what runs. It may be called from another thread meanwhile, and touches nothing but the connection.
#[unsafe(no_mangle)]
extern "C" fn OCIBreak(context: *mut c_void, error: *mut c_void) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle; the connection is reached by a shared pointer.
        unsafe { connection(context)? }.cancel();
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCIReset(context: *mut c_void, error: *mut c_void) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle.
        unsafe { connection(context)? };
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCIPasswordChange(
    _context: *mut c_void,
    error: *mut c_void,
    _user: *const u8,
    _user_length: u32,
    _old: *const u8,
    _old_length: u32,
    _new: *const u8,
    _new_length: u32,
    _mode: u32,
) -> i32 {
    call(error, || Err(crate::error::unknown("a change of password")))
}

fn release(context: *mut c_void, error: *mut c_void, buffer: *mut u8, size: u32, version: *mut u32) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle.
        let (major, minor) = unsafe { connection(context)? }.version;
        // Until 12.2 a digit for the minor number, then eight bits.
        let number = if major >= 18 { major << 24 | minor << 16 } else { major << 24 | minor << 20 | 2 << 8 };
        let words = format!("Oracle Database {major}c Release {major}.{minor}.0.0.0 - the test server");
        // SAFETY: the caller's places for the number and the text.
        unsafe {
            put(version, number);
            if !buffer.is_null() && words.len() < size as usize {
                std::ptr::copy_nonoverlapping(words.as_ptr(), buffer, words.len());
                put(buffer.add(words.len()), 0);
            }
        }
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCIServerRelease(
    context: *mut c_void,
    error: *mut c_void,
    buffer: *mut u8,
    size: u32,
    _kind: u8,
    version: *mut u32,
) -> i32 {
    release(context, error, buffer, size, version)
}

#[unsafe(no_mangle)]
extern "C" fn OCIServerRelease2(
    context: *mut c_void,
    error: *mut c_void,
    buffer: *mut u8,
    size: u32,
    _kind: u8,
    version: *mut u32,
    _mode: u32,
) -> i32 {
    release(context, error, buffer, size, version)
}

#[unsafe(no_mangle)]
extern "C" fn OCITransCommit(context: *mut c_void, error: *mut c_void, _flags: u32) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle.
        unsafe { connection(context)? }.commit()?;
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCITransRollback(context: *mut c_void, error: *mut c_void, _flags: u32) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle.
        unsafe { connection(context)? }.rollback()?;
        Ok(SUCCESS)
    })
}
