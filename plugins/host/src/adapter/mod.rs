//! A plugin as the registry knows it: an adapter like any other.

mod options;
pub(crate) mod rows;
mod session;
mod sink;
mod source;

use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::config::{Options, StagingConfig};
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::registry::{DatabaseAdapter, SinkAdapter};
use csc_bridge_core::sink::{Facts, Sink};
use csc_bridge_core::source::{Source, SourceWriter};
use csc_bridge_core::staging::{Logs, Staging};
use csc_bridge_plugin_abi::message::SourceKind;

pub(crate) use session::{Session, Sessions};
pub(crate) use source::list;

use crate::Plugin;
use crate::whole::WholeTables;

/// A plugin in the place of a database adapter and of a sink adapter. What the plugin is not is refused.
#[derive(Clone)]
pub struct PluginAdapter {
    plugin: Arc<Plugin>,
}

impl PluginAdapter {
    /// For a plugin that was loaded.
    pub fn new(plugin: Plugin) -> PluginAdapter {
        PluginAdapter { plugin: Arc::new(plugin) }
    }

    /// The plugin.
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    fn is_not(&self, what: &str) -> Error {
        let description = self.plugin.description();
        let source = match description.source {
            Some(SourceKind::Tables | SourceKind::WholeTables) => "a source of tables",
            Some(SourceKind::Documents) => "a source of documents",
            None => "a sink",
        };
        let also = if description.source.is_some() && description.sink { " and a sink" } else { "" };
        Error::new(
            Kind::Config,
            format!("the plugin {} is no adapter that {what}: it is {source}{also}", description.name),
            "name another adapter in that section of csc-bridge.toml",
        )
    }
}

#[async_trait]
impl DatabaseAdapter for PluginAdapter {
    fn name(&self) -> &'static str {
        self.plugin.name()
    }

    /// Asks the plugin, and so blocks, for half a minute at most.
    fn source(&self, options: &Options) -> Result<Arc<dyn Source>> {
        match self.plugin.description().source {
            Some(SourceKind::Tables) => {
                Ok(Arc::new(source::Tables::new(self.plugin.clone(), options::source(options)?)?))
            }
            Some(SourceKind::WholeTables) => {
                Ok(Arc::new(WholeTables::new(self.plugin.clone(), options::source(options)?)?))
            }
            Some(SourceKind::Documents) => {
                Ok(Arc::new(source::Documents::new(self.plugin.clone(), options::source(options)?)?))
            }
            None => Err(self.is_not("reads children")),
        }
    }

    fn staging(&self, _: &Options, _: &StagingConfig, _: Option<Arc<dyn Logs>>) -> Result<Arc<dyn Staging>> {
        Err(Error::new(
            Kind::Config,
            format!("the plugin {} keeps no staging tables: plugins never do", self.plugin.name()),
            "name another adapter in [staging], such as adapter = \"sqlite\" with database = \"csc-bridge.db\"",
        ))
    }

    async fn writer(&self, _: &Options) -> Result<Box<dyn SourceWriter>> {
        Err(Error::new(
            Kind::Config,
            format!("the plugin {} cannot be written to with made-up children", self.plugin.name()),
            "generate into a SQLite file: adapter = \"sqlite\" in [source]",
        ))
    }
}

impl SinkAdapter for PluginAdapter {
    fn name(&self) -> &'static str {
        self.plugin.name()
    }

    /// Asks the plugin, and so blocks, for half a minute at most.
    fn facts(&self, options: &Options) -> Result<Facts> {
        match self.plugin.description().sink {
            true => sink::facts(&self.plugin, options::sink(options, None)?),
            false => Err(self.is_not("takes documents")),
        }
    }

    /// Asks the plugin, and so blocks, for half a minute at most.
    fn sink(&self, options: &Options, la_code: &str) -> Result<Arc<dyn Sink>> {
        match self.plugin.description().sink {
            true => Ok(Arc::new(sink::PluginSink::new(self.plugin.clone(), options::sink(options, Some(la_code))?)?)),
            false => Err(self.is_not("takes documents")),
        }
    }
}
