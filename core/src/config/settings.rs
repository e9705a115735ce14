//! What the sections of `csc-bridge.toml` mean once they are read and checked.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::options::Options;

/// `[source]`: the keys that are not the adapter's.
#[derive(Clone)]
pub struct SourceConfig {
    /// The database adapter's name.
    pub adapter: String,
    /// The schema of the SSD tables; empty for unqualified names.
    pub schema: String,
    /// Children read at a time.
    pub chunk: usize,
    /// The adapter's own keys.
    pub options: Options,
}

/// `[staging]`.
#[derive(Clone)]
pub struct StagingConfig {
    /// The database adapter's name.
    pub adapter: String,
    /// The schema of the staging tables; empty for unqualified names.
    pub schema: String,
    /// The staging table.
    pub table: String,
    /// The submission log.
    pub log_table: String,
    /// The run log.
    pub run_table: String,
    /// Whether missing tables are created.
    pub create: bool,
    /// Whether `[staging]` names a database of its own. Only such a one may be created where that is a matter of creating a file:
    /// a source that is not there is a mistake in its path.
    pub own_database: bool,
    /// The adapter's own keys: `[source]`'s, overlaid by `[staging]`'s.
    pub options: Options,
}

/// `[payload]`.
#[derive(Debug, Clone)]
pub struct PayloadConfig {
    /// What happens to a value that its field's code set, length or pattern does not allow.
    pub invalid_codes: InvalidCodes,
    /// Paths of record ids left out of the hash: the profile's, unless the configuration names its own.
    pub unstable_ids: Vec<String>,
}

/// `payload.invalid_codes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InvalidCodes {
    /// Leave the value out, with a finding.
    Omit,
    /// Send it as it is, with a finding.
    Send,
}

/// `[sink]`: the keys that are not the adapter's.
#[derive(Clone)]
pub struct SinkConfig {
    /// The sink adapter's name.
    pub adapter: String,
    /// Batches in flight at once.
    pub concurrency: usize,
    /// Least time between the starts of two requests.
    pub min_interval: Duration,
    /// Requests made for one batch before its retries are spent.
    pub max_attempts: u32,
    /// A longer `Retry-After` ends the run.
    pub max_retry_after: Duration,
    /// Extra requests a batch may cost to find its bad records.
    pub isolation_budget: u32,
    /// Batches that may fail whole, one after another, before the run ends.
    pub stop_after_failed_batches: u32,
    /// The adapter's own keys.
    pub options: Options,
}

/// `[log]`.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// Text or JSON lines.
    pub format: LogFormat,
    /// The file; `None`: `log/csc-bridge.log` in the state folder.
    pub file: Option<PathBuf>,
    /// How long old log files are kept, in days.
    pub keep_days: u32,
    /// How a child is named in logs.
    pub ids: IdStyle,
}

/// `log.format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `log.ids`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdStyle {
    /// A keyed pseudonym, the same for a child in every run of this installation.
    Pseudonym,
    /// The id itself: the operator asked for it.
    Plain,
}
