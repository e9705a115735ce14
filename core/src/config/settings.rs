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
    /// Whose table it is.
    pub managed_by: ManagedBy,
    /// How long the rows of the two logs are kept.
    pub keep_log: Duration,
    /// Whether `[staging]` names a database of its own. Only such a one may be created where that is a matter of creating a file:
    /// a source that is not there is a mistake in its path.
    pub own_database: bool,
    /// The adapter's own keys: `[source]`'s, overlaid by `[staging]`'s.
    pub options: Options,
}

/// `staging.managed_by`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ManagedBy {
    /// `stage` fills the table.
    #[default]
    CscBridge,
    /// Somebody else's SQL fills it, such as D2I's script: only `submit` works on it, and nothing is ever purged.
    Sql,
}

/// `[payload]`.
#[derive(Debug, Clone, Default)]
pub struct PayloadConfig {
    /// What is sent of a child whose document changed.
    pub mode: Mode,
    /// How a partial document says that a value went.
    pub removed_values: RemovedValues,
    /// What happens to a value that its field's code set, length or pattern does not allow.
    pub invalid_codes: InvalidCodes,
    /// Paths of record ids left out of the hash: the profile's, unless the configuration names its own.
    pub unstable_ids: Vec<String>,
}

/// `payload.invalid_codes`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InvalidCodes {
    /// Leave the value out, with a finding.
    #[default]
    Omit,
    /// Send it as it is, with a finding.
    Send,
}

/// `payload.mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The whole document.
    #[default]
    Full,
    /// What changed, where that can be said and is shorter. Only with [`Semantics::Merge`].
    Partial,
}

/// `payload.removed_values`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RemovedValues {
    /// With `null`.
    #[default]
    Null,
    /// Not at all: a full document goes instead.
    Full,
}

/// `[deletions]`: what becomes of children out of the cohort of whom DfE holds something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deletions {
    /// Children no longer in `ssd_person`.
    pub gone: Deletion,
    /// Children in the SSD that the rules exclude.
    pub left: Deletion,
    /// How long a child must have been out, for the present reason, before it is purged.
    pub grace: Duration,
}

/// `deletions.gone` and `deletions.left`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deletion {
    /// The row is marked; DfE keeps its last document.
    #[default]
    Mark,
    /// DfE is told to purge the child.
    Purge,
}

/// `[guards]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guards {
    /// Children no longer in `ssd_person`.
    pub max_gone: Limit,
    /// Children whose document changed.
    pub max_changed: Limit,
    /// Records inside documents that are gone from the SSD.
    pub max_member_purges: Limit,
    /// Rows of one table that are fewer than in the last good run.
    pub max_table_drop: Limit,
}

/// A guard fires above the larger of the two.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// A part of the whole, from 0 to 1.
    pub share: f64,
    /// A number.
    pub count: u64,
}

impl Default for Guards {
    fn default() -> Guards {
        let limit = |share, count| Limit { share, count };
        Guards {
            max_gone: limit(0.05, 25),
            max_changed: limit(0.60, 100),
            max_member_purges: limit(0.05, 100),
            max_table_drop: limit(0.20, 50),
        }
    }
}

/// `sink.semantics`: what DfE is assumed to do with a second document for a child.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Semantics {
    /// It holds exactly the new one.
    #[default]
    Replace,
    /// It keeps what the new one does not mention.
    Merge,
}

/// `[sink]`: the keys that are not the adapter's.
#[derive(Clone)]
pub struct SinkConfig {
    /// The sink adapter's name.
    pub adapter: String,
    /// What DfE is assumed to do with a second document for a child.
    pub semantics: Semantics,
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

/// `[canary]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Canary {
    /// Percent of the records, each more than the one before.
    pub steps: Vec<u8>,
    /// Share of a step that may be refused or fail.
    pub max_error_rate: f64,
    /// Longest median of a step's answer times.
    pub max_median: Duration,
    /// Pause between steps.
    pub hold: Duration,
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
