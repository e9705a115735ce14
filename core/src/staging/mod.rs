//! The second contract: [`Staging`] is the table `ssd_api_data_staging` and the two logs beside it.
//!
//! The table keeps, for each child, what we want DfE to have (`json_payload`, `current_hash`) and what DfE last accepted
//! (`previous_json_payload`, `previous_hash`). Design section 6 is the rule book; this module is its vocabulary.

mod log;
mod resubmit;
mod row;
mod shard;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use log::{
    Attempt, ClosedAs, Closing, IntentRecord, LastRun, LastStaged, Logs, LostIntent, Outcome, RecordKind, RunRecord,
    SendResult, States, StatusReport,
};
pub use resubmit::{Mark, Markable, Resubmitted};
pub use row::{Applied, Documents, Hash, Held, LedgerRow, NewDocument, Outgoing, RowState, RowVersion, Status, Write};
pub use shard::{NoShard, Shard};

use crate::error::Result;

/// The staging table and its two logs.
#[async_trait]
pub trait Staging: Send + Sync {
    /// Makes sure that the table, its `_anon` twin and the logs are there: creates what is missing where
    /// `staging.create` allows it, and checks the columns of what is there. Writes nothing where nothing is missing. Any number of
    /// processes may prepare at once.
    async fn prepare(&self) -> Result<()>;

    /// Whether the tables are there. Checks like [`Staging::prepare`], creates nothing.
    async fn is_ready(&self) -> Result<bool>;

    /// For `check`: tries what [`Staging::prepare`] and a run would do (creating what is missing, writing) and takes it back, so that
    /// nothing lasts. `for_stage`: the table must have all columns that `stage` needs, not only a sender's.
    ///
    /// # Errors
    /// What would stop a run; [`crate::error::Kind::Permission`] where it is a right that the account lacks.
    async fn rehearse(&self, for_stage: bool) -> Result<Rehearsal> {
        let _ = for_stage;
        Ok(Rehearsal { is_ready: self.is_ready().await?, logs_apart: None })
    }

    /// The lock that lets one `stage` run at a time on this table. Held until dropped; given back by the operating
    /// system or the database when the process dies. Of a `shard`, shards of the same number may run beside it, each once at a time; what
    /// stages the whole may not, nor may shards of another number, whose children are its children too.
    ///
    /// # Errors
    /// [`crate::error::Kind::Busy`] within a second or two where another process stages.
    async fn lock_stage(&self, shard: Option<Shard>) -> Result<Box<dyn Guard>>;

    /// The right to send. Engines with row locks let any number of senders in; SQLite lets one process in
    /// ([`crate::error::Kind::Busy`] for the second). Held until dropped.
    async fn lock_submit(&self) -> Result<Box<dyn Guard>>;

    /// Takes up requests whose answer was never recorded: every open intent older (by the database's clock) than
    /// `older_than`, on a row that no living sender holds, makes its row unsure and is closed as unknown. What was prepared is
    /// cleared. A row of the cohort becomes `pending`/`updated`; one out of the cohort becomes `withdrawn`, and keeps `row_state` and
    /// `last_updated`, from which its grace runs. Where such an intent says what records it mentioned, `may_hold` makes the new
    /// `previous_json_payload`. Returns the rows made unsure.
    async fn recover(&self, older_than: Duration, may_hold: &MayHold<'_>) -> Result<u64>;

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

    /// Keys of the rows to be sent, in sending order: pending ones by oldest `last_updated`, then those in error. Rows with an open
    /// intent and rows without a document are not among them. Takes no lock.
    ///
    /// # Errors
    /// [`crate::error::Kind::Data`] where a child has several rows and `choice` does not say which of them counts.
    async fn candidates(&self, choice: Choice) -> Result<Vec<Candidate>>;

    /// How many pending rows the candidates leave out because a newer row of the same child counts ([`Choice::Sql`]).
    async fn superseded(&self) -> Result<u64>;

    /// Locks the rows of `ids` that are still to be sent and free, and reads them. Rows that somebody else holds, or
    /// that are no longer to be sent, are silently left out; the claim may be empty.
    async fn claim(&self, ids: &[String], choice: Choice) -> Result<Box<dyn Claim>>;

    /// Marks the rows of these children for a full document, which the next `submit` sends, for [`Choice::Prepared`] once a `stage` has
    /// prepared it. [`Markable::mark`] says which rows, and how; of several rows of a child the newest counts for [`Choice::Sql`].
    /// A row with an open intent, or that a sender holds, is left as it is. Sends nothing; with `dry_run` writes nothing either, and
    /// takes no lock. Else the caller has both [`Staging::lock_stage`] (of the whole) and [`Staging::lock_submit`].
    ///
    /// `ids` are trimmed, distinct, and any number. Returns what became of each, in their order. Rows are written in transactions of some
    /// thousands: after an error some may be marked, and the same call again marks the rest.
    ///
    /// # Errors
    /// [`crate::error::Kind::Data`] where a child has several rows and `choice` does not say which of them counts.
    async fn resubmit(&self, ids: &[String], choice: Choice, dry_run: bool) -> Result<Vec<Resubmitted>>;

    /// Commits one open intent for each of `records`, before their request leaves.
    async fn open_intents(&self, attempt: &Attempt, records: &[IntentRecord]) -> Result<()>;

    /// Closes the intents of an attempt for these records (`person_id` as the table has it): their request is known not to have
    /// been taken (refused connection, 401, 429, …). Other records of the attempt stay open.
    async fn close_intents(&self, attempt_id: &str, person_ids: &[String], closed_as: ClosedAs) -> Result<()>;

    /// The last runs that finished staging, the newest first: of those of the whole table and of those of each shard at least the
    /// newest with [`RunRecord::table_rows`]. Which of them a run is compared with says [`LastStaged::of`].
    async fn last_staged(&self) -> Result<Vec<LastStaged>>;

    /// Adds a run to `ssd_api_run_log`.
    async fn record_run(&self, run: &RunRecord) -> Result<()>;

    /// Deletes from both logs what ended longer ago than `older_than` (by the database's clock). What is still needed stays: open
    /// intents, each child's newest accepted, purged or unknown request (the row's own history), and what
    /// [`Staging::last_staged`] tells. Returns the rows deleted.
    async fn prune(&self, older_than: Duration) -> Result<u64>;

    /// How many rows are in each state, and how many requests wait for their answer: what the end of a run says.
    async fn states(&self) -> Result<States>;

    /// The numbers behind `csc-bridge status`.
    async fn status(&self) -> Result<StatusReport>;
}

/// What a child's row may hold after a request whose answer never came: from `previous_json_payload` and what the request mentioned
/// to the new `previous_json_payload` (design, section 7).
pub type MayHold<'a> = dyn Fn(Option<&str>, &str) -> Result<String> + Send + Sync + 'a;

/// Which rows a sender looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// `json_payload` goes out as it is. Rows out of the cohort are among the candidates: a purge may be staged on them, and
    /// what must not be sent is withdrawn.
    AsStaged,
    /// The same, but of the cohort only rows for which `stage` has prepared a document (`partial_json_payload`).
    Prepared,
    /// Somebody else's SQL fills the table: rows out of the cohort are not sent, and of several rows of a child the one
    /// written last counts (the latest `last_updated`, then the highest `id`).
    Sql,
}

/// What [`Staging::rehearse`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// Whether the tables are there. If not, the first run makes them, and may.
    pub is_ready: bool,
    /// Where the logs are, or will be, if not beside the staging table.
    pub logs_apart: Option<String>,
}

/// A lock: held until dropped.
pub trait Guard: Send + Sync {}

/// Changes collected in private and applied together.
#[async_trait]
pub trait ChangeSet: Send {
    /// Collects some changes. A child may be pushed once.
    async fn push(&mut self, writes: Vec<Write>) -> Result<()>;

    /// Writes everything pushed, by compare-and-set on each row's [`RowVersion`], in transactions of some thousands of
    /// rows. `last_updated` becomes the database's now, but where [`Write::touches`] says otherwise.
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
    fn rows(&self) -> &[Arc<ClaimedRow>];

    /// Tests the locks and "still to be sent, and still what was claimed" again, before a request leaves.
    /// Returns whether all of it still holds.
    async fn still_held(&mut self) -> Result<bool>;

    /// Writes the outcomes and closes their intents in one transaction (where the logs are elsewhere: one after the other), then
    /// releases the locks. Rows of the claim without an outcome stay as they are.
    async fn record(self: Box<Self>, outcomes: Vec<Outcome>) -> Result<()>;
}

/// A row as a sender holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimedRow {
    /// `person_id`, as the table has it.
    pub person_id: String,
    /// `json_payload`.
    pub document: String,
    /// `partial_json_payload`: what `stage` prepared.
    pub outgoing: Option<String>,
    /// `row_state`.
    pub row_state: RowState,
    /// `current_hash`.
    pub current_hash: Option<Hash>,
    /// What DfE was believed to hold when the row was claimed.
    pub held: Held,
    /// `previous_json_payload`.
    pub held_document: Option<String>,
    /// As [`Documents::accepted_hash`], for [`Choice::Sql`]: nobody asks for it otherwise.
    pub accepted_hash: Option<Hash>,
}

impl fmt::Debug for ClaimedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimedRow {{ {} bytes, .. }}", self.document.len())
    }
}
