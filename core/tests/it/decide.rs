//! The state table of design section 6, row by row.

use std::time::Duration;

use csc_bridge_core::config::{Deletion, Deletions, Mode, Semantics};
use csc_bridge_core::delta::{Change, Comparison, Desired, Effect, Policy, decide as decide_by};
use csc_bridge_core::staging::{Hash, Held, LedgerRow, Outgoing, RowState, RowVersion, Status};

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
        outgoing: Outgoing::Nothing,
        age: Duration::ZERO,
    }
}

/// By the default policy: DfE replaces, and who is out of the cohort is marked.
fn decide(row: Option<&LedgerRow>, desired: &Desired) -> Option<Change> {
    decide_by(row, desired, &Policy::default())
}

const DAY: Duration = Duration::from_secs(24 * 3600);

fn purging() -> Policy {
    let deletions = Deletions { gone: Deletion::Purge, left: Deletion::Purge, grace: 7 * DAY };
    Policy { deletions, ..Policy::default() }
}

fn merging(mode: Mode) -> Policy {
    Policy { semantics: Semantics::Merge, mode, ..Policy::default() }
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

#[test]
fn a_child_is_purged_once_it_has_been_out_for_longer_than_the_grace_for_the_same_reason() {
    for (desired, row_state) in [(Desired::Gone, RowState::Deleted), (Desired::Left, RowState::Left)] {
        for held in [Held::Document(A), Held::Unsure] {
            for status in [Status::Sent, Status::Withdrawn] {
                let mut out = row(A, held, status, row_state);
                out.age = 7 * DAY - Duration::from_secs(1);
                assert_eq!(decide_by(Some(&out), &desired, &purging()), None, "{row_state:?} in its grace");
                out.age = 7 * DAY;
                let change = decide_by(Some(&out), &desired, &purging()).expect("a purge");
                assert_eq!((change.status, change.outgoing, change.held), (Status::Pending, Outgoing::Purge, held));
                assert_eq!((change.row_state, change.effect), (row_state, Effect::Out));
            }
        }
    }
}

#[test]
fn the_grace_begins_anew_when_the_reason_changes() {
    let mut left = row(A, Held::Document(A), Status::Pending, RowState::Left);
    (left.age, left.outgoing) = (30 * DAY, Outgoing::Purge);
    let change = decide_by(Some(&left), &Desired::Gone, &purging()).expect("a change");
    assert_eq!((change.status, change.outgoing), (Status::Withdrawn, Outgoing::Nothing));
    assert_eq!((change.row_state, change.effect), (RowState::Deleted, Effect::Gone));
}

#[test]
fn without_a_grace_a_child_is_purged_in_the_run_that_misses_it() {
    let mut policy = purging();
    policy.deletions.grace = Duration::ZERO;
    let sent = row(A, Held::Document(A), Status::Sent, RowState::Unchanged);
    let change = decide_by(Some(&sent), &Desired::Gone, &policy).expect("a purge");
    assert_eq!((change.status, change.outgoing, change.effect), (Status::Pending, Outgoing::Purge, Effect::Gone));
}

#[test]
fn a_staged_purge_stands_and_one_in_error_stays_in_error() {
    for status in [Status::Pending, Status::Error] {
        let mut staged = row(A, Held::Document(A), status, RowState::Deleted);
        staged.outgoing = Outgoing::Purge;
        assert_eq!(decide_by(Some(&staged), &Desired::Gone, &purging()), None, "{status:?}");
    }
    let mut refused = row(A, Held::Document(A), Status::Error, RowState::Deleted);
    refused.age = 30 * DAY;
    let change = decide_by(Some(&refused), &Desired::Gone, &purging()).expect("a purge");
    assert_eq!((change.status, change.outgoing), (Status::Error, Outgoing::Purge));
}

#[test]
fn a_purge_waits_for_the_answer_of_an_earlier_request() {
    let mut out = row(A, Held::Document(A), Status::Sent, RowState::Deleted);
    (out.age, out.open_intent) = (30 * DAY, true);
    assert_eq!(decide_by(Some(&out), &Desired::Gone, &purging()), None);
}

#[test]
fn a_staged_purge_is_withdrawn_when_the_policy_no_longer_says_so() {
    let mut staged = row(A, Held::Document(A), Status::Pending, RowState::Deleted);
    (staged.outgoing, staged.age) = (Outgoing::Purge, 30 * DAY);
    let change = decide_by(Some(&staged), &Desired::Gone, &Policy::default()).expect("a change");
    assert_eq!((change.status, change.outgoing), (Status::Withdrawn, Outgoing::Nothing));
    assert_eq!(change.row_state, RowState::Deleted);
}

#[test]
fn a_child_that_is_there_under_a_bad_id_is_not_gone_and_its_grace_begins_anew_when_it_goes() {
    let mut staged = row(A, Held::Document(A), Status::Pending, RowState::Deleted);
    (staged.outgoing, staged.age) = (Outgoing::Purge, 30 * DAY);
    let change = decide_by(Some(&staged), &Desired::Refused, &purging()).expect("a change");
    assert_eq!((change.status, change.outgoing), (Status::Withdrawn, Outgoing::Nothing));
    assert_eq!((change.row_state, change.effect), (RowState::Left, Effect::Refused));
    let mut refused = row(A, Held::Document(A), Status::Withdrawn, RowState::Left);
    refused.age = 30 * DAY;
    let gone = decide_by(Some(&refused), &Desired::Gone, &purging()).expect("a change");
    assert_eq!((gone.status, gone.outgoing, gone.row_state), (Status::Withdrawn, Outgoing::Nothing, RowState::Deleted));
}

#[test]
fn nobody_is_purged_of_whom_nothing_is_held() {
    for status in [Status::Pending, Status::Error, Status::Withdrawn, Status::Sent] {
        let mut out = row(A, Held::Nothing, status, RowState::Deleted);
        out.age = 30 * DAY;
        let change = decide_by(Some(&out), &Desired::Gone, &purging());
        assert!(change.is_none_or(|change| change.outgoing == Outgoing::Nothing), "{status:?}");
    }
}

#[test]
fn a_child_that_returns_before_or_after_its_purge_is_sent_again_as_needed() {
    let mut staged = row(A, Held::Document(A), Status::Pending, RowState::Deleted);
    staged.outgoing = Outgoing::Purge;
    let back = decide_by(Some(&staged), &document(A, &staged), &purging()).expect("a change");
    assert_eq!((back.status, back.row_state, back.outgoing), (Status::Sent, RowState::Unchanged, Outgoing::Nothing));
    let purged = LedgerRow { current_hash: None, ..row(A, Held::Nothing, Status::Sent, RowState::Deleted) };
    let back = decide_by(Some(&purged), &document(A, &purged), &purging()).expect("a change");
    assert_eq!((back.status, back.row_state, back.writes_document), (Status::Pending, RowState::New, true));
}

#[test]
fn what_a_merging_dfe_is_sent_is_prepared() {
    for (mode, held, wanted) in [
        (Mode::Full, Held::Document(A), Outgoing::Full),
        (Mode::Partial, Held::Document(A), Outgoing::Changes),
        (Mode::Partial, Held::Nothing, Outgoing::Full),
        (Mode::Partial, Held::Unsure, Outgoing::Full),
    ] {
        let waiting = row(B, held, Status::Pending, RowState::Updated);
        let change = decide_by(Some(&waiting), &document(B, &waiting), &merging(mode)).expect("a change");
        assert_eq!(change.outgoing, wanted, "{mode:?} {held:?}");
        assert_eq!((change.status, change.writes_document), (Status::Pending, false));
        let prepared = LedgerRow { outgoing: wanted, ..waiting };
        let again = decide_by(Some(&prepared), &document(B, &prepared), &merging(mode));
        assert!(again.is_none() || held == Held::Nothing, "{mode:?} {held:?}: prepared once");
    }
}

#[test]
fn a_resubmission_goes_to_a_merging_dfe_in_full() {
    let by_hand = row(A, Held::Document(A), Status::Pending, RowState::Unchanged);
    let change = decide_by(Some(&by_hand), &document(A, &by_hand), &merging(Mode::Partial)).expect("a change");
    assert_eq!((change.status, change.outgoing, change.effect), (Status::Pending, Outgoing::Full, Effect::Refreshed));
}

#[test]
fn what_is_no_longer_to_be_sent_is_no_longer_prepared() {
    let mut changed = row(B, Held::Document(A), Status::Pending, RowState::Updated);
    changed.outgoing = Outgoing::Changes;
    let back = decide_by(Some(&changed), &document(A, &changed), &merging(Mode::Partial)).expect("a change");
    assert_eq!((back.status, back.outgoing), (Status::Sent, Outgoing::Nothing));
}

#[test]
fn a_record_that_goes_after_it_retired_needs_sending_though_the_document_is_the_same() {
    let sent = row(A, Held::Document(A), Status::Sent, RowState::Unchanged);
    let same = Comparison { current: true, held: false, stored_exactly: true };
    let change = decide_by(Some(&sent), &Desired::Document { hash: A, same }, &merging(Mode::Full)).expect("a change");
    assert_eq!(
        (change.status, change.row_state, change.outgoing),
        (Status::Pending, RowState::Updated, Outgoing::Full)
    );
    assert!(!change.writes_document);
}

#[test]
fn a_resubmission_survives_a_retirement() {
    for status in [Status::Pending, Status::Error] {
        let by_hand = row(A, Held::Document(A), status, RowState::Unchanged);
        // Another document, but DfE, which merges, holds it beside what retired.
        let same = Comparison { current: false, held: true, stored_exactly: false };
        let change = decide_by(Some(&by_hand), &Desired::Document { hash: B, same }, &merging(Mode::Partial));
        let change = change.expect("a change");
        assert_eq!((change.status, change.outgoing, change.held), (status, Outgoing::Full, Held::Document(B)));
    }
    let at_rest = row(A, Held::Document(A), Status::Sent, RowState::Unchanged);
    let same = Comparison { current: false, held: true, stored_exactly: false };
    let change = decide_by(Some(&at_rest), &Desired::Document { hash: B, same }, &merging(Mode::Partial));
    let change = change.expect("a change");
    assert_eq!((change.status, change.outgoing, change.current_hash), (Status::Sent, Outgoing::Nothing, Some(B)));
}

#[test]
fn a_resubmission_survives_the_going_of_what_had_retired() {
    // Nothing of what is desired changed, but DfE holds a record beside it that is gone by now.
    let same = Comparison { current: true, held: false, stored_exactly: true };
    for outgoing in [Outgoing::Nothing, Outgoing::Full, Outgoing::Other] {
        let mut by_hand = row(A, Held::Document(A), Status::Pending, RowState::Unchanged);
        by_hand.outgoing = outgoing;
        let change = decide_by(Some(&by_hand), &Desired::Document { hash: A, same }, &merging(Mode::Partial));
        let change = change.expect("a change");
        assert_eq!((change.status, change.held, change.outgoing), (Status::Pending, Held::Unsure, Outgoing::Full));
    }
    // A row that waits because of such a record is not one that somebody set pending.
    let mut waiting = row(A, Held::Document(A), Status::Pending, RowState::Updated);
    waiting.outgoing = Outgoing::Changes;
    assert_eq!(decide_by(Some(&waiting), &Desired::Document { hash: A, same }, &merging(Mode::Partial)), None);
    waiting.outgoing = Outgoing::OldChanges;
    let change = decide_by(Some(&waiting), &Desired::Document { hash: A, same }, &merging(Mode::Partial));
    assert_eq!(change.map(|change| (change.held, change.outgoing)), Some((Held::Document(A), Outgoing::Changes)));
    // The record is back before it was purged: nothing to send.
    let same = Comparison { current: true, held: true, stored_exactly: true };
    let change = decide_by(Some(&waiting), &Desired::Document { hash: A, same }, &merging(Mode::Partial));
    assert_eq!(change.map(|change| (change.status, change.outgoing)), Some((Status::Sent, Outgoing::Nothing)));
}
