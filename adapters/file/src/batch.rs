//! Writing one file so that it appears whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::sink::{SendError, Then};

/// Why a file was not written, and whether it may stand there all the same.
#[derive(Debug)]
pub(crate) enum Failed {
    /// No file has appeared.
    Unwritten(io::ErrorKind),
    /// The file has appeared, but a power cut could still take it back.
    Unsure(io::ErrorKind),
}

impl Failed {
    /// For the pipeline: another batch would fare no better in a full or closed folder.
    pub fn error(self, folder: &Path) -> SendError {
        let (kind, then) = match self {
            Failed::Unwritten(kind) => (kind, Then::GiveUp),
            Failed::Unsure(kind) => (kind, Then::Unknown),
        };
        let error = Error::new(
            Kind::Io,
            format!("a batch could not be written to {}: {kind}", folder.display()),
            "check that the folder is there, that the account that runs csc-bridge may write to it, and that the disk has room",
        );
        SendError { error, then, status: None, detail: None }
    }
}

/// Writes `body` to `folder/name`: under a temporary name first, through to the disk, then renamed.
pub(crate) fn write(folder: &Path, name: &str, body: &[u8]) -> Result<(), Failed> {
    let temporary = folder.join(format!(".{name}.part"));
    let renamed = write_through(&temporary, body).and_then(|()| fs::rename(&temporary, folder.join(name)));
    if let Err(error) = renamed {
        // Part of a batch must not lie about. If it cannot be removed either, its name says what it is.
        let _ = fs::remove_file(&temporary);
        return Err(Failed::Unwritten(error.kind()));
    }
    sync_folder(folder).map_err(|error| Failed::Unsure(error.kind()))
}

/// Whether a batch could be written: its temporary name is tried, which no other program picks up, with nothing in it.
pub(crate) fn try_writing(folder: &Path) -> Result<(), Failed> {
    let temporary = folder.join(format!(".check-{}.part", uuid::Uuid::new_v4()));
    let tried = write_through(&temporary, b"").and_then(|()| fs::remove_file(&temporary));
    tried.map_err(|error| Failed::Unwritten(error.kind()))
}

fn write_through(path: &Path, body: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(body)?;
    file.sync_all()
}

/// On Unix a new name is only as durable as its folder's own entry; Windows does that by itself.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
