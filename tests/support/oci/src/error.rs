//! Oracle's errors, and PostgreSQL's in their place.

use tokio_postgres::error::{DbError, SqlState};

/// An error as Oracle tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OraError {
    pub(crate) code: i32,
    pub(crate) message: String,
}

pub(crate) type Result<T> = std::result::Result<T, OraError>;

/// An error with Oracle's words where we know them.
pub(crate) fn ora(code: i32) -> OraError {
    told(code, words(code))
}

/// An error with words of its own.
pub(crate) fn told(code: i32, message: impl AsRef<str>) -> OraError {
    OraError { code, message: format!("ORA-{code:05}: {}", message.as_ref()) }
}

/// A statement outside the set that is known here.
pub(crate) fn unknown(what: impl AsRef<str>) -> OraError {
    told(900, format!("invalid SQL statement: the test server does not know: {}", what.as_ref()))
}

/// Whether the session is gone after such an error.
pub(crate) fn ends_session(code: i32) -> bool {
    matches!(code, 28 | 1012 | 1089 | 1092 | 3113 | 3114 | 3135 | 12537 | 12547 | 12570)
}

fn words(code: i32) -> &'static str {
    match code {
        1 => "unique constraint violated",
        54 => "resource busy and acquire with NOWAIT specified or timeout expired",
        60 => "deadlock detected while waiting for resource",
        904 => "invalid identifier",
        911 => "invalid character",
        923 => "FROM keyword not found where expected",
        932 => "inconsistent datatypes",
        933 => "SQL command not properly ended",
        942 => "table or view does not exist",
        955 => "name is already used by an existing object",
        972 => "identifier is too long",
        1008 => "not all variables bound",
        1013 => "user requested cancel of current operation",
        1017 => "invalid username/password; logon denied",
        1031 => "insufficient privileges",
        1036 => "illegal variable name/number",
        1400 => "cannot insert NULL",
        1407 => "cannot update to NULL",
        1418 => "specified index does not exist",
        1427 => "single-row subquery returns more than one row",
        1438 => "value larger than specified precision allowed for this column",
        1456 => "may not perform insert/delete/update operation inside a READ ONLY transaction",
        1461 => "can bind a LONG value only for insert into a LONG column",
        1476 => "divisor is equal to zero",
        1489 => "result of string concatenation is too long",
        1555 => "snapshot too old: rollback segment number with name \"\" too small",
        1722 => "invalid number",
        1747 => "invalid user.table.column, table.column, or column specification",
        1795 => "maximum number of expressions in a list is 1000",
        1861 => "literal does not match format string",
        2014 => "cannot select FOR UPDATE from view with DISTINCT, GROUP BY, etc.",
        2290 => "check constraint violated",
        2291 => "integrity constraint violated - parent key not found",
        2292 => "integrity constraint violated - child record found",
        3113 => "end-of-file on communication channel",
        3114 => "not connected to ORACLE",
        3135 => "connection lost contact",
        3156 => "OCI call timed out",
        8177 => "can't serialize access for this transaction",
        12154 => "TNS:could not resolve the connect identifier specified",
        12170 => "TNS:Connect timeout occurred",
        12514 => "TNS:listener does not currently know of service requested in connect descriptor",
        12541 => "TNS:no listener",
        12899 => "value too large for column",
        28000 => "the account is locked",
        28001 => "the password has expired",
        28040 => "No matching authentication protocol",
        30926 => "unable to get a stable set of rows in the source tables",
        38104 => "Columns referenced in the ON Clause cannot be updated",
        _ => "asked for by the test",
    }
}

/// What a failed statement says. A broken connection is ORA-03113.
pub(crate) fn from_postgres(fault: &tokio_postgres::Error, statement: &str) -> OraError {
    match fault.as_db_error() {
        Some(fault) => from_database(fault, statement),
        None if fault.is_closed() => ora(3113),
        None => match std::error::Error::source(fault).and_then(|source| source.downcast_ref::<std::io::Error>()) {
            Some(_) => ora(3113),
            None => unknown(format!("{fault}: {statement}")),
        },
    }
}

fn from_database(fault: &DbError, statement: &str) -> OraError {
    let is = |state: &SqlState| fault.code() == state;
    let quoted = |at: usize| fault.message().split('"').nth(at).unwrap_or("?").to_owned();
    let column = || format!("(\"{}\".\"{}\")", fault.table().unwrap_or("?"), fault.column().unwrap_or("?"));
    let verb = statement.split_whitespace().next().unwrap_or_default().to_uppercase();
    if is(&SqlState::ADMIN_SHUTDOWN) || is(&SqlState::CRASH_SHUTDOWN) || is(&SqlState::CANNOT_CONNECT_NOW) {
        ora(3113)
    } else if is(&SqlState::UNDEFINED_TABLE) || is(&SqlState::INVALID_SCHEMA_NAME) {
        ora(942)
    } else if is(&SqlState::UNDEFINED_OBJECT) && verb == "DROP" {
        ora(1418)
    } else if is(&SqlState::UNDEFINED_COLUMN) {
        told(904, format!("{}: invalid identifier", fault.message().trim_start_matches("column ")))
    } else if is(&SqlState::AMBIGUOUS_COLUMN) {
        told(918, "column ambiguously defined")
    } else if is(&SqlState::UNDEFINED_FUNCTION) && fault.message().contains("operator") {
        told(932, format!("inconsistent datatypes: {}", fault.message()))
    } else if is(&SqlState::UNDEFINED_FUNCTION) {
        told(904, format!("invalid identifier: {}", fault.message()))
    } else if is(&SqlState::DATATYPE_MISMATCH) || is(&SqlState::CANNOT_COERCE) {
        told(932, format!("inconsistent datatypes: {}", fault.message()))
    } else if is(&SqlState::UNIQUE_VIOLATION) && fault.schema() == Some("pg_catalog") {
        // Somebody made a table of this name at the same time.
        ora(955)
    } else if is(&SqlState::UNIQUE_VIOLATION) {
        let code = if verb == "CREATE" || verb == "ALTER" { 1452 } else { 1 };
        told(code, format!("unique constraint ({}) violated", fault.constraint().unwrap_or("?")))
    } else if is(&SqlState::NOT_NULL_VIOLATION) {
        match verb.as_str() {
            "UPDATE" => told(1407, format!("cannot update {} to NULL", column())),
            _ => told(1400, format!("cannot insert NULL into {}", column())),
        }
    } else if is(&SqlState::STRING_DATA_RIGHT_TRUNCATION)
        || is(&SqlState::CHECK_VIOLATION) && fault.constraint().is_some_and(|name| name.starts_with("oracle_bytes"))
    {
        told(12899, "value too large for column")
    } else if is(&SqlState::CHECK_VIOLATION) {
        told(2290, format!("check constraint ({}) violated", fault.constraint().unwrap_or("?")))
    } else if is(&SqlState::FOREIGN_KEY_VIOLATION) {
        let is_parent = fault.message().starts_with("insert");
        let code = if is_parent { 2291 } else { 2292 };
        told(code, format!("integrity constraint ({}) violated", fault.constraint().unwrap_or("?")))
    } else if is(&SqlState::NUMERIC_VALUE_OUT_OF_RANGE) {
        ora(1438)
    } else if is(&SqlState::T_R_DEADLOCK_DETECTED) {
        ora(60)
    } else if is(&SqlState::LOCK_NOT_AVAILABLE) {
        ora(54)
    } else if is(&SqlState::QUERY_CANCELED) {
        ora(1013)
    } else if is(&SqlState::T_R_SERIALIZATION_FAILURE) {
        ora(8177)
    } else if is(&SqlState::READ_ONLY_SQL_TRANSACTION) {
        ora(1456)
    } else if is(&SqlState::INSUFFICIENT_PRIVILEGE) {
        told(1031, format!("insufficient privileges ({})", fault.message()))
    } else if is(&SqlState::INVALID_TEXT_REPRESENTATION) {
        ora(1722)
    } else if is(&SqlState::DATETIME_VALUE_OUT_OF_RANGE)
        || is(&SqlState::INVALID_DATETIME_FORMAT)
        || is(&SqlState::DATETIME_FIELD_OVERFLOW)
    {
        ora(1861)
    } else if is(&SqlState::DIVISION_BY_ZERO) {
        ora(1476)
    } else if is(&SqlState::CARDINALITY_VIOLATION) {
        ora(if verb == "MERGE" { 30926 } else { 1427 })
    } else if is(&SqlState::DUPLICATE_TABLE) || is(&SqlState::DUPLICATE_OBJECT) {
        ora(955)
    } else if is(&SqlState::DUPLICATE_COLUMN) {
        told(1430, format!("column being added already exists in table ({})", quoted(1)))
    } else if is(&SqlState::GROUPING_ERROR) {
        told(979, "not a GROUP BY expression")
    } else {
        unknown(format!("{} ({}): {statement}", fault.message(), fault.code().code()))
    }
}
