//! What a lost sender left behind.

use std::time::Duration;

use csc_bridge_core::error::Error;
use csc_bridge_core::staging::{Attempt, ClosedAs, Held, IntentRecord, RecordKind, RowState, Status, Write};

use super::steps::*;
use crate::failure::{Checked, refused as an_error, same};
use crate::{Place, Value};

/// 32 zero bytes; what was prepared is cleared, and the others are left alone.
pub async fn a_request_without_an_answer_makes_its_row_unsure_once(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    let prepared = |id| Write { outgoing: Some(json(5)), status: Status::Sent, ..new_child(id, 1) };
    apply(staging, vec![prepared("1"), prepared("2")]).await?;
    intent(staging, "a", "1", None).await?;
    intent(staging, "b", "nobody", None).await?;
    let other = row(staging, "2").await?.version;
    same("rows made unsure", recover(staging).await?, 1)?;
    same("the row", state(staging, "1").await?, (Status::Pending, RowState::Updated, Held::Unsure))?;
    same("its version's hash", row(staging, "1").await?.version.previous_hash, Some(vec![0; 32]))?;
    same("what is prepared", staged(place, "1", "partial_json_payload").await?, None)?;
    for attempt in ["a", "b"] {
        same("the outcome in the log", logged(place, attempt, "outcome").await?.as_deref(), Some("unknown"))?;
    }
    same("whether it has an open intent", row(staging, "1").await?.open_intent, false)?;
    same("the other row", row(staging, "2").await?.version, other)?;
    same("rows made unsure by another look", recover(staging).await?, 0)
}

/// It may still be on the wire.
pub async fn a_young_request_is_left_alone(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    add(staging, &["young", "old"]).await?;
    intent(staging, "a", "young", None).await?;
    intent(staging, "b", "old", None).await?;
    let long_ago = [("opened_at", Value::Timestamp(LONG_AGO.to_owned()))];
    same(
        "what becomes of a change of the log",
        place.update(LOG, &long_ago, Some(("attempt_id", "b"))).await?,
        crate::Touched::Done,
    )?;
    // An hour: mistakes of zones begin there.
    let hour = Duration::from_secs(3600);
    same("rows made unsure", staging.recover(hour, &may_hold).await?, 1)?;
    same("the young one's hash", row(staging, "young").await?.held, Held::Nothing)?;
    same("whether it has an open intent", row(staging, "young").await?.open_intent, true)?;
    same("the old one's hash", row(staging, "old").await?.held, Held::Unsure)
}

/// Its answer may come at any moment, however old the request is.
pub async fn the_row_of_a_living_sender_is_left_alone(place: &dyn Place) -> Checked {
    let (one, sender) = (ready(place).await?, elsewhere(place)?);
    add(one.as_ref(), &["1", "2"]).await?;
    let lock = sender.lock_submit().await?;
    let claim = take(sender.as_ref(), &["1"]).await?;
    intent(sender.as_ref(), "a", "1", None).await?;
    same("rows made unsure by another process", recover(one.as_ref()).await?, 0)?;
    same("the row's hash", row(one.as_ref(), "1").await?.held, Held::Nothing)?;
    // The sender itself takes up what an earlier one left, but nothing of its own.
    intent(sender.as_ref(), "b", "2", None).await?;
    same("rows made unsure by the sender", recover(sender.as_ref()).await?, 1)?;
    claim.record(vec![accepted("1", "a", 1)]).await?;
    same("the row's hash after its answer", row(one.as_ref(), "1").await?.held, Held::Document(hash(1)))?;
    intent(sender.as_ref(), "c", "1", None).await?;
    drop(lock);
    same("rows made unsure when it has gone", recover(one.as_ref()).await?, 1)
}

/// Nothing is sent for it unasked; its grace runs on.
pub async fn an_unsure_child_out_of_the_cohort_is_withdrawn_and_keeps_its_time(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    for (id, state) in [("left", "Left"), ("gone", "deleted")] {
        apply(staging, vec![Write { outgoing: Some(PURGE.to_owned()), ..new_child(id, 1) }]).await?;
        set(place, id, &[("row_state", Value::text(state)), ("last_updated", Value::Timestamp(LONG_AGO.to_owned()))])
            .await?;
        intent(staging, id, id, None).await?;
    }
    let went = staged(place, "left", "last_updated").await?;
    same("rows made unsure", recover(staging).await?, 2)?;
    same("who left", state(staging, "left").await?, (Status::Withdrawn, RowState::Left, Held::Unsure))?;
    same("who went", state(staging, "gone").await?, (Status::Withdrawn, RowState::Deleted, Held::Unsure))?;
    for id in ["left", "gone"] {
        same("what is prepared", staged(place, id, "partial_json_payload").await?, None)?;
        same("the time at which the child went", staged(place, id, "last_updated").await?, went.clone())?;
    }
    Ok(())
}

/// In the order in which they were sent; what was closed mentions nothing.
pub async fn what_lost_requests_mentioned_is_added_to_what_is_held(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    add(staging, &["1", "2", "3"]).await?;
    for id in ["1", "3"] {
        set(place, id, &[("previous_json_payload", Value::text("[\"held\"]"))]).await?;
    }
    intent(staging, "a", "1", Some("z")).await?;
    intent(staging, "b", "1", None).await?;
    intent(staging, "c", "1", Some("a")).await?;
    intent(staging, "d", "1", Some("not this")).await?;
    intent(staging, "e", "2", Some("y")).await?;
    intent(staging, "f", "3", None).await?;
    staging.close_intents("d", &strings(&["1"]), ClosedAs::NotTaken).await?;
    same("rows made unsure", recover(staging).await?, 3)?;
    for (id, expected) in [("1", "[\"held\",\"z\",\"a\"]"), ("2", "[\"y\"]"), ("3", "[\"held\"]")] {
        same_json("what may be held", staged(place, id, "previous_json_payload").await?.as_deref(), expected)?;
        same("its hash", row(staging, id).await?.held, Held::Unsure)?;
    }
    Ok(())
}

/// Nor is its intent closed: the next run tries again.
pub async fn where_it_cannot_be_said_what_is_held_nothing_is_recovered(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    add(staging, &["1"]).await?;
    intent(staging, "a", "1", Some("x")).await?;
    let fails = |_: Option<&str>, _: &str| Err(Error::internal("it cannot be said"));
    an_error("what cannot be said", staging.recover(Duration::ZERO, &fails).await)?;
    let after = row(staging, "1").await?;
    same("the row", (after.held, after.open_intent), (Held::Nothing, true))?;
    same("rows made unsure by the next run", recover(staging).await?, 1)
}

/// The others may have been taken.
pub async fn only_the_named_records_of_an_attempt_are_closed(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    add(staging, &["1", "2"]).await?;
    let attempt = Attempt { attempt_id: "a".to_owned(), run_id: "run".to_owned(), number: 1 };
    let record = |id: &str| IntentRecord {
        person_id: id.to_owned(),
        kind: RecordKind::Full,
        hash: hash(1),
        based_on: Held::Document(hash(2)),
        mentioned: None,
    };
    staging.open_intents(&attempt, &[record("1"), record("2")]).await?;
    intent(staging, "b", "1", None).await?;
    staging.close_intents("a", &strings(&["1"]), ClosedAs::NotTaken).await?;
    let mut found: Vec<(Option<String>, Option<String>, Option<String>)> = Vec::new();
    for mut row in place.read(LOG, &["attempt_id", "person_id", "outcome"]).await? {
        let outcome = row.pop().flatten();
        let person = row.pop().flatten();
        found.push((row.pop().flatten(), person, outcome));
    }
    found.sort();
    let some = |text: &str| Some(text.to_owned());
    let expected =
        vec![(some("a"), some("1"), some("not_taken")), (some("a"), some("2"), None), (some("b"), some("1"), None)];
    same("the log", found, expected)?;
    same("whether the row of the other attempt waits", row(staging, "1").await?.open_intent, true)?;
    staging.close_intents("b", &strings(&["1"]), ClosedAs::NotTaken).await?;
    same("whether it waits when both are closed", row(staging, "1").await?.open_intent, false)
}
