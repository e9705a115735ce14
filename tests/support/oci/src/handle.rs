//! Handles and descriptors: what OCI gives its caller to hold, and how a call begins and ends.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use crate::connect::{Login, Place, Pool};
use crate::connection::Connection;
use crate::error::{OraError, Result, told};
use crate::lob::Lob;
use crate::statement::{Bind, Define, Statement};
use crate::types::Column;
use crate::value::Moment;

pub(crate) const SUCCESS: i32 = 0;
pub(crate) const SUCCESS_WITH_INFO: i32 = 1;
pub(crate) const NO_DATA: i32 = 100;
pub(crate) const ERROR: i32 = -1;
pub(crate) const INVALID_HANDLE: i32 = -2;

/// What a caller holds a pointer to.
pub(crate) enum Handle {
    /// An environment, or what has no properties here.
    Plain,
    Error(Fault),
    Service(Service),
    Server(Place),
    /// A session, or what is needed to begin one.
    Login(Login),
    Statement(Box<Statement>),
    Bind(Bind),
    Define(Define),
    Column(Column),
    Lob(Lob),
    Moment(Moment),
    Pool(Pool),
}

/// An error handle.
#[derive(Default)]
pub(crate) struct Fault {
    pub(crate) error: Option<OraError>,
    /// The row of an array to which it belongs.
    pub(crate) row: u32,
    /// The errors of single rows.
    pub(crate) batch: Vec<(u32, OraError)>,
}

/// A service context.
#[derive(Default)]
pub(crate) struct Service {
    pub(crate) server: usize,
    pub(crate) session: usize,
    pub(crate) connection: Option<Arc<Connection>>,
    pub(crate) pool: usize,
    pub(crate) timeout: u32,
    pub(crate) cache: u32,
}

impl Handle {
    /// Gives it to the caller.
    pub(crate) fn give(self) -> *mut c_void {
        Box::into_raw(Box::new(self)).cast()
    }
}

/// What a pointer points to.
///
/// # Safety
/// It is null, or was made by [`Handle::give`] and not freed; and nobody else uses the handle meanwhile, as OCI asks of its callers.
pub(crate) unsafe fn at<'a>(pointer: *const c_void) -> Option<&'a mut Handle> {
    // SAFETY: as above.
    unsafe { pointer.cast_mut().cast::<Handle>().as_mut() }
}

macro_rules! as_kind {
    ($name:ident, $variant:ident, $kind:ty) => {
        /// As [`at`], of one kind.
        ///
        /// # Safety
        /// As for [`at`].
        pub(crate) unsafe fn $name<'a>(pointer: *const c_void) -> Result<&'a mut $kind> {
            // SAFETY: as above.
            match unsafe { at(pointer) } {
                Some(Handle::$variant(it)) => Ok(it),
                _ => Err(told(24330, "internal OCI error: a handle of another kind")),
            }
        }
    };
}

as_kind!(service, Service, Service);
as_kind!(server, Server, Place);
as_kind!(login, Login, Login);
as_kind!(statement, Statement, Statement);
as_kind!(bind, Bind, Bind);
as_kind!(define, Define, Define);
as_kind!(lob, Lob, Lob);
as_kind!(moment, Moment, Moment);
as_kind!(pool, Pool, Pool);

/// The connection behind a service context.
///
/// # Safety
/// As for [`at`].
pub(crate) unsafe fn connection(service_context: *const c_void) -> Result<Arc<Connection>> {
    // SAFETY: as above.
    let found = unsafe { service(service_context)? };
    found.connection.clone().ok_or_else(|| told(1012, "not logged on"))
}

/// Runs a call. What goes wrong is put into the error handle, and no panic crosses the boundary.
pub(crate) fn call(error: *mut c_void, body: impl FnOnce() -> Result<i32>) -> i32 {
    let done = catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|_| Err(told(600, "internal error code, arguments: [the test server panicked]")));
    // SAFETY: the caller's error handle, or null.
    let record = match unsafe { at(error) } {
        Some(Handle::Error(record)) => Some(record),
        _ => None,
    };
    match done {
        Ok(status) => status,
        Err(fault) => {
            if let Some(record) = record {
                record.error = Some(fault);
            }
            ERROR
        }
    }
}

/// Text with a length.
///
/// # Safety
/// `length` bytes can be read there.
pub(crate) unsafe fn text(pointer: *const u8, length: usize) -> String {
    if pointer.is_null() || length == 0 {
        return String::new();
    }
    // SAFETY: as above.
    String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(pointer, length) }).into_owned()
}

/// Writes through a pointer that may be null.
///
/// # Safety
/// It is null, or a value of that type may be written there.
pub(crate) unsafe fn put<T>(pointer: *mut T, value: T) {
    if !pointer.is_null() {
        // SAFETY: as above; callers do not promise to align it.
        unsafe { pointer.write_unaligned(value) }
    }
}

#[unsafe(no_mangle)]
extern "C" fn OCIEnvNlsCreate(
    environment: *mut *mut c_void,
    _mode: u32,
    _context: *mut c_void,
    _malloc: *mut c_void,
    _realloc: *mut c_void,
    _free: *mut c_void,
    _extra: usize,
    _user: *mut *mut c_void,
    _charset: u16,
    _ncharset: u16,
) -> i32 {
    // SAFETY: the caller's place for a handle.
    unsafe { put(environment, Handle::Plain.give()) };
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn OCIHandleAlloc(
    _parent: *const c_void,
    handle: *mut *mut c_void,
    kind: u32,
    _extra: usize,
    _user: *mut *mut c_void,
) -> i32 {
    let made = match kind {
        2 => Handle::Error(Fault::default()),
        3 => Handle::Service(Service::default()),
        4 => Handle::Statement(Box::default()),
        8 => Handle::Server(Place::default()),
        9 => Handle::Login(Login::default()),
        27 => Handle::Pool(Pool::default()),
        _ => Handle::Plain,
    };
    // SAFETY: the caller's place for a handle.
    unsafe { put(handle, made.give()) };
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn OCIHandleFree(handle: *mut c_void, _kind: u32) -> i32 {
    free(handle)
}

fn free(handle: *mut c_void) -> i32 {
    if handle.is_null() {
        return INVALID_HANDLE;
    }
    call(std::ptr::null_mut(), || {
        // SAFETY: made by `give`, and the caller gives it back.
        drop(unsafe { Box::from_raw(handle.cast::<Handle>()) });
        Ok(SUCCESS)
    })
}

fn descriptor(kind: u32) -> Handle {
    match kind {
        50 => Handle::Lob(Lob::default()),
        68..=70 => Handle::Moment(Moment::default()),
        _ => Handle::Plain,
    }
}

#[unsafe(no_mangle)]
extern "C" fn OCIDescriptorAlloc(
    _parent: *const c_void,
    place: *mut *mut c_void,
    kind: u32,
    _extra: usize,
    _user: *mut *mut c_void,
) -> i32 {
    // SAFETY: the caller's place for a descriptor.
    unsafe { put(place, descriptor(kind).give()) };
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn OCIDescriptorFree(handle: *mut c_void, _kind: u32) -> i32 {
    free(handle)
}

#[unsafe(no_mangle)]
extern "C" fn OCIArrayDescriptorAlloc(
    _parent: *const c_void,
    places: *mut *mut c_void,
    kind: u32,
    count: u32,
    _extra: usize,
    _user: *mut *mut c_void,
) -> i32 {
    let made: Box<[Handle]> = (0..count).map(|_| descriptor(kind)).collect();
    let length = made.len();
    let first = Box::into_raw(made).cast::<Handle>();
    arrays().insert(first as usize, length);
    for at in 0..length {
        // SAFETY: the caller has room for `count` descriptors, and as many were made.
        unsafe { put(places.add(at), first.add(at).cast()) };
    }
    SUCCESS
}

/// The arrays of descriptors by their addresses, with their lengths, which the caller does not tell when it gives one back.
fn arrays() -> MutexGuard<'static, HashMap<usize, usize>> {
    static ARRAYS: LazyLock<Mutex<HashMap<usize, usize>>> = LazyLock::new(Mutex::default);
    ARRAYS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[unsafe(no_mangle)]
extern "C" fn OCIArrayDescriptorFree(places: *mut *mut c_void, _kind: u32) -> i32 {
    // SAFETY: the caller's array, whose first descriptor is the address of all.
    let first = unsafe { places.read_unaligned() };
    let Some(length) = arrays().remove(&(first as usize)) else { return INVALID_HANDLE };
    // SAFETY: made by OCIArrayDescriptorAlloc with this length, and forgotten there.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(first.cast::<Handle>(), length)) });
    SUCCESS
}

#[unsafe(no_mangle)]
extern "C" fn OCIErrorGet(
    handle: *mut c_void,
    record: u32,
    _state: *mut u8,
    code: *mut i32,
    buffer: *mut u8,
    size: u32,
    _kind: u32,
) -> i32 {
    // SAFETY: the caller's error handle.
    let Some(Handle::Error(Fault { error: Some(error), .. })) = (unsafe { at(handle) }) else { return NO_DATA };
    if record > 1 || size == 0 {
        return NO_DATA;
    }
    let mut length = error.message.len().min(size as usize - 1);
    while !error.message.is_char_boundary(length) {
        length -= 1;
    }
    // SAFETY: the caller's buffer of `size` bytes and its place for the number.
    unsafe {
        put(code, error.code);
        std::ptr::copy_nonoverlapping(error.message.as_ptr(), buffer, length);
        put(buffer.add(length), 0);
    }
    SUCCESS
}
