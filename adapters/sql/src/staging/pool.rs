//! Connections of the staging tables, kept with their temporary tables from one use to the next.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use csc_bridge_core::error::Result;

use super::{log, record, recover};
use crate::{Connection, Dialect, Engine, Purpose, set};

/// The connections to one database.
pub(super) struct Pool {
    pub(super) engine: Arc<dyn Engine>,
    /// Connections that nobody uses, with their temporary tables. One that met an error never comes back here.
    idle: Mutex<Vec<Box<dyn Connection>>>,
}

impl Pool {
    /// Opens nothing yet.
    pub(super) fn new(engine: Arc<dyn Engine>) -> Pool {
        Pool { engine, idle: Mutex::default() }
    }

    pub(super) fn dialect(&self) -> &dyn Dialect {
        self.engine.dialect()
    }

    /// A connection with its temporary tables: an idle one, or a new one.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let mut connection = self.engine.connect(Purpose::Stage).await?;
                set::create(connection.as_mut(), self.dialect()).await?;
                record::create_outcomes(connection.as_mut(), self.dialect()).await?;
                log::create_temporary(connection.as_mut(), self.dialect()).await?;
                recover::create_may_hold(connection.as_mut(), self.dialect()).await?;
                connection
            }
        };
        Ok(Lease { connection, pool: self.clone() })
    }
}

/// A connection in use. Dropping it closes the connection, which undoes an open transaction and frees its row locks; only
/// [`Lease::give_back`] keeps it for the next one. So whatever goes wrong, nothing half-done is left on a connection.
pub(super) struct Lease {
    connection: Box<dyn Connection>,
    pool: Arc<Pool>,
}

impl Lease {
    /// Keeps the connection for others. Only outside a transaction.
    pub(super) fn give_back(self) {
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.connection);
    }
}

impl Deref for Lease {
    type Target = dyn Connection;

    fn deref(&self) -> &Self::Target {
        self.connection.as_ref()
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.connection.as_mut()
    }
}
