//! `plan`: what a run would do and why, with nothing written.

use std::sync::Arc;

use csc_bridge_core::pipeline::{Foreseen, Guard, Shows, StageSettings};
use csc_bridge_core::sink::Limits;
use serde_json::json;

use crate::cli::{Global, RunArgs};
use crate::report::Report;
use crate::setup::Setup;
use crate::stage;

/// The command.
pub async fn plan(global: &Global, args: &RunArgs, report: &mut Report) -> anyhow::Result<()> {
    let setup = Setup::load(global, report, args.anon)?;
    setup.may_stage("plan")?;
    let sink = setup.sink_facts()?;
    let date = setup.run_date(args.run_date, sink, report)?;
    let plan = setup.plan(date)?;
    report.key("window", json!({ "start": plan.dates.start.to_string(), "end": plan.dates.end.to_string() }));
    let shows = Shows { foreseen: true, ..Shows::default() };
    let settings = StageSettings { shows, ..setup.stage_settings(sink, true) };
    let mut staged = stage::perform(global, &setup, Arc::clone(&plan), setup.staging()?, settings).await?;
    let shown = stage::show(report, &staged);
    foresee(report, &mut staged.foreseen, sink.limits);
    let guards: Vec<(String, String)> = staged.guards.iter().filter(|guard| guard.value > 0).map(judged).collect();
    report.table("Guards", &guards);
    shown
}

fn judged(guard: &Guard) -> (String, String) {
    let name = guard.table.as_ref().map_or(guard.name.to_owned(), |table| format!("{} {table}", guard.name));
    let says = if guard.fired {
        format!("would stop the run; to let it through once: {}", guard.flag)
    } else {
        "passes".into()
    };
    (name, format!("{} of {}, {} at most: {says}", guard.value, guard.of, guard.limit))
}

fn foresee(report: &mut Report, foreseen: &mut Foreseen, limits: Limits) {
    let send = &mut foreseen.would_send;
    let records = send.full + send.partial + send.purge;
    let max = limits.max_records as u64;
    let by_records = (records - send.after_error).div_ceil(max) + send.after_error.div_ceil(max);
    send.batches = by_records.max(send.bytes.div_ceil(limits.max_bytes as u64));
    report.key("changes", &foreseen.changes);
    report.key("would_send", foreseen.would_send);
    let send = foreseen.would_send;
    let line = |name: &str, count: u64| (name.to_owned(), count.to_string());
    let lines = [
        line("full documents", send.full),
        line("partial documents", send.partial),
        line("purges of children", send.purge),
        line("batches", send.batches),
        line("bytes", send.bytes),
    ];
    report.table("Would be sent", &lines);
    let counts = |counts: &std::collections::BTreeMap<String, u64>| -> Vec<(String, String)> {
        counts.iter().map(|(path, count)| line(path, *count)).collect()
    };
    report.table("What differs from what DfE holds, in children", &counts(&foreseen.changes.fields));
    report.table("Records gone from the SSD", &counts(&foreseen.changes.purges.members));
    let retired = foreseen.changes.retired;
    if retired.children + retired.members > 0 {
        let lines = [line("children", retired.children), line("records", retired.members)];
        report.table("Retired: no longer mentioned, and not purged", &lines);
    }
}
