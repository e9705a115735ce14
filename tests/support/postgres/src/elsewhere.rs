//! No server: this operating system has none that could be started unasked.

use crate::Options;

/// A server that is never there.
#[derive(Debug)]
pub enum Server {}

impl Server {
    /// None, with a line that says so.
    pub fn start() -> Option<Server> {
        Server::with(Options::default())
    }

    /// None, with a line that says so.
    pub fn with(_: Options) -> Option<Server> {
        println!("skipped: no PostgreSQL server is installed");
        None
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        match *self {}
    }

    /// The name of its superuser.
    pub fn superuser(&self) -> &str {
        match *self {}
    }

    /// The superuser's password.
    pub fn password(&self) -> &str {
        match *self {}
    }

    /// The folder of its socket.
    pub fn socket(&self) -> &std::path::Path {
        match *self {}
    }

    /// Its major version.
    pub fn version(&self) -> u32 {
        match *self {}
    }

    /// The address of a database as a URL, with user and password.
    pub fn url(&self, _: &str) -> String {
        match *self {}
    }

    /// Makes a database.
    pub fn database(&self) -> String {
        match *self {}
    }

    /// Runs statements.
    pub fn psql(&self, _: &str, _: &str) -> String {
        match *self {}
    }

    /// Runs statements.
    pub fn try_psql(&self, _: &str, _: &str) -> Result<String, String> {
        match *self {}
    }

    /// Ends the connections to a database.
    pub fn kill_backends(&self, _: &str) -> usize {
        match *self {}
    }

    /// Stops the server.
    pub fn stop(&self) {
        match *self {}
    }

    /// Starts it again.
    pub fn start_again(&self) {
        match *self {}
    }

    /// Stops it and starts it again.
    pub fn restart(&self) {
        match *self {}
    }
}
