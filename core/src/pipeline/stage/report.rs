//! What `stage` is told, what it tells, and what it reports.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::payload::Finding;

/// What `stage` needs to know beside its plan.
#[derive(Debug, Clone)]
pub struct StageSettings {
    /// Children read at a time.
    pub chunk: usize,
    /// Paths of record ids that are no difference between two documents.
    pub unstable_ids: Vec<String>,
    /// Write nothing.
    pub dry_run: bool,
    /// Open intents older than this are taken up as unsure.
    pub request_life: Duration,
    /// Keep some values of findings, for an analyst who asked.
    pub finding_values: bool,
}

/// What `stage` tells while it works.
pub enum Event<'a> {
    /// So many children will be looked at.
    Children(u64),
    /// So many more are done.
    Done(u64),
    /// A child's desired document.
    Document {
        /// The child's id.
        person_id: &'a str,
        /// Canonical JSON.
        document: &'a str,
        /// Whether it is to be sent, once it is staged.
        to_be_sent: bool,
    },
}

/// Counts of children by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// Documents desired today.
    pub cohort: u64,
    /// First time in the cohort.
    pub new: u64,
    /// With another document than was staged or held.
    pub updated: u64,
    /// As staged.
    pub unchanged: u64,
    /// Newly no longer in `ssd_person`.
    pub gone: u64,
    /// Newly excluded by the rules.
    pub left: u64,
    /// Back in the cohort.
    pub returned: u64,
    /// Stored text or hash brought up to date, nothing to send.
    pub refreshed: u64,
    /// Were to be sent, and are no longer.
    pub withdrawn: u64,
    /// Rows written, as the database counted them.
    pub written: u64,
}

/// What `stage` did.
#[derive(Debug, Clone, Default)]
pub struct StageReport {
    /// Rows read by SSD table.
    pub rows: BTreeMap<String, u64>,
    /// Counts of children.
    pub staged: Staged,
    /// What was left out and why.
    pub findings: Vec<Finding>,
    /// Rows found unsure at the start.
    pub recovered: u64,
    /// Children whose row another process kept changing: left for the next run.
    pub left_for_next_run: u64,
}
