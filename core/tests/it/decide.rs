//! The state table of design section 6, row by row.

use csc_bridge_core::delta::{Change, Comparison, Desired, Effect, decide};
use csc_bridge_core::staging::{Hash, Held, LedgerRow, RowState, RowVersion, Status};

const A: Hash = [1; 32];
const B: Hash = [2; 32];
const C: Hash = [3; 32];

fn row(current: Hash, held: Held, status: Status, row_state: RowState) -> LedgerRow {
    LedgerRow {
        person_id: "1".to_owned(),
        current_hash: Some(current),
        held,
        status,
        row_state,
        version: RowVersion { previous_hash: None, status: None, row_state: None, last_updated: None },
        open_intent: false,
    }
}

/// A document whose sameness is what the hashes say.
fn document(hash: Hash, row: &LedgerRow) -> Desired {
    let current = row.current_hash == Some(hash);
    Desired::Document {
        hash,
        same: Comparison { current, held: row.held == Held::Document(hash), stored_exactly: current },
    }
}

fn change(hash: Hash, row: &LedgerRow) -> Option<Change> {
    decide(Some(row), &document(hash, row))
}

fn state(change: Option<Change>) -> (Status, RowState, Held, bool, Effect) {
    let change = change.expect("a change");
    (change.status, change.row_state, change.held, change.writes_document, change.effect)
}

#[test]
fn a_child_in_the_cohort_without_a_row_is_new() {
    let nothing = Comparison { current: false, held: false, stored_exactly: false };
    let change = decide(None, &Desired::Document { hash: A, same: nothing });
    assert_eq!(state(change), (Status::Pending, RowState::New, Held::Nothing, true, Effect::New));
}

#[test]
fn a_child_out_of_the_cohort_without_a_row_is_nothing() {
    assert_eq!(decide(None, &Desired::Gone), None);
    assert_eq!(decide(None, &Desired::Left), None);
}

#[test]
fn a_new_change_is_pending_and_what_dfe_holds_is_kept() {
    let sent = row(A, Held::Document(A), Status::Sent, RowState::Unchanged);
    assert_eq!(state(change(B, &sent)), (Status::Pending, RowState::Updated, Held::Document(A), true, Effect::Updated));
    let unsent = row(A, Held::Nothing, Status::Pending, RowState::New);
    assert_eq!(state(change(B, &unsent)), (Status::Pending, RowState::New, Held::Nothing, true, Effect::Updated));
    let refused = row(B, Held::Document(A), Status::Error, RowState::Updated);
    assert_eq!(
        state(change(C, &refused)),
        (Status::Pending, RowState::Updated, Held::Document(A), true, Effect::Updated)
    );
}

#[test]
fn a_change_on_a_row_set_pending_by_hand_keeps_the_wish_to_send_it_in_full() {
    let by_hand = row(A, Held::Document(A), Status::Pending, RowState::Unchanged);
    assert_eq!(state(change(B, &by_hand)), (Status::Pending, RowState::Updated, Held::Unsure, true, Effect::Updated));
}

#[test]
fn a_change_that_waits_already_is_not_written_again() {
    for (status, row_state, held) in [
        (Status::Pending, RowState::New, Held::Nothing),
        (Status::Pending, RowState::Updated, Held::Document(A)),
        (Status::Error, RowState::Updated, Held::Document(A)),
        (Status::Pending, RowState::Updated, Held::Unsure),
        (Status::Error, RowState::New, Held::Nothing),
    ] {
        assert_eq!(change(B, &row(B, held, status, row_state)), None, "{status:?} {held:?}");
    }
}

#[test]
fn a_row_that_says_sent_though_dfe_holds_something_else_is_sent_after_all() {
    let stuck = row(B, Held::Document(A), Status::Sent, RowState::Unchanged);
    assert_eq!(
        state(change(B, &stuck)),
        (Status::Pending, RowState::Updated, Held::Document(A), false, Effect::Updated)
    );
    let withdrawn = row(B, Held::Nothing, Status::Withdrawn, RowState::New);
    assert_eq!(state(change(B, &withdrawn)), (Status::Pending, RowState::New, Held::Nothing, false, Effect::Updated));
}

#[test]
fn a_change_taken_back_before_it_was_sent_leaves_nothing_to_send() {
    let changed = row(B, Held::Document(A), Status::Pending, RowState::Updated);
    assert_eq!(
        state(change(A, &changed)),
        (Status::Sent, RowState::Unchanged, Held::Document(A), true, Effect::Updated)
    );
}

#[test]
fn where_all_three_are_equal_the_row_stays_as_it_was_even_pending() {
    for status in [Status::Sent, Status::Pending, Status::Error, Status::Other] {
        assert_eq!(change(A, &row(A, Held::Document(A), status, RowState::Unchanged)), None, "{status:?}");
    }
}

#[test]
fn a_returning_child_whose_document_dfe_holds_needs_no_sending() {
    for row_state in [RowState::Deleted, RowState::Left] {
        let out = row(A, Held::Document(A), Status::Withdrawn, row_state);
        assert_eq!(
            state(change(A, &out)),
            (Status::Sent, RowState::Unchanged, Held::Document(A), false, Effect::Returned)
        );
    }
}

#[test]
fn a_returning_child_whose_document_differs_or_is_held_by_nobody_is_pending() {
    let other = row(A, Held::Document(A), Status::Sent, RowState::Deleted);
    assert_eq!(
        state(change(B, &other)),
        (Status::Pending, RowState::Updated, Held::Document(A), true, Effect::Returned)
    );
    let never_sent = row(A, Held::Nothing, Status::Withdrawn, RowState::Left);
    assert_eq!(state(change(A, &never_sent)), (Status::Pending, RowState::New, Held::Nothing, false, Effect::Returned));
    let unsure = row(A, Held::Unsure, Status::Withdrawn, RowState::Left);
    assert_eq!(state(change(A, &unsure)), (Status::Pending, RowState::Updated, Held::Unsure, false, Effect::Returned));
}

#[test]
fn an_unstable_id_refreshes_the_stored_text_and_nothing_else() {
    let same = Comparison { current: true, held: true, stored_exactly: false };
    for status in [Status::Sent, Status::Pending] {
        let kept = row(A, Held::Document(A), status, RowState::Unchanged);
        let change = decide(Some(&kept), &Desired::Document { hash: A, same });
        assert_eq!(state(change), (status, RowState::Unchanged, Held::Document(A), true, Effect::Refreshed));
    }
}

#[test]
fn another_definitions_hash_of_the_same_document_is_rewritten_and_sends_nothing() {
    let same = Comparison { current: true, held: true, stored_exactly: true };
    let foreign = row(A, Held::Document(A), Status::Sent, RowState::Unchanged);
    let change = decide(Some(&foreign), &Desired::Document { hash: B, same });
    assert_eq!(state(change), (Status::Sent, RowState::Unchanged, Held::Document(B), false, Effect::Refreshed));
    assert_eq!(change.expect("a change").current_hash, Some(B));
}

#[test]
fn a_child_out_of_the_cohort_is_marked_once_and_again_when_the_reason_changes() {
    for (desired, row_state, effect) in
        [(Desired::Gone, RowState::Deleted, Effect::Gone), (Desired::Left, RowState::Left, Effect::Left)]
    {
        for held in [Held::Nothing, Held::Document(A), Held::Unsure] {
            for (before, after) in [
                (Status::Pending, Status::Withdrawn),
                (Status::Error, Status::Withdrawn),
                (Status::Sent, Status::Sent),
                (Status::Withdrawn, Status::Withdrawn),
            ] {
                let marked = decide(Some(&row(A, held, before, RowState::Updated)), &desired);
                assert_eq!(state(marked), (after, row_state, held, false, effect));
                assert_eq!(decide(Some(&row(A, held, after, row_state)), &desired), None);
            }
        }
    }
    let gone = row(A, Held::Document(A), Status::Sent, RowState::Deleted);
    assert_eq!(state(decide(Some(&gone), &Desired::Left)).1, RowState::Left);
}
