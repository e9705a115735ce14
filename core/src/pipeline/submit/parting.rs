//! Finding the bad records of a group, so that the others are sent in this very run.

use super::brake::Stopped;
use super::deliver::{Delivery, full_reason};
use super::outgoing::Ready;
use super::reason;
use crate::error::Result;
use crate::sink::SendError;
use crate::staging::{Outcome, SendResult};

/// The status of DfE's firewall, and of an authority without access.
pub(super) const FORBIDDEN: u16 = 403;

/// A record that was refused alone, and not by name, before anything had been accepted.
pub(super) struct Suspect {
    group: Vec<Ready>,
    error: SendError,
    attempt_id: String,
}

impl Delivery<'_> {
    /// Some records are named as bad: they are refused, and the others are sent on.
    pub(super) async fn part_named(
        &mut self,
        group: Vec<Ready>,
        bad: &[usize],
        error: SendError,
        attempt_id: &str,
    ) -> Result<Vec<Vec<Ready>>> {
        let (named, others): (Vec<_>, Vec<_>) =
            group.into_iter().enumerate().partition(|(index, _)| bad.contains(index));
        let others: Vec<Ready> = others.into_iter().map(|(_, ready)| ready).collect();
        let known = reason::paths(&self.shared.settings.plan.root);
        for (index, ready) in named {
            let path = error.detail.as_deref().and_then(|detail| reason::path(detail, index, &known));
            self.refuse_for(vec![ready], &error, path, attempt_id);
        }
        // Without a status the sink itself held them back: nobody was asked.
        let is_answer = error.status.is_some();
        if others.is_empty() {
            // An authority whose batches are refused whole, one after another and from the start, has the wrong code, not bad records.
            if is_answer {
                self.shared.brake.batch_refused(error.error);
            }
            return Ok(Vec::new());
        }
        if is_answer {
            self.shared.brake.batch_got_through();
        }
        self.not_taken(&others, attempt_id).await?;
        Ok(if self.may_spend(1) { vec![others] } else { Vec::new() })
    }

    /// The group was refused, and no record is named: it is halved until what is left is bad by itself. DfE's firewall answers 403
    /// to a batch for one record it dislikes, and to every batch of an authority without access; 400 may mean a wrong authority as
    /// well. The larger groups go first, so one that passes tells the two apart early: where none does, all are refused, and the
    /// run ends with every record as it was.
    pub(super) async fn part_unnamed(
        &mut self,
        group: Vec<Ready>,
        error: SendError,
        attempt_id: &str,
    ) -> Result<Vec<Vec<Ready>>> {
        let passes = self.shared.brake.has_accepted();
        if group.len() == 1 {
            // One record alone cannot be told from an authority; what DfE says of it is the best there is.
            let alone = self.shared.is_one_record() && error.status != Some(FORBIDDEN);
            if passes || alone {
                self.refuse(group, &error, attempt_id);
                self.shared.brake.batch_got_through();
                return Ok(Vec::new());
            }
            // Another group of this batch may pass yet: see `judge_suspects`.
            self.suspects.push(Suspect { group, error, attempt_id: attempt_id.to_owned() });
            return Ok(Vec::new());
        }
        self.not_taken(&group, attempt_id).await?;
        if self.may_spend(2) {
            return Ok(halved(group));
        }
        if !passes {
            self.shared.brake.stop(Stopped::Systemic, error.error);
        }
        Ok(Vec::new())
    }

    /// The records that were refused alone while nothing had been accepted: bad where something has been since. Else the run ends, if
    /// all groups of a larger batch were refused, or will be said to have ended so, if nothing else is accepted either.
    pub(super) async fn judge_suspects(&mut self, all_tried: bool) -> Result<()> {
        for Suspect { group, error, attempt_id } in std::mem::take(&mut self.suspects) {
            if self.shared.brake.has_accepted() {
                self.refuse(group, &error, &attempt_id);
                self.shared.brake.batch_got_through();
                continue;
            }
            self.not_taken(&group, &attempt_id).await?;
            match self.extra_requests {
                0 => self.shared.brake.suspect(error.error),
                _ if all_tried => self.shared.brake.stop(Stopped::Systemic, error.error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes requests from the batch's budget for parting.
    pub(super) fn may_spend(&mut self, requests: u32) -> bool {
        self.extra_requests += requests;
        let may = self.extra_requests <= self.shared.settings.sink.isolation_budget;
        if !may {
            tracing::warn!("the batch's isolation_budget is spent; records not judged are left for the next run");
        }
        may
    }

    pub(super) fn refuse(&mut self, group: Vec<Ready>, error: &SendError, attempt_id: &str) {
        self.refuse_for(group, error, None, attempt_id);
    }

    /// `path`: what in the document is bad, where the answer says so.
    fn refuse_for(&mut self, group: Vec<Ready>, error: &SendError, path: Option<&str>, attempt_id: &str) {
        let count = group.len() as u64;
        let reason = full_reason(error);
        for ready in group {
            let result = SendResult::Refused { reason: reason.clone() };
            let attempt_id = Some(attempt_id.to_owned());
            self.outcomes.push(Outcome { person_id: ready.row.person_id.clone(), attempt_id, result });
        }
        *self.shared.report().refusals.entry((error.status, path.map(str::to_owned))).or_default() += count;
        self.shared.count(|counts| counts.refused += count);
    }
}

/// A group in two parts.
pub(super) fn halved(mut group: Vec<Ready>) -> Vec<Vec<Ready>> {
    let second = group.split_off(group.len() / 2);
    vec![group, second]
}
