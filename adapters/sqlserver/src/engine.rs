//! One SQL Server database.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::config::Options;
use csc_bridge_core::error::Result;
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::Guard;
use csc_bridge_sql::{Connection, Dialect, Engine, Lock, Purpose, WritingDialect, WritingEngine, guard};

use crate::options::Settings;
use crate::{SqlServerDialect, connect, lock};

/// One SQL Server database.
pub struct SqlServerEngine {
    settings: Arc<Settings>,
    /// Whether the connection that held the lock of `stage` was lost: somebody else may have the lock, and nothing more is written.
    lock_lost: Arc<AtomicBool>,
}

impl SqlServerEngine {
    /// Reads and checks the keys; opens nothing yet.
    ///
    /// # Errors
    /// [`Kind::Config`](csc_bridge_core::error::Kind::Config): a key, a secret or a certificate is not as it should be.
    pub fn new(options: &Options) -> Result<SqlServerEngine> {
        Ok(SqlServerEngine { settings: Arc::new(Settings::read(options)?), lock_lost: Arc::default() })
    }

    /// Other waits between attempts to connect than the usual ones, of which there are as many as waits, and one more.
    #[must_use]
    pub fn with_pauses(mut self, pauses: &[Duration]) -> SqlServerEngine {
        Arc::make_mut(&mut self.settings).pauses = pauses.to_vec();
        self
    }

    /// Another UDP port of the SQL Browser than 1434, which every server has.
    #[must_use]
    pub fn with_browser_port(mut self, port: u16) -> SqlServerEngine {
        Arc::make_mut(&mut self.settings).browser = port;
        self
    }
}

#[async_trait]
impl Engine for SqlServerEngine {
    fn dialect(&self) -> &dyn Dialect {
        &SqlServerDialect
    }

    fn place(&self) -> String {
        self.settings.place.clone()
    }

    async fn connect(&self, _: Purpose) -> Result<Box<dyn Connection>> {
        Ok(Box::new(connect::open(&self.settings, self.lock_lost.clone()).await?))
    }
}

#[async_trait]
impl WritingEngine for SqlServerEngine {
    fn writing(&self) -> &dyn WritingDialect {
        &SqlServerDialect
    }

    async fn lock(&self, table: &TableName, wanted: Lock) -> Result<Box<dyn Guard>> {
        match wanted {
            Lock::Stage(_) | Lock::Tables => {
                let connection = connect::open(&self.settings, self.lock_lost.clone()).await?;
                // Nothing is lost with the connection of the other: what it was for fails by itself.
                let lost = if wanted == Lock::Tables { Arc::default() } else { self.lock_lost.clone() };
                lock::take(connection, table, wanted, lost).await
            }
            // Rows are locked one by one: any number of processes may send.
            Lock::Submit => Ok(guard::everybodys()),
        }
    }
}
