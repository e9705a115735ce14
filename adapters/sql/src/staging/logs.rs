//! The two logs: intents before a request leaves, and a row for each run. Also the numbers of `csc-bridge status`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, BinaryArray, Int32Array, StringArray};
use csc_bridge_core::error::{Error, Result};
use csc_bridge_core::staging::{
    Attempt, ClosedAs, Held, IntentRecord, LastStaged, RowState, RunRecord, Status, StatusReport,
};

use super::{Shared, choose, ledger};
use crate::{Connection, Dialect, SET, Store, UpdateFrom, Value, set};

/// The records of one attempt.
const INTENTS: &str = "csc_bridge_intent";

const COLUMNS: &[(&str, Store)] = &[
    ("number", Store::Integer),
    ("person_id", Store::Text(200)),
    ("kind", Store::Text(20)),
    ("hash", Store::Hash),
    ("base", Store::Hash),
    ("mentioned", Store::LongText),
];

/// Creates the intents' table on a connection, once.
pub(super) async fn create_intents(connection: &mut dyn Connection, dialect: &dyn Dialect) -> Result<()> {
    connection.execute(&dialect.create_temporary(INTENTS, COLUMNS, "number"), &[]).await?;
    Ok(())
}

/// Commits one open intent for each record. The time is the database's, by which [`super::recover`] judges their age.
pub(super) async fn open_intents(shared: &Arc<Shared>, attempt: &Attempt, records: &[IntentRecord]) -> Result<()> {
    let dialect = shared.dialect();
    let count = i32::try_from(records.len())
        .map_err(|_| Error::internal("a batch of more than two thousand million records"))?;
    let base = records.iter().map(|record| record.based_on.to_column());
    let rows = set::batch([
        ("number", Arc::new(Int32Array::from_iter_values(0..count)) as ArrayRef),
        ("person_id", Arc::new(StringArray::from_iter_values(records.iter().map(|record| &record.person_id)))),
        ("kind", Arc::new(StringArray::from_iter_values(records.iter().map(|record| record.kind.word())))),
        ("hash", Arc::new(BinaryArray::from_iter_values(records.iter().map(|record| record.hash)))),
        ("base", Arc::new(base.collect::<BinaryArray>())),
        ("mentioned", Arc::new(records.iter().map(|record| record.mentioned.as_deref()).collect::<StringArray>())),
    ])?;
    let mut lease = shared.lease().await?;
    set::replace(&mut *lease, dialect, INTENTS, &rows).await?;
    let sql = format!(
        "INSERT INTO {} (attempt_id, run_id, attempt, person_id, kind, hash_sent, hash_base, mentioned, opened_at) \
         SELECT {}, {}, {}, i.person_id, i.kind, i.hash, i.base, i.mentioned, {} FROM {} i",
        shared.sql.log,
        dialect.placeholder(1),
        dialect.placeholder(2),
        dialect.placeholder(3),
        dialect.now(),
        dialect.temporary(INTENTS),
    );
    let params =
        [Value::text(&attempt.attempt_id), Value::text(&attempt.run_id), Value::Integer(i64::from(attempt.number))];
    lease.begin().await?;
    let opened = lease.execute(&sql, &params).await?;
    if opened != records.len() as u64 {
        lease.rollback().await?;
        return Err(Error::internal("the submission log did not take every intent"));
    }
    lease.commit().await?;
    lease.give_back();
    Ok(())
}

/// Closes the intents of an attempt for some of its records, without an outcome for their rows.
pub(super) async fn close_intents(
    shared: &Arc<Shared>,
    attempt_id: &str,
    person_ids: &[String],
    closed_as: ClosedAs,
) -> Result<()> {
    let dialect = shared.dialect();
    let mut lease = shared.lease().await?;
    ledger::fill(&mut *lease, shared, person_ids).await?;
    let closed = [("outcome", dialect.placeholder(1)), ("closed_at", dialect.now().to_owned())];
    let source = format!("{} c", dialect.temporary(SET));
    let on = format!(
        "{} = c.id AND t.attempt_id = {} AND t.outcome IS NULL",
        dialect.key("t.person_id"),
        dialect.placeholder(2),
    );
    let update = UpdateFrom { target: &shared.sql.log, set: &closed, source: &source, on: &on };
    lease.begin().await?;
    lease.execute(&dialect.update_from(&update), &[Value::text(closed_as.word()), Value::text(attempt_id)]).await?;
    lease.commit().await?;
    lease.give_back();
    Ok(())
}

/// Adds a run.
pub(super) async fn record_run(shared: &Arc<Shared>, run: &RunRecord) -> Result<()> {
    let dialect = shared.dialect();
    let places: Vec<String> = (1..=7).map(|position| dialect.placeholder(position)).collect();
    let sql = format!(
        "INSERT INTO {} (run_id, command, run_date, exit_code, seconds, table_rows, report, ended_at) VALUES ({}, {})",
        shared.sql.runs,
        places.join(", "),
        dialect.now(),
    );
    let params = [
        Value::text(&run.run_id),
        Value::text(&run.command),
        Value::text(&run.run_date),
        Value::Integer(i64::from(run.exit_code)),
        Value::Integer(i64::try_from(run.seconds).unwrap_or(i64::MAX)),
        run.table_rows.as_ref().map_or(Value::Null, Value::text),
        Value::text(&run.report),
    ];
    let mut lease = shared.lease().await?;
    lease.begin().await?;
    lease.execute(&sql, &params).await?;
    lease.commit().await?;
    lease.give_back();
    Ok(())
}

/// `table_rows` of the newest run that has any.
pub(super) async fn last_staged(shared: &Arc<Shared>) -> Result<Option<LastStaged>> {
    let (dialect, runs) = (shared.dialect(), &shared.sql.runs);
    let sql = format!(
        "SELECT {}, {} FROM {runs} r WHERE r.id = (SELECT MAX(x.id) FROM {runs} x WHERE x.table_rows IS NOT NULL)",
        dialect.text("r.run_date"),
        dialect.text("r.table_rows"),
    );
    let mut lease = shared.lease().await?;
    let last = lease.query(&sql, &[]).await?.into_iter().next();
    lease.give_back();
    last.map(|mut row| Ok(LastStaged { run_date: row.word(0)?, table_rows: row.word(1)? })).transpose()
}

/// Deletes what is old and no longer needed.
pub(super) async fn prune(shared: &Arc<Shared>, older_than: Duration) -> Result<u64> {
    let dialect = shared.dialect();
    let (log, runs, old) = (&shared.sql.log, &shared.sql.runs, dialect.before_now(older_than));
    let requests = format!(
        "DELETE FROM {log} WHERE outcome IS NOT NULL AND closed_at <= {old} AND id NOT IN (SELECT MAX(l.id) FROM {log} l \
         WHERE l.outcome IN ('accepted', 'purged', 'unknown') GROUP BY {})",
        dialect.key("l.person_id"),
    );
    let runs = format!(
        "DELETE FROM {runs} WHERE ended_at <= {old} AND id NOT IN (SELECT MAX(r.id) FROM {runs} r WHERE r.table_rows IS NOT NULL)"
    );
    let mut lease = shared.lease().await?;
    lease.begin().await?;
    let mut deleted = lease.execute(&requests, &[]).await?;
    deleted += lease.execute(&runs, &[]).await?;
    lease.commit().await?;
    lease.give_back();
    Ok(deleted)
}

/// The numbers behind `csc-bridge status`.
pub(super) async fn status(shared: &Arc<Shared>) -> Result<StatusReport> {
    let dialect = shared.dialect();
    let (staging, log, runs) = (&shared.sql.staging, &shared.sql.log, &shared.sql.runs);
    let mut report = StatusReport::default();
    let mut lease = shared.lease().await?;

    let columns = [dialect.text("t.submission_status"), dialect.text("t.row_state"), dialect.bytes("t.previous_hash")];
    // Unsure is 32 zero bytes here. A value that is no hash at all reads as unsure, too, but only where rows are read one by one.
    let zero = format!(
        "CASE WHEN t.previous_hash IS NULL THEN 0 WHEN {} = {} THEN 1 ELSE 2 END",
        columns[2],
        dialect.placeholder(1)
    );
    let sql = format!(
        "SELECT r.status, r.state, r.zero, COUNT(*) FROM (SELECT {} AS status, {} AS state, {zero} AS zero FROM {staging} t) r \
         GROUP BY r.status, r.state, r.zero",
        columns[0], columns[1],
    );
    let unsure = Held::Unsure.to_column().map_or(Value::Null, |hash| Value::Bytes(hash.to_vec()));
    let mut states = BTreeMap::new();
    for mut row in lease.query(&sql, &[unsure]).await? {
        let status = Status::from_column(row.text(0)?.as_deref());
        let state = RowState::from_column(row.text(1)?.as_deref());
        *states.entry((status, state, row.integer(2)? == 1)).or_default() += count(row.integer(3)?);
    }
    report.states = states.into_iter().map(|((status, state, unsure), rows)| (status, state, unsure, rows)).collect();

    let oldest = format!(
        "SELECT {} FROM {staging} t WHERE {}",
        dialect.version("MIN(t.last_updated)"),
        choose::asks_in_cohort(dialect)
    );
    report.oldest_pending = lease.query(&oldest, &[]).await?.first_mut().map_or(Ok(None), |row| row.text(0))?;

    let open = format!("SELECT COUNT(*) FROM {log} WHERE outcome IS NULL");
    report.open_intents = count(lease.query(&open, &[]).await?.first_mut().map_or(Ok(0), |row| row.integer(0))?);

    let last = format!(
        "SELECT r.run_id, r.command, {}, r.exit_code FROM {runs} r WHERE r.id = (SELECT MAX(id) FROM {runs})",
        dialect.version("r.ended_at"),
    );
    if let Some(row) = lease.query(&last, &[]).await?.first_mut() {
        let exit_code = i32::try_from(row.integer(3)?).unwrap_or(i32::MAX);
        report.last_run = Some((row.word(0)?, row.word(1)?, row.text(2)?.unwrap_or_default(), exit_code));
    }

    let errors = format!(
        "SELECT r.response, COUNT(*) FROM (SELECT {} AS response FROM {staging} t WHERE {} = 'error') r GROUP BY r.response",
        dialect.text("t.api_response"),
        dialect.word("t.submission_status"),
    );
    for mut row in lease.query(&errors, &[]).await? {
        report.errors.push((row.text(0)?.unwrap_or_default(), count(row.integer(1)?)));
    }
    lease.give_back();
    Ok(report)
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
