//! A PostgreSQL server for tests: started from the operating system's binaries in a temporary folder, on a free port, and gone when
//! the tests are, however they end.
//!
//! ```no_run
//! let Some(server) = csc_bridge_test_postgres::shared() else { return };
//! let database = server.database();
//! server.psql(&database, "CREATE TABLE t (id text)");
//! ```
//!
//! Where no server is installed (Windows, macOS, a bare Linux) there is none to have: [`Server::start`] prints a line that says so,
//! and the test ends. [`shared`] is one server for a whole test binary; each test makes a [`Server::database`] of its own on it.
//!
//! The server runs as a user other than root, which it insists on. A `watchdog` removes it: a shell that reads from a pipe of which
//! this process holds the other end, so that even a killed test leaves neither a server nor a folder behind.
#![warn(missing_docs)]
// Tests want to fail where something is not as it should be.
#![allow(clippy::unwrap_used)]

#[cfg(unix)]
mod account;
#[cfg(unix)]
mod binaries;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod watchdog;

#[cfg(not(unix))]
#[path = "elsewhere.rs"]
mod server;

use std::path::PathBuf;
use std::sync::OnceLock;

pub use server::Server;

/// How a server is to be set up.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether a commit waits for the disk. Off for speed: a crash of the server loses nothing even so, only one of the machine would.
    pub durable: bool,
    /// The locale of its databases, such as `en_GB.UTF-8`; empty: `C.UTF-8`.
    pub locale: String,
    /// The certificate and key (PEM) with which it offers TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The certificates (PEM) by which it knows those of its clients.
    pub client_ca: Option<PathBuf>,
    /// Lines of `pg_hba.conf` that come before its own.
    pub hba: Vec<String>,
    /// More settings, as name and value.
    pub settings: Vec<(String, String)>,
}

/// One server for all tests of this process. A static is never dropped: the watchdog ends it.
pub fn shared() -> Option<&'static Server> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    SHARED.get_or_init(Server::start).as_ref()
}
