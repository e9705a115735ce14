//! `init`: a first configuration, to fill in or from the `.env` of D2I's tool.

mod env_file;
mod from_env;
mod logon;
mod section;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use csc_bridge_core::config;
use csc_bridge_core::error::{Error, Kind, Result};

use crate::cli::{Global, Init};
use crate::setup::registry;
use env_file::EnvFile;
use from_env::Translated;

const STARTERS: &[(&str, &str)] = &[
    ("sqlite", include_str!("../../config/starters/sqlite.toml")),
    ("systemc", include_str!("../../config/starters/systemc.toml")),
    ("mosaic", include_str!("../../config/starters/mosaic.toml")),
    ("eclipse", include_str!("../../config/starters/eclipse.toml")),
    ("azeus", include_str!("../../config/starters/azeus.toml")),
];

/// What the simulator is told for client id, secret and supplier key: it takes anything.
const SIMULATOR_SECRET: &str = "simulator\n";

/// The command. Never overwrites a file.
pub fn init(global: &Global, args: &Init) -> anyhow::Result<()> {
    if let Some(path) = &args.from_env {
        return Ok(init_from_env(global, args, path)?);
    }
    // The command line asks for one of the two.
    let cms = args.cms.as_deref().unwrap_or_default();
    init_quietly(cms, &args.output)?;
    if global.quiet {
        return Ok(());
    }
    eprintln!("wrote {}", args.output.display());
    let adapter = config::load_profile(cms, Path::new("."))?.adapter;
    if cms == "sqlite" {
        eprintln!("next: csc-bridge generate, then csc-bridge simulate in another window, then csc-bridge run");
    } else if registry().database(&adapter).is_ok() {
        eprintln!("next: fill in the lines marked with <…>, then csc-bridge stage --dry-run");
    } else {
        eprintln!("next: fill in the lines marked with <…>; this csc-bridge was built without its adapter {adapter}");
    }
    Ok(())
}

/// Writes a configuration from the `.env` of D2I's tool, and says what it could not.
fn init_from_env(global: &Global, args: &Init, path: &Path) -> Result<()> {
    if let Some(cms) = &args.cms {
        starter(cms)?;
    }
    let file = EnvFile::read(path)?;
    let translated = from_env::translate(&file, args.cms.as_deref()).map_err(|error| error.within(path.display()))?;
    write_new(&args.output, &translated.toml)?;
    if global.quiet {
        return Ok(());
    }
    let Translated { cms, why, toml, notes, secrets } = translated;
    let comma = if why.is_empty() { "" } else { ", " };
    eprintln!("wrote {} from {}; cms = \"{cms}\"{comma}{why}", args.output.display(), path.display());
    let others = file.others(from_env::KNOWN);
    if !others.is_empty() {
        eprintln!("warning: not known, so not taken over: {}", others.join(", "));
    }
    for note in notes {
        eprintln!("note: {note}");
    }
    let own = "or keep each in a file and write { file = \"…\" }";
    eprintln!("next: set for the account that runs csc-bridge, which does not read {} itself, {own}:", path.display());
    for (name, what) in secrets {
        match what {
            Some(what) => eprintln!("        {name}, to {what}"),
            None if file.get(&name).is_none() => eprintln!("        {name}, which has no value there"),
            None => eprintln!("        {name}, as there, without the quotes"),
        }
    }
    let fill = if toml.lines().skip(1).any(|line| line.contains("<")) {
        "fill in the lines marked with <…>, then "
    } else {
        ""
    };
    eprintln!("next: {fill}csc-bridge check");
    Ok(())
}

/// Writes the starter configuration for a CMS to `output`.
pub fn init_quietly(cms: &str, output: &Path) -> Result<()> {
    let starter = starter(cms)?;
    write_new(output, starter)?;
    let secret = output.with_file_name("simulator.secret");
    if cms == "sqlite" && !secret.exists() {
        write_new(&secret, SIMULATOR_SECRET)?;
    }
    Ok(())
}

fn starter(cms: &str) -> Result<&'static str> {
    STARTERS.iter().find(|(name, _)| *name == cms).map(|(_, text)| *text).ok_or_else(|| {
        let known: Vec<&str> = STARTERS.iter().map(|(name, _)| *name).collect();
        let message = format!("there is no starter configuration for \"{cms}\"");
        Error::new(Kind::Config, message, format!("there are: {}", known.join(", ")))
    })
}

fn write_new(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::new(
            Kind::Config,
            format!("{} is there already", path.display()),
            "it was left as it is; delete it first, or write another with -o FILE",
        ),
        kind => Error::new(
            Kind::Io,
            format!("{} cannot be written: {kind}", path.display()),
            "check the folder and its permissions",
        ),
    })
}
