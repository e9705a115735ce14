//! Which rows a sender looks at, and in which order.

use csc_bridge_core::staging::{Choice, RowState, Write};

use super::steps::*;
use crate::failure::{Checked, same};
use crate::{Place, Value};

fn day(day: u32) -> Value {
    Value::Timestamp(format!("2026-01-{day:02} 00:00:00.000"))
}

/// Who waits longest is served first; a refused row holds nobody back.
pub async fn the_oldest_change_goes_first_and_errors_last(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    for (id, status, updated) in [
        ("late", "pending", day(4)),
        ("failed", "Error", day(1)),
        ("early", "Pending ", day(2)),
        ("failed later", "error", day(3)),
        ("middle", "PENDING", day(3)),
    ] {
        add(staging.as_ref(), &[id]).await?;
        set(place, id, &[("submission_status", Value::text(status)), ("last_updated", updated)]).await?;
    }
    let found = staging.candidates(Choice::AsStaged).await?;
    let found: Vec<(&str, bool)> = found.iter().map(|row| (row.person_id.as_str(), row.after_error)).collect();
    let expected = [("early", false), ("middle", false), ("late", false), ("failed", true), ("failed later", true)];
    same("candidates", found, expected)
}

/// What was sent or withdrawn, words of others, rows without a document. Null is the column's default: pending.
pub async fn what_is_not_to_be_sent_is_no_candidate(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let word = |text: &str| Value::text(text);
    for (id, column, value) in [
        ("sent", "submission_status", word("Sent")),
        ("withdrawn", "submission_status", word("withdrawn")),
        ("testing", "submission_status", word("testing")),
        ("null", "submission_status", Value::Null),
        ("pending", "submission_status", word("pending")),
    ] {
        add(staging.as_ref(), &[id]).await?;
        set(place, id, &[(column, value)]).await?;
    }
    let mut found = candidates(staging.as_ref(), Choice::AsStaged).await?;
    found.sort();
    same("candidates", found, ["null", "pending"])?;
    let claim = take(staging.as_ref(), &["sent", "withdrawn", "pending", "testing", "nobody", "null"]).await?;
    same("rows claimed of all", ids_of(claim.as_ref()), ["pending", "null"])
}

/// Its answer may still come.
pub async fn a_row_with_an_open_intent_is_no_candidate_and_is_not_claimed(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    add(staging.as_ref(), &["asked", "free"]).await?;
    intent(staging.as_ref(), "a", "asked", None).await?;
    same("whether the ledger says so", row(staging.as_ref(), "asked").await?.open_intent, true)?;
    same("candidates", candidates(staging.as_ref(), Choice::AsStaged).await?, ["free"])?;
    let claim = take(staging.as_ref(), &["asked", "free"]).await?;
    same("rows claimed", ids_of(claim.as_ref()), ["free"])
}

/// Rows out of the cohort, and rows for which something was prepared.
pub async fn each_choice_has_its_own_candidates(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    for (at, (id, state, outgoing)) in [
        ("in", RowState::New, None),
        ("prepared", RowState::Updated, Some(json(2))),
        ("gone", RowState::Deleted, None),
        ("left", RowState::Left, Some(PURGE.to_owned())),
    ]
    .into_iter()
    .enumerate()
    {
        apply(staging.as_ref(), vec![Write { row_state: state, outgoing, ..new_child(id, 1) }]).await?;
        set(place, id, &[("last_updated", day(at as u32 + 1))]).await?;
    }
    let all = strings(&["in", "prepared", "gone", "left"]);
    for (choice, expected) in [
        (Choice::AsStaged, vec!["in", "prepared", "gone", "left"]),
        (Choice::Prepared, vec!["prepared", "gone", "left"]),
        (Choice::Sql, vec!["in", "prepared"]),
    ] {
        same(&format!("candidates for {choice:?}"), candidates(staging.as_ref(), choice).await?, expected.clone())?;
        let claim = staging.claim(&all, choice).await?;
        same(&format!("rows claimed for {choice:?}"), ids_of(claim.as_ref()), expected)?;
    }
    Ok(())
}

/// By time, then by id, whatever has become of it; older rows that ask are counted as superseded.
pub async fn of_several_rows_the_one_written_last_counts(place: &dyn Place) -> Checked {
    let rows = [
        (1, "time", "pending", "new", Some("2026-01-02")),
        (2, "time ", "pending", "new", Some("2026-01-01")),
        (3, "id", "pending", "new", Some("2026-01-01")),
        (4, "id", "error", "new", Some("2026-01-01")),
        (5, "null", "pending", "new", Some("2026-01-01")),
        (6, "null", "pending", "new", None),
        (10, "sent", "pending", "new", Some("2026-01-01")),
        (12, "sent", "Sent", "Unchanged", Some("2026-01-03")),
        (13, "gone", "pending", "new", Some("2026-01-01")),
        (14, "gone", "Pending", "Deleted", Some("2026-01-02")),
        (20, "old", "sent", "unchanged", Some("2026-01-01")),
        (21, "old", "pending", "updated", Some("2026-01-02")),
    ];
    let staging = filled_by_sql(place, &rows).await?;
    let mut found = candidates(staging.as_ref(), Choice::Sql).await?;
    found.sort();
    same("candidates", found, ["id", "null", "old", "time"])?;
    same("rows that a newer one supersedes", staging.superseded().await?, 5)?;
    let claim = staging.claim(&strings(&["time", "id", "null", "sent", "gone", "old"]), Choice::Sql).await?;
    let documents: Vec<&str> = claim.rows().iter().map(|row| row.document.as_str()).collect();
    same("documents claimed", documents, ["{\"id\":1}", "{\"id\":4}", "{\"id\":5}", "{\"id\":21}"])
}

/// Its older rows are nobody's business.
pub async fn an_outcome_goes_into_the_row_that_was_claimed_and_no_other(place: &dyn Place) -> Checked {
    let rows = [
        (1, "a", "pending", "new", Some("2026-01-01")),
        (2, "a", "pending", "new", Some("2026-01-02")),
        (3, "b", "error", "updated", Some("2026-01-01")),
        (4, "b", "pending", "updated", Some("2026-01-02")),
        (5, "c", "pending", "new", Some("2026-01-01")),
        (6, "c", "pending", "new", Some("2026-01-02")),
    ];
    let staging = filled_by_sql(place, &rows).await?;
    let mut claim = staging.claim(&strings(&["a", "b", "c"]), Choice::Sql).await?;
    same("whether the claim holds beside older rows of the same hash", claim.still_held().await?, true)?;
    intent(staging.as_ref(), "x", "a", None).await?;
    intent(staging.as_ref(), "y", "b", None).await?;
    claim.record(vec![accepted("a", "x", 1), refused("b", "y"), unusable("c")]).await?;
    let mut found = place.read(STAGING, &["id", "submission_status", "row_state"]).await?;
    found.sort();
    let found: Vec<String> =
        found.into_iter().map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" ")).collect();
    let expected =
        ["1 pending new", "2 sent unchanged", "3 error updated", "4 error updated", "5 pending new", "6 error new"];
    same("the rows", found, expected)?;
    for attempt in ["x", "y"] {
        same("whether an intent is open", logged(place, attempt, "outcome").await?.is_none(), false)?;
    }
    Ok(())
}
