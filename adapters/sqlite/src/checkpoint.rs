//! Checkpoints beside the writers: what was committed is copied from the write-ahead log into the file.
//!
//! SQLite's way is to copy within whichever commit makes the log longer than a thousand pages. In this process that would be within
//! a turn at writing (`turn`), and all other writers would wait for the disk with it. So the connection that finds the log grown
//! copies it after its turn, while others write. What they append meanwhile stays behind, and a log begins anew only when
//! all of it has been copied: from [`LONG`] on the rest, which is short by then, is copied within a turn.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

/// Pages in the log that have not been copied, from which on they are. SQLite's own number.
const DUE: i32 = 1000;

/// Pages in the log from which on it is to begin anew: 32 MB, which a copy of the last part is worth and any disk has room for.
const LONG: i32 = 8000;

/// How far the log of one file has been copied.
#[derive(Default)]
pub(crate) struct Checkpoints {
    /// Pages in the log after the last commit.
    pages: AtomicI32,
    /// Those of them that are in the file, too.
    copied: AtomicI32,
    /// Whoever copies: a second one would find the file locked.
    copying: Mutex<()>,
}

impl Checkpoints {
    /// Notes the length of the log, which may have begun anew.
    pub(crate) fn committed(&self, pages: i32) {
        self.pages.store(pages, Ordering::Relaxed);
        self.copied.fetch_min(pages, Ordering::Relaxed);
    }

    /// Copies what has been committed, where enough has and nobody else does; says whether the rest is to be copied within a turn.
    /// Blocks.
    pub(crate) fn run(&self, connection: &Connection) -> bool {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages - self.copied.load(Ordering::Relaxed) < DUE {
            return false;
        }
        // Where the disk cannot keep up, those who write wait for it. Only a reader, whose moment the log keeps, lets it
        // grow much longer than twice that.
        let copying = match pages < 2 * LONG {
            true => self.copying.try_lock().ok(),
            false => Some(self.copying.lock().unwrap_or_else(PoisonError::into_inner)),
        };
        let Some(_copying) = copying else { return false };
        self.copy(connection);
        self.pages.load(Ordering::Relaxed) >= LONG
    }

    /// Copies the rest, of which the caller's turn sees to it that it does not grow. Blocks.
    pub(crate) fn finish(&self, connection: &Connection) {
        let _copying = self.copying.lock().unwrap_or_else(PoisonError::into_inner);
        self.copy(connection);
    }

    /// Copies as much as the readers allow.
    ///
    /// Whether it succeeds is not told: what was committed is safe in the log, the next commit tries again, and where the disk is full or
    /// broken it is that commit which says so. SQLite's own checkpoints do the same.
    fn copy(&self, connection: &Connection) {
        let copied = connection.query_row("PRAGMA main.wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i32>(2));
        // Less than nothing: another program is copying.
        if let Ok(copied @ 0..) = copied {
            self.copied.store(copied, Ordering::Relaxed);
        }
    }
}
