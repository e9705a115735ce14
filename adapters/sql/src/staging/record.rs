//! What became of a batch: the rows' outcomes and the end of their intents, in one transaction.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, StringArray};
use csc_bridge_core::error::Result;
use csc_bridge_core::staging::{ClaimedRow, Outcome, SendResult};

use super::{Lease, claim};
use crate::{Connection, Dialect, Store, UpdateFrom, name, set};

/// The outcomes of one batch.
const OUTCOMES: &str = "csc_bridge_outcome";

const COLUMNS: &[(&str, Store)] = &[
    ("id", Store::Text(200)),
    ("attempt_id", Store::Text(200)),
    ("result", Store::Text(20)),
    ("document", Store::LongText),
    ("hash", Store::Hash),
    ("claimed_hash", Store::Hash),
    ("claimed_document", Store::LongText),
    ("response", Store::LongText),
    ("receipt", Store::Text(200)),
    ("received_at", Store::Text(100)),
];

/// An outcome beside the row it is about.
pub(super) struct Recorded<'a> {
    pub(super) outcome: Outcome,
    pub(super) claimed: &'a ClaimedRow,
    /// `current_hash` exactly as it was read when the row was claimed.
    pub(super) claimed_hash: Option<&'a [u8]>,
}

impl Recorded<'_> {
    fn result(&self) -> &'static str {
        match self.outcome.result {
            SendResult::Accepted { .. } => "accepted",
            SendResult::Refused { .. } => "refused",
            SendResult::Unusable { .. } => "unusable",
        }
    }

    /// What goes into `api_response`.
    fn response(&self) -> &str {
        match &self.outcome.result {
            SendResult::Accepted { receipt, .. } => receipt,
            SendResult::Refused { reason } | SendResult::Unusable { reason } => reason,
        }
    }

    fn accepted(&self) -> Option<Accepted<'_>> {
        match &self.outcome.result {
            SendResult::Accepted { document, hash, receipt, received_at } => {
                Some(Accepted { document, hash, receipt, received_at: received_at.as_deref() })
            }
            _ => None,
        }
    }
}

struct Accepted<'a> {
    document: &'a str,
    hash: &'a [u8],
    receipt: &'a str,
    received_at: Option<&'a str>,
}

/// Creates the outcomes' table on a connection, once.
pub(super) async fn create_outcomes(connection: &mut dyn Connection, dialect: &dyn Dialect) -> Result<()> {
    connection.execute(&dialect.create_temporary(OUTCOMES, COLUMNS, "id"), &[]).await?;
    Ok(())
}

/// Writes the outcomes and closes exactly their intents.
pub(super) async fn record(mut lease: Lease, recorded: &[Recorded<'_>]) -> Result<()> {
    let shared = lease.shared.clone();
    let dialect = shared.dialect();
    load(&mut lease, recorded).await?;
    // With row locks, the claim's transaction is open already.
    if dialect.row_lock().is_none() {
        lease.begin().await?;
    }
    let mut written = 0;
    for (set, result) in [(accepted(dialect), "o.result = 'accepted'"), (failed(dialect), "o.result <> 'accepted'")] {
        let on = format!("{} = o.id AND {result}", dialect.key("t.person_id"));
        let source = format!("{} o", dialect.temporary(OUTCOMES));
        let update = UpdateFrom { target: &shared.sql.staging, set: &set, source: &source, on: &on };
        written += lease.execute(&dialect.update_from(&update), &[]).await?;
    }
    let set = [
        ("outcome", "CASE WHEN o.result = 'accepted' THEN 'accepted' ELSE 'refused' END".to_owned()),
        ("closed_at", dialect.now().to_owned()),
        ("response_id", "o.receipt".to_owned()),
    ];
    let on = format!("t.attempt_id = o.attempt_id AND {} = o.id AND t.outcome IS NULL", dialect.key("t.person_id"));
    let source = format!("{} o", dialect.temporary(OUTCOMES));
    let update = UpdateFrom { target: &shared.sql.log, set: &set, source: &source, on: &on };
    lease.execute(&dialect.update_from(&update), &[]).await?;
    lease.commit().await?;
    lease.give_back();
    if written < recorded.len() as u64 {
        tracing::warn!(
            rows.missing = recorded.len() as u64 - written,
            "rows went from the staging table while they were sent"
        );
    }
    Ok(())
}

async fn load(lease: &mut Lease, recorded: &[Recorded<'_>]) -> Result<()> {
    let shared = lease.shared.clone();
    let text = |of: fn(&Recorded<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(recorded.iter().map(of).collect::<StringArray>())
    };
    let bytes = |of: fn(&Recorded<'_>) -> Option<Vec<u8>>| -> ArrayRef {
        Arc::new(recorded.iter().map(of).collect::<BinaryArray>())
    };
    let rows = set::batch([
        ("id", text(|r| Some(name::trimmed(&r.outcome.person_id).to_owned()))),
        ("attempt_id", text(|r| r.outcome.attempt_id.clone())),
        ("result", text(|r| Some(r.result().to_owned()))),
        ("document", text(|r| r.accepted().map(|a| a.document.to_owned()))),
        ("hash", bytes(|r| r.accepted().map(|a| a.hash.to_vec()))),
        ("claimed_hash", bytes(|r| r.claimed_hash.map(<[u8]>::to_vec))),
        // Needed only where there is no hash to compare.
        ("claimed_document", text(|r| r.claimed_hash.is_none().then(|| r.claimed.document.clone()))),
        ("response", text(|r| Some(r.response().to_owned()))),
        ("receipt", text(|r| r.accepted().map(|a| a.receipt.to_owned()))),
        ("received_at", text(|r| r.accepted()?.received_at.map(str::to_owned))),
    ])?;
    set::replace(&mut **lease, shared.dialect(), OUTCOMES, &rows).await
}

/// Whether row `t` still asks for what was claimed: `stage` may have changed it since, where the product has no row locks.
fn still(dialect: &dyn Dialect) -> String {
    let hash = dialect.bytes("t.current_hash");
    format!(
        "({hash} = o.hash OR {hash} = o.claimed_hash OR (t.current_hash IS NULL AND o.claimed_hash IS NULL AND {} = \
         o.claimed_document))",
        dialect.document_out("t.json_payload"),
    )
}

fn accepted(dialect: &dyn Dialect) -> Vec<(&'static str, String)> {
    let (still, out) = (still(dialect), claim::out(dialect));
    vec![
        ("previous_json_payload", dialect.document_in("o.document")),
        ("previous_hash", "o.hash".to_owned()),
        (
            "submission_status",
            format!("CASE WHEN {still} THEN 'sent' WHEN {out} THEN t.submission_status ELSE 'pending' END"),
        ),
        ("row_state", format!("CASE WHEN {out} THEN t.row_state WHEN {still} THEN 'unchanged' ELSE 'updated' END")),
        ("api_response", "o.response".to_owned()),
        ("submission_timestamp", format!("COALESCE({}, {})", dialect.timestamp("o.received_at"), dialect.now())),
        ("partial_json_payload", "NULL".to_owned()),
        ("last_updated", dialect.now().to_owned()),
    ]
}

/// A refusal is about the document that was sent. What `stage` wrote meanwhile has not been refused, and a child that left the
/// cohort meanwhile is not to be sent: both keep their status.
fn failed(dialect: &dyn Dialect) -> Vec<(&'static str, String)> {
    let (still, out) = (still(dialect), claim::out(dialect));
    let stands = format!("{still} AND NOT ({out})");
    vec![
        ("submission_status", format!("CASE WHEN {stands} THEN 'error' ELSE t.submission_status END")),
        ("current_hash", format!("CASE WHEN o.result = 'unusable' AND {still} THEN NULL ELSE t.current_hash END")),
        ("api_response", "o.response".to_owned()),
        ("last_updated", dialect.now().to_owned()),
    ]
}
