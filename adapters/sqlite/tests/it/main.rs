//! The SQLite adapter as its callers see it: the contracts of core, on files.
#![allow(clippy::unwrap_used)]

mod adapter;
mod apply;
mod choices;
mod claims;
mod conformance;
mod files;
mod history;
mod ledger;
mod locks;
mod prepare;
mod purges;
mod recover;
mod scans;
mod schema;
mod support;
mod turns;
mod writer;
