//! What `stage` is told, what it tells, and what it reports.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::guards::{Accepted, Guard};
use crate::config::{Guards, RemovedValues};
use crate::delta::Policy;
use crate::payload::Finding;
use crate::pipeline::Interrupt;
use crate::staging::{Shard, Status};

/// What `stage` needs to know beside its plan.
#[derive(Debug, Clone)]
pub struct StageSettings {
    /// Which of the children are staged; `None`: all.
    pub shard: Option<Shard>,
    /// Children read at a time.
    pub chunk: usize,
    /// Paths of record ids that are no difference between two documents.
    pub unstable_ids: Vec<String>,
    /// The settings that decisions depend on.
    pub policy: Policy,
    /// How a partial document says that a value went.
    pub removed_values: RemovedValues,
    /// What must not happen unasked.
    pub guards: Guards,
    /// What the operator lets through.
    pub accepted: Accepted,
    /// Write nothing.
    pub dry_run: bool,
    /// Open intents older than this are taken up as unsure: [`super::super::intent_life`].
    pub intent_life: Duration,
    /// What is found out beside the work itself.
    pub shows: Shows,
    /// Ends the run early, with nothing written.
    pub interrupt: Interrupt,
}

/// What `stage` finds out for an analyst, which the nightly run does without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shows {
    /// Some values of findings.
    pub finding_values: bool,
    /// [`StageReport::foreseen`].
    pub foreseen: bool,
    /// [`Event::Document`] with what is prepared.
    pub prepared: bool,
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
        /// The partial document, where one would do and [`Shows::prepared`] asks for it.
        partial: Option<&'a str>,
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
    /// Stored text, hash or prepared document brought up to date.
    pub refreshed: u64,
    /// Were to be sent, and are no longer.
    pub withdrawn: u64,
    /// Rows written, as the database counted them.
    pub written: u64,
}

/// What `stage` did.
#[derive(Debug, Clone, Default)]
pub struct StageReport {
    /// Rows read by SSD table: those of the children who were looked at.
    pub rows: BTreeMap<String, u64>,
    /// Rows that each SSD table has, whosever they are: what guards compare with the next run's.
    pub tables: BTreeMap<String, u64>,
    /// Counts of children.
    pub staged: Staged,
    /// What was left out and why.
    pub findings: Vec<Finding>,
    /// What the guards say. Where one fired nothing was written.
    pub guards: Vec<Guard>,
    /// What a run would do, where it was asked for.
    pub foreseen: Foreseen,
    /// Rows found unsure at the start.
    pub recovered: u64,
    /// Children whose row another process kept changing: left for the next run.
    pub left_for_next_run: u64,
}

impl StageReport {
    /// The guards that stopped the run.
    pub fn fired(&self) -> impl Iterator<Item = &Guard> {
        self.guards.iter().filter(|guard| guard.fired)
    }
}

/// What a run would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Foreseen {
    /// The difference to what DfE holds.
    pub changes: Changes,
    /// What would leave the authority.
    pub would_send: WouldSend,
}

/// Differences between what is desired and what DfE holds, over all children that would be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Children by the path of a field, list or block in which they differ. New children are not among them.
    pub fields: BTreeMap<String, u64>,
    /// Purges.
    pub purges: Purges,
    /// What is no longer mentioned, and not purged.
    pub retired: Retirements,
}

/// Purges of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Purges {
    /// Whole children.
    pub children: u64,
    /// Records gone from the SSD, by list or block.
    pub members: BTreeMap<String, u64>,
}

/// What leaves the documents without being gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Retirements {
    /// Children who newly left the cohort.
    pub children: u64,
    /// Records of held documents that the SSD still has and the rules exclude.
    pub members: u64,
}

/// What a run would send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct WouldSend {
    /// Full documents.
    pub full: u64,
    /// Partial documents.
    pub partial: u64,
    /// Purges of children.
    pub purge: u64,
    /// Batches, each of at most `sink.max_records` and `sink.max_bytes`.
    pub batches: u64,
    /// Bytes of all documents.
    pub bytes: u64,
    /// How many of them go after all others, in batches of their own, because they were refused or failed before.
    #[serde(skip)]
    pub after_error: u64,
}

impl WouldSend {
    /// Counts a document of a row of this status.
    pub(super) fn document(&mut self, bytes: usize, is_partial: bool, status: Status) {
        *(if is_partial { &mut self.partial } else { &mut self.full }) += 1;
        self.record(bytes, status);
    }

    /// Counts the purge of a child.
    pub(super) fn purge(&mut self, bytes: usize, status: Status) {
        self.purge += 1;
        self.record(bytes, status);
    }

    fn record(&mut self, bytes: usize, status: Status) {
        self.bytes += bytes as u64;
        self.after_error += u64::from(status == Status::Error);
    }
}
