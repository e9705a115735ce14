//! Oracle, over a client library of the project's own.
#![allow(clippy::unwrap_used)]

mod adapter;
mod conformance;
mod failures;
mod home;
mod real;
mod sessions;
mod speed;
mod statements;
