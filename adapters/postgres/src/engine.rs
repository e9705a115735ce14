//! One PostgreSQL database.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use csc_bridge_core::config::Options;
use csc_bridge_core::error::Result;
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::Guard;
use csc_bridge_sql::{Connection, Dialect, Engine, Lock, Purpose, Value, WritingDialect, WritingEngine, guard};

use crate::catalogue;
use crate::connection::PostgresConnection;
use crate::options::Settings;
use crate::{PostgresDialect, lock, open};

/// One PostgreSQL database.
pub struct PostgresEngine {
    settings: Settings,
    dialect: PostgresDialect,
    /// The staging table, whose documents may be of several types.
    staging: Option<TableName>,
    /// Whether the connection that held the lock of `stage` was lost: somebody else may have the lock, and nothing more is written.
    lock_lost: Arc<AtomicBool>,
}

impl PostgresEngine {
    /// Reads and checks the keys; opens nothing yet.
    ///
    /// # Errors
    /// [`Kind::Config`](csc_bridge_core::error::Kind::Config): a key, a secret or a certificate is not as it should be.
    pub fn new(options: &Options) -> Result<PostgresEngine> {
        Ok(PostgresEngine {
            settings: Settings::read(options)?,
            dialect: PostgresDialect::default(),
            staging: None,
            lock_lost: Arc::default(),
        })
    }

    /// The engine of a staging table.
    pub fn with_staging(self, table: TableName) -> PostgresEngine {
        PostgresEngine { staging: Some(table), ..self }
    }

    pub(crate) async fn open(&self) -> Result<PostgresConnection> {
        open::open(&self.settings, self.lock_lost.clone()).await
    }
}

#[async_trait]
impl Engine for PostgresEngine {
    fn dialect(&self) -> &dyn Dialect {
        &self.dialect
    }

    fn place(&self) -> String {
        self.settings.place.clone()
    }

    async fn connect(&self, purpose: Purpose) -> Result<Box<dyn Connection>> {
        let mut connection = self.open().await?;
        if let (Some(table), Purpose::Stage | Purpose::Prepare { .. }) = (&self.staging, purpose) {
            let rows = connection.query(catalogue::TYPES, &[Value::text(catalogue::named(table))]).await?;
            let types = rows.into_iter().map(|mut row| Ok((row.word(0)?, row.word(1)?))).collect::<Result<Vec<_>>>()?;
            self.dialect.set_documents(catalogue::documents(table, &types)?);
        }
        Ok(Box::new(connection))
    }
}

#[async_trait]
impl WritingEngine for PostgresEngine {
    fn writing(&self) -> &dyn WritingDialect {
        &self.dialect
    }

    async fn lock(&self, table: &TableName, wanted: Lock) -> Result<Box<dyn Guard>> {
        match wanted {
            Lock::Stage(_) => lock::take(self.open().await?, table, wanted, self.lock_lost.clone()).await,
            // Nothing is lost with its connection: what it was for fails by itself.
            Lock::Tables => lock::take(self.open().await?, table, wanted, Arc::default()).await,
            // Rows are locked one by one: any number of processes may send.
            Lock::Submit => Ok(guard::everybodys()),
        }
    }
}
