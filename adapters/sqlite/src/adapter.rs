//! SQLite as the registry knows it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::config::{Options, Span, StagingConfig};
use csc_bridge_core::error::Result;
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_core::source::{Source, SourceWriter, TableName};
use csc_bridge_core::staging::{Logs, Staging};
use csc_bridge_sql::{SqlLogs, SqlSource, SqlStaging, SqlWriter, StagingNames};
use serde::Deserialize;

use crate::SqliteEngine;

/// `adapter = "sqlite"`.
pub struct SqliteAdapter;

/// What SQLite can honour. There is no server to wait for and no query to cut short, so `connect_timeout` and
/// `query_timeout` are refused rather than accepted and ignored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SqliteOptions {
    /// The file.
    database: PathBuf,
    /// How long to wait while another program writes.
    #[serde(default = "thirty_seconds")]
    lock_timeout: Span,
}

fn thirty_seconds() -> Span {
    Span(Duration::from_secs(30))
}

/// The logs in a SQLite file of their own, where the database of the staging table refuses them. Opens nothing yet.
///
/// # Errors
/// [`Kind::Config`](csc_bridge_core::error::Kind::Config): a path or a name that no database can have.
pub fn fallback_logs(file: &Path, config: &StagingConfig) -> Result<Arc<dyn Logs>> {
    let table = |table: &String| TableName { schema: String::new(), table: table.clone() };
    let engine = Arc::new(SqliteEngine::new(file, thirty_seconds().0)?.private());
    Ok(Arc::new(SqlLogs::new(engine, table(&config.log_table), table(&config.run_table))?))
}

fn engine(options: &Options) -> Result<Arc<SqliteEngine>> {
    let keys: SqliteOptions = options.parse()?;
    Ok(Arc::new(SqliteEngine::new(&options.path(&keys.database), keys.lock_timeout.0)?))
}

#[async_trait]
impl DatabaseAdapter for SqliteAdapter {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn source(&self, options: &Options) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(SqlSource::new(engine(options)?)))
    }

    fn staging(
        &self,
        options: &Options,
        config: &StagingConfig,
        fallback: Option<Arc<dyn Logs>>,
    ) -> Result<Arc<dyn Staging>> {
        Ok(Arc::new(SqlStaging::new(engine(options)?, StagingNames::from(config), fallback)?))
    }

    async fn writer(&self, options: &Options) -> Result<Box<dyn SourceWriter>> {
        Ok(Box::new(SqlWriter::open(engine(options)?).await?))
    }
}
