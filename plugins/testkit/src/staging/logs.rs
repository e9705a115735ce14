//! What the two logs remember.

use std::time::Duration;

use csc_bridge_core::staging::{Choice, Hash, LastStaged, RowState, RunRecord, Staging, Status};

use super::steps::*;
use crate::failure::{Checked, holds, same};
use crate::{Place, Touched, Value};

async fn send(place: &dyn Place, staging: &dyn Staging, attempt_id: &str, n: u8) -> Checked {
    set(place, "1", &[("submission_status", Value::text("pending"))]).await?;
    let claim = take(staging, &["1"]).await?;
    intent_of(staging, attempt_id, "1", n).await?;
    Ok(claim.record(vec![accepted("1", attempt_id, n)]).await?)
}

/// As a claim of a table that others fill and the stored documents tell it.
async fn is_known(place: &dyn Place, staging: &dyn Staging, expected: Option<Hash>) -> Checked {
    set(place, "1", &[("submission_status", Value::text("pending"))]).await?;
    let claim = staging.claim(&strings(&["1"]), Choice::Sql).await?;
    same("rows claimed", claim.rows().len(), 1)?;
    same("the hash last accepted, by a claim", claim.rows()[0].accepted_hash, expected)?;
    drop(claim);
    // Some products free the rows of a claim that was dropped a moment later: a change waits for that, a claim would not.
    set(place, "1", &[("submission_status", Value::text("pending"))]).await?;
    let documents = staging.documents(&strings(&["1"])).await?;
    same("the hash last accepted, by the documents", documents.first().and_then(|d| d.accepted_hash), expected)
}

/// The row's own history, by which what other tools left is judged.
pub async fn the_hash_last_accepted_is_known_until_a_request_is_lost_or_a_purge_accepted(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    add(staging, &["1", "2"]).await?;
    is_known(place, staging, None).await?;
    send(place, staging, "a", 1).await?;
    send(place, staging, "b", 2).await?;
    is_known(place, staging, Some(hash(2))).await?;
    // A refusal changes nothing of what was accepted.
    let claim = take(staging, &["1"]).await?;
    intent_of(staging, "c", "1", 3).await?;
    claim.record(vec![refused("1", "c")]).await?;
    is_known(place, staging, Some(hash(2))).await?;
    intent_of(staging, "d", "1", 4).await?;
    same("rows made unsure", recover(staging).await?, 1)?;
    is_known(place, staging, None).await?;
    send(place, staging, "e", 5).await?;
    is_known(place, staging, Some(hash(5))).await?;
    set(place, "1", &[("row_state", Value::text("left")), ("submission_status", Value::text("pending"))]).await?;
    let claim = take(staging, &["1"]).await?;
    intent_of(staging, "f", "1", 5).await?;
    claim.record(vec![purged("1", "f")]).await?;
    set(place, "1", &[("row_state", Value::text("new"))]).await?;
    is_known(place, staging, None).await?;
    same("what is known of the other child", staging.documents(&strings(&["2"])).await?[0].accepted_hash, None)
}

fn run(run_id: &str, command: &str, exit_code: i32, table_rows: Option<&str>) -> RunRecord {
    RunRecord {
        run_id: run_id.to_owned(),
        command: command.to_owned(),
        shard: None,
        run_date: format!("2026-01-{run_id}"),
        exit_code,
        seconds: 2,
        table_rows: table_rows.map(str::to_owned),
        report: "{\"a\":1}".to_owned(),
    }
}

/// Not one that only sent.
pub async fn the_last_run_that_finished_staging_is_found(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    same("the last run before any", staging.last_staged().await?, [])?;
    for (run_id, rows) in [("01", None), ("02", Some("{\"person\":1}")), ("03", Some("{\"person\":2}")), ("04", None)] {
        staging.record_run(&run(run_id, "stage", 0, rows)).await?;
    }
    let rows = "{\"person\":2}".to_owned();
    let expected = LastStaged { shard: None, run_date: "2026-01-03".to_owned(), table_rows: rows };
    same("the last run", elsewhere(place)?.last_staged().await?, [expected])
}

/// The numbers behind `csc-bridge status`.
pub async fn the_status_counts_rows_and_shows_the_last_run(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    add(staging, &["1", "2", "3", "4"]).await?;
    let claim = take(staging, &["1", "2"]).await?;
    for (attempt, id) in [("a", "1"), ("b", "2"), ("c", "3")] {
        intent(staging, attempt, id, None).await?;
    }
    claim.record(vec![accepted("1", "a", 1), refused("2", "b")]).await?;
    set(place, "4", &[("previous_hash", Value::Bytes(vec![0; 32])), ("row_state", Value::text("Updated"))]).await?;
    staging.record_run(&run("01", "stage", 0, None)).await?;
    staging.record_run(&run("02", "run", 3, None)).await?;
    let report = staging.status().await?;
    let mut states = report.states.rows;
    states.sort();
    let mut counted = staging.states().await?;
    counted.rows.sort();
    let expected = vec![
        (Status::Pending, RowState::New, false, 1),
        (Status::Pending, RowState::Updated, true, 1),
        (Status::Sent, RowState::Unchanged, false, 1),
        (Status::Error, RowState::New, false, 1),
    ];
    same("rows by state", &states, &expected)?;
    same("rows by state, without the rest", (&counted.rows, counted.open_intents), (&expected, 1))?;
    same("open intents", report.states.open_intents, 1)?;
    holds("the oldest row to be sent", report.oldest_pending.is_some())?;
    same("reasons", report.errors, vec![(REASON.to_owned(), 1)])?;
    let last = report.last_run.map(|run| (run.run_id, run.command, run.exit_code));
    same("the last run", last, Some(("02".to_owned(), "run".to_owned(), 3)))
}

/// Open intents, what was accepted last, the last run that staged.
pub async fn pruning_keeps_what_is_still_needed(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let staging = staging.as_ref();
    add(staging, &["1"]).await?;
    send(place, staging, "a", 1).await?;
    send(place, staging, "b", 2).await?;
    set(place, "1", &[("submission_status", Value::text("pending"))]).await?;
    let claim = take(staging, &["1"]).await?;
    intent(staging, "c", "1", None).await?;
    claim.record(vec![refused("1", "c")]).await?;
    intent(staging, "open", "1", None).await?;
    for (run_id, rows) in [("01", Some("{}")), ("02", Some("{}")), ("03", None)] {
        staging.record_run(&run(run_id, "run", 0, rows)).await?;
    }
    let year = Duration::from_secs(365 * 86_400);
    same("rows deleted while nothing is old", staging.prune(year).await?, 0)?;
    let long_ago = || Value::Timestamp(LONG_AGO.to_owned());
    for (table, column, only) in [
        (LOG, "opened_at", None),
        (LOG, "closed_at", Some(("attempt_id", "a"))),
        (LOG, "closed_at", Some(("attempt_id", "b"))),
        (LOG, "closed_at", Some(("attempt_id", "c"))),
        (RUNS, "ended_at", None),
    ] {
        same("what becomes of a change", place.update(table, &[(column, long_ago())], only).await?, Touched::Done)?;
    }
    same("rows deleted", staging.prune(year).await?, 4)?;
    let attempts = place.read(LOG, &["attempt_id"]).await?;
    same("requests that are left", attempts.into_iter().flatten().flatten().collect::<Vec<_>>(), ["b", "open"])?;
    same(
        "the last run",
        staging.last_staged().await?.first().map(|last| last.run_date.clone()),
        Some("2026-01-02".to_owned()),
    )?;
    same("runs that are left", place.read(RUNS, &["run_id"]).await?.len(), 1)
}
