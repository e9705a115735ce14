//! `stage`: the SSD into staged documents.

use std::sync::Arc;
use std::time::Instant;

use csc_bridge_core::payload::Plan;
use csc_bridge_core::pipeline::{self, Event, StageReport, StageSettings};
use csc_bridge_core::sink::Facts;
use csc_bridge_core::staging::{RunRecord, Staging};
use jiff::civil::Date;
use serde_json::json;

use crate::cli::{Global, RunArgs};
use crate::progress::Progress;
use crate::report::{Code, Report};
use crate::setup::Setup;

/// The command.
pub async fn stage(global: &Global, args: &RunArgs, report: &mut Report) -> anyhow::Result<()> {
    let setup = Setup::load(global, report, args.anon)?;
    let sink = setup.sink_facts()?;
    let date = setup.run_date(args.run_date, sink, report)?;
    let staging = setup.staging()?;
    let plan = setup.plan(date)?;
    report.key("window", json!({ "start": plan.dates.start.to_string(), "end": plan.dates.end.to_string() }));
    let began = Instant::now();
    let staged = perform(global, &setup, plan, staging.clone(), sink, args.dry_run).await;
    let (staged, outcome) = match staged {
        Ok(staged) => (Some(staged), Ok(())),
        Err(error) => (None, Err(error)),
    };
    if let Some(staged) = &staged {
        show(report, staged);
    }
    log_run(&*staging, report, Logged { date, began, staged: staged.as_ref() }, outcome).await
}

/// Stages, with a progress bar.
pub async fn perform(
    global: &Global,
    setup: &Setup,
    plan: Arc<Plan>,
    staging: Arc<dyn Staging>,
    sink: Facts,
    dry_run: bool,
) -> anyhow::Result<StageReport> {
    let settings = StageSettings {
        chunk: setup.config.source.chunk,
        unstable_ids: setup.config.payload.unstable_ids.clone(),
        dry_run,
        request_life: sink.limits.request_life,
        finding_values: false,
    };
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
pub fn show(report: &mut Report, staged: &StageReport) {
    let counts = staged.staged;
    report.key("rows", &staged.rows);
    report.key("staged", counts);
    let findings = report.findings(&staged.findings);
    report.key("findings", findings);
    report.key("guards", json!([]));
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
}

/// A run, for the run log.
pub struct Logged<'a> {
    pub date: Date,
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
        run_date: run.date.to_string(),
        exit_code: report.code_with(outcome.as_ref().err()),
        seconds: run.began.elapsed().as_secs() + 1,
        table_rows: run.staged.map(|staged| json!(staged.rows).to_string()),
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
