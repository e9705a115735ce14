//! What `stage` reads of the table.

use std::collections::HashSet;
use std::time::Duration;

use csc_bridge_core::error::Kind;
use csc_bridge_core::staging::{Choice, Held, Outgoing, RowState, Status};

use super::steps::*;
use crate::failure::{Checked, holds, refused as an_error, same};
use crate::{Place, Value};

/// Of no child, one, 999 and 10,000, in any order, without those that have none.
pub async fn the_ledger_has_the_row_of_each_child_asked_for(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    same("rows of no child in an empty table", staging.ledger(&[]).await?.len(), 0)?;
    same("rows of children in an empty table", staging.ledger(&many(999)).await?.len(), 0)?;
    let all = many(10_000);
    let applied = apply(staging.as_ref(), all.iter().map(|id| new_child(id, 1)).collect()).await?;
    same("rows written", applied.written, 10_000)?;
    for count in [0, 1, 999, 10_000] {
        // From the end, with as many that are not there.
        let mut ids: Vec<String> = all[10_000 - count..].to_vec();
        ids.extend((0..count.min(500)).map(|n| format!("nobody {n}")));
        let rows = staging.ledger(&ids).await?;
        let found: HashSet<&str> = rows.iter().map(|row| row.person_id.as_str()).collect();
        same("rows", rows.len(), count)?;
        same("children with a row", found, all[10_000 - count..].iter().map(String::as_str).collect::<HashSet<_>>())?;
    }
    let one = row(staging.as_ref(), "P17").await?;
    same(
        "the row of a new child",
        (one.status, one.row_state, one.held),
        (Status::Pending, RowState::New, Held::Nothing),
    )?;
    same("its hash", one.current_hash, Some(hash(1)))?;
    same("what is prepared", one.outgoing, Outgoing::Nothing)?;
    same("whether it has an open intent", one.open_intent, false)
}

/// Padding of another tool's does not hide a row, and its version matches itself.
pub async fn rows_of_other_tools_are_found_by_their_trimmed_id(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["1", "2"]).await?;
    set(place, "1", &[("person_id", Value::text(" 1\u{a0}"))]).await?;
    let one = row(staging.as_ref(), "1").await?;
    same("its id", one.person_id.as_str(), "1")?;
    same("its documents", staging.documents(&strings(&["1"])).await?.len(), 1)?;
    let mut keys = Vec::new();
    staging.each_key(&mut |key| keys.push(key.to_owned())).await?;
    keys.sort();
    same("the keys", keys, ["1", "2"])?;
    let applied = apply(staging.as_ref(), vec![changed(&one, 2)]).await?;
    same("changes written into it", applied.written, 1)?;
    same("rows of the table", place.read(STAGING, &["person_id"]).await?.len(), 2)
}

/// Two children, never one.
pub async fn children_alike_but_for_case_have_rows_of_their_own(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let ids = ["ab", "AB", "é", "e\u{301}", "e", "12", "１２"];
    let writes = ids.iter().enumerate().map(|(at, id)| new_child(id, at as u8)).collect();
    same("new children written", apply(staging.as_ref(), writes).await?.written, ids.len() as u64)?;
    for (at, id) in ids.iter().enumerate() {
        same("the hash of one of them", row(staging.as_ref(), id).await?.current_hash, Some(hash(at as u8)))?;
    }
    let one = row(staging.as_ref(), "AB").await?;
    apply(staging.as_ref(), vec![changed(&one, 99)]).await?;
    same("the hash of the other after a change", row(staging.as_ref(), "ab").await?.current_hash, Some(hash(0)))?;
    same("rows in all", staging.ledger(&strings(&ids)).await?.len(), ids.len())
}

/// D2I's scripts write `Pending`; null is the column's default; anything else is left alone.
pub async fn words_of_other_tools_are_read_in_any_case(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let some = |text: &str| Value::text(text);
    for (at, (status, state, read)) in [
        (some("Sent"), some("Unchanged"), (Status::Sent, RowState::Unchanged)),
        (some(" PENDING "), some("NEW"), (Status::Pending, RowState::New)),
        (some("Error"), some("Deleted"), (Status::Error, RowState::Deleted)),
        (some("testing"), some("strange"), (Status::Other, RowState::Updated)),
        (Value::Null, Value::Null, (Status::Pending, RowState::New)),
    ]
    .into_iter()
    .enumerate()
    {
        let id = at.to_string();
        add(staging.as_ref(), &[&id]).await?;
        set(place, &id, &[("submission_status", status), ("row_state", state)]).await?;
        let row = row(staging.as_ref(), &id).await?;
        same("the words", (row.status, row.row_state), read)?;
    }
    set(place, "0", &[("previous_hash", Value::Bytes(vec![0; 32]))]).await?;
    set(place, "1", &[("previous_hash", Value::Bytes(hash(7).to_vec()))]).await?;
    same("32 zero bytes", row(staging.as_ref(), "0").await?.held, Held::Unsure)?;
    same("a hash", row(staging.as_ref(), "1").await?.held, Held::Document(hash(7)))
}

/// However many there are.
pub async fn every_key_comes_once(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    for count in [0, 1, 10_000] {
        let there = staging.ledger(&many(10_000)).await?.len();
        let new = many(count).into_iter().skip(there).map(|id| new_child(&id, 1)).collect();
        apply(staging.as_ref(), new).await?;
        let mut keys = Vec::new();
        staging.each_key(&mut |key| keys.push(key.to_owned())).await?;
        same("keys", keys.len(), count)?;
        same("different keys", keys.into_iter().collect::<HashSet<_>>(), many(count).into_iter().collect())?;
    }
    Ok(())
}

/// By the database's clock; a row that does not say, or lies in the future, is of no age.
pub async fn age_is_how_long_ago_a_row_was_written(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["new", "old", "null", "future"]).await?;
    let year = Duration::from_secs(365 * 86_400);
    for (id, value) in [
        ("old", Value::Timestamp(LONG_AGO.to_owned())),
        ("null", Value::Null),
        ("future", Value::Timestamp("2999-01-01 00:00:00.000".to_owned())),
    ] {
        set(place, id, &[("last_updated", value)]).await?;
    }
    // An hour: the check must not depend on the zone of the machine, and that is where mistakes of zones begin.
    holds("a new row's age of less than an hour", row(staging.as_ref(), "new").await?.age < Duration::from_secs(3600))?;
    holds("an age of many years", row(staging.as_ref(), "old").await?.age > 20 * year)?;
    same("the age of a row that does not say", row(staging.as_ref(), "null").await?.age, Duration::ZERO)?;
    same("the age of a row in the future", row(staging.as_ref(), "future").await?.age, Duration::ZERO)
}

/// Which of them counts, nobody can say.
pub async fn two_rows_for_one_child_are_a_data_error_without_the_id(place: &dyn Place) -> Checked {
    let rows = [
        (1, "secret", "pending", "new", None),
        (2, "secret ", "pending", "new", None),
        (3, "b", "pending", "new", None),
    ];
    let staging = filled_by_sql(place, &rows).await?;
    row(staging.as_ref(), "b").await?;
    for (what, error) in [
        ("the ledger", an_error("the ledger of two rows", staging.ledger(&strings(&["b", "secret"])).await)?),
        ("candidates", an_error("candidates of two rows", staging.candidates(Choice::AsStaged).await)?),
        ("a claim", an_error("a claim of two rows", take(staging.as_ref(), &["secret"]).await.map(drop))?),
    ] {
        same(&format!("the kind of {what}'s error"), error.kind(), Kind::Data)?;
        holds("an error that quotes no id", !format!("{error:?}").contains("secret"))?;
    }
    Ok(())
}
