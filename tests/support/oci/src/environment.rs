//! Versions, character sets, and what is kept for each thread.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::handle::{ERROR, NO_DATA, SUCCESS, put};

/// AL32UTF8.
pub(crate) const UTF8: u16 = 873;

/// The client's version, whatever the server's: 19.3, which most authorities that run Oracle have.
#[unsafe(no_mangle)]
extern "C" fn OCIClientVersion(
    major: *mut i32,
    minor: *mut i32,
    update: *mut i32,
    patch: *mut i32,
    port_update: *mut i32,
) {
    for (place, number) in [(major, 19), (minor, 3), (update, 0), (patch, 0), (port_update, 0)] {
        // SAFETY: the caller's places for five numbers.
        unsafe { put(place, number) };
    }
}

#[unsafe(no_mangle)]
extern "C" fn OCIThreadProcessInit() {}

thread_local! {
    static KEPT: RefCell<HashMap<usize, Kept>> = RefCell::default();
}

type Destructor = extern "C" fn(*mut c_void);

/// A value of a thread, and what frees it when the thread ends.
struct Kept {
    value: *mut c_void,
    destructor: Option<Destructor>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let (false, Some(destructor)) = (self.value.is_null(), self.destructor) {
            destructor(self.value);
        }
    }
}

/// A key for values of threads.
struct Key {
    number: usize,
    destructor: Option<Destructor>,
}

#[unsafe(no_mangle)]
extern "C" fn OCIThreadKeyInit(
    _handle: *mut c_void,
    _error: *mut c_void,
    key: *mut *mut c_void,
    destructor: Option<Destructor>,
) -> i32 {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let made = Box::new(Key { number: NEXT.fetch_add(1, Ordering::Relaxed), destructor });
    // SAFETY: the caller's place for the key.
    unsafe { put(key, Box::into_raw(made).cast()) };
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn OCIThreadKeyGet(
    _handle: *mut c_void,
    _error: *mut c_void,
    key: *mut c_void,
    value: *mut *mut c_void,
) -> i32 {
    // SAFETY: made by OCIThreadKeyInit.
    let Some(key) = (unsafe { key.cast::<Key>().as_ref() }) else { return ERROR };
    let found = KEPT.try_with(|kept| kept.borrow().get(&key.number).map(|kept| kept.value));
    // SAFETY: the caller's place for the value.
    unsafe { put(value, found.ok().flatten().unwrap_or(std::ptr::null_mut())) };
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn OCIThreadKeySet(_handle: *mut c_void, _error: *mut c_void, key: *mut c_void, value: *mut c_void) -> i32 {
    // SAFETY: made by OCIThreadKeyInit.
    let Some(key) = (unsafe { key.cast::<Key>().as_ref() }) else { return ERROR };
    let kept = Kept { value, destructor: key.destructor };
    let former = KEPT.try_with(|all| all.borrow_mut().insert(key.number, kept));
    // As OCI does it: a value that is replaced is the caller's to free.
    if let Ok(Some(former)) = former {
        std::mem::forget(former);
    }
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn OCIThreadKeyDestroy(_handle: *mut c_void, _error: *mut c_void, _key: *mut *mut c_void) -> i32 {
    SUCCESS
}

/// Writes a text with its final zero.
fn write(buffer: *mut c_char, size: usize, text: &str) -> i32 {
    if buffer.is_null() || text.len() >= size {
        return ERROR;
    }
    // SAFETY: the caller's buffer of `size` bytes.
    unsafe {
        std::ptr::copy_nonoverlapping(text.as_ptr(), buffer.cast(), text.len());
        put(buffer.add(text.len()), 0);
    }
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn OCINlsCharSetIdToName(_handle: *mut c_void, buffer: *mut c_char, size: usize, id: u16) -> i32 {
    write(buffer, size, if id == 1 { "US7ASCII" } else { "AL32UTF8" })
}

#[unsafe(no_mangle)]
extern "C" fn OCINlsCharSetNameToId(_handle: *mut c_void, name: *const c_char) -> u16 {
    if name.is_null() {
        return 0;
    }
    // SAFETY: a text with a final zero.
    match unsafe { CStr::from_ptr(name) }.to_str() {
        Ok(name) if name.eq_ignore_ascii_case("AL32UTF8") || name.eq_ignore_ascii_case("UTF8") => UTF8,
        _ => 0,
    }
}

/// Names by IANA (flag 1) and by Oracle (flag 0).
#[unsafe(no_mangle)]
extern "C" fn OCINlsNameMap(
    _handle: *mut c_void,
    buffer: *mut c_char,
    size: usize,
    source: *const c_char,
    flag: u32,
) -> i32 {
    if source.is_null() {
        return ERROR;
    }
    // SAFETY: a text with a final zero.
    let ascii = unsafe { CStr::from_ptr(source) }.to_bytes().to_ascii_uppercase().ends_with(b"ASCII");
    match (flag, ascii) {
        (1, true) => write(buffer, size, "US-ASCII"),
        (1, false) => write(buffer, size, "UTF-8"),
        (_, true) => write(buffer, size, "US7ASCII"),
        (_, false) => write(buffer, size, "AL32UTF8"),
    }
}

#[unsafe(no_mangle)]
extern "C" fn OCINlsNumericInfoGet(_handle: *mut c_void, _error: *mut c_void, value: *mut i32, _item: u16) -> i32 {
    // SAFETY: the caller's place for a number: the bytes of a character.
    unsafe { put(value, 4) };
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn OCINlsEnvironmentVariableGet(
    value: *mut c_void,
    _size: usize,
    _item: u16,
    _charset: u16,
    written: *mut usize,
) -> i32 {
    // SAFETY: the caller's places for the character set and its size.
    unsafe {
        put(value.cast::<u16>(), UTF8);
        put(written, 2);
    }
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn OCIMemoryFree(_handle: *mut c_void, _error: *mut c_void, memory: *mut c_void) -> i32 {
    if !memory.is_null() {
        // SAFETY: made by OCIMemoryAlloc, whose blocks are of this shape.
        drop(unsafe { Box::from_raw(memory.cast::<[u64; BLOCK]>()) });
    }
    SUCCESS
}

const BLOCK: usize = 64;

#[unsafe(no_mangle)]
extern "C" fn OCIMemoryAlloc(
    _handle: *mut c_void,
    _error: *mut c_void,
    memory: *mut *mut c_void,
    _duration: u16,
    size: u32,
    _flags: u32,
) -> i32 {
    if size as usize > BLOCK * 8 {
        return ERROR;
    }
    // SAFETY: the caller's place for a pointer.
    unsafe { put(memory, Box::into_raw(Box::new([0u64; BLOCK])).cast()) };
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn OCIRowidToChar(_rowid: *mut c_void, _out: *mut c_char, _length: *mut u16, _error: *mut c_void) -> i32 {
    NO_DATA
}
