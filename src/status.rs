//! `status`: what the staging table holds, and how the last run ended.

use std::collections::BTreeMap;

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::staging::{LastRun, RowState, Status};
use serde_json::{Value, json};

use crate::cli::{Global, StatusArgs};
use crate::report::Report;
use crate::setup::Setup;

/// The command.
pub async fn status(global: &Global, args: &StatusArgs, report: &mut Report) -> anyhow::Result<()> {
    let setup = Setup::load(global, report, args.anon)?;
    let staging = setup.staging()?;
    if !staging.is_ready().await? {
        return Err(Error::new(Kind::Schema, "there is no staging table yet", "run: csc-bridge stage").into());
    }
    let found = staging.status().await?;
    let mut states: BTreeMap<&str, u64> = BTreeMap::new();
    for name in ["pending", "sent", "error", "withdrawn", "unsure", "deleted", "left"] {
        states.insert(name, 0);
    }
    for (status, row_state, unsure, count) in &found.states.rows {
        *states.entry(status.word()).or_default() += count;
        if *unsure {
            *states.entry("unsure").or_default() += count;
        }
        if let RowState::Deleted | RowState::Left = row_state {
            *states.entry(row_state.word()).or_default() += count;
        }
    }
    if states.get(Status::Other.word()) == Some(&0) {
        states.remove(Status::Other.word());
    }
    // The text of a reason may quote a child's data: only its code goes out of the table.
    let mut refusals: BTreeMap<Option<u16>, u64> = BTreeMap::new();
    for (reason, count) in &found.errors {
        *refusals.entry(code(reason)).or_default() += count;
    }
    let last_run = found.last_run.as_ref().map(|LastRun { run_id, command, at, exit_code }| {
        json!({ "run_id": run_id, "command": command, "at": at, "exit_code": exit_code })
    });
    let mut lines: Vec<(String, String)> =
        states.iter().map(|(name, count)| ((*name).to_owned(), count.to_string())).collect();
    lines.push(("requests without an answer".into(), found.states.open_intents.to_string()));
    lines.extend(found.oldest_pending.clone().map(|at| ("oldest change to be sent".to_owned(), at)));
    if let Some(LastRun { command, at, exit_code, .. }) = &found.last_run {
        lines.push(("last run".into(), format!("{command}, ended {at}, exit code {exit_code}")));
    }
    for (code, count) in &refusals {
        let code = code.map_or("without a code".to_owned(), |code| format!("with {code}"));
        lines.push((format!("in error {code}"), count.to_string()));
    }
    if let Some(file) = found.logs_apart {
        lines.push(("submission log, on this machine only".into(), file));
    }
    report.table("Staging", &lines);
    report.key("states", states);
    report.key("oldest_pending", found.oldest_pending);
    let refusals: Vec<Value> =
        refusals.iter().map(|(code, count)| json!({ "code": code, "path": null, "count": count })).collect();
    report.key("refusals", refusals);
    report.key("last_run", last_run);
    report.key("open_intents", found.states.open_intents);
    Ok(())
}

/// The answer's code in the words of our own reasons.
fn code(reason: &str) -> Option<u16> {
    let (_, rest) = reason.split_once("the API answered ")?;
    rest.get(..3)?.parse().ok()
}
