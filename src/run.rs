//! `run`: stage, then submit. The nightly job.

use std::time::Instant;

use crate::cli::{Global, NightArgs};
use crate::report::Report;
use crate::setup::Setup;
use crate::stage::Logged;
use crate::{signal, stage, submit};

/// The command.
pub async fn run(global: &Global, args: &NightArgs, report: &mut Report) -> anyhow::Result<()> {
    let setup = Setup::load(global, report, args.stage.run.anon)?;
    setup.may_stage("run")?;
    let sink = setup.sink()?;
    let facts = setup.sink_facts()?;
    let date = setup.run_date(args.stage.run.run_date, facts, report)?;
    let staging = setup.staging()?;
    let plan = setup.plan(date)?;
    report
        .key("window", serde_json::json!({ "start": plan.dates.start.to_string(), "end": plan.dates.end.to_string() }));
    let began = Instant::now();
    let mut staged = None;
    let outcome = async {
        let interrupt = signal::listen();
        let settings = stage::settings(&setup, facts, &args.stage, interrupt.clone())?;
        let done = stage::perform(global, &setup, plan.clone(), staging.clone(), settings).await?;
        let recovered = done.recovered;
        let shown = stage::show(report, &done);
        staged = Some(done);
        shown?;
        let settings = submit::settings(&setup, plan, report, args.stage.run.dry_run, args.careful.canary, interrupt);
        let submitted = submit::perform(global, staging.clone(), sink, settings).await?;
        submit::show(report, submitted, recovered)
    }
    .await;
    stage::log_run(&*staging, report, Logged { date, shard: None, began, staged: staged.as_ref() }, outcome).await
}
