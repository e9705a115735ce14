//! The statements: T-SQL as our dialect writes it, run by PostgreSQL.
//!
//! A text is parsed ([`parse`], and [`own`] for what `sqlparser` cannot), written anew for PostgreSQL ([`rewrite`], [`define`]) and run
//! ([`session`]). Every shape is matched word for word; any other is error 40517 `not supported by the test server`.
//!
//! **Simulated:** names without regard to case; declared types in answers; the usual collation's comparison without regard to case
//! (`COLLATE …_BIN2` compares exactly) and, between columns and values, without the spaces at the end; which of two collations counts,
//! and where two columns' do not go together (468, 457, 451); nulls before everything in
//! ORDER BY; row and table locks by their hints; snapshot transactions and what allows them; LOCK_TIMEOUT; application locks; the
//! catalogue; errors' numbers; XACT_ABORT; @@TRANCOUNT.
//!
//! **Not simulated:** a transaction that goes on after an error (it is doomed, 3930, until it is rolled back; with XACT_ABORT ON it is
//! rolled back at once, as there); readers that wait for writers (PostgreSQL's never do: everything is as with READ_COMMITTED_SNAPSHOT
//! ON); locks on ranges of keys; times finer than microseconds and DATETIME's thirds of a centisecond; GROUP BY, DISTINCT and unique keys
//! without the spaces at the end; a collation of `tempdb`'s own; names of more than 63 bytes, which PostgreSQL cuts; DROP COLUMN's
//! refusal where an index or a constraint needs the column, which go with it; statements without a semicolon between them.
//!
//! A cancelled query is cancelled in PostgreSQL, too; inside a transaction, which that would undo, it is read to its end for up to five
//! seconds first.

mod backend;
mod bulk;
mod catalogue;
mod define;
mod errors;
mod locks;
mod own;
mod parse;
mod rewrite;
mod run;
mod session;
mod types;
mod values;

pub use backend::PostgresBackend;
