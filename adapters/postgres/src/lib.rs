//! PostgreSQL: an SSD and staging tables on a server, as Eclipse has them.
//!
//! [`PostgresEngine`] puts [`tokio_postgres`] behind [`csc_bridge_sql`]; everything that is not PostgreSQL's own lives there.
//!
//! - **Reading** is `COPY (SELECT …) TO STDOUT (FORMAT binary)`, the server's quickest way out, parsed straight into Arrow (`scan`).
//!   The end of a read is attested by the format's own trailer, which the server writes after the last row.
//! - **One moment** for all reads of a session: a transaction that is `REPEATABLE READ`, its tables locked before its first read, because
//!   TRUNCATE is not versioned (`connection`).
//! - **Writing** is COPY into temporary tables and statements over them (`load`).
//! - **Connections** are encrypted by rustls; the modes are those that users of libpq know (`tls`).
//!
//! It needs PostgreSQL 12 or later and a database in UTF8. A connection pooler that hands one session to several clients (PgBouncer
//! in any mode but `session`) does not serve: the temporary tables would be somebody else's.
#![warn(missing_docs)]

mod adapter;
mod catalogue;
mod connection;
mod dialect;
mod engine;
mod error;
mod load;
mod lock;
mod numeric;
mod open;
mod options;
mod scan;
mod tls;
mod url;
mod value;

pub use adapter::PostgresAdapter;
pub use dialect::PostgresDialect;
pub use engine::PostgresEngine;
