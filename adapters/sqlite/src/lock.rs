//! Locked files beside the database: one process stages (or one for each shard), one process sends.
//!
//! The operating system gives a file lock back when its process dies, however it dies; a row or a file that says "I am busy"
//! would outlive its writer. The files stay behind, empty: to remove one would let two processes lock two files of one name.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::Guard;
use csc_bridge_sql::Lock;
use csc_bridge_sql::locks::{self, GATE, Mode, NamedLocks, STAGE, SUBMIT};

use crate::connection::blocking;

/// The files that this process has locked. It is patient with them ([`locks::take`]): a process that this one starts has a copy of every open
/// file until its program begins.
struct LockedFiles {
    database: PathBuf,
    /// The table, as part of a file's name.
    table: String,
    /// In the order in which they were taken, and are given back.
    held: Vec<(String, File)>,
}

impl Guard for LockedFiles {}

#[async_trait]
impl NamedLocks for LockedFiles {
    async fn take(&mut self, name: &str, mode: Mode) -> Result<bool> {
        let path = self.path(name);
        let locked = blocking(move || {
            let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
            let file = file.map_err(|error| refused(&path, error.kind()))?;
            let tried = match mode {
                Mode::Shared => file.try_lock_shared(),
                Mode::Exclusive => file.try_lock(),
            };
            match tried {
                Ok(()) => Ok(Some(file)),
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(error)) => Err(refused(&path, error.kind())),
            }
        });
        let locked = locked.await?;
        let is_taken = locked.is_some();
        self.held.extend(locked.map(|file| (name.to_owned(), file)));
        Ok(is_taken)
    }

    async fn release(&mut self, name: &str, _: Mode) -> Result<()> {
        self.held.retain(|(held, _)| held != name);
        Ok(())
    }
}

impl LockedFiles {
    /// Tables of one database are made one after the other, so all of them have one gate.
    fn path(&self, name: &str) -> PathBuf {
        let mut path = self.database.clone().into_os_string();
        let word = name.replace([' ', '/'], "-");
        path.push(if name == GATE { format!(".{word}.lock") } else { format!(".{}.{word}.lock", self.table) });
        PathBuf::from(path)
    }
}

/// Takes a lock on a staging table.
pub(crate) async fn take(database: &Path, table: &TableName, wanted: Lock) -> Result<Box<dyn Guard>> {
    let database = database.to_owned();
    // One file for one database, whatever link leads to it.
    let database = blocking(move || std::fs::canonicalize(&database).map_err(|_| crate::error::missing(&database)));
    let mut files = LockedFiles { database: database.await?, table: file_name(table), held: Vec::new() };
    if locks::take(&mut files, wanted).await? {
        return Ok(Box::new(files));
    }
    let holds = files.path(if wanted == Lock::Submit { SUBMIT } else { STAGE });
    let may = match wanted {
        Lock::Stage(Some(_)) => "the shards of one number may stage together, each once",
        _ => "with SQLite, one process at a time may",
    };
    let advice = format!("wait until it has ended and run again; {may} (it holds {})", holds.display());
    Err(locks::busy(table, wanted, advice))
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
