//! `run`: stage, then submit. The nightly job.

use crate::cli::{Global, RunArgs};
use crate::report::Report;
use crate::setup::Setup;
use crate::{stage, submit};

/// The command.
pub async fn run(global: &Global, args: &RunArgs, report: &mut Report) -> anyhow::Result<()> {
    let setup = Setup::load(global, report, args.anon)?;
    let sink = setup.sink()?;
    let date = setup.run_date(args.run_date, &*sink, report)?;
    let staging = setup.staging()?;
    let plan = setup.plan(date)?;
    report
        .key("window", serde_json::json!({ "start": plan.dates.start.to_string(), "end": plan.dates.end.to_string() }));
    let began = std::time::Instant::now();
    let mut staged = None;
    let mut failed = true;
    let outcome = async {
        let done = stage::perform(global, &setup, plan, staging.clone(), &*sink, args.dry_run).await?;
        stage::show(report, &done);
        staged = Some(done);
        let submitted = submit::perform(global, &setup, staging.clone(), sink, report, args.dry_run).await?;
        failed = false;
        submit::show(report, submitted)
    }
    .await;
    stage::finish(&*staging, report, date, args.dry_run, staged.as_ref(), began, failed).await?;
    outcome
}
