//! For authors of plugins: implement a trait, write one line, build a `cdylib`.
//!
//! | you have | implement | write |
//! |---|---|---|
//! | a database that finds the rows of chosen children | [`PluginSource`] over [`Source`](source::Source) | [`export_source!`] |
//! | tables that can only be read whole | [`WholeTables`] | [`export_whole_tables!`] |
//! | a system with a document for each child, and no tables | [`Documents`] | [`export_documents!`] |
//! | a place that takes documents | [`PluginSink`] over [`Sink`](sink::Sink) | [`export_sink!`] |
//! | several of them in one library | each | [`export_plugin!`] |
//!
//! ```
//! use csc_bridge_plugin_sdk::error::Result;
//! use csc_bridge_plugin_sdk::source::{RowStream, Table, TableName};
//! use csc_bridge_plugin_sdk::{Options, WholeTables, async_trait, export_whole_tables};
//!
//! struct CareDirector;
//!
//! #[async_trait]
//! impl WholeTables for CareDirector {
//!     fn from_options(_: &Options) -> Result<CareDirector> {
//!         Ok(CareDirector)
//!     }
//!
//!     async fn tables(&self) -> Result<Vec<Table>> {
//!         Ok(vec![])
//!     }
//!
//!     async fn list(&self, table: &TableName, columns: &[String]) -> Result<Box<dyn RowStream + '_>> {
//!         todo!("the rows of {table}: {columns:?}")
//!     }
//! }
//!
//! export_whole_tables!(CareDirector);
//! ```
//!
//! The plugin's name in TOML and its version are those of your `Cargo.toml`. Names are lower-case letters, digits and hyphens.
//!
//! What the SDK does for you:
//!
//! - **A runtime.** Your code runs in a tokio runtime of the library's own (two threads), started at the first call. Use
//!   [`tokio::task::spawn_blocking`] for what blocks; `cancel` ends a call at its next `await`.
//! - **Bounded buffers.** A scan runs ahead of the host by two batches, whatever the host does.
//! - **Panics** end the plugin, not the program: the call and all later ones answer that the plugin is poisoned. The log says where it was,
//!   "a panic in care-director at src/lib.rs:12"; what the panic said goes nowhere, because it may quote a child's data. To keep it from
//!   stderr as well, the SDK sets a panic hook. It concerns the threads on which the SDK runs your code, and leaves every other to the hook
//!   that was there; a thread that you start yourself prints its own panics.
//! - **Logs.** Events of [`tracing`] in your crate, and in csc-bridge's own, reach the host's log. Those of other crates do not: a driver
//!   that logs its statements logs a child's data. If your library sets a subscriber first, that one is kept.
//!
//! Derive options' structs by `#[serde(crate = "csc_bridge_plugin_sdk::serde")]`, unless you depend on serde yourself.
#![warn(missing_docs)]

#[cfg(not(panic = "unwind"))]
compile_error!("a plugin must catch its panics: build it with panic = \"unwind\"");

mod author;
mod calls;
mod documents;
mod entry;
mod here;
mod library;
mod log;
mod macros;
mod output;
mod session;
mod turn;
mod whole;

pub use arrow_array;
pub use arrow_schema;
pub use async_trait::async_trait;
pub use csc_bridge_core::config::{Options, SecretRef, Span};
pub use csc_bridge_core::{error, sink, source};
pub use jiff;
pub use secrecy;
pub use serde;
pub use tokio;
pub use tracing;

pub use author::{PluginSink, PluginSource};
pub use documents::Documents;
pub use whole::WholeTables;

/// For the macros.
#[doc(hidden)]
pub mod __private {
    pub use crate::entry::{Plugin, init};
    pub use crate::library::{Definition, Library};
    pub use csc_bridge_plugin_abi::table::{Host, PluginTable, Status};
}
