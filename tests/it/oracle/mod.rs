//! The program on Oracle with Azeus's profile, over the client library of `tests/support/oci`: the real driver and ODPI-C, and PostgreSQL
//! for the tables. Each test has a database of its own. What a test looks at, it looks at in PostgreSQL, where names are in upper case as
//! in Oracle's dictionary; what stands in the SSD it writes in Oracle's SQL. Without PostgreSQL on this machine each prints a line that
//! says so, and ends.

pub mod authority;
mod checks;
mod client;
mod failures;
mod nights;
mod oddities;
mod senders;
mod session;

/// Runs as long as somebody watches, and finds more.
fn full() -> bool {
    std::env::var("CSC_BRIDGE_EFFORT").is_ok_and(|effort| effort == "full")
}
