//! Requests whose answer was never recorded: their rows become unsure.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow_array::{ArrayRef, Int32Array, StringArray};
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::staging::{ClosedAs, Closing, Guard, LostIntent, MayHold};

use super::choose::{Among, is_newest, out};
use super::pool::Lease;
use super::{Shared, located};
use crate::{Connection, Lock, SET, Store, Transaction, UpdateFrom, Value, WritingDialect, set};

/// What rows may hold after requests without an answer.
const MAY_HOLD: &str = "csc_bridge_may_hold";

const COLUMNS: &[(&str, Store)] =
    &[("nr", Store::Integer), ("person", Store::Text(200)), ("document", Store::LongText)];

/// Creates the table of what rows may hold on a connection, once.
pub(super) async fn create_may_hold(connection: &mut dyn Connection, dialect: &dyn WritingDialect) -> Result<()> {
    connection.create_temporary(dialect, MAY_HOLD, COLUMNS, "nr").await
}

/// Takes up the open intents older than `older_than` on rows that no living sender holds.
pub(super) async fn recover(shared: &Arc<Shared>, older_than: Duration, may_hold: &MayHold<'_>) -> Result<u64> {
    let Senders::None(_lock) = senders(shared).await? else { return Ok(0) };
    let mut lease = shared.lease().await?;
    let mut ids: HashSet<String> =
        shared.lost(&mut lease, older_than).await?.into_iter().map(|intent| intent.person_id).collect();
    {
        let claimed = shared.claimed();
        ids.retain(|id| !claimed.contains(id));
    }
    if ids.is_empty() {
        lease.give_back();
        return Ok(0);
    }

    lease.fill(ids.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    located::locate(shared, &mut lease).await?;
    lease.begin().await?;
    let free = free(shared, &mut lease, ids).await?;
    // Read anew now that the rows are locked: a sender that held one until then has answered for it itself. What became old
    // since then is closed by its own attempt, never by its age: what was not looked at here stays open.
    let mut lost = shared.lost(&mut lease, older_than).await?;
    lost.retain(|intent| free.contains(&intent.person_id));
    let persons: HashSet<&str> = lost.iter().map(|intent| intent.person_id.as_str()).collect();
    lease.fill(persons).await?;
    located::locate(shared, &mut lease).await?;
    let documents = documents(shared, &mut lease, &lost, may_hold).await?;
    load(&mut lease, &documents).await?;
    let rows = write(shared, &mut lease).await?;
    let closings: Vec<Closing> = lost.into_iter().map(closing).collect();
    shared.load_closings(&mut lease, &closings).await?;
    let transaction = Transaction { is_begun: true, ..Transaction::default() };
    shared.commit_and_close(&mut lease, transaction, &closings).await?;
    lease.give_back();
    Ok(rows)
}

fn closing(lost: LostIntent) -> Closing {
    Closing { attempt_id: lost.attempt_id, person_id: lost.person_id, closed_as: ClosedAs::Unknown, response_id: None }
}

/// Whether another process may be sending.
enum Senders {
    /// None is, or rows tell by their locks. The guard, where one is needed, is to be kept until the end, so that none begins.
    None(Option<Box<dyn Guard>>),
    /// One is, and may yet get the answers.
    Alive,
}

/// Without row locks the submit lock says whether a sender lives, unless this process has it itself.
async fn senders(shared: &Arc<Shared>) -> Result<Senders> {
    if shared.dialect().row_lock().is_some() || shared.submit_locks.load(Ordering::SeqCst) > 0 {
        return Ok(Senders::None(None));
    }
    match shared.pool.engine.lock(&shared.names.staging, Lock::Submit).await {
        Ok(lock) => Ok(Senders::None(Some(lock))),
        Err(error) if error.kind() == Kind::Busy => Ok(Senders::Alive),
        Err(error) => Err(error),
    }
}

/// Those of the set's ids whose row could be locked, or who have no row any more.
async fn free(shared: &Shared, lease: &mut Lease, ids: HashSet<String>) -> Result<HashSet<String>> {
    let dialect = shared.dialect();
    let Some(lock) = dialect.row_lock() else { return Ok(ids) };
    let (staging, set, key) = (&shared.sql.staging, dialect.temporary(SET), dialect.key("t.person_id"));
    let all = format!("SELECT c.id, t.id FROM {staging} t JOIN {set} c ON c.id = {key}");
    let locked = format!("SELECT c.id, t.id FROM {}{}", located::locked(shared), lock.clause);
    let mut held = HashSet::new();
    for mut row in lease.query(&all, &[]).await? {
        held.insert((row.word(0)?, row.text(1)?));
    }
    for mut row in lease.query(&locked, &[]).await? {
        held.remove(&(row.word(0)?, row.text(1)?));
    }
    let held: HashSet<String> = held.into_iter().map(|(id, _)| id).collect();
    Ok(ids.into_iter().filter(|id| !held.contains(id)).collect())
}

/// What the rows may hold of whom a lost intent says what it mentioned, by person: everything mentioned, one after the other,
/// added to what the row held.
async fn documents(
    shared: &Shared,
    lease: &mut Lease,
    lost: &[LostIntent],
    may_hold: &MayHold<'_>,
) -> Result<Vec<(String, String)>> {
    let mut mentioned: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for intent in lost {
        if let Some(text) = &intent.mentioned {
            mentioned.entry(&intent.person_id).or_default().push(text);
        }
    }
    if mentioned.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = shared.dialect();
    let sql = format!(
        "SELECT c.id, {} FROM {} t JOIN {} c ON {} = c.id WHERE {}",
        dialect.document_out("t.previous_json_payload"),
        shared.sql.staging,
        dialect.temporary(SET),
        dialect.key("t.person_id"),
        is_newest(shared, Among::Set),
    );
    let mut documents = Vec::new();
    for mut row in lease.query(&sql, &[]).await? {
        let (person, mut document) = (row.word(0)?, row.text(1)?);
        let Some(mentioned) = mentioned.get(person.as_str()) else { continue };
        for text in mentioned {
            document = Some(may_hold(document.as_deref(), text)?);
        }
        documents.extend(document.map(|document| (person, document)));
    }
    Ok(documents)
}

async fn load(lease: &mut Lease, documents: &[(String, String)]) -> Result<()> {
    let count = i32::try_from(documents.len()).map_err(|_| Error::internal("too many lost requests"))?;
    let rows = set::batch([
        ("nr", Arc::new(Int32Array::from_iter_values(0..count)) as ArrayRef),
        ("person", Arc::new(StringArray::from_iter_values(documents.iter().map(|(person, _)| person)))),
        ("document", Arc::new(StringArray::from_iter_values(documents.iter().map(|(_, document)| document)))),
    ])?;
    lease.replace(MAY_HOLD, &rows).await
}

/// Makes the rows of the set unsure. Of several rows of a child the one written last counts.
async fn write(shared: &Shared, lease: &mut Lease) -> Result<u64> {
    let (dialect, target) = (shared.dialect(), &shared.sql.staging);
    let (source, on) = located::source(shared);
    let on = format!("{on} AND {}", is_newest(shared, Among::Set));

    let set = [("previous_json_payload", dialect.document_in("i.document"))];
    let with_document = format!("{source} JOIN {} i ON i.person = c.id", dialect.temporary(MAY_HOLD));
    let update = UpdateFrom { target, set: &set, source: &with_document, on: &on };
    lease.execute(&dialect.update_from(&update), &[]).await?;

    let out = out(dialect);
    let set = [
        // 32 zero bytes: nobody's hash.
        ("previous_hash", dialect.placeholder(1)),
        // For a child out of the cohort nothing is staged any more.
        ("submission_status", format!("CASE WHEN {out} THEN 'withdrawn' ELSE 'pending' END")),
        ("row_state", format!("CASE WHEN {out} THEN t.row_state ELSE 'updated' END")),
        ("partial_json_payload", "NULL".to_owned()),
        // The grace of a purge runs from when the child went.
        ("last_updated", format!("CASE WHEN {out} THEN t.last_updated ELSE {} END", dialect.now())),
    ];
    let unsure = dialect.update_from(&UpdateFrom { target, set: &set, source: &source, on: &on });
    lease.execute(&unsure, &[Value::Bytes(vec![0; 32])]).await
}
