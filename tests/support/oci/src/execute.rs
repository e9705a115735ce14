//! Statements: executed, fetched, and described.
#![allow(unsafe_code)]

use std::ffi::c_void;

use crate::buffer;
use crate::connection::Request;
use crate::error::{OraError, told};
use crate::handle::{self, Fault, Handle, NO_DATA, SUCCESS, SUCCESS_WITH_INFO, at, call, put, statement};
use crate::value::Kind;

/// Modes of an execution.
const DESCRIBE_ONLY: u32 = 0x10;
const COMMIT_ON_SUCCESS: u32 = 0x20;
const BATCH_ERRORS: u32 = 0x80;
const PARSE_ONLY: u32 = 0x100;

#[unsafe(no_mangle)]
extern "C" fn OCIStmtExecute(
    context: *mut c_void,
    handle: *mut c_void,
    error: *mut c_void,
    iterations: u32,
    _offset: u32,
    _snapshot_in: *const c_void,
    _snapshot_out: *mut c_void,
    mode: u32,
) -> i32 {
    let mut batch = Vec::new();
    let status = call(error, || {
        // SAFETY: the caller's handles.
        let (service, statement) = unsafe { (handle::service(context)?, statement(handle)?) };
        let connection = service.connection.clone().ok_or_else(|| told(1012, "not logged on"))?;
        let only_described = mode & (DESCRIBE_ONLY | PARSE_ONLY) != 0;
        let (kinds, rows) = match only_described {
            true => (vec![Kind::Text; statement.scan.binds.len()], Vec::new()),
            false => statement.values(iterations.max(1))?,
        };
        statement.cursor = None;
        (statement.rows, statement.fetched, statement.errors) = (0, 0, 0);
        let request = Request {
            text: &statement.text,
            kinds: &kinds,
            rows: &rows,
            keeps_errors: mode & BATCH_ERRORS != 0,
            commits: mode & COMMIT_ON_SUCCESS != 0,
            only_described,
            timeout: service.timeout,
        };
        let outcome = connection.execute(&request)?;
        if let Some(cursor) = outcome.cursor {
            statement.columns = outcome.columns;
            statement.cursor = Some(cursor);
        }
        statement.rows = outcome.counts.iter().sum();
        statement.counts = outcome.counts;
        statement.errors = outcome.errors.len() as u32;
        batch = outcome.errors;
        match outcome.stopped {
            Some(fault) => Err(fault),
            None => Ok(SUCCESS),
        }
    });
    if status != SUCCESS || batch.is_empty() {
        return status;
    }
    // SAFETY: the caller's error handle.
    if let Some(Handle::Error(record)) = unsafe { at(error) } {
        *record = Fault { error: Some(told(24381, "error(s) in array DML")), row: 0, batch };
    }
    SUCCESS_WITH_INFO
}

#[unsafe(no_mangle)]
extern "C" fn OCIStmtFetch2(
    handle: *mut c_void,
    error: *mut c_void,
    rows: u32,
    orientation: u16,
    _offset: i32,
    _mode: u32,
) -> i32 {
    const NEXT: u16 = 2;
    call(error, || {
        // SAFETY: the caller's handle.
        let statement = unsafe { statement(handle)? };
        statement.fetched = 0;
        if orientation != NEXT {
            return Err(crate::error::unknown("a scrollable cursor"));
        }
        let (Some(connection), Some(cursor)) = (&statement.connection, &statement.cursor) else {
            return Err(told(1002, "fetch out of sequence"));
        };
        let (got, is_end) = connection.fetch(cursor, rows as usize, statement.rows)?;
        for (row, values) in got.iter().enumerate() {
            for (position, define) in &statement.defines {
                let value = &values[*position as usize - 1];
                // SAFETY: made for this statement, over buffers that its caller keeps for `rows` rows.
                unsafe { buffer::write(handle::define(*define)?, *define, row as u32, value)? };
            }
        }
        statement.fetched = got.len() as u32;
        statement.rows += got.len() as u64;
        Ok(if is_end { NO_DATA } else { SUCCESS })
    })
}

/// Gives one of the errors of an array's rows, or describes a column.
#[unsafe(no_mangle)]
extern "C" fn OCIParamGet(
    of: *const c_void,
    _kind: u32,
    error: *mut c_void,
    into: *mut *mut c_void,
    position: u32,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle.
        match unsafe { at(of) } {
            Some(Handle::Statement(statement)) => {
                let column = statement.columns.get((position as usize).wrapping_sub(1)).cloned();
                let column = column.ok_or_else(|| told(24334, "no descriptor for this position"))?;
                // SAFETY: the caller's place for a descriptor.
                unsafe { put(into, Handle::Column(column).give()) };
                Ok(SUCCESS)
            }
            Some(Handle::Error(record)) => {
                let found: Option<(u32, OraError)> = record.batch.get(position as usize).cloned();
                let (row, fault) = found.ok_or_else(|| told(24334, "no descriptor for this position"))?;
                // SAFETY: the caller's place holds an error handle of its own.
                if let Some(Handle::Error(record)) = unsafe { at(into.read_unaligned()) } {
                    *record = Fault { error: Some(fault), row, batch: Vec::new() };
                }
                Ok(SUCCESS)
            }
            _ => Err(told(24334, "no descriptor for this position")),
        }
    })
}
