//! Connections of the staging tables, kept with their temporary tables from one use to the next.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use csc_bridge_core::error::Result;

use super::{located, log, record, recover, resubmit};
use crate::set::{self, Told};
use crate::{Connection, Purpose, WritingDialect, WritingEngine};

/// The connections to one database.
pub(super) struct Pool {
    pub(super) engine: Arc<dyn WritingEngine>,
    /// Connections that nobody uses. One that met an error never comes back here.
    idle: Mutex<Vec<Equipped>>,
}

/// A connection with its temporary tables.
struct Equipped {
    connection: Box<dyn Connection>,
    told: Told,
}

impl Pool {
    /// Opens nothing yet.
    pub(super) fn new(engine: Arc<dyn WritingEngine>) -> Pool {
        Pool { engine, idle: Mutex::default() }
    }

    pub(super) fn dialect(&self) -> &dyn WritingDialect {
        self.engine.writing()
    }

    /// A connection with its temporary tables: an idle one, or a new one.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let equipped = match idle {
            Some(equipped) => equipped,
            None => {
                let mut connection = self.engine.connect(Purpose::Stage).await?;
                set::create(connection.as_mut(), self.dialect()).await?;
                record::create_outcomes(connection.as_mut(), self.dialect()).await?;
                log::create_temporary(connection.as_mut(), self.dialect()).await?;
                recover::create_may_hold(connection.as_mut(), self.dialect()).await?;
                located::create_rows(connection.as_mut(), self.dialect()).await?;
                resubmit::create_marks(connection.as_mut(), self.dialect()).await?;
                Equipped { connection, told: Told::default() }
            }
        };
        Ok(Lease { equipped, pool: self.clone() })
    }
}

/// A connection in use. Dropping it closes the connection, which undoes an open transaction and frees its row locks; only
/// [`Lease::give_back`] keeps it for the next one. So whatever goes wrong, nothing half-done is left on a connection.
pub(super) struct Lease {
    equipped: Equipped,
    pool: Arc<Pool>,
}

impl Lease {
    /// Keeps the connection for others. Only outside a transaction.
    pub(super) fn give_back(self) {
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.equipped);
    }

    /// Replaces the set by ids that are trimmed and distinct.
    pub(super) async fn fill<'a, I>(&mut self, ids: I) -> Result<()>
    where
        I: IntoIterator<Item = &'a str>,
        I::IntoIter: Send,
    {
        let Equipped { connection, told } = &mut self.equipped;
        told.fill(connection.as_mut(), self.pool.dialect(), ids).await
    }

    /// Replaces the rows of a temporary table.
    pub(super) async fn replace(&mut self, table: &'static str, rows: &RecordBatch) -> Result<()> {
        let Equipped { connection, told } = &mut self.equipped;
        told.replace(connection.as_mut(), self.pool.dialect(), table, rows).await
    }

    /// Lets the planner know how many rows a temporary table has that was filled by a statement.
    pub(super) async fn analyze(&mut self, table: &'static str, rows: usize) -> Result<()> {
        let Equipped { connection, told } = &mut self.equipped;
        told.analyze(connection.as_mut(), self.pool.dialect(), table, rows).await
    }
}

impl Deref for Lease {
    type Target = dyn Connection;

    fn deref(&self) -> &Self::Target {
        self.equipped.connection.as_ref()
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.equipped.connection.as_mut()
    }
}
