//! A row's own history: what the submission log says DfE last accepted for its child.

use std::collections::HashMap;

use csc_bridge_core::error::Result;
use csc_bridge_core::staging::Hash;

use super::Lease;
use crate::SET;

/// The hashes last accepted for the children of the [`SET`], by their number in it. Nothing is known where something came after it: a
/// request whose answer never came, or the purge of the child.
pub(super) async fn last_accepted(lease: &mut Lease) -> Result<HashMap<i64, Hash>> {
    let shared = lease.shared.clone();
    let (dialect, log) = (shared.dialect(), &shared.sql.log);
    // In a query by itself, not for each row: a log of an earlier version, without an index on the key, is read once.
    let sql = format!(
        "SELECT a.number, {} FROM (SELECT c.number AS number, \
         MAX(CASE WHEN l.outcome = 'accepted' THEN l.id ELSE 0 END) AS accepted, \
         MAX(CASE WHEN l.outcome = 'accepted' THEN 0 ELSE l.id END) AS doubt FROM {} c JOIN {log} l ON {} = c.id \
         WHERE l.outcome IN ('accepted', 'unknown', 'purged') GROUP BY c.number) a \
         JOIN {log} l ON l.id = a.accepted WHERE a.accepted > a.doubt",
        dialect.bytes("l.hash_sent"),
        dialect.temporary(SET),
        dialect.key("l.person_id"),
    );
    let mut hashes = HashMap::new();
    for mut row in lease.query(&sql, &[]).await? {
        let number = row.integer(0)?;
        if let Some(hash) = row.bytes(1)?.and_then(|bytes| Hash::try_from(bytes).ok()) {
            hashes.insert(number, hash);
        }
    }
    Ok(hashes)
}
