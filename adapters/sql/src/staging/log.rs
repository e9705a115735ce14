//! The statements on the two logs, each on a connection that is in the caller's transaction or in none.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, BinaryArray, Int32Array, StringArray};
use csc_bridge_core::error::{Error, Result};
use csc_bridge_core::staging::{Attempt, Closing, Hash, IntentRecord, LastRun, LastStaged, LostIntent, RunRecord};

use super::pool::Lease;
use crate::{Connection, Row, SET, Store, UpdateFrom, Value, WritingDialect, name, set};

/// The records of one attempt.
const INTENTS: &str = "csc_bridge_intent";

const INTENT_COLUMNS: &[(&str, Store)] = &[
    ("nr", Store::Integer),
    ("person_id", Store::Text(200)),
    ("kind", Store::Text(20)),
    ("hash", Store::Hash),
    ("base", Store::Hash),
    ("mentioned", Store::LongText),
];

/// Intents that are being closed.
const CLOSINGS: &str = "csc_bridge_closing";

const CLOSING_COLUMNS: &[(&str, Store)] = &[
    ("nr", Store::Integer),
    ("attempt_id", Store::Text(200)),
    ("person_id", Store::Text(200)),
    ("outcome", Store::Text(20)),
    ("response_id", Store::Text(200)),
];

/// The ends of a request that a child's history is made of.
const COUNTS: &str = "'accepted', 'purged', 'unknown'";

/// Creates the temporary tables of this module on a connection, once.
pub(super) async fn create_temporary(connection: &mut dyn Connection, dialect: &dyn WritingDialect) -> Result<()> {
    for (table, columns) in [(INTENTS, INTENT_COLUMNS), (CLOSINGS, CLOSING_COLUMNS)] {
        connection.create_temporary(dialect, table, columns, "nr").await?;
    }
    Ok(())
}

/// The logs as a dialect spells them.
#[derive(Clone, Copy)]
pub(super) struct LogSql<'a> {
    pub(super) dialect: &'a dyn WritingDialect,
    /// The submission log.
    pub(super) log: &'a str,
    /// The run log.
    pub(super) runs: &'a str,
}

impl LogSql<'_> {
    /// Loads what [`LogSql::open`] writes. Nobody else sees it, so it needs no transaction: where one connection writes at a time, the
    /// others wait no longer than they must.
    pub(super) async fn load_intents(&self, lease: &mut Lease, records: &[IntentRecord]) -> Result<()> {
        let base = records.iter().map(|record| record.based_on.to_column());
        let rows = set::batch([
            ("nr", numbers(records.len())?),
            ("person_id", Arc::new(StringArray::from_iter_values(records.iter().map(|record| &record.person_id)))),
            ("kind", Arc::new(StringArray::from_iter_values(records.iter().map(|record| record.kind.word())))),
            ("hash", Arc::new(BinaryArray::from_iter_values(records.iter().map(|record| record.hash)))),
            ("base", Arc::new(base.collect::<BinaryArray>())),
            ("mentioned", Arc::new(records.iter().map(|record| record.mentioned.as_deref()).collect::<StringArray>())),
        ])?;
        lease.replace(INTENTS, &rows).await
    }

    /// One open intent for each of the records that were loaded. The time is the database's, by which [`LogSql::lost`] judges their age.
    pub(super) fn open(&self, attempt: &Attempt) -> (String, Vec<Value>) {
        let dialect = self.dialect;
        let sql = format!(
            "INSERT INTO {} (attempt_id, run_id, attempt, person_id, kind, hash_sent, hash_base, mentioned, opened_at) \
             SELECT {}, {}, {}, i.person_id, i.kind, i.hash, i.base, i.mentioned, {} FROM {} i",
            self.log,
            dialect.placeholder(1),
            dialect.placeholder(2),
            dialect.placeholder(3),
            dialect.now(),
            dialect.temporary(INTENTS),
        );
        let attempt_id = Value::text(&attempt.attempt_id);
        (sql, vec![attempt_id, Value::text(&attempt.run_id), Value::Integer(i64::from(attempt.number))])
    }

    /// Loads what [`LogSql::close`] writes; like [`LogSql::load_intents`].
    pub(super) async fn load_closings(&self, lease: &mut Lease, closings: &[Closing]) -> Result<()> {
        let text = |of: fn(&Closing) -> Option<&str>| -> ArrayRef {
            Arc::new(closings.iter().map(of).collect::<StringArray>())
        };
        let rows = set::batch([
            ("nr", numbers(closings.len())?),
            ("attempt_id", text(|closing| Some(&closing.attempt_id))),
            ("person_id", text(|closing| Some(name::trimmed(&closing.person_id)))),
            ("outcome", text(|closing| Some(closing.closed_as.word()))),
            ("response_id", text(|closing| closing.response_id.as_deref())),
        ])?;
        lease.replace(CLOSINGS, &rows).await
    }

    /// The end of the open intents that were loaded. One that is closed already stays as it is.
    pub(super) fn close(&self) -> (String, Vec<Value>) {
        let dialect = self.dialect;
        let set = [
            ("outcome", "o.outcome".to_owned()),
            ("closed_at", dialect.now().to_owned()),
            ("response_id", "o.response_id".to_owned()),
        ];
        let source = format!("{} o", dialect.temporary(CLOSINGS));
        let on = format!(
            "t.attempt_id = {} AND {} = o.person_id AND t.outcome IS NULL",
            dialect.beside_column("o.attempt_id"),
            dialect.key("t.person_id"),
        );
        let update = UpdateFrom { target: self.log, set: &set, source: &source, on: &on };
        (dialect.update_from(&update), Vec::new())
    }

    /// Of which children a request waits for its answer: of all, or of those in the [`SET`].
    pub(super) async fn waiting(&self, connection: &mut dyn Connection, in_set: bool) -> Result<HashSet<String>> {
        let (dialect, log) = (self.dialect, self.log);
        let key = dialect.key("l.person_id");
        let sql = match in_set {
            true => format!(
                "SELECT DISTINCT c.id FROM {} c JOIN {log} l ON {key} = c.id WHERE l.outcome IS NULL",
                dialect.temporary(SET),
            ),
            false => format!("SELECT DISTINCT {key} FROM {log} l WHERE l.outcome IS NULL"),
        };
        connection.query(&sql, &[]).await?.into_iter().map(|mut row| row.word(0)).collect()
    }

    /// The open intents that are old, in the order in which they were opened.
    pub(super) async fn lost(&self, connection: &mut dyn Connection, older_than: Duration) -> Result<Vec<LostIntent>> {
        let dialect = self.dialect;
        let sql = format!(
            "SELECT l.attempt_id, {}, {} FROM {} l WHERE l.outcome IS NULL AND l.opened_at <= {} ORDER BY l.id",
            dialect.key("l.person_id"),
            dialect.text("l.mentioned"),
            self.log,
            dialect.before_now(older_than),
        );
        let lost = |mut row: Row| {
            Ok(LostIntent { attempt_id: row.word(0)?, person_id: row.word(1)?, mentioned: row.text(2)? })
        };
        connection.query(&sql, &[]).await?.into_iter().map(lost).collect()
    }

    /// The hashes last accepted for the children of the [`SET`]. Nothing is known where something came after it: a request whose
    /// answer never came, or the purge of the child.
    pub(super) async fn last_accepted(&self, connection: &mut dyn Connection) -> Result<HashMap<String, Hash>> {
        let (dialect, log) = (self.dialect, self.log);
        // In a query by itself, not for each row: a log of an earlier version, without an index on the key, is read once.
        let sql = format!(
            "SELECT a.child, {} FROM (SELECT c.id AS child, \
             MAX(CASE WHEN l.outcome = 'accepted' THEN l.id ELSE 0 END) AS accepted, \
             MAX(CASE WHEN l.outcome = 'accepted' THEN 0 ELSE l.id END) AS doubt FROM {} c JOIN {log} l ON {} = c.id \
             WHERE l.outcome IN ({COUNTS}) GROUP BY c.id) a \
             JOIN {log} h ON h.id = a.accepted WHERE a.accepted > a.doubt",
            dialect.bytes("h.hash_sent"),
            dialect.temporary(SET),
            dialect.key("l.person_id"),
        );
        let mut hashes = HashMap::new();
        for mut row in connection.query(&sql, &[]).await? {
            let child = row.word(0)?;
            if let Some(hash) = row.bytes(1)?.and_then(|bytes| Hash::try_from(bytes).ok()) {
                hashes.insert(child, hash);
            }
        }
        Ok(hashes)
    }

    /// Adds a run.
    pub(super) async fn record_run(&self, connection: &mut dyn Connection, run: &RunRecord) -> Result<()> {
        let places: Vec<String> = (1..=7).map(|position| self.dialect.placeholder(position)).collect();
        let sql = format!(
            "INSERT INTO {} (run_id, command, run_date, exit_code, seconds, table_rows, report, ended_at) VALUES ({}, {})",
            self.runs,
            places.join(", "),
            self.dialect.now(),
        );
        let params = [
            Value::text(&run.run_id),
            Value::text(run.logged_command()),
            Value::text(&run.run_date),
            Value::Integer(i64::from(run.exit_code)),
            Value::Integer(i64::try_from(run.seconds).unwrap_or(i64::MAX)),
            run.table_rows.as_ref().map_or(Value::Null, Value::text),
            Value::text(&run.report),
        ];
        connection.execute(&sql, &params).await?;
        Ok(())
    }

    /// Of each command, and each shard is one, the newest run with `table_rows`. The newest first.
    pub(super) async fn last_staged(&self, connection: &mut dyn Connection) -> Result<Vec<LastStaged>> {
        let (dialect, runs) = (self.dialect, self.runs);
        let sql = format!(
            "SELECT {}, {}, {} FROM {runs} r WHERE r.id IN ({}) ORDER BY r.id DESC",
            dialect.text("r.command"),
            dialect.text("r.run_date"),
            dialect.text("r.table_rows"),
            self.newest_staged(),
        );
        let last = |mut row: Row| {
            let Some(shard) = RunRecord::logged_shard(&row.word(0)?) else { return Ok(None) };
            Ok(Some(LastStaged { shard, run_date: row.word(1)?, table_rows: row.word(2)? }))
        };
        connection.query(&sql, &[]).await?.into_iter().filter_map(|row| last(row).transpose()).collect()
    }

    /// The `id` of the newest run with `table_rows` of each command.
    fn newest_staged(&self) -> String {
        format!("SELECT MAX(x.id) FROM {} x WHERE x.table_rows IS NOT NULL GROUP BY x.command", self.runs)
    }

    /// Deletes what is old and no longer needed.
    pub(super) async fn prune(&self, connection: &mut dyn Connection, older_than: Duration) -> Result<u64> {
        let (log, runs, old) = (self.log, self.runs, self.dialect.before_now(older_than));
        // One search for each old row: what is older than the newest that counts, or does not count.
        let requests = format!(
            "DELETE FROM {log} WHERE outcome IS NOT NULL AND closed_at <= {old} AND (outcome NOT IN ({COUNTS}) OR EXISTS (SELECT 1 \
             FROM {log} l WHERE {} = {} AND l.outcome IN ({COUNTS}) AND l.id > {log}.id))",
            self.dialect.key("l.person_id"),
            self.dialect.key(&format!("{log}.person_id")),
        );
        let runs = format!("DELETE FROM {runs} WHERE ended_at <= {old} AND id NOT IN ({})", self.newest_staged(),);
        Ok(connection.execute(&requests, &[]).await? + connection.execute(&runs, &[]).await?)
    }

    /// How many intents are open.
    pub(super) async fn open_intents(&self, connection: &mut dyn Connection) -> Result<u64> {
        let sql = format!("SELECT COUNT(*) FROM {} WHERE outcome IS NULL", self.log);
        let open = connection.query(&sql, &[]).await?.first_mut().map_or(Ok(0), |row| row.integer(0))?;
        Ok(u64::try_from(open).unwrap_or(0))
    }

    /// The newest run.
    pub(super) async fn last_run(&self, connection: &mut dyn Connection) -> Result<Option<LastRun>> {
        let (dialect, runs) = (self.dialect, self.runs);
        let sql = format!(
            "SELECT r.run_id, r.command, {}, r.exit_code FROM {runs} r WHERE r.id = (SELECT MAX(x.id) FROM {runs} x)",
            dialect.version("r.ended_at"),
        );
        let run = |row: &mut Row| {
            Ok(LastRun {
                run_id: row.word(0)?,
                command: row.word(1)?,
                at: row.text(2)?.unwrap_or_default(),
                exit_code: i32::try_from(row.integer(3)?).unwrap_or(i32::MAX),
            })
        };
        connection.query(&sql, &[]).await?.first_mut().map(run).transpose()
    }
}

/// 0, 1, 2, …: the key of a temporary table whose rows have no other.
fn numbers(count: usize) -> Result<ArrayRef> {
    let count =
        i32::try_from(count).map_err(|_| Error::internal("a batch of more than two thousand million records"))?;
    Ok(Arc::new(Int32Array::from_iter_values(0..count)))
}
