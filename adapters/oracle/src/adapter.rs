//! Oracle as the registry knows it.

use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::config::{Options, StagingConfig};
use csc_bridge_core::error::Result;
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_core::source::{Source, SourceWriter};
use csc_bridge_core::staging::{Logs, Staging};
use csc_bridge_sql::{SqlSource, SqlStaging, SqlWriter, StagingNames};

use crate::OracleEngine;

/// `adapter = "oracle"`.
pub struct OracleAdapter;

#[async_trait]
impl DatabaseAdapter for OracleAdapter {
    fn name(&self) -> &'static str {
        "oracle"
    }

    fn source(&self, options: &Options) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(SqlSource::new(Arc::new(OracleEngine::new(options)?))))
    }

    fn staging(
        &self,
        options: &Options,
        config: &StagingConfig,
        fallback: Option<Arc<dyn Logs>>,
    ) -> Result<Arc<dyn Staging>> {
        let names = StagingNames::from(config);
        Ok(Arc::new(SqlStaging::new(Arc::new(OracleEngine::new(options)?), names, fallback)?))
    }

    async fn writer(&self, options: &Options) -> Result<Box<dyn SourceWriter>> {
        Ok(Box::new(SqlWriter::open(Arc::new(OracleEngine::new(options)?)).await?))
    }
}
