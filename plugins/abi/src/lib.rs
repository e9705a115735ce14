//! The boundary between csc-bridge and its plugins.
//!
//! `include/csc_bridge_plugin.h` is the boundary: a plugin in any language needs that file and nothing else. This crate is the same
//! in Rust, for the two ends that are written in it, the SDK and the host:
//!
//! | module | what |
//! |---|---|
//! | [`table`] | the header's structs and constants; [`table::Entry`] names the calls |
//! | [`message`] | the JSON of every call, to and from core's own types |
//! | [`rows`] | one record batch to Arrow IPC bytes and back |
//!
//! Every call has one shape: a handle and bytes go in, a status and bytes come out. So the same bytes serve a plugin in the process and
//! one at the end of a pipe.
//!
//! **One end does not trust the other.** Whatever bytes come, [`message`] and [`rows`] answer with a value or with an error of kind
//! [`Protocol`](csc_bridge_core::error::Kind::Protocol), which says which call was answered wrongly and never what the answer said; they
//! do not panic, and allocate no more than a small multiple of what came. Text that a plugin wrote is made fit for a line of a log before
//! anybody sees it ([`message::one_line`]).
//!
//! **Additions keep old plugins working.** The table grows at its end; a plugin says how much of it it filled, and
//! [`PluginTable::get`](table::PluginTable::get) looks no further. A message may get more fields, which an older reader passes over. A
//! field that is missing is an error, unless the header says that it may be.
//!
//! **A child's data** travels in batches, in the `document` of a record, and in the `detail` of a send error. None of these types has a
//! `Debug` that prints it.
#![warn(missing_docs)]

pub mod message;
pub mod rows;
pub mod table;
