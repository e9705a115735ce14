//! What a call puts out, and buffers that are used again.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use csc_bridge_core::error::{Error, Result};
use csc_bridge_plugin_abi::message::encode;
use csc_bridge_plugin_abi::table::{Buffer, OK, PANIC, Status};
use serde::Serialize;

use crate::library::{Ended, lock};

/// A status and its bytes.
pub(crate) struct Output {
    pub status: Status,
    pub bytes: Bytes,
}

/// What the body of every entry returns.
pub(crate) type Answer = Result<Output, Ended>;

impl Output {
    pub const PANIC: Output = Output { status: PANIC, bytes: Bytes { vec: Vec::new(), pool: None } };

    pub fn new(status: Status, bytes: impl Into<Bytes>) -> Output {
        Output { status, bytes: bytes.into() }
    }

    /// The bytes as the host gets them.
    pub fn into_buffer(self) -> Buffer {
        if self.bytes.vec.is_empty() {
            return Buffer::EMPTY;
        }
        let owner = Box::new(self.bytes);
        let (data, len) = (owner.vec.as_ptr(), owner.vec.len() as u64);
        Buffer { data, len, owner: Box::into_raw(owner).cast(), free: Some(free) }
    }
}

/// An answer in JSON.
pub(crate) fn json(message: &impl Serialize) -> Answer {
    Ok(Output::new(OK, encode(message)?))
}

unsafe extern "C" fn free(owner: *mut c_void) {
    // SAFETY: `owner` is the box of `into_buffer`, which the host hands back once.
    let bytes = unsafe { Box::from_raw(owner.cast::<Bytes>()) };
    // Nothing here panics; if it did, it must not cross.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(bytes)));
}

/// Bytes that go back to their pool when they are dropped.
pub(crate) struct Bytes {
    vec: Vec<u8>,
    pool: Option<Arc<Pool>>,
}

impl From<Vec<u8>> for Bytes {
    fn from(vec: Vec<u8>) -> Bytes {
        Bytes { vec, pool: None }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            pool.give(std::mem::take(&mut self.vec));
        }
    }
}

/// The buffers of one session: a new megabyte for each batch costs more than to fill it.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Vec<Vec<u8>>>);

impl Pool {
    /// More are not in use at once: those that are ready, the one being filled, the one that the host reads.
    const MOST: usize = crate::session::AHEAD + 2;

    /// Bytes that `fill` writes.
    ///
    /// # Errors
    /// Those of `fill`.
    pub fn fill(self: &Arc<Self>, fill: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>) -> Result<Bytes> {
        let mut bytes = Bytes { vec: lock(&self.0).pop().unwrap_or_default(), pool: Some(self.clone()) };
        fill(&mut bytes.vec)?;
        Ok(bytes)
    }

    fn give(&self, vec: Vec<u8>) {
        let mut free = lock(&self.0);
        if free.len() < Pool::MOST {
            free.push(vec);
        }
    }
}
