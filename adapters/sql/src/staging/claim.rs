//! What a sender takes: a batch of rows that are its own until their outcome is recorded.
//!
//! Where the product has row locks, a claim is a transaction that holds them. Where it has none (SQLite), one process sends
//! at a time ([`Lock::Submit`](crate::Lock::Submit)) and the claims inside it are kept apart by [`Shared::claimed`].

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::{Choice, Claim, ClaimedRow, Hash, Held, Outcome, RowState};

use super::choose::{Among, chosen};
use super::pool::Lease;
use super::{Shared, ledger, located, record};
use crate::{Row, name};

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

    /// Gives back the ids of rows that were not had: somebody else's now may be free before this claim ends.
    fn keep(&mut self, had: &HashSet<&str>) {
        let mut claimed = self.shared.claimed();
        self.ids.retain(|id| had.contains(id.as_str()) || !claimed.remove(id));
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
    shared: Arc<Shared>,
    lease: Lease,
    choice: Choice,
    rows: Vec<Arc<ClaimedRow>>,
    marks: Vec<Mark>,
    reservation: Reservation,
}

/// What a claim keeps of a row beside what a sender sees.
pub(super) struct Mark {
    /// Its number in the set.
    number: i64,
    /// `id`: of several rows of a child, only this one is the claim's.
    pub(super) id: i64,
    /// `current_hash` exactly as it was read.
    pub(super) hash: Option<Vec<u8>>,
}

impl SqlClaim {
    pub(super) async fn take(shared: &Arc<Shared>, ids: &[String], choice: Choice) -> Result<SqlClaim> {
        let dialect = shared.dialect();
        let mut reservation = Reservation::of(shared, ids);
        let mut lease = shared.lease().await?;
        let mut seen = HashSet::new();
        let wanted: Vec<String> = ids
            .iter()
            .map(|id| name::trimmed(id))
            .filter(|id| reservation.ids.contains(*id) && seen.insert(*id))
            .map(str::to_owned)
            .collect();
        lease.fill(wanted.iter().map(String::as_str)).await?;
        located::locate(shared, &mut lease).await?;
        if dialect.row_lock().is_some() {
            lease.begin().await?;
        }
        let had = lease.query(&claim_sql(shared, choice), &[]).await?;
        let mut had =
            had.into_iter().map(|row| read(row, &shared.names.staging)).collect::<Result<Vec<(Mark, ClaimedRow)>>>()?;
        had.sort_by_key(|(mark, _)| mark.number);
        if had.windows(2).any(|pair| pair[0].0.number == pair[1].0.number) {
            return Err(ledger::duplicates(&shared.names.staging, 1));
        }
        if !had.is_empty() {
            had = with_history(shared, &mut lease, choice, &wanted, had).await?;
        }
        reservation.keep(&had.iter().map(|(_, row)| name::trimmed(&row.person_id)).collect());
        let (marks, rows) = had.into_iter().map(|(mark, row)| (mark, Arc::new(row))).unzip();
        Ok(SqlClaim { shared: shared.clone(), lease, choice, rows, marks, reservation })
    }

    /// Where the row is that has this number in the set.
    fn at(&self, number: i64) -> Option<usize> {
        self.marks.binary_search_by_key(&number, |mark| mark.number).ok()
    }

    /// Whether the row at this place is as it was claimed, going by a row of [`still_sql`].
    fn is_as_claimed(&self, at: usize, mut row: Row) -> Result<bool> {
        let claimed = &self.rows[at];
        let (hash, document, outgoing, state) = (row.bytes(2)?, row.text(3)?, row.text(4)?, row.text(5)?);
        Ok(hash == self.marks[at].hash
            && document.is_none_or(|document| document == claimed.document)
            && outgoing == claimed.outgoing
            && RowState::from_column(state.as_deref()).is_out() == claimed.row_state.is_out())
    }
}

/// The rows of whom no request waits for its answer. Asked once the rows are locked: whoever held one until then has closed its intents,
/// or has left them open for good. Of rows that somebody else's SQL filled, with what the log says of their history.
async fn with_history(
    shared: &Shared,
    lease: &mut Lease,
    choice: Choice,
    ids: &[String],
    mut had: Vec<(Mark, ClaimedRow)>,
) -> Result<Vec<(Mark, ClaimedRow)>> {
    let waiting = shared.waiting(lease, ids).await?;
    had.retain(|(_, row)| !waiting.contains(name::trimmed(&row.person_id)));
    if choice == Choice::Sql {
        let mut accepted = shared.last_accepted(lease, ids).await?;
        for (_, row) in &mut had {
            row.accepted_hash = accepted.remove(name::trimmed(&row.person_id));
        }
    }
    Ok(had)
}

/// The statement that locks and reads the rows of the set that are to be sent.
fn claim_sql(shared: &Shared, choice: Choice) -> String {
    let dialect = shared.dialect();
    format!(
        "SELECT c.nr, t.id, {}, {}, {}, {}, {}, {}, {} FROM {} WHERE {}{}",
        dialect.text("t.person_id"),
        dialect.document_out("t.json_payload"),
        dialect.bytes("t.current_hash"),
        dialect.bytes("t.previous_hash"),
        dialect.document_out("t.partial_json_payload"),
        dialect.text("t.row_state"),
        dialect.document_out("t.previous_json_payload"),
        located::locked(shared),
        chosen(shared, choice, Among::Set),
        dialect.row_lock().map_or("", |lock| lock.clause),
    )
}

fn read(mut row: Row, table: &TableName) -> Result<(Mark, ClaimedRow)> {
    let number = row.integer(0)?;
    // A table of another tool may hold anything there, null as well.
    let id = row.number(1).ok().flatten().ok_or_else(|| without_id(table))?;
    let hash = row.bytes(4)?;
    let claimed = ClaimedRow {
        person_id: row.word(2)?,
        document: row.word(3)?,
        outgoing: row.text(6)?,
        row_state: RowState::from_column(row.text(7)?.as_deref()),
        current_hash: hash.as_deref().and_then(|bytes| Hash::try_from(bytes).ok()),
        held: Held::from_column(row.bytes(5)?.as_deref()),
        held_document: row.text(8)?,
        accepted_hash: None,
    };
    Ok((Mark { number, id, hash }, claimed))
}

/// A row that its outcome would not find again.
pub(super) fn without_id(table: &TableName) -> Error {
    Error::new(
        Kind::Data,
        format!("the table {table} has a row whose id is not a whole number"),
        "number the rows in the column id, which the scripts that create the table make its primary key",
    )
}

/// The statement that reads the rows of the set again. Rows of other tools may have no hash: theirs is compared by the document.
fn still_sql(shared: &Shared, choice: Choice) -> String {
    let dialect = shared.dialect();
    format!(
        "SELECT c.nr, t.id, {}, CASE WHEN t.current_hash IS NULL THEN {} END, {}, {} FROM {} WHERE {}",
        dialect.bytes("t.current_hash"),
        dialect.document_out("t.json_payload"),
        dialect.document_out("t.partial_json_payload"),
        dialect.text("t.row_state"),
        located::unlocked(shared),
        chosen(shared, choice, Among::Set),
    )
}

#[async_trait]
impl Claim for SqlClaim {
    fn rows(&self) -> &[Arc<ClaimedRow>] {
        &self.rows
    }

    async fn still_held(&mut self) -> Result<bool> {
        if self.rows.is_empty() {
            return Ok(true);
        }
        let now = match self.lease.query(&still_sql(&self.shared, self.choice), &[]).await {
            Ok(rows) => rows,
            // The connection is gone, and the locks with it.
            Err(error) if error.kind() == Kind::Unreachable => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut held = 0;
        for mut row in now {
            let (number, id) = (row.integer(0)?, row.number(1)?);
            let Some(at) = self.at(number).filter(|at| Some(self.marks[*at].id) == id) else { continue };
            if !self.is_as_claimed(at, row)? {
                return Ok(false);
            }
            held += 1;
        }
        Ok(held == self.rows.len())
    }

    async fn record(self: Box<Self>, outcomes: Vec<Outcome>) -> Result<()> {
        let SqlClaim { shared, lease, choice, rows, marks, reservation } = *self;
        let mut seen = HashSet::with_capacity(outcomes.len());
        let mut recorded = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            let at = rows.iter().position(|row| row.person_id == outcome.person_id);
            let Some(at) = at.filter(|at| seen.insert(*at)) else {
                return Err(Error::internal(
                    "an outcome for a row that the claim does not hold, or a second one for a row",
                ));
            };
            recorded.push(record::Recorded { outcome, claimed: &rows[at], mark: &marks[at] });
        }
        record::record(&shared, lease, choice, &recorded).await?;
        // Only now may another claim of this process have the rows.
        drop(reservation);
        Ok(())
    }
}
