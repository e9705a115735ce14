//! A plugin for tests: the built-in PostgreSQL source, wrong in the way that the option `fault` names.
#![warn(missing_docs)]

use std::path::Path;
use std::sync::Arc;

use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_plugin_sdk::error::{Error, Kind, Result};
use csc_bridge_plugin_sdk::source::{ReadSession, Source, Table};
use csc_bridge_plugin_sdk::{Options, PluginSource, async_trait, export_source};
use csc_bridge_postgres::PostgresAdapter;
use csc_bridge_testkit::broken;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Keys {
    /// The name of a twin.
    fault: String,
    /// Whether the account may only select.
    #[serde(default)]
    restricted: bool,
    /// Those of the adapter.
    #[serde(flatten)]
    adapters: Map<String, Value>,
}

struct Broken(Arc<dyn Source>);

impl PluginSource for Broken {
    fn from_options(options: &Options) -> Result<Broken> {
        let Keys { fault, restricted, adapters } = options.parse()?;
        let adapters = Options::from_json("source", &options.path(Path::new("")), &adapters)?;
        let right = PostgresAdapter.source(&adapters)?;
        let wrong = broken::source(&fault, right, restricted);
        wrong.map(Broken).ok_or_else(|| Error::new(Kind::Config, "no twin has that fault", "see the testkit"))
    }
}

#[async_trait]
impl Source for Broken {
    async fn open(&self, tables: &[Table]) -> Result<Box<dyn ReadSession>> {
        self.0.open(tables).await
    }
}

export_source!(Broken);
