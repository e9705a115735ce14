//! `init`: a first configuration.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use csc_bridge_core::config;
use csc_bridge_core::error::{Error, Kind, Result};

use crate::cli::{Global, Init};
use crate::setup::registry;

const STARTERS: &[(&str, &str)] = &[
    ("sqlite", include_str!("../config/starters/sqlite.toml")),
    ("systemc", include_str!("../config/starters/systemc.toml")),
    ("mosaic", include_str!("../config/starters/mosaic.toml")),
    ("eclipse", include_str!("../config/starters/eclipse.toml")),
    ("azeus", include_str!("../config/starters/azeus.toml")),
];

/// What the simulator is told for client id, secret and supplier key: it takes anything.
const SIMULATOR_SECRET: &str = "simulator\n";

/// The command. Never overwrites a file.
pub fn init(global: &Global, args: &Init) -> anyhow::Result<()> {
    init_quietly(&args.cms, &args.output)?;
    if global.quiet {
        return Ok(());
    }
    eprintln!("wrote {}", args.output.display());
    let adapter = config::load_profile(&args.cms, Path::new("."))?.adapter;
    if args.cms == "sqlite" {
        eprintln!("next: csc-bridge generate, then csc-bridge simulate in another window, then csc-bridge run");
    } else if registry().database(&adapter).is_ok() {
        eprintln!("next: fill in the lines marked with <…>, then csc-bridge stage --dry-run");
    } else {
        eprintln!("next: fill in the lines marked with <…>; this version of csc-bridge has no {adapter} adapter yet");
    }
    Ok(())
}

/// Writes the starter configuration for a CMS to `output`.
pub fn init_quietly(cms: &str, output: &Path) -> Result<()> {
    let starter = STARTERS.iter().find(|(name, _)| *name == cms).map(|(_, text)| text);
    let starter = starter.ok_or_else(|| {
        let known: Vec<&str> = STARTERS.iter().map(|(name, _)| *name).collect();
        let message = format!("there is no starter configuration for \"{cms}\"");
        Error::new(Kind::Config, message, format!("there are: {}", known.join(", ")))
    })?;
    write_new(output, starter)?;
    let secret = output.with_file_name("simulator.secret");
    if cms == "sqlite" && !secret.exists() {
        write_new(&secret, SIMULATOR_SECRET)?;
    }
    Ok(())
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
