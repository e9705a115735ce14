//! Oracle: an SSD and staging tables on a server of version 12.1 or later, as Azeus has them.
//!
//! [`OracleEngine`] puts the `oracle` crate (ODPI-C, over Oracle's own client library) behind [`csc_bridge_sql`]; everything that is not
//! Oracle's own lives there. The client library is loaded when the first connection is made, never before: a program that reads another
//! product needs no file of Oracle's.
//!
//! - **Blocking.** The driver blocks, so whole units of work run on Tokio's blocking threads (`connection`); a read hands its rows over as
//!   Arrow batches through a short channel (`scan`).
//! - **The children of a read** go with each statement as one CLOB, which XMLTABLE takes apart (`dialect`): an account that may only read
//!   can make no temporary table. The staging tables use global temporary tables, made once (`temporary`).
//! - **One moment** for all reads of a session: a READ ONLY transaction. It takes no lock: a TRUNCATE would not wait for one, it would fail.
//!   Each read counts its tables again, and Oracle itself refuses a table that was changed by DDL since (`snapshot`).
//! - **Writing** is array DML into temporary tables (`load`), and one MERGE by ROWID over them.
//! - **An empty text is null**, in the database and here (`docs/decisions/0015-oracle.md`).
//!
//! # What the tests cannot show
//!
//! They run the real driver and ODPI-C over a client library of the project's own, which has PostgreSQL behind it. With a server, and an
//! account that may create users and end their sessions, the same suite of promises runs over an Oracle:
//!
//! ```text
//! CSC_BRIDGE_TEST_ORACLE="system/…@//localhost:1521/FREEPDB1" \
//!     cargo test -p csc-bridge-oracle --test it -- --ignored a_real_oracle_conforms --nocapture
//! ```
//!
//! What only that could show:
//!
//! - **Its parser.** That it takes each statement of `tests/it/statements.sql`. A linter with a grammar of Oracle's reads them in
//!   `test.sh`; for what that grammar lacks (`tests/it/sqlfluff.sed`: XMLTABLE, a qualified ROWID, identity columns, indexes on an expression,
//!   SET TRANSACTION, parameters by number) nobody vouches but the parser that the test library has.
//! - **Its optimiser.** That XMLTABLE is read once for each statement, and that the index on the key of the staging table is used.
//! - **Its character sets.** The test library has one. That no comparison or CASE mixes VARCHAR2 and NVARCHAR2 (ORA-12704) is seen by
//!   reading the statements.
//! - **Its snapshots.** Which changes to a table a READ ONLY transaction is refused for (ORA-01466, ORA-08103), where the rows counted
//!   again would say it, too; what its undo holds (ORA-01555).
//! - **Its locks.** SKIP LOCKED locks rows as they are fetched. A claim looks at its rows again before each request.
//! - **Its rights.** That a table with an identity column takes CREATE SEQUENCE beside CREATE TABLE, and whatever else it may take.
//! - **Its client and its wire**: how a call is broken off, wallets, Kerberos, failover, and what a round trip costs.
#![warn(missing_docs)]

mod adapter;
mod bind;
mod client;
mod connect;
mod connection;
mod dialect;
mod engine;
mod error;
mod load;
mod lock;
mod options;
mod row;
mod scan;
mod snapshot;
mod temporary;

pub use adapter::OracleAdapter;
pub use dialect::OracleDialect;
pub use engine::OracleEngine;
