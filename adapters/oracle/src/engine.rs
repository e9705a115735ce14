//! One Oracle database.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use csc_bridge_core::config::Options;
use csc_bridge_core::error::Result;
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::Guard;
use csc_bridge_sql::{Connection, Dialect, Engine, Lock, Purpose, WritingDialect, WritingEngine, guard};

use crate::connection::OracleConnection;
use crate::options::Settings;
use crate::temporary::Known;
use crate::{OracleDialect, connect, lock};

/// One Oracle database.
pub struct OracleEngine {
    settings: Arc<Settings>,
    /// The temporary tables that were found as they should be.
    known: Known,
    /// Whether the connection that held the lock of `stage` was lost: somebody else may have the lock, and nothing more is written.
    lock_lost: Arc<AtomicBool>,
}

impl OracleEngine {
    /// Reads and checks the keys; opens nothing yet, and loads no client library.
    ///
    /// # Errors
    /// [`Kind::Config`](csc_bridge_core::error::Kind::Config): a key or a secret is not as it should be.
    pub fn new(options: &Options) -> Result<OracleEngine> {
        Ok(OracleEngine {
            settings: Arc::new(Settings::read(options)?),
            known: Known::default(),
            lock_lost: Arc::default(),
        })
    }

    async fn open(&self) -> Result<OracleConnection> {
        let driver = connect::open(&self.settings).await?;
        Ok(OracleConnection::new(driver, &self.settings, &self.known, &self.lock_lost))
    }
}

#[async_trait]
impl Engine for OracleEngine {
    fn dialect(&self) -> &dyn Dialect {
        &OracleDialect
    }

    fn place(&self) -> String {
        self.settings.place.clone()
    }

    async fn connect(&self, _: Purpose) -> Result<Box<dyn Connection>> {
        Ok(Box::new(self.open().await?))
    }
}

#[async_trait]
impl WritingEngine for OracleEngine {
    fn writing(&self) -> &dyn WritingDialect {
        &OracleDialect
    }

    async fn lock(&self, table: &TableName, wanted: Lock) -> Result<Box<dyn Guard>> {
        match wanted {
            Lock::Tables => lock::tables(self.open().await?, table).await,
            Lock::Stage(shard) => {
                let connections = [self.open().await?, self.open().await?];
                lock::stage(connections, table, shard, self.lock_lost.clone()).await
            }
            // Rows are locked one by one: any number of processes may send.
            Lock::Submit => Ok(guard::everybodys()),
        }
    }
}
