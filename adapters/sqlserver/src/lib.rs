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
//!
//! # What the tests cannot show
//!
//! They run the real driver over real sockets against a server of the project's own, which has PostgreSQL behind it, and they lint each
//! statement (`tests/it/statements.sql`). What only a SQL Server could show:
//!
//! - **Its optimiser.** That a loop join by `id` seeks the primary key, so that a claim locks no other row; the time of a scan over its
//!   indexes, none of which answers the trimmed, exact comparison of ids.
//! - **Its locks.** READPAST and UPDLOCK are PostgreSQL's SKIP LOCKED there, readers never wait for writers, nothing escalates to a lock of
//!   the table, and nothing is locked by being looked at. What the keeper's lock does to TRUNCATE is as its documentation has it.
//! - **Its collations**, but for case, spaces at the end, `_BIN2` and what may stand beside what. `tempdb` has the database's own.
//! - **Its logons** with Windows and Kerberos. The driver's Windows logon is NTLM, which a server with Extended Protection refuses.
//!
//! The same suite runs against a real one, with a logon that may create databases:
//!
//! ```text
//! CSC_BRIDGE_TEST_SQLSERVER="SERVER=localhost,1433;UID=sa;PWD=…;TrustServerCertificate=yes" \
//!     cargo test -p csc-bridge-sqlserver --test it -- --ignored a_real_sqlserver_conforms --nocapture
//! ```
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
