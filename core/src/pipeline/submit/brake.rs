//! What ends a run early: an API that is down, an authority whose batches are all refused, a `Retry-After` beyond the limit, a canary
//! that does badly, a signal.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

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
    /// Too much of a canary's step was refused, or it was answered too slowly.
    Canary,
    /// The operator or the operating system asked for it.
    Signal,
}

/// Stops all workers.
pub(super) struct Brake {
    on: watch::Sender<bool>,
    why: Mutex<Option<(Stopped, Error)>>,
    failed_in_a_row: AtomicU32,
    refused_in_a_row: AtomicU32,
    /// Whether any record was accepted in this run.
    accepted: AtomicBool,
    /// What a record was refused with while nothing had been accepted.
    suspected: Mutex<Option<Error>>,
    limit: u32,
}

impl Brake {
    /// Stops after `limit` batches that fail one after another.
    pub fn new(limit: u32) -> Self {
        Brake {
            on: watch::Sender::new(false),
            why: Mutex::new(None),
            failed_in_a_row: AtomicU32::new(0),
            refused_in_a_row: AtomicU32::new(0),
            accepted: AtomicBool::new(false),
            suspected: Mutex::new(None),
            limit,
        }
    }

    /// Whether workers should take no further batch.
    pub fn is_on(&self) -> bool {
        *self.on.borrow()
    }

    /// Waits until workers should take no further batch.
    pub async fn pulled(&self) {
        // The sender lives as long as `self`, so this ends with the value alone.
        let _ = self.on.subscribe().wait_for(|on| *on).await;
    }

    /// Stops without a reason of its own: another error is being reported.
    pub fn halt(&self) {
        self.on.send_replace(true);
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

    /// Records were accepted.
    pub fn accepted(&self) {
        self.accepted.store(true, Ordering::Relaxed);
        self.refused_in_a_row.store(0, Ordering::Relaxed);
        self.batch_got_through();
    }

    /// Whether any record was accepted in this run.
    pub fn has_accepted(&self) -> bool {
        self.accepted.load(Ordering::Relaxed)
    }

    /// A batch was judged.
    pub fn batch_got_through(&self) {
        self.failed_in_a_row.store(0, Ordering::Relaxed);
    }

    /// A record was refused while nothing had been accepted: if nothing is, that is why the run sent nothing.
    pub fn suspect(&self, error: Error) {
        self.suspected.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// Whether a record was refused so, and nothing has been accepted since.
    pub fn is_suspicious(&self) -> bool {
        !self.has_accepted() && self.suspected.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// A batch was refused whole.
    pub fn batch_refused(&self, error: Error) {
        self.batch_got_through();
        let in_a_row = self.refused_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        if in_a_row >= self.limit && !self.has_accepted() {
            self.stop(Stopped::Systemic, error);
        }
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
        why.or(suspected.filter(|_| !self.has_accepted()).map(|error| (Stopped::Systemic, error)))
    }
}
