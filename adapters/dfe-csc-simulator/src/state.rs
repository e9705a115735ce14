//! What is held, on disk: one `{"document":{…},"la_code":"845"}` a line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use csc_bridge_core::error::{Error, Kind, Result};
use serde::Deserialize;

use crate::held::{Change, Held, text};
use crate::intake;
use crate::merge::Object;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    la_code: String,
    document: Object,
}

/// What was saved; nothing where there is no file yet.
///
/// # Errors
/// [`Kind::Io`], [`Kind::Data`] with the line's number.
pub(crate) fn load(path: &Path) -> Result<Held> {
    let mut held = Held::default();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(held),
        Err(error) => return Err(failed("read", path, &error)),
    };
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| failed("read", path, &error))?;
        let child = serde_json::from_str::<Line>(&line).ok().and_then(|line| {
            let child = intake::child(&line.document)?.to_owned();
            Some((line, child))
        });
        let Some((line, child)) = child else {
            return Err(Error::new(
                Kind::Data,
                format!("the simulator's state {}, line {}, is not a child it saved", path.display(), number + 1),
                "name another file with --state, or remove this one to begin with nothing",
            ));
        };
        // A saved document is held as it is, whatever the semantics are now.
        held.apply(&line.la_code, &child, Change::Hold(&text(&line.document)));
    }
    Ok(held)
}

/// Saves what is held: the file is replaced whole or not at all, and only its owner may read it.
///
/// # Errors
/// [`Kind::Io`].
pub(crate) fn save(path: &Path, held: &Held) -> Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".part");
    let temporary = PathBuf::from(temporary);
    write(&temporary, held).and_then(|()| fs::rename(&temporary, path)).map_err(|error| {
        let _ = fs::remove_file(&temporary);
        failed("written", path, &error)
    })
}

fn write(path: &Path, held: &Held) -> io::Result<()> {
    // A file left behind may have other permissions than ours: begin with none.
    let _ = fs::remove_file(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = BufWriter::new(options.open(path)?);
    for (la_code, document) in held.documents() {
        writeln!(file, "{{\"document\":{document},\"la_code\":\"{la_code}\"}}")?;
    }
    file.into_inner()?.sync_all()
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::new(
        Kind::Io,
        format!("the simulator's state {} cannot be {what}: {}", path.display(), error.kind()),
        "check the path of --state and the permissions of its folder",
    )
}
