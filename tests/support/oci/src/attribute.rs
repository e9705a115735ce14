//! OCIAttrGet and OCIAttrSet.
#![allow(unsafe_code)]

use std::ffi::c_void;

use crate::environment::UTF8;
use crate::error::{Result, told};
use crate::handle::{Handle, NO_DATA, SUCCESS, Service, at, call, put, text};
use crate::statement::Statement;
use crate::types::Column;

/// Where an attribute's value is put.
struct Out {
    value: *mut c_void,
    size: *mut u32,
}

impl Out {
    fn put<T>(&self, value: T) -> Result<i32> {
        // SAFETY: the caller's place for a value of the attribute's type, which is `T`.
        unsafe { put(self.value.cast(), value) };
        Ok(SUCCESS)
    }

    /// A text, which lives as long as the handle.
    fn text(&self, text: &str) -> Result<i32> {
        // SAFETY: the caller's places for a text and its length.
        unsafe {
            put(self.value.cast(), text.as_ptr());
            put(self.size, text.len() as u32);
        }
        Ok(SUCCESS)
    }
}

fn no_attribute(number: u32) -> Result<i32> {
    Err(told(24315, format!("illegal attribute type: the test server has no attribute {number} here")))
}

#[unsafe(no_mangle)]
extern "C" fn OCIAttrGet(
    handle: *const c_void,
    _kind: u32,
    value: *mut c_void,
    size: *mut u32,
    attribute: u32,
    error: *mut c_void,
) -> i32 {
    call(error, || {
        let out = Out { value, size };
        // SAFETY: the caller's handle.
        match unsafe { at(handle) } {
            Some(Handle::Plain) => match attribute {
                31 | 262 => out.put(UTF8),
                _ => no_attribute(attribute),
            },
            Some(Handle::Error(record)) => match attribute {
                74 => out.put(record.row),
                472 => out.put(0i32),
                _ => no_attribute(attribute),
            },
            Some(Handle::Service(service)) => of_service(service, &out, attribute),
            Some(Handle::Server(place)) => match attribute {
                31 => out.put(UTF8),
                // Whether the connection lives.
                143 => out.put(u32::from(!place.connection.as_ref().is_some_and(|connection| connection.is_dead()))),
                436 => out.put(0u32),
                495 => out.put(0u8),
                25 | 26 | 391..=393 => out.text(&place.database),
                399 => out.text(""),
                471 => out.put(300u32),
                _ => no_attribute(attribute),
            },
            Some(Handle::Login(login)) => match attribute {
                // Whether a transaction is open.
                484 => out.put(i32::from(login.connection.as_ref().is_some_and(|connection| connection.is_changing()))),
                22 => out.text(&login.user),
                _ => match login.texts.get(&attribute) {
                    Some(text) => out.text(text),
                    None if attribute == 224 => out.text(&login.user),
                    None => Ok(NO_DATA),
                },
            },
            Some(Handle::Statement(statement)) => of_statement(statement, &out, attribute),
            Some(Handle::Column(column)) => of_column(column, &out, attribute),
            Some(Handle::Pool(pool)) => match attribute {
                310 => out.put(pool.busy),
                311 => out.put(pool.open),
                208 | 308 | 490 | 506 => out.put(0u32),
                309 => out.put(0u8),
                _ => no_attribute(attribute),
            },
            _ => no_attribute(attribute),
        }
    })
}

fn of_service(service: &Service, out: &Out, attribute: u32) -> Result<i32> {
    match attribute {
        6 => out.put(service.server),
        7 => out.put(service.session),
        176 => out.put(service.cache),
        500 => out.put(service.connection.as_ref().map_or(30u8, |connection| connection.longest_name() as u8)),
        531 => out.put(service.timeout),
        _ => no_attribute(attribute),
    }
}

fn of_statement(statement: &Statement, out: &Out, attribute: u32) -> Result<i32> {
    match attribute {
        9 => out.put(statement.rows as u32),
        // The function's code, of the first of a kind: CREATE TABLE for every CREATE.
        10 => out.put::<u16>(match statement.scan.kind {
            1 => 4,
            2 => 5,
            3 => 9,
            4 => 3,
            5 => 1,
            6 => 8,
            7 => 15,
            16 => 189,
            _ => 0,
        }),
        18 => out.put(statement.columns.len() as u32),
        24 => out.put(statement.scan.kind),
        73 => out.put(statement.errors),
        129 => out.put(0u16),
        144 => out.text(&statement.text),
        190 => out.put(statement.scan.binds.len() as u32),
        197 => out.put(statement.fetched),
        218 => out.put(i32::from(statement.scan.is_returning)),
        457 => out.put(statement.rows),
        469 => {
            // SAFETY: the caller's places for the array, which lives as long as the statement, and its length.
            unsafe {
                put(out.value.cast(), statement.counts.as_ptr());
                put(out.size, statement.counts.len() as u32);
            }
            Ok(SUCCESS)
        }
        _ => no_attribute(attribute),
    }
}

fn of_column(column: &Column, out: &Out, attribute: u32) -> Result<i32> {
    match attribute {
        1 => out.put(column.size),
        2 => out.put(column.kind),
        4 => out.text(&column.name),
        5 => out.put(column.precision),
        6 => out.put(column.scale),
        // Whether it may be null: an expression may.
        7 => out.put(1u8),
        31 => out.put(UTF8),
        // SQLCS_IMPLICIT: the database's character set, not the national one.
        32 => out.put(1u8),
        286 => out.put(column.characters),
        // JSON and OSON columns.
        438 | 623 => out.put(0u8),
        _ => out.put(0u8),
    }
}

#[unsafe(no_mangle)]
extern "C" fn OCIAttrSet(
    handle: *mut c_void,
    _kind: u32,
    value: *mut c_void,
    size: u32,
    attribute: u32,
    error: *mut c_void,
) -> i32 {
    call(error, || {
        // SAFETY: the caller's handle, and its value of the attribute's type.
        unsafe {
            match at(handle) {
                Some(Handle::Service(service)) => match attribute {
                    6 => service.server = value as usize,
                    7 => service.session = value as usize,
                    // A transaction of its own, for two-phase commits: there is none.
                    8 => {}
                    176 => service.cache = value.cast::<u32>().read_unaligned(),
                    531 => service.timeout = value.cast::<u32>().read_unaligned(),
                    _ => return no_attribute(attribute),
                },
                Some(Handle::Login(login)) => match attribute {
                    22 => login.user = text(value.cast(), size as usize),
                    23 => login.password = text(value.cast(), size as usize),
                    // Connection class, driver, module, action, and what else is a text.
                    224 | 278 | 288 | 366..=368 | 371 | 424 | 425 | 485 => {
                        login.texts.insert(attribute, text(value.cast(), size as usize));
                    }
                    // Purity, of a pool's session.
                    426 => {}
                    _ => return no_attribute(attribute),
                },
                // Prefetch, the size of the data, character sets, what a pool does with idle sessions: of no consequence here.
                Some(
                    Handle::Statement(_) | Handle::Bind(_) | Handle::Define(_) | Handle::Pool(_) | Handle::Server(_),
                ) => {}
                _ => return no_attribute(attribute),
            }
        }
        Ok(SUCCESS)
    })
}
