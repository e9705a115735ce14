//! The least time between the starts of two requests, over all workers.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Lets requests start no closer together than an interval.
pub(super) struct Pace {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// Requests may start `interval` apart.
    pub fn new(interval: Duration) -> Self {
        Pace { interval, next: Mutex::new(None) }
    }

    /// Waits for this request's turn.
    pub async fn turn(&self) {
        if self.interval.is_zero() {
            return;
        }
        let mut next = self.next.lock().await;
        let now = Instant::now();
        let start = next.map_or(now, |next| next.max(now));
        *next = Some(start + self.interval);
        drop(next);
        sleep_until(start).await;
    }
}
