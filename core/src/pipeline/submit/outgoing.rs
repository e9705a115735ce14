//! What is sent of a claimed row, and what DfE holds once it took it.

use std::sync::Arc;

use super::SubmitSettings;
use crate::config::{Deletion, ManagedBy, Mode, Semantics};
use crate::delta::{Delta, Rules, canonical_hash, canonical_hash_of, is_purge_form};
use crate::error::Result;
use crate::payload::canonical::Json;
use crate::sink::Receipt;
use crate::staging::{Choice, ClaimedRow, Hash, RecordKind, RowState, SendResult};

/// A record ready to be sent.
pub(super) struct Ready {
    pub row: Arc<ClaimedRow>,
    pub kind: RecordKind,
    /// What leaves, where that is not the row's document as it stands.
    prepared: Option<String>,
    /// Our own hash of what DfE is to hold, whoever filled the table: by it the log proves later what DfE had.
    pub hash: Hash,
    /// The records it mentions, for a DfE that merges.
    pub mentioned: Option<String>,
}

impl Ready {
    /// What leaves.
    pub fn document(&self) -> &str {
        self.prepared.as_deref().unwrap_or(&self.row.document)
    }
}

/// What becomes of a claimed row.
pub(super) enum Fate {
    /// It is sent.
    Send(Box<Ready>),
    /// The child is out of the cohort, and no purge is staged for it.
    Withdraw,
    /// It cannot be sent as it stands.
    Unusable(&'static str),
}

/// The kind of what leaves, the document where it is not the row's as it stands, and the hash of what DfE is to hold.
type Leaving = (RecordKind, Option<String>, Hash);

const NOT_JSON: &str = "json_payload is not JSON";

impl SubmitSettings {
    /// Which rows are looked at.
    pub(super) fn choice(&self) -> Choice {
        match (self.managed_by, self.sink.semantics) {
            (ManagedBy::Sql, _) => Choice::Sql,
            (ManagedBy::CscBridge, Semantics::Replace) => Choice::AsStaged,
            (ManagedBy::CscBridge, Semantics::Merge) => Choice::Prepared,
        }
    }

    /// How documents are compared and written.
    pub(super) fn rules(&self) -> Rules<'_> {
        Rules { root: &self.plan.root, semantics: self.sink.semantics, removed_values: self.payload.removed_values }
    }

    /// What becomes of a claimed row.
    pub(super) fn fate(&self, row: &Arc<ClaimedRow>) -> Fate {
        match self.record(row) {
            Ok(Some((kind, prepared, hash))) => {
                let prepared = one_line(prepared.as_deref().unwrap_or(&row.document)).or(prepared);
                let mut ready = Ready { row: row.clone(), kind, prepared, hash, mentioned: None };
                if self.sink.semantics == Semantics::Merge && self.managed_by == ManagedBy::CscBridge {
                    ready.mentioned = Some(self.mentioned(kind, ready.document()));
                }
                Fate::Send(Box::new(ready))
            }
            Ok(None) => Fate::Withdraw,
            Err(reason) => Fate::Unusable(reason),
        }
    }

    /// What leaves of a row; nothing where the child is out of the cohort and no purge is staged for it.
    fn record(&self, row: &ClaimedRow) -> Result<Option<Leaving>, &'static str> {
        let unstable = &self.payload.unstable_ids;
        if row.row_state.is_out() {
            let Some(form) = self.staged_purge(row) else { return Ok(None) };
            let hash = canonical_hash(form, unstable).map_err(|_| NOT_JSON)?;
            return Ok(Some((RecordKind::Purge, Some(form.to_owned()), hash)));
        }
        let desired = Json::parse(&row.document).map_err(|_| NOT_JSON)?;
        about(&desired, row)?;
        // Of what is really sent, whatever current_hash says: a document edited by hand must not pass for the staged one.
        let own = canonical_hash_of(&desired, unstable);
        match (self.managed_by, self.sink.semantics) {
            (_, Semantics::Replace) => Ok(Some((RecordKind::Full, None, own))),
            (ManagedBy::CscBridge, Semantics::Merge) => {
                let prepared = row.outgoing.as_deref().ok_or("partial_json_payload is empty")?;
                let sent = Json::parse(prepared).map_err(|_| "partial_json_payload is not JSON")?;
                about(&sent, row)?;
                let kind = if self.rules().is_full(&sent) { RecordKind::Full } else { RecordKind::Partial };
                Ok(Some((kind, Some(prepared.to_owned()), own)))
            }
            (ManagedBy::Sql, Semantics::Merge) => {
                let (kind, document) = self.prepare(row, &desired);
                Ok(Some((kind, Some(document), own)))
            }
        }
    }

    /// The purge form, if `stage` staged it and the policy still says so.
    fn staged_purge<'r>(&self, row: &'r ClaimedRow) -> Option<&'r str> {
        let deletion = match row.row_state {
            RowState::Deleted => self.deletions.gone,
            RowState::Left => self.deletions.left,
            _ => Deletion::Mark,
        };
        let form = row.outgoing.as_deref()?;
        let allowed = deletion == Deletion::Purge && self.managed_by == ManagedBy::CscBridge;
        (allowed && is_purge_form(&Json::parse(form).ok()?, row.person_id.trim())).then_some(form)
    }

    /// What a merging DfE is sent of a row that somebody else's SQL filled. It does not say what is gone and what has only retired, so
    /// nothing is purged; and what it says DfE holds is believed only where the row's own history has it.
    fn prepare(&self, row: &ClaimedRow, desired: &Json<'_>) -> (RecordKind, String) {
        let still = |_: &str, _: &[&str]| true;
        let rules = self.rules();
        let held = self.trusted(row).and_then(|text| Json::parse(text).ok());
        if let (Mode::Partial, Some(held)) = (self.payload.mode, &held)
            && let Delta::Partial(text) = rules.delta(Some(held), desired, &still)
        {
            return (RecordKind::Partial, text);
        }
        (RecordKind::Full, rules.full(desired, held.as_ref(), &still))
    }

    /// What another tool says DfE holds, where the last accepted request of the row carried just that. Their own hash proves nothing:
    /// it leaves attributes out (cohort fact sheet, section 5), so two documents may share one.
    fn trusted<'r>(&self, row: &'r ClaimedRow) -> Option<&'r str> {
        let held = row.held_document.as_deref()?;
        let own = canonical_hash(held, &self.payload.unstable_ids).ok()?;
        (row.accepted_hash == Some(own)).then_some(held)
    }

    fn mentioned(&self, kind: RecordKind, document: &str) -> String {
        match (kind, Json::parse(document)) {
            (RecordKind::Full | RecordKind::Partial, Ok(sent)) => self.rules().mentioned(&sent),
            // The purge itself: it mentions whatever is held.
            _ => document.to_owned(),
        }
    }

    /// What an acceptance does to the row.
    pub(super) fn accepted(&self, ready: Ready, receipt: Receipt) -> Result<SendResult> {
        let (receipt, received_at) = (receipt.id, receipt.received_at);
        let Ready { row, kind, prepared, hash, .. } = ready;
        let document = prepared.unwrap_or_else(|| row.document.clone());
        if kind == RecordKind::Purge {
            return Ok(SendResult::Purged { document, receipt, received_at });
        }
        // Their builder compares its own hashes: it must find the one it wrote.
        let hash = match self.managed_by {
            ManagedBy::CscBridge => hash,
            ManagedBy::Sql => row.current_hash.unwrap_or(hash),
        };
        let document = match self.sink.semantics {
            Semantics::Replace => document,
            Semantics::Merge => {
                let believed = match self.managed_by {
                    ManagedBy::CscBridge => row.held_document.as_deref(),
                    ManagedBy::Sql => self.trusted(&row),
                };
                self.rules().after_acceptance(believed, &document)?
            }
        };
        Ok(SendResult::Accepted { document, hash, receipt, received_at })
    }
}

/// Whether a document is about the row's child, and does not purge it: a purge leaves only where `stage` staged one.
fn about(document: &Json<'_>, row: &ClaimedRow) -> Result<(), &'static str> {
    match document {
        Json::Object(_) => {}
        _ => return Err("json_payload is not a JSON object"),
    }
    match document.get("la_child_id") {
        Some(Json::String(id)) if *id == row.person_id.trim() => {}
        _ => return Err("la_child_id in json_payload is not the row's person_id"),
    }
    match document.get("purge") {
        None | Some(Json::Null | Json::Bool(false)) => Ok(()),
        _ => Err("the document is a purge, and the child is in the cohort"),
    }
}

/// The document without its line breaks, where it has any: outside of strings they are white space, and inside of them JSON has none.
fn one_line(document: &str) -> Option<String> {
    memchr::memchr2(b'\n', b'\r', document.as_bytes()).map(|_| document.replace(['\n', '\r'], " "))
}
