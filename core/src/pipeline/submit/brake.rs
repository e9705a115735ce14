//! What ends a run early: an API that is down, an authority whose batches are all refused, a `Retry-After` beyond the limit.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::error::Error;

/// Why a run ended early. What was not sent stays pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// The API is plainly down: too many batches failed one after another.
    Breaker,
    /// No batch would fare better: wrong LA code, no permission.
    Systemic,
    /// The API asked for a longer pause than `sink.max_retry_after`.
    RetryAfter,
}

/// Stops all workers.
pub(super) struct Brake {
    on: AtomicBool,
    why: Mutex<Option<(Stopped, Option<Error>)>>,
    failed_in_a_row: AtomicU32,
    limit: u32,
}

impl Brake {
    /// Stops after `limit` batches that fail one after another.
    pub fn new(limit: u32) -> Self {
        Brake { on: AtomicBool::new(false), why: Mutex::new(None), failed_in_a_row: AtomicU32::new(0), limit }
    }

    /// Whether workers should take no further batch.
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Stops without a reason of its own: another error is being reported.
    pub fn halt(&self) {
        self.on.store(true, Ordering::Relaxed);
    }

    /// Stops; the first reason stands.
    pub fn stop(&self, why: Stopped, error: Error) {
        self.halt();
        let mut first = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        if first.is_none() {
            tracing::error!(stopped = ?why, error = %error, advice = error.advice(), "sending ends early; the rest stays pending");
            *first = Some((why, Some(error)));
        }
    }

    /// A batch was answered.
    pub fn batch_got_through(&self) {
        self.failed_in_a_row.store(0, Ordering::Relaxed);
    }

    /// A batch failed whole.
    pub fn batch_failed(&self, error: Error) {
        if self.failed_in_a_row.fetch_add(1, Ordering::Relaxed) + 1 >= self.limit {
            self.stop(Stopped::Breaker, error);
        }
    }

    /// Why the run ended early.
    pub fn take(&self) -> Option<(Stopped, Option<Error>)> {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
