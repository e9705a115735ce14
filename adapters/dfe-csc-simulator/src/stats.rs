//! What has happened since the start.

use std::collections::BTreeMap;

use serde::Serialize;

/// What has happened since the start, as `GET /_simulator/stats` shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Batches posted, refused ones too.
    pub requests: u64,
    /// Records in them, as far as the body was a list.
    pub records: u64,
    /// Records of accepted batches.
    pub applied: u64,
    /// Of those applied, the ones that changed nothing: what was held already says so, or the child to purge was not held.
    pub repeated: u64,
    /// Faults made on purpose, by kind.
    pub faults: BTreeMap<String, u64>,
}
