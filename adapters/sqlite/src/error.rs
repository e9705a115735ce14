//! From SQLite's error codes to the program's errors. SQLite's own text is never passed on: it quotes names and may quote values.

use std::path::Path;

use csc_bridge_core::error::{Error, Kind};
use rusqlite::ErrorCode;

/// What an error of the driver means for the file at `path`.
pub(crate) fn explain(error: &rusqlite::Error, path: &Path) -> Error {
    let file = format!("the SQLite database {}", path.display());
    let (failure, text) = match error {
        rusqlite::Error::SqliteFailure(failure, text) => (failure, text.as_deref().unwrap_or_default()),
        rusqlite::Error::SqlInputError { error, msg, .. } => (error, msg.as_str()),
        _ => return Error::internal(format!("{file} was asked for something that the driver cannot do")),
    };
    let (kind, happened, advice) = match failure.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => (
            Kind::Busy,
            "is locked by another program",
            "close programs that have it open, or give lock_timeout more time, and run again",
        ),
        ErrorCode::NotADatabase => (
            Kind::Data,
            "is not a SQLite database, or it is encrypted",
            "check the path in database; csc-bridge does not touch such a file",
        ),
        ErrorCode::DatabaseCorrupt => (
            Kind::Data,
            "is damaged: a part of it is missing or overwritten",
            "put back a copy that is whole; a copy made while a program wrote to it is not",
        ),
        ErrorCode::CannotOpen => (
            Kind::Unreachable,
            "cannot be opened",
            "check that the account that runs csc-bridge may read the file, and may write into its folder",
        ),
        ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => (
            Kind::Permission,
            "may not be used by this account",
            "give the account that runs csc-bridge the right to it",
        ),
        ErrorCode::ReadOnly => (
            Kind::Permission,
            "may not be written by this account",
            "give the account that runs csc-bridge the right to write the file and its folder",
        ),
        ErrorCode::DiskFull => {
            (Kind::Io, "cannot grow: the disk is full", "free some space, for the database or for temporary files")
        }
        ErrorCode::SystemIoFailure | ErrorCode::NoLargeFileSupport => (
            Kind::Io,
            "could not be read or written by the operating system",
            "check the disk; a network share is no place for SQLite",
        ),
        ErrorCode::OutOfMemory => (Kind::Io, "needs more memory than there is", "free some memory"),
        ErrorCode::OperationInterrupted => (Kind::Incomplete, "was interrupted while it was read", "run again"),
        ErrorCode::ConstraintViolation => (
            Kind::Data,
            "refused a row by a rule of its own, such as a unique index",
            "compare the table with the one that csc-bridge creates",
        ),
        ErrorCode::TooBig => {
            (Kind::Data, "holds a value that is too long", "look for a text of more than a thousand million characters")
        }
        ErrorCode::SchemaChanged => (Kind::Incomplete, "was changed while it was read", "run again"),
        _ if text.starts_with("no such") => (
            Kind::Schema,
            "lacks a table or a column that a statement names",
            "compare the tables with the payload definition and the CMS profile; [source.names] maps other names",
        ),
        _ => return Error::internal(format!("{file} refused a statement with code {}", failure.extended_code)),
    };
    Error::new(kind, format!("{file} {happened}"), advice)
}

/// The file is not there, and may not be made.
pub(crate) fn missing(path: &Path) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("the SQLite database {} does not exist", path.display()),
        "check database in csc-bridge.toml; a relative path is relative to that file's folder",
    )
}
