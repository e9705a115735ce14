//! The program on PostgreSQL with Eclipse's profile: nights, oddities, crashes and everything else that only a server can do. Each test
//! has a database of its own, on the server that all share or, where the server itself is stopped, on one of its own. Without a
//! server on this machine each prints a line that says so, and ends.

pub mod authority;
mod checks;
mod crashes;
mod gone;
mod nights;
mod oddities;
mod refreshes;
mod refused_logs;
mod senders;
pub mod session;

/// Runs as long as somebody watches, and finds more.
fn full() -> bool {
    std::env::var("CSC_BRIDGE_EFFORT").is_ok_and(|effort| effort == "full")
}
