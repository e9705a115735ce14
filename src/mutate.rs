//! `mutate`: some of the made-up children change.

use csc_bridge_synthetic::MutateOptions;

use crate::cli::{Global, Mutate};
use crate::generate::ssd;
use crate::report::Report;
use crate::setup::{Setup, refuse_real_sink};

/// The command.
pub async fn mutate(global: &Global, args: &Mutate, report: &mut Report) -> anyhow::Result<()> {
    let setup = Setup::load(global, report, false)?;
    let sink = setup.sink_facts()?;
    refuse_real_sink(sink, "mutate")?;
    let date = setup.run_date(args.run_date, sink, report)?;
    let plan = setup.plan(date)?;
    let mut session = setup.source()?.open(&plan.source_tables()).await?;
    let source = &setup.config.source;
    let mut writer = setup.registry.database(&source.adapter)?.writer(&source.options).await?;
    let options = MutateOptions { percent: args.percent, seed: args.seed, run_date: date };
    let made = csc_bridge_synthetic::mutate(&mut *session, &mut *writer, &ssd(&setup), &options).await?;
    report.key("children", made.children);
    report.key("changes", &made.changes);
    let mut lines = vec![("children".to_owned(), made.children.to_string())];
    lines.extend(made.changes.iter().map(|(change, count)| (change.clone(), count.to_string())));
    report.table("Changed", &lines);
    Ok(())
}
