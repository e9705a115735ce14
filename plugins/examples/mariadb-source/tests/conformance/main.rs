//! The conformance suite over this plugin, in csc-bridge's process and in a process of its own, through the
//! same door as in earnest: a manifest, a hash on the list, and the library as cargo built it.
//!
//! `cargo test` prints both tables. `CSC_BRIDGE_CHECK=ids cargo test` runs the checks with "ids" in their names.

mod place;
#[cfg_attr(not(unix), path = "elsewhere.rs")]
mod server;

use csc_bridge_core::config::AllowedPlugin;
use csc_bridge_plugin_host::{Limits, Plugin, PluginAdapter, Program, serve, trust};
use csc_bridge_plugin_sdk::tokio::runtime::Runtime;
use csc_bridge_testkit::{Needs, run_part};
use sha2::{Digest, Sha256};

/// The argument by which this program is the process of an isolated plugin.
const CHILD: &str = "plugin-host";

fn main() {
    if std::env::args().nth(1).as_deref() == Some(CHILD) {
        serve();
    }
    let runtime = Runtime::new().expect("a runtime");
    for isolate in [false, true] {
        let adapter = PluginAdapter::new(load(isolate));
        let way = if isolate { "isolated" } else { "in process" };
        let Some(database) = place::database(format!("{NAME}, {way}"), adapter) else {
            return;
        };
        runtime.block_on(run_part(&database, Needs::Source)).must_pass();
    }
}

const NAME: &str = env!("CARGO_PKG_NAME");

/// What an operator does: the library and its manifest into the plugin folder, the hash onto the list.
fn load(isolate: bool) -> Plugin {
    let library = format!("{}{}{}", std::env::consts::DLL_PREFIX, NAME.replace('-', "_"), std::env::consts::DLL_SUFFIX);
    let program = std::env::current_exe().expect("this program's file");
    let bytes = std::fs::read(program.with_file_name(&library)).expect("the library lies beside its tests");
    let sha256: [u8; 32] = Sha256::digest(&bytes).into();
    let hash: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    let manifest = format!(
        "name = '{NAME}'\nversion = '0'\nabi = 1\nfile = '{library}'\nsha256 = '{hash}'\npublisher = 'its tests'\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(&library), bytes).expect("the library is copied");
    std::fs::write(folder.path().join(format!("{NAME}.toml")), manifest).expect("the manifest is written");

    let timeout = Limits::default().call;
    let allowed = AllowedPlugin { name: NAME.to_owned(), sha256, isolate, timeout };
    let verified = trust::open(folder.path(), NAME, &[allowed]).expect("the plugin may be loaded");
    Plugin::load(verified, Program { path: program, arguments: vec![CHILD.to_owned()] }).expect("the plugin loads")
}
