//! What has happened since the start.

use std::collections::BTreeMap;

use serde::Serialize;

/// What has happened since the start, as `GET /_simulator/stats` shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Batches posted, refused ones too.
    pub requests: u64,
    /// Records in them, as far as the simulator came to count them: not those of a batch that a fault kept from it.
    pub records: u64,
    /// Records of accepted batches.
    pub applied: u64,
    /// Of those applied, the ones that changed nothing: what was held already says so, or the child to purge was not held.
    pub repeated: u64,
    /// Faults made on purpose, by [kind](crate::FaultKind::name), those of token requests as `token_…`; and `rate_limit`, `byte_limit`
    /// and `refuse`, the batches that these refused.
    pub faults: BTreeMap<String, u64>,
}
