//! The host against plugins that keep to nothing, in the process where it survives them, and isolated.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod adapter;
mod child;
mod conformance;
mod csv_example;
mod hostile;
mod loading;
mod speed;
mod support;
mod trust;
mod whole;
