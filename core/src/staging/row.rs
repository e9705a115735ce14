//! The staging table's columns and rows, in the words of design section 6.

use std::fmt;
use std::time::Duration;

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

/// What `partial_json_payload` holds: the document prepared to be sent, where that is not `json_payload` itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outgoing {
    /// Nothing: the column is null.
    Nothing,
    /// A full document in the form that a merging DfE needs: nulls for what is absent, purges for what is gone.
    Full,
    /// What changed.
    Changes,
    /// What had changed when an earlier `stage` looked: no longer what is to be prepared.
    OldChanges,
    /// The purge of the child.
    Purge,
    /// Something else, or it has not been looked at.
    Other,
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
    /// What is prepared to be sent: [`Outgoing::Nothing`], or [`Outgoing::Other`] until somebody reads the document.
    pub outgoing: Outgoing,
    /// How long ago the row was last written (`last_updated`), by the database's clock. Zero where the row does not say.
    pub age: Duration,
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
    /// `partial_json_payload`: what is prepared to be sent.
    pub outgoing: Option<String>,
    /// The hash last accepted for the child by the submission log, unless the child was purged since or a later request has no known
    /// answer: the row's own history, by which a `previous_json_payload` of other tools is judged.
    pub accepted_hash: Option<Hash>,
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
    /// New `partial_json_payload`; `None` clears it.
    pub outgoing: Option<String>,
    /// Whether `last_updated` becomes the database's now. Only the staging of a purge keeps it: the grace runs from when the child
    /// went.
    pub touches: bool,
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

/// What applying a [`super::ChangeSet`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Rows written, as the database counted them.
    pub written: u64,
    /// Children whose row was no longer as read (or is locked by a sender): nothing was written for them.
    pub missed: Vec<String>,
}
