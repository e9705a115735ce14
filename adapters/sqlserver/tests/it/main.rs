//! SQL Server, over a server that speaks its protocol.
#![allow(clippy::unwrap_used)]

mod adapter;
mod conformance;
mod connections;
mod failures;
mod home;
mod scripted;
mod speed;
mod statements;
