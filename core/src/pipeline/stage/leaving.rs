//! One child out of the cohort.

use super::Stager;
use super::judging::{COMPARE_AT_ONCE, status_after, to_be_sent};
use crate::config::Deletion;
use crate::delta::{Desired, decide, is_purge_form, purge_form};
use crate::error::Result;
use crate::payload::canonical::Json;
use crate::staging::{Documents, Held, LedgerRow, Outgoing};

/// A child out of the cohort whose stored documents have to be looked at.
pub(super) struct Leaving {
    row: LedgerRow,
    desired: Desired,
}

impl Stager<'_> {
    /// Decides a child out of the cohort; where it may be purged, once its documents are at hand.
    pub(super) async fn out_of_cohort(&mut self, row: LedgerRow, desired: Desired) -> Result<()> {
        self.tally.known += u64::from(!row.row_state.is_out());
        let deletions = self.settings.policy.deletions;
        let deletion = match desired {
            Desired::Gone => deletions.gone,
            Desired::Left => deletions.left,
            _ => Deletion::Mark,
        };
        if deletion == Deletion::Purge && row.held != Held::Nothing {
            self.leaving.push(Leaving { row, desired });
            return if self.leaving.len() == COMPARE_AT_ONCE { self.flush_leaving().await } else { Ok(()) };
        }
        match decide(Some(&row), &desired, &self.settings.policy) {
            Some(change) => self.write(&row.person_id, Some(&row), change, None, None).await,
            None => Ok(()),
        }
    }

    /// Decides the children that wait for their documents.
    pub(super) async fn flush_leaving(&mut self) -> Result<()> {
        let leaving = std::mem::take(&mut self.leaving);
        let ids: Vec<String> = leaving.iter().map(|leaving| leaving.row.person_id.clone()).collect();
        let stored = self.documents(&ids).await?;
        for Leaving { mut row, desired } in leaving {
            let stored = stored.get(&row.person_id);
            let form = purge_form(&row.person_id, stored.and_then(other_id).as_deref());
            let prepared = stored.and_then(|stored| stored.outgoing.as_deref());
            if let Some(prepared) = prepared.and_then(|text| Json::parse(text).ok())
                && is_purge_form(&prepared, &row.person_id)
            {
                row.outgoing = Outgoing::Purge;
            }
            let change = decide(Some(&row), &desired, &self.settings.policy);
            let outgoing = change.map_or(row.outgoing, |change| change.outgoing);
            if outgoing == Outgoing::Purge && self.settings.shows.foreseen && to_be_sent(Some(&row), change) {
                self.report.foreseen.changes.purges.children += 1;
                self.report.foreseen.would_send.purge(form.len(), status_after(Some(&row), change));
            }
            if let Some(change) = change {
                let outgoing = (change.outgoing == Outgoing::Purge).then_some(form);
                self.write(&row.person_id, Some(&row), change, None, outgoing).await?;
            }
        }
        Ok(())
    }
}

/// The child's other id, as DfE knows it, else as it was to be sent.
fn other_id(stored: &Documents) -> Option<String> {
    let id = |text: &String| match Json::parse(text).ok()?.get("mis_child_id")? {
        Json::String(id) => Some(id.to_string()),
        _ => None,
    };
    stored.held.as_ref().and_then(id).or_else(|| stored.current.as_ref().and_then(id))
}
