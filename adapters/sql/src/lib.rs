//! What every SQL source and staging table of csc-bridge shares.
//!
//! An engine (SQLite, PostgreSQL, SQL Server, Oracle) brings three things: a [`Dialect`], which spells out the little that
//! differs between SQL products, a [`Connection`], which runs statements, and an [`Engine`], which opens connections and
//! takes locks. [`SqlSource`] makes the first contract of core out of them. [`SqlStaging`] and [`SqlWriter`] take more of the product: a
//! [`WritingDialect`] and a [`WritingEngine`]. A product without anything quicker finds a way to load and a batch to fill here:
//! [`insertions`] and [`Texts`].
//!
//! Two habits run through the crate. *Sets, not loops*: children, changes and outcomes go into a private temporary table by
//! one bulk load, and one statement works on all of them, so that nothing depends on how many parameters a product allows.
//! *Names are quoted, values are bound*: see [`name`] for the one and [`Value`] for the other.
#![warn(missing_docs)]

mod connection;
mod dialect;
mod engine;
pub mod guard;
mod insert;
pub mod locks;
pub mod name;
mod path;
mod set;
mod source;
mod staging;
mod texts;
mod writer;
mod writing;

pub use connection::{Connection, Read, Row, Transaction, Value};
pub use dialect::{Dialect, Store};
pub use engine::{Engine, Lock, Purpose, WritingEngine};
pub use insert::insertions;
pub use path::scan_sql;
pub use set::SET;
pub use source::SqlSource;
pub use staging::{SqlLogs, SqlStaging, StagingNames};
pub use texts::Texts;
pub use writer::SqlWriter;
pub use writing::{KeyIndex, RowLock, UpdateFrom, WritingDialect};
