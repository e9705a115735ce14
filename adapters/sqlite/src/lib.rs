//! SQLite: an SSD in a file, and staging tables in a file.
//!
//! Who needs it: an LA whose CMS account may only read keeps its staging tables in a SQLite file beside csc-bridge; the
//! demonstration, the generator and the tests keep the SSD in one, too. [`SqliteEngine`] puts [`rusqlite`] behind
//! [`csc_bridge_sql`]; everything that is not SQLite's own lives there.
//!
//! SQLite has no row locks and one writer at a time. So one process stages and one process sends, told apart by locked files
//! beside the database (`lock`); tasks of one process write in turns (`turn`), and copy the write-ahead log between them (`checkpoint`); write-ahead logging lets a read session of hours go on while staging tables in the same file
//! are written (`open`).
#![warn(missing_docs)]

mod adapter;
mod checkpoint;
mod connection;
mod dialect;
mod engine;
mod error;
mod lock;
mod open;
mod scan;
mod turn;

pub use adapter::{SqliteAdapter, fallback_logs};
pub use dialect::SqliteDialect;
pub use engine::SqliteEngine;
