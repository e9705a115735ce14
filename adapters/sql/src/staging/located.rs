//! The rows `t` of the children in the [`SET`], for statements that lock them or write into them.
//!
//! Most products lock what such a statement returns. SQL Server locks whatever it looks at: a search by the child's id, which no index
//! answers, would lock every row of the table, or wait for every sender. There the rows are found first, without a lock, and then locked
//! by their primary keys, whereupon all conditions are looked at again.

use csc_bridge_core::error::Result;

use super::Shared;
use super::pool::Lease;
use crate::{Connection, SET, Store, WritingDialect};

/// The rows that were found: the child's number in the set, and the row's `id`.
const ROWS: &str = "csc_bridge_row";

const COLUMNS: &[(&str, Store)] = &[("place", Store::Integer), ("nr", Store::Integer), ("row_id", Store::Integer)];

/// Creates the table of rows on a connection, once, where it is needed.
pub(super) async fn create_rows(connection: &mut dyn Connection, dialect: &dyn WritingDialect) -> Result<()> {
    if by_id(dialect).is_some() {
        connection.create_temporary(dialect, ROWS, COLUMNS, "place").await?;
    }
    Ok(())
}

/// Finds the rows of the set as they are now, where they are to be locked by their ids.
pub(super) async fn locate(shared: &Shared, lease: &mut Lease) -> Result<()> {
    let dialect = shared.dialect();
    if by_id(dialect).is_none() {
        return Ok(());
    }
    crate::set::clear(&mut **lease, dialect, ROWS).await?;
    let sql = format!(
        "INSERT INTO {} (place, nr, row_id) SELECT ROW_NUMBER() OVER (ORDER BY t.id), c.nr, t.id FROM {} t JOIN {} c \
         ON c.id = {}",
        dialect.temporary(ROWS),
        shared.sql.staging,
        dialect.temporary(SET),
        dialect.key("t.person_id"),
    );
    lease.execute(&sql, &[]).await?;
    Ok(())
}

/// What stands in FROM: the located rows `t`, with their locks, and the set, `c`.
pub(super) fn locked(shared: &Shared) -> String {
    rows(shared, shared.dialect().row_lock().map_or("", |lock| lock.hint))
}

/// [`locked`], without a lock: for a transaction that has it already.
pub(super) fn unlocked(shared: &Shared) -> String {
    rows(shared, "")
}

fn rows(shared: &Shared, hint: &str) -> String {
    let dialect = shared.dialect();
    let (staging, set, key) = (&shared.sql.staging, dialect.temporary(SET), dialect.key("t.person_id"));
    match by_id(dialect) {
        None => format!("{staging} t{hint} JOIN {set} c ON c.id = {key}"),
        Some(join) => format!(
            "{} k {join} {staging} t{hint} ON t.id = k.row_id JOIN {set} c ON c.nr = k.nr AND c.id = {key}",
            dialect.temporary(ROWS)
        ),
    }
}

/// The source of an update of the located rows, and the condition that joins it with them: the set, `c`.
pub(super) fn source(shared: &Shared) -> (String, String) {
    let dialect = shared.dialect();
    let (set, key) = (dialect.temporary(SET), dialect.key("t.person_id"));
    match by_id(dialect) {
        None => (format!("{set} c"), format!("{key} = c.id")),
        Some(_) => (
            format!("{} k JOIN {set} c ON c.nr = k.nr", dialect.temporary(ROWS)),
            format!("t.id = k.row_id AND {key} = c.id"),
        ),
    }
}

fn by_id(dialect: &dyn WritingDialect) -> Option<&'static str> {
    dialect.row_lock().and_then(|lock| lock.by_id)
}
