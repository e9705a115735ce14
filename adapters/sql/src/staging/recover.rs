//! Requests whose answer was never recorded: their rows become unsure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, StringArray};
use csc_bridge_core::error::{Kind, Result};
use csc_bridge_core::staging::{Guard, MayHold};

use super::choose::{Among, is_newest, out};
use super::{Lease, Shared};
use crate::{Connection, Dialect, Lock, SET, Store, UpdateFrom, Value, set};

/// The intents that are being closed.
const LOST: &str = "csc_bridge_lost";

const COLUMNS: &[(&str, Store)] = &[
    // The intent's id.
    ("number", Store::Integer),
    ("person", Store::Text(200)),
    // On one of a child's intents: what the child's row may hold.
    ("held", Store::LongText),
];

/// Creates the table of lost intents on a connection, once.
pub(super) async fn create_lost(connection: &mut dyn Connection, dialect: &dyn Dialect) -> Result<()> {
    connection.execute(&dialect.create_temporary(LOST, COLUMNS, "number"), &[]).await?;
    Ok(())
}

/// One lost intent.
struct Lost {
    id: i64,
    person: String,
    mentioned: Option<String>,
}

/// Takes up the open intents older than `older_than` on rows that no living sender holds.
pub(super) async fn recover(shared: &Arc<Shared>, older_than: Duration, may_hold: &MayHold<'_>) -> Result<u64> {
    let Senders::None(_lock) = senders(shared).await? else { return Ok(0) };
    let dialect = shared.dialect();
    let mut lease = shared.lease().await?;
    let old = format!("l.outcome IS NULL AND l.opened_at <= {}", dialect.before_now(older_than));
    let sql = format!("SELECT DISTINCT {} FROM {} l WHERE {old}", dialect.key("l.person_id"), shared.sql.log);
    let mut ids = HashSet::new();
    for mut row in lease.query(&sql, &[]).await? {
        ids.insert(row.word(0)?);
    }
    {
        let claimed = shared.claimed();
        ids.retain(|id| !claimed.contains(id));
    }
    if ids.is_empty() {
        lease.give_back();
        return Ok(0);
    }

    fill(&mut lease, ids.iter()).await?;
    lease.begin().await?;
    let free = free(&mut lease, ids).await?;
    fill(&mut lease, free.iter()).await?;
    // Read once and closed by number: as the time goes on, more intents become old, and those were not looked at. Read anew
    // now that the rows are locked: a sender that held one until then has answered for it itself.
    let lost = lost(&mut lease, &old).await?;
    let persons: HashSet<&String> = lost.iter().map(|intent| &intent.person).collect();
    fill(&mut lease, persons).await?;
    let held = held(&mut lease, &lost, may_hold).await?;
    load(&mut lease, &lost, held).await?;
    let rows = write(&mut lease).await?;
    lease.commit().await?;
    lease.give_back();
    Ok(rows)
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
    match shared.engine.lock(&shared.names.staging, Lock::Submit).await {
        Ok(lock) => Ok(Senders::None(Some(lock))),
        Err(error) if error.kind() == Kind::Busy => Ok(Senders::Alive),
        Err(error) => Err(error),
    }
}

async fn fill<'a>(lease: &mut Lease, ids: impl IntoIterator<Item = &'a String>) -> Result<()> {
    let shared = lease.shared.clone();
    set::fill(&mut **lease, shared.dialect(), ids.into_iter().map(String::as_str).collect::<Vec<_>>()).await
}

/// Those of the set's ids whose row could be locked, or who have no row any more.
async fn free(lease: &mut Lease, ids: HashSet<String>) -> Result<HashSet<String>> {
    let shared = lease.shared.clone();
    let dialect = shared.dialect();
    let Some(lock) = dialect.row_lock() else { return Ok(ids) };
    let select = |hint: &str, clause: &str| {
        let (staging, set, key) = (&shared.sql.staging, dialect.temporary(SET), dialect.key("t.person_id"));
        format!("SELECT c.id, t.id FROM {staging} t{hint} JOIN {set} c ON c.id = {key}{clause}")
    };
    let mut held = HashSet::new();
    for mut row in lease.query(&select("", ""), &[]).await? {
        held.insert((row.word(0)?, row.text(1)?));
    }
    for mut row in lease.query(&select(lock.hint, lock.clause), &[]).await? {
        held.remove(&(row.word(0)?, row.text(1)?));
    }
    let held: HashSet<String> = held.into_iter().map(|(id, _)| id).collect();
    Ok(ids.into_iter().filter(|id| !held.contains(id)).collect())
}

/// The set's open intents that are old, in the order in which they were opened.
async fn lost(lease: &mut Lease, old: &str) -> Result<Vec<Lost>> {
    let shared = lease.shared.clone();
    let dialect = shared.dialect();
    let sql = format!(
        "SELECT l.id, c.id, {} FROM {} c JOIN {} l ON {} = c.id WHERE {old} ORDER BY l.id",
        dialect.text("l.mentioned"),
        dialect.temporary(SET),
        shared.sql.log,
        dialect.key("l.person_id"),
    );
    let rows = lease.query(&sql, &[]).await?;
    rows.into_iter()
        .map(|mut row| Ok(Lost { id: row.integer(0)?, person: row.word(1)?, mentioned: row.text(2)? }))
        .collect()
}

/// What the rows may hold of whom a lost intent says what it mentioned, by person: everything mentioned, one after the other,
/// added to what the row held.
async fn held(lease: &mut Lease, lost: &[Lost], may_hold: &MayHold<'_>) -> Result<HashMap<String, String>> {
    let mut mentioned: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for intent in lost {
        if let Some(text) = &intent.mentioned {
            mentioned.entry(&intent.person).or_default().push(text);
        }
    }
    if mentioned.is_empty() {
        return Ok(HashMap::new());
    }
    let shared = lease.shared.clone();
    let dialect = shared.dialect();
    let sql = format!(
        "SELECT c.id, {} FROM {} t JOIN {} c ON {} = c.id WHERE {}",
        dialect.document_out("t.previous_json_payload"),
        shared.sql.staging,
        dialect.temporary(SET),
        dialect.key("t.person_id"),
        is_newest(&shared, Among::Set),
    );
    let mut held = HashMap::new();
    for mut row in lease.query(&sql, &[]).await? {
        let (person, mut document) = (row.word(0)?, row.text(1)?);
        for text in mentioned.get(person.as_str()).into_iter().flatten() {
            document = Some(may_hold(document.as_deref(), text)?);
        }
        if let (Some(document), true) = (document, mentioned.contains_key(person.as_str())) {
            held.insert(person, document);
        }
    }
    Ok(held)
}

async fn load(lease: &mut Lease, lost: &[Lost], mut held: HashMap<String, String>) -> Result<()> {
    let shared = lease.shared.clone();
    let held: StringArray = lost.iter().map(|intent| held.remove(&intent.person)).collect();
    let rows = set::batch([
        ("number", Arc::new(Int64Array::from_iter_values(lost.iter().map(|intent| intent.id))) as ArrayRef),
        ("person", Arc::new(StringArray::from_iter_values(lost.iter().map(|intent| &intent.person)))),
        ("held", Arc::new(held)),
    ])?;
    set::replace(&mut **lease, shared.dialect(), LOST, &rows).await
}

/// Makes the rows of the set unsure and closes the intents of [`LOST`]. Of several rows of a child the one written last counts.
async fn write(lease: &mut Lease) -> Result<u64> {
    let shared = lease.shared.clone();
    let dialect = shared.dialect();
    let (key, newest, lost) = (dialect.key("t.person_id"), is_newest(&shared, Among::Set), dialect.temporary(LOST));
    let of_set = (format!("{} c", dialect.temporary(SET)), format!("{key} = c.id AND {newest}"));
    let may_hold = (format!("{lost} i"), format!("{key} = i.person AND i.held IS NOT NULL AND {newest}"));
    let by_number = (format!("{lost} i"), "t.id = i.number AND t.outcome IS NULL".to_owned());

    let held = [("previous_json_payload", dialect.document_in("i.held"))];
    update(lease, &shared.sql.staging, &held, &may_hold, &[]).await?;
    let out = out(dialect);
    let unsure = [
        // 32 zero bytes: nobody's hash.
        ("previous_hash", dialect.placeholder(1)),
        // For a child out of the cohort nothing is staged any more.
        ("submission_status", format!("CASE WHEN {out} THEN 'withdrawn' ELSE 'pending' END")),
        ("row_state", format!("CASE WHEN {out} THEN t.row_state ELSE 'updated' END")),
        ("partial_json_payload", "NULL".to_owned()),
        // The grace of a purge runs from when the child went.
        ("last_updated", format!("CASE WHEN {out} THEN t.last_updated ELSE {} END", dialect.now())),
    ];
    let rows = update(lease, &shared.sql.staging, &unsure, &of_set, &[Value::Bytes(vec![0; 32])]).await?;
    let closed = [("outcome", "'unknown'".to_owned()), ("closed_at", dialect.now().to_owned())];
    update(lease, &shared.sql.log, &closed, &by_number, &[]).await?;
    Ok(rows)
}

async fn update(
    lease: &mut Lease,
    target: &str,
    set: &[(&str, String)],
    (source, on): &(String, String),
    params: &[Value],
) -> Result<u64> {
    let shared = lease.shared.clone();
    lease.execute(&shared.dialect().update_from(&UpdateFrom { target, set, source, on }), params).await
}
