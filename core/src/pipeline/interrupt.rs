//! A wish from outside that a run end: what is in flight is finished and recorded, nothing new is begun.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::{Error, Kind};

/// Set once, by a signal for example; seen by everybody who has a clone.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<watch::Sender<bool>>);

impl Default for Interrupt {
    fn default() -> Interrupt {
        Interrupt(Arc::new(watch::Sender::new(false)))
    }
}

impl Interrupt {
    /// Asks for the end.
    pub fn set(&self) {
        self.0.send_replace(true);
    }

    /// Whether somebody asked.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until somebody asks.
    pub async fn wait(&self) {
        // The sender lives as long as `self`, so this ends with the value alone.
        let _ = self.0.subscribe().wait_for(|set| *set).await;
    }

    /// What a run that ended so reports.
    pub(super) fn error() -> Error {
        Error::new(
            Kind::Interrupted,
            "the run was asked to end before it was done",
            "nothing is lost: what was not sent stays pending, and the next run goes on from there",
        )
    }
}
