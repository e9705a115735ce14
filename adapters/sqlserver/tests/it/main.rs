//! SQL Server, as far as it can be tried without one: the tests against the TDS server come here.
#![allow(clippy::unwrap_used)]

mod adapter;
