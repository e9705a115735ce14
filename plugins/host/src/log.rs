//! What a plugin says by `csc_host.log`.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

use csc_bridge_plugin_abi::message::one_line;
use csc_bridge_plugin_abi::table::{self, Bytes, Host};

/// Takes a line of a plugin: its level, and its text, which is one line already.
pub(crate) type Listener = Box<dyn Fn(i32, &str) + Send + Sync>;

/// No line is longer, in bytes, before it is cut at [`one_line`]'s characters.
const LONGEST: u64 = 4096;

/// The host's side for one plugin. The listener lives until the process ends, because the plugin may.
pub(crate) fn host(listener: Listener) -> Host {
    let context: *mut Listener = Box::leak(Box::new(listener));
    Host { size: size_of::<Host>() as u64, context: context.cast(), log: Some(take) }
}

/// Writes a line into the program's log, under the plugin's name.
pub(crate) fn write(plugin: &str, level: i32, line: &str) {
    match level {
        table::LOG_ERROR => tracing::error!(plugin, "{line}"),
        table::LOG_WARN => tracing::warn!(plugin, "{line}"),
        table::LOG_INFO => tracing::info!(plugin, "{line}"),
        table::LOG_DEBUG => tracing::debug!(plugin, "{line}"),
        _ => tracing::trace!(plugin, "{line}"),
    }
}

unsafe extern "C" fn take(context: *mut c_void, level: i32, message: Bytes) {
    let message = Bytes { len: message.len.min(LONGEST), ..message };
    // SAFETY: the plugin's promise is that the bytes are readable; null is looked after by `slice`.
    let Some(text) = (unsafe { message.slice() }) else { return };
    let context: *const Listener = context.cast_const().cast();
    // SAFETY: either null or, by the plugin's promise, what `host` made, which is never freed.
    let Some(listener) = (unsafe { context.as_ref() }) else { return };
    let line = one_line(&String::from_utf8_lossy(text), "");
    // The log's own failure must not unwind into the plugin.
    let _ = catch_unwind(AssertUnwindSafe(|| listener(level, &line)));
}
