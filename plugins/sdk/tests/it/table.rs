#![allow(unsafe_code)]

use std::mem::offset_of;
use std::sync::Mutex;

use csc_bridge_plugin_abi::table::{ABI, ERROR, Entry, Host, MAGIC, OK, PluginTable};
use csc_bridge_plugin_sdk::__plugin;
use csc_bridge_plugin_sdk::__private::init;

use crate::host::host;
use crate::toy::Toy;

const GUARD: u64 = 0xA5A5_A5A5_A5A5_A5A5;

/// A host's table of `size` bytes, all zero, with guard bytes behind it, as a plugin fills it.
fn filled(size: usize) -> (i32, Vec<u8>) {
    __plugin!(P, source: Toy);
    let mut words = vec![GUARD; size_of::<PluginTable>() / 8 + 20];
    let table = words.as_mut_ptr().cast::<PluginTable>();
    // SAFETY: there are more than `size` bytes.
    let status = unsafe {
        table.cast::<u8>().write_bytes(0, size);
        init::<P>(std::ptr::null(), table, size as u64)
    };
    (status, words.iter().flat_map(|word| word.to_ne_bytes()).collect())
}

#[test]
fn a_shorter_or_longer_table_is_filled_as_far_as_it_goes_and_never_beyond() {
    let whole = size_of::<PluginTable>();
    let word = |bytes: &[u8], at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap());
    let (_, full) = filled(whole);
    for size in 0..whole + 100 {
        let (status, bytes) = filled(size);
        assert!(bytes[size..].iter().all(|byte| *byte == 0xA5), "a byte beyond {size}");
        if size < offset_of!(PluginTable, describe) {
            assert_eq!(status, ERROR, "{size}");
            assert!(bytes[..size].iter().all(|byte| *byte == 0), "a table of {size} bytes is left alone");
            continue;
        }
        assert_eq!((status, word(&bytes, 0)), (OK, MAGIC));
        let said = word(&bytes, offset_of!(PluginTable, size)) as usize;
        assert_eq!(said, size.min(whole) / 8 * 8, "a table of {size} bytes");
        let first = offset_of!(PluginTable, describe);
        assert_eq!(bytes[first..said], full[first..said]);
        assert!(bytes[said..size].iter().all(|byte| *byte == 0), "more than it says of {size}");
    }
}

#[test]
fn the_entries_of_an_older_host_are_those_it_knows() {
    __plugin!(P, source: Toy);
    let mut table = PluginTable::default();
    let size = Entry::StreamNext.offset() as u64 + 8;
    // SAFETY: more room than `size`.
    assert_eq!(unsafe { init::<P>(std::ptr::null(), &mut table, size) }, OK);
    table.check(size).unwrap();
    assert_eq!((table.size, table.abi, table.reserved), (size, ABI, 0));
    assert!(table.get(Entry::StreamNext).is_some() && table.get(Entry::Release).is_none() && table.release.is_none());
}

#[test]
fn no_table_and_an_older_hosts_struct_are_borne() {
    __plugin!(P, source: Toy);
    static LOGS: Mutex<Vec<(i32, String)>> = Mutex::new(vec![]);
    let whole = size_of::<PluginTable>() as u64;
    let older = Host { size: 8, ..host(&LOGS) };
    let mut table = PluginTable::default();
    // SAFETY: a null table is refused; of the older struct only the first field is looked at.
    unsafe {
        assert_eq!(init::<P>(&older, &mut table, whole), OK);
        assert_eq!(init::<P>(&older, std::ptr::null_mut(), whole), ERROR);
        assert!(LOGS.lock().unwrap().is_empty(), "a log that this host does not have");
        assert_eq!(init::<P>(&host(&LOGS), std::ptr::null_mut(), whole), ERROR);
    }
    assert_eq!(LOGS.lock().unwrap().len(), 1, "why the plugin is not there");
}
