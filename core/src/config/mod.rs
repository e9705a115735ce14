//! `csc-bridge.toml`, the CMS profiles and the payload definitions: read once, checked whole, complained about by file, line
//! and column. The keys are fixed in the project's list of names; an unknown key is an error, so that a
//! misspelt guard cannot be silently off.

mod builtin;
mod document;
mod names;
mod options;
mod plugins;
mod policy;
pub mod profile;
mod sections;
mod settings;
mod text;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::de::DeTable;

pub use document::Document;
pub use names::Names;
pub use options::{Options, SecretRef, Span};
pub use plugins::{AllowedPlugin, Plugins};
pub use profile::Profile;
pub use settings::{
    Canary, Deletion, Deletions, Guards, IdStyle, InvalidCodes, Limit, LogConfig, LogFormat, ManagedBy, Mode,
    PayloadConfig, RemovedValues, Semantics, SinkConfig, SourceConfig, StagingConfig,
};

use crate::error::{Error, Kind, Result};
use crate::payload::definition::Definition;
use sections::Sections;

/// Everything a run needs to know, checked.
#[derive(Clone)]
pub struct Config {
    /// Where it was read.
    pub path: PathBuf,
    /// Three digits, as text: a leading zero counts.
    pub la_code: String,
    /// Where the pseudonym key and the log live.
    pub state_dir: PathBuf,
    /// The CMS profile.
    pub profile: Profile,
    /// The payload definition.
    pub definition: Definition,
    /// The database's names for the SSD.
    pub names: Names,
    /// `[source]`.
    pub source: SourceConfig,
    /// `[staging]`.
    pub staging: StagingConfig,
    /// `[payload]`.
    pub payload: PayloadConfig,
    /// `[deletions]`.
    pub deletions: Deletions,
    /// `[guards]`.
    pub guards: Guards,
    /// `[canary]`.
    pub canary: Canary,
    /// `[sink]`.
    pub sink: SinkConfig,
    /// `[log]`.
    pub log: LogConfig,
    /// `[plugins]`.
    pub plugins: Plugins,
}

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// [`Kind::Config`] with the place of the first thing that is wrong.
    pub fn load(path: &Path) -> Result<Config> {
        let advice = "name it with -c FILE, or make one with: csc-bridge init --cms sqlite";
        Config::parse(path, &text::read(path, "configuration", advice)?)
    }

    /// Reads and checks a configuration's text; `path` is for messages and for relative paths.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Config> {
        let (document, table) = Document::parse(path, text)?;
        let document = Arc::new(document);
        let sections = Sections::split(&document, table)?;
        let top = sections.top(&document)?;
        let profile: Profile = named("CMS profile", &top.cms, document.folder(), builtin::PROFILES)?;
        let definition: Definition =
            named("payload definition", &top.definition, document.folder(), builtin::DEFINITIONS)?;
        crate::payload::plan::check(&definition)
            .map_err(|error| error.within(format!("payload definition \"{}\"", top.definition)))?;
        check_profile(&profile, &definition).map_err(|error| error.within(format!("CMS profile \"{}\"", top.cms)))?;
        let (source, overlay) = sections.source(&document, &profile, &definition)?;
        let staging = sections.staging(&document, &source)?;
        let sink = sections.sink(&document)?;
        Ok(Config {
            path: path.to_owned(),
            la_code: top.la_code,
            state_dir: document.folder().join(top.state_dir.unwrap_or_else(default_state_dir)),
            names: Names::new(&source.schema, [&profile.tables, &overlay]),
            payload: sections.payload(&document, &profile, &definition, sink.semantics)?,
            deletions: sections.deletions(&document, staging.managed_by)?,
            guards: sections.guards(&document)?,
            canary: sections.canary(&document)?,
            sink,
            log: sections.log(&document)?,
            plugins: sections.plugins(&document)?,
            profile,
            definition,
            source,
            staging,
        })
    }

    /// The configuration with the staging table replaced by its `_anon` twin (`--anon`).
    pub fn anon(mut self) -> Config {
        self.staging.table = format!("{}_anon", self.staging.table);
        self.staging.log_table = format!("{}_anon", self.staging.log_table);
        self.staging.run_table = format!("{}_anon", self.staging.run_table);
        self
    }
}

/// A built-in payload definition or one in a file, checked.
///
/// # Errors
/// [`Kind::Config`]: no such name, or the file is wrong.
pub fn load_definition(name: &str, folder: &Path) -> Result<Definition> {
    let definition: Definition = named("payload definition", name, folder, builtin::DEFINITIONS)?;
    crate::payload::plan::check(&definition)?;
    Ok(definition)
}

/// A built-in CMS profile or one in a file.
///
/// # Errors
/// [`Kind::Config`]: no such name, or the file is wrong.
pub fn load_profile(name: &str, folder: &Path) -> Result<Profile> {
    named("CMS profile", name, folder, builtin::PROFILES)
}

/// Every table, column and record id that a profile speaks of must be in the definition: a slip there would go unnoticed.
fn check_profile(profile: &Profile, definition: &Definition) -> Result<()> {
    let stranger = |what: String| {
        let advice = "use the SSD's own names on the left, as in the payload definition";
        Error::new(Kind::Config, format!("the payload definition has no {what}"), advice)
    };
    let known = |table: &String| definition.tables.get(table).ok_or_else(|| stranger(format!("table {table}")));
    for (table, names) in &profile.tables {
        let columns = names.columns.keys().chain(&names.missing_columns).chain(names.types.keys());
        check_columns(table, &known(table)?.columns, columns).map_err(stranger)?;
    }
    for (table, columns) in &profile.values {
        check_columns(table, &known(table)?.columns, columns.keys()).map_err(stranger)?;
    }
    let ids = definition.record_id_paths();
    match profile.unstable_ids.iter().find(|path| !ids.contains(path)) {
        Some(path) => Err(stranger(format!("record id {path}"))),
        None => Ok(()),
    }
}

fn check_columns<'a, T>(
    table: &str,
    known: &std::collections::BTreeMap<String, T>,
    columns: impl Iterator<Item = &'a String>,
) -> Result<(), String> {
    let mut columns = columns;
    match columns.find(|column| !known.contains_key(*column)) {
        Some(column) => Err(format!("column {column} in {table}")),
        None => Ok(()),
    }
}

/// Reads a file of the program's own by name, or one of the LA's by path (anything with a separator or `.toml`).
fn named<T: DeserializeOwned>(what: &str, name: &str, folder: &Path, builtin: &[(&str, &str)]) -> Result<T> {
    if let Some((name, text)) = builtin.iter().find(|(known, _)| *known == name) {
        return parse_file(Path::new(&format!("{name}.toml (built in)")), text);
    }
    if !name.contains(['/', '\\']) && !name.ends_with(".toml") {
        let known: Vec<&str> = builtin.iter().map(|(name, _)| *name).collect();
        return Err(Error::new(
            Kind::Config,
            format!("there is no {what} \"{name}\""),
            format!("built in are: {}; or give the path of a file of your own", known.join(", ")),
        ));
    }
    let path = folder.join(name);
    let text = text::read(&path, what, "check the path; it is relative to the configuration's folder")?;
    parse_file(&path, &text)
}

fn parse_file<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T> {
    let (document, table): (Document, DeTable<'static>) = Document::parse(path, text)?;
    document.read("", table)
}

fn default_state_dir() -> PathBuf {
    PathBuf::from(if cfg!(windows) { r"C:\ProgramData\csc-bridge" } else { "/var/lib/csc-bridge" })
}
