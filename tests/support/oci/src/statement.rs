//! Statements: prepared, and bound.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::sync::Arc;

use crate::buffer::{self, Callback};
use crate::connection::Connection;
use crate::error::{Result, ora, told};
use crate::handle::{self, Handle, NO_DATA, SUCCESS, call, connection, put, statement, text};
use crate::query::Cursor;
use crate::sql;
use crate::types::Column;
use crate::value::{Kind, Value};

/// A statement handle.
#[derive(Default)]
pub(crate) struct Statement {
    pub(crate) connection: Option<Arc<Connection>>,
    pub(crate) text: String,
    pub(crate) scan: sql::Scan,
    pub(crate) binds: Vec<*mut c_void>,
    pub(crate) defines: Vec<(u32, *mut c_void)>,
    pub(crate) columns: Vec<Column>,
    pub(crate) cursor: Option<Cursor>,
    /// Rows changed, or fetched until now.
    pub(crate) rows: u64,
    pub(crate) counts: Vec<u64>,
    pub(crate) fetched: u32,
    pub(crate) errors: u32,
}

impl Drop for Statement {
    fn drop(&mut self) {
        for handle in self.binds.drain(..).chain(self.defines.drain(..).map(|(_, handle)| handle)) {
            // SAFETY: made below for this statement, which they go with.
            drop(unsafe { Box::from_raw(handle.cast::<Handle>()) });
        }
    }
}

/// What is bound to a placeholder.
pub(crate) struct Bind {
    /// Its position, counted from 1, or its name.
    place: std::result::Result<u32, String>,
    pub(crate) buffer: buffer::Buffer,
    pub(crate) callback: Option<(usize, buffer::InCallback)>,
}

/// Where a column goes.
pub(crate) struct Define {
    pub(crate) buffer: buffer::Buffer,
    pub(crate) callback: Option<(usize, Callback)>,
}

#[unsafe(no_mangle)]
extern "C" fn OCIStmtPrepare2(
    context: *mut c_void,
    place: *mut *mut c_void,
    error: *mut c_void,
    sql: *const u8,
    length: u32,
    _key: *const u8,
    _key_length: u32,
    _language: u32,
    _mode: u32,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle and text.
        let (connection, text) = unsafe { (connection(context)?, text(sql, length as usize)) };
        let scan = sql::scan(&text)?;
        let mut made = Box::<Statement>::default();
        (made.connection, made.text, made.scan) = (Some(connection), text, scan);
        // SAFETY: the caller's place for a handle.
        unsafe { put(place, Handle::Statement(made).give()) };
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCIStmtRelease(
    handle: *mut c_void,
    error: *mut c_void,
    _key: *const u8,
    _length: u32,
    _mode: u32,
) -> i32 {
    call(error, || {
        // SAFETY: made by OCIStmtPrepare2, and the caller gives it back.
        drop(unsafe { Box::from_raw(handle.cast::<Handle>()) });
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCIStmtGetNextResult(
    _handle: *mut c_void,
    _error: *mut c_void,
    _result: *mut *mut c_void,
    _kind: *mut u32,
    _mode: u32,
) -> i32 {
    NO_DATA
}

/// Binds, and gives the bind's handle back.
fn bound(
    handle: *mut c_void,
    into: *mut *mut c_void,
    place: std::result::Result<u32, String>,
    buffer: buffer::Buffer,
) -> Result<i32> {
    // SAFETY: the caller's handle.
    let statement = unsafe { statement(handle)? };
    let exists = match &place {
        Ok(position) => (1..=statement.scan.binds.len()).contains(&(*position as usize)),
        Err(name) => statement.scan.binds.contains(name),
    };
    if !exists {
        return Err(ora(1036));
    }
    let same = |one: &*mut c_void| {
        // SAFETY: made below.
        unsafe { handle::bind(*one) }.is_ok_and(|bind| bind.place == place)
    };
    if let Some(former) = statement.binds.iter().position(same) {
        // SAFETY: made below; a new one takes its place.
        drop(unsafe { Box::from_raw(statement.binds.swap_remove(former).cast::<Handle>()) });
    }
    let made = Handle::Bind(Bind { place, buffer, callback: None }).give();
    statement.binds.push(made);
    // SAFETY: the caller's place for a handle.
    unsafe { put(into, made) };
    Ok(SUCCESS)
}

#[unsafe(no_mangle)]
extern "C" fn OCIBindByPos2(
    handle: *mut c_void,
    bind: *mut *mut c_void,
    error: *mut c_void,
    position: u32,
    value: *mut u8,
    size: i64,
    kind: u16,
    indicator: *mut i16,
    length: *mut u32,
    code: *mut u16,
    most: u32,
    _count: *mut u32,
    _mode: u32,
) -> i32 {
    call(error, || {
        if most > 0 {
            return Err(crate::error::unknown("a PL/SQL array as a bind"));
        }
        bound(handle, bind, Ok(position), buffer::Buffer { value, size: size as usize, kind, indicator, length, code })
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCIBindByName2(
    handle: *mut c_void,
    bind: *mut *mut c_void,
    error: *mut c_void,
    name: *const u8,
    name_length: i32,
    value: *mut u8,
    size: i64,
    kind: u16,
    indicator: *mut i16,
    length: *mut u32,
    code: *mut u16,
    most: u32,
    _count: *mut u32,
    _mode: u32,
) -> i32 {
    call(error, || {
        if most > 0 {
            return Err(crate::error::unknown("a PL/SQL array as a bind"));
        }
        // SAFETY: the caller's text.
        let name = unsafe { text(name, name_length.max(0) as usize) };
        let name = name.trim_start_matches(':').to_uppercase();
        bound(handle, bind, Err(name), buffer::Buffer { value, size: size as usize, kind, indicator, length, code })
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCIBindDynamic(
    bind: *mut c_void,
    error: *mut c_void,
    in_context: *mut c_void,
    in_callback: Option<buffer::InCallback>,
    _out_context: *mut c_void,
    _out_callback: *mut c_void,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle.
        unsafe { handle::bind(bind)? }.callback = in_callback.map(|callback| (in_context as usize, callback));
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCIDefineByPos2(
    handle: *mut c_void,
    define: *mut *mut c_void,
    error: *mut c_void,
    position: u32,
    value: *mut u8,
    size: u64,
    kind: u16,
    indicator: *mut i16,
    length: *mut u32,
    code: *mut u16,
    _mode: u32,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle.
        let statement = unsafe { statement(handle)? };
        if position == 0 || position as usize > statement.columns.len() {
            return Err(told(1007, "variable not in select list"));
        }
        let buffer = buffer::Buffer { value, size: size as usize, kind, indicator, length, code };
        let made = Handle::Define(Define { buffer, callback: None }).give();
        if let Some(former) = statement.defines.iter().position(|(at, _)| *at == position) {
            // SAFETY: made here; a new one takes its place.
            drop(unsafe { Box::from_raw(statement.defines.swap_remove(former).1.cast::<Handle>()) });
        }
        statement.defines.push((position, made));
        // SAFETY: the caller's place for a handle.
        unsafe { put(define, made) };
        Ok(SUCCESS)
    })
}

#[unsafe(no_mangle)]
extern "C" fn OCIDefineDynamic(
    define: *mut c_void,
    error: *mut c_void,
    context: *mut c_void,
    callback: Option<Callback>,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle.
        unsafe { handle::define(define)? }.callback = callback.map(|callback| (context as usize, callback));
        Ok(SUCCESS)
    })
}

/// The names of placeholders: a caller asks how many there are with too little room.
#[unsafe(no_mangle)]
extern "C" fn OCIStmtGetBindInfo(
    handle: *mut c_void,
    error: *mut c_void,
    size: u32,
    start: u32,
    found: *mut i32,
    names: *mut *const u8,
    lengths: *mut u8,
    _indicators: *mut *const u8,
    indicator_lengths: *mut u8,
    duplicates: *mut u8,
    _handles: *mut *mut c_void,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle.
        let binds = &unsafe { statement(handle)? }.scan.binds;
        if binds.is_empty() {
            return Ok(NO_DATA);
        }
        let first = start.saturating_sub(1) as usize;
        for (at, name) in binds.iter().enumerate().skip(first).take(size as usize) {
            // SAFETY: the caller's arrays of `size` places; a name lives as long as the statement.
            unsafe {
                put(names.add(at - first), name.as_ptr());
                put(lengths.add(at - first), name.len() as u8);
                put(indicator_lengths.add(at - first), 0);
                put(duplicates.add(at - first), binds[..at].contains(name).into());
            }
        }
        let count = binds.len() as i32;
        // SAFETY: the caller's place for the number; negative where there are more.
        unsafe { put(found, if binds.len() > first + size as usize { -count } else { count }) };
        Ok(SUCCESS)
    })
}

impl Statement {
    /// The values of each row of an array, in the order of the placeholders.
    pub(crate) fn values(&self, rows: u32) -> Result<(Vec<Kind>, Vec<Vec<Value>>)> {
        let mut binds = Vec::new();
        for (at, name) in self.scan.binds.iter().enumerate() {
            let fits = |handle: &&*mut c_void| {
                // SAFETY: made for this statement.
                unsafe { handle::bind(**handle) }.is_ok_and(|bind| match &bind.place {
                    Ok(position) => *position as usize == at + 1,
                    Err(bound) => bound == name,
                })
            };
            binds.push(*self.binds.iter().find(fits).ok_or_else(|| ora(1008))?);
        }
        let (mut kinds, mut values) = (Vec::new(), Vec::new());
        for handle in &binds {
            // SAFETY: made for this statement.
            kinds.push(buffer::kind(unsafe { handle::bind(*handle)? }.buffer.kind)?);
        }
        for row in 0..rows {
            let mut one = Vec::with_capacity(binds.len());
            for handle in &binds {
                // SAFETY: made for this statement, over buffers that its caller keeps for `rows` rows.
                one.push(unsafe { buffer::read(handle::bind(*handle)?, *handle, row)? });
            }
            values.push(one);
        }
        Ok((kinds, values))
    }
}
