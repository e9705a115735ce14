//! The state table of design section 6 as one pure function.

use super::Comparison;
use crate::staging::{Hash, Held, LedgerRow, RowState, Status};

/// What the SSD says about a child today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Desired {
    /// In the cohort.
    Document {
        /// The document's hash.
        hash: Hash,
        /// How it compares with what the row keeps; of a child without a row, nothing is the same.
        same: Comparison,
    },
    /// No longer in `ssd_person`.
    Gone,
    /// In the SSD, but the rules exclude the child.
    Left,
    /// In the SSD, but under an id (or with a birth date) that cannot be trusted: nothing is sent, and nothing else changes.
    Refused,
}

/// A row's new state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// New `submission_status`.
    pub status: Status,
    /// New `row_state`.
    pub row_state: RowState,
    /// New `current_hash`.
    pub current_hash: Option<Hash>,
    /// New `previous_hash`.
    pub held: Held,
    /// Whether `json_payload` is written.
    pub writes_document: bool,
    /// What happened, for the report.
    pub effect: Effect,
}

/// What a change is, for the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// First time in the cohort.
    New,
    /// Needs sending, or no longer needs it, because the document changed.
    Updated,
    /// Back in the cohort.
    Returned,
    /// Only the stored text or hash was brought up to date; nothing to send.
    Refreshed,
    /// Newly gone.
    Gone,
    /// Newly left.
    Left,
    /// Refused while something waited to be sent.
    Refused,
}

/// What has to change in a child's row; `None` where nothing has. `row` is `None` for a child that has none.
pub fn decide(row: Option<&LedgerRow>, desired: &Desired) -> Option<Change> {
    match (row, desired) {
        (None, Desired::Document { hash, .. }) => Some(Change {
            status: Status::Pending,
            row_state: RowState::New,
            current_hash: Some(*hash),
            held: Held::Nothing,
            writes_document: true,
            effect: Effect::New,
        }),
        (None, Desired::Gone | Desired::Left | Desired::Refused) => None,
        (Some(row), Desired::Document { hash, same }) => in_cohort(row, *hash, *same),
        (Some(row), Desired::Gone) => out_of_cohort(row, RowState::Deleted, Effect::Gone),
        (Some(row), Desired::Left) => out_of_cohort(row, RowState::Left, Effect::Left),
        (Some(row), Desired::Refused) => out_of_cohort(row, row.row_state, Effect::Refused),
    }
}

fn in_cohort(row: &LedgerRow, hash: Hash, same: Comparison) -> Option<Change> {
    // Another tool's hash of the same document becomes ours, in both columns; what is held does not change by it.
    let held = match row.held {
        Held::Document(_) if same.held => Held::Document(hash),
        held => held,
    };
    let returned = row.row_state.is_out();
    let needs_sending = if held == Held::Nothing { RowState::New } else { RowState::Updated };
    let (status, row_state, held) = match (row.held, same.held, same.current) {
        // Desired is held: nothing to send. A row set pending by hand, with all three equal, stays pending.
        (Held::Document(_), true, true) if !returned => (row.status, row.row_state, held),
        (Held::Document(_), true, _) => (Status::Sent, RowState::Unchanged, held),
        // Desired differs from what is held, or it is not known what is held, and the row already says so.
        (_, _, true) => {
            // A word that is not ours is somebody's own mark: only a real change overrules it.
            let keeps = matches!(row.status, Status::Pending | Status::Error | Status::Other);
            let status = if keeps { row.status } else { Status::Pending };
            let row_state = if held == Held::Unsure && !returned { row.row_state } else { needs_sending };
            (status, row_state, held)
        }
        // A new change. Where the row had been set pending by hand, DfE is to get it in full whatever it holds.
        (_, _, false) => {
            let by_hand = row.status == Status::Pending && !returned && is_held(row);
            (Status::Pending, needs_sending, if by_hand { Held::Unsure } else { held })
        }
    };
    let writes_document = !same.current || !same.stored_exactly;
    let change = Change {
        status,
        row_state,
        current_hash: Some(hash),
        held,
        writes_document,
        effect: if returned {
            Effect::Returned
        } else if same.current && (status, row_state) == (row.status, row.row_state) {
            Effect::Refreshed
        } else {
            Effect::Updated
        },
    };
    let nothing = !writes_document
        && (status, row_state, held, change.current_hash) == (row.status, row.row_state, row.held, row.current_hash);
    (!nothing).then_some(change)
}

/// Whether the row says of itself that DfE holds what is desired.
fn is_held(row: &LedgerRow) -> bool {
    row.current_hash.is_some_and(|current| row.held == Held::Document(current))
}

/// Gone or left under the policy `mark`: never sent, and written once, and again when the reason changes.
fn out_of_cohort(row: &LedgerRow, row_state: RowState, effect: Effect) -> Option<Change> {
    let status = if matches!(row.status, Status::Pending | Status::Error) { Status::Withdrawn } else { row.status };
    if (status, row_state) == (row.status, row.row_state) {
        return None;
    }
    Some(Change { status, row_state, current_hash: row.current_hash, held: row.held, writes_document: false, effect })
}
