//! What became of a batch: the rows' outcomes and the end of their intents, in one transaction.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, Int32Array, Int64Array, StringArray};
use csc_bridge_core::error::Result;
use csc_bridge_core::staging::{Choice, ClaimedRow, ClosedAs, Closing, Outcome, SendResult};

use super::claim::Mark;
use super::pool::Lease;
use super::{Shared, choose};
use crate::{Connection, Store, Transaction, UpdateFrom, WritingDialect, name, set};

/// The outcomes of one batch.
const OUTCOMES: &str = "csc_bridge_outcome";

const COLUMNS: &[(&str, Store)] = &[
    ("id", Store::Text(200)),
    ("row_id", Store::Integer),
    ("result", Store::Text(20)),
    ("hash", Store::Hash),
    ("claimed_hash", Store::Hash),
    ("claimed_out", Store::Integer),
    ("received_at", Store::Text(100)),
    ("document", Store::LongText),
    ("claimed_document", Store::LongText),
    ("claimed_outgoing", Store::LongText),
    ("response", Store::LongText),
];

/// An outcome beside the row it is about.
pub(super) struct Recorded<'a> {
    pub(super) outcome: Outcome,
    pub(super) claimed: &'a ClaimedRow,
    pub(super) mark: &'a Mark,
}

impl Recorded<'_> {
    fn result(&self) -> &'static str {
        match self.outcome.result {
            SendResult::Accepted { .. } => "accepted",
            SendResult::Purged { .. } => "purged",
            SendResult::Withdrawn => "withdrawn",
            SendResult::Refused { .. } => "refused",
            SendResult::Unusable { .. } => "unusable",
        }
    }

    /// What goes into `api_response`, where something does.
    fn response(&self) -> Option<&str> {
        match &self.outcome.result {
            SendResult::Accepted { receipt, .. } | SendResult::Purged { receipt, .. } => Some(receipt),
            SendResult::Refused { reason } | SendResult::Unusable { reason } => Some(reason),
            SendResult::Withdrawn => None,
        }
    }

    /// The end of its intent. Of what was purged DfE holds nothing, so that is no acceptance.
    fn closing(&self) -> Option<Closing> {
        let closed_as = match self.outcome.result {
            SendResult::Accepted { .. } => ClosedAs::Accepted,
            SendResult::Purged { .. } => ClosedAs::Purged,
            SendResult::Refused { .. } | SendResult::Unusable { .. } | SendResult::Withdrawn => ClosedAs::Refused,
        };
        Some(Closing {
            attempt_id: self.outcome.attempt_id.clone()?,
            person_id: self.outcome.person_id.clone(),
            closed_as,
            response_id: self.taken().map(|taken| taken.receipt.to_owned()),
        })
    }

    fn taken(&self) -> Option<Taken<'_>> {
        match &self.outcome.result {
            SendResult::Accepted { document, hash, receipt, received_at } => {
                Some(Taken { document, hash: Some(hash), receipt, received_at: received_at.as_deref() })
            }
            SendResult::Purged { document, receipt, received_at } => {
                Some(Taken { document, hash: None, receipt, received_at: received_at.as_deref() })
            }
            SendResult::Withdrawn | SendResult::Refused { .. } | SendResult::Unusable { .. } => None,
        }
    }
}

/// What DfE took: a document, or the purge of the child, which has no hash.
struct Taken<'a> {
    document: &'a str,
    hash: Option<&'a [u8]>,
    receipt: &'a str,
    received_at: Option<&'a str>,
}

/// Creates the outcomes' table on a connection, once.
pub(super) async fn create_outcomes(connection: &mut dyn Connection, dialect: &dyn WritingDialect) -> Result<()> {
    connection.create_temporary(dialect, OUTCOMES, COLUMNS, "id").await
}

/// Writes the outcomes and closes exactly their intents.
pub(super) async fn record(shared: &Shared, mut lease: Lease, choice: Choice, recorded: &[Recorded<'_>]) -> Result<()> {
    let dialect = shared.dialect();
    let closings: Vec<Closing> = recorded.iter().filter_map(Recorded::closing).collect();
    load(&mut lease, recorded).await?;
    shared.load_closings(&mut lease, &closings).await?;
    let mut writes = writes(dialect, choice);
    let count =
        |results: &[&str]| recorded.iter().filter(|recorded| results.contains(&recorded.result())).count() as u64;
    writes.retain(|(results, ..)| count(results) > 0);
    let statements = writes
        .iter()
        .map(|(results, set, only)| (update(dialect, &shared.sql.staging, results, set, only.as_deref()), Vec::new()))
        .collect();
    // With row locks, the claim's transaction is open already. Without, an outcome that is lost while its intent is not sends the child
    // again: that need not wait for the disk.
    let is_begun = dialect.row_lock().is_some();
    let transaction = Transaction { statements, is_begun, may_be_lost: !is_begun };
    let written = shared.commit_and_close(&mut lease, transaction, &closings).await?;
    lease.give_back();
    // What the condition leaves out is there, and is meant to stay as it is.
    let unconditional = writes.iter().zip(written).filter(|((.., only), _)| only.is_none());
    let missing: u64 = unconditional.map(|((results, ..), written)| count(results).saturating_sub(written)).sum();
    if missing > 0 {
        tracing::warn!(rows.missing = missing, "rows went from the staging table while they were sent");
    }
    Ok(())
}

async fn load(lease: &mut Lease, recorded: &[Recorded<'_>]) -> Result<()> {
    let text = |of: fn(&Recorded<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(recorded.iter().map(of).collect::<StringArray>())
    };
    let bytes = |of: fn(&Recorded<'_>) -> Option<Vec<u8>>| -> ArrayRef {
        Arc::new(recorded.iter().map(of).collect::<BinaryArray>())
    };
    let out = recorded.iter().map(|r| i32::from(r.claimed.row_state.is_out()));
    let rows = set::batch([
        ("id", text(|r| Some(name::trimmed(&r.outcome.person_id).to_owned()))),
        ("row_id", Arc::new(Int64Array::from_iter_values(recorded.iter().map(|r| r.mark.id)))),
        ("result", text(|r| Some(r.result().to_owned()))),
        ("hash", bytes(|r| r.taken()?.hash.map(<[u8]>::to_vec))),
        ("claimed_hash", bytes(|r| r.mark.hash.clone())),
        ("claimed_out", Arc::new(Int32Array::from_iter_values(out))),
        ("received_at", text(|r| r.taken()?.received_at.map(str::to_owned))),
        ("document", text(|r| r.taken().map(|taken| taken.document.to_owned()))),
        // Needed only where there is no hash to compare.
        ("claimed_document", text(|r| r.mark.hash.is_none().then(|| r.claimed.document.clone()))),
        ("claimed_outgoing", text(|r| r.claimed.outgoing.clone())),
        ("response", text(|r| r.response().map(str::to_owned))),
    ])?;
    lease.replace(OUTCOMES, &rows).await
}

type Assignments = Vec<(&'static str, String)>;

/// For each kind of outcome what it writes, and the condition without which it writes nothing.
fn writes(dialect: &dyn WritingDialect, choice: Choice) -> Vec<(&'static [&'static str], Assignments, Option<String>)> {
    // What was staged meanwhile is another matter, on which nobody has decided yet.
    let is_withdrawn = format!("{} AND {} AND {}", choose::out(dialect), choose::open(dialect), same_outgoing(dialect));
    vec![
        (&["accepted"], accepted(dialect, choice), None),
        (&["purged"], purged(dialect, choice), None),
        (&["refused", "unusable"], failed(dialect, choice), None),
        (&["withdrawn"], withdrawn(), Some(is_withdrawn)),
    ]
}

/// One kind of outcome, put into the very rows that were claimed: a child may have other rows, which are nobody's business. The
/// key keeps it to the child where an id is not unique.
fn update(
    dialect: &dyn WritingDialect,
    target: &str,
    results: &[&str],
    set: &[(&str, String)],
    only: Option<&str>,
) -> String {
    let results: Vec<String> = results.iter().map(|result| dialect.literal(result)).collect();
    let only = only.map(|condition| format!(" AND {condition}")).unwrap_or_default();
    let key = dialect.key("t.person_id");
    let on = format!("t.id = o.row_id AND {key} = o.id AND o.result IN ({}){only}", results.join(", "));
    let source = format!("{} o", dialect.temporary(OUTCOMES));
    dialect.update_from(&UpdateFrom { target, set, source: &source, on: &on })
}

/// Whether row `t` still asks for what was claimed: `stage` may have changed it since, where the product has no row locks.
fn still(dialect: &dyn WritingDialect) -> String {
    let hash = dialect.bytes("t.current_hash");
    format!(
        "({hash} = o.hash OR {hash} = o.claimed_hash OR (t.current_hash IS NULL AND o.claimed_hash IS NULL AND {})) AND {}",
        dialect.same_document("t.json_payload", "o.claimed_document"),
        same_outgoing(dialect),
    )
}

/// Whether row `t` has the prepared document that was claimed, or has none as it had none.
fn same_outgoing(dialect: &dyn WritingDialect) -> String {
    dialect.same_document("t.partial_json_payload", "o.claimed_outgoing")
}

/// The grace of a purge runs from when the child went, which is when a row out of the cohort was last written.
fn last_updated(dialect: &dyn WritingDialect, choice: Choice) -> (&'static str, String) {
    // By the time of the last write a filler's newest row is told (their senders leave it alone): an answer must not make an old
    // row newer than one that was filled meanwhile.
    match choice {
        Choice::Sql => ("last_updated", "t.last_updated".to_owned()),
        Choice::AsStaged | Choice::Prepared => {
            let kept = format!("CASE WHEN {} THEN t.last_updated ELSE {} END", choose::out(dialect), dialect.now());
            ("last_updated", kept)
        }
    }
}

fn submission_timestamp(dialect: &dyn WritingDialect) -> (&'static str, String) {
    ("submission_timestamp", format!("COALESCE({}, {})", dialect.timestamp("o.received_at"), dialect.now()))
}

fn accepted(dialect: &dyn WritingDialect, choice: Choice) -> Assignments {
    let (still, out) = (still(dialect), choose::out(dialect));
    vec![
        ("previous_json_payload", dialect.document_in("o.document")),
        ("previous_hash", "o.hash".to_owned()),
        (
            "submission_status",
            format!("CASE WHEN {still} THEN 'sent' WHEN {out} THEN t.submission_status ELSE 'pending' END"),
        ),
        ("row_state", format!("CASE WHEN {out} THEN t.row_state WHEN {still} THEN 'unchanged' ELSE 'updated' END")),
        ("api_response", "o.response".to_owned()),
        submission_timestamp(dialect),
        ("partial_json_payload", "NULL".to_owned()),
        last_updated(dialect, choice),
    ]
}

/// DfE holds nothing any more. Of a child that is still out of the cohort nothing is wanted either; one that returned meanwhile
/// is as new.
fn purged(dialect: &dyn WritingDialect, choice: Choice) -> Assignments {
    let out = choose::out(dialect);
    let document = dialect.document_in("o.document");
    vec![
        ("previous_json_payload", "NULL".to_owned()),
        ("previous_hash", "NULL".to_owned()),
        ("submission_status", format!("CASE WHEN {out} THEN 'sent' ELSE 'pending' END")),
        ("row_state", format!("CASE WHEN {out} THEN t.row_state ELSE 'new' END")),
        ("json_payload", format!("CASE WHEN {out} THEN {document} ELSE t.json_payload END")),
        ("current_hash", format!("CASE WHEN {out} THEN NULL ELSE t.current_hash END")),
        ("api_response", "o.response".to_owned()),
        submission_timestamp(dialect),
        ("partial_json_payload", "NULL".to_owned()),
        last_updated(dialect, choice),
    ]
}

fn withdrawn() -> Assignments {
    vec![("submission_status", "'withdrawn'".to_owned()), ("partial_json_payload", "NULL".to_owned())]
}

/// A refusal is about what was sent. What `stage` wrote meanwhile has not been refused, and a child that left the cohort or came
/// back to it meanwhile is another matter: they keep their status.
fn failed(dialect: &dyn WritingDialect, choice: Choice) -> Assignments {
    let (still, out) = (still(dialect), choose::out(dialect));
    let stands = format!("{still} AND o.claimed_out = CASE WHEN {out} THEN 1 ELSE 0 END");
    vec![
        ("submission_status", format!("CASE WHEN {stands} THEN 'error' ELSE t.submission_status END")),
        ("current_hash", format!("CASE WHEN o.result = 'unusable' AND {still} THEN NULL ELSE t.current_hash END")),
        ("api_response", "o.response".to_owned()),
        last_updated(dialect, choice),
    ]
}
