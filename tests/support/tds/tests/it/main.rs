//! The tests of the server.

mod wire;
