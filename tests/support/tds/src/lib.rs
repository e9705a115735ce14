//! A server that speaks SQL Server's protocol, for the tests: SQL Server itself cannot be installed where they run.
//!
//! - `wire` is the protocol, as far as a modern client uses it.
//! - `sql` runs the statements of the adapter on a PostgreSQL server that the tests start. A statement outside that set is an error, not
//!   a guess.
//! - [`session`] lies between the two.
#![warn(missing_docs)]

pub mod session;
mod sql;
mod wire;

pub use sql::PostgresBackend;
pub use wire::{Browser, Collation, Encryption, Options, Server};
