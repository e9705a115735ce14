//! The second contract: [`Staging`] is the table `ssd_api_data_staging` and the two logs beside it.
//!
//! The table keeps, for each child, what we want DfE to have (`json_payload`, `current_hash`) and what DfE last accepted
//! (`previous_json_payload`, `previous_hash`). Design section 6 is the rule book; this module is its vocabulary.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::Result;

/// SHA-256 over the canonical form of a document.
pub type Hash = [u8; 32];

/// What DfE is believed to hold for a child (`previous_hash`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Nothing was ever accepted, or a purge was: the column is null.
    Nothing,
    /// The document with this hash.
    Document(Hash),
    /// A request was made and its answer never recorded: the column holds 32 zero bytes.
    Unsure,
}

impl Held {
    /// Reads the column. A value that is not 32 bytes is nobody's hash: such a row is unsure.
    pub fn from_column(bytes: Option<&[u8]>) -> Held {
        match bytes {
            None => Held::Nothing,
            Some(bytes) => match Hash::try_from(bytes) {
                Ok(hash) if hash != [0; 32] => Held::Document(hash),
                _ => Held::Unsure,
            },
        }
    }

    /// Writes the column.
    pub fn to_column(self) -> Option<Hash> {
        match self {
            Held::Nothing => None,
            Held::Document(hash) => Some(hash),
            Held::Unsure => Some([0; 32]),
        }
    }
}

/// `submission_status`: written in lower case, read in any case; null reads as pending, the column's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// To be sent.
    Pending,
    /// DfE accepted it.
    Sent,
    /// Refused, or retries spent. Tried again on the next run, after everything else.
    Error,
    /// Was to be sent, but the child left the cohort. Never sent.
    Withdrawn,
    /// A word this program does not know (`testing`). Never sent, never changed but by a real change.
    Other,
}

impl Status {
    /// Reads the column.
    pub fn from_column(word: Option<&str>) -> Status {
        let Some(word) = word.map(str::trim) else { return Status::Pending };
        [Status::Pending, Status::Sent, Status::Error, Status::Withdrawn]
            .into_iter()
            .find(|status| word.eq_ignore_ascii_case(status.word()))
            .unwrap_or(Status::Other)
    }

    /// The word as written.
    pub fn word(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Sent => "sent",
            Status::Error => "error",
            Status::Withdrawn => "withdrawn",
            Status::Other => "other",
        }
    }
}

/// `row_state`: written in lower case, read in any case; null reads as new, the column's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowState {
    /// DfE holds nothing for the child.
    New,
    /// DfE holds another document.
    Updated,
    /// DfE holds this document.
    Unchanged,
    /// The child is no longer in `ssd_person`.
    Deleted,
    /// The SSD still holds the child, but the rules exclude it.
    Left,
}

impl RowState {
    /// Reads the column. A word this program does not know reads as updated: the row is compared like any other.
    pub fn from_column(word: Option<&str>) -> RowState {
        let Some(word) = word.map(str::trim) else { return RowState::New };
        [RowState::New, RowState::Updated, RowState::Unchanged, RowState::Deleted, RowState::Left]
            .into_iter()
            .find(|state| word.eq_ignore_ascii_case(state.word()))
            .unwrap_or(RowState::Updated)
    }

    /// The word as written.
    pub fn word(self) -> &'static str {
        match self {
            RowState::New => "new",
            RowState::Updated => "updated",
            RowState::Unchanged => "unchanged",
            RowState::Deleted => "deleted",
            RowState::Left => "left",
        }
    }

    /// Whether the child is out of the cohort.
    pub fn is_out(self) -> bool {
        matches!(self, RowState::Deleted | RowState::Left)
    }
}

/// One child's row as `stage` reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// `person_id`, trimmed.
    pub person_id: String,
    /// Hash of what we want DfE to have; null in rows of other tools.
    pub current_hash: Option<Hash>,
    /// What DfE is believed to hold.
    pub held: Held,
    /// `submission_status`.
    pub status: Status,
    /// `row_state`.
    pub row_state: RowState,
    /// The row's compare-and-set token.
    pub version: RowVersion,
    /// Whether a request for this child has no recorded answer.
    pub open_intent: bool,
}

/// A row's `previous_hash`, `submission_status`, `row_state` and `last_updated` exactly as read, for compare-and-set.
/// Only the adapter that made it reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowVersion {
    /// `previous_hash`.
    pub previous_hash: Option<Vec<u8>>,
    /// `submission_status`.
    pub status: Option<String>,
    /// `row_state`.
    pub row_state: Option<String>,
    /// `last_updated` in the database's own full precision, as text.
    pub last_updated: Option<String>,
}

/// The two stored documents of a row. `None` where the column is null.
#[derive(Clone, PartialEq, Eq)]
pub struct Documents {
    /// `person_id`, trimmed.
    pub person_id: String,
    /// `json_payload`: what we want DfE to have.
    pub current: Option<String>,
    /// `previous_json_payload`: what DfE last accepted.
    pub held: Option<String>,
}

/// One row to be written by `stage`: the row's new state, whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Write {
    /// `person_id`.
    pub person_id: String,
    /// The row as it was read; `None` inserts.
    pub expected: Option<RowVersion>,
    /// New `submission_status`.
    pub status: Status,
    /// New `row_state`.
    pub row_state: RowState,
    /// New `json_payload` and `legacy_id`; `None` keeps both.
    pub document: Option<NewDocument>,
    /// New `current_hash`.
    pub current_hash: Option<Hash>,
    /// New `previous_hash`.
    pub held: Held,
}

/// The document of a [`Write`].
#[derive(Clone, PartialEq, Eq)]
pub struct NewDocument {
    /// `json_payload`: canonical JSON.
    pub json: String,
    /// `legacy_id`: the child's `mis_child_id`.
    pub legacy_id: Option<String>,
}

// A document or an id is a child's data: Debug must not print it.
impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Documents { .. }")
    }
}
impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Write {{ status: {:?}, row_state: {:?}, .. }}", self.status, self.row_state)
    }
}
impl fmt::Debug for NewDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewDocument {{ {} bytes }}", self.json.len())
    }
}

/// What applying a [`ChangeSet`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Rows written, as the database counted them.
    pub written: u64,
    /// Children whose row was no longer as read (or is locked by a sender): nothing was written for them.
    pub missed: Vec<String>,
}

/// The staging table and its two logs.
#[async_trait]
pub trait Staging: Send + Sync {
    /// Makes sure that the table, its `_anon` twin and the logs are there: creates what is missing where
    /// `staging.create` allows it, and checks the columns of what is there. Writes nothing where nothing is missing.
    async fn prepare(&self) -> Result<()>;

    /// Whether the tables are there. Checks like [`Staging::prepare`], creates nothing.
    async fn is_ready(&self) -> Result<bool>;

    /// The lock that lets one `stage` run at a time on this table. Held until dropped; given back by the operating
    /// system or the database when the process dies.
    ///
    /// # Errors
    /// [`crate::error::Kind::Busy`] at once where another process stages.
    async fn lock_stage(&self) -> Result<Box<dyn Guard>>;

    /// The right to send. Engines with row locks let any number of senders in; SQLite lets one process in
    /// ([`crate::error::Kind::Busy`] for the second). Held until dropped.
    async fn lock_submit(&self) -> Result<Box<dyn Guard>>;

    /// Takes up requests whose answer was never recorded: every open intent older (by the database's clock) than
    /// `older_than`, on a row that no living sender holds, makes its row unsure (status pending, row_state updated unless
    /// the child is out of the cohort, `partial_json_payload` null) and is closed as unknown. Returns the rows made unsure.
    async fn recover(&self, older_than: Duration) -> Result<u64>;

    /// The rows of these children, in any order. Children without a row are left out.
    /// `ids` are trimmed, distinct, and as many as a chunk.
    async fn ledger(&self, ids: &[String]) -> Result<Vec<LedgerRow>>;

    /// Hands over the `person_id` of every row, trimmed, in any order; null ones are left out. Streamed: there may be a million.
    async fn each_key(&self, take: &mut (dyn for<'k> FnMut(&'k str) + Send)) -> Result<()>;

    /// The stored documents of these children.
    async fn documents(&self, ids: &[String]) -> Result<Vec<Documents>>;

    /// Begins to collect changes. Nothing touches the staging table before [`ChangeSet::apply`], so that guards can
    /// judge the whole run first; dropping it forgets everything.
    async fn changes(&self) -> Result<Box<dyn ChangeSet>>;

    /// Keys of the rows to be sent, in sending order: pending ones by oldest `last_updated`, then those in error. Rows out of
    /// the cohort, rows with an open intent and rows without a document are not among them. Takes no lock.
    async fn candidates(&self) -> Result<Vec<Candidate>>;

    /// Locks the rows of `ids` that are still to be sent and free, and reads them. Rows that somebody else holds, or
    /// that are no longer to be sent, are silently left out; the claim may be empty.
    async fn claim(&self, ids: &[String]) -> Result<Box<dyn Claim>>;

    /// Commits one open intent for each of `records`, before their request leaves.
    async fn open_intents(&self, attempt: &Attempt, records: &[IntentRecord]) -> Result<()>;

    /// Closes the intents of an attempt for these records (`person_id` as the table has it): their request is known not to have
    /// been taken (refused connection, 401, 429, …). Other records of the attempt stay open.
    async fn close_intents(&self, attempt_id: &str, person_ids: &[String], closed_as: ClosedAs) -> Result<()>;

    /// Adds a run to `ssd_api_run_log`.
    async fn record_run(&self, run: &RunRecord) -> Result<()>;

    /// The numbers behind `csc-bridge status`.
    async fn status(&self) -> Result<StatusReport>;
}

/// A lock: held until dropped.
pub trait Guard: Send + Sync {}

/// Changes collected in private and applied together.
#[async_trait]
pub trait ChangeSet: Send {
    /// Collects some changes. A child may be pushed once.
    async fn push(&mut self, writes: Vec<Write>) -> Result<()>;

    /// Writes everything pushed, by compare-and-set on each row's [`RowVersion`], in transactions of some thousands of
    /// rows. `last_updated` becomes the database's now on every row written.
    async fn apply(self: Box<Self>) -> Result<Applied>;
}

/// A row to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// `person_id`, as the table has it.
    pub person_id: String,
    /// Whether it was refused or failed before: such rows go after everything else, in batches among themselves.
    pub after_error: bool,
}

/// Rows locked for one batch. Dropping it without [`Claim::record`] releases the rows as they were.
#[async_trait]
pub trait Claim: Send + Sync {
    /// The rows that were had, in the order asked for.
    fn rows(&self) -> &[ClaimedRow];

    /// Tests the locks and "still to be sent, and still what was claimed" again, before a request leaves.
    /// Returns whether all of it still holds.
    async fn still_held(&mut self) -> Result<bool>;

    /// Writes the outcomes and closes their intents in one transaction, then releases the locks. Rows of the claim
    /// without an outcome stay as they are.
    async fn record(self: Box<Self>, outcomes: Vec<Outcome>) -> Result<()>;
}

/// A row as a sender holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimedRow {
    /// `person_id`, as the table has it.
    pub person_id: String,
    /// `json_payload`.
    pub document: String,
    /// `current_hash`.
    pub current_hash: Option<Hash>,
    /// What DfE was believed to hold when the row was claimed.
    pub held: Held,
}

impl fmt::Debug for ClaimedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimedRow {{ {} bytes, .. }}", self.document.len())
    }
}

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
}

/// What kind of document a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// The whole document.
    Full,
}

impl RecordKind {
    /// The word in the submission log.
    pub fn word(self) -> &'static str {
        match self {
            RecordKind::Full => "full",
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
    /// DfE took it. `previous_json_payload` and `previous_hash` become what was sent; the row is `sent`/`unchanged` where
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
    /// Rows read by table, as a JSON object; guards compare against the last good run's. `None` for `submit`.
    pub table_rows: Option<String>,
    /// The command's own JSON object. Counts only, no child's data.
    pub report: String,
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
