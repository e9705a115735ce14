//! What the hidden subcommand `csc-bridge plugin-host` does, as a program for the tests.

fn main() {
    csc_bridge_plugin_host::serve()
}
