//! What `stage` reads: rows without their documents, all keys, and documents on request.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{TableName, read_each};
use csc_bridge_core::staging::{Documents, Hash, Held, LedgerRow, Outgoing, RowState, RowVersion, Status};

use super::Shared;
use super::pool::Lease;
use crate::{Read, SET, name};

/// The rows of these children.
pub(super) async fn ledger(shared: &Arc<Shared>, ids: &[String]) -> Result<Vec<LedgerRow>> {
    let dialect = shared.dialect();
    let mut lease = shared.lease().await?;
    let ids = fill(&mut lease, ids).await?;
    let sql = format!(
        "SELECT c.id, {}, {}, {}, {}, {}, CASE WHEN t.partial_json_payload IS NULL THEN 0 ELSE 1 END, {} \
         FROM {} c JOIN {} t ON c.id = {}",
        dialect.bytes("t.current_hash"),
        dialect.bytes("t.previous_hash"),
        dialect.text("t.submission_status"),
        dialect.text("t.row_state"),
        dialect.version("t.last_updated"),
        dialect.seconds_since("t.last_updated"),
        dialect.temporary(SET),
        shared.sql.staging,
        dialect.key("t.person_id"),
    );
    let rows = lease.query(&sql, &[]).await?;
    let waiting = shared.waiting(&mut lease, &ids).await?;
    lease.give_back();

    let mut ledger = Vec::with_capacity(rows.len());
    for mut row in rows {
        let person_id = row.word(0)?;
        let current_hash = row.bytes(1)?.and_then(|bytes| Hash::try_from(bytes).ok());
        let previous_hash = row.bytes(2)?;
        let (status, row_state, last_updated) = (row.text(3)?, row.text(4)?, row.text(5)?);
        ledger.push(LedgerRow {
            open_intent: waiting.contains(&person_id),
            person_id,
            current_hash,
            held: Held::from_column(previous_hash.as_deref()),
            status: Status::from_column(status.as_deref()),
            row_state: RowState::from_column(row_state.as_deref()),
            version: RowVersion { previous_hash, status, row_state, last_updated },
            outgoing: if row.integer(6)? == 0 { Outgoing::Nothing } else { Outgoing::Other },
            age: Duration::from_secs(u64::try_from(row.integer(7)?).unwrap_or(0)),
        });
    }
    let distinct: HashSet<&str> = ledger.iter().map(|row| row.person_id.as_str()).collect();
    match ledger.len() - distinct.len() {
        0 => Ok(ledger),
        surplus => Err(duplicates(&shared.names.staging, surplus)),
    }
}

/// The `person_id` of every row.
pub(super) async fn each_key(shared: &Arc<Shared>, take: &mut (dyn for<'k> FnMut(&'k str) + Send)) -> Result<()> {
    let key = shared.dialect().key("t.person_id");
    let read = Read {
        sql: format!("SELECT {key} FROM {} t WHERE t.person_id IS NOT NULL", shared.sql.staging),
        set: None,
        table: shared.names.staging.clone(),
        columns: vec!["person_id".to_owned()],
        tagged: false,
    };
    let mut lease = shared.lease().await?;
    let mut keys = lease.scan(read).await?;
    read_each(&mut *keys, &mut |batch| {
        let ids = batch.column(0).as_string_opt::<i32>().ok_or_else(|| Error::internal("a key is not read as text"))?;
        ids.iter().flatten().for_each(&mut *take);
        Ok(())
    })
    .await?;
    drop(keys);
    lease.give_back();
    Ok(())
}

/// The stored documents of these children.
pub(super) async fn documents(shared: &Arc<Shared>, ids: &[String]) -> Result<Vec<Documents>> {
    let dialect = shared.dialect();
    let mut lease = shared.lease().await?;
    let ids = fill(&mut lease, ids).await?;
    let sql = format!(
        "SELECT c.id, {}, {}, {} FROM {} c JOIN {} t ON c.id = {}",
        dialect.document_out("t.json_payload"),
        dialect.document_out("t.previous_json_payload"),
        dialect.document_out("t.partial_json_payload"),
        dialect.temporary(SET),
        shared.sql.staging,
        dialect.key("t.person_id"),
    );
    let rows = lease.query(&sql, &[]).await?;
    let accepted = shared.last_accepted(&mut lease, &ids).await?;
    lease.give_back();
    rows.into_iter()
        .map(|mut row| {
            let person_id = row.word(0)?;
            Ok(Documents {
                accepted_hash: accepted.get(&person_id).copied(),
                person_id,
                current: row.text(1)?,
                held: row.text(2)?,
                outgoing: row.text(3)?,
            })
        })
        .collect()
}

/// Fills the set with ids that may be untrimmed or repeated; returns them as they are in the set.
async fn fill(lease: &mut Lease, ids: &[String]) -> Result<Vec<String>> {
    let mut seen = HashSet::with_capacity(ids.len());
    let distinct: Vec<String> =
        ids.iter().map(|id| name::trimmed(id)).filter(|id| seen.insert(*id)).map(str::to_owned).collect();
    lease.fill(distinct.iter().map(String::as_str)).await?;
    Ok(distinct)
}

/// A table in which a child has several rows: which of them counts, nobody can say.
pub(super) fn duplicates(table: &TableName, surplus: usize) -> Error {
    Error::new(
        Kind::Data,
        format!("the table {table} has {surplus} more rows than children: some child has more than one row"),
        format!(
            "find them with SELECT person_id, COUNT(*) FROM {table} GROUP BY person_id HAVING COUNT(*) > 1, keep the newest \
             row of each, and put a unique index on person_id"
        ),
    )
}
