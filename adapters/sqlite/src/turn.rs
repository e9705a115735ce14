//! Turns at writing: one writer of this process at a time, told apart before SQLite is asked.
//!
//! SQLite has one writer at a time, and its way of waiting is to sleep in the calling thread. That thread is one of Tokio's few
//! blocking threads: two writers asleep there would keep the third, whose transaction they wait for, from ever running its next
//! statement. So within this process writers wait for a [`Turn`], which costs no thread; SQLite's own waiting (`lock_timeout`) is
//! left for other programs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

use crate::checkpoint::Checkpoints;

/// Those who write to one file.
#[derive(Default)]
pub(crate) struct Writers {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// How far the log of the file has been copied.
    pub(crate) checkpoints: Checkpoints,
}

impl Writers {
    /// Waits for the turn.
    pub(crate) async fn turn(&self) -> Turn {
        self.turn.clone().lock_owned().await
    }
}

/// The right to write, until it is dropped.
pub(crate) type Turn = OwnedMutexGuard<()>;

/// The files of this process. Several engines may be for one file: `[source]` and `[staging]` are configured apart.
static FILES: Mutex<Option<HashMap<PathBuf, Weak<Writers>>>> = Mutex::new(None);

/// The writers of a file that is there, the same whatever link leads to it. Blocks.
pub(crate) fn writers(file: &Path) -> Arc<Writers> {
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    let files = files.get_or_insert_default();
    if let Some(writers) = files.get(&file).and_then(Weak::upgrade) {
        return writers;
    }
    files.retain(|_, writers| writers.strong_count() > 0);
    let writers = Arc::<Writers>::default();
    files.insert(file, Arc::downgrade(&writers));
    writers
}
