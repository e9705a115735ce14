//! What a test lets go wrong, and what it can see: a folder, because the library is loaded by the program under test.
//!
//! The folder is named by the connect string (`//127.0.0.1:5432/test_0?csc_bridge_oci=/tmp/x`), else by the environment variable
//! `CSC_BRIDGE_OCI`. In it:
//!
//! - `log`: each SQL text that was executed is appended, a line each, its line breaks as spaces.
//! - `faults`: a fault a line, `times what text`. `times` is a number, or `*` for always. `what` is the number of an error (`1555`),
//!   `drop` (the connection is cut before the statement), `drop-after` (after it), `drop-after-rows=100` or `1555-after-rows=100` (while
//!   they are fetched). `text` is a part of the SQL text; `COMMIT`, `ROLLBACK`, `PING`, and `LOGIN user` stand for those calls. The first
//!   line that fits is taken.
//! - `version`: the server's version, `12.1` where there is none.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// One process does one thing to the folders at a time.
static TURN: Mutex<()> = Mutex::new(());

/// The folder of a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Control {
    folder: Option<PathBuf>,
}

/// What is to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Error(i32),
    Drop,
    DropAfter,
    /// After so many rows: an error, or (0) the end of the connection.
    AfterRows(i32, u64),
}

impl Control {
    pub(crate) fn new(named: Option<&str>) -> Control {
        let folder = named.map(PathBuf::from).or_else(|| std::env::var_os("CSC_BRIDGE_OCI").map(PathBuf::from));
        Control { folder }
    }

    /// Major and minor number of the server's version.
    pub(crate) fn version(&self) -> (u32, u32) {
        let text = self.folder.as_deref().and_then(|folder| fs::read_to_string(folder.join("version")).ok());
        let text = text.unwrap_or_else(|| "12.1".to_owned());
        let mut parts = text.trim().split('.').map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(12), parts.next().unwrap_or(0))
    }

    /// Notes a statement.
    pub(crate) fn log(&self, sql: &str) {
        let Some(folder) = &self.folder else { return };
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(mut log) = File::options().create(true).append(true).open(folder.join("log")) {
            let _ = writeln!(log, "{}", sql.replace(['\r', '\n'], " "));
        }
    }

    /// Takes the fault that is meant for a text.
    pub(crate) fn fault(&self, text: &str) -> Option<Fault> {
        let folder = self.folder.as_deref()?;
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let path = folder.join("faults");
        let lines = fs::read_to_string(&path).ok()?;
        let mut lines: Vec<String> = lines.lines().map(str::to_owned).collect();
        let (at, times, fault) = lines.iter().enumerate().find_map(|(at, line)| {
            let mut words = line.splitn(3, ' ');
            let (times, what, part) = (words.next()?, words.next()?, words.next().unwrap_or_default());
            text.contains(part).then(|| Some((at, times.to_owned(), fault(what)?))).flatten()
        })?;
        match times.parse::<u32>() {
            Ok(0 | 1) => drop(lines.remove(at)),
            Ok(times) => lines[at] = format!("{}{}", times - 1, lines[at].trim_start_matches(|c: char| c.is_numeric())),
            Err(_) => return Some(fault),
        }
        write(&path, &lines);
        Some(fault)
    }
}

fn write(path: &Path, lines: &[String]) {
    let _ = fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>());
}

fn fault(what: &str) -> Option<Fault> {
    match what.split_once("-after-rows=") {
        Some(("drop", rows)) => Some(Fault::AfterRows(0, rows.parse().ok()?)),
        Some((code, rows)) => Some(Fault::AfterRows(code.parse().ok()?, rows.parse().ok()?)),
        None if what == "drop" => Some(Fault::Drop),
        None if what == "drop-after" => Some(Fault::DropAfter),
        None => what.parse().ok().map(Fault::Error),
    }
}
