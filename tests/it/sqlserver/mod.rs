//! The program on SQL Server with SystemC's and Mosaic's profiles, behind the test server of `tests/support/tds`: the real driver, a real
//! socket, and PostgreSQL for the tables. Each test has a database of its own. What a test looks at, it looks at in PostgreSQL; what
//! stands in the SSD it writes in T-SQL, with the types of the CMS's script. Without PostgreSQL on this machine each prints a line that
//! says so, and ends.

pub mod authority;
mod checks;
mod crashes;
mod mosaic;
mod nights;
mod outcome;
mod refused_logs;
mod senders;
pub mod session;
mod systemc;

/// Runs as long as somebody watches, and finds more.
fn full() -> bool {
    std::env::var("CSC_BRIDGE_EFFORT").is_ok_and(|effort| effort == "full")
}
