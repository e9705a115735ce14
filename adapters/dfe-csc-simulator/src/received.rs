//! Who was received how often.

use std::collections::BTreeMap;

/// How often records about a child were received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Received {
    /// Records in accepted batches, whether or not their sender learnt of it.
    pub applied: u64,
    /// Of those, the ones that changed nothing.
    pub repeated: u64,
}

/// Since the start, by authority and `la_child_id`. A purge is a record too, and a purged child stays in it.
#[derive(Default)]
pub(crate) struct Log {
    authorities: BTreeMap<Box<str>, BTreeMap<Box<str>, Received>>,
}

impl Log {
    /// Notes one record.
    pub fn note(&mut self, la_code: &str, child: &str, changed: bool) {
        let received = self.authorities.entry(la_code.into()).or_default().entry(child.into()).or_default();
        received.applied += 1;
        received.repeated += u64::from(!changed);
    }

    /// An authority's children.
    pub fn children(&self, la_code: &str) -> BTreeMap<String, Received> {
        let children = self.authorities.get(la_code).into_iter().flatten();
        children.map(|(child, received)| (child.to_string(), *received)).collect()
    }
}
