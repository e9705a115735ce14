//! Locked files beside the database: one process stages, one process sends.
//!
//! The operating system gives a file lock back when its process dies, however it dies; a row or a file that says "I am busy"
//! would outlive its writer. The files stay behind, empty: to remove one would let two processes lock two files of one name.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::Guard;
use csc_bridge_sql::Lock;

use crate::connection::blocking;

/// Some hold a lock for moments: `recover` that of sending; and a process that this one starts has a copy of every open file until its
/// program begins. Who comes just then tries so often, so long apart.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(100);

struct LockedFile {
    _file: File,
}

impl Guard for LockedFile {}

/// Takes a lock on a staging table.
pub(crate) async fn take(database: &Path, table: &TableName, wanted: Lock) -> Result<Box<dyn Guard>> {
    let (word, doing) = match wanted {
        Lock::Stage => ("stage", "stages"),
        Lock::Submit => ("submit", "sends from"),
    };
    let (database, name) = (database.to_owned(), file_name(table));
    let opened = blocking(move || {
        // One file for one database, whatever link leads to it.
        let database = std::fs::canonicalize(&database).map_err(|_| crate::error::missing(&database))?;
        let mut path = database.into_os_string();
        path.push(format!(".{name}.{word}.lock"));
        let path = PathBuf::from(path);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        file.map(|file| (file, path.clone())).map_err(|error| refused(&path, error.kind()))
    });
    let (file, path) = opened.await?;
    for at in 1.. {
        match file.try_lock() {
            Ok(()) => return Ok(Box::new(LockedFile { _file: file })),
            Err(TryLockError::WouldBlock) if at < TRIES => tokio::time::sleep(PAUSE).await,
            Err(TryLockError::WouldBlock) => break,
            Err(TryLockError::Error(error)) => return Err(refused(&path, error.kind())),
        }
    }
    Err(Error::new(
        Kind::Busy,
        format!("another csc-bridge {doing} {table} at this moment"),
        format!(
            "wait until it has ended and run again; with SQLite, one process at a time may (it holds {})",
            path.display()
        ),
    ))
}

fn refused(path: &Path, why: std::io::ErrorKind) -> Error {
    Error::new(
        Kind::Io,
        format!("the lock file {} cannot be used: {why}", path.display()),
        "give the account that runs csc-bridge the right to create files beside the database, on a local disk",
    )
}

/// The table's name as part of a file name. SQLite does not tell names apart by case, so neither does this.
fn file_name(table: &TableName) -> String {
    let mut name = String::new();
    for byte in table.table.to_ascii_lowercase().bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    name
}
