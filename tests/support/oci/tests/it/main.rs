//! The `oracle` crate over the library.
#![allow(clippy::unwrap_used)]

mod dialect;
mod errors;
mod lobs;
mod locks;
mod support;
mod values;
