//! The SDK as a host sees it: through the raw table.
#![allow(clippy::unwrap_used)]

mod bounds;
mod cancelling;
mod documents;
mod host;
mod life;
mod logs;
mod misuse;
mod options;
mod panics;
mod releasing;
mod sinks;
mod table;
mod toy;
mod toy_sink;
mod whole;
