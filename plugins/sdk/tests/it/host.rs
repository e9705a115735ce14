//! A host: the raw table, and the messages as text.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::sync::Mutex;

use csc_bridge_core::error::Error;
use csc_bridge_plugin_abi::message::read_error;
use csc_bridge_plugin_abi::rows::RowReader;
use csc_bridge_plugin_abi::table::{Buffer, Bytes, COMPLETE, ERROR, Entry, Handle, Host, OK, PluginTable, Status};
use csc_bridge_plugin_sdk::__private::{Plugin, init};
use csc_bridge_plugin_sdk::arrow_array::RecordBatch;
use serde_json::Value;

/// A plugin after its init.
pub struct Loaded {
    table: PluginTable,
    logs: &'static Mutex<Vec<(i32, String)>>,
}

/// What a call came to.
#[derive(Debug)]
pub struct Answer {
    pub entry: Entry,
    pub status: Status,
    pub bytes: Vec<u8>,
}

unsafe extern "C" fn log(context: *mut c_void, level: i32, message: Bytes) {
    // SAFETY: `load` hands in logs that are never freed; the message is readable during the call.
    let (logs, message) = unsafe { (&*context.cast::<Mutex<Vec<(i32, String)>>>(), message.slice().unwrap()) };
    logs.lock().unwrap().push((level, String::from_utf8(message.to_vec()).unwrap()));
}

/// A host whose log is `logs`.
pub fn host(logs: &'static Mutex<Vec<(i32, String)>>) -> Host {
    Host { size: size_of::<Host>() as u64, context: (&raw const *logs).cast_mut().cast(), log: Some(log) }
}

/// Every plugin is loaded once, since its first host stays.
pub fn load<P: Plugin>() -> Loaded {
    let logs = Box::leak(Box::default());
    let (host, mut table) = (host(logs), PluginTable::default());
    // SAFETY: both are there for the length of the call.
    let status = unsafe { init::<P>(&host, &mut table, size_of::<PluginTable>() as u64) };
    assert_eq!(status, OK);
    table.check(size_of::<PluginTable>() as u64).unwrap();
    Loaded { table, logs }
}

impl Loaded {
    pub fn has(&self, entry: Entry) -> bool {
        self.table.get(entry).is_some()
    }

    pub fn call(&self, entry: Entry, of: Handle, input: &str) -> Answer {
        self.call_with(entry, of, Bytes::of(input.as_bytes()))
    }

    pub fn call_with(&self, entry: Entry, of: Handle, input: Bytes) -> Answer {
        let (status, mut buffer) = self.call_raw(entry, of, input);
        // SAFETY: the plugin's own buffer, freed once.
        let bytes = unsafe {
            let bytes = buffer.slice().unwrap().to_vec();
            buffer.free();
            bytes
        };
        Answer { entry, status, bytes }
    }

    /// The buffer as the plugin gave it, not yet freed.
    pub fn call_raw(&self, entry: Entry, of: Handle, input: Bytes) -> (Status, Buffer) {
        let mut buffer = Buffer::EMPTY;
        // SAFETY: the input is the caller's, and the buffer is empty.
        let status = unsafe { self.table.get(entry).unwrap()(of, input, &mut buffer) };
        (status, buffer)
    }

    /// Without a buffer for the answer.
    pub fn call_blind(&self, entry: Entry, of: Handle) -> Status {
        // SAFETY: no buffer is more than the header allows; the SDK bears it.
        unsafe { self.table.get(entry).unwrap()(of, Bytes::EMPTY, std::ptr::null_mut()) }
    }

    /// What was logged, in a line each.
    pub fn logged(&self) -> Vec<(i32, String)> {
        self.logs.lock().unwrap().clone()
    }

    /// The source, a session with the table `t`, each by its handle.
    pub fn session(&self, options: &str) -> (Handle, Handle) {
        let source = self.call(Entry::SourceNew, 0, &format!(r#"{{"options":{options},"folder":"/"}}"#)).handle();
        (source, self.call(Entry::SourceOpen, source, OPEN).handle())
    }

    /// A session that selected two children, and its stream.
    pub fn scan(&self, options: &str) -> (Handle, Handle, Handle) {
        let (source, session) = self.session(options);
        self.call(Entry::SessionSelect, session, r#"{"children":["10023","10041"]}"#).json();
        (source, session, self.call(Entry::SessionScan, session, SCAN).handle())
    }

    /// Reads a stream to its end: its batches, and the rows that it attests.
    pub fn read(&self, stream: Handle) -> (Vec<RecordBatch>, u64) {
        let (mut reader, mut batches) = (RowReader::new(), vec![]);
        loop {
            let answer = self.call(Entry::StreamNext, stream, "");
            match answer.status {
                OK => batches.push(reader.read(&answer.bytes).unwrap()),
                COMPLETE => return (batches, answer.json()["rows"].as_u64().unwrap()),
                _ => panic!("{:?}", answer.error()),
            }
        }
    }
}

impl Answer {
    /// The answer of a call that went well.
    pub fn json(&self) -> Value {
        assert!([OK, COMPLETE].contains(&self.status), "{} {}", self.entry, self.text());
        serde_json::from_slice(&self.bytes).unwrap()
    }

    pub fn handle(&self) -> Handle {
        self.json()["handle"].as_u64().unwrap()
    }

    /// The error of one that did not.
    pub fn error(&self) -> Error {
        assert_eq!(self.status, ERROR, "{} {}", self.entry, self.text());
        read_error(self.entry, &self.bytes)
    }

    pub fn text(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(&self.bytes))
    }
}

pub const OPEN: &str = r#"{"tables":[{"table":{"schema":"","table":"t"},"columns":["id"]}]}"#;
pub const LIST: &str = r#"{"table":{"schema":"","table":"t"},"columns":["id"]}"#;
pub const COUNT: &str = r#"{"table":{"schema":"","table":"t"}}"#;
pub const SELECT: &str = r#"{"children":["10023"]}"#;
pub const SCAN: &str = r#"{"table":{"schema":"","table":"t"},"columns":["id"],
    "path_to_child":{"joins":[],"child":"id","no_key":[]}}"#;
