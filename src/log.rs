//! The log: standard error for whoever watches, a file for whoever comes later. A file of an earlier day is put aside under its
//! date when a run starts, and deleted when it is older than `log.keep_days`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use csc_bridge_core::config::{Config, LogFormat};
use csc_bridge_core::error::{Error, Kind, Result};
use jiff::Zoned;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::cli::Global;

/// The target of events that only the log file needs.
pub const FILE_ONLY: &str = "csc_bridge::file";

/// Starts the log of a command that has a configuration.
pub fn start(global: &Global, config: &Config) -> Result<()> {
    let path = config.log.file.clone().unwrap_or_else(|| config.state_dir.join("log").join("csc-bridge.log"));
    let file = open(&path, config.log.keep_days).map_err(|error| {
        Error::new(
            Kind::Io,
            format!("the log file {} cannot be written: {}", path.display(), error.kind()),
            "set [log] file or state_dir to a place that the account running csc-bridge may write to",
        )
    })?;
    let file = fmt::layer().with_writer(Arc::new(file)).with_ansi(false);
    let level = global.log_level.as_deref().unwrap_or(&config.log.level);
    let file: Box<dyn Layer<_> + Send + Sync> = match config.log.format {
        LogFormat::Text => file.with_filter(ours(level)).boxed(),
        LogFormat::Json => file.json().with_filter(ours(level)).boxed(),
    };
    // A second start in one process (the demo's steps) keeps the first.
    let _ = tracing_subscriber::registry().with(file).with(on_stderr(global)).try_init();
    Ok(())
}

/// Starts the log of a command without a configuration: standard error alone.
pub fn start_without_file(global: &Global) {
    let _ = tracing_subscriber::registry().with(on_stderr(global)).try_init();
}

fn on_stderr<S>(global: &Global) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let level = match (&global.log_level, global.quiet, global.verbose) {
        (Some(level), ..) => level,
        (None, true, _) => "off",
        (None, false, 0) => "warn",
        (None, false, 1) => "info",
        (None, false, _) => "debug",
    };
    // How the program ends is printed in words of its own.
    let level = ours(level).with_target(FILE_ONLY, LevelFilter::OFF);
    fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).without_time().with_filter(level)
}

/// Our own events at a level. Other crates' are never logged: an HTTP client's own log holds tokens.
fn ours(level: &str) -> Targets {
    Targets::new().with_target("csc_bridge", level.parse::<LevelFilter>().unwrap_or(LevelFilter::INFO))
}

fn open(path: &Path, keep_days: u32) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    put_aside(path)?;
    delete_old(path, keep_days);
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    options.open(path)
}

/// Renames a file of an earlier day: `csc-bridge.log` becomes `csc-bridge.2026-11-19.log`.
fn put_aside(path: &Path) -> io::Result<()> {
    let Ok(modified) = fs::metadata(path).and_then(|file| file.modified()) else { return Ok(()) };
    let Ok(modified) = jiff::Timestamp::try_from(modified) else { return Ok(()) };
    let now = Zoned::now();
    let day = modified.to_zoned(now.time_zone().clone()).date();
    let aside = dated(path, &day.to_string());
    if day == now.date() || aside.exists() {
        return Ok(());
    }
    match fs::rename(path, aside) {
        // Another run of ours may have it open (Windows) or have renamed it already: then this run writes on.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => Ok(()),
        result => result,
    }
}

fn dated(path: &Path, day: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{stem}.{day}{extension}"))
}

/// Deletes files that [`put_aside`] left, once they are too old. What cannot be deleted is left: it is tried again at the next run.
fn delete_old(path: &Path, keep_days: u32) {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let oldest = SystemTime::now() - Duration::from_secs(u64::from(keep_days) * 86_400);
    let entries = path.parent().and_then(|folder| fs::read_dir(folder).ok());
    for entry in entries.into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let day = name.strip_prefix(&stem).and_then(|rest| rest.strip_prefix('.')).and_then(|rest| rest.get(..10));
        let is_ours = day.is_some_and(|day| day.parse::<jiff::civil::Date>().is_ok());
        if is_ours && entry.metadata().and_then(|file| file.modified()).is_ok_and(|modified| modified < oldest) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
