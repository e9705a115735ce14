//! From an adapter's name in TOML to the adapter. Core knows no adapter: the program registers them at start.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::config::{Options, StagingConfig};
use crate::error::{Error, Kind, Result};
use crate::sink::{Facts, Sink};
use crate::source::{Source, SourceWriter};
use crate::staging::{Logs, Staging};

/// A kind of database: reads the SSD, keeps the staging table.
#[async_trait]
pub trait DatabaseAdapter: Send + Sync {
    /// Its name in TOML.
    fn name(&self) -> &'static str;

    /// The database of `[source]`. Checks the options; opens nothing yet.
    fn source(&self, options: &Options) -> Result<Arc<dyn Source>>;

    /// The staging tables in the database that `options` name, with `fallback` for the logs where that database refuses them. Checks
    /// the options; opens nothing yet.
    fn staging(
        &self,
        options: &Options,
        config: &StagingConfig,
        fallback: Option<Arc<dyn Logs>>,
    ) -> Result<Arc<dyn Staging>>;

    /// Writes made-up children into the database of `[source]`, for `generate` and `mutate`. Creates the database where that is
    /// a matter of creating a file.
    async fn writer(&self, options: &Options) -> Result<Box<dyn SourceWriter>>;
}

/// A kind of sink.
pub trait SinkAdapter: Send + Sync {
    /// Its name in TOML.
    fn name(&self) -> &'static str;

    /// What the options say of the sink. Checks them, but reads no secret.
    fn facts(&self, options: &Options) -> Result<Facts>;

    /// The sink for one authority. Checks the options and reads the secrets; sends nothing yet.
    fn sink(&self, options: &Options, la_code: &str) -> Result<Arc<dyn Sink>>;
}

/// The adapters of a program.
#[derive(Default)]
pub struct Registry {
    databases: BTreeMap<&'static str, Box<dyn DatabaseAdapter>>,
    sinks: BTreeMap<&'static str, Box<dyn SinkAdapter>>,
}

impl Registry {
    /// Adds a kind of database.
    pub fn with_database(mut self, adapter: impl DatabaseAdapter + 'static) -> Self {
        self.databases.insert(adapter.name(), Box::new(adapter));
        self
    }

    /// Adds a kind of sink.
    pub fn with_sink(mut self, adapter: impl SinkAdapter + 'static) -> Self {
        self.sinks.insert(adapter.name(), Box::new(adapter));
        self
    }

    /// The database adapter of that name.
    ///
    /// # Errors
    /// [`Kind::Config`], naming those there are.
    pub fn database(&self, name: &str) -> Result<&dyn DatabaseAdapter> {
        self.databases
            .get(name)
            .map(|adapter| &**adapter)
            .ok_or_else(|| unknown("database", name, self.databases.keys()))
    }

    /// The sink adapter of that name.
    ///
    /// # Errors
    /// [`Kind::Config`], naming those there are.
    pub fn sink(&self, name: &str) -> Result<&dyn SinkAdapter> {
        self.sinks.get(name).map(|adapter| &**adapter).ok_or_else(|| unknown("sink", name, self.sinks.keys()))
    }
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a &'static str>) -> Error {
    let known: Vec<&str> = known.copied().collect();
    Error::new(
        Kind::Config,
        format!("there is no {what} adapter \"{name}\""),
        format!("this program has: {}", known.join(", ")),
    )
}
