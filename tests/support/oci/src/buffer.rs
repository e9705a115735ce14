//! The caller's buffers: values of binds, and where fetched values go.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::sync::Arc;

use crate::conversion::number_at;
use crate::error::{Result, ora, told, unknown};
use crate::handle::{lob, moment, put, text};
use crate::lob::Lob;
use crate::number::encode;
use crate::statement::{Bind, Define};
use crate::types::*;
use crate::value::{Kind, Moment, Value};

/// Arrays that the caller keeps, an entry a row; any but `value` may be null.
#[derive(Clone, Copy)]
pub(crate) struct Buffer {
    pub(crate) value: *mut u8,
    /// Of an entry.
    pub(crate) size: usize,
    pub(crate) kind: u16,
    pub(crate) indicator: *mut i16,
    pub(crate) length: *mut u32,
    pub(crate) code: *mut u16,
}

/// Gives a bind's value when it is asked for.
pub(crate) type InCallback = extern "C" fn(
    context: *mut c_void,
    bind: *mut c_void,
    row: u32,
    index: u32,
    value: *mut *mut u8,
    length: *mut u32,
    piece: *mut u8,
    indicator: *mut *mut i16,
) -> i32;

/// Gives room for a piece of a column.
pub(crate) type Callback = extern "C" fn(
    context: *mut c_void,
    define: *mut c_void,
    row: u32,
    value: *mut *mut u8,
    length: *mut *mut u32,
    piece: *mut u8,
    indicator: *mut *mut i16,
    code: *mut *mut u16,
) -> i32;

const CONTINUE: i32 = -24200;

/// What values of an OCI type are for PostgreSQL.
pub(crate) fn kind(kind: u16) -> Result<Kind> {
    Ok(match kind {
        CHR | AFC | LNG => Kind::Text,
        VNU | NUM | INT | UIN => Kind::Number,
        IBDOUBLE | BDOUBLE | FLT => Kind::Double,
        ODT | DAT => Kind::Date,
        TIMESTAMP => Kind::Timestamp,
        TIMESTAMP_TZ => Kind::TimestampTz,
        BIN | LBI => Kind::Raw,
        CLOB => Kind::Clob,
        BLOB => Kind::Blob,
        _ => return Err(unknown(format!("a bind of type {kind}"))),
    })
}

/// A bind's value in a row.
///
/// # Safety
/// The buffers hold that row.
pub(crate) unsafe fn read(bind: &Bind, handle: *mut c_void, row: u32) -> Result<Value> {
    let Buffer { value, size, kind, indicator, length, .. } = bind.buffer;
    let at = row as usize;
    // SAFETY: as above; the callback is the caller's, and gives buffers that live until the next call.
    unsafe {
        if let Some((context, callback)) = bind.callback {
            let (mut value, mut length, mut piece, mut indicator) = (std::ptr::null_mut(), 0, 0, std::ptr::null_mut());
            let context = context as *mut c_void;
            let said = callback(context, handle, row, 0, &mut value, &mut length, &mut piece, &mut indicator);
            if said != CONTINUE {
                return Err(told(24343, "user defined callback error"));
            }
            return read_at(kind, value, length as usize, indicator.is_null() || *indicator < 0);
        }
        let is_null = !indicator.is_null() && indicator.add(at).read_unaligned() < 0;
        let length = if length.is_null() { size } else { length.add(at).read_unaligned() as usize };
        read_at(kind, value.add(at * size), length, is_null)
    }
}

/// # Safety
/// A value of that type is there.
unsafe fn read_at(kind: u16, value: *mut u8, length: usize, is_null: bool) -> Result<Value> {
    if is_null || value.is_null() {
        return Ok(Value::Null);
    }
    // SAFETY: as above. A descriptor's entry is the address of a pointer to it.
    unsafe {
        let pointed = || value.cast::<*mut c_void>().read_unaligned();
        Ok(match kind {
            CHR | AFC | LNG | BIN | LBI if length == 0 => Value::Null,
            CHR | AFC | LNG => Value::Text(text(value, length)),
            BIN | LBI => Value::Bytes(std::slice::from_raw_parts(value, length).to_vec()),
            VNU => Value::Number(number_at(value.cast())),
            INT => Value::Number(value.cast::<i64>().read_unaligned().to_string()),
            UIN => Value::Number(value.cast::<u64>().read_unaligned().to_string()),
            IBDOUBLE | BDOUBLE | FLT => Value::Double(value.cast::<f64>().read_unaligned()),
            ODT => {
                let year = value.cast::<i16>().read_unaligned();
                let part = |at: usize| value.add(at).read();
                let (month, day, hour, minute, second) = (part(2), part(3), part(4), part(5), part(6));
                Value::Moment(Moment { year, month, day, hour, minute, second, ..Moment::default() })
            }
            TIMESTAMP | TIMESTAMP_TZ => Value::Moment(*moment(pointed())?),
            CLOB => Value::Text(String::from_utf8_lossy(&lob(pointed())?.bytes).into_owned()),
            BLOB => Value::Bytes(lob(pointed())?.bytes.to_vec()),
            _ => return Err(unknown(format!("a bind of type {kind}"))),
        })
    }
}

/// Puts a value where a column goes.
///
/// # Safety
/// The buffers hold that row.
pub(crate) unsafe fn write(define: &Define, handle: *mut c_void, row: u32, value: &Value) -> Result<()> {
    let kind = define.buffer.kind;
    let bytes = match (value, kind) {
        (Value::Null, _) => None,
        (Value::Text(text), CHR | AFC | LNG) => Some(text.as_bytes().to_vec()),
        (Value::Number(text), CHR | AFC | LNG) => Some(shown(text).into_bytes()),
        (Value::Bytes(bytes), BIN | LBI) => Some(bytes.clone()),
        _ => {
            // SAFETY: as above.
            return unsafe { write_fixed(&define.buffer, row as usize, value) };
        }
    };
    // SAFETY: as above.
    match define.callback {
        Some((context, callback)) => unsafe { write_pieces(context, callback, handle, row, bytes.as_deref()) },
        None => unsafe { write_bytes(&define.buffer, row as usize, bytes.as_deref()) },
    }
}

/// As TO_CHAR shows a number: without the zero before the point.
fn shown(number: &str) -> String {
    match (number.strip_prefix("0."), number.strip_prefix("-0.")) {
        (Some(fraction), _) => format!(".{fraction}"),
        (_, Some(fraction)) => format!("-.{fraction}"),
        _ => number.to_owned(),
    }
}

unsafe fn write_bytes(buffer: &Buffer, at: usize, bytes: Option<&[u8]>) -> Result<()> {
    let Buffer { value, size, indicator, length, code, .. } = *buffer;
    let room = |place: *mut u16| if place.is_null() { place } else { place.wrapping_add(at) };
    let of = |place: *mut i16| if place.is_null() { place } else { place.wrapping_add(at) };
    let long = |place: *mut u32| if place.is_null() { place } else { place.wrapping_add(at) };
    // SAFETY: the caller's arrays hold entry `at`.
    unsafe {
        let Some(bytes) = bytes else {
            put(of(indicator), -1);
            put(long(length), 0);
            put(room(code), 1405);
            return Ok(());
        };
        if bytes.len() > size {
            put(room(code), 1406);
            return Err(told(1406, "fetched column value was truncated"));
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), value.add(at * size), bytes.len());
        put(of(indicator), 0);
        put(long(length), bytes.len() as u32);
        put(room(code), 0);
    }
    Ok(())
}

unsafe fn write_pieces(
    context: usize,
    callback: Callback,
    handle: *mut c_void,
    row: u32,
    bytes: Option<&[u8]>,
) -> Result<()> {
    let mut rest = bytes.unwrap_or_default();
    loop {
        let (mut value, mut length) = (std::ptr::null_mut(), std::ptr::null_mut::<u32>());
        let (mut piece, mut indicator, mut code) = (0, std::ptr::null_mut(), std::ptr::null_mut());
        let context = context as *mut c_void;
        let said = callback(context, handle, row, &mut value, &mut length, &mut piece, &mut indicator, &mut code);
        if said != CONTINUE || length.is_null() {
            return Err(told(24343, "user defined callback error"));
        }
        // SAFETY: the room that the callback gave.
        unsafe {
            let size = (length.read_unaligned() as usize).min(rest.len());
            std::ptr::copy_nonoverlapping(rest.as_ptr(), value, size);
            put(length, size as u32);
            put(indicator, if bytes.is_none() { -1 } else { 0 });
            rest = &rest[size..];
        }
        if rest.is_empty() {
            return Ok(());
        }
    }
}

unsafe fn write_fixed(buffer: &Buffer, at: usize, found: &Value) -> Result<()> {
    let Buffer { value, size, kind, indicator, .. } = *buffer;
    // SAFETY: the caller's arrays hold entry `at`; a descriptor's entry is a pointer to it.
    unsafe {
        let entry = value.add(at * size);
        let pointed = || entry.cast::<*mut c_void>().read_unaligned();
        match (found, kind) {
            (Value::Number(text), VNU) => put(entry.cast(), encode(text).ok_or_else(|| ora(1438))?),
            (Value::Double(number), VNU) => put(entry.cast(), encode(&number.to_string()).ok_or_else(|| ora(1438))?),
            (Value::Number(text), INT) => put(entry.cast::<i64>(), text.parse().map_err(|_| ora(1455))?),
            (Value::Number(text), IBDOUBLE) => put(entry.cast::<f64>(), text.parse().map_err(|_| ora(1722))?),
            (Value::Double(number), IBDOUBLE) => put(entry.cast::<f64>(), *number),
            (Value::Moment(moment), ODT) => {
                put(entry.cast(), moment.year);
                let parts = [moment.month, moment.day, moment.hour, moment.minute, moment.second];
                std::ptr::copy_nonoverlapping(parts.as_ptr(), entry.add(2), parts.len());
            }
            (Value::Moment(from), TIMESTAMP | TIMESTAMP_TZ | TIMESTAMP_LTZ) => *moment(pointed())? = *from,
            (Value::Text(text), CLOB) => {
                *lob(pointed())? = Lob { bytes: Arc::new(text.clone().into_bytes()), is_text: true, ..Lob::default() };
            }
            (Value::Bytes(bytes), BLOB) => {
                *lob(pointed())? = Lob { bytes: Arc::new(bytes.clone()), ..Lob::default() };
            }
            _ => return Err(told(932, format!("inconsistent datatypes: the test server defines no type {kind} here"))),
        }
        if !indicator.is_null() {
            put(indicator.add(at), 0);
        }
    }
    Ok(())
}
