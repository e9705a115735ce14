//! What a sender takes: candidates without locks, then a batch of rows that are its own until their outcome is recorded.
//!
//! Where the product has row locks, a claim is a transaction that holds them. Where it has none (SQLite), one process sends
//! at a time ([`Lock::Submit`](crate::Lock::Submit)) and the claims inside it are kept apart by [`Shared::claimed`].

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::staging::{Candidate, Claim, ClaimedRow, Hash, Held, Outcome, Status};

use super::{Lease, Shared, ledger, record};
use crate::{Dialect, Row, SET, name, set};

/// Whether the child of row `t` is out of the cohort. Never null.
pub(super) fn out(dialect: &dyn Dialect) -> String {
    format!("COALESCE({}, 'new') IN ('deleted', 'left')", dialect.word("t.row_state"))
}

/// Whether row `t` is to be sent.
pub(super) fn to_be_sent(dialect: &dyn Dialect) -> String {
    format!(
        "COALESCE({}, 'pending') IN ('pending', 'error') AND NOT ({}) AND t.person_id IS NOT NULL AND {}",
        dialect.word("t.submission_status"),
        out(dialect),
        dialect.has_document("t.json_payload"),
    )
}

/// Whether no request for row `t` waits for its answer.
fn no_open_intent(shared: &Shared) -> String {
    let dialect = shared.dialect();
    format!(
        "NOT EXISTS (SELECT 1 FROM {} l WHERE {} = {} AND l.outcome IS NULL)",
        shared.sql.log,
        dialect.key("l.person_id"),
        dialect.key("t.person_id"),
    )
}

/// Keys of the rows to be sent, in sending order.
pub(super) async fn candidates(shared: &Arc<Shared>) -> Result<Vec<Candidate>> {
    let dialect = shared.dialect();
    let mut lease = shared.lease().await?;
    let sql = format!(
        "SELECT {}, {} FROM {} t WHERE {} AND {} ORDER BY t.last_updated, t.id",
        dialect.text("t.person_id"),
        dialect.text("t.submission_status"),
        shared.sql.staging,
        to_be_sent(dialect),
        no_open_intent(shared),
    );
    let rows = lease.query(&sql, &[]).await?;
    // A child with two rows would be sent twice, in no order: nothing is sent from such a table.
    let key = dialect.key("t.person_id");
    let sql = format!(
        "SELECT SUM(r.n - 1) FROM (SELECT COUNT(*) AS n FROM {} t WHERE t.person_id IS NOT NULL GROUP BY {key} \
         HAVING COUNT(*) > 1) r",
        shared.sql.staging,
    );
    let surplus = lease.query(&sql, &[]).await?.first_mut().map_or(Ok(0), |row| row.integer(0))?;
    lease.give_back();
    if surplus > 0 {
        return Err(ledger::duplicates(&shared.names.staging, usize::try_from(surplus).unwrap_or(usize::MAX)));
    }
    let mut candidates = Vec::with_capacity(rows.len());
    for mut row in rows {
        let person_id = row.word(0)?;
        let after_error = Status::from_column(row.text(1)?.as_deref()) == Status::Error;
        candidates.push(Candidate { person_id, after_error });
    }
    // Stable: each half keeps its order.
    candidates.sort_by_key(|candidate| candidate.after_error);
    Ok(candidates)
}

/// Ids that this process has claimed, given back on drop.
struct Reservation {
    shared: Arc<Shared>,
    ids: HashSet<String>,
}

impl Reservation {
    /// Those of `ids` that no claim of this process holds.
    fn of(shared: &Arc<Shared>, ids: &[String]) -> Reservation {
        let mut claimed = shared.claimed();
        let ids: HashSet<String> =
            ids.iter().map(|id| name::trimmed(id).to_owned()).filter(|id| !claimed.contains(id)).collect();
        claimed.extend(ids.iter().cloned());
        drop(claimed);
        Reservation { shared: shared.clone(), ids }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut claimed = self.shared.claimed();
        for id in &self.ids {
            claimed.remove(id);
        }
    }
}

/// Rows held for one batch. Its connection keeps the batch's ids in the [`SET`].
pub(super) struct SqlClaim {
    lease: Lease,
    rows: Vec<ClaimedRow>,
    /// For each row its number in the set, and `current_hash` exactly as it was read.
    marks: Vec<(i64, Option<Vec<u8>>)>,
    reservation: Reservation,
}

impl SqlClaim {
    pub(super) async fn take(shared: &Arc<Shared>, ids: &[String]) -> Result<SqlClaim> {
        let dialect = shared.dialect();
        let reservation = Reservation::of(shared, ids);
        let mut lease = shared.lease().await?;
        let mut seen = HashSet::new();
        let wanted: Vec<&str> = ids
            .iter()
            .map(|id| name::trimmed(id))
            .filter(|id| reservation.ids.contains(*id) && seen.insert(*id))
            .collect();
        set::fill(&mut *lease, dialect, wanted).await?;
        let lock = dialect.row_lock();
        if lock.is_some() {
            lease.begin().await?;
        }
        let sql = format!(
            "SELECT c.number, {}, {}, {}, {} FROM {} t{} JOIN {} c ON c.id = {} WHERE {} AND {}{}",
            dialect.text("t.person_id"),
            dialect.document_out("t.json_payload"),
            dialect.bytes("t.current_hash"),
            dialect.bytes("t.previous_hash"),
            shared.sql.staging,
            lock.map_or("", |lock| lock.hint),
            dialect.temporary(SET),
            dialect.key("t.person_id"),
            to_be_sent(dialect),
            no_open_intent(shared),
            lock.map_or("", |lock| lock.clause),
        );
        let mut had = lease.query(&sql, &[]).await?.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        had.sort_by_key(|((number, _), _)| *number);
        if had.windows(2).any(|pair| pair[0].0.0 == pair[1].0.0) {
            return Err(ledger::duplicates(&shared.names.staging, 1));
        }
        let (marks, rows) = had.into_iter().unzip();
        Ok(SqlClaim { lease, rows, marks, reservation })
    }
}

type Mark = (i64, Option<Vec<u8>>);

fn read(mut row: Row) -> Result<(Mark, ClaimedRow)> {
    let number = row.integer(0)?;
    let hash = row.bytes(3)?;
    let claimed = ClaimedRow {
        person_id: row.word(1)?,
        document: row.word(2)?,
        current_hash: hash.as_deref().and_then(|bytes| Hash::try_from(bytes).ok()),
        held: Held::from_column(row.bytes(4)?.as_deref()),
    };
    Ok(((number, hash), claimed))
}

#[async_trait]
impl Claim for SqlClaim {
    fn rows(&self) -> &[ClaimedRow] {
        &self.rows
    }

    async fn still_held(&mut self) -> Result<bool> {
        if self.rows.is_empty() {
            return Ok(true);
        }
        let shared = self.lease.shared.clone();
        let dialect = shared.dialect();
        // Rows of other tools may have no hash: theirs is compared by the document.
        let sql = format!(
            "SELECT c.number, {}, CASE WHEN t.current_hash IS NULL THEN {} END FROM {} t JOIN {} c ON c.id = {} WHERE {}",
            dialect.bytes("t.current_hash"),
            dialect.document_out("t.json_payload"),
            shared.sql.staging,
            dialect.temporary(SET),
            dialect.key("t.person_id"),
            to_be_sent(dialect),
        );
        let now = match self.lease.query(&sql, &[]).await {
            Ok(rows) => rows,
            // The connection is gone, and the locks with it.
            Err(error) if error.kind() == Kind::Unreachable => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut held = 0;
        for mut row in now {
            let (number, hash, document) = (row.integer(0)?, row.bytes(1)?, row.text(2)?);
            let Ok(at) = self.marks.binary_search_by_key(&number, |(number, _)| *number) else { continue };
            if hash != self.marks[at].1 || document.is_some_and(|document| document != self.rows[at].document) {
                return Ok(false);
            }
            held += 1;
        }
        Ok(held == self.rows.len())
    }

    async fn record(self: Box<Self>, outcomes: Vec<Outcome>) -> Result<()> {
        let SqlClaim { lease, rows, marks, reservation } = *self;
        let mut seen = HashSet::with_capacity(outcomes.len());
        let mut recorded = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            let at = rows.iter().position(|row| row.person_id == outcome.person_id);
            let Some(at) = at.filter(|at| seen.insert(*at)) else {
                return Err(Error::internal(
                    "an outcome for a row that the claim does not hold, or a second one for a row",
                ));
            };
            recorded.push(record::Recorded { outcome, claimed: &rows[at], claimed_hash: marks[at].1.as_deref() });
        }
        record::record(lease, &recorded).await?;
        // Only now may another claim of this process have the rows.
        drop(reservation);
        Ok(())
    }
}
