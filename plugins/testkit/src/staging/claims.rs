//! What a sender has to itself.

use std::collections::HashMap;
use std::sync::Arc;

use csc_bridge_core::error::Kind;
use csc_bridge_core::staging::{Choice, Guard, RowState, Staging, Status, Write};
use tokio::task::JoinSet;

use super::steps::*;
use crate::failure::{Checked, Failure, holds, refused as an_error, same};
use crate::{Place, Touched, Value};

/// A batch is sent in the order of the candidates.
pub async fn a_claim_has_its_rows_in_the_order_asked_for(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1", "2", "3", "10"]).await?;
    let claim = take(staging.as_ref(), &["3", "nobody", "10", "1"]).await?;
    same("rows", ids_of(claim.as_ref()), ["3", "10", "1"])?;
    same("rows of a claim for nobody", take(staging.as_ref(), &[]).await?.rows().len(), 0)?;
    same("whether an empty claim holds", take(staging.as_ref(), &["nobody"]).await?.still_held().await?, true)
}

/// By another task of the same process.
pub async fn a_claimed_row_is_not_claimed_twice(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1", "2", "3"]).await?;
    let first = take(staging.as_ref(), &["2", "1"]).await?;
    same("rows of the first claim", ids_of(first.as_ref()), ["2", "1"])?;
    let second = take(staging.as_ref(), &["1", "2", "3"]).await?;
    same("rows of the second claim", ids_of(second.as_ref()), ["3"])
}

/// A row that could not be had is no claim's, and may be had as soon as it is free.
pub async fn a_claim_keeps_nothing_that_it_did_not_get(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1", "2"]).await?;
    set(place, "2", &[("submission_status", Value::text("sent"))]).await?;
    let first = take(staging.as_ref(), &["1", "2"]).await?;
    same("rows of the first claim", ids_of(first.as_ref()), ["1"])?;
    set(place, "2", &[("submission_status", Value::text("pending"))]).await?;
    let second = take(staging.as_ref(), &["2"]).await?;
    same("rows of the second claim", ids_of(second.as_ref()), ["2"])
}

/// As they were.
pub async fn a_dropped_claim_frees_its_rows(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1", "2"]).await?;
    let before = row(staging.as_ref(), "1").await?.version;
    let first = take(staging.as_ref(), &["1"]).await?;
    drop(first);
    // A server hears of a dropped connection in its own time.
    let mut second = take(staging.as_ref(), &["1", "2"]).await?;
    for _ in 0..1000 {
        if second.rows().len() == 2 {
            break;
        }
        drop(second);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        second = take(staging.as_ref(), &["1", "2"]).await?;
    }
    same("rows of the next claim", ids_of(second.as_ref()), ["1", "2"])?;
    drop(second);
    same("the row's version", row(staging.as_ref(), "1").await?.version, before)
}

/// Two handles as two processes have them. Without row locks the second is turned away until the first has ended.
pub async fn two_sending_processes_never_hold_the_same_row(place: &dyn Place) -> Checked {
    let (one, two) = (ready(place).await?, elsewhere(place)?);
    add(one.as_ref(), &["1", "2", "3"]).await?;
    let first_lock = one.lock_submit().await?;
    if place.facts().row_locks {
        let _second_lock = two.lock_submit().await?;
        let first = take(one.as_ref(), &["1", "2"]).await?;
        let second = take(two.as_ref(), &["1", "2", "3"]).await?;
        same("rows of the first", ids_of(first.as_ref()), ["1", "2"])?;
        same("rows of the second", ids_of(second.as_ref()), ["3"])?;
        first.record(vec![accepted("1", "a", 1)]).await?;
        drop(second);
        let third = take(two.as_ref(), &["1", "2"]).await?;
        return same("rows that are left", ids_of(third.as_ref()), ["2"]);
    }
    let error = an_error("a second sending process", two.lock_submit().await.map(drop))?;
    same("its kind", error.kind(), Kind::Busy)?;
    holds("advice", !error.advice().is_empty())?;
    drop(first_lock);
    let _second_lock = two.lock_submit().await?;
    same("the kind for the first, now second", an_error("it", one.lock_submit().await.map(drop))?.kind(), Kind::Busy)
}

/// Sends everything there is, in small batches; returns what it sent.
async fn send_all(staging: Arc<dyn Staging>, sender: usize) -> Checked<Vec<String>> {
    let mut sent = Vec::new();
    for round in 0..5_000 {
        let wanted = candidates(staging.as_ref(), Choice::AsStaged).await?;
        if wanted.is_empty() {
            return Ok(sent);
        }
        for (at, part) in wanted.chunks(50).enumerate() {
            let mut claim = staging.claim(part, Choice::AsStaged).await?;
            let ids = ids_of(claim.as_ref());
            if ids.is_empty() {
                continue;
            }
            let attempt = format!("{sender}-{round}-{at}");
            for id in &ids[..1] {
                intent(staging.as_ref(), &attempt, id, None).await?;
            }
            same("whether the claim holds", claim.still_held().await?, true)?;
            claim.record(ids.iter().map(|id| accepted(id, &attempt, 1)).collect()).await?;
            sent.extend(ids);
        }
        tokio::task::yield_now().await;
    }
    Err(Failure::broken("an end", "candidates after thousands of rounds"))
}

/// Four processes where rows can be locked, else four tasks of one; 2,000 rows.
pub async fn four_senders_at_once_send_each_row_exactly_once(place: &dyn Place) -> Checked {
    let first = ready(place).await?;
    let applied = apply(first.as_ref(), many(2000).iter().map(|id| new_child(id, 1)).collect()).await?;
    same("rows written", applied.written, 2000)?;
    let mut locks: Vec<Box<dyn Guard>> = Vec::new();
    let mut senders = JoinSet::new();
    for sender in 0..4 {
        let staging = if place.facts().row_locks { elsewhere(place)? } else { first.clone() };
        if locks.is_empty() || place.facts().row_locks {
            locks.push(staging.lock_submit().await?);
        }
        senders.spawn(send_all(staging, sender));
    }
    let mut times: HashMap<String, usize> = HashMap::new();
    while let Some(ended) = senders.join_next().await {
        let sent = ended.map_err(|_| Failure::broken("an end of each sender", "a panic"))??;
        sent.into_iter().for_each(|id| *times.entry(id).or_default() += 1);
    }
    same("rows sent", times.len(), 2000)?;
    same("rows sent more than once", times.values().filter(|times| **times > 1).count(), 0)?;
    let rows = first.ledger(&many(2000)).await?;
    same("rows that say so", rows.iter().filter(|row| row.status == Status::Sent).count(), 2000)?;
    same("rows with an open intent", rows.iter().filter(|row| row.open_intent).count(), 0)
}

/// A sender is killed, or its host is lost: its rows are free without anybody's doing.
pub async fn a_cut_connection_frees_the_rows_of_its_claim(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1", "2"]).await?;
    let before = row(staging.as_ref(), "1").await?.version;
    let lock = staging.lock_submit().await?;
    let lost = take(staging.as_ref(), &["1", "2"]).await?;
    place.cut_connections().await?;
    let other = elsewhere(place)?;
    let _lock = other.lock_submit().await?;
    let claim = take(other.as_ref(), &["1", "2"]).await?;
    same("rows that another process can have", ids_of(claim.as_ref()), ["1", "2"])?;
    drop(claim);
    an_error("an outcome on a lost connection", lost.record(vec![accepted("1", "a", 1)]).await)?;
    same("the row's version after that", row(other.as_ref(), "1").await?.version, before)?;
    drop(lock);
    Ok(())
}

/// A request must not leave for a row that somebody else may have by now.
pub async fn a_claim_on_a_cut_connection_is_no_longer_held(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1"]).await?;
    let mut claim = take(staging.as_ref(), &["1"]).await?;
    same("whether it is held", claim.still_held().await?, true)?;
    place.cut_connections().await?;
    match claim.still_held().await {
        Ok(false) => {}
        Ok(true) => return Err(Failure::broken("a claim that is lost", "one that says it is held")),
        Err(error) if error.kind() == Kind::Internal => {
            return Err(Failure::broken("false, or an error that says what happened", format!("{error:?}")));
        }
        Err(_) => {}
    }
    drop(claim);
    // The same process goes on, with new connections, whatever idle ones it had.
    let mut ledger = staging.ledger(&strings(&["1"])).await;
    for _ in 0..10 {
        if ledger.is_ok() {
            break;
        }
        ledger = staging.ledger(&strings(&["1"])).await;
    }
    same("rows of the next ledger", ledger?.len(), 1)
}

/// Its own intents do not lose it. Where a lock keeps a change out, it goes on being held.
pub async fn a_claim_is_held_until_one_of_its_rows_changes(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let changes = [
        ("submission_status", Value::text("sent")),
        ("row_state", Value::text("deleted")),
        ("current_hash", Value::Bytes(hash(9).to_vec())),
        ("current_hash", Value::Null),
        ("partial_json_payload", Value::text(json(9))),
        ("partial_json_payload", Value::Null),
    ];
    for (at, (column, value)) in changes.into_iter().enumerate() {
        let ids = [format!("{at}"), format!("beside {at}")];
        let prepared = |id: &String| Write { outgoing: Some(json(5)), ..new_child(id, 1) };
        apply(staging.as_ref(), ids.iter().map(prepared).collect()).await?;
        let mut claim = staging.claim(&ids, Choice::AsStaged).await?;
        same("whether it is held", claim.still_held().await?, true)?;
        intent(staging.as_ref(), &format!("attempt {at}"), &ids[0], None).await?;
        same("whether it is held with an intent of its own", claim.still_held().await?, true)?;
        let touched = place.update(STAGING, &[(column, value.clone())], Some(("person_id", &ids[0]))).await?;
        let what = format!("whether it is held after {column} became {value:?} ({touched:?})");
        same(&what, claim.still_held().await?, touched == Touched::KeptOut)?;
    }
    Ok(())
}

/// Either the change is missed, or the claim is lost.
pub async fn stage_and_a_sender_never_both_have_a_row(place: &dyn Place) -> Checked {
    let (sender, stage) = (ready(place).await?, elsewhere(place)?);
    add(sender.as_ref(), &["1", "2"]).await?;
    let rows = stage.ledger(&strings(&["1", "2"])).await?;
    let mut claim = take(sender.as_ref(), &["1"]).await?;
    let applied = apply(stage.as_ref(), rows.iter().map(|row| changed(row, 2)).collect()).await?;
    let missed = applied.missed == ["1"];
    holds("the free row written", applied.written == if missed { 1 } else { 2 })?;
    same("whether the claim holds", claim.still_held().await?, missed)?;
    claim.record(vec![accepted("1", "a", 1)]).await?;
    let (status, row_state, _) = state(stage.as_ref(), "1").await?;
    let expected = if missed { (Status::Sent, RowState::Unchanged) } else { (Status::Pending, RowState::Updated) };
    same("the row", (status, row_state), expected)
}

/// On one table, by whatever process; a sender is another matter. The lock ends with its guard.
pub async fn one_process_stages_at_a_time(place: &dyn Place) -> Checked {
    let (one, two) = (ready(place).await?, elsewhere(place)?);
    let stage = one.lock_stage(None).await?;
    let submit = two.lock_submit().await?;
    for (what, staging) in [("another process", &two), ("the same process", &one)] {
        let error = an_error(&format!("a second stage by {what}"), staging.lock_stage(None).await.map(drop))?;
        same("its kind", error.kind(), Kind::Busy)?;
        holds("advice", !error.advice().is_empty())?;
    }
    drop(stage);
    let mut again = two.lock_stage(None).await;
    for _ in 0..1000 {
        if again.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        again = two.lock_stage(None).await;
    }
    again?;
    drop(submit);
    Ok(())
}
