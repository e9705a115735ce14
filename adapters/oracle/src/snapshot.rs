//! One moment for all reads of a session.
//!
//! A READ ONLY transaction sees every table as it was when the transaction began, and needs no right. What it does not keep is a table that
//! is changed by DDL, as a nightly refresh does with TRUNCATE: Oracle then refuses to read it (ORA-01466, ORA-08103).
//!
//! A lock would keep TRUNCATE out: LOCK TABLE … IN ROW SHARE MODE, which a READ ONLY transaction may take. But DDL does not wait for a lock
//! as other statements do: the refresh would end with ORA-00054, and a reader must not break what it reads. So nothing is locked. The rows
//! are counted when the session begins, and after each read those of every table in it are counted again, in the same transaction: where
//! Oracle lets an emptied table pass, this does not.

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_sql::{Dialect, Read};

use crate::OracleDialect;
use crate::connection::{Shared, execute, query};

/// A table as it was when the session began.
#[derive(Clone)]
pub(crate) struct Counted {
    name: TableName,
    /// As it stands in statements.
    spelled: String,
    rows: i64,
}

/// What a session began with.
pub(crate) struct Moment(Vec<Counted>);

/// Fixes the moment, and counts the tables at it. Blocks.
pub(crate) fn begin(shared: &Shared, tables: Vec<TableName>) -> Result<Moment> {
    let failed = |error: oracle::Error| shared.explain(&error);
    // It must be the first statement of its transaction.
    shared.driver.rollback().map_err(failed)?;
    execute(&shared.driver, "SET TRANSACTION READ ONLY", &[]).map_err(failed)?;
    let mut counted = Vec::with_capacity(tables.len());
    for name in tables {
        let spelled = OracleDialect.table(&name);
        let rows = count(shared, &spelled).map_err(|error| error.within(format!("counting {name}")))?;
        counted.push(Counted { name, spelled, rows });
    }
    Ok(Moment(counted))
}

impl Moment {
    /// The tables that a read looks at.
    pub(crate) fn counted(&self, read: &Read) -> Vec<Counted> {
        self.0.iter().filter(|table| read.sql.contains(&table.spelled)).cloned().collect()
    }
}

/// Whether the tables of a read still have their rows. Blocks.
///
/// # Errors
/// [`Kind::Incomplete`]: one has others, so that it is no longer the table that was read at first.
pub(crate) fn check(shared: &Shared, tables: &[Counted]) -> Result<()> {
    for Counted { name, spelled, rows } in tables {
        let now = count(shared, spelled)?;
        if now != *rows {
            return Err(Error::new(
                Kind::Incomplete,
                format!("the table {name} was emptied or replaced while it was read: {rows} rows before, {now} after"),
                "nothing was staged; run again when the refresh of the SSD has ended",
            ));
        }
    }
    Ok(())
}

fn count(shared: &Shared, table: &str) -> Result<i64> {
    let sql = format!("SELECT COUNT(*) FROM {table}");
    let rows = query(&shared.driver, &sql, &[]).map_err(|error| shared.explain(&error))?;
    let row = rows.into_iter().next().and_then(|row| row.into_row());
    row.ok_or_else(|| Error::internal("a count came back without a number"))?.integer(0)
}
