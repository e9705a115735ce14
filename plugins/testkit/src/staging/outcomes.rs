//! What became of a batch.

use csc_bridge_core::staging::{Held, RowState, SendResult, Staging, Status, Write};

use super::steps::*;
use crate::failure::{Checked, holds, refused as an_error, same};
use crate::{Place, Touched, Value};

/// With its receipt, the document that DfE now holds, and the end of its intent.
pub async fn an_accepted_row_is_sent_and_holds_what_was_sent(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    apply(staging, vec![Write { outgoing: Some(json(7)), ..new_child("1", 1) }]).await?;
    set(place, "1", &[("last_updated", Value::Timestamp(LONG_AGO.to_owned()))]).await?;
    let claim = take(staging, &["1"]).await?;
    intent(staging, "a", "1", None).await?;
    claim.record(vec![accepted("1", "a", 1)]).await?;
    let after = row(staging, "1").await?;
    let state = (after.status, after.row_state, after.held, after.open_intent);
    same("the row", state, (Status::Sent, RowState::Unchanged, Held::Document(hash(1)), false))?;
    same("what is wanted", after.current_hash, Some(hash(1)))?;
    same_json("what is held", staged(place, "1", "previous_json_payload").await?.as_deref(), &json(1))?;
    same("what is prepared", staged(place, "1", "partial_json_payload").await?, None)?;
    same("the receipt", staged(place, "1", "api_response").await?.as_deref(), Some("receipt"))?;
    holds("a time of submission", staged(place, "1", "submission_timestamp").await?.is_some())?;
    holds("a row written now", after.age < std::time::Duration::from_secs(3600))?;
    same("the outcome in the log", logged(place, "a", "outcome").await?.as_deref(), Some("accepted"))?;
    same("the receipt in the log", logged(place, "a", "response_id").await?.as_deref(), Some("receipt"))?;
    holds("an end in the log", logged(place, "a", "closed_at").await?.is_some())?;
    same("rows to be claimed", take(staging, &["1"]).await?.rows().len(), 0)
}

/// To the millisecond.
pub async fn the_time_that_dfe_gives_is_kept(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1"]).await?;
    let mut outcome = accepted("1", "a", 1);
    if let SendResult::Accepted { received_at, .. } = &mut outcome.result {
        *received_at = Some("2026-01-02 03:04:05.678".to_owned());
    }
    take(staging.as_ref(), &["1"]).await?.record(vec![outcome]).await?;
    let found = staged(place, "1", "submission_timestamp").await?.unwrap_or_default().replace('T', " ");
    holds(&format!("2026-01-02 03:04:05.678, not {found}"), found.starts_with("2026-01-02 03:04:05.678"))
}

/// Where nothing locks the row, `stage` may change it meanwhile.
pub async fn an_accepted_row_that_is_wanted_otherwise_is_to_be_sent_again(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    let changes = [
        ("hash", ("current_hash", Value::Bytes(hash(9).to_vec()))),
        ("prepared", ("partial_json_payload", Value::text(json(9)))),
        ("cleared", ("partial_json_payload", Value::Null)),
    ];
    for (id, (column, value)) in changes {
        apply(staging, vec![Write { outgoing: Some(json(5)), ..new_child(id, 1) }]).await?;
        let claim = take(staging, &[id]).await?;
        let touched = place.update(STAGING, &[(column, value)], Some(("person_id", id))).await?;
        claim.record(vec![accepted(id, "a", 1)]).await?;
        let (status, row_state) = match touched {
            Touched::Done => (Status::Pending, RowState::Updated),
            Touched::KeptOut => (Status::Sent, RowState::Unchanged),
        };
        let expected = (status, row_state, Held::Document(hash(1)));
        same(&format!("the row whose {id} changed ({touched:?})"), state(staging, id).await?, expected)?;
    }
    Ok(())
}

/// A child that left while its document was on the wire, or a purge that `stage` did not prepare.
pub async fn an_accepted_row_out_of_the_cohort_keeps_its_state_and_time(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    apply(staging, vec![Write { row_state: RowState::Left, ..new_child("1", 1) }]).await?;
    set(place, "1", &[("last_updated", Value::Timestamp(LONG_AGO.to_owned()))]).await?;
    let went = staged(place, "1", "last_updated").await?;
    take(staging, &["1"]).await?.record(vec![accepted("1", "a", 1)]).await?;
    same("the row", state(staging, "1").await?, (Status::Sent, RowState::Left, Held::Document(hash(1))))?;
    same("the time at which the child left", staged(place, "1", "last_updated").await?, went)
}

/// In full, in `api_response`; everything else stays, and it is tried again.
pub async fn a_refused_row_is_an_error_with_its_reason(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    add(staging, &["1"]).await?;
    let claim = take(staging, &["1"]).await?;
    intent(staging, "a", "1", None).await?;
    claim.record(vec![refused("1", "a")]).await?;
    let after = row(staging, "1").await?;
    let state = (after.status, after.row_state, after.held, after.open_intent, after.current_hash);
    same("the row", state, (Status::Error, RowState::New, Held::Nothing, false, Some(hash(1))))?;
    same("the reason", staged(place, "1", "api_response").await?.as_deref(), Some(REASON))?;
    same("the outcome in the log", logged(place, "a", "outcome").await?.as_deref(), Some("refused"))?;
    same("rows to be claimed again", take(staging, &["1"]).await?.rows().len(), 1)
}

/// So that the next `stage` writes its document anew.
pub async fn an_unusable_row_loses_its_hash(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1"]).await?;
    take(staging.as_ref(), &["1"]).await?.record(vec![unusable("1")]).await?;
    let after = row(staging.as_ref(), "1").await?;
    same("the row", (after.status, after.current_hash, after.held), (Status::Error, None, Held::Nothing))?;
    same("the reason", staged(place, "1", "api_response").await?.as_deref(), Some("not JSON"))
}

/// A child of whom DfE holds document 1, who went long ago, and whose purge is staged.
async fn purge_staged(place: &dyn Place, staging: &dyn Staging) -> Checked<Option<String>> {
    add(staging, &["1"]).await?;
    take(staging, &["1"]).await?.record(vec![accepted("1", "-", 1)]).await?;
    let went = [("row_state", Value::text("deleted")), ("last_updated", Value::Timestamp(LONG_AGO.to_owned()))];
    set(place, "1", &went).await?;
    let row = row(staging, "1").await?;
    let purge = Write {
        document: None,
        row_state: row.row_state,
        outgoing: Some(PURGE.to_owned()),
        touches: false,
        ..changed(&row, 1)
    };
    same("rows written", apply(staging, vec![purge]).await?.written, 1)?;
    staged(place, "1", "last_updated").await
}

/// DfE holds nothing; the row keeps when the child went.
pub async fn a_purged_row_holds_and_wants_nothing(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    let went = purge_staged(place, staging).await?;
    let claim = take(staging, &["1"]).await?;
    intent(staging, "a", "1", None).await?;
    claim.record(vec![purged("1", "a")]).await?;
    let after = row(staging, "1").await?;
    let state = (after.status, after.row_state, after.held, after.current_hash, after.open_intent);
    same("the row", state, (Status::Sent, RowState::Deleted, Held::Nothing, None, false))?;
    same_json("its document", staged(place, "1", "json_payload").await?.as_deref(), PURGE)?;
    for column in ["previous_json_payload", "partial_json_payload"] {
        same(column, staged(place, "1", column).await?, None)?;
    }
    same("the receipt", staged(place, "1", "api_response").await?.as_deref(), Some("purge receipt"))?;
    same("the time at which the child went", staged(place, "1", "last_updated").await?, went)?;
    same("the outcome in the log", logged(place, "a", "outcome").await?.as_deref(), Some("purged"))
}

/// What was prepared for it goes; when the child went stays.
pub async fn a_withdrawn_row_is_never_sent(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    let went = purge_staged(place, staging).await?;
    take(staging, &["1"]).await?.record(vec![withdrawn("1")]).await?;
    same("the row", state(staging, "1").await?, (Status::Withdrawn, RowState::Deleted, Held::Document(hash(1))))?;
    same("what is prepared", staged(place, "1", "partial_json_payload").await?, None)?;
    same("the time at which the child went", staged(place, "1", "last_updated").await?, went)?;
    same("rows to be claimed", take(staging, &["1"]).await?.rows().len(), 0)
}

/// And are free again.
pub async fn rows_without_an_outcome_stay_as_they_are(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    add(staging, &["1", "2", "3"]).await?;
    let before = staging.ledger(&strings(&["2", "3"])).await?;
    let versions = |rows: &[csc_bridge_core::staging::LedgerRow]| {
        let mut all: Vec<_> =
            rows.iter().map(|row| (row.person_id.clone(), row.version.last_updated.clone())).collect();
        all.sort();
        all
    };
    take(staging, &["1", "2", "3"]).await?.record(vec![accepted("1", "a", 1)]).await?;
    let after = staging.ledger(&strings(&["2", "3"])).await?;
    same("the rows without an outcome", versions(&after), versions(&before))?;
    same("rows of the next claim", take(staging, &["1", "2", "3"]).await?.rows().len(), 2)?;
    take(staging, &["2"]).await?.record(Vec::new()).await?;
    same("rows of a claim after no outcome at all", take(staging, &["2"]).await?.rows().len(), 1)
}

/// Nor may a row have two.
pub async fn an_outcome_for_a_row_that_is_not_claimed_writes_nothing(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    add(staging, &["1", "2"]).await?;
    for outcomes in [vec![accepted("1", "a", 1), accepted("2", "a", 1)], vec![accepted("1", "a", 1), refused("1", "b")]]
    {
        let claim = take(staging, &["1"]).await?;
        an_error("an outcome that is none of its business", claim.record(outcomes).await)?;
        for id in ["1", "2"] {
            same("the row", state(staging, id).await?, (Status::Pending, RowState::New, Held::Nothing))?;
        }
    }
    Ok(())
}

/// An attempt whose answer never came stays open, whatever a later one brought.
pub async fn only_the_intent_of_its_own_attempt_is_closed(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    add(staging, &["1", "2"]).await?;
    let claim = take(staging, &["1", "2"]).await?;
    intent(staging, "lost", "1", None).await?;
    intent(staging, "answered", "1", None).await?;
    intent(staging, "other", "2", None).await?;
    claim.record(vec![accepted("1", "answered", 1)]).await?;
    same("the first attempt", logged(place, "lost", "outcome").await?, None)?;
    same("the second", logged(place, "answered", "outcome").await?.as_deref(), Some("accepted"))?;
    same("the other child's", logged(place, "other", "outcome").await?, None)?;
    same("whether the child's row waits", row(staging, "1").await?.open_intent, true)
}
