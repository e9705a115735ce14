//! Temporary tables. Oracle's are there for good, and only their rows are a session's own: the first to need one makes it, in the schema
//! of the account.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_sql::{Connection, Dialect, Store};

use crate::connection::OracleConnection;

/// Tables that this process has found as they should be.
pub(crate) type Known = Arc<Mutex<HashSet<String>>>;

/// The name is taken: another process has just made the table.
pub(crate) const TAKEN: &[i32] = &[955];

/// Makes a temporary table if it is not there, else looks whether it is this version's.
pub(crate) async fn ensure(
    connection: &mut OracleConnection,
    known: &Known,
    dialect: &dyn Dialect,
    name: &str,
    columns: &[(&str, Store)],
    key: &str,
) -> Result<()> {
    if known.lock().unwrap_or_else(PoisonError::into_inner).contains(name) {
        return Ok(());
    }
    let table = TableName { schema: String::new(), table: name.to_owned() };
    let within = |error: Error| error.within(format!("making the temporary table {}", name.to_uppercase()));
    if connection.columns(&table).await?.is_none() {
        let sql = dialect.create_temporary(name, columns, key);
        connection.unless(&sql, &[], TAKEN).await.map_err(within)?;
    }
    let there = connection.columns(&table).await?.unwrap_or_default();
    let has = |column: &str| there.iter().any(|there| there.eq_ignore_ascii_case(column));
    match columns.iter().find(|(column, _)| !has(column)) {
        None => {
            known.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
            Ok(())
        }
        Some((column, _)) => Err(Error::new(
            Kind::Schema,
            format!(
                "the temporary table {} has no column {column}: it is of another version of csc-bridge",
                name.to_uppercase()
            ),
            format!("when no csc-bridge runs, DROP TABLE {}; it holds no rows, and is made anew", name.to_uppercase()),
        )),
    }
}
