//! What opens connections and takes locks.

use async_trait::async_trait;
use csc_bridge_core::error::Result;
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::{Guard, Shard};

use crate::{Connection, Dialect, WritingDialect};

/// One database of one product, to be read.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The product's spellings.
    fn dialect(&self) -> &dyn Dialect;

    /// Where it is, for messages: without a password, and without what only a server knows.
    fn place(&self) -> String;

    /// Opens a connection.
    async fn connect(&self, purpose: Purpose) -> Result<Box<dyn Connection>>;
}

/// One database of one product that is written to, too.
#[async_trait]
pub trait WritingEngine: Engine {
    /// The product's spellings.
    fn writing(&self) -> &dyn WritingDialect;

    /// Whether there is a database to connect to. A server that does not answer is an error, told by [`Engine::connect`];
    /// this is about a file that would be created.
    async fn exists(&self) -> Result<bool> {
        Ok(true)
    }

    /// Takes a lock that the operating system or the database gives back when this process dies. A product that has locks by name takes
    /// them by [`locks::take`](crate::locks::take).
    ///
    /// A product with row locks lets everybody have [`Lock::Submit`].
    ///
    /// # Errors
    /// [`Kind::Busy`](csc_bridge_core::error::Kind::Busy) where somebody else has it.
    async fn lock(&self, table: &TableName, lock: Lock) -> Result<Box<dyn Guard>>;
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Reading the SSD: never changes anything but temporary tables.
    Read,
    /// Reading and writing the staging tables.
    Stage,
    /// Setting the staging tables up; `create` allows what a database needs before its first table (SQLite: the file).
    Prepare {
        /// Whether anything may be created.
        create: bool,
    },
    /// Writing made-up children into SSD tables.
    Generate,
}

/// A lock on a staging table as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// One at a time makes tables. Waited for.
    Tables,
    /// One `stage` at a time, or several shards of one number, each once.
    Stage(Option<Shard>),
    /// One sending process at a time, for products without row locks.
    Submit,
}
