//! A library in this process.
#![allow(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_plugin_abi::message::{Description, SourceKind, broke_protocol, decode_answer, one_line};
use csc_bridge_plugin_abi::table::{self, Buffer, Bytes, Entry, Handle, INIT_SYMBOL, Init, PluginTable};

use crate::copy::PrivateCopy;
use crate::line::{Answer, Transport, broken_off};
use crate::log::{self, Listener};

/// The longest answer that is taken from a plugin. A batch has some megabytes.
pub(crate) const LONGEST_ANSWER: u64 = 256 * 1024 * 1024;

/// A plugin's table, filled and checked. The library behind it is never unloaded.
pub(crate) struct Library {
    name: String,
    table: PluginTable,
    description: Description,
    /// Nothing of it is called any more.
    poisoned: AtomicBool,
}

impl Library {
    /// Loads a library from its bytes and asks it what it is. Takes as long as the plugin takes: the caller limits that. Blocks.
    ///
    /// # Errors
    /// [`Kind::Io`]: the private copy or the loading failed. [`Kind::Protocol`]: it is no plugin, of another version, not the one called
    /// `name`, or lacks an entry that a plugin of its kind has.
    pub(crate) fn load(name: &str, bytes: &[u8], listener: Listener) -> Result<Library> {
        let copy = PrivateCopy::of(bytes)?;
        let init = open(copy.path())?;
        drop(copy);
        let host = log::host(listener);
        let mut table = PluginTable::default();
        let size = size_of::<PluginTable>() as u64;
        // SAFETY: the first and only call of init for this copy of the library; `host` lives for the call, and `table` is `size` zeroed bytes.
        let status = unsafe { init(&host, &mut table, size) };
        if status != table::OK {
            return Err(Error::new(
                Kind::Protocol,
                format!("the plugin's init failed with status {status}"),
                "see what the plugin wrote into the log, and ask its publisher",
            ));
        }
        table.check(size)?;
        let unknown = Description { name: name.to_owned(), version: String::new(), source: None, sink: false };
        let poisoned = AtomicBool::new(false);
        let mut library = Library { name: name.to_owned(), table, description: unknown, poisoned };
        library.description = library.describe()?;
        Ok(library)
    }

    pub(crate) fn description(&self) -> &Description {
        &self.description
    }

    fn describe(&self) -> Result<Description> {
        let output = self.call(Entry::Describe, 0, &[])?.done(Entry::Describe)?;
        let description: Description = decode_answer(Entry::Describe, &output)?;
        description.check()?;
        if description.name != self.name {
            return Err(broke_protocol("the plugin gives itself another name than its manifest"));
        }
        match needed(&description).into_iter().find(|entry| self.table.get(*entry).is_none()) {
            Some(entry) => Err(broke_protocol(format!("the plugin lacks {entry}, which a plugin of its kind has"))),
            None => Ok(description),
        }
    }

    fn make(&self, entry: Entry, of: Handle, input: &[u8]) -> Result<Answer> {
        let call = match self.table.get(entry) {
            Some(call) => call,
            // An older plugin ends nothing early, and keeps everything.
            None if matches!(entry, Entry::Cancel | Entry::Release) => {
                return Ok(Answer { status: table::OK, output: Vec::new() });
            }
            None => return Err(broke_protocol(format!("the plugin lacks {entry}, which was to be called"))),
        };
        let mut output = Buffer::EMPTY;
        // SAFETY: the entry is one that the plugin filled in; the input lives for the call, and the output is a zeroed buffer.
        let status = unsafe { call(of, Bytes::of(input), &mut output) };
        if status == table::PANIC {
            // Not freed: nothing of a poisoned plugin is called.
            self.poisoned.store(true, Ordering::Release);
            return Ok(Answer { status, output: Vec::new() });
        }
        let bytes = match output.len {
            // SAFETY: the plugin promises that so many bytes are readable until they are freed. What it cannot be held to is why there is
            // the other way to host it.
            0..=LONGEST_ANSWER => unsafe { output.slice() }.map(<[u8]>::to_vec),
            _ => None,
        };
        // SAFETY: the plugin's own function with its own owner, once; the bytes were copied.
        unsafe { output.free() };
        let output = bytes.ok_or_else(|| {
            broke_protocol(format!("the plugin's answer to {entry} has no bytes at its address, or too many"))
        })?;
        Ok(Answer { status, output })
    }
}

impl Transport for Library {
    fn call(&self, entry: Entry, of: Handle, input: &[u8]) -> Result<Answer> {
        if self.poisoned.load(Ordering::Acquire) {
            return Err(Error::new(
                broken_off(entry),
                format!("the plugin {} failed before, and is not called again", self.name),
                "run again; with isolate = true in [plugins] allow such a failure ends one read or batch only",
            ));
        }
        let answer = self.make(entry, of, input)?;
        match answer.status {
            table::PANIC => Err(Error::new(
                broken_off(entry),
                format!("the plugin {} panicked in {entry}", self.name),
                "run again, and report it to the plugin's author",
            )),
            table::OK | table::ERROR => Ok(answer),
            table::COMPLETE if entry == Entry::StreamNext => Ok(answer),
            _ => {
                Err(broke_protocol(format!("the plugin ended {entry} with a status that is not one of those allowed")))
            }
        }
    }

    /// On a thread of its own: it should return at once, and need not.
    fn cancel(self: Arc<Self>, of: Handle) {
        if !self.poisoned.load(Ordering::Acquire) && self.table.get(Entry::Cancel).is_some() {
            std::thread::spawn(move || {
                let _ = self.call(Entry::Cancel, of, &[]);
            });
        }
    }

    fn drop_call(self: Arc<Self>, of: Handle) {
        self.cancel(of);
    }

    fn abandon(&self) {
        self.poisoned.store(true, Ordering::Release);
    }

    fn is_usable(&self) -> bool {
        !self.poisoned.load(Ordering::Acquire)
    }
}

/// The entries of a plugin of this kind. Every plugin should have `cancel` and `release`, too; without them things take longer, and stay.
fn needed(description: &Description) -> Vec<Entry> {
    use Entry::*;
    let mut needed = vec![Describe];
    needed.extend_from_slice(match description.source {
        Some(SourceKind::Tables) => {
            &[SourceNew, SourceOpen, SessionList, SessionCount, SessionSelect, SessionScan, StreamNext]
        }
        Some(SourceKind::WholeTables) => &[SourceNew, SourceOpen, SessionList, SessionCount, StreamNext],
        Some(SourceKind::Documents) => &[SourceNew, SourceOpen, SessionDocuments, StreamNext],
        None => &[],
    });
    if description.sink {
        needed.extend([SinkFacts, SinkNew, SinkSend, SinkProbe]);
    }
    needed
}

/// All symbols are found now or never: a plugin that lacks one fails here and not in the night. They stay the library's own.
fn open(path: &std::path::Path) -> Result<Init> {
    #[cfg(unix)]
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    #[cfg(windows)]
    use libloading::os::windows::{LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR, LOAD_LIBRARY_SEARCH_SYSTEM32, Library};

    let failed = |error: libloading::Error| {
        Error::new(
            Kind::Io,
            format!("the library cannot be loaded: {}", one_line(&error.to_string(), "no reason was given")),
            "check that it was built for this operating system and processor, and that the libraries it needs are installed",
        )
    };
    // SAFETY: loading runs the library's own initialisers: its file was allowed by name and hash.
    #[cfg(unix)]
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(failed)?;
    // SAFETY: as above. What it needs in turn comes from its own folder or Windows', never from PATH or the current folder.
    #[cfg(windows)]
    let library =
        unsafe { Library::load_with_flags(path, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32) }
            .map_err(failed)?;
    // SAFETY: the symbol of this name has this type, by the header.
    let init = unsafe { library.get::<Init>(INIT_SYMBOL.as_bytes()) }.map(|init| *init).map_err(|_| {
        Error::new(
            Kind::Protocol,
            format!("the library does not export {INIT_SYMBOL}"),
            "check that the file is a csc-bridge plugin",
        )
    });
    // Never unloaded: its threads and thread-local values may outlive every call.
    std::mem::forget(library);
    init
}
