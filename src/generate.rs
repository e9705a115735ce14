//! `generate`: made-up children in the configured source.

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::payload::{Plan, read};
use csc_bridge_core::source::Table;
use csc_bridge_synthetic::{GenerateOptions, Ssd};

use crate::cli::{Generate, Global};
use crate::progress::Progress;
use crate::report::Report;
use crate::setup::{Setup, refuse_real_sink};

/// The command. Fills an empty SSD only.
pub async fn generate(global: &Global, args: &Generate, report: &mut Report) -> anyhow::Result<()> {
    let setup = Setup::load(global, report, false)?;
    let sink = setup.sink_facts()?;
    refuse_real_sink(sink, "generate")?;
    let date = setup.run_date(args.run_date, sink, report)?;
    refuse_filled(&setup, &*setup.plan(date)?).await?;
    let source = &setup.config.source;
    let mut writer = setup.registry.database(&source.adapter)?.writer(&source.options).await?;
    let options =
        GenerateOptions { children: args.children, seed: args.seed, run_date: date, awkward: GenerateOptions::AWKWARD };
    let progress = Progress::new(global, "generating", args.children as u64);
    let result =
        csc_bridge_synthetic::generate(&mut *writer, &ssd(&setup), &options, &mut |done| progress.at(done as u64))
            .await;
    progress.end();
    let made = result?;
    report.key("children", made.children);
    report.key("awkward", made.awkward);
    report.key("rows", &made.rows);
    let rows: u64 = made.rows.values().sum();
    report.table(
        "Generated",
        &[
            ("children".into(), made.children.to_string()),
            ("of them awkward".into(), made.awkward.to_string()),
            ("rows".into(), rows.to_string()),
        ],
    );
    Ok(())
}

/// What the database calls the SSD.
pub fn ssd(setup: &Setup) -> Ssd<'_> {
    Ssd { definition: &setup.config.definition, profile: &setup.config.profile, names: setup.config.names.clone() }
}

/// A second cohort beside a first would give every child a twin, and a real one must never be mixed with made-up children: only a
/// database that has no table of people, or an empty one, is filled.
async fn refuse_filled(setup: &Setup, plan: &Plan) -> Result<()> {
    let people = plan.people_table()?;
    let mut session = match setup.source()?.open(&[Table { name: people, columns: Vec::new() }]).await {
        Ok(session) => session,
        // No database, or no such table in it: there is nobody.
        Err(error) if matches!(error.kind(), Kind::Unreachable | Kind::Schema) => return Ok(()),
        Err(error) => return Err(error),
    };
    if read::people(&mut *session, plan).await?.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Kind::Data,
        "the source has children already",
        "generate fills an empty SSD only; name another database, or change these children with: csc-bridge mutate",
    ))
}
