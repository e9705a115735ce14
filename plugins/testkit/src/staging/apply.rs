//! What `stage` writes.

use std::collections::HashSet;

use csc_bridge_core::staging::{Applied, Held, RowState, Status, Write};

use super::steps::*;
use crate::failure::{Checked, Failure, holds, refused as an_error, same};
use crate::{Place, Touched, Value};

/// Changes of 0, 1, 999 and 10,000 rows, new and changed.
pub async fn nothing_one_some_and_ten_thousand_changes_are_applied(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    same("what no change does", staging.changes().await?.apply().await?, Applied::default())?;
    same("what an empty push does", apply(staging.as_ref(), Vec::new()).await?, Applied::default())?;
    let mut there = 0;
    for (n, count) in [(1, 1), (2, 999), (3, 10_000)] {
        let ids = many(count);
        let mut changes = staging.changes().await?;
        let rows = staging.ledger(&ids).await?;
        same("rows there before", rows.len(), there)?;
        changes.push(rows.iter().map(|row| changed(row, n)).collect()).await?;
        // In parts, as a run pushes them.
        for part in ids[there..].chunks(1501) {
            changes.push(part.iter().map(|id| new_child(id, n)).collect()).await?;
        }
        let applied = changes.apply().await?;
        same("rows written and missed", (applied.written, applied.missed.len()), (count as u64, 0))?;
        let after = staging.ledger(&ids).await?;
        same("rows there", after.len(), count)?;
        same("rows with the new hash", after.iter().filter(|row| row.current_hash == Some(hash(n))).count(), count)?;
        there = count;
    }
    let last = staging.documents(&strings(&["P0", "P9999"])).await?;
    for document in &last {
        same_json("a document that was written", document.current.as_deref(), &json(3))?;
    }
    same("documents", last.len(), 2)?;
    same("legacy_id", staged(place, "P9999", "legacy_id").await?.as_deref(), Some("legacy"))
}

/// So that guards can judge a whole run first.
pub async fn nothing_is_written_before_apply_nor_after_a_drop(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let mut changes = staging.changes().await?;
    changes.push(many(3000).iter().map(|id| new_child(id, 1)).collect()).await?;
    same("rows before apply", place.read(STAGING, &["person_id"]).await?.len(), 0)?;
    drop(changes);
    same("rows after the changes were dropped", place.read(STAGING, &["person_id"]).await?.len(), 0)?;
    same("what the next changes do", staging.changes().await?.apply().await?, Applied::default())
}

/// A run that is repeated does no harm.
pub async fn the_same_changes_again_are_missed_and_write_nothing(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1"]).await?;
    let before = row(staging.as_ref(), "1").await?;
    let writes = || vec![changed(&before, 2), new_child("2", 2)];
    same("rows written", apply(staging.as_ref(), writes()).await?.written, 2)?;
    let columns = ["person_id", "json_payload", "submission_status", "row_state", "last_updated"];
    let after = place.read(STAGING, &columns).await?;
    let again = apply(staging.as_ref(), writes()).await?;
    same("rows written again", again.written, 0)?;
    same("children missed", sorted(again.missed), ["1", "2"])?;
    same("the table after that", place.read(STAGING, &columns).await?, after)
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

/// Two rows as read, one of which changes before they are written.
async fn noticed(place: &dyn Place, column: &str, values: &[Value]) -> Checked {
    let staging = ready(place).await?;
    for (at, value) in values.iter().enumerate() {
        let ids = [format!("changed {at}"), format!("same {at}")];
        add(staging.as_ref(), &[&ids[0], &ids[1]]).await?;
        let rows = staging.ledger(&ids).await?;
        set(place, &ids[0], &[(column, value.clone())]).await?;
        let applied = apply(staging.as_ref(), rows.iter().map(|row| changed(row, 9)).collect()).await?;
        let found = (applied.written, applied.missed);
        same(&format!("rows written and missed after {column} became {value:?}"), found, (1, vec![ids[0].clone()]))?;
        same("the hash of the row that changed", row(staging.as_ref(), &ids[0]).await?.current_hash, Some(hash(1)))?;
        same("the hash of the other", row(staging.as_ref(), &ids[1]).await?.current_hash, Some(hash(9)))?;
    }
    Ok(())
}

/// From nothing to a hash: a sender recorded an acceptance.
pub async fn a_change_of_previous_hash_is_noticed(place: &dyn Place) -> Checked {
    noticed(place, "previous_hash", &[Value::Bytes(vec![0; 32]), Value::Bytes(hash(1).to_vec())]).await
}

/// Even of its case alone: somebody wrote it.
pub async fn a_change_of_submission_status_is_noticed(place: &dyn Place) -> Checked {
    noticed(place, "submission_status", &[Value::text("sent"), Value::text("Pending"), Value::Null]).await
}

/// To a word and to null.
pub async fn a_change_of_row_state_is_noticed(place: &dyn Place) -> Checked {
    noticed(place, "row_state", &[Value::text("updated"), Value::text("New"), Value::Null]).await
}

/// To another time and to none.
pub async fn a_change_of_last_updated_is_noticed(place: &dyn Place) -> Checked {
    let times = ["2026-01-01 00:00:00.000", "2026-01-01 00:00:00.001"].map(|time| Value::Timestamp(time.to_owned()));
    noticed(place, "last_updated", &times).await?;
    let staging = ready(place).await?;
    // A thousandth of a second is a difference.
    add(staging.as_ref(), &["1"]).await?;
    set(place, "1", &[("last_updated", times[0].clone())]).await?;
    let before = row(staging.as_ref(), "1").await?;
    set(place, "1", &[("last_updated", times[1].clone())]).await?;
    same("rows written", apply(staging.as_ref(), vec![changed(&before, 9)]).await?.written, 0)?;
    set(place, "1", &[("last_updated", Value::Null)]).await?;
    let before = row(staging.as_ref(), "1").await?;
    same("rows without a time written", apply(staging.as_ref(), vec![changed(&before, 9)]).await?.written, 1)
}

/// Somebody deleted it.
pub async fn a_row_that_went_is_missed(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1", "2"]).await?;
    let rows = staging.ledger(&strings(&["1", "2"])).await?;
    same("what becomes of a deletion", place.delete(STAGING, Some(("person_id", "1"))).await?, Touched::Done)?;
    let applied = apply(staging.as_ref(), rows.iter().map(|row| changed(row, 2)).collect()).await?;
    same("rows written and missed", (applied.written, applied.missed), (1, strings(&["1"])))?;
    same("rows in the table", place.read(STAGING, &["person_id"]).await?.len(), 1)
}

/// Somebody else was first, perhaps with padding; what is there stays.
pub async fn a_new_child_that_has_a_row_after_all_is_missed(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1", "2"]).await?;
    set(place, "2", &[("person_id", Value::text(" 2"))]).await?;
    let applied = apply(staging.as_ref(), ["1", "2", "3"].map(|id| new_child(id, 9)).into()).await?;
    same("rows written and missed", (applied.written, sorted(applied.missed)), (1, strings(&["1", "2"])))?;
    same("the hash of one that was there", row(staging.as_ref(), "1").await?.current_hash, Some(hash(1)))?;
    same("rows in the table", place.read(STAGING, &["person_id"]).await?.len(), 3)
}

/// The row of a child that left.
pub async fn without_a_document_the_row_keeps_its_own(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1"]).await?;
    let before = row(staging.as_ref(), "1").await?;
    let write = Write {
        document: None,
        status: Status::Withdrawn,
        row_state: RowState::Left,
        held: Held::Document(hash(5)),
        ..changed(&before, 1)
    };
    same("rows written", apply(staging.as_ref(), vec![write]).await?.written, 1)?;
    let after = state(staging.as_ref(), "1").await?;
    same("the row", after, (Status::Withdrawn, RowState::Left, Held::Document(hash(5))))?;
    same_json("its document", staged(place, "1", "json_payload").await?.as_deref(), &json(1))?;
    same("its legacy_id", staged(place, "1", "legacy_id").await?.as_deref(), Some("legacy"))
}

/// `testing` is somebody's, and means something to them.
pub async fn a_word_that_is_not_known_is_kept(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1"]).await?;
    set(place, "1", &[("submission_status", Value::text("Testing"))]).await?;
    let before = row(staging.as_ref(), "1").await?;
    let write = Write { status: before.status, ..changed(&before, 2) };
    same("rows written", apply(staging.as_ref(), vec![write]).await?.written, 1)?;
    same("the word", staged(place, "1", "submission_status").await?.as_deref(), Some("Testing"))
}

/// `partial_json_payload` is the row's new state, too.
pub async fn what_was_prepared_is_written_and_cleared(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let prepared = Write { outgoing: Some(json(8)), ..new_child("1", 1) };
    apply(staging.as_ref(), vec![prepared]).await?;
    same_json("what is prepared", staged(place, "1", "partial_json_payload").await?.as_deref(), &json(8))?;
    let before = row(staging.as_ref(), "1").await?;
    holds("a ledger that says so", before.outgoing == csc_bridge_core::staging::Outgoing::Other)?;
    apply(staging.as_ref(), vec![changed(&before, 2)]).await?;
    same("what is prepared after a write without", staged(place, "1", "partial_json_payload").await?, None)
}

/// The staging of a purge: its grace runs from when the child went.
pub async fn the_time_of_a_row_is_kept_where_a_write_does_not_touch_it(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1"]).await?;
    set(place, "1", &[("last_updated", Value::Timestamp(LONG_AGO.to_owned()))]).await?;
    let written = staged(place, "1", "last_updated").await?;
    let before = row(staging.as_ref(), "1").await?;
    apply(staging.as_ref(), vec![Write { touches: false, ..changed(&before, 2) }]).await?;
    same("the time after a write that does not touch", staged(place, "1", "last_updated").await?, written.clone())?;
    let before = row(staging.as_ref(), "1").await?;
    same("its hash", before.current_hash, Some(hash(2)))?;
    apply(staging.as_ref(), vec![changed(&before, 3)]).await?;
    holds("another time after a write that does", staged(place, "1", "last_updated").await? != written)
}

/// Transactions of some thousands of rows: those before the failure stand, the one that failed is undone whole.
pub async fn an_apply_that_fails_leaves_whole_transactions_and_quotes_no_id(place: &dyn Place) -> Checked {
    const REFUSED: usize = 3701;
    let staging = ready(place).await?;
    place.refuse(STAGING, "person_id", &format!("P{REFUSED}")).await?;
    let mut changes = staging.changes().await?;
    changes.push(many(9000).iter().map(|id| new_child(id, 1)).collect()).await?;
    let error = an_error("a row that the table refuses", changes.apply().await)?;
    holds("an error that quotes no id", !format!("{error:?}").contains(&format!("P{REFUSED}")))?;
    let rows = place.read(STAGING, &["person_id"]).await?;
    let written: HashSet<String> = rows.into_iter().filter_map(|mut row| row.swap_remove(0)).collect();
    let whole: HashSet<String> = many(written.len()).into_iter().collect();
    same("whether the first changes were written and no later ones", written == whole, true)?;
    // A transaction for each row, or none at all, would end right before the row that was refused.
    holds(&format!("a transaction's end, not {} rows", written.len()), written.len() < REFUSED)?;
    same("rows written by the next apply", apply(staging.as_ref(), vec![new_child("next", 1)]).await?.written, 1)
}

/// The server restarts, or a firewall forgets the connection, between two transactions or within one.
pub async fn an_apply_that_is_cut_off_leaves_whole_transactions_and_can_be_repeated(place: &dyn Place) -> Checked {
    const ROWS: usize = 20_000;
    let staging = ready(place).await?;
    let mut changes = staging.changes().await?;
    for part in many(ROWS).chunks(5000) {
        changes.push(part.iter().map(|id| new_child(id, 1)).collect()).await?;
    }
    let applying = tokio::spawn(changes.apply());
    while !applying.is_finished() && place.read(STAGING, &["person_id"]).await?.is_empty() {
        tokio::task::yield_now().await;
    }
    place.cut_connections().await?;
    let ended = applying.await.map_err(|_| Failure::broken("an end", "a panic"))?;
    let rows = place.read(STAGING, &["person_id"]).await?;
    let written: HashSet<String> = rows.into_iter().filter_map(|mut row| row.swap_remove(0)).collect();
    same(
        "whether the first changes were written and no later ones",
        written == many(written.len()).into_iter().collect(),
        true,
    )?;
    match ended {
        Ok(applied) => {
            same("rows of an apply that was not cut off", (applied.written, written.len()), (ROWS as u64, ROWS))?
        }
        Err(error) => {
            holds("an error that says what happened", error.kind() != csc_bridge_core::error::Kind::Internal)?
        }
    }
    let again = elsewhere(place)?;
    let applied = apply(again.as_ref(), many(ROWS).iter().map(|id| new_child(id, 1)).collect()).await?;
    same("rows written when it is repeated", applied.written as usize, ROWS - written.len())?;
    same("rows there in the end", again.ledger(&many(ROWS)).await?.len(), ROWS)
}

/// It is refused or stored whole: two children must not become one.
pub async fn an_id_that_is_too_long_is_never_cut(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let long = "x".repeat(300);
    // Whether it was refused is not the question.
    let _ = apply(staging.as_ref(), vec![new_child(&long, 1)]).await;
    for row in place.read(STAGING, &["person_id"]).await? {
        let stored = row[0].clone().unwrap_or_default();
        if stored != long {
            return Err(Failure::broken(
                "no row, or one with an id of 300 characters",
                format!("one of {}", stored.len()),
            ));
        }
    }
    Ok(())
}
