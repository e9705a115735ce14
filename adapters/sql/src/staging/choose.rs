//! Which rows are to be sent, as conditions of SQL on a row `t` of the staging table, and what follows from them alone: the
//! candidates, and the rows that a newer one stands for.

use std::sync::Arc;

use csc_bridge_core::error::Result;
use csc_bridge_core::staging::{Candidate, Choice, Status};

use super::{Shared, ledger};
use crate::{SET, WritingDialect, name};

/// Whether the child of row `t` is out of the cohort. Never null.
pub(super) fn out(dialect: &dyn WritingDialect) -> String {
    format!("COALESCE({}, 'new') IN ('deleted', 'left')", dialect.word("t.row_state"))
}

/// Whether row `t` says that it is to be sent. Never null.
pub(super) fn open(dialect: &dyn WritingDialect) -> String {
    format!("COALESCE({}, 'pending') IN ('pending', 'error')", dialect.word("t.submission_status"))
}

/// Whether row `t` says that it is to be sent, and has something that could be.
fn asks(dialect: &dyn WritingDialect) -> String {
    format!("{} AND t.person_id IS NOT NULL AND {}", open(dialect), dialect.has_document("t.json_payload"))
}

/// Whether row `t` is of a child in the cohort and to be sent.
pub(super) fn asks_in_cohort(dialect: &dyn WritingDialect) -> String {
    format!("{} AND NOT ({})", asks(dialect), out(dialect))
}

/// Whether a sender looks at row `t`. `among` are the rows from which a child's newest is taken.
pub(super) fn chosen(shared: &Shared, choice: Choice, among: Among) -> String {
    let dialect = shared.dialect();
    match choice {
        Choice::AsStaged => asks(dialect),
        Choice::Prepared => format!("{} AND ({} OR t.partial_json_payload IS NOT NULL)", asks(dialect), out(dialect)),
        Choice::Sql => format!("{} AND {}", asks_in_cohort(dialect), is_newest(shared, among)),
    }
}

/// The rows from which a child's newest is taken.
#[derive(Clone, Copy)]
pub(super) enum Among {
    /// All of the table.
    Table,
    /// Those of the children in the [`SET`].
    Set,
}

/// Whether row `t` is the one of its child that was written last, whatever has become of it or of the older ones.
///
/// A row number over one sort, because a search for newer rows would, in a table without an index on the key, read the table
/// once for every row. As `IN`, because rows that a statement also locks may not be joined to what a window function made.
pub(super) fn is_newest(shared: &Shared, among: Among) -> String {
    let dialect = shared.dialect();
    let (from, key) = match among {
        Among::Table => (format!("{} n WHERE n.person_id IS NOT NULL", shared.sql.staging), dialect.key("n.person_id")),
        Among::Set => {
            let (set, key) = (dialect.temporary(SET), dialect.key("n.person_id"));
            (format!("{set} d JOIN {} n ON d.id = {key}", shared.sql.staging), "d.id".to_owned())
        }
    };
    format!(
        "t.id IN (SELECT r.id FROM (SELECT n.id AS id, {} AS place FROM {from}) r WHERE r.place = 1)",
        place("n", &key)
    )
}

/// The place of a row among those of its child, newest first. Products differ in where nulls come, so that is said.
fn place(alias: &str, key: &str) -> String {
    format!(
        "ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY CASE WHEN {alias}.last_updated IS NULL THEN 1 ELSE 0 END, \
         {alias}.last_updated DESC, {alias}.id DESC)"
    )
}

/// Keys of the rows to be sent, in sending order.
pub(super) async fn candidates(shared: &Arc<Shared>, choice: Choice) -> Result<Vec<Candidate>> {
    let dialect = shared.dialect();
    let mut lease = shared.lease().await?;
    let sql = format!(
        "SELECT {}, {} FROM {} t WHERE {} ORDER BY t.last_updated, t.id",
        dialect.text("t.person_id"),
        dialect.text("t.submission_status"),
        shared.sql.staging,
        chosen(shared, choice, Among::Table),
    );
    let rows = lease.query(&sql, &[]).await?;
    let surplus = match choice {
        Choice::AsStaged | Choice::Prepared => {
            lease.query(&surplus(shared), &[]).await?.first_mut().map_or(Ok(0), |row| row.integer(0))?
        }
        Choice::Sql => 0,
    };
    lease.give_back();
    // After the rows: a request that a sender opened in between has already sent its row.
    let waiting = shared.logs().await?.waiting(None).await?;
    if surplus > 0 {
        return Err(ledger::duplicates(&shared.names.staging, usize::try_from(surplus).unwrap_or(usize::MAX)));
    }
    let mut candidates = Vec::with_capacity(rows.len());
    for mut row in rows {
        let person_id = row.word(0)?;
        if waiting.contains(name::trimmed(&person_id)) {
            continue;
        }
        let after_error = Status::from_column(row.text(1)?.as_deref()) == Status::Error;
        candidates.push(Candidate { person_id, after_error });
    }
    // Stable: each half keeps its order.
    candidates.sort_by_key(|candidate| candidate.after_error);
    Ok(candidates)
}

/// How many rows there are beyond one for each child. Such a child would be sent twice, in no order: nothing is sent from a table
/// in which nothing says which row counts.
fn surplus(shared: &Shared) -> String {
    format!(
        "SELECT SUM(r.n - 1) FROM (SELECT COUNT(*) AS n FROM {} t WHERE t.person_id IS NOT NULL GROUP BY {} \
         HAVING COUNT(*) > 1) r",
        shared.sql.staging,
        shared.dialect().key("t.person_id"),
    )
}

/// How many rows ask to be sent, and are not, because a newer row of the same child counts.
pub(super) async fn superseded(shared: &Arc<Shared>) -> Result<u64> {
    let dialect = shared.dialect();
    let sql = format!(
        "SELECT COUNT(*) FROM (SELECT CASE WHEN {} AND COALESCE({}, 'pending') = 'pending' THEN 1 ELSE 0 END AS asks, \
         {} AS place FROM {} t WHERE t.person_id IS NOT NULL) r WHERE r.asks = 1 AND r.place > 1",
        asks_in_cohort(dialect),
        dialect.word("t.submission_status"),
        place("t", &dialect.key("t.person_id")),
        shared.sql.staging,
    );
    let mut lease = shared.lease().await?;
    let rows = lease.query(&sql, &[]).await?.first_mut().map_or(Ok(0), |row| row.integer(0))?;
    lease.give_back();
    Ok(u64::try_from(rows).unwrap_or(0))
}
