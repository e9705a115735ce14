//! One SQLite file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::Guard;
use csc_bridge_sql::{Connection, Dialect, Engine, Lock, Purpose, WritingDialect, WritingEngine};

use crate::connection::{SqliteConnection, blocking};
use crate::{SqliteDialect, lock, open, turn};

/// One SQLite file.
pub struct SqliteEngine {
    path: PathBuf,
    lock_timeout: Duration,
    /// Whether a file that is made here is for its owner alone.
    is_private: bool,
}

impl SqliteEngine {
    /// Opens nothing yet. `lock_timeout` is how long to wait while another program writes.
    ///
    /// # Errors
    /// [`Kind::Config`]: the path is empty, or relative where there is no current folder.
    pub fn new(path: &Path, lock_timeout: Duration) -> Result<SqliteEngine> {
        // Absolute, because SQLite takes a path that begins with "file:" for a URI with options of its own.
        let path = std::path::absolute(path).map_err(|_| {
            Error::new(
                Kind::Config,
                "the path of the SQLite database is empty or has no folder",
                "write the full path in database",
            )
        })?;
        Ok(SqliteEngine { path, lock_timeout, is_private: false })
    }

    /// A file that is made here is for its owner alone, where the operating system can say so.
    pub(crate) fn private(self) -> SqliteEngine {
        SqliteEngine { is_private: true, ..self }
    }
}

#[async_trait]
impl Engine for SqliteEngine {
    fn dialect(&self) -> &dyn Dialect {
        &SqliteDialect
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    async fn connect(&self, purpose: Purpose) -> Result<Box<dyn Connection>> {
        let (path, lock_timeout, is_private) = (self.path.clone(), self.lock_timeout, self.is_private);
        let opened = blocking(move || {
            if is_private && matches!(purpose, Purpose::Prepare { create: true }) {
                open::create_private(&path)?;
            }
            let driver = open::open(&path, purpose, lock_timeout)?;
            // A connection that only reads writes to nothing but its temporary tables.
            let writers = (purpose != Purpose::Read).then(|| turn::writers(&path));
            SqliteConnection::new(driver, writers, path)
        });
        Ok(Box::new(opened.await?))
    }
}

#[async_trait]
impl WritingEngine for SqliteEngine {
    fn writing(&self) -> &dyn WritingDialect {
        &SqliteDialect
    }

    async fn exists(&self) -> Result<bool> {
        let path = self.path.clone();
        blocking(move || open::exists(&path)).await
    }

    async fn lock(&self, table: &TableName, wanted: Lock) -> Result<Box<dyn Guard>> {
        lock::take(&self.path, table, wanted).await
    }
}
