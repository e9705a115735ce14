//! The Rust twin of `include/csc_bridge_plugin.h`. What each item promises is written there, once; a test compiles the header and
//! compares every size, offset and constant with this file.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::mem::{offset_of, size_of};

use csc_bridge_core::error::{Error, Kind, Result};

/// "CSCBRIDG": the first word of every table.
pub const MAGIC: u64 = 0x4353_4342_5249_4447;

/// The version of the boundary. Grows only when old plugins could not work any more.
pub const ABI: u32 = 1;

/// The one symbol that a plugin exports, an [`Init`].
pub const INIT_SYMBOL: &str = "csc_bridge_plugin_init";

/// What a call came to. Anything but the four constants is a breach of the protocol.
pub type Status = i32;

/// Done; the output is the answer.
pub const OK: Status = 0;
/// `stream_next` only: everything was delivered; the output is `{"rows":n}`.
pub const COMPLETE: Status = 1;
/// Not done; the output is an error in JSON.
pub const ERROR: Status = 2;
/// The plugin panicked and is poisoned; the output is empty. Nothing of it is called any more.
pub const PANIC: Status = 3;

/// Levels of [`Host::log`]: an error.
pub const LOG_ERROR: i32 = 1;
/// A warning.
pub const LOG_WARN: i32 = 2;
/// What an operator wants to see.
pub const LOG_INFO: i32 = 3;
/// What a developer wants to see.
pub const LOG_DEBUG: i32 = 4;
/// Everything.
pub const LOG_TRACE: i32 = 5;

/// A plugin's name for a thing that it keeps: a source, a session, a stream, a sink. 0 is none.
pub type Handle = u64;

/// Every entry of the table.
///
/// # Safety
/// To call one: `input` is readable for the length of the call; `output` points to a zeroed [`Buffer`], whose `free` the caller calls
/// once. The order and the threads of calls are those that the header allows.
pub type Call = unsafe extern "C" fn(of: Handle, input: Bytes, output: *mut Buffer) -> Status;

/// The symbol [`INIT_SYMBOL`].
///
/// # Safety
/// To call it: once in a process; `host` is readable for the length of the call; `table` points to `size` zeroed bytes.
pub type Init = unsafe extern "C" fn(host: *const Host, table: *mut PluginTable, size: u64) -> Status;

/// Bytes borrowed for the length of a call.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Bytes {
    /// The first byte. May be null or dangling where `len` is 0.
    pub data: *const u8,
    /// How many.
    pub len: u64,
}

impl Bytes {
    /// No bytes.
    pub const EMPTY: Bytes = Bytes { data: std::ptr::null(), len: 0 };

    /// Those of a slice, which must outlive the call.
    pub fn of(bytes: &[u8]) -> Bytes {
        Bytes { data: bytes.as_ptr(), len: bytes.len() as u64 }
    }

    /// The bytes as a slice. `None` where they cannot be one: null with a length, or a length beyond the address space.
    ///
    /// # Safety
    /// Where `len` is not 0 and `data` not null, `data` is readable for `len` bytes, and nobody writes there, for as long as `'a`.
    pub unsafe fn slice<'a>(self) -> Option<&'a [u8]> {
        // SAFETY: what the caller promises is what `slice` needs.
        unsafe { slice(self.data, self.len) }
    }
}

/// Bytes that belong to the plugin, until `free` is called with `owner`.
#[repr(C)]
#[derive(Debug)]
pub struct Buffer {
    /// The first byte. May be null where `len` is 0.
    pub data: *const u8,
    /// How many.
    pub len: u64,
    /// What `free` needs to find them.
    pub owner: *mut c_void,
    /// Gives them back. None: static memory.
    pub free: Option<unsafe extern "C" fn(owner: *mut c_void)>,
}

impl Buffer {
    /// No bytes and nothing to free, as the host hands it to a call.
    pub const EMPTY: Buffer = Buffer { data: std::ptr::null(), len: 0, owner: std::ptr::null_mut(), free: None };

    /// The bytes. `None` as for [`Bytes::slice`].
    ///
    /// # Safety
    /// Where `len` is not 0 and `data` not null, `data` is readable for `len` bytes until [`Buffer::free`] is called.
    pub unsafe fn slice(&self) -> Option<&[u8]> {
        // SAFETY: what the caller promises is what `slice` needs; the borrow of `self` keeps `free` from being called meanwhile.
        unsafe { slice(self.data, self.len) }
    }

    /// Gives the bytes back to the plugin; a second time does nothing.
    ///
    /// # Safety
    /// `free` and `owner` are those that a plugin filled in, in this process.
    pub unsafe fn free(&mut self) {
        let Buffer { owner, free, .. } = std::mem::replace(self, Buffer::EMPTY);
        if let Some(free) = free {
            // SAFETY: the plugin's own function with its own owner, once: it was taken out of `self`.
            unsafe { free(owner) }
        }
    }
}

unsafe fn slice<'a>(data: *const u8, len: u64) -> Option<&'a [u8]> {
    match usize::try_from(len).ok().filter(|len| isize::try_from(*len).is_ok())? {
        0 => Some(&[]),
        _ if data.is_null() => None,
        // SAFETY: not null, no longer than a slice may be, and readable as the caller promises.
        len => Some(unsafe { std::slice::from_raw_parts(data, len) }),
    }
}

/// What the host offers a plugin. Valid for the length of init: a plugin copies what it needs.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Host {
    /// Bytes of this struct that the host filled.
    pub size: u64,
    /// For `log`. Valid until the process ends.
    pub context: *mut c_void,
    /// Writes one line to the host's log. From any thread, at any time until the process ends. None: there is no log.
    pub log: Option<unsafe extern "C" fn(context: *mut c_void, level: i32, message: Bytes)>,
}

// SAFETY: the header lets `log` be called from any thread, and `context` is for nothing else.
unsafe impl Send for Host {}
// SAFETY: as above.
unsafe impl Sync for Host {}

/// The table that a plugin fills. Grows at its end only.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
#[expect(missing_docs, reason = "the entries are described in the header")]
pub struct PluginTable {
    /// [`MAGIC`].
    pub magic: u64,
    /// [`ABI`].
    pub abi: u32,
    /// 0.
    pub reserved: u32,
    /// Bytes of the table that the plugin filled, these first fields among them.
    pub size: u64,
    pub describe: Option<Call>,
    pub source_new: Option<Call>,
    pub source_open: Option<Call>,
    pub session_list: Option<Call>,
    pub session_count: Option<Call>,
    pub session_select: Option<Call>,
    pub session_scan: Option<Call>,
    pub session_documents: Option<Call>,
    pub stream_next: Option<Call>,
    pub sink_facts: Option<Call>,
    pub sink_new: Option<Call>,
    pub sink_send: Option<Call>,
    pub sink_probe: Option<Call>,
    pub cancel: Option<Call>,
    pub release: Option<Call>,
}

impl PluginTable {
    /// The entry, where the plugin has it: not null, and within the bytes that the plugin filled.
    pub fn get(&self, entry: Entry) -> Option<Call> {
        let end = entry.offset() + size_of::<Option<Call>>();
        let call = match entry {
            Entry::Describe => self.describe,
            Entry::SourceNew => self.source_new,
            Entry::SourceOpen => self.source_open,
            Entry::SessionList => self.session_list,
            Entry::SessionCount => self.session_count,
            Entry::SessionSelect => self.session_select,
            Entry::SessionScan => self.session_scan,
            Entry::SessionDocuments => self.session_documents,
            Entry::StreamNext => self.stream_next,
            Entry::SinkFacts => self.sink_facts,
            Entry::SinkNew => self.sink_new,
            Entry::SinkSend => self.sink_send,
            Entry::SinkProbe => self.sink_probe,
            Entry::Cancel => self.cancel,
            Entry::Release => self.release,
        };
        call.filter(|_| self.size >= end as u64)
    }

    /// Whether a plugin of this boundary filled the table, of which it was given `size` bytes.
    ///
    /// # Errors
    /// [`Kind::Protocol`]: the first fields are not those of a csc-bridge plugin, or of one for another version.
    pub fn check(&self, size: u64) -> Result<()> {
        if self.magic != MAGIC {
            return Err(Error::new(
                Kind::Protocol,
                "the library does not fill the table of a csc-bridge plugin",
                "check that the file is a csc-bridge plugin",
            ));
        }
        if self.abi != ABI {
            return Err(Error::new(
                Kind::Protocol,
                format!("the plugin speaks version {} of the boundary, this program version {ABI}", self.abi),
                "ask the plugin's author for a build that fits this version of csc-bridge",
            ));
        }
        let (least, most) = (offset_of!(PluginTable, describe) as u64, size);
        if self.size < least || self.size > most {
            return Err(Error::new(
                Kind::Protocol,
                format!("the plugin says that it filled {} bytes of a table of {size}", self.size),
                "report it to the plugin's author",
            ));
        }
        Ok(())
    }
}

/// The entries, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the entries are described in the header")]
pub enum Entry {
    Describe,
    SourceNew,
    SourceOpen,
    SessionList,
    SessionCount,
    SessionSelect,
    SessionScan,
    SessionDocuments,
    StreamNext,
    SinkFacts,
    SinkNew,
    SinkSend,
    SinkProbe,
    Cancel,
    Release,
}

impl Entry {
    /// All, in the order of the table.
    pub const ALL: [Entry; 15] = [
        Entry::Describe,
        Entry::SourceNew,
        Entry::SourceOpen,
        Entry::SessionList,
        Entry::SessionCount,
        Entry::SessionSelect,
        Entry::SessionScan,
        Entry::SessionDocuments,
        Entry::StreamNext,
        Entry::SinkFacts,
        Entry::SinkNew,
        Entry::SinkSend,
        Entry::SinkProbe,
        Entry::Cancel,
        Entry::Release,
    ];

    /// Its place in the table, from 0.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The entry at that place.
    pub fn of_number(number: u8) -> Option<Entry> {
        Entry::ALL.get(usize::from(number)).copied()
    }

    /// Where it is in the table, in bytes.
    pub fn offset(self) -> usize {
        offset_of!(PluginTable, describe) + usize::from(self.number()) * size_of::<Option<Call>>()
    }

    /// Its name, as in the header.
    pub fn name(self) -> &'static str {
        match self {
            Entry::Describe => "describe",
            Entry::SourceNew => "source_new",
            Entry::SourceOpen => "source_open",
            Entry::SessionList => "session_list",
            Entry::SessionCount => "session_count",
            Entry::SessionSelect => "session_select",
            Entry::SessionScan => "session_scan",
            Entry::SessionDocuments => "session_documents",
            Entry::StreamNext => "stream_next",
            Entry::SinkFacts => "sink_facts",
            Entry::SinkNew => "sink_new",
            Entry::SinkSend => "sink_send",
            Entry::SinkProbe => "sink_probe",
            Entry::Cancel => "cancel",
            Entry::Release => "release",
        }
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
