//! SQL Server: an SSD and staging tables on a server, as SystemC and Mosaic have them.
//!
//! [`SqlServerEngine`] puts [`tiberius`] behind [`csc_bridge_sql`]; everything that is not SQL Server's own lives there.
//!
//! - **Reading** is a plain SELECT, streamed row by row into Arrow (`scan`). The end of a read is attested by the server: the same batch
//!   ends with `SELECT @@ROWCOUNT`, which nobody gets to see after a read that was cut short.
//! - **One moment** for all reads of a session: a SNAPSHOT transaction where the database allows it; TRUNCATE, which is not versioned, is
//!   kept out by locks of a second connection that are taken before the moment is fixed (`snapshot`).
//! - **Writing** is INSERT BULK into temporary tables and statements over them (`load`). No MERGE, no locks by a sorted TOP.
//! - **Connections** are encrypted by rustls (`options`, `tls`, `connect`). One whose request was given up is never used again.
//!
//! It needs SQL Server 2012 or later, and uses nothing that 2012 does not have.
#![warn(missing_docs)]

mod adapter;
mod browser;
mod catalogue;
mod connect;
mod connection;
mod dialect;
mod engine;
mod error;
mod load;
mod lock;
pub mod odbc;
mod options;
mod scan;
mod server;
mod snapshot;
mod tls;
mod value;

pub use adapter::SqlServerAdapter;
pub use dialect::SqlServerDialect;
pub use engine::SqlServerEngine;
