//! PostgreSQL's own: what the conformance suite, which knows no product, cannot ask.
//!
//! Each test has a database of its own on a server that is started for this binary; where none is installed, tests end with a printed
//! line.
#![allow(clippy::unwrap_used)]

mod adapter;
mod claims;
mod conformance;
mod connections;
mod locks;
mod permissions;
mod scans;
mod speed;
mod staging;
mod support;
mod tls;
mod writer;
