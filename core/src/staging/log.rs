//! The submission log's attempts and outcomes, the run log's runs, the status read from both, and the [`Logs`] where they are kept
//! apart from the staging table.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::row::{Hash, Held, RowState, Status};
use super::shard::Shard;
use crate::error::Result;

/// One request that is about to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Unique, made by the sender.
    pub attempt_id: String,
    /// The run it belongs to.
    pub run_id: String,
    /// 1 for the first request of these records in this run, 2 for its first retry, and so on.
    pub number: u32,
}

/// One record of an [`Attempt`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentRecord {
    /// `person_id`, as the table has it.
    pub person_id: String,
    /// What kind of document leaves.
    pub kind: RecordKind,
    /// Hash of what is sent.
    pub hash: Hash,
    /// What it is based on.
    pub based_on: Held,
    /// Ids of the records it mentions, as JSON, where a merging DfE may keep them: see [`super::MayHold`].
    pub mentioned: Option<String>,
}

/// What kind of document a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// The whole document.
    Full,
    /// What changed.
    Partial,
    /// The purge of the child.
    Purge,
}

impl RecordKind {
    /// The word in the submission log.
    pub fn word(self) -> &'static str {
        match self {
            RecordKind::Full => "full",
            RecordKind::Partial => "partial",
            RecordKind::Purge => "purge",
        }
    }
}

/// How an intent was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedAs {
    /// DfE took the record.
    Accepted,
    /// DfE took the purge of the child, of whom it now holds nothing.
    Purged,
    /// DfE refused the record.
    Refused,
    /// DfE's end answered that it took nothing, or was never reached: the records may be sent again.
    NotTaken,
    /// The answer never came.
    Unknown,
}

impl ClosedAs {
    /// The word in the submission log.
    pub fn word(self) -> &'static str {
        match self {
            ClosedAs::Accepted => "accepted",
            ClosedAs::Purged => "purged",
            ClosedAs::Refused => "refused",
            ClosedAs::NotTaken => "not_taken",
            ClosedAs::Unknown => "unknown",
        }
    }
}

/// The end of one intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// The attempt.
    pub attempt_id: String,
    /// The record's child.
    pub person_id: String,
    /// How it ended.
    pub closed_as: ClosedAs,
    /// DfE's id of the record, where it gave one.
    pub response_id: Option<String>,
}

/// An open intent of which nothing can come any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostIntent {
    /// The attempt.
    pub attempt_id: String,
    /// The record's child, trimmed.
    pub person_id: String,
    /// [`IntentRecord::mentioned`].
    pub mentioned: Option<String>,
}

/// The two logs: `ssd_api_submission_log` and `ssd_api_run_log`.
///
/// They are beside the staging table, where a row and its intents are written in one transaction. Where that database refuses
/// them they are in a SQLite file of the machine that sends, and this is what the staging table sees of them. Then each thing is
/// committed in the order in which a crash between two does no harm: an intent before its request, a row before the end of its
/// intents.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Where they are, for messages.
    fn place(&self) -> String;

    /// Whether they are there already.
    async fn exist(&self) -> Result<bool>;

    /// Creates what is missing.
    async fn prepare(&self) -> Result<()>;

    /// As [`super::Staging::open_intents`].
    async fn open(&self, attempt: &Attempt, records: &[IntentRecord]) -> Result<()>;

    /// Closes open intents, all of them or, where an error is returned, none.
    async fn close(&self, closings: &[Closing]) -> Result<()>;

    /// Of which children (trimmed) a request waits for its answer: of all, or of some (trimmed, distinct).
    async fn waiting(&self, among: Option<&[String]>) -> Result<HashSet<String>>;

    /// The open intents older than `older_than`, by the logs' own clock, in the order in which they were opened.
    async fn lost(&self, older_than: Duration) -> Result<Vec<LostIntent>>;

    /// The hash that DfE last accepted for these children (trimmed, distinct). Nothing is known where something came after it: a
    /// request whose answer never came, or the purge of the child.
    async fn last_accepted(&self, ids: &[String]) -> Result<HashMap<String, Hash>>;

    /// As [`super::Staging::last_staged`].
    async fn last_staged(&self) -> Result<Vec<LastStaged>>;

    /// As [`super::Staging::record_run`].
    async fn record_run(&self, run: &RunRecord) -> Result<()>;

    /// As [`super::Staging::prune`].
    async fn prune(&self, older_than: Duration) -> Result<u64>;

    /// How many intents are open.
    async fn open_intents(&self) -> Result<u64>;

    /// The newest run.
    async fn last_run(&self) -> Result<Option<LastRun>>;
}

/// A run, as `csc-bridge status` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// The run.
    pub run_id: String,
    /// [`RunRecord::logged_command`].
    pub command: String,
    /// When it ended, as the database prints it.
    pub at: String,
    /// [`RunRecord::exit_code`].
    pub exit_code: i32,
}

/// What became of one claimed row.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// `person_id`, as the table has it.
    pub person_id: String,
    /// The attempt whose intent this closes. `None` where the row was never sent (its document is not JSON).
    pub attempt_id: Option<String>,
    /// What happened.
    pub result: SendResult,
}

/// The result half of an [`Outcome`].
#[derive(Clone, PartialEq, Eq)]
pub enum SendResult {
    /// DfE took it. `previous_json_payload` and `previous_hash` become what that brought DfE to; the row is `sent`/`unchanged` where
    /// `current_hash` is still what was sent, else `pending`/`updated`; a `deleted` or `left` row keeps its state.
    Accepted {
        /// The document that DfE now holds.
        document: String,
        /// Its hash.
        hash: Hash,
        /// DfE's id of the record, for `api_response`.
        receipt: String,
        /// When DfE says it took it, as `YYYY-MM-DD HH:MM:SS.fff`; `None`: the database's now.
        received_at: Option<String>,
    },
    /// DfE took the purge of the child. `previous_json_payload` and `previous_hash` become null. Where the child is still out of the
    /// cohort the row is `sent`, its `current_hash` null and its `json_payload` the purge form; one that returned meanwhile is
    /// `pending`/`new`.
    Purged {
        /// The purge form.
        document: String,
        /// DfE's id of the record, for `api_response`.
        receipt: String,
        /// As in [`SendResult::Accepted`].
        received_at: Option<String>,
    },
    /// The child is out of the cohort and nothing may be sent for it: the row becomes `withdrawn`, and what was prepared is cleared.
    Withdrawn,
    /// DfE refused this record, or retries are spent: the row becomes `error` with the reason in full.
    Refused {
        /// For `api_response`. Nowhere else: it may quote the child's data.
        reason: String,
    },
    /// The row cannot be sent as it stands (not JSON, another child's id): `error` with the reason, and `current_hash` null so
    /// that the next `stage` writes the document anew.
    Unusable {
        /// For `api_response`.
        reason: String,
    },
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = match self.result {
            SendResult::Accepted { .. } => "accepted",
            SendResult::Purged { .. } => "purged",
            SendResult::Withdrawn => "withdrawn",
            SendResult::Refused { .. } => "refused",
            SendResult::Unusable { .. } => "unusable",
        };
        write!(f, "Outcome {{ {result} }}")
    }
}

/// One row of `ssd_api_run_log`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// The run.
    pub run_id: String,
    /// `stage`, `submit` or `run`.
    pub command: String,
    /// Of a `stage` that looked at some of the children: which.
    pub shard: Option<Shard>,
    /// `YYYY-MM-DD`.
    pub run_date: String,
    /// The program's exit code.
    pub exit_code: i32,
    /// Whole seconds the run took, rounded up.
    pub seconds: u64,
    /// Rows that each SSD table has, as a JSON object; guards compare against the last good run's. `None` for `submit`, and where staging
    /// was not finished.
    pub table_rows: Option<String>,
    /// The command's own JSON object. Counts only, no child's data.
    pub report: String,
}

impl RunRecord {
    /// The column `command` of the run log: `stage`, or `stage 1/4`. So a log of any version can tell shards apart.
    pub fn logged_command(&self) -> String {
        self.shard.map_or_else(|| self.command.clone(), |shard| format!("{} {shard}", self.command))
    }

    /// The shard in the column `command`. Of a command that this version does not write: nothing.
    pub fn logged_shard(command: &str) -> Option<Option<Shard>> {
        match command.trim().split_once(' ') {
            None => Some(None),
            Some((_, shard)) => shard.parse().ok().map(Some),
        }
    }
}

/// A run that finished staging, as guards need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastStaged {
    /// [`RunRecord::shard`].
    pub shard: Option<Shard>,
    /// Its [`RunRecord::run_date`].
    pub run_date: String,
    /// Its [`RunRecord::table_rows`].
    pub table_rows: String,
}

impl LastStaged {
    /// The run that guards compare the next one with: the newest after which all the children of that one had been staged. Of a shard that
    /// is the shard's own last run, or a newer one of the whole; and all shards of one number are together a run of the whole, as old as
    /// the oldest of them. `runs` are as [`super::Staging::last_staged`] tells them.
    pub fn of(runs: &[LastStaged], shard: Option<Shard>) -> Option<&LastStaged> {
        let of = |shard: Option<Shard>| runs.iter().position(|run| run.shard == shard);
        let numbers: HashSet<u16> = runs.iter().filter_map(|run| run.shard).map(Shard::of).collect();
        let together = numbers.into_iter().filter_map(|number| {
            let each = (0..number).map(|at| of(Shard::new(at, number)));
            each.collect::<Option<Vec<usize>>>()?.into_iter().max()
        });
        let own = shard.and_then(|shard| of(Some(shard)));
        together.chain(of(None)).chain(own).min().map(|newest| &runs[newest])
    }
}

/// How many rows are in each state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct States {
    /// Rows by (status, row_state, unsure).
    pub rows: Vec<(Status, RowState, bool, u64)>,
    /// Intents without an answer.
    pub open_intents: u64,
}

/// What `csc-bridge status` shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusReport {
    /// How many rows are in each state.
    pub states: States,
    /// `last_updated` of the oldest row to be sent, as the database prints it.
    pub oldest_pending: Option<String>,
    /// The newest run.
    pub last_run: Option<LastRun>,
    /// Where the logs are, if not beside the staging table.
    pub logs_apart: Option<String>,
    /// Reasons of rows in error: the text of `api_response`, with counts. May quote data: the caller reduces it to codes.
    pub errors: Vec<(String, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(text: &str) -> Option<Shard> {
        (text != "all").then(|| text.parse().expect("a shard"))
    }

    /// Which of some runs, the newest first, another is compared with.
    fn compared(runs: &[&str], with: &str) -> Option<usize> {
        let run = |(at, run): (usize, &&str)| LastStaged {
            shard: shard(run),
            run_date: at.to_string(),
            table_rows: "{}".to_owned(),
        };
        let runs: Vec<LastStaged> = runs.iter().enumerate().map(run).collect();
        LastStaged::of(&runs, shard(with)).map(|run| run.run_date.parse().expect("a number"))
    }

    #[test]
    fn a_run_is_compared_with_the_last_that_had_its_children() {
        assert_eq!(compared(&[], "all"), None);
        assert_eq!(compared(&["1/2"], "2/2"), None);
        assert_eq!(compared(&["1/2"], "all"), None);
        assert_eq!(compared(&["all", "all"], "all"), Some(0));
        assert_eq!(compared(&["1/2", "all"], "1/2"), Some(0));
        assert_eq!(compared(&["1/2", "all"], "2/2"), Some(1));
        assert_eq!(compared(&["1/2", "all"], "all"), Some(1));
        assert_eq!(compared(&["all", "2/2"], "2/2"), Some(0));
    }

    #[test]
    fn all_shards_of_a_number_are_a_run_of_the_whole_as_old_as_the_oldest() {
        assert_eq!(compared(&["2/2", "1/2", "all"], "all"), Some(1));
        assert_eq!(compared(&["2/2", "1/2", "all"], "2/2"), Some(0));
        assert_eq!(compared(&["2/2", "1/2"], "3/4"), Some(1));
        assert_eq!(compared(&["1/2", "3/4", "2/2"], "3/4"), Some(1));
        assert_eq!(compared(&["2/3", "1/3", "all"], "all"), Some(2));
    }

    #[test]
    fn the_logs_own_word_for_a_run_tells_its_shard() {
        let mut run = RunRecord {
            run_id: "r".to_owned(),
            command: "stage".to_owned(),
            shard: shard("0/4"),
            run_date: "2026-01-01".to_owned(),
            exit_code: 0,
            seconds: 1,
            table_rows: None,
            report: "{}".to_owned(),
        };
        assert_eq!(run.logged_command(), "stage 4/4");
        assert_eq!(RunRecord::logged_shard("stage 4/4"), Some(run.shard));
        run.shard = None;
        assert_eq!(run.logged_command(), "stage");
        assert_eq!(RunRecord::logged_shard("run"), Some(None));
        assert_eq!(RunRecord::logged_shard("stage of a later version"), None);
    }
}
