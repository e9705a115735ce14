//! Fetches the records of a list ahead of a run, or those of staff and schools: `sdms-sync --file ids.csv --type student`.
//!
//! What it fetched lies in the position of `[source]`; the next `csc-bridge stage` takes it from there, as long as `resume_within` says.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use csc_bridge_plugin_sdk::error::{Error, Kind, Result};
use csc_bridge_plugin_sdk::{Options, tokio};
use sdms_source::{Sdms, Tally};

const HELP: &str = "sdms-sync [-c csc-bridge.toml] [-f|--file ids.csv] [-t|--type student|staff|school]

Fetches each record of a list, one request for each, and keeps it in the position. The address, the mapping and
the rest stand in [source] of csc-bridge.toml; --file and --type go before what stands there.
Ends with \"N synced, M errors\" and 0; with 3 where there were errors; with 2 where it is asked wrongly; with 1
where it could not go on: start it again, and it does from there.";

fn main() -> ExitCode {
    match asked(std::env::args().skip(1)) {
        Ok(None) => println!("{HELP}"),
        Ok(Some(options)) => match sync(&options) {
            Ok(tally) => {
                println!("{tally}");
                return if tally.errors > 0 { ExitCode::from(3) } else { ExitCode::SUCCESS };
            }
            Err(error) => return failed(&error),
        },
        Err(error) => return failed(&error),
    }
    ExitCode::SUCCESS
}

fn failed(error: &Error) -> ExitCode {
    eprintln!("error: {error}\n  what to do: {}", error.advice());
    ExitCode::from(if error.kind() == Kind::Config { 2 } else { 1 })
}

fn sync(options: &Options) -> Result<Tally> {
    let sdms = Sdms::telling(options, |what| eprintln!("{what}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|_| Error::internal("the program cannot start its threads"))?;
    runtime.block_on(sdms.sync())
}

/// The options; `None` where help was asked for.
fn asked(mut words: impl Iterator<Item = String>) -> Result<Option<Options>> {
    let mut file = PathBuf::from("csc-bridge.toml");
    let mut over = Vec::new();
    while let Some(word) = words.next() {
        let (word, value) = match word.split_once('=') {
            Some((word, value)) if word.starts_with("--") => (word.to_owned(), Some(value.to_owned())),
            _ => (word, None),
        };
        let mut value = || value.clone().or_else(|| words.next()).ok_or_else(|| usage(format!("{word} lacks a value")));
        match word.as_str() {
            "-h" | "--help" => return Ok(None),
            "-c" | "--config" => file = value()?.into(),
            // The path is relative to where the program is started, as any on a command line.
            "-f" | "--file" => over.push(("ids", absolute(&value()?)?)),
            "-t" | "--type" => over.push(("type", value()?)),
            _ => return Err(usage(format!("{word} is no flag of sdms-sync"))),
        }
    }
    source(&file, over).map(Some)
}

/// `[source]` of a configuration, with some keys over it.
fn source(file: &Path, over: Vec<(&str, String)>) -> Result<Options> {
    let unreadable = |what: &str| {
        let message = format!("the configuration {} {what}", file.display());
        Error::new(Kind::Config, message, "name one with -c FILE; it has the section [source]")
    };
    let text =
        std::fs::read_to_string(file).map_err(|error| unreadable(&format!("cannot be read: {}", error.kind())))?;
    let config: toml::Table = toml::from_str(&text).map_err(|_| unreadable("is no TOML"))?;
    let section = config.get("source").and_then(|source| serde_json::to_value(source).ok());
    let Some(serde_json::Value::Object(mut keys)) = section else { return Err(unreadable("has no section [source]")) };
    // Those that csc-bridge uses itself.
    for own in ["adapter", "schema", "chunk", "names"] {
        keys.remove(own);
    }
    keys.extend(over.into_iter().map(|(key, value)| (key.to_owned(), value.into())));
    let folder = absolute(&file.parent().unwrap_or(Path::new("")).join(".").to_string_lossy())?;
    Options::from_json("source", Path::new(&folder), &keys)
}

fn absolute(path: &str) -> Result<String> {
    let path = std::path::absolute(path).ok().and_then(|path| path.into_os_string().into_string().ok());
    path.ok_or_else(|| usage("a path cannot be used".to_owned()))
}

fn usage(message: String) -> Error {
    Error::new(Kind::Config, message, "see sdms-sync --help")
}
