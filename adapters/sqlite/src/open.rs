//! Opening the file, for reading, staging or generating.

use std::path::Path;
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_sql::Purpose;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::{explain, missing};

/// Opens the file. Blocks.
pub(crate) fn open(path: &Path, purpose: Purpose, lock_timeout: Duration) -> Result<Connection> {
    let create = matches!(purpose, Purpose::Generate | Purpose::Prepare { create: true });
    // A file that is not there is never made where nothing may be created: an empty database would look like an SSD without
    // children.
    if !exists(path)? && !create {
        return Err(missing(path));
    }
    let mut flags = match purpose {
        Purpose::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        _ => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    // One connection is used by one thread at a time; the mutex around it is ours.
    flags |= OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| explain(&error, path))?;
    set_up(&connection, purpose, lock_timeout, path)?;
    Ok(connection)
}

/// Makes an empty file for its owner alone, where there is none. SQLite gives the files beside it the same rights. Blocks.
pub(crate) fn create_private(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::new(
            Kind::Io,
            format!("the SQLite database {} cannot be made: {}", path.display(), error.kind()),
            "check that the account that runs csc-bridge may write the folder, and that the disk has room",
        )),
    }
}

/// Whether the file is there. Where it is not, its folder must be, or nobody could make it. Blocks.
pub(crate) fn exists(path: &Path) -> Result<bool> {
    match std::fs::metadata(path) {
        Ok(file) if file.is_file() => Ok(true),
        Ok(_) => Err(Error::new(
            Kind::Config,
            format!("the SQLite database {} is a folder, not a file", path.display()),
            "name the file in database",
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match path.parent() {
            Some(folder) if folder.is_dir() => Ok(false),
            _ => Err(Error::new(
                Kind::Unreachable,
                format!("the SQLite database {} does not exist, nor does its folder", path.display()),
                "create the folder, or correct database in csc-bridge.toml",
            )),
        },
        Err(error) => Err(Error::new(
            Kind::Permission,
            format!("the SQLite database {} cannot be reached: {}", path.display(), error.kind()),
            "check that the account that runs csc-bridge may read the folder and the file",
        )),
    }
}

fn set_up(connection: &Connection, purpose: Purpose, lock_timeout: Duration, path: &Path) -> Result<()> {
    let settings = || -> rusqlite::Result<()> {
        connection.busy_timeout(lock_timeout)?;
        // Without this a misspelt "column" would read as the text 'column'.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        // A file from elsewhere may hold views and triggers: they get no functions with side effects.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        // Memory stays low whatever the data: temporary tables and sorts go to files, caches are a few megabytes. There is one
        // read session, which searches, and a handful of others, which do not.
        let cache = if purpose == Purpose::Read { -8192 } else { -2048 };
        connection.pragma_update(None, "temp_store", "FILE")?;
        connection.pragma_update(None, "cache_size", cache)?;
        connection.pragma_update(Some("temp"), "cache_size", -2048)?;
        // A committed intent must survive a power cut: its request may be on the wire.
        connection.pragma_update(None, "synchronous", "FULL")?;
        // The first read of the file: this is where a file that is no database shows itself.
        connection.query_row("SELECT COUNT(*) FROM main.sqlite_schema", [], |row| row.get::<_, i64>(0))?;
        Ok(())
    };
    settings().map_err(|error| explain(&error, path))?;
    match purpose {
        Purpose::Generate | Purpose::Prepare { .. } => write_ahead(connection, path),
        Purpose::Read | Purpose::Stage => Ok(()),
    }
}

/// Sets write-ahead logging, which the file remembers.
///
/// `stage` reads the SSD in one transaction that lasts the whole run, and writes the staging tables meanwhile. Where both are
/// in one file, SQLite's older journal would keep the writer out until the reader ends: each would wait for the other. With
/// write-ahead logging the reader keeps its moment and the writer appends.
fn write_ahead(connection: &Connection, path: &Path) -> Result<()> {
    let mode: String = connection
        .query_row("PRAGMA main.journal_mode = WAL", [], |row| row.get(0))
        .map_err(|error| explain(&error, path).within("switching to write-ahead logging"))?;
    if mode.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    Err(Error::new(
        Kind::Io,
        format!("the SQLite database {} cannot use write-ahead logging", path.display()),
        "put it on a local disk, and close other programs that have it open; network shares cannot do this",
    ))
}
