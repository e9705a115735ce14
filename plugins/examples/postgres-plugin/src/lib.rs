//! The in-tree PostgreSQL source as a plugin: what `adapter = "postgres"` reads, `adapter = "postgres-plugin"` reads through the boundary.
#![warn(missing_docs)]

use std::sync::Arc;

use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_plugin_sdk::error::Result;
use csc_bridge_plugin_sdk::source::{ReadSession, Source, Table};
use csc_bridge_plugin_sdk::{Options, PluginSource, async_trait, export_source};
use csc_bridge_postgres::PostgresAdapter;

struct Postgres(Arc<dyn Source>);

impl PluginSource for Postgres {
    fn from_options(options: &Options) -> Result<Postgres> {
        PostgresAdapter.source(options).map(Postgres)
    }
}

#[async_trait]
impl Source for Postgres {
    async fn open(&self, tables: &[Table]) -> Result<Box<dyn ReadSession>> {
        self.0.open(tables).await
    }
}

export_source!(Postgres);
