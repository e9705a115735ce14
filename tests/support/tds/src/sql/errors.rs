//! PostgreSQL's errors in SQL Server's numbers and words.
//!
//! What has no counterpart, and a fault of PostgreSQL's grammar, is 40517 with PostgreSQL's own words: nothing is passed off as SQL
//! Server's that is not.

use tokio_postgres::error::{DbError, SqlState};

use crate::session::{Failed, SqlError};

/// An error of the usual severity.
pub(crate) fn error(number: i32, message: impl Into<String>) -> SqlError {
    let class = match number {
        229 | 262 | 15247 => 14,
        1205 => 13,
        2627 | 2601 | 1505 => 14,
        911 | 40517 => 16,
        4060 => 11,
        18456 => 14,
        _ => 16,
    };
    SqlError { number, class, message: message.into() }
}

/// A statement outside the set that this server knows.
pub(crate) fn unsupported(statement: &str) -> SqlError {
    error(40517, format!("not supported by the test server: {}", statement.trim()))
}

/// What a failed statement says to the client. A broken connection says nothing.
pub(crate) fn failed(fault: &tokio_postgres::Error, statement: &str) -> Failed {
    match fault.as_db_error() {
        Some(fault) if ends_connection(fault) => Failed::Dropped,
        Some(fault) => Failed::Error(from_database(fault, statement)),
        None if fault.is_closed() => Failed::Dropped,
        None => match std::error::Error::source(fault).and_then(|source| source.downcast_ref::<std::io::Error>()) {
            Some(_) => Failed::Dropped,
            None => Failed::Error(error(40517, format!("the test server: {fault}: {statement}"))),
        },
    }
}

fn ends_connection(fault: &DbError) -> bool {
    let codes = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW];
    codes.contains(fault.code())
}

fn from_database(fault: &DbError, statement: &str) -> SqlError {
    let code = fault.code();
    let quoted = |at: usize| fault.message().split('"').nth(at).unwrap_or("?").to_owned();
    let table = || fault.table().map_or_else(|| quoted(3), str::to_owned);
    let is_alter = statement.trim_start().to_uppercase().starts_with("ALTER");
    let is_create = statement.trim_start().to_uppercase().starts_with("CREATE");
    if *code == SqlState::UNDEFINED_TABLE {
        error(208, format!("Invalid object name '{}'.", quoted(1)))
    } else if *code == SqlState::UNDEFINED_COLUMN {
        error(207, format!("Invalid column name '{}'.", quoted(1)))
    } else if *code == SqlState::INVALID_SCHEMA_NAME {
        no_schema(&quoted(1))
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        match (is_create, fault.message().contains("for schema")) {
            (true, true) => no_schema(&quoted(1).replace("public", "dbo")),
            (true, false) => error(262, "CREATE TABLE permission denied in database."),
            (false, _) => {
                let (verb, object) =
                    (statement.split_whitespace().next().unwrap_or("SELECT").to_uppercase(), last_word(fault));
                let verb = if verb == "WITH" { "SELECT".to_owned() } else { verb };
                let message = format!(
                    "The {verb} permission was denied on the object '{object}', database 'test', schema 'dbo'."
                );
                error(229, message)
            }
        }
    } else if *code == SqlState::UNIQUE_VIOLATION {
        let (name, on) = (fault.constraint().unwrap_or("?"), table());
        match fault.message().contains("could not create unique index") {
            true => error(
                1505,
                format!(
                    "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name 'dbo.{on}' and the index name '{name}'."
                ),
            ),
            false if crate::sql::define::is_constraint(name) => error(
                2627,
                format!(
                    "Violation of UNIQUE KEY constraint '{name}'. Cannot insert duplicate key in object 'dbo.{on}'."
                ),
            ),
            false => {
                error(2601, format!("Cannot insert duplicate key row in object 'dbo.{on}' with unique index '{name}'."))
            }
        }
    } else if *code == SqlState::NOT_NULL_VIOLATION {
        let column = fault.column().map_or_else(|| quoted(1), str::to_owned);
        let message = format!(
            "Cannot insert the value NULL into column '{column}', table '{}'; column does not allow nulls. INSERT fails.",
            table()
        );
        error(515, message)
    } else if *code == SqlState::STRING_DATA_RIGHT_TRUNCATION
        || *code == SqlState::CHECK_VIOLATION && fault.constraint().is_some_and(|name| name.starts_with("mssql_bytes"))
    {
        error(2628, format!("String or binary data would be truncated in table '{}'.", fault.table().unwrap_or("?")))
    } else if *code == SqlState::FOREIGN_KEY_VIOLATION || *code == SqlState::CHECK_VIOLATION {
        let words: Vec<String> = statement.split_whitespace().take(2).map(str::to_uppercase).collect();
        let verb = if is_alter { words.join(" ") } else { words.first().cloned().unwrap_or_default() };
        let kind = if *code == SqlState::CHECK_VIOLATION { "CHECK" } else { "FOREIGN KEY" };
        let name = fault.constraint().unwrap_or("?");
        let message = format!(
            "The {verb} statement conflicted with the {kind} constraint \"{name}\". The conflict occurred in table \"dbo.{}\".",
            table()
        );
        error(547, message)
    } else if *code == SqlState::T_R_DEADLOCK_DETECTED {
        error(
            1205,
            "Transaction (Process ID 51) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction.",
        )
    } else if *code == SqlState::LOCK_NOT_AVAILABLE {
        error(1222, "Lock request time out period exceeded.")
    } else if *code == SqlState::T_R_SERIALIZATION_FAILURE {
        error(
            3960,
            "Snapshot isolation transaction aborted due to update conflict. Retry the transaction or change the isolation level for the update/delete statement.",
        )
    } else if *code == SqlState::INVALID_TEXT_REPRESENTATION {
        error(245, format!("Conversion failed when converting the nvarchar value '{}' to data type int.", quoted(1)))
    } else if *code == SqlState::INVALID_DATETIME_FORMAT || *code == SqlState::DATETIME_FIELD_OVERFLOW {
        error(241, "Conversion failed when converting date and/or time from character string.")
    } else if *code == SqlState::DATETIME_VALUE_OUT_OF_RANGE {
        error(242, "The conversion of a nvarchar data type to a datetime data type resulted in an out-of-range value.")
    } else if *code == SqlState::NUMERIC_VALUE_OUT_OF_RANGE {
        error(8115, "Arithmetic overflow error converting expression to data type int.")
    } else if *code == SqlState::DIVISION_BY_ZERO {
        error(8134, "Divide by zero error encountered.")
    } else if *code == SqlState::COLLATION_MISMATCH || *code == SqlState::INDETERMINATE_COLLATION {
        error(468, format!("Cannot resolve the collation conflict. ({})", fault.message()))
    } else if *code == SqlState::DUPLICATE_TABLE {
        match fault.message().contains("index") || statement.to_uppercase().contains("INDEX") {
            true => error(
                1913,
                format!(
                    "The operation failed because an index or statistics with name '{}' already exists.",
                    quoted(1)
                ),
            ),
            false => error(2714, format!("There is already an object named '{}' in the database.", quoted(1))),
        }
    } else if *code == SqlState::DUPLICATE_COLUMN {
        error(
            2705,
            format!(
                "Column names in each table must be unique. Column name '{}' is specified more than once.",
                quoted(1)
            ),
        )
    } else if *code == SqlState::IN_FAILED_SQL_TRANSACTION {
        error(
            3930,
            "The current transaction cannot be committed and cannot support operations that write to the log file. Roll back the transaction.",
        )
    } else if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
        error(3906, "Failed to update database because the database is read-only.")
    } else if *code == SqlState::CARDINALITY_VIOLATION {
        error(512, "Subquery returned more than 1 value.")
    } else if *code == SqlState::GROUPING_ERROR {
        error(8120, format!("{} (8120)", fault.message()))
    } else {
        error(
            40517,
            format!("not supported by the test server: {} ({}): {}", fault.message(), code.code(), statement.trim()),
        )
    }
}

fn no_schema(name: &str) -> SqlError {
    let message =
        format!("The specified schema name \"{name}\" either does not exist or you do not have permission to use it.");
    error(2760, message)
}

/// "permission denied for table x": PostgreSQL does not quote it.
fn last_word(fault: &DbError) -> String {
    fault.message().rsplit(' ').next().unwrap_or("?").trim_matches('"').to_owned()
}
