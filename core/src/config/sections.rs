//! The sections of `csc-bridge.toml`: which keys are core's own, and which go to an adapter unread.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::Document;
use super::options::{Options, Span};
use super::profile::{Profile, TableNames};
use super::settings::{
    IdStyle, InvalidCodes, LogConfig, LogFormat, ManagedBy, Mode, PayloadConfig, RemovedValues, Semantics, SinkConfig,
    SourceConfig, StagingConfig,
};
use crate::error::Result;
use crate::payload::definition::Definition;

const SECTIONS: [&str; 9] = ["source", "staging", "payload", "deletions", "guards", "sink", "canary", "log", "plugins"];
const SOURCE_KEYS: [&str; 4] = ["adapter", "schema", "chunk", "names"];
const STAGING_KEYS: [&str; 8] =
    ["adapter", "schema", "table", "log_table", "run_table", "create", "managed_by", "keep_log"];
const SINK_KEYS: [&str; 8] = [
    "adapter",
    "semantics",
    "concurrency",
    "min_interval",
    "max_attempts",
    "max_retry_after",
    "isolation_budget",
    "stop_after_failed_batches",
];

/// Two years: an audit of last year's sending finds all of it.
const KEEP_LOG: Duration = Duration::from_secs(730 * 24 * 3600);

/// The file's tables, not yet read.
pub(super) struct Sections {
    top: DeTable<'static>,
    sections: BTreeMap<&'static str, DeTable<'static>>,
}

/// The keys above the first section.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Top {
    pub cms: String,
    #[serde(default = "default_definition")]
    pub definition: String,
    pub la_code: String,
    pub state_dir: Option<PathBuf>,
}

fn default_definition() -> String {
    "dfe-csc-0.9".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    adapter: Option<String>,
    schema: Option<String>,
    chunk: Option<Spanned<usize>>,
    #[serde(default)]
    names: BTreeMap<Spanned<String>, TableNames>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Create {
    IfMissing,
    Never,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStaging {
    adapter: Option<String>,
    schema: Option<String>,
    table: Option<String>,
    log_table: Option<String>,
    run_table: Option<String>,
    create: Option<Create>,
    managed_by: Option<ManagedBy>,
    keep_log: Option<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPayload {
    mode: Option<Spanned<Mode>>,
    removed_values: Option<RemovedValues>,
    invalid_codes: Option<InvalidCodes>,
    unstable_ids: Option<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSink {
    adapter: Option<String>,
    semantics: Option<Semantics>,
    concurrency: Option<Spanned<usize>>,
    min_interval: Option<Span>,
    max_attempts: Option<Spanned<u32>>,
    max_retry_after: Option<Span>,
    isolation_budget: Option<u32>,
    stop_after_failed_batches: Option<Spanned<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLog {
    level: Option<Spanned<String>>,
    format: Option<LogFormat>,
    file: Option<PathBuf>,
    keep_days: Option<u32>,
    ids: Option<IdStyle>,
}

impl Sections {
    /// Sorts the top-level keys from the sections and refuses sections there are not.
    pub fn split(document: &Document, table: DeTable<'static>) -> Result<Sections> {
        let mut top = DeTable::new();
        let mut sections = BTreeMap::new();
        for (key, value) in table {
            if !matches!(value.get_ref(), DeValue::Table(_)) {
                top.insert(key, value);
                continue;
            }
            let Some(name) = SECTIONS.into_iter().find(|name| name == key.get_ref()) else {
                let message = format!("this version of csc-bridge has no section [{}]", key.get_ref());
                let advice = format!("it has: [{}]; take the section out or correct its name", SECTIONS.join("] ["));
                return Err(document.error_at(key.span(), &message, advice));
            };
            if let DeValue::Table(keys) = value.into_inner() {
                sections.insert(name, keys);
            }
        }
        Ok(Sections { top, sections })
    }

    /// The keys above the sections.
    pub fn top(&self, document: &Document) -> Result<Top> {
        let top: Top = document.read("", self.top.clone())?;
        if top.la_code.len() != 3 || !top.la_code.bytes().all(|byte| byte.is_ascii_digit()) {
            let span =
                self.top.iter().find(|(key, _)| key.get_ref() == "la_code").map_or(0..0, |(_, value)| value.span());
            return Err(document.error_at(
                span,
                "la_code is not three digits",
                "write it as text, such as la_code = \"845\"",
            ));
        }
        Ok(top)
    }

    /// `[source]` and its `names`.
    pub fn source(
        &self,
        document: &Arc<Document>,
        profile: &Profile,
        definition: &Definition,
    ) -> Result<(SourceConfig, BTreeMap<String, TableNames>)> {
        let (own, options) = self.parted("source", &SOURCE_KEYS);
        let raw: RawSource = document.read("source", own)?;
        let chunk = positive(document, raw.chunk, 5000, "chunk")?;
        let mut names = BTreeMap::new();
        for (table, over) in raw.names {
            let Some(known) = definition.tables.get(table.get_ref()) else {
                let message = format!("[source.names] the SSD has no table {}", table.get_ref());
                return Err(document.error_at(
                    table.span(),
                    &message,
                    "use the SSD's own table name on the left, such as ssd_person",
                ));
            };
            let stranger =
                over.columns.keys().chain(&over.missing_columns).find(|column| !known.columns.contains_key(*column));
            if let Some(column) = stranger {
                let message =
                    format!("[source.names] {} has no column {column} in the payload definition", table.get_ref());
                return Err(document.error_at(table.span(), &message, "use the SSD's own column name on the left"));
            }
            names.insert(table.into_inner(), over);
        }
        let adapter = raw.adapter.unwrap_or_else(|| profile.adapter.clone());
        // The profile knows where its own kind of database keeps the SSD; a copy elsewhere (SQLite) is another matter.
        let schema = if adapter == profile.adapter { profile.schema.clone() } else { String::new() };
        let source = SourceConfig {
            adapter,
            schema: raw.schema.unwrap_or(schema),
            chunk,
            options: Options { document: document.clone(), section: "source", keys: options },
        };
        Ok((source, names))
    }

    /// `[staging]`, which takes the connection keys it does not name from `[source]`, as long as the adapter is the same.
    pub fn staging(&self, document: &Arc<Document>, source: &SourceConfig) -> Result<StagingConfig> {
        let (own, over) = self.parted("staging", &STAGING_KEYS);
        let raw: RawStaging = document.read("staging", own)?;
        let adapter = raw.adapter.unwrap_or_else(|| source.adapter.clone());
        let own_database = adapter != source.adapter || !over.is_empty();
        let mut keys = if adapter == source.adapter { source.options.keys.clone() } else { DeTable::new() };
        for (key, value) in over {
            keys.remove(&key);
            keys.insert(key, value);
        }
        let table = raw.table.unwrap_or_else(|| "ssd_api_data_staging".to_owned());
        Ok(StagingConfig {
            schema: raw
                .schema
                .unwrap_or_else(|| if adapter == source.adapter { source.schema.clone() } else { String::new() }),
            adapter,
            table,
            log_table: raw.log_table.unwrap_or_else(|| "ssd_api_submission_log".to_owned()),
            run_table: raw.run_table.unwrap_or_else(|| "ssd_api_run_log".to_owned()),
            create: !matches!(raw.create, Some(Create::Never)),
            managed_by: raw.managed_by.unwrap_or_default(),
            keep_log: raw.keep_log.map_or(KEEP_LOG, |span| span.0),
            own_database,
            options: Options { document: document.clone(), section: "staging", keys },
        })
    }

    /// `[payload]`.
    pub fn payload(
        &self,
        document: &Document,
        profile: &Profile,
        definition: &Definition,
        semantics: Semantics,
    ) -> Result<PayloadConfig> {
        let raw: RawPayload = document.read("payload", self.section("payload"))?;
        let mode = match raw.mode {
            Some(mode) if *mode.get_ref() == Mode::Partial && semantics == Semantics::Replace => {
                let message =
                    "[payload] mode is \"partial\", and [sink] semantics is \"replace\": DfE would hold the part alone";
                let advice = "write mode = \"full\"; or semantics = \"merge\", once DfE has confirmed that it merges";
                return Err(document.error_at(mode.span(), message, advice));
            }
            mode => mode.map_or(Mode::Full, Spanned::into_inner),
        };
        let known = definition.record_id_paths();
        for path in raw.unstable_ids.iter().flatten() {
            if !known.contains(path.get_ref()) {
                let message =
                    format!("[payload] unstable_ids: \"{}\" is no record id of the payload definition", path.get_ref());
                return Err(document.error_at(path.span(), &message, format!("record ids are: {}", known.join(", "))));
            }
        }
        let own = raw.unstable_ids.map(|paths| paths.into_iter().map(Spanned::into_inner).collect());
        Ok(PayloadConfig {
            mode,
            removed_values: raw.removed_values.unwrap_or_default(),
            invalid_codes: raw.invalid_codes.unwrap_or_default(),
            unstable_ids: own.unwrap_or_else(|| profile.unstable_ids.clone()),
        })
    }

    /// `[sink]`.
    pub fn sink(&self, document: &Arc<Document>) -> Result<SinkConfig> {
        let (own, options) = self.parted("sink", &SINK_KEYS);
        let raw: RawSink = document.read("sink", own)?;
        Ok(SinkConfig {
            adapter: raw.adapter.unwrap_or_else(|| "dfe-csc-api".to_owned()),
            semantics: raw.semantics.unwrap_or_default(),
            concurrency: positive(document, raw.concurrency, 2, "concurrency")?,
            min_interval: raw.min_interval.map_or(Duration::ZERO, |span| span.0),
            max_attempts: positive(document, raw.max_attempts, 5, "max_attempts")?,
            max_retry_after: raw.max_retry_after.map_or(Duration::from_secs(600), |span| span.0),
            isolation_budget: raw.isolation_budget.unwrap_or(50),
            stop_after_failed_batches: positive(
                document,
                raw.stop_after_failed_batches,
                5,
                "stop_after_failed_batches",
            )?,
            options: Options { document: document.clone(), section: "sink", keys: options },
        })
    }

    /// `[log]`.
    pub fn log(&self, document: &Document) -> Result<LogConfig> {
        let raw: RawLog = document.read("log", self.section("log"))?;
        let level = match raw.level {
            None => "info".to_owned(),
            Some(level) if ["error", "warn", "info", "debug", "trace"].contains(&level.get_ref().as_str()) => {
                level.into_inner()
            }
            Some(level) => {
                let message = "[log] level is not a log level";
                return Err(document.error_at(level.span(), message, "write error, warn, info, debug or trace"));
            }
        };
        Ok(LogConfig {
            level,
            format: raw.format.unwrap_or(LogFormat::Text),
            file: raw.file.map(|file| document.folder().join(file)),
            keep_days: raw.keep_days.unwrap_or(30),
            ids: raw.ids.unwrap_or(IdStyle::Pseudonym),
        })
    }

    pub(super) fn section(&self, name: &str) -> DeTable<'static> {
        self.sections.get(name).cloned().unwrap_or_default()
    }

    /// A section's keys, parted into core's own and the adapter's.
    fn parted(&self, name: &str, own: &[&str]) -> (DeTable<'static>, DeTable<'static>) {
        self.section(name).into_iter().partition(|(key, _)| own.contains(&key.get_ref().as_ref()))
    }
}

fn positive<T: Default + PartialEq>(
    document: &Document,
    value: Option<Spanned<T>>,
    default: T,
    key: &str,
) -> Result<T> {
    match value {
        None => Ok(default),
        Some(value) if *value.get_ref() == T::default() => {
            Err(document.error_at(value.span(), &format!("{key} is 0"), "give at least 1, or leave the key out"))
        }
        Some(value) => Ok(value.into_inner()),
    }
}
