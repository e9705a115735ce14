//! Children whom somebody asks to have sent again.

use csc_bridge_core::staging::{Choice, Held, Resubmitted, RowState, Staging, Status, Write};

use super::steps::*;
use crate::failure::{Checked, same};
use crate::{Place, Value};

/// A child of whom the document of n is held, and so far wanted.
fn at_rest(id: &str, n: u8) -> Write {
    Write { status: Status::Sent, row_state: RowState::Unchanged, held: Held::Document(hash(n)), ..new_child(id, n) }
}

async fn resubmit(staging: &dyn Staging, ids: &[&str], choice: Choice) -> Checked<Vec<Resubmitted>> {
    let _locks = (staging.lock_stage(None).await?, staging.lock_submit().await?);
    Ok(staging.resubmit(&strings(ids), choice, false).await?)
}

/// A row at rest becomes pending, one that waits for a change unsure, and what was prepared for either is gone. Once is enough.
pub async fn who_is_asked_for_is_sent_in_full(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    let changed = |id, status| Write {
        status,
        row_state: RowState::Updated,
        outgoing: Some(json(5)),
        held: Held::Document(hash(2)),
        ..new_child(id, 1)
    };
    let rows = vec![
        at_rest("rest", 1),
        at_rest("other", 1),
        changed("changed", Status::Pending),
        changed("failed", Status::Error),
        new_child("new", 1),
    ];
    apply(staging, rows).await?;
    set(place, "rest", &[("last_updated", Value::Timestamp(LONG_AGO.to_owned()))]).await?;
    let other = row(staging, "other").await?.version;
    let asked = ["new", "failed", "rest", "nobody", "changed"];
    for choice in [Choice::AsStaged, Choice::Prepared] {
        use Resubmitted::{AlreadyPending, Marked, Unknown};
        let first = choice == Choice::AsStaged;
        let once = if first { Marked } else { AlreadyPending };
        let expected = [AlreadyPending, once, once, Unknown, once];
        same("what became of each, in their order", resubmit(staging, &asked, choice).await?, expected)?;
        let rest = (Status::Pending, RowState::Unchanged, Held::Document(hash(1)));
        same("the row at rest", state(staging, "rest").await?, rest)?;
        let unsure = |status| (status, RowState::Updated, Held::Unsure);
        same("the changed row", state(staging, "changed").await?, unsure(Status::Pending))?;
        same("the row in error", state(staging, "failed").await?, unsure(Status::Error))?;
        same("the new row", state(staging, "new").await?, (Status::Pending, RowState::New, Held::Nothing))?;
    }
    for id in ["changed", "failed"] {
        same("what is prepared", staged(place, id, "partial_json_payload").await?, None)?;
        let hash = row(staging, id).await?.version.previous_hash;
        same("its version's hash", hash, Some(vec![0; 32]))?;
    }
    same("whether a mark is a write", row(staging, "rest").await?.age.as_secs() < 3600, true)?;
    same("the other row", row(staging, "other").await?.version, other)?;
    let mut found = candidates(staging, Choice::AsStaged).await?;
    found.sort();
    same("candidates", found, ["changed", "failed", "new", "rest"])
}

/// Out of the cohort, withdrawn, another word: they keep what they have, a purge that is staged among it.
pub async fn who_is_never_sent_is_not_marked(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    let purge = Some(PURGE.to_owned());
    let rows = vec![
        Write { row_state: RowState::Deleted, outgoing: purge, status: Status::Pending, ..at_rest("gone", 1) },
        Write { row_state: RowState::Left, ..at_rest("left", 1) },
        Write { status: Status::Withdrawn, ..at_rest("withdrawn", 1) },
        at_rest("testing", 1),
    ];
    apply(staging, rows).await?;
    set(place, "testing", &[("submission_status", Value::text("Testing"))]).await?;
    let ids = ["gone", "left", "withdrawn", "testing"];
    let before = versions(staging, &ids).await?;
    for choice in [Choice::AsStaged, Choice::Prepared] {
        use Resubmitted::{Kept, Out};
        same("what became of each", resubmit(staging, &ids, choice).await?, [Out, Out, Out, Kept])?;
        same("the rows", versions(staging, &ids).await?, before.clone())?;
    }
    same_json("the purge", staged(place, "gone", "partial_json_payload").await?.as_deref(), PURGE)
}

async fn versions(staging: &dyn Staging, ids: &[&str]) -> Checked<Vec<csc_bridge_core::staging::RowVersion>> {
    let mut versions = Vec::new();
    for id in ids {
        versions.push(row(staging, id).await?.version);
    }
    Ok(versions)
}

/// It says what would be marked.
pub async fn a_dry_look_marks_nothing(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    apply(staging, vec![at_rest("1", 1), new_child("2", 1)]).await?;
    let before = versions(staging, &["1", "2"]).await?;
    let ids = strings(&["1", "2", "3"]);
    // Whoever looks needs no lock, and waits for none.
    let _locks = (staging.lock_stage(None).await?, staging.lock_submit().await?);
    let found = elsewhere(place)?.resubmit(&ids, Choice::AsStaged, true).await?;
    same("what would become", found, [Resubmitted::Marked, Resubmitted::AlreadyPending, Resubmitted::Unknown])?;
    same("the rows", versions(staging, &["1", "2"]).await?, before)
}

/// Its answer decides what becomes of the row.
pub async fn a_row_on_its_way_is_not_marked(place: &dyn Place) -> Checked {
    let (one, sender) = (ready(place).await?, elsewhere(place)?);
    let one = one.as_ref();
    add(one, &["asked", "claimed"]).await?;
    apply(one, vec![at_rest("lost", 1)]).await?;
    intent(one, "a", "lost", None).await?;
    let claim = take(sender.as_ref(), &["asked", "claimed"]).await?;
    intent(sender.as_ref(), "b", "asked", None).await?;
    // Without row locks only the sending process knows what it has claimed: there the submit lock keeps others out.
    let marker = if place.facts().row_locks { one } else { sender.as_ref() };
    let found = marker.resubmit(&strings(&["asked", "lost", "claimed"]), Choice::AsStaged, false).await?;
    same("what became of each", found, [Resubmitted::Waiting; 3])?;
    same("the lost one", state(one, "lost").await?, (Status::Sent, RowState::Unchanged, Held::Document(hash(1))))?;
    claim.record(vec![accepted("asked", "b", 1)]).await?;
    let sent = (Status::Sent, RowState::Unchanged, Held::Document(hash(1)));
    same("the one that was accepted", state(one, "asked").await?, sent)?;
    same("who is marked then", resubmit(one, &["asked"], Choice::AsStaged).await?, [Resubmitted::Marked])
}

/// Of theirs the word is written, and nothing else: not the time by which the newest is told.
pub async fn of_several_rows_the_newest_is_marked_by_its_word_alone(place: &dyn Place) -> Checked {
    let rows = [
        (1, "sent", "Sent", "Unchanged", Some("2026-01-02")),
        (2, "sent ", "pending", "updated", Some("2026-01-01")),
        (3, "gone", "sent", "unchanged", Some("2026-01-01")),
        (4, "gone", "Sent", "Deleted", Some("2026-01-02")),
        (5, "asks", "Error", "updated", None),
    ];
    let staging = filled_by_sql(place, &rows).await?;
    let columns = ["id", "row_state", "last_updated", "json_payload", "current_hash", "previous_hash"];
    let before = place.read(STAGING, &columns).await?;
    let found = resubmit(staging.as_ref(), &["sent", "gone", "asks"], Choice::Sql).await?;
    same("what became of each", found, [Resubmitted::Marked, Resubmitted::Out, Resubmitted::AlreadyPending])?;
    same("all but the words", place.read(STAGING, &columns).await?, before)?;
    let mut words = place.read(STAGING, &["id", "submission_status"]).await?;
    words.sort();
    let words: Vec<String> = words.into_iter().filter_map(|mut row| row.pop().flatten()).collect();
    same("the words", words, ["pending", "pending", "sent", "Sent", "Error"])?;
    let claim = staging.claim(&strings(&["sent", "gone"]), Choice::Sql).await?;
    same("rows claimed", claim.rows().iter().map(|row| row.document.clone()).collect::<Vec<_>>(), ["{\"id\":1}"])
}

/// Nobody else's row is marked for an id that is nearly theirs, or that no table can have.
pub async fn ids_asked_for_are_exact(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    let there = ["007", "0x1", "a", "1.0", "é", "padded"];
    apply(staging, there.iter().map(|id| at_rest(id, 1)).collect()).await?;
    set(place, "padded", &[("person_id", Value::text(" padded\u{3000}"))]).await?;
    let (long, astral) = ("7".repeat(201), "😀".repeat(101));
    let nearly = ["7", "0X1", "1", "A", "e", "pad", "0x1\0", "'; --", "%", &long, &astral];
    let found = resubmit(staging, &nearly, Choice::AsStaged).await?;
    same("what became of ids that are nearly there", found, [Resubmitted::Unknown; 11])?;
    same("candidates", candidates(staging, Choice::AsStaged).await?.len(), 0)?;
    let found = resubmit(staging, &there, Choice::AsStaged).await?;
    same("what became of ids that are there", found, [Resubmitted::Marked; 6])?;
    same("candidates", candidates(staging, Choice::AsStaged).await?.len(), 6)
}

/// More than go into one transaction, every third of them unknown.
pub async fn thousands_are_marked_in_their_order(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    let all = many(4_500);
    let there = |at: &usize| !at.is_multiple_of(3);
    let rows = (0..all.len()).filter(there).map(|at| at_rest(&all[at], 1)).collect();
    apply(staging, rows).await?;
    let found = {
        let _locks = (staging.lock_stage(None).await?, staging.lock_submit().await?);
        staging.resubmit(&all, Choice::AsStaged, false).await?
    };
    let expected = |at| if there(&at) { Resubmitted::Marked } else { Resubmitted::Unknown };
    same("what became of each", found, (0..all.len()).map(expected).collect::<Vec<_>>())?;
    same("candidates", candidates(staging, Choice::AsStaged).await?.len(), 3_000)?;
    same("what became of nobody", staging.resubmit(&[], Choice::AsStaged, false).await?, [])
}
