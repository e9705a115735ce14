//! The submission log's attempts and outcomes, the run log's runs, and the status read from both.

use std::fmt;

use super::row::{Hash, Held, RowState, Status};

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

/// How an intent was closed without an outcome for its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedAs {
    /// DfE's end answered that it took nothing, or was never reached: the records may be sent again.
    NotTaken,
}

impl ClosedAs {
    /// The word in the submission log.
    pub fn word(self) -> &'static str {
        match self {
            ClosedAs::NotTaken => "not_taken",
        }
    }
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

/// What guards compare a run with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastStaged {
    /// Its [`RunRecord::run_date`].
    pub run_date: String,
    /// Its [`RunRecord::table_rows`].
    pub table_rows: String,
}

/// What `csc-bridge status` shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusReport {
    /// Rows by (status, row_state, unsure).
    pub states: Vec<(Status, RowState, bool, u64)>,
    /// `last_updated` of the oldest row to be sent, as the database prints it.
    pub oldest_pending: Option<String>,
    /// Intents without an answer.
    pub open_intents: u64,
    /// The newest run: run_id, command, when it ended, exit code.
    pub last_run: Option<(String, String, String, i32)>,
    /// Reasons of rows in error: the text of `api_response`, with counts. May quote data: the caller reduces it to codes.
    pub errors: Vec<(String, u64)>,
}
