//! `stage`: the SSD into staged documents.

use std::sync::Arc;
use std::time::Instant;

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::payload::Plan;
use csc_bridge_core::pipeline::{self, Accepted, Event, Guard, Interrupt, StageReport, StageSettings};
use csc_bridge_core::sink::Facts;
use csc_bridge_core::staging::{RunRecord, Shard, Staging};
use jiff::civil::Date;
use serde_json::json;

use crate::cli::{Global, ShardArgs, StageArgs};
use crate::progress::Progress;
use crate::report::{Code, Report};
use crate::setup::Setup;
use crate::signal;

/// The command.
pub async fn stage(global: &Global, args: &ShardArgs, report: &mut Report) -> anyhow::Result<()> {
    let ShardArgs { stage: args, shard } = args;
    let setup = Setup::load(global, report, args.run.anon)?;
    setup.may_stage("stage")?;
    let sink = setup.sink_facts()?;
    let date = setup.run_date(args.run.run_date, sink, report)?;
    let staging = setup.staging()?;
    let plan = setup.plan(date)?;
    report.key("window", json!({ "start": plan.dates.start.to_string(), "end": plan.dates.end.to_string() }));
    if let Some(shard) = shard {
        report.key("shard", shard.to_string());
        tracing::info!(%shard, "stages a share of the children");
    }
    let began = Instant::now();
    let settings = StageSettings { shard: *shard, ..settings(&setup, sink, args, signal::listen())? };
    let staged = perform(global, &setup, plan, staging.clone(), settings).await;
    let (staged, outcome) = match staged {
        Ok(staged) => (Some(staged), Ok(())),
        Err(error) => (None, Err(error)),
    };
    let outcome = match &staged {
        Some(staged) => show(report, staged),
        None => outcome,
    };
    if let Some(shard) = shard {
        report.table("Of the children", &[("shard".to_owned(), shard.to_string())]);
    }
    log_run(&*staging, report, Logged { date, shard: *shard, began, staged: staged.as_ref() }, outcome).await
}

/// How to stage, with what the operator lets through.
///
/// # Errors
/// [`Kind::Config`]: a table that there is not.
pub fn settings(setup: &Setup, sink: Facts, args: &StageArgs, interrupt: Interrupt) -> Result<StageSettings, Error> {
    let accept = args.accept.clone();
    let known = &setup.config.definition.tables;
    if let Some(stranger) = accept.tables.iter().find(|table| !known.contains_key(*table)) {
        let message = format!("--accept-table {stranger}: the payload definition has no such table");
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        return Err(Error::new(Kind::Config, message, format!("use the SSD's own name: {}", names.join(", "))));
    }
    let accepted = Accepted {
        gone: accept.gone,
        changes: accept.changes,
        member_purges: accept.member_purges,
        tables: accept.tables,
        empty: accept.empty,
    };
    Ok(StageSettings { accepted, interrupt, ..setup.stage_settings(sink, args.run.dry_run) })
}

/// Stages, with a progress bar.
pub async fn perform(
    global: &Global,
    setup: &Setup,
    plan: Arc<Plan>,
    staging: Arc<dyn Staging>,
    settings: StageSettings,
) -> anyhow::Result<StageReport> {
    let progress = Progress::new(global, "staging", 0);
    let result = pipeline::stage(plan, setup.source()?, staging, settings, &mut |event| match event {
        Event::Children(total) => progress.total(total),
        Event::Done(done) => progress.add(done),
        Event::Document { .. } => {}
    })
    .await;
    progress.end();
    Ok(result?)
}

/// Adds what was staged to the report.
///
/// # Errors
/// What a guard stopped, with the flags that let exactly that through.
pub fn show(report: &mut Report, staged: &StageReport) -> anyhow::Result<()> {
    let counts = staged.staged;
    report.key("rows", &staged.rows);
    report.key("staged", counts);
    let findings = report.findings(&staged.findings);
    report.key("findings", findings);
    report.key("guards", &staged.guards);
    report.key("recovered", json!({ "unsure": staged.recovered }));
    if staged.left_for_next_run > 0 {
        report.at_least(Code::Failed);
    }
    let line = |name: &str, count: u64| (name.to_owned(), count.to_string());
    let mut lines = vec![line("children in the cohort", counts.cohort)];
    let rest = [
        ("new", counts.new),
        ("updated", counts.updated),
        ("unchanged", counts.unchanged),
        ("back in the cohort", counts.returned),
        ("gone from the SSD", counts.gone),
        ("left the cohort", counts.left),
        ("withdrawn before sending", counts.withdrawn),
        ("stored text refreshed", counts.refreshed),
        ("rows left for the next run", staged.left_for_next_run),
        ("answers never recorded, to be sent again", staged.recovered),
    ];
    lines.extend(rest.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| line(name, count)));
    report.table("Staged", &lines);
    let findings: Vec<(String, String)> =
        staged.findings.iter().map(|found| (found.rule.clone(), found.count.to_string())).collect();
    report.table("Left out or corrected (see: csc-bridge payload --findings)", &findings);
    stopped(staged)
}

/// What the guards that fired have to say.
fn stopped(staged: &StageReport) -> anyhow::Result<()> {
    let said: Vec<String> = staged.fired().map(explain).collect();
    if said.is_empty() {
        return Ok(());
    }
    let mut flags: Vec<&str> = staged.fired().map(|guard| guard.flag.as_str()).collect();
    flags.dedup();
    let message = format!("a guard stopped the run, nothing was written: {}", said.join("; "));
    let advice = format!(
        "see whether the SSD was refreshed whole; if all of this is right, let it through once with: {}",
        flags.join(" ")
    );
    Err(Error::new(Kind::Guard, message, advice).into())
}

fn explain(guard: &Guard) -> String {
    let Guard { name, table, value, of, limit, .. } = guard;
    match (*name, table) {
        ("empty", _) => "the SSD has no children at all, or none that can be read".to_owned(),
        (_, Some(table)) if value == of => format!("{table} has no rows, {of} in the last good run"),
        (_, Some(table)) => {
            format!("{table} has {value} rows fewer than the {of} of the last good run, {limit} at most")
        }
        ("left", _) => format!("{value} of {of} children left the cohort though no year has retired, {limit} at most"),
        ("purges", _) => format!("{value} children who are gone would be purged at DfE, {limit} at most"),
        ("max_gone", _) => format!("{value} of {of} children are gone from the SSD, {limit} at most"),
        ("max_changed", _) => format!("{value} of {of} children changed, {limit} at most"),
        _ => format!("{value} of {of} records inside documents are gone from the SSD, {limit} at most"),
    }
}

/// A run, for the run log.
pub struct Logged<'a> {
    pub date: Date,
    /// Which of the children were staged; `None`: all.
    pub shard: Option<Shard>,
    pub began: Instant,
    /// What was staged, where the run got so far.
    pub staged: Option<&'a StageReport>,
}

/// Writes the run into the run log, with the exit code that its outcome will have, and hands the outcome on. A run that failed is
/// written too, where the log can still be reached.
pub async fn log_run(
    staging: &dyn Staging,
    report: &Report,
    run: Logged<'_>,
    outcome: anyhow::Result<()>,
) -> anyhow::Result<()> {
    if report.is_dry_run() {
        return outcome;
    }
    let record = RunRecord {
        run_id: report.run_id().to_owned(),
        command: report.command().to_owned(),
        shard: run.shard,
        run_date: run.date.to_string(),
        exit_code: report.code_with(outcome.as_ref().err()),
        seconds: run.began.elapsed().as_secs() + 1,
        // What a guard stopped is nothing to compare the next run with.
        table_rows: run
            .staged
            .filter(|staged| staged.fired().next().is_none())
            .map(|staged| json!(staged.tables).to_string()),
        report: report.own_json(),
    };
    match (staging.record_run(&record).await, outcome) {
        (Ok(()), outcome) => outcome,
        (Err(error), Ok(())) => Err(error.into()),
        (Err(error), Err(first)) => {
            tracing::warn!(%error, "the failed run could not be written to the run log");
            Err(first)
        }
    }
}
