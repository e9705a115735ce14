//! Coverage-guided fuzzing of everything by which csc-bridge decodes what a plugin wrote: `run.sh` builds and runs it.
//!
//! The target itself is `plugins/host/src/fuzzing.rs`, which says what the bytes of an input mean. Here are the inputs to begin from: right ones.
#![no_main]

mod seeds;

use std::panic::set_hook;

use libfuzzer_sys::fuzz_target;

/// Names a folder: the seeds are written there, and nothing else is done.
const SEEDS: &str = "CSC_BRIDGE_FUZZ_SEEDS";

fuzz_target!(
    init: begin(),
    |bytes| {
        csc_bridge_plugin_host::fuzzing::decode(bytes);
    }
);

fn begin() {
    if let Some(folder) = std::env::var_os(SEEDS) {
        seeds::write(folder.as_ref());
        std::process::exit(0);
    }
    // arrow panics at some contents, and the reader of rows makes an error of it: that is no crash. A panic that gets out of the target ends
    // the process all the same, without this message where it is arrow's.
    set_hook(Box::new(|panic| {
        let is_arrows = panic.location().is_some_and(|place| place.file().contains("/arrow-"));
        if !is_arrows {
            eprintln!("{panic}");
        }
    }));
}
