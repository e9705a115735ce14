//! `submit`: what is pending, sent.

use std::sync::Arc;
use std::time::Instant;

use csc_bridge_core::payload::Plan;
use csc_bridge_core::pipeline::{self, Interrupt, SubmitReport, SubmitSettings};
use csc_bridge_core::sink::Sink;
use csc_bridge_core::staging::Staging;
use serde_json::{Value, json};

use crate::cli::{Global, SubmitArgs};
use crate::progress::Progress;
use crate::report::{Code, Report};
use crate::setup::Setup;
use crate::signal;
use crate::stage::{self, Logged};

/// The command.
pub async fn submit(global: &Global, args: &SubmitArgs, report: &mut Report) -> anyhow::Result<()> {
    let setup = Setup::load(global, report, args.run.anon)?;
    let sink = setup.sink()?;
    let date = setup.run_date(args.run.run_date, setup.sink_facts()?, report)?;
    let staging = setup.staging()?;
    let began = Instant::now();
    let plan = setup.plan(date)?;
    let settings = settings(&setup, plan, report, args.run.dry_run, args.careful.canary, signal::listen());
    let submitted = perform(global, staging.clone(), sink, settings).await;
    let outcome = submitted.and_then(|submitted| show(report, submitted, 0));
    stage::log_run(&*staging, report, Logged { date, shard: None, began, staged: None }, outcome).await
}

/// How to submit.
pub fn settings(
    setup: &Setup,
    plan: Arc<Plan>,
    report: &Report,
    dry_run: bool,
    canary: bool,
    interrupt: Interrupt,
) -> SubmitSettings {
    let config = &setup.config;
    SubmitSettings {
        run_id: report.run_id().to_owned(),
        sink: config.sink.clone(),
        payload: config.payload.clone(),
        deletions: config.deletions,
        managed_by: config.staging.managed_by,
        keep_log: config.staging.keep_log,
        plan,
        dry_run,
        canary: canary.then(|| config.canary.clone()),
        interrupt,
    }
}

/// Submits, with a progress bar.
pub async fn perform(
    global: &Global,
    staging: Arc<dyn Staging>,
    sink: Arc<dyn Sink>,
    settings: SubmitSettings,
) -> anyhow::Result<SubmitReport> {
    let progress = Progress::new(global, "sending", 0);
    let bar = progress.clone();
    let tell = Arc::new(move |done, total| {
        bar.total(total);
        bar.at(done);
    });
    let result = pipeline::submit(staging, sink, settings, tell).await;
    progress.end();
    Ok(result?)
}

/// Adds what was sent to the report; `recovered` are the answers that an earlier half of the run took up.
///
/// # Errors
/// What ended the run early, so that it is the command's own error.
pub fn show(report: &mut Report, submitted: SubmitReport, recovered: u64) -> anyhow::Result<()> {
    let counts = submitted.submitted;
    report.key("submitted", counts);
    report.key("recovered", json!({ "unsure": submitted.recovered + recovered }));
    let refusals: Vec<Value> = submitted
        .refusals
        .iter()
        .map(|((status, path), count)| json!({ "code": status, "path": path, "count": count }))
        .collect();
    report.key("refusals", refusals);
    if submitted.superseded > 0 {
        let rows = submitted.superseded;
        let line = json!({ "rule": "staging.duplicate_rows", "severity": "warning", "count": rows, "example": null });
        report.key("findings", [line]);
    }
    report.key("stopped", submitted.stopped);
    if counts.refused + counts.failed > 0 {
        report.at_least(Code::SomeRefused);
    }
    if counts.unknown > 0 {
        report.at_least(Code::Failed);
    }
    let all = [
        ("accepted", counts.sent),
        ("of them partial documents", counts.partial),
        ("of them purges", counts.purged),
        ("refused", counts.refused),
        ("failed", counts.failed),
        ("answer unknown", counts.unknown),
        ("still to be sent", counts.left_pending),
        ("older rows of a child, left alone", submitted.superseded),
        ("answers never recorded, to be sent again", submitted.recovered),
        ("requests without an answer, taken up by a later run", submitted.open_intents),
        ("requests", counts.requests),
        ("of them retries", counts.retries),
    ];
    let always = ["accepted", "requests"];
    let lines: Vec<(String, String)> = all
        .into_iter()
        .filter(|(name, count)| *count > 0 || always.contains(name))
        .map(|(name, count)| (name.to_owned(), count.to_string()))
        .collect();
    report.table("Sent", &lines);
    submitted.error.map_or(Ok(()), |error| Err(error.into()))
}
