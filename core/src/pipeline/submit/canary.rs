//! The canary: a small part of the records goes first, then ever larger ones, as long as DfE's end takes them well.

use std::time::Duration;

use super::brake::Stopped;
use super::{Shared, Submitted};
use crate::config::Canary;
use crate::error::{Error, Kind};
use crate::staging::Candidate;

/// The candidates, parted into the canary's steps; without one, all of them. Rows in error are no canary: what was refused before
/// says nothing about tonight. They go with the last step, which nothing follows.
pub(super) fn steps(canary: Option<&Canary>, candidates: Vec<Candidate>) -> Vec<Vec<Candidate>> {
    let Some(canary) = canary else { return vec![candidates] };
    let (after_error, mut candidates): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|row| row.after_error);
    let total = candidates.len();
    let mut steps = Vec::new();
    let mut done = 0;
    for percent in &canary.steps {
        // At least one record, or a small night would have no canary.
        let until = (total * usize::from(*percent)).div_ceil(100).min(total);
        let rest = candidates.split_off((until - done).min(candidates.len()));
        steps.push(std::mem::replace(&mut candidates, rest));
        done = done.max(until);
    }
    if !candidates.is_empty() {
        steps.push(candidates);
    }
    steps.retain(|step| !step.is_empty());
    match steps.last_mut() {
        Some(last) => last.extend(after_error),
        None => steps.push(after_error),
    }
    steps
}

impl Shared {
    /// Judges a step by what became of it since `before`; stops the run where it did badly.
    pub(super) fn judge_step(&self, canary: &Canary, before: &Submitted) {
        let now = self.report().submitted;
        // One that was refused alone before anything was accepted stays pending, and counts for what it is.
        let suspected = u64::from(self.brake.is_suspicious());
        let bad =
            suspected + (now.refused + now.failed + now.unknown) - (before.refused + before.failed + before.unknown);
        let all = bad + now.sent - before.sent;
        let median = median(&mut self.take_answers());
        // Counts of one night: exact in a float.
        #[allow(clippy::cast_precision_loss, reason = "see above")]
        let too_bad = bad as f64 > canary.max_error_rate * all as f64;
        let message = if too_bad {
            format!("{bad} of {all} records of a canary step were not accepted, more than max_error_rate allows")
        } else if median > canary.max_median {
            let (median, most) = (median.as_millis(), canary.max_median.as_millis());
            format!("half of a canary step's answers took longer than {median} ms; max_median is {most} ms")
        } else {
            return;
        };
        let advice = "see the reasons in api_response of the rows in error; then run again, or change [canary]";
        self.brake.stop(Stopped::Canary, Error::new(Kind::Protocol, message, advice));
    }
}

fn median(answers: &mut [Duration]) -> Duration {
    answers.sort_unstable();
    answers.get(answers.len() / 2).copied().unwrap_or_default()
}
