//! `demo`: the whole job without any server. A cohort in SQLite, the DfE end on loopback, two nights with changes between them
//! and a third without; then a separate process reads the SSD again, and its documents are compared with what the simulator holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use csc_bridge_core::config::{self, Config, Semantics};
use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::pipeline::{Staged, Submitted};
use csc_bridge_dfe_csc_simulator::{Running, Settings};
use serde_json::{Value, json};

use crate::cli::{Cli, Command, Demo, Generate, Global, Mutate, NightArgs};
use crate::report::Report;
use crate::setup::{registry, today};
use crate::{generate, init, mutate, run, simulate};

const LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// The command.
pub async fn demo(global: &Global, args: &Demo, report: &mut Report) -> anyhow::Result<()> {
    report.run_date(today()?);
    let folder = tempfile::Builder::new().prefix("csc-bridge-demo-").tempdir()?;
    let definition = config::load_definition("dfe-csc-0.9", folder.path())?;
    let settings =
        Settings { validator: Some(simulate::validator(&definition, Semantics::Replace)?), ..Settings::default() };
    let simulator = simulate::start(LISTEN.into(), settings).await?;
    let stage = Theatre { global: configure(global, folder.path(), &simulator)? };
    say(
        global,
        &format!("Making {} children in SQLite, and a simulated DfE on http://{} …", args.children, simulator.addr()),
    );
    let made = Generate { children: args.children, seed: args.seed, run_date: None };
    stage.play(Command::Generate(made)).await?;
    let first = stage.night().await?;
    say(global, "First night done. Changing some children …");
    let change = Mutate { percent: args.percent, seed: args.seed, run_date: None };
    let changed = stage.play(Command::Mutate(change)).await?;
    let second = stage.night().await?;
    let third = stage.night().await?;
    say(global, "Reading the SSD again in a separate process, and comparing with what the simulator holds …");
    let compared = compare(&stage.global, &simulator).await?;
    let stats = simulator.stats();
    simulator.stop().await?;
    let nights = [first, second, third];
    print(global, &nights, &changed, &compared);
    report.key("children", args.children);
    report.key(
        "runs",
        nights
            .iter()
            .map(|night| {
                json!({
                    "staged": night.staged, "submitted": night.submitted, "seconds": night.seconds,
                })
            })
            .collect::<Vec<_>>(),
    );
    report.key("simulator", stats);
    report.key("compared", compared.children);
    report.key("kept", compared.kept);
    report.key("differences", compared.differences);
    report.key("converged", compared.differences == 0);
    if compared.differences > 0 {
        let message = format!("{} children differ between the SSD and the simulated DfE", compared.differences);
        return Err(Error::internal(message).into());
    }
    Ok(())
}

/// The demo's own configuration.
struct Theatre {
    global: Global,
}

/// One run of the demo.
struct Night {
    staged: Staged,
    submitted: Submitted,
    seconds: f64,
}

impl Theatre {
    /// Plays one command as the command line would, quietly; returns what its JSON object would say.
    async fn play(&self, command: Command) -> anyhow::Result<Value> {
        let cli = Cli { global: self.global.clone(), command };
        let mut report = Report::new(&cli);
        match &cli.command {
            Command::Generate(args) => generate::generate(&cli.global, args, &mut report).await?,
            Command::Mutate(args) => mutate::mutate(&cli.global, args, &mut report).await?,
            Command::Run(args) => run::run(&cli.global, args, &mut report).await?,
            _ => return Err(Error::internal("the demo does not play that command").into()),
        }
        Ok(serde_json::from_str(&report.own_json())?)
    }

    async fn night(&self) -> anyhow::Result<Night> {
        let began = Instant::now();
        let mut said = self.play(Command::Run(NightArgs::default())).await?;
        let seconds = (began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        let staged = serde_json::from_value(said["staged"].take())?;
        let submitted = serde_json::from_value(said["submitted"].take())?;
        Ok(Night { staged, submitted, seconds })
    }
}

/// Writes the starter configuration, pointed at the simulator.
fn configure(global: &Global, folder: &Path, simulator: &Running) -> anyhow::Result<Global> {
    let path = folder.join("csc-bridge.toml");
    init::init_quietly("sqlite", &path)?;
    let text = fs::read_to_string(&path)?.replace("127.0.0.1:8480", &simulator.addr().to_string());
    fs::write(&path, text)?;
    Ok(Global { config: Some(path), quiet: true, verbose: 0, json: false, log_level: global.log_level.clone() })
}

/// How the SSD and the simulated DfE compare.
struct Compared {
    /// Children compared.
    children: usize,
    /// Of them, children no longer in the cohort, of whom DfE keeps the last document because deletions are only marked.
    kept: usize,
    /// Children of whom DfE holds something else than it should.
    differences: usize,
}

/// Compares every document of the SSD, read by `payload --all` in a process of its own, with every document the simulator holds. What
/// is held of a child no longer in the cohort must be what its marked staging row says was accepted last.
async fn compare(global: &Global, simulator: &Running) -> anyhow::Result<Compared> {
    let path = global.config.as_deref().unwrap_or(Path::new("csc-bridge.toml"));
    let program = std::env::current_exe()?;
    let output = tokio::process::Command::new(program)
        .args(["payload", "--all", "--quiet", "-c"])
        .arg(path)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .await?;
    if !output.status.success() {
        return Err(Error::internal("reading the SSD again failed").into());
    }
    let desired = by_child(&String::from_utf8(output.stdout)?)?;
    let config = Config::load(path)?;
    let address = format!("http://{}/_simulator/children/{}", simulator.addr(), config.la_code);
    let held = by_child(&reqwest::get(address).await?.text().await?)?;
    let missing = desired.keys().filter(|id| !held.contains_key(*id)).count();
    let differing = desired.iter().filter(|(id, document)| held.get(*id).is_some_and(|held| held != *document)).count();
    let others: Vec<String> = held.keys().filter(|id| !desired.contains_key(*id)).cloned().collect();
    let kept = marked(&config, &others, &held).await?;
    Ok(Compared {
        children: desired.len() + others.len(),
        kept,
        differences: missing + differing + others.len() - kept,
    })
}

/// Of children no longer in the cohort: how many are marked so, with exactly what DfE holds as what it accepted last.
async fn marked(config: &Config, ids: &[String], held: &BTreeMap<String, Value>) -> anyhow::Result<usize> {
    let staging =
        registry().database(&config.staging.adapter)?.staging(&config.staging.options, &config.staging, None)?;
    let out: Vec<String> =
        staging.ledger(ids).await?.into_iter().filter(|row| row.row_state.is_out()).map(|row| row.person_id).collect();
    let mut count = 0;
    for stored in staging.documents(&out).await? {
        let accepted: Option<Value> = stored.held.as_deref().map(serde_json::from_str).transpose()?;
        count += usize::from(accepted.is_some() && accepted.as_ref() == held.get(&stored.person_id));
    }
    Ok(count)
}

/// Documents, one a line, by child.
fn by_child(lines: &str) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut documents = BTreeMap::new();
    for line in lines.lines() {
        let document: Value = serde_json::from_str(line)?;
        let id = document["la_child_id"].as_str().map(str::to_owned);
        let id = id.ok_or_else(|| Error::new(Kind::Protocol, "a document has no la_child_id", "report it"))?;
        if documents.insert(id, document).is_some() {
            return Err(Error::new(Kind::Protocol, "a child has two documents", "report it").into());
        }
    }
    Ok(documents)
}

fn say(global: &Global, text: &str) {
    if !global.quiet {
        eprintln!("{text}");
    }
}

fn print(global: &Global, nights: &[Night; 3], changed: &Value, compared: &Compared) {
    let touched = changed["children"].as_u64().unwrap_or(0);
    let row = |name: &str, value: &dyn Fn(&Night) -> u64| {
        say(global, &format!("{name:<34}{:>10}{:>10}{:>10}", value(&nights[0]), value(&nights[1]), value(&nights[2])));
    };
    say(global, &format!("\n{:<34}{:>10}{:>10}{:>10}", "", "night 1", "night 2", "night 3"));
    row("children in the cohort", &|night| night.staged.cohort);
    row("  new", &|night| night.staged.new);
    row("  changed", &|night| night.staged.updated + night.staged.returned);
    row("  unchanged", &|night| night.staged.unchanged);
    row("left the cohort or the SSD", &|night| night.staged.left + night.staged.gone);
    row("documents sent and accepted", &|night| night.submitted.sent);
    row("refused", &|night| night.submitted.refused);
    row("requests", &|night| night.submitted.requests);
    let seconds: Vec<String> = nights.iter().map(|night| format!("{:>10.1}", night.seconds)).collect();
    say(global, &format!("{:<34}{}", "seconds", seconds.join("")));
    say(global, &format!("\nBetween night 1 and night 2 {touched} children were changed; before night 3, none."));
    if compared.kept > 0 {
        let kept = compared.kept;
        say(global, &format!("{kept} children have gone or left: they are marked, and DfE keeps their last document."));
    }
    match compared.differences {
        0 => say(
            global,
            &format!("The simulated DfE holds exactly what the SSD says, for all {} children.", compared.children),
        ),
        count => say(
            global,
            &format!("{count} of {} children differ between the SSD and the simulated DfE.", compared.children),
        ),
    }
}
