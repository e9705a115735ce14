//! The steps that checks of a staging are made of.

use std::sync::Arc;
use std::time::Duration;

use csc_bridge_core::error::Result;
use csc_bridge_core::staging::*;

pub(crate) use crate::look::strings;

use crate::failure::{Checked, Failure};
use crate::{ColumnKind, Place, StagingSettings, TestTable, Touched, Value};

pub(crate) const STAGING: &str = "ssd_api_data_staging";
pub(crate) const LOG: &str = "ssd_api_submission_log";
pub(crate) const RUNS: &str = "ssd_api_run_log";
/// Long before any test.
pub(crate) const LONG_AGO: &str = "2001-02-03 04:05:06.000";

/// A staging with its tables.
pub(crate) async fn ready(place: &dyn Place) -> Checked<Arc<dyn Staging>> {
    let staging = place.staging(&StagingSettings::default())?;
    staging.prepare().await?;
    Ok(staging)
}

/// The same tables as another process sees them.
pub(crate) fn elsewhere(place: &dyn Place) -> Checked<Arc<dyn Staging>> {
    place.staging(&StagingSettings::default())
}

pub(crate) fn hash(n: u8) -> Hash {
    [n; 32]
}

pub(crate) fn json(n: u8) -> String {
    format!("{{\"n\":{n}}}")
}

/// `count` different ids.
pub(crate) fn many(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("P{n}")).collect()
}

/// A new child with the document and the hash of n.
pub(crate) fn new_child(id: &str, n: u8) -> Write {
    Write {
        person_id: id.to_owned(),
        expected: None,
        status: Status::Pending,
        row_state: RowState::New,
        document: Some(NewDocument { json: json(n), legacy_id: Some("legacy".to_owned()) }),
        current_hash: Some(hash(n)),
        held: Held::Nothing,
        outgoing: None,
        touches: true,
    }
}

/// The change of a row to the document and hash of n.
pub(crate) fn changed(row: &LedgerRow, n: u8) -> Write {
    Write {
        expected: Some(row.version.clone()),
        row_state: RowState::Updated,
        held: row.held,
        ..new_child(&row.person_id, n)
    }
}

pub(crate) async fn apply(staging: &dyn Staging, writes: Vec<Write>) -> Result<Applied> {
    let mut changes = staging.changes().await?;
    changes.push(writes).await?;
    changes.apply().await
}

/// New children with document 1.
pub(crate) async fn add(staging: &dyn Staging, ids: &[&str]) -> Checked {
    let applied = apply(staging, ids.iter().map(|id| new_child(id, 1)).collect()).await?;
    crate::failure::same("new children written", applied.written, ids.len() as u64)
}

pub(crate) async fn row(staging: &dyn Staging, id: &str) -> Checked<LedgerRow> {
    let mut rows = staging.ledger(&strings(&[id])).await?;
    match rows.len() {
        1 => Ok(rows.remove(0)),
        count => Err(Failure::broken(format!("one row for child {id}"), count)),
    }
}

/// What a row is, in short.
pub(crate) async fn state(staging: &dyn Staging, id: &str) -> Checked<(Status, RowState, Held)> {
    let row = row(staging, id).await?;
    Ok((row.status, row.row_state, row.held))
}

pub(crate) async fn intent(staging: &dyn Staging, attempt_id: &str, id: &str, mentioned: Option<&str>) -> Checked {
    let attempt = Attempt { attempt_id: attempt_id.to_owned(), run_id: "run".to_owned(), number: 1 };
    let record = IntentRecord {
        person_id: id.to_owned(),
        kind: RecordKind::Full,
        hash: hash(1),
        based_on: Held::Nothing,
        mentioned: mentioned.map(str::to_owned),
    };
    Ok(staging.open_intents(&attempt, &[record]).await?)
}

/// An intent with the hash of n.
pub(crate) async fn intent_of(staging: &dyn Staging, attempt_id: &str, id: &str, n: u8) -> Checked {
    let attempt = Attempt { attempt_id: attempt_id.to_owned(), run_id: "run".to_owned(), number: 1 };
    let record = IntentRecord {
        person_id: id.to_owned(),
        kind: RecordKind::Full,
        hash: hash(n),
        based_on: Held::Nothing,
        mentioned: None,
    };
    Ok(staging.open_intents(&attempt, &[record]).await?)
}

/// What a child may hold, as JSON that shows what it was made of.
pub(crate) fn may_hold(previous: Option<&str>, mentioned: &str) -> Result<String> {
    let mut all: Vec<serde_json::Value> = previous.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    all.push(mentioned.into());
    Ok(serde_json::Value::from(all).to_string())
}

pub(crate) async fn recover(staging: &dyn Staging) -> Result<u64> {
    staging.recover(Duration::ZERO, &may_hold).await
}

/// The rows of `ids` as a sender takes them who sends what is staged.
pub(crate) async fn take(staging: &dyn Staging, ids: &[&str]) -> Result<Box<dyn Claim>> {
    staging.claim(&strings(ids), Choice::AsStaged).await
}

pub(crate) fn ids_of(claim: &dyn Claim) -> Vec<String> {
    claim.rows().iter().map(|row| row.person_id.clone()).collect()
}

pub(crate) async fn candidates(staging: &dyn Staging, choice: Choice) -> Result<Vec<String>> {
    Ok(staging.candidates(choice).await?.into_iter().map(|candidate| candidate.person_id).collect())
}

fn outcome(id: &str, attempt_id: Option<&str>, result: SendResult) -> Outcome {
    Outcome { person_id: id.to_owned(), attempt_id: attempt_id.map(str::to_owned), result }
}

pub(crate) fn accepted(id: &str, attempt_id: &str, n: u8) -> Outcome {
    let result =
        SendResult::Accepted { document: json(n), hash: hash(n), receipt: "receipt".to_owned(), received_at: None };
    outcome(id, Some(attempt_id), result)
}

pub(crate) const PURGE: &str = "{\"purge\":true}";

pub(crate) fn purged(id: &str, attempt_id: &str) -> Outcome {
    let result =
        SendResult::Purged { document: PURGE.to_owned(), receipt: "purge receipt".to_owned(), received_at: None };
    outcome(id, Some(attempt_id), result)
}

pub(crate) fn withdrawn(id: &str) -> Outcome {
    outcome(id, None, SendResult::Withdrawn)
}

pub(crate) const REASON: &str = "HTTP 400: \"père\" is no name 😀";

pub(crate) fn refused(id: &str, attempt_id: &str) -> Outcome {
    outcome(id, Some(attempt_id), SendResult::Refused { reason: REASON.to_owned() })
}

pub(crate) fn unusable(id: &str) -> Outcome {
    outcome(id, None, SendResult::Unusable { reason: "not JSON".to_owned() })
}

/// Another tool, or a person, changes a row at a time when nobody has it.
pub(crate) async fn set(place: &dyn Place, id: &str, columns: &[(&str, Value)]) -> Checked {
    match place.update(STAGING, columns, Some(("person_id", id))).await? {
        Touched::Done => Ok(()),
        Touched::KeptOut => Err(Failure::broken("a row that nobody holds", "a lock on it")),
    }
}

/// One cell of a table's row, whose `key` column, trimmed, is `id`.
pub(crate) async fn cell(place: &dyn Place, table: &str, key: (&str, &str), column: &str) -> Checked<Option<String>> {
    let rows = place.read(table, &[key.0, column]).await?;
    let found = rows.into_iter().find(|row| row[0].as_deref().map(str::trim) == Some(key.1));
    found
        .map(|mut row| row.swap_remove(1))
        .ok_or_else(|| Failure::broken(format!("a row of {table} for {}", key.1), "none"))
}

/// One cell of a child's row.
pub(crate) async fn staged(place: &dyn Place, id: &str, column: &str) -> Checked<Option<String>> {
    cell(place, STAGING, ("person_id", id), column).await
}

/// What the log says of an attempt.
pub(crate) async fn logged(place: &dyn Place, attempt_id: &str, column: &str) -> Checked<Option<String>> {
    cell(place, LOG, ("attempt_id", attempt_id), column).await
}

/// Two documents with the same meaning: a product's JSON type may print them otherwise.
#[track_caller]
pub(crate) fn same_json(what: &str, found: Option<&str>, expected: &str) -> Checked {
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    match found {
        Some(text) if parsed(text).is_some() && parsed(text) == parsed(expected) => Ok(()),
        other => Err(Failure::broken(expected, other.unwrap_or("null")).within(what)),
    }
}

/// A staging table as somebody else's script leaves it: nothing keeps a child from having several rows. Rows are (id,
/// person_id, submission_status, row_state, last_updated).
pub(crate) async fn filled_by_sql(
    place: &dyn Place,
    rows: &[(i64, &str, &str, &str, Option<&str>)],
) -> Checked<Arc<dyn Staging>> {
    let table = TestTable::new(
        STAGING,
        &[
            ("id", ColumnKind::BigInteger),
            ("person_id", ColumnKind::Text),
            ("legacy_id", ColumnKind::Text),
            ("previous_json_payload", ColumnKind::LongText),
            ("json_payload", ColumnKind::LongText),
            ("partial_json_payload", ColumnKind::LongText),
            ("current_hash", ColumnKind::Binary),
            ("previous_hash", ColumnKind::Binary),
            ("submission_status", ColumnKind::Text),
            ("submission_timestamp", ColumnKind::Timestamp),
            ("api_response", ColumnKind::LongText),
            ("row_state", ColumnKind::Text),
            ("last_updated", ColumnKind::Timestamp),
        ],
    );
    let values = |row: &(i64, &str, &str, &str, Option<&str>)| {
        let mut cells = vec![Value::Null; table.columns.len()];
        (cells[0], cells[1]) = (Value::Integer(row.0), Value::text(row.1));
        (cells[4], cells[6]) = (Value::text(format!("{{\"id\":{}}}", row.0)), Value::Bytes(hash(1).to_vec()));
        (cells[8], cells[11]) = (Value::text(row.2), Value::text(row.3));
        cells[12] = row.4.map_or(Value::Null, |day| Value::Timestamp(format!("{day} 00:00:00.000")));
        cells
    };
    place.create(&table).await?;
    place.insert(&table, &rows.iter().map(values).collect::<Vec<_>>()).await?;
    let staging = place.staging(&StagingSettings { managed_by_sql: true, ..StagingSettings::default() })?;
    staging.prepare().await?;
    Ok(staging)
}
