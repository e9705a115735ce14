//! Oracle's client library for the tests: the driver loads it as `libclntsh.so`, and it runs the statements on a PostgreSQL server that
//! the tests start. Neither Oracle nor its client can be installed where they run.
//!
//! - The functions of OCI that ODPI-C resolves are in `handle`, `attribute`, `environment`, `connect`, `service`, `statement`, `execute`, `buffer`, `lob` and
//!   `conversion`.
//! - `connection`, `query`, `change` and `session` are a session and its transaction; `sql` writes a statement anew for PostgreSQL.
//! - `control` is what a test lets go wrong, and what it can see; a test uses it by [`Control`].
//!
//! A connect string is `//127.0.0.1:PORT/DATABASE`: the port is the PostgreSQL server's, the service one of its databases, and users are
//! its roles, in lower case. A database is made one of ours by [`SETUP`], which the first superuser who logs in runs, too.
//!
//! **Simulated:** names in upper case unless they are quoted, of at most 30 bytes before 12.2, none of them reserved; '' is null;
//! statements that fail and leave their transaction be; definitions that commit; temporary tables for each session; LOBs that
//! cannot be compared; DATE with a time of day and arithmetic with days; NUMBER in its own form; array DML with batch errors; many of
//! the errors that Oracle's parser would give where PostgreSQL is more generous (AS before a table's name, LIMIT, VALUES with several
//! rows, SELECT without FROM, FOR UPDATE beside FETCH FIRST, the ON columns of a MERGE that it sets); TRUNCATE, which waits for no
//! reader, and after which a READ ONLY transaction that began before is refused the table (ORA-01466).
//!
//! **Not simulated:** the national character set (NVARCHAR2 is a text as any other, and UNISTR's value too), PL/SQL, RETURNING INTO, sequences, objects, scrollable cursors, AS OF SCN, writing through the locator of a table's
//! LOB: ORA-00900 `the test server does not know`. A CHAR compares with a text without its spaces. Statements read what is
//! committed when they begin, as Oracle's do, but an UPDATE that waited looks at the row again instead of beginning anew. Inside
//! a transaction that may write a query is read to its end before its first row is handed over. A ROWID is no value to be kept: it
//! changes with each UPDATE of its row.
#![warn(missing_docs)]

mod attribute;
mod buffer;
mod change;
mod client;
mod connect;
mod connection;
mod control;
mod conversion;
mod environment;
mod error;
mod execute;
mod handle;
mod lob;
mod number;
mod query;
mod service;
mod session;
mod sql;
mod statement;
mod types;
mod value;

pub use client::{Control, client_folder};
pub use session::SETUP;
