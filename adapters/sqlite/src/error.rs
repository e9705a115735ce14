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
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..) => {
            return Error::new(
                Kind::Data,
                format!("{file} holds a value or a name that is not of the kind it should be"),
                "compare its tables with those that csc-bridge creates; names must be UTF-8",
            );
        }
        rusqlite::Error::InvalidPath(_) | rusqlite::Error::NulError(_) => {
            return Error::new(
                Kind::Config,
                format!("{file} has a path that SQLite cannot use"),
                "write another path in database",
            );
        }
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
        ErrorCode::FileLockingProtocolFailed => (
            Kind::Busy,
            "was locked and unlocked by other programs all the time",
            "close programs that have it open and run again; a network share is no place for SQLite",
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
            "check that the disk has room and is well; a network share is no place for SQLite",
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
        ErrorCode::TypeMismatch => (
            Kind::Schema,
            "has a column of another type than csc-bridge writes into it",
            "compare the table with the one that csc-bridge creates",
        ),
        ErrorCode::OperationAborted => (
            Kind::Incomplete,
            "broke off what it was asked for",
            "run again; look for triggers on the staging tables if it happens twice",
        ),
        ErrorCode::SchemaChanged => (Kind::Incomplete, "was changed while it was read", "run again"),
        _ if names_another_schema(text) => {
            (Kind::Config, "does not have the schema that is configured", "set schema = \"\" (SQLite has one schema)")
        }
        _ if text.starts_with("no such") || text.contains(" has no column named ") => (
            Kind::Schema,
            "lacks a table or a column that a statement names",
            "compare the tables with the payload definition and the CMS profile; [source.names] maps other names",
        ),
        _ if text.contains("already") && text.contains("named") || text.ends_with("already exists") => (
            Kind::Schema,
            "has a table or an index already whose name csc-bridge needs",
            "run again if another program created it at this moment; else rename it, or name other tables in [staging]",
        ),
        _ if text == "unsupported file format" => (
            Kind::Data,
            "is of a format that this version of SQLite does not know",
            "have the program that made it write the usual format",
        ),
        // What is left of the general error is a statement that was understood but cannot be run: the statements are fixed, so it
        // is the tables that differ, or a view or trigger of somebody else's.
        ErrorCode::Unknown if failure.extended_code == rusqlite::ffi::SQLITE_ERROR && !is_our_mistake(text) => (
            Kind::Schema,
            "has tables, views or triggers with which a statement cannot be run",
            "compare the tables with those that csc-bridge creates, and try without views and triggers of other programs; \
             report it if there are none",
        ),
        _ => return Error::internal(format!("{file} refused a statement with code {}", failure.extended_code)),
    };
    Error::new(kind, format!("{file} {happened}"), advice)
}

/// Whether a statement failed because SQLite has no schema of the name that is configured. Our statements name a schema always.
fn names_another_schema(text: &str) -> bool {
    text.starts_with("unknown database")
        || text
            .strip_prefix("no such table: ")
            .and_then(|table| table.split_once('.'))
            .is_some_and(|(schema, _)| !["main", "temp"].iter().any(|known| schema.eq_ignore_ascii_case(known)))
}

/// Whether SQLite did not understand a statement or was asked at the wrong time, which no database can be to blame for.
fn is_our_mistake(text: &str) -> bool {
    text.is_empty()
        || text.starts_with("near ")
        || text.starts_with("cannot ") && text.contains("transaction")
        || [
            "syntax error",
            "incomplete input",
            "unrecognized token",
            "misuse of",
            "wrong number of arguments",
            "too many",
        ]
        .iter()
        .any(|part| text.contains(part))
}

/// The file is not there, and may not be made.
pub(crate) fn missing(path: &Path) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("the SQLite database {} does not exist", path.display()),
        "check database in csc-bridge.toml; a relative path is relative to that file's folder",
    )
}
