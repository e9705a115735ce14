//! The program: reads the command line, runs one command, ends with its exit code. One file per command; what they share is in
//! `setup`, `report`, `log` and `progress`.

mod check;
mod cli;
mod demo;
mod generate;
mod init;
mod log;
mod mutate;
mod payload;
mod plan;
mod plugin;
mod progress;
mod report;
mod resubmit;
mod run;
mod setup;
mod signal;
mod simulate;
mod stage;
mod status;
mod submit;

use std::process::ExitCode;
use std::time::Instant;

use check::Part;
use clap::Parser;
use cli::{Cli, Command};
use report::Report;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::PluginHost = cli.command {
        csc_bridge_plugin_host::serve();
    }
    let started = Instant::now();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime did not start: {}", error.kind());
            return ExitCode::from(1);
        }
    };
    let mut report = Report::new(&cli);
    let result = runtime.block_on(dispatch(&cli, &mut report));
    let code = report.finish(result, started.elapsed(), cli.global.json);
    // Blocking work that a failed run left behind must not keep the program alive.
    runtime.shutdown_background();
    ExitCode::from(code)
}

/// Few threads: one assembles, three wait for a database that blocks (one reads, one writes, one copies what was written from SQLite's
/// log). Each further thread keeps a share of freed memory to itself, so that memory would grow with the cohort; most of the time goes into
/// the database and the network.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().max_blocking_threads(3).enable_all().build()
}

async fn dispatch(cli: &Cli, report: &mut Report) -> anyhow::Result<()> {
    match &cli.command {
        Command::Init(args) => init::init(&cli.global, args),
        Command::Run(args) => run::run(&cli.global, args, report).await,
        Command::Stage(args) => stage::stage(&cli.global, args, report).await,
        Command::Submit(args) => submit::submit(&cli.global, args, report).await,
        Command::Plan(args) => plan::plan(&cli.global, args, report).await,
        Command::Check(args) => check::check(&cli.global, args, Part::All, report).await,
        Command::TestDbConnection(args) => check::check(&cli.global, &args.into(), Part::Connection, report).await,
        Command::TestSchema(args) => check::check(&cli.global, &args.into(), Part::Schema, report).await,
        Command::TestEndpoint(args) => check::check(&cli.global, args, Part::Endpoint, report).await,
        Command::RunSmoke(args) => check::check(&cli.global, args, Part::Smoke, report).await,
        Command::Payload(args) => payload::payload(&cli.global, args, report).await,
        Command::Status(args) => status::status(&cli.global, args, report).await,
        Command::Resubmit(args) => resubmit::resubmit(&cli.global, args, report).await,
        Command::Plugin(command) => plugin::plugin(&cli.global, command, report),
        Command::PluginHost => csc_bridge_plugin_host::serve(),
        Command::Generate(args) => generate::generate(&cli.global, args, report).await,
        Command::Mutate(args) => mutate::mutate(&cli.global, args, report).await,
        Command::Simulate(args) => simulate::simulate(&cli.global, args, report).await,
        Command::Demo(args) => demo::demo(&cli.global, args, report).await,
    }
}
