//! The host against plugins that keep to nothing, in the process where it survives them, and isolated.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod adapter;
mod child;
mod conformance;
mod conformance_csv;
mod conformance_sink;
mod csv_example;
mod hostile;
mod loading;
mod memory;
mod sdms;
#[allow(dead_code, reason = "the plugin's own tests use the rest")]
#[path = "../../../examples/sdms-source/tests/it/server.rs"]
mod sdms_server;
mod speed;
mod support;
mod trust;
mod whole;
