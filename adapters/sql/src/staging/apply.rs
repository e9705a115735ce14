//! What `stage` writes: changes collected in private, then applied by compare-and-set, a slice at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, Int32Array, Int64Array, StringArray};
use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::staging::{Applied, ChangeSet, Status, Write};

use super::pool::Lease;
use super::{Shared, claim, ledger, located, tables};
use crate::{SET, Store, UpdateFrom, Value, WritingDialect, name, set};

/// Everything that was pushed.
const CHANGES: &str = "csc_bridge_change";
/// The changes of one slice that may be written, by their numbers, and the `id` of the row that each of them changes.
const MATCHED: &str = "csc_bridge_matched";
const MATCHED_COLUMNS: &[(&str, Store)] = &[("nr", Store::Integer), ("row_id", Store::Integer)];
/// Changes to a transaction: short enough that a sender never waits long for its turn.
const SLICE: usize = 2000;

const COLUMNS: &[(&str, Store)] = &[
    ("nr", Store::Integer),
    ("id", Store::Text(200)),
    ("fresh", Store::Integer),
    ("was_hash", Store::Hash),
    ("was_status", Store::Text(200)),
    ("was_state", Store::Text(200)),
    ("was_updated", Store::Text(100)),
    ("status", Store::Text(200)),
    ("state", Store::Text(200)),
    ("current_hash", Store::Hash),
    ("held", Store::Hash),
    ("touches", Store::Integer),
    ("has_document", Store::Integer),
    ("legacy_id", Store::Text(200)),
    // Last, so that the columns above are read without them.
    ("document", Store::LongText),
    ("outgoing", Store::LongText),
];

/// Changes in a temporary table of a connection of their own.
pub(super) struct SqlChangeSet {
    shared: Arc<Shared>,
    lease: Lease,
    /// Whether the change at each number inserts.
    fresh: Vec<bool>,
}

impl SqlChangeSet {
    pub(super) async fn new(shared: &Arc<Shared>) -> Result<SqlChangeSet> {
        let dialect = shared.dialect();
        let mut lease = shared.lease().await?;
        tables::check_for_stage(&mut *lease, &shared.names.staging).await?;
        lease.create_temporary(dialect, CHANGES, COLUMNS, "nr").await?;
        lease.create_temporary(dialect, MATCHED, MATCHED_COLUMNS, "nr").await?;
        Ok(SqlChangeSet { shared: shared.clone(), lease, fresh: Vec::new() })
    }

    /// Writes the changes numbered `from..to`, all of them that still may be, or none.
    async fn apply_slice(&mut self, from: usize, to: usize, applied: &mut Applied) -> Result<()> {
        let shared = self.shared.clone();
        let sql = Statements { shared: &shared, dialect: shared.dialect(), staging: &shared.sql.staging };
        let range = [number(from)?, number(to - 1)?].map(Value::Integer);

        // The slice's ids become the set: whether the table has an index or not, each statement below searches the smaller side.
        set::clear(&mut *self.lease, sql.dialect, SET).await?;
        self.lease.execute(&sql.slice(), &range).await?;
        self.lease.analyze(SET, to - from).await?;
        located::locate(&shared, &mut self.lease).await?;

        self.lease.begin().await?;
        let unchanged = self.unchanged(&sql).await?;
        let taken = numbers(&mut self.lease, &sql.taken()).await?;
        let mut free = (from..to).filter(|at| self.fresh[*at]).map(number).collect::<Result<Vec<i64>>>()?;
        free.retain(|number| taken.binary_search(number).is_err());

        let matched = Int64Array::from_iter_values(unchanged.keys().chain(&free).copied());
        let rows: Int64Array = unchanged.values().map(|row| Some(*row)).chain(free.iter().map(|_| None)).collect();
        let matched = set::batch([("nr", Arc::new(matched) as ArrayRef), ("row_id", Arc::new(rows))])?;
        self.lease.replace(MATCHED, &matched).await?;
        let updated = match unchanged.len() {
            0 => 0,
            _ => self.lease.execute(&sql.update(), &[]).await?,
        };
        let inserted = match free.len() {
            0 => 0,
            _ => self.lease.execute(&sql.insert(), &[]).await?,
        };
        if updated != unchanged.len() as u64 || inserted != free.len() as u64 {
            self.lease.rollback().await?;
            return Err(Error::new(
                Kind::Data,
                format!("the table {} did not take the changes as they were counted", shared.names.staging),
                "a trigger, or two rows for one child, may be the reason; this part of the changes was undone",
            ));
        }
        let missed = match unchanged.len() + free.len() == to - from {
            true => Vec::new(),
            false => self.lease.query(&sql.missed(), &[]).await?,
        };
        self.lease.commit().await?;
        applied.written += updated + inserted;
        for mut row in missed {
            applied.missed.push(row.word(0)?);
        }
        Ok(())
    }
}

impl SqlChangeSet {
    /// The numbers of the changes whose rows may be written, with the rows' ids, which are locked where the product can.
    async fn unchanged(&mut self, sql: &Statements<'_>) -> Result<BTreeMap<i64, i64>> {
        let mut unchanged = BTreeMap::new();
        for mut row in self.lease.query(&sql.unchanged(), &[]).await? {
            let id = row.number(1).ok().flatten().ok_or_else(|| claim::without_id(&self.shared.names.staging))?;
            if unchanged.insert(row.integer(0)?, id).is_some() {
                return Err(ledger::duplicates(&self.shared.names.staging, 1));
            }
        }
        Ok(unchanged)
    }
}

#[async_trait]
impl ChangeSet for SqlChangeSet {
    async fn push(&mut self, writes: Vec<Write>) -> Result<()> {
        let first = self.fresh.len();
        self.fresh.extend(writes.iter().map(|write| write.expected.is_none()));
        let numbers = (first..self.fresh.len()).map(number).collect::<Result<Vec<i64>>>()?;
        let was = |write: &Write| write.expected.clone();
        let text = |of: &dyn Fn(&Write) -> Option<String>| -> ArrayRef {
            Arc::new(writes.iter().map(of).collect::<StringArray>())
        };
        let bytes = |of: &dyn Fn(&Write) -> Option<Vec<u8>>| -> ArrayRef {
            Arc::new(writes.iter().map(of).collect::<BinaryArray>())
        };
        let flag = |of: &dyn Fn(&Write) -> bool| -> ArrayRef {
            Arc::new(Int32Array::from_iter_values(writes.iter().map(|write| i32::from(of(write)))))
        };
        let documents =
            StringArray::from_iter(writes.iter().map(|write| write.document.as_ref().map(|d| d.json.as_str())));
        let outgoing = StringArray::from_iter(writes.iter().map(|write| write.outgoing.as_deref()));
        let rows = set::batch([
            ("nr", Arc::new(Int64Array::from(numbers)) as ArrayRef),
            ("id", text(&|write| Some(name::trimmed(&write.person_id).to_owned()))),
            ("fresh", flag(&|write| write.expected.is_none())),
            ("was_hash", bytes(&|write| was(write)?.previous_hash)),
            ("was_status", text(&|write| was(write)?.status)),
            ("was_state", text(&|write| was(write)?.row_state)),
            ("was_updated", text(&|write| was(write)?.last_updated)),
            ("status", text(&status)),
            ("state", text(&|write| Some(write.row_state.word().to_owned()))),
            ("touches", flag(&|write| write.touches)),
            ("has_document", flag(&|write| write.document.is_some())),
            ("document", Arc::new(documents)),
            ("outgoing", Arc::new(outgoing)),
            ("legacy_id", text(&|write| write.document.as_ref()?.legacy_id.clone())),
            ("current_hash", bytes(&|write| write.current_hash.map(|hash| hash.to_vec()))),
            ("held", bytes(&|write| write.held.to_column().map(|hash| hash.to_vec()))),
        ])?;
        let target = self.shared.dialect().temporary(CHANGES);
        self.lease.load(&target, &rows).await
    }

    async fn apply(mut self: Box<Self>) -> Result<Applied> {
        self.lease.analyze(CHANGES, self.fresh.len()).await?;
        let mut applied = Applied::default();
        for from in (0..self.fresh.len()).step_by(SLICE) {
            let to = self.fresh.len().min(from + SLICE);
            self.apply_slice(from, to, &mut applied).await?;
        }
        Ok(applied)
    }
}

/// The new status. A word this program does not know is kept as it was read, not written over.
fn status(write: &Write) -> Option<String> {
    match (write.status, &write.expected) {
        (Status::Other, Some(expected)) => expected.status.clone(),
        (status, _) => Some(status.word().to_owned()),
    }
}

fn number(at: usize) -> Result<i64> {
    i64::try_from(at).map_err(|_| Error::internal("more changes than can be counted"))
}

/// The sorted, distinct numbers that a query returns.
async fn numbers(lease: &mut Lease, sql: &str) -> Result<Vec<i64>> {
    let rows = lease.query(sql, &[]).await?;
    let mut numbers = rows.into_iter().map(|mut row| row.integer(0)).collect::<Result<Vec<i64>>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// The statements of one slice, whose ids are in the [`SET`]: `t` the staging table, `c` the slice, `w` the changes, `m` those
/// of the slice that are to be written.
struct Statements<'a> {
    shared: &'a Shared,
    dialect: &'a dyn WritingDialect,
    staging: &'a str,
}

impl Statements<'_> {
    fn set(&self) -> String {
        self.dialect.temporary(SET)
    }

    fn slice(&self) -> String {
        let (first, last) = (self.dialect.placeholder(1), self.dialect.placeholder(2));
        let (set, changes) = (self.set(), self.dialect.temporary(CHANGES));
        format!("INSERT INTO {set} (id, nr) SELECT c.id, c.nr FROM {changes} c WHERE c.nr BETWEEN {first} AND {last}")
    }

    /// The slice's changes: what follows the rows of the slice.
    fn changes(&self) -> String {
        format!("JOIN {} w ON w.nr = c.nr", self.dialect.temporary(CHANGES))
    }

    /// The changes whose row is still as it was read, and which no sender holds. Locks the rows where the product can.
    fn unchanged(&self) -> String {
        let dialect = self.dialect;
        format!(
            "SELECT w.nr, t.id FROM {} {} WHERE w.fresh = 0 AND {} AND {} AND {} AND {}{}",
            located::locked(self.shared),
            self.changes(),
            dialect.same(&dialect.bytes("t.previous_hash"), "w.was_hash"),
            dialect.same(&dialect.text("t.submission_status"), "w.was_status"),
            dialect.same(&dialect.text("t.row_state"), "w.was_state"),
            dialect.same(&dialect.version("t.last_updated"), "w.was_updated"),
            dialect.row_lock().map_or("", |lock| lock.clause),
        )
    }

    /// The insertions that find a row after all.
    fn taken(&self) -> String {
        let key = self.dialect.key("t.person_id");
        format!(
            "SELECT w.nr FROM {} t JOIN {} c ON c.id = {key} {} WHERE w.fresh = 1",
            self.staging,
            self.set(),
            self.changes()
        )
    }

    /// Into the very rows that were looked at. The key keeps a change to its child where an id is not unique.
    fn update(&self) -> String {
        let document = self.dialect.document_in("w.document");
        let legacy_id = self.dialect.beside_column("w.legacy_id");
        let set = [
            ("submission_status", "w.status".to_owned()),
            ("row_state", "w.state".to_owned()),
            ("json_payload", format!("CASE WHEN w.has_document = 1 THEN {document} ELSE t.json_payload END")),
            ("legacy_id", format!("CASE WHEN w.has_document = 1 THEN {legacy_id} ELSE t.legacy_id END")),
            ("current_hash", "w.current_hash".to_owned()),
            ("previous_hash", "w.held".to_owned()),
            ("partial_json_payload", self.dialect.document_in("w.outgoing")),
            ("last_updated", format!("CASE WHEN w.touches = 1 THEN {} ELSE t.last_updated END", self.dialect.now())),
        ];
        let source =
            format!("{} m JOIN {} c ON c.nr = m.nr {}", self.dialect.temporary(MATCHED), self.set(), self.changes());
        let on = format!("t.id = m.row_id AND {} = c.id AND w.fresh = 0", self.dialect.key("t.person_id"));
        let update = UpdateFrom { target: self.staging, set: &set, source: &source, on: &on };
        self.dialect.update_from(&update)
    }

    /// `NOT EXISTS` was answered by [`Statements::taken`] in this very transaction, for the whole slice at once: as a
    /// subquery it would read a table without an index on `person_id` once for every new child.
    fn insert(&self) -> String {
        format!(
            "INSERT INTO {} (person_id, legacy_id, json_payload, partial_json_payload, current_hash, previous_hash, \
             submission_status, row_state, last_updated) SELECT c.id, c.legacy_id, {}, {}, c.current_hash, c.held, \
             c.status, c.state, {} FROM {} m JOIN {} c ON c.nr = m.nr WHERE c.fresh = 1",
            self.staging,
            self.dialect.document_in("c.document"),
            self.dialect.document_in("c.outgoing"),
            self.dialect.now(),
            self.dialect.temporary(MATCHED),
            self.dialect.temporary(CHANGES),
        )
    }

    fn missed(&self) -> String {
        let (set, matched) = (self.set(), self.dialect.temporary(MATCHED));
        format!("SELECT s.id FROM {set} s LEFT JOIN {matched} m ON m.nr = s.nr WHERE m.nr IS NULL")
    }
}
