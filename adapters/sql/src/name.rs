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

/// What counts as white space at the ends of an id: Unicode's White_Space, as in [`str::trim`].
///
/// A product's own idea of it differs (SQLite and SQL Server trim U+0020 alone), and both sides of a comparison must agree, so
/// each [`Dialect`](crate::Dialect) spells out this list.
pub const WHITE_SPACE: [u32; 25] = [
    9, 10, 11, 12, 13, 32, 133, 160, 5760, 8192, 8193, 8194, 8195, 8196, 8197, 8198, 8199, 8200, 8201, 8202, 8232,
    8233, 8239, 8287, 12288,
];

/// Takes the white space off both ends of an id, as [`Dialect::key`](crate::Dialect::key) does in the database.
pub fn trimmed(id: &str) -> &str {
    id.trim()
}

/// Checks a text that is to stand in a statement as a [`Dialect::literal`](crate::Dialect::literal). `what` says what it is.
///
/// # Errors
/// [`Kind::Config`]: it holds U+0000, at which some products take a statement to end.
pub fn check_literal(what: &str, text: &str) -> Result<()> {
    match text.contains('\0') {
        false => Ok(()),
        true => Err(Error::new(
            Kind::Config,
            format!("{what} holds the character U+0000"),
            "take the character out of the payload definition",
        )),
    }
}
