//! Requests whose answer was never recorded: their rows become unsure.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use csc_bridge_core::error::{Kind, Result};

use super::{Lease, Shared, claim};
use crate::{Lock, SET, UpdateFrom, Value, set};

/// Takes up the open intents older than `older_than` on rows that no living sender holds.
pub(super) async fn recover(shared: &Arc<Shared>, older_than: Duration) -> Result<u64> {
    let dialect = shared.dialect();
    // Without row locks the submit lock says whether a sender lives; it is kept until the end, so that none begins meanwhile.
    let mut _lock = None;
    if dialect.row_lock().is_none() && shared.submit_locks.load(Ordering::SeqCst) == 0 {
        match shared.engine.lock(&shared.names.staging, Lock::Submit).await {
            Ok(lock) => _lock = Some(lock),
            Err(error) if error.kind() == Kind::Busy => return Ok(0),
            Err(error) => return Err(error),
        }
    }

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

    fill(&mut lease, &ids).await?;
    lease.begin().await?;
    let free = free(&mut lease, ids).await?;
    fill(&mut lease, &free).await?;
    let out = claim::out(dialect);
    let unsure = [
        // 32 zero bytes: nobody's hash.
        ("previous_hash", dialect.placeholder(1)),
        ("submission_status", "'pending'".to_owned()),
        ("row_state", format!("CASE WHEN {out} THEN t.row_state ELSE 'updated' END")),
        ("partial_json_payload", "NULL".to_owned()),
        ("last_updated", dialect.now().to_owned()),
    ];
    let source = format!("{} c", dialect.temporary(SET));
    let on = format!("{} = c.id", dialect.key("t.person_id"));
    let update = UpdateFrom { target: &shared.sql.staging, set: &unsure, source: &source, on: &on };
    let rows = lease.execute(&dialect.update_from(&update), &[Value::Bytes(vec![0; 32])]).await?;

    let closed = [("outcome", "'unknown'".to_owned()), ("closed_at", dialect.now().to_owned())];
    let on = format!(
        "{} = c.id AND t.outcome IS NULL AND t.opened_at <= {}",
        dialect.key("t.person_id"),
        dialect.before_now(older_than),
    );
    let update = UpdateFrom { target: &shared.sql.log, set: &closed, source: &source, on: &on };
    lease.execute(&dialect.update_from(&update), &[]).await?;
    lease.commit().await?;
    lease.give_back();
    Ok(rows)
}

async fn fill(lease: &mut Lease, ids: &HashSet<String>) -> Result<()> {
    let shared = lease.shared.clone();
    set::fill(&mut **lease, shared.dialect(), ids.iter().map(String::as_str).collect::<Vec<_>>()).await
}

/// Those of the set's ids whose row could be locked, or who have no row any more.
async fn free(lease: &mut Lease, ids: HashSet<String>) -> Result<HashSet<String>> {
    let shared = lease.shared.clone();
    let dialect = shared.dialect();
    let Some(lock) = dialect.row_lock() else { return Ok(ids) };
    let select = |hint: &str, clause: &str| {
        let (staging, set, key) = (&shared.sql.staging, dialect.temporary(SET), dialect.key("t.person_id"));
        format!("SELECT c.id FROM {staging} t{hint} JOIN {set} c ON c.id = {key}{clause}")
    };
    let mut held = HashSet::new();
    for mut row in lease.query(&select("", ""), &[]).await? {
        held.insert(row.word(0)?);
    }
    for mut row in lease.query(&select(lock.hint, lock.clause), &[]).await? {
        held.remove(&row.word(0)?);
    }
    Ok(ids.into_iter().filter(|id| !held.contains(id)).collect())
}
