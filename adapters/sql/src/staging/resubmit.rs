//! Rows marked for a full document because somebody asks for it, a slice of children at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, Int32Array, Int64Array};
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::staging::{Choice, Hash, Held, Mark, Markable, Resubmitted, RowState, Status};

use super::choose::{Among, is_newest};
use super::pool::Lease;
use super::{Shared, claim, ledger, located};
use crate::{Connection, SET, Store, UpdateFrom, WritingDialect, set};

/// What is to be written: the child's number in the set, the row's `id`, and its mark.
const MARKS: &str = "csc_bridge_mark";

const COLUMNS: &[(&str, Store)] = &[
    ("nr", Store::Integer),
    ("row_id", Store::Integer),
    ("pending", Store::Integer),
    ("unsure", Store::Integer),
    ("held", Store::Hash),
];

/// Children to a transaction: short enough that a sender never waits long for its turn.
const SLICE: usize = 2000;

/// Characters, as UTF-16 counts them, that an id in the [`SET`] may have.
const LONGEST: usize = 200;

/// Creates the temporary table of this module on a connection, once.
pub(super) async fn create_marks(connection: &mut dyn Connection, dialect: &dyn WritingDialect) -> Result<()> {
    connection.create_temporary(dialect, MARKS, COLUMNS, "nr").await
}

/// Marks the rows of these children; see the contract.
pub(super) async fn resubmit(
    shared: &Arc<Shared>,
    ids: &[String],
    choice: Choice,
    dry_run: bool,
) -> Result<Vec<Resubmitted>> {
    // An id that no table can have is not asked for: a product would cut it, or refuse the statement.
    let can_be = |id: &String| id.encode_utf16().count() <= LONGEST && !id.contains('\0');
    let mut became = vec![Resubmitted::Unknown; ids.len()];
    let (places, asked): (Vec<usize>, Vec<String>) =
        ids.iter().cloned().enumerate().filter(|(_, id)| can_be(id)).unzip();
    let mut lease = shared.lease().await?;
    for (places, ids) in places.chunks(SLICE).zip(asked.chunks(SLICE)) {
        lease.fill(ids.iter().map(String::as_str)).await?;
        let slice = Slice { shared, ids, choice };
        let judged = if dry_run { slice.look(&mut lease).await? } else { slice.write(&mut lease).await? };
        for (place, judged) in places.iter().zip(judged) {
            became[*place] = judged;
        }
    }
    lease.give_back();
    Ok(became)
}

/// The children in the [`SET`].
struct Slice<'a> {
    shared: &'a Arc<Shared>,
    ids: &'a [String],
    choice: Choice,
}

/// A row that was found. Its `id` is null where nothing can be written into it.
struct Found {
    id: Option<i64>,
    row: Markable,
}

/// Rows by the number of their child in the set.
type Rows = BTreeMap<i64, Found>;

impl Slice<'_> {
    /// What would become of each child, without a lock.
    async fn look(&self, lease: &mut Lease) -> Result<Vec<Resubmitted>> {
        let there = self.there(lease).await?;
        let judged = self.judge(lease, &there, &there).await?;
        Ok(judged.into_iter().map(became).collect())
    }

    /// Marks the rows that may be marked.
    async fn write(&self, lease: &mut Lease) -> Result<Vec<Resubmitted>> {
        let there = self.there(lease).await?;
        located::locate(self.shared, lease).await?;
        lease.begin().await?;
        let lock = self.shared.dialect().row_lock().map_or("", |lock| lock.clause);
        let locked = self.found(lease, &located::locked(self.shared), lock).await?;
        let judged = self.judge(lease, &there, &locked).await?;
        let mut marks = Vec::new();
        for (number, mark) in (0_i64..).zip(&judged) {
            if let (Ok(mark), Some(found)) = (mark, locked.get(&number)) {
                let id = found.id.ok_or_else(|| claim::without_id(&self.shared.names.staging))?;
                marks.push((number, id, *mark, found.row.status));
            }
        }
        if marks.is_empty() {
            lease.rollback().await?;
        } else {
            self.put(lease, &marks).await?;
            lease.commit().await?;
        }
        Ok(judged.into_iter().map(became).collect())
    }

    /// The rows that there are, whoever holds them.
    async fn there(&self, lease: &mut Lease) -> Result<Rows> {
        let dialect = self.shared.dialect();
        let key = dialect.key("t.person_id");
        let from = format!("{} t JOIN {} c ON c.id = {key}", self.shared.sql.staging, dialect.temporary(SET));
        self.found(lease, &from, "").await
    }

    async fn found(&self, lease: &mut Lease, from: &str, clause: &str) -> Result<Rows> {
        let dialect = self.shared.dialect();
        let newest = match self.choice {
            Choice::Sql => format!(" WHERE {}", is_newest(self.shared, Among::Set)),
            Choice::AsStaged | Choice::Prepared => String::new(),
        };
        let sql = format!(
            "SELECT c.nr, t.id, {}, {}, {}, {}, CASE WHEN t.partial_json_payload IS NULL THEN 0 ELSE 1 END, \
             CASE WHEN {} THEN 1 ELSE 0 END FROM {from}{newest}{clause}",
            dialect.text("t.submission_status"),
            dialect.text("t.row_state"),
            dialect.bytes("t.previous_hash"),
            dialect.bytes("t.current_hash"),
            dialect.has_document("t.json_payload"),
        );
        let mut rows = Rows::new();
        for mut row in lease.query(&sql, &[]).await? {
            let number = row.integer(0)?;
            let markable = Markable {
                status: Status::from_column(row.text(2)?.as_deref()),
                row_state: RowState::from_column(row.text(3)?.as_deref()),
                held: Held::from_column(row.bytes(4)?.as_deref()),
                current_hash: row.bytes(5)?.and_then(|bytes| Hash::try_from(bytes).ok()),
                is_prepared: row.integer(6)? != 0,
                has_document: row.integer(7)? != 0,
            };
            let found = Found { id: row.number(1).ok().flatten(), row: markable };
            if rows.insert(number, found).is_some() {
                return Err(ledger::duplicates(&self.shared.names.staging, 1));
            }
        }
        Ok(rows)
    }

    /// The mark of each child, or why there is none. Of whom a request waits is asked once the rows are locked, as in [`claim`].
    async fn judge(&self, lease: &mut Lease, there: &Rows, free: &Rows) -> Result<Vec<Result<Mark, Resubmitted>>> {
        let mut waiting = self.shared.waiting(lease, self.ids).await?;
        waiting.extend(self.shared.claimed().iter().cloned());
        let judge = |(number, id): (i64, &String)| {
            let Some(found) = free.get(&number).or_else(|| there.get(&number)) else {
                return Err(Resubmitted::Unknown);
            };
            let is_free = free.contains_key(&number) && !waiting.contains(id);
            match found.row.mark(self.choice) {
                Ok(_) | Err(Resubmitted::AlreadyPending) if !is_free => Err(Resubmitted::Waiting),
                mark => mark,
            }
        };
        Ok((0..).zip(self.ids).map(judge).collect())
    }

    /// Writes the marks into the very rows that were locked.
    async fn put(&self, lease: &mut Lease, marks: &[(i64, i64, Mark, Status)]) -> Result<()> {
        let unsure = |mark: &Mark| *mark == Mark::Unsure;
        let flag = |of: &dyn Fn(&Mark, Status) -> bool| -> ArrayRef {
            Arc::new(Int32Array::from_iter_values(marks.iter().map(|(.., mark, status)| i32::from(of(mark, *status)))))
        };
        let held = marks.iter().map(|(.., mark, _)| unsure(mark).then_some([0_u8; 32]));
        let rows = set::batch([
            ("nr", Arc::new(Int64Array::from_iter_values(marks.iter().map(|mark| mark.0))) as ArrayRef),
            ("row_id", Arc::new(Int64Array::from_iter_values(marks.iter().map(|mark| mark.1)))),
            ("pending", flag(&|_, status| status != Status::Error)),
            ("unsure", flag(&|mark, _| unsure(mark))),
            ("held", Arc::new(held.collect::<BinaryArray>())),
        ])?;
        lease.replace(MARKS, &rows).await?;
        if lease.execute(&self.update(), &[]).await? != marks.len() as u64 {
            lease.rollback().await?;
            return Err(Error::new(
                Kind::Data,
                format!("the table {} did not take the marks as they were counted", self.shared.names.staging),
                "a trigger, or two rows for one child, may be the reason; this part of the marks was undone",
            ));
        }
        Ok(())
    }

    /// The key keeps a mark to its child where an id is not unique.
    fn update(&self) -> String {
        let dialect = self.shared.dialect();
        let status = "CASE WHEN m.pending = 1 THEN 'pending' ELSE t.submission_status END".to_owned();
        let mut set = vec![("submission_status", status)];
        // Of somebody else's row only the word is ours, and by the time of the last write their newest row is told.
        if self.choice != Choice::Sql {
            set.extend([
                ("row_state", "CASE WHEN m.unsure = 1 THEN 'updated' ELSE t.row_state END".to_owned()),
                ("previous_hash", "CASE WHEN m.unsure = 1 THEN m.held ELSE t.previous_hash END".to_owned()),
                ("partial_json_payload", "NULL".to_owned()),
                ("last_updated", dialect.now().to_owned()),
            ]);
        }
        let source = format!("{} m JOIN {} c ON c.nr = m.nr", dialect.temporary(MARKS), dialect.temporary(SET));
        let on = format!("t.id = m.row_id AND {} = c.id", dialect.key("t.person_id"));
        dialect.update_from(&UpdateFrom { target: &self.shared.sql.staging, set: &set, source: &source, on: &on })
    }
}

fn became(judged: Result<Mark, Resubmitted>) -> Resubmitted {
    judged.map_or_else(|became| became, |_| Resubmitted::Marked)
}
