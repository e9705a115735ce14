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
    why: Mutex<Option<(Stopped, Error)>>,
    failed_in_a_row: AtomicU32,
    /// Whether any batch was accepted, or judged record by record, in this run.
    passed: AtomicBool,
    /// What a record was refused with while nothing had passed.
    suspected: Mutex<Option<Error>>,
    limit: u32,
}

impl Brake {
    /// Stops after `limit` batches that fail one after another.
    pub fn new(limit: u32) -> Self {
        Brake {
            on: AtomicBool::new(false),
            why: Mutex::new(None),
            failed_in_a_row: AtomicU32::new(0),
            passed: AtomicBool::new(false),
            suspected: Mutex::new(None),
            limit,
        }
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
            *first = Some((why, error));
        }
    }

    /// A batch was answered.
    pub fn batch_got_through(&self) {
        self.passed.store(true, Ordering::Relaxed);
        self.failed_in_a_row.store(0, Ordering::Relaxed);
    }

    /// Whether any batch was answered in this run.
    pub fn has_passed(&self) -> bool {
        self.passed.load(Ordering::Relaxed)
    }

    /// A record was refused access while nothing had passed: if nothing does, that is why the run sent nothing.
    pub fn suspect(&self, error: Error) {
        self.suspected.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// A batch failed whole.
    pub fn batch_failed(&self, error: Error) {
        if self.failed_in_a_row.fetch_add(1, Ordering::Relaxed) + 1 >= self.limit {
            self.stop(Stopped::Breaker, error);
        }
    }

    /// Why the run ended early.
    pub fn take(&self) -> Option<(Stopped, Error)> {
        let suspected = self.suspected.lock().unwrap_or_else(PoisonError::into_inner).take();
        let why = self.why.lock().unwrap_or_else(PoisonError::into_inner).take();
        why.or(suspected.filter(|_| !self.has_passed()).map(|error| (Stopped::Systemic, error)))
    }
}
