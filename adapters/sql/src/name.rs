//! Names that come from a configuration file, on their way into SQL text.
//!
//! A name cannot be bound as a parameter, so it is quoted by the [`Dialect`](crate::Dialect). Quoting makes any name
//! harmless; the checks here are for names that no database can have, so that a slip in the configuration is called one.

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;

/// The longest name any supported product takes (SQL Server: 128 characters).
const LONGEST: usize = 128;

/// Checks one name. `what` says what it names, as in "a column of ssd_person".
///
/// # Errors
/// [`Kind::Config`]: the name is empty, too long, or holds a control character.
pub fn check(what: &str, name: &str) -> Result<()> {
    let fault = if name.trim().is_empty() {
        "is empty".to_owned()
    } else if name.chars().any(char::is_control) {
        "holds a control character".to_owned()
    } else if name.chars().count() > LONGEST {
        format!("is longer than {LONGEST} characters")
    } else {
        return Ok(());
    };
    Err(Error::new(
        Kind::Config,
        format!("the name of {what} {fault}"),
        "correct the name in csc-bridge.toml ([source.names], [staging]) or in the CMS profile",
    ))
}

/// Checks a table's name and its schema's.
///
/// # Errors
/// As [`check`].
pub fn check_table(name: &TableName) -> Result<()> {
    if !name.schema.is_empty() {
        check("a schema", &name.schema)?;
    }
    check("a table", &name.table)
}

/// Takes the spaces off both ends of an id, as [`Dialect::key`](crate::Dialect::key) does in the database.
///
/// Only the space: what else counts as white space differs between products, and both sides of a comparison must agree.
pub fn trimmed(id: &str) -> &str {
    id.trim_matches(' ')
}
