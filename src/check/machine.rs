//! The configuration, its secrets, and the state folder.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::sink::Sink;
use csc_bridge_core::source::Source;
use csc_bridge_core::staging::Staging;

use super::Ready;
use super::outcome::Checks;
use crate::cli::{Global, RunArgs};
use crate::log;
use crate::report::Report;
use crate::setup::Setup;

/// Room below which a log may fill the disk within days.
const LITTLE_ROOM: u64 = 500_000_000;

/// Reads the configuration as far as that goes without secrets.
pub fn configuration(global: &Global, args: &RunArgs, report: &mut Report) -> Result<Ready> {
    let setup = Setup::read(global, args.anon)?;
    let facts = setup.sink_facts()?;
    let date = setup.run_date(args.run_date, facts, report)?;
    let plan = setup.plan(date)?;
    Ok(Ready { setup, facts, plan })
}

/// The adapters, as far as the configuration allows.
pub struct Opened {
    pub source: Result<Arc<dyn Source>>,
    pub staging: Result<Arc<dyn Staging>>,
    pub sink: Result<Arc<dyn Sink>>,
}

/// Reads the secrets, and makes the adapters, which check the keys that are theirs. A secret that cannot be read is told once, under
/// its own name.
pub fn adapters(setup: &Setup, checks: &mut Checks) -> Opened {
    let (secrets, unreadable) = secrets(setup);
    let opened = Opened { source: setup.source(), staging: setup.staging(), sink: setup.sink() };
    let errors = [opened.source.as_ref().err(), opened.staging.as_ref().err(), opened.sink.as_ref().err()];
    let is_secret = |error: &Error| unreadable.iter().any(|known| known.message() == error.message());
    let wrong = errors.into_iter().flatten().find(|error| error.kind() == Kind::Config && !is_secret(error));
    let config = &setup.config;
    match wrong {
        Some(error) => checks.fail("config", error),
        None => checks.pass(
            "config",
            format!(
                "{}: la_code {}, from {} to {}",
                config.path.display(),
                config.la_code,
                config.source.adapter,
                config.sink.adapter
            ),
        ),
    }
    match unreadable.split_first() {
        None if secrets == 0 => checks.pass("secrets", "the configuration names none"),
        None => checks.pass("secrets", format!("{secrets} can be read")),
        Some((first, [])) => checks.fail("secrets", first),
        Some((first, others)) => {
            let others: Vec<&str> = others.iter().map(Error::message).collect();
            let message = format!("{}; {}", first.message(), others.join("; "));
            checks.fail("secrets", &Error::new(Kind::Config, message, first.advice().to_owned()));
        }
    }
    opened
}

/// How many secrets there are, and what came of those that cannot be read.
fn secrets(setup: &Setup) -> (usize, Vec<Error>) {
    let config = &setup.config;
    let source = config.source.options.try_secrets();
    let mut staging = config.staging.options.try_secrets();
    // What [staging] takes over from [source] is [source]'s.
    staging.retain(|(key, _)| !source.iter().any(|(known, _)| known == key));
    let all: Vec<_> = source.into_iter().chain(staging).chain(config.sink.options.try_secrets()).collect();
    (all.len(), all.into_iter().filter_map(|(_, read)| read.err()).collect())
}

/// The state folder, which is made where it is missing, as every command makes it. Returns whether it can be used.
pub fn state_dir(global: &Global, setup: &Setup, report: &mut Report, checks: &mut Checks) -> bool {
    const ID: &str = "state_dir";
    let folder = &setup.config.state_dir;
    if let Err(error) = setup.start(global, report) {
        log::start_without_file(global);
        checks.fail(ID, &error);
        return false;
    }
    if let Err(error) = try_writing(folder) {
        checks.fail(ID, &error);
        return false;
    }
    // The logs are what grows.
    let logs = setup.config.log.file.as_deref().and_then(Path::parent).unwrap_or(folder);
    let room = fs4::available_space(logs).ok();
    let detail = match room {
        Some(room) => {
            format!("{}: it can be written to, {} MB are free for the logs", folder.display(), room / 1_000_000)
        }
        None => format!("{}: it can be written to", folder.display()),
    };
    if is_open_to_others(folder) {
        checks.warn(
            ID,
            format!("{}: others than its owner may read it or write to it", folder.display()),
            "it holds the key of the pseudonyms and the logs: chmod 700 it",
        );
    } else if room.is_some_and(|room| room < LITTLE_ROOM) {
        checks.warn(ID, detail, "make room, lower [log] keep_days, or set [log] file to another disk");
    } else {
        checks.pass(ID, detail);
    }
    true
}

fn try_writing(folder: &Path) -> Result<()> {
    // Gone when dropped, and named so that nobody takes it for anything else.
    let file = tempfile::Builder::new().prefix(".check-").tempfile_in(folder);
    file.and_then(|mut file| file.write_all(b"check")).map_err(|error| {
        Error::new(
            Kind::Io,
            format!("the state folder {} cannot be written to: {}", folder.display(), error.kind()),
            "give the account that runs csc-bridge the right to write there, and see whether the disk is full",
        )
    })
}

#[cfg(unix)]
fn is_open_to_others(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(folder).is_ok_and(|folder| folder.permissions().mode() & 0o077 != 0)
}

/// Windows' permissions are lists, which take more than a look.
#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}
