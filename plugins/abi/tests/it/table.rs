#![allow(unsafe_code)]

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};

use csc_bridge_core::error::Kind;
use csc_bridge_plugin_abi::table::{ABI, Buffer, Bytes, Entry, Handle, MAGIC, PluginTable, Status};

/// Answers with the handle it was given.
unsafe extern "C" fn echo(of: Handle, _: Bytes, _: *mut Buffer) -> Status {
    of as Status
}

/// With every entry filled.
fn full() -> PluginTable {
    let call = Some(echo as _);
    PluginTable {
        magic: MAGIC,
        abi: ABI,
        reserved: 0,
        size: size_of::<PluginTable>() as u64,
        describe: call,
        source_new: call,
        source_open: call,
        session_list: call,
        session_count: call,
        session_select: call,
        session_scan: call,
        session_documents: call,
        stream_next: call,
        sink_facts: call,
        sink_new: call,
        sink_send: call,
        sink_probe: call,
        cancel: call,
        release: call,
    }
}

#[test]
fn an_entry_beyond_what_the_plugin_filled_is_not_there() {
    for (filled, last) in Entry::ALL.iter().enumerate() {
        let table = PluginTable { size: last.offset() as u64, ..full() };
        let there = Entry::ALL.iter().filter(|entry| table.get(**entry).is_some()).count();
        assert_eq!(there, filled, "a table that ends before {last}");
        let half = PluginTable { size: last.offset() as u64 + 4, ..full() };
        assert!(half.get(*last).is_none(), "half of {last}");
    }
    assert!(Entry::ALL.iter().all(|entry| full().get(*entry).is_some()));
}

#[test]
fn each_entry_is_the_field_of_its_own_name() {
    macro_rules! each {
        ($($entry:ident $field:ident),*) => {$(
            let table = PluginTable { $field: None, ..full() };
            let missing: Vec<Entry> = Entry::ALL.into_iter().filter(|entry| table.get(*entry).is_none()).collect();
            assert_eq!(missing, [Entry::$entry]);
            assert_eq!(Entry::$entry.name(), stringify!($field));
            assert_eq!(Entry::$entry.offset(), std::mem::offset_of!(PluginTable, $field));
            assert_eq!(Entry::of_number(Entry::$entry.number()), Some(Entry::$entry));
        )*};
    }
    each!(
        Describe describe, SourceNew source_new, SourceOpen source_open, SessionList session_list, SessionCount session_count,
        SessionSelect session_select, SessionScan session_scan, SessionDocuments session_documents, StreamNext stream_next,
        SinkFacts sink_facts, SinkNew sink_new, SinkSend sink_send, SinkProbe sink_probe, Cancel cancel, Release release
    );
    assert_eq!(Entry::of_number(15), None);
}

#[test]
fn a_table_with_another_magic_version_or_size_is_refused() {
    let room = size_of::<PluginTable>() as u64;
    full().check(room).unwrap();
    PluginTable { size: 24, ..full() }.check(room).unwrap();
    for (table, word) in [
        (PluginTable::default(), "does not fill"),
        (PluginTable { magic: MAGIC.swap_bytes(), ..full() }, "does not fill"),
        (PluginTable { abi: 2, ..full() }, "version 2"),
        (PluginTable { abi: 0, ..full() }, "version 0"),
        (PluginTable { size: 23, ..full() }, "23 bytes"),
        (PluginTable { size: room + 1, ..full() }, "bytes of a table"),
        (PluginTable { size: u64::MAX, ..full() }, "bytes of a table"),
    ] {
        let error = table.check(room).unwrap_err();
        assert_eq!(error.kind(), Kind::Protocol);
        assert!(error.message().contains(word), "{error:?}");
    }
}

#[test]
fn lengths_that_no_slice_can_have_are_no_slice() {
    let byte = 7u8;
    // SAFETY: no more is read than is there: the other lengths are refused before anything is.
    unsafe {
        assert_eq!(Bytes { data: &byte, len: 1 }.slice(), Some(&[7][..]));
        assert_eq!(Bytes { data: std::ptr::null(), len: 0 }.slice(), Some(&[][..]));
        assert_eq!(Bytes { data: std::ptr::null(), len: 1 }.slice(), None);
        assert_eq!(Bytes { data: &byte, len: u64::MAX }.slice(), None);
        assert_eq!(Bytes { data: &byte, len: i64::MAX as u64 + 1 }.slice(), None);
    }
}

#[test]
fn a_buffer_is_freed_once() {
    unsafe extern "C" fn freed(owner: *mut c_void) {
        // SAFETY: the test below hands in a counter that outlives the buffer.
        unsafe { &*owner.cast::<AtomicUsize>() }.fetch_add(1, Ordering::Relaxed);
    }
    let count = AtomicUsize::new(0);
    let owner = (&raw const count).cast_mut().cast();
    let mut buffer = Buffer { data: b"abc".as_ptr(), len: 3, owner, free: Some(freed) };
    // SAFETY: three bytes are there, and `freed` is this buffer's own.
    unsafe {
        assert_eq!(buffer.slice(), Some(&b"abc"[..]));
        buffer.free();
        buffer.free();
        assert_eq!(buffer.slice(), Some(&[][..]));
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
}
