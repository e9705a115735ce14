//! Several processes stage one table, each its share of the children.

use std::sync::Arc;
use std::time::Duration;

use csc_bridge_core::error::Kind;
use csc_bridge_core::staging::{Guard, LastStaged, RunRecord, Shard, Staging};
use tokio::task::JoinSet;

use super::steps::*;
use crate::failure::{Checked, Failure, holds, refused as an_error, same};
use crate::{Place, StagingSettings, Touched, Value};

fn shard(text: &str) -> Option<Shard> {
    text.parse().ok()
}

/// Of an empty place, where each finds the same tables missing.
pub async fn four_processes_may_prepare_at_once(place: &dyn Place) -> Checked {
    let mut four = JoinSet::new();
    for _ in 0..4 {
        let staging = place.staging(&StagingSettings::default())?;
        four.spawn(async move {
            staging.prepare().await?;
            staging.is_ready().await
        });
    }
    while let Some(prepared) = four.join_next().await {
        let prepared = prepared.map_err(|_| Failure::broken("an end of preparing", "a panic"))?;
        same("whether it is ready for whoever prepared it", prepared?, true)?;
    }
    add(elsewhere(place)?.as_ref(), &["1"]).await
}

/// A lock that ended a moment ago may be had.
async fn in_time(staging: &Arc<dyn Staging>, shard: Option<Shard>) -> Checked<Box<dyn Guard>> {
    let mut lock = staging.lock_stage(shard).await;
    for _ in 0..20 {
        if lock.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        lock = staging.lock_stage(shard).await;
    }
    Ok(lock?)
}

/// But not with what stages the whole, nor with shards of another number, whose children are the same.
pub async fn shards_of_one_number_stage_together_each_once(place: &dyn Place) -> Checked {
    let (one, two, three) = (ready(place).await?, elsewhere(place)?, elsewhere(place)?);
    let first = one.lock_stage(shard("1/2")).await?;
    let second = two.lock_stage(shard("2/2")).await?;
    for (what, wanted) in [("the same shard", "0/2"), ("the whole", "whole"), ("a shard of another number", "1/4")] {
        let error = an_error(&format!("{what} beside them"), three.lock_stage(shard(wanted)).await.map(drop))?;
        same("its kind", error.kind(), Kind::Busy)?;
    }
    drop(first);
    // The other still stages.
    let error = an_error("the whole beside one of them", three.lock_stage(None).await.map(drop))?;
    same("its kind", error.kind(), Kind::Busy)?;
    let again = in_time(&one, shard("1/2")).await?;
    drop((again, second));
    let whole = in_time(&three, None).await?;
    let error = an_error("a shard beside the whole", one.lock_stage(shard("1/2")).await.map(drop))?;
    same("its kind", error.kind(), Kind::Busy)?;
    drop(whole);
    in_time(&two, shard("1/4")).await.map(drop)
}

fn run(day: &str, shard: Option<Shard>, table_rows: Option<&str>) -> RunRecord {
    RunRecord {
        run_id: day.to_owned(),
        command: "stage".to_owned(),
        shard,
        run_date: format!("2026-01-{day}"),
        exit_code: 0,
        seconds: 1,
        table_rows: table_rows.map(str::to_owned),
        report: "{}".to_owned(),
    }
}

fn last(day: &str, shard: Option<Shard>) -> LastStaged {
    LastStaged { shard, run_date: format!("2026-01-{day}"), table_rows: "{}".to_owned() }
}

/// Each shard's own, and that of the whole; pruning keeps them.
pub async fn the_last_run_of_each_shard_is_found_and_kept(place: &dyn Place) -> Checked {
    let staging = ready(place).await?;
    let rows = Some("{}");
    for record in [
        run("01", None, rows),
        run("02", shard("1/2"), rows),
        run("03", shard("2/2"), rows),
        run("04", shard("1/2"), rows),
        run("05", shard("2/2"), None),
        run("06", shard("1/4"), rows),
    ] {
        staging.record_run(&record).await?;
    }
    let expected = [last("06", shard("1/4")), last("04", shard("1/2")), last("03", shard("2/2")), last("01", None)];
    same("the last runs", elsewhere(place)?.last_staged().await?, &expected)?;
    let long_ago = [("ended_at", Value::Timestamp(LONG_AGO.to_owned()))];
    same("what becomes of a change", place.update(RUNS, &long_ago, None).await?, Touched::Done)?;
    same("rows deleted", staging.prune(Duration::from_secs(365 * 86_400)).await?, 2)?;
    same("the last runs after pruning", staging.last_staged().await?, &expected)?;
    let shown = place.read(RUNS, &["run_id", "command"]).await?;
    let shard = shown.into_iter().find(|row| row[0].as_deref() == Some("03")).and_then(|mut row| row.remove(1));
    holds("the shard in the log's own words", shard.as_deref() == Some("stage 2/2"))
}
