//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use csc_bridge_core::staging::Shard;
use jiff::civil::Date;

/// Sends the children whose record changed from a case management system to the Department for Education.
#[derive(Parser)]
#[command(name = "csc-bridge", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Args, Clone)]
pub struct Global {
    /// The configuration [default: ./csc-bridge.toml, then csc-bridge.toml beside the program]
    #[arg(short = 'c', long = "config", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Print one JSON object as the last line of standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more on standard error; twice for still more
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Say nothing on standard error but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Level of standard error and of the log file: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", global = true, value_parser = ["error", "warn", "info", "debug", "trace"])]
    pub log_level: Option<String>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Write a first configuration
    Init(Init),
    /// Stage, then submit: the nightly job
    Run(NightArgs),
    /// Turn the SSD into staged documents
    Stage(ShardArgs),
    /// Send what is pending
    Submit(SubmitArgs),
    /// Show what a run would do and why, with nothing written
    Plan(RunArgs),
    /// Test everything that a run needs, without writing or sending anything
    Check(CheckArgs),
    /// The part of check that is about the database and its rights
    TestDbConnection(RunArgs),
    /// The part of check that is about the SSD's tables and columns
    TestSchema(RunArgs),
    /// The part of check that is about the API
    TestEndpoint(CheckArgs),
    /// All of check, with the most frequent findings only
    RunSmoke(CheckArgs),
    /// Print what would be sent, without sending
    Payload(Payload),
    /// Show what the staging table holds and how the last run ended
    Status(StatusArgs),
    /// Mark listed children, so that their full documents are sent again
    ///
    /// It sends nothing by itself: marked children go out with the next submit or run, whatever DfE holds. Where DfE merges (semantics =
    /// "merge") stage prepares what is sent, so it takes a run, or a stage and then a submit.
    ///
    /// Rows in error stay so, and are tried again after all others. Children out of the cohort, rows with a status of somebody's own, and
    /// children of whom a request waits for its answer are left as they are. They and unknown ids are told by the numbers of their lines,
    /// and the exit code is then 3. The rest of the list is marked all the same.
    Resubmit(Resubmit),
    /// Show which plugins may be loaded, allow one, or begin one of your own
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// The process of an isolated plugin
    #[command(hide = true)]
    PluginHost,
    /// Fill the configured source with made-up children, for tests
    Generate(Generate),
    /// Change some of the made-up children
    Mutate(Mutate),
    /// Play the DfE end on this machine
    Simulate(Simulate),
    /// Show the whole job on made-up children, without any server
    Demo(Demo),
}

#[derive(Args)]
pub struct Init {
    /// systemc, mosaic, eclipse, azeus or sqlite [with --from-env: as the file tells, else systemc]
    #[arg(long, value_name = "NAME", required_unless_present = "from_env")]
    pub cms: Option<String>,
    /// Turn the .env of D2I's tool into a configuration
    #[arg(long, value_name = "FILE")]
    pub from_env: Option<PathBuf>,
    /// Where to write it
    #[arg(short, long, value_name = "FILE", default_value = "csc-bridge.toml")]
    pub output: PathBuf,
}

#[derive(Args, Clone, Default)]
pub struct RunArgs {
    /// Send nothing and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Use the staging table's _anon twin
    #[arg(long)]
    pub anon: bool,
    /// Act as on another day (only with a sink on this machine)
    #[arg(long, value_name = "DATE")]
    pub run_date: Option<Date>,
}

#[derive(Args, Clone, Default)]
pub struct CheckArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// Send the documented test child, which is nobody
    #[arg(long, conflicts_with = "dry_run")]
    pub send_test_record: bool,
}

impl From<&RunArgs> for CheckArgs {
    fn from(run: &RunArgs) -> CheckArgs {
        CheckArgs { run: run.clone(), send_test_record: false }
    }
}

#[derive(Args, Clone, Default)]
pub struct StageArgs {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub accept: Accept,
}

#[derive(Args)]
pub struct ShardArgs {
    #[command(flatten)]
    pub stage: StageArgs,
    /// Stage one of N shares of the children only, such as 1/4: the others are for other machines, at the same time or not
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
}

#[derive(Args, Clone, Default)]
pub struct SubmitArgs {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub careful: Careful,
}

#[derive(Args, Clone, Default)]
pub struct NightArgs {
    #[command(flatten)]
    pub stage: StageArgs,
    #[command(flatten)]
    pub careful: Careful,
}

#[derive(Args, Clone, Default)]
pub struct Careful {
    /// Send a small part first, then ever larger ones, and stop where one does badly, as the configuration says
    #[arg(long)]
    pub canary: bool,
}

/// What a guard would stop and the operator lets through, for this run only.
#[derive(Args, Clone, Default)]
pub struct Accept {
    /// Let up to N children be gone from the SSD
    #[arg(long = "accept-gone", value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub gone: u64,
    /// Let up to N children be changed
    #[arg(long = "accept-changes", value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub changes: u64,
    /// Let up to N records inside documents be purged
    #[arg(long = "accept-member-purges", value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub member_purges: u64,
    /// Let an SSD table have fewer rows than in the last good run, or none; may be given several times
    #[arg(long = "accept-table", value_name = "NAME")]
    pub tables: Vec<String>,
    /// Let the SSD be without children
    #[arg(long = "accept-empty")]
    pub empty: bool,
}

#[derive(Args)]
pub struct StatusArgs {
    /// Use the staging table's _anon twin
    #[arg(long)]
    pub anon: bool,
}

#[derive(Subcommand)]
pub enum PluginCommand {
    /// List what lies in the plugin folder, and why it would not be loaded
    List,
    /// Test whether plugins would be loaded: the one named, or all that are allowed
    Verify(Verify),
    /// Print the line that allows one, with the hash of the library that lies there now
    Pin(Pin),
    /// Write the sources of a plugin of your own, which work as they stand
    ///
    /// A crate in Rust that reads whole tables of a toy, passes the conformance suite, and says in ten comments what to fill in.
    New(NewPlugin),
}

#[derive(Args)]
pub struct NewPlugin {
    /// Its name, as in \[source\] adapter: lower-case letters, digits and hyphens
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The folder to make [default: ./NAME]
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,
    /// Where csc-bridge's own crates come from: a folder with its sources, or the URL of a git repository with #TAG at its end [default: the
    /// sources around the current folder or this program, or else this version's tag]
    #[arg(long, value_name = "SOURCES")]
    pub sdk: Option<String>,
}

#[derive(Args)]
pub struct Verify {
    /// The plugin
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

#[derive(Args)]
pub struct Pin {
    /// The plugin
    #[arg(value_name = "NAME")]
    pub name: String,
}

#[derive(Args)]
pub struct Resubmit {
    /// One id a line, or a column called person_id, la_child_id or id; text in UTF-8
    #[arg(short, long, value_name = "CSV")]
    pub file: PathBuf,
    /// Mark nothing, and tell what would be marked
    #[arg(long)]
    pub dry_run: bool,
    /// Use the staging table's _anon twin
    #[arg(long)]
    pub anon: bool,
}

#[derive(Args)]
pub struct Payload {
    /// One child's document, by its id in the SSD
    #[arg(long, value_name = "ID", conflicts_with = "all")]
    pub child: Option<String>,
    /// Every child's document, whether it would be sent or not
    #[arg(long)]
    pub all: bool,
    /// Print beside each document the partial one that DfE would need if it merges, or null where only the full one will do
    #[arg(long, conflicts_with = "findings")]
    pub partial: bool,
    /// Print what the rules left out instead of the documents, with some of the values
    #[arg(long)]
    pub findings: bool,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Args, Clone)]
pub struct Generate {
    /// How many children
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub children: usize,
    /// The same seed makes the same children
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Make them as on another day
    #[arg(long, value_name = "DATE")]
    pub run_date: Option<Date>,
}

#[derive(Args, Clone)]
pub struct Mutate {
    /// How many of the children to change, in percent
    #[arg(long, value_name = "P", default_value_t = 5.0)]
    pub percent: f64,
    /// The same seed makes the same changes
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Change them as on another day
    #[arg(long, value_name = "DATE")]
    pub run_date: Option<Date>,
}

#[derive(Args)]
pub struct Simulate {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8480")]
    pub listen: SocketAddr,
    /// How long each batch takes, such as 50ms
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub latency: String,
    /// What a second document for a child does
    #[arg(long, value_name = "NAME", default_value = "replace", value_parser = ["replace", "merge"])]
    pub semantics: String,
    /// Go wrong on purpose, as this file says
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Take any document
    #[arg(long)]
    pub no_validate: bool,
    /// Keep what is held in a file between runs
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}

#[derive(Args)]
pub struct Demo {
    /// How many children
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub children: usize,
    /// How many of them change before the second run, in percent
    #[arg(long, value_name = "P", default_value_t = 5.0)]
    pub percent: f64,
    /// The same seed makes the same children and changes
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
}
