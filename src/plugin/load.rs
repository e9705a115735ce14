//! Plugins that the configuration names as adapters, in the registry beside the built-in ones.

use std::collections::BTreeSet;

use csc_bridge_core::config::Config;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::registry::Registry;
use csc_bridge_plugin_host::{Plugin, PluginAdapter, Program, trust};

/// The hidden command of a plugin's child process.
pub const CHILD: &str = "plugin-host";

/// Adds the allowed plugins that some `adapter` key names; no other is loaded.
///
/// # Errors
/// [`Kind::Config`]: an allowed plugin has the name of a built-in adapter. Why a plugin that is named is not loaded.
pub fn with_plugins(mut registry: Registry, config: &Config) -> Result<Registry> {
    let named: BTreeSet<&str> =
        [&config.source.adapter, &config.staging.adapter, &config.sink.adapter].map(String::as_str).into();
    for allowed in &config.plugins.allow {
        if registry.database(&allowed.name).is_ok() || registry.sink(&allowed.name).is_ok() {
            return Err(Error::new(
                Kind::Config,
                format!("[plugins] allow: \"{}\" is the name of a built-in adapter", allowed.name),
                "ask its publisher for a plugin of another name",
            ));
        }
        if named.contains(allowed.name.as_str()) {
            let verified = trust::open(&config.plugins.folder, &allowed.name, &config.plugins.allow)?;
            let plugin = Plugin::load(verified, program()?)?;
            let (is_source, is_sink) = (plugin.description().source.is_some(), plugin.description().sink);
            let adapter = PluginAdapter::new(plugin);
            if is_source {
                registry = registry.with_database(adapter.clone());
            }
            if is_sink {
                registry = registry.with_sink(adapter);
            }
        }
    }
    Ok(registry)
}

/// This program, as a plugin's child process.
fn program() -> Result<Program> {
    let path = std::env::current_exe().map_err(|error| {
        Error::new(
            Kind::Io,
            format!("this program's own file cannot be found: {}", error.kind()),
            "start it by its full path",
        )
    })?;
    Ok(Program { path, arguments: vec![CHILD.to_owned()] })
}
