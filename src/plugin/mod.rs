//! `plugin`: what lies in the plugin folder, whether it would be loaded, and the line that allows it. Nothing here loads a library. And the
//! sources of a new one.

pub mod load;
mod new;

use std::io::Write;

use csc_bridge_core::config::Config;
use csc_bridge_core::error::{Error, Kind};
use csc_bridge_plugin_host::trust::{self, Found};
use serde_json::{Value, json};

use crate::cli::{Global, PluginCommand};
use crate::report::Report;
use crate::setup;

/// The command.
pub fn plugin(global: &Global, command: &PluginCommand, report: &mut Report) -> anyhow::Result<()> {
    match command {
        PluginCommand::List => list(&setup::config(global)?, report),
        PluginCommand::Verify(args) => verify(&setup::config(global)?, args.name.as_deref(), report),
        PluginCommand::Pin(args) => pin(&setup::config(global)?, &args.name, report),
        PluginCommand::New(args) => new::new(global, args, report),
    }
}

/// Everything in the folder and on the list, each with the reason for which it is not loaded.
fn list(config: &Config, report: &mut Report) -> anyhow::Result<()> {
    let found = trust::inspect(&config.plugins.folder, &config.plugins.allow)?;
    show(report, &found);
    Ok(())
}

/// One plugin, or all that are allowed: a refusal is the command's own.
fn verify(config: &Config, name: Option<&str>, report: &mut Report) -> anyhow::Result<()> {
    let plugins = &config.plugins;
    let is_asked = |found: &Found| match name {
        Some(name) => found.name == name,
        None => plugins.allowed(&found.name).is_some(),
    };
    let mut found = trust::inspect(&plugins.folder, &plugins.allow)?;
    found.retain(is_asked);
    if let (Some(name), true) = (name, found.is_empty()) {
        // It says why, and what to do.
        trust::open(&plugins.folder, name, &plugins.allow)?;
    }
    show(report, &found);
    match found.into_iter().find_map(|found| found.verdict.err()) {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}

/// Prints the line for `[plugins] allow`.
fn pin(config: &Config, name: &str, report: &mut Report) -> anyhow::Result<()> {
    let line = trust::pin(&config.plugins.folder, name)?;
    // It is asked for to be looked at and copied; where nobody reads it, it did not happen.
    writeln!(std::io::stdout(), "{line}").map_err(|error| {
        Error::new(Kind::Io, format!("standard output: {}", error.kind()), "run it again where its output can be read")
    })?;
    report.key("pin", line);
    Ok(())
}

fn show(report: &mut Report, found: &[Found]) {
    let lines: Vec<(String, String)> =
        found.iter().flat_map(|found| lines(found).into_iter().map(|line| (found.name.clone(), line))).collect();
    report.table("Plugins", &lines);
    report.key("plugins", found.iter().map(object).collect::<Vec<Value>>());
}

fn lines(found: &Found) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(manifest) = &found.manifest {
        lines.push(format!("version {} by {}, file {}", manifest.version, manifest.publisher, manifest.file));
    }
    lines.extend(found.sha256.as_ref().map(|sha256| format!("sha256 {sha256}")));
    match &found.verdict {
        Ok(()) => lines.push("allowed".to_owned()),
        Err(error) => {
            lines.push(error.to_string());
            lines.push(format!("what to do: {}", error.advice()));
        }
    }
    lines
}

fn object(found: &Found) -> Value {
    let manifest = found.manifest.as_ref();
    json!({
        "name": found.name,
        "version": manifest.map(|manifest| &manifest.version),
        "publisher": manifest.map(|manifest| &manifest.publisher),
        "file": manifest.map(|manifest| &manifest.file),
        "sha256": found.sha256,
        "allowed": found.verdict.is_ok(),
        "reason": found.verdict.as_ref().err().map(ToString::to_string),
        "advice": found.verdict.as_ref().err().map(Error::advice),
    })
}
