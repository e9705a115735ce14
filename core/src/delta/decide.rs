//! The state table of design section 6 as one pure function. `docs/states.md` shows it as a table.

use std::time::Duration;

use super::Comparison;
use crate::config::{Deletion, Deletions, Mode, Semantics};
use crate::staging::{Hash, Held, LedgerRow, Outgoing, RowState, Status};

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

/// The settings that a decision depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// What DfE does with a second document. Under [`Semantics::Merge`] what is sent is prepared by `stage`.
    pub semantics: Semantics,
    /// What is sent of a child whose document changed.
    pub mode: Mode,
    /// What becomes of children out of the cohort.
    pub deletions: Deletions,
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
    /// What `partial_json_payload` holds afterwards; never [`Outgoing::Other`].
    pub outgoing: Outgoing,
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
    /// Only the stored text or hash, or what is prepared, was brought up to date; whether it is sent did not change.
    Refreshed,
    /// Newly gone.
    Gone,
    /// Newly left.
    Left,
    /// Out of the cohort as before; its purge is staged now, or no longer.
    Out,
    /// Refused while something waited to be sent.
    Refused,
}

/// What has to change in a child's row; `None` where nothing has. `row` is `None` for a child that has none; its
/// [`LedgerRow::outgoing`] says what is really prepared.
pub fn decide(row: Option<&LedgerRow>, desired: &Desired, policy: &Policy) -> Option<Change> {
    match (row, desired) {
        (None, Desired::Document { hash, .. }) => Some(Change {
            status: Status::Pending,
            row_state: RowState::New,
            current_hash: Some(*hash),
            held: Held::Nothing,
            writes_document: true,
            outgoing: prepared(policy, Status::Pending, Held::Nothing, true),
            effect: Effect::New,
        }),
        (None, Desired::Gone | Desired::Left | Desired::Refused) => None,
        (Some(row), Desired::Document { hash, same }) => in_cohort(row, *hash, *same, policy),
        (Some(row), Desired::Gone) => out(row, RowState::Deleted, Effect::Gone, policy.deletions.gone, policy),
        (Some(row), Desired::Left) => out(row, RowState::Left, Effect::Left, policy.deletions.left, policy),
        (Some(row), Desired::Refused) => {
            // The SSD has the child: it is not gone, and should it go now, its grace begins anew.
            let row_state = if row.row_state == RowState::Deleted { RowState::Left } else { row.row_state };
            out(row, row_state, Effect::Refused, Deletion::Mark, policy)
        }
    }
}

fn in_cohort(row: &LedgerRow, hash: Hash, same: Comparison, policy: &Policy) -> Option<Change> {
    // Another tool's hash of the same document becomes ours, in both columns; what is held does not change by it.
    let held = match row.held {
        Held::Document(_) if same.held => Held::Document(hash),
        held => held,
    };
    let returned = row.row_state.is_out();
    let needs_sending = if held == Held::Nothing { RowState::New } else { RowState::Updated };
    // Set pending by hand, and perhaps refused since: DfE is to get it in full whatever it holds. A row for which changes are prepared
    // waits for their sake: something that had retired is gone, where DfE merges.
    let waits = matches!(row.status, Status::Pending | Status::Error);
    let by_change = matches!(row.outgoing, Outgoing::Changes | Outgoing::OldChanges);
    let by_hand = waits && !by_change && !returned && is_held(row);
    let (status, row_state, held) = match (row.held, same.held, same.current) {
        // Desired is held: nothing to send. A row set pending by hand, with all three equal, stays pending; also where DfE merges
        // and something has only retired, so that desired is another document and held all the same.
        (Held::Document(_), true, current) if !returned && (by_hand || (current && !(waits && by_change))) => {
            (row.status, row.row_state, held)
        }
        (Held::Document(_), true, _) => (Status::Sent, RowState::Unchanged, held),
        // Desired differs from what is held, or it is not known what is held, and the row already says so.
        (_, _, true) => {
            // A word that is not ours is somebody's own mark: only a real change overrules it.
            let keeps = matches!(row.status, Status::Pending | Status::Error | Status::Other);
            let status = if keeps { row.status } else { Status::Pending };
            let row_state = if held == Held::Unsure && !returned { row.row_state } else { needs_sending };
            (status, row_state, if by_hand { Held::Unsure } else { held })
        }
        // A new change. The wish to have it sent survives, even if the change is taken back.
        (_, _, false) => (Status::Pending, needs_sending, if by_hand { Held::Unsure } else { held }),
    };
    let writes_document = !same.current || !same.stored_exactly;
    let change = Change {
        status,
        row_state,
        current_hash: Some(hash),
        held,
        writes_document,
        outgoing: prepared(policy, status, held, same.held),
        effect: if returned {
            Effect::Returned
        } else if same.current && (status, row_state) == (row.status, row.row_state) {
            Effect::Refreshed
        } else {
            Effect::Updated
        },
    };
    // Where DfE replaces, nobody looks at what other tools left in partial_json_payload of a row of the cohort.
    let is_prepared = policy.semantics == Semantics::Replace || change.outgoing == row.outgoing;
    let nothing = !writes_document
        && is_prepared
        && (status, row_state, held, change.current_hash) == (row.status, row.row_state, row.held, row.current_hash);
    (!nothing).then_some(change)
}

/// What has to be prepared for a row of the cohort. `is_held`: it is sent although DfE holds what is desired.
fn prepared(policy: &Policy, status: Status, held: Held, is_held: bool) -> Outgoing {
    match (policy.semantics, policy.mode, status, held) {
        (Semantics::Replace, ..) => Outgoing::Nothing,
        (Semantics::Merge, _, Status::Sent | Status::Withdrawn | Status::Other, _) => Outgoing::Nothing,
        (Semantics::Merge, Mode::Partial, _, Held::Document(_)) if !is_held => Outgoing::Changes,
        (Semantics::Merge, ..) => Outgoing::Full,
    }
}

/// Whether the row says of itself that DfE holds what is desired.
fn is_held(row: &LedgerRow) -> bool {
    row.current_hash.is_some_and(|current| row.held == Held::Document(current))
}

/// Gone or left. Under the policy `mark`, and where DfE holds nothing, the child is never sent, and the row written once and again when
/// the reason changes. Under `purge` the purge is staged when the child has been out for as long as the grace, for the same reason.
fn out(row: &LedgerRow, row_state: RowState, effect: Effect, deletion: Deletion, policy: &Policy) -> Option<Change> {
    let same_reason = row.row_state == row_state;
    let is_staged =
        same_reason && row.outgoing == Outgoing::Purge && matches!(row.status, Status::Pending | Status::Error);
    let out_for = if same_reason { row.age } else { Duration::ZERO };
    let purges = match (deletion, row.held) {
        (Deletion::Mark, _) | (_, Held::Nothing) => false,
        // A request whose answer is not known may still arrive after the purge: first its intent is closed.
        (Deletion::Purge, _) => is_staged || (out_for >= policy.deletions.grace && !row.open_intent),
    };
    let (status, outgoing) = match (purges, row.status) {
        (true, Status::Error) => (Status::Error, Outgoing::Purge),
        (true, _) => (Status::Pending, Outgoing::Purge),
        (false, Status::Pending | Status::Error) => (Status::Withdrawn, Outgoing::Nothing),
        (false, status) => (status, Outgoing::Nothing),
    };
    // A purge that is no longer staged must not stand there for somebody to set the row pending by hand.
    if (status, row_state, outgoing) == (row.status, row.row_state, row.outgoing) {
        return None;
    }
    let effect = if same_reason && effect != Effect::Refused { Effect::Out } else { effect };
    Some(Change {
        status,
        row_state,
        current_hash: row.current_hash,
        held: row.held,
        writes_document: false,
        outgoing,
        effect,
    })
}
