//! Writes on their way to the database, in portions.

use crate::error::Result;
use crate::staging::{ChangeSet, Write};

/// Documents are handed to the database in portions of about this many bytes.
const PORTION: usize = 2 << 20;

/// Writes on their way to the database.
pub(super) struct Portion {
    /// `None` in a dry run.
    pub changes: Option<Box<dyn ChangeSet>>,
    writes: Vec<Write>,
    bytes: usize,
}

impl Portion {
    /// Nothing yet.
    pub fn new(changes: Option<Box<dyn ChangeSet>>) -> Portion {
        Portion { changes, writes: Vec::new(), bytes: 0 }
    }

    /// Collects a write.
    pub async fn push(&mut self, write: Write) -> Result<()> {
        if self.changes.is_none() {
            return Ok(());
        }
        self.bytes += write.document.as_ref().map_or(0, |document| document.json.len()) + 200;
        self.writes.push(write);
        if self.bytes >= PORTION { self.flush().await } else { Ok(()) }
    }

    /// Hands over what was collected.
    pub async fn flush(&mut self) -> Result<()> {
        self.bytes = 0;
        let writes = std::mem::take(&mut self.writes);
        match &mut self.changes {
            Some(changes) if !writes.is_empty() => changes.push(writes).await,
            _ => Ok(()),
        }
    }
}
