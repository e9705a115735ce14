//! Guards of locks, for products whose locks a connection holds.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::Guard;
use tokio::task::JoinHandle;

/// A lock that everybody has.
struct Everybodys;

impl Guard for Everybodys {}

/// A lock that everybody has.
pub fn everybodys() -> Box<dyn Guard> {
    Box::new(Everybodys)
}

/// The lock of `stage`. Dropping it ends its connection, and with it the lock.
struct WhileConnected {
    watch: JoinHandle<()>,
    lost: Arc<AtomicBool>,
}

impl Guard for WhileConnected {}

impl Drop for WhileConnected {
    fn drop(&mut self) {
        self.watch.abort();
        // Nobody relies on it any more: what is written from now on is not written by `stage`.
        self.lost.store(false, Ordering::SeqCst);
    }
}

/// The lock of `stage` on a table, held for as long as `ended`, which owns its connection, has not ended. When it ends before the guard is
/// dropped, `lost` says so from then on, and the log does. On a Tokio runtime.
pub fn while_connected(
    ended: impl Future<Output = ()> + Send + 'static,
    table: &TableName,
    lost: Arc<AtomicBool>,
) -> Box<dyn Guard> {
    lost.store(false, Ordering::SeqCst);
    let (table, flag) = (table.clone(), lost.clone());
    let watch = tokio::spawn(async move {
        ended.await;
        flag.store(true, Ordering::SeqCst);
        tracing::error!(table.name = %table, "the connection that holds the lock of stage was lost");
    });
    Box::new(WhileConnected { watch, lost })
}
