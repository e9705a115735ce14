//! Reads over real sockets, from a server that fails on request.
#![allow(clippy::unwrap_used)]

mod faults;
mod resuming;
#[allow(dead_code, reason = "the tests of other packages use it, too, each a part")]
mod server;
mod support;
mod syncing;
