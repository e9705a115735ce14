//! The boundary itself: C functions around the bodies in `calls`. Nothing unwinds out of here.
#![allow(unsafe_code)]

use std::mem::{offset_of, size_of};
use std::panic::{AssertUnwindSafe, catch_unwind};

use csc_bridge_plugin_abi::message::{SourceKind, write_error};
use csc_bridge_plugin_abi::table::{
    ABI, Buffer, Bytes, Call, ERROR, Entry, Handle, Host, LOG_ERROR, MAGIC, OK, PANIC, PluginTable, Status,
};

use crate::library::{Ended, Library};
use crate::output::{Answer, Output};
use crate::turn::misuse;
use crate::{calls, here, log};

/// A plugin, as a type: the entries of a table know it by that, since a call of C brings nothing else.
pub trait Plugin: 'static {
    /// Its state.
    fn library() -> &'static Library;
}

type Body = fn(&'static Library, Handle, &[u8]) -> Answer;

/// An entry of the table, named as the body that it calls.
macro_rules! entry {
    ($entry:ident, $body:ident, $plugin:ident) => {{
        unsafe extern "C" fn $body<P: Plugin>(of: Handle, input: Bytes, output: *mut Buffer) -> Status {
            // SAFETY: what the caller of a `Call` promises is what `call` needs.
            unsafe { call(P::library(), Entry::$entry, calls::$body, of, input, output) }
        }
        Some($body::<$plugin> as Call)
    }};
}

/// Fills the table for a host, at most `size` bytes of it.
///
/// # Safety
/// As [`Init`](csc_bridge_plugin_abi::table::Init): `host` is null or readable, `table` null or writable for `size` bytes.
pub unsafe fn init<P: Plugin>(host: *const Host, table: *mut PluginTable, size: u64) -> Status {
    let filled = catch_unwind(AssertUnwindSafe(|| {
        let library = P::library();
        // SAFETY: as the caller promises.
        if let Some(host) = unsafe { read_host(host) } {
            library.meet(host);
        }
        let room = usize::try_from(size).unwrap_or(usize::MAX).min(size_of::<PluginTable>());
        // Whole entries only: a host looks at none beyond the size that is written.
        let room = room - room % size_of::<Option<Call>>();
        if table.is_null() || room < offset_of!(PluginTable, describe) {
            library.log(LOG_ERROR, "the host's table has no room for the plugin");
            return ERROR;
        }
        here::hush_panics();
        log::forward(library);
        let filled = PluginTable { size: room as u64, ..full::<P>(library) };
        // SAFETY: `room` is no more than the host's bytes nor than ours, which do not overlap.
        unsafe { std::ptr::copy_nonoverlapping((&raw const filled).cast::<u8>(), table.cast::<u8>(), room) };
        OK
    }));
    filled.unwrap_or_else(|payload| {
        std::mem::forget(payload);
        PANIC
    })
}

/// What of the host's struct is there.
///
/// # Safety
/// `host` is null, or readable for as many bytes as its first field says.
unsafe fn read_host(host: *const Host) -> Option<Host> {
    if host.is_null() {
        return None;
    }
    // SAFETY: the first field is always there.
    let size = unsafe { (&raw const (*host).size).read() };
    // SAFETY: all the fields that we know are there, as the size says.
    (size >= size_of::<Host>() as u64).then(|| unsafe { host.read() })
}

fn full<P: Plugin>(library: &Library) -> PluginTable {
    let mut table = PluginTable {
        magic: MAGIC,
        abi: ABI,
        describe: entry!(Describe, describe, P),
        cancel: entry!(Cancel, cancel, P),
        release: entry!(Release, release, P),
        ..PluginTable::default()
    };
    if let Some(source) = library.definition.source {
        table.source_new = entry!(SourceNew, source_new, P);
        table.source_open = entry!(SourceOpen, source_open, P);
        table.stream_next = entry!(StreamNext, stream_next, P);
        if source.kind == SourceKind::Documents {
            table.session_documents = entry!(SessionDocuments, session_documents, P);
        } else {
            table.session_list = entry!(SessionList, session_list, P);
            table.session_count = entry!(SessionCount, session_count, P);
        }
        if source.kind == SourceKind::Tables {
            table.session_select = entry!(SessionSelect, session_select, P);
            table.session_scan = entry!(SessionScan, session_scan, P);
        }
    }
    if library.definition.sink.is_some() {
        table.sink_facts = entry!(SinkFacts, sink_facts, P);
        table.sink_new = entry!(SinkNew, sink_new, P);
        table.sink_send = entry!(SinkSend, sink_send, P);
        table.sink_probe = entry!(SinkProbe, sink_probe, P);
    }
    table
}

/// One call: whatever the body does, a status and an output.
///
/// # Safety
/// As [`Call`]; `output` may be null.
unsafe fn call(
    library: &'static Library,
    entry: Entry,
    body: Body,
    of: Handle,
    input: Bytes,
    output: *mut Buffer,
) -> Status {
    let answered = catch_unwind(AssertUnwindSafe(|| {
        let _here = here::enter(library);
        if library.is_poisoned() {
            return Output::PANIC;
        }
        // SAFETY: the host's bytes are readable until the call returns.
        let input = unsafe { input.slice() };
        answer(library, entry, body, of, input)
    }));
    let answered = answered.unwrap_or_else(|payload| {
        // It may hold data, and its drop may panic in its turn.
        std::mem::forget(payload);
        library.poison();
        Output::PANIC
    });
    let status = answered.status;
    if !output.is_null() {
        // SAFETY: not null, so it is the host's buffer, which is writable during the call and has nothing to free.
        unsafe { output.write(answered.into_buffer()) };
    }
    status
}

fn answer(library: &'static Library, entry: Entry, body: Body, of: Handle, input: Option<&[u8]>) -> Output {
    let answered = (|| {
        let input = input.ok_or_else(|| misuse("a call came with a length but without bytes"))?;
        // What the author's code drops on this thread may need the runtime. To describe a plugin starts nothing.
        let _runtime = if entry == Entry::Describe { None } else { Some(library.runtime()?.enter()) };
        body(library, of, input)
    })();
    match answered {
        Ok(output) => output,
        Err(Ended::Panic) => Output::PANIC,
        Err(Ended::Error(error)) if entry == Entry::SinkSend => calls::refused(error),
        Err(Ended::Error(error)) => Output::new(ERROR, write_error(&error)),
    }
}
