//! Guards (design, section 6): a run that would change too much, or that read too little, is stopped before anything is written.
//! A half-refreshed SSD looks exactly like a thousand children who are gone.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::{Guards, Limit};

/// What the operator lets through, once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Up to so many children gone.
    pub gone: u64,
    /// Up to so many children changed.
    pub changes: u64,
    /// Up to so many records purged or dropped inside documents.
    pub member_purges: u64,
    /// These SSD tables, whatever they have lost.
    pub tables: Vec<String>,
    /// An SSD without children.
    pub empty: bool,
}

/// What one guard says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guard {
    /// Its key in `[guards]`; or `empty`; or `left` or `purges`, which have the limit of `max_gone`.
    pub name: &'static str,
    /// The SSD table, of `max_table_drop`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// How many there would be.
    pub value: u64,
    /// Of how many.
    pub of: u64,
    /// How many there may be.
    pub limit: u64,
    /// Whether it stops the run.
    pub fired: bool,
    /// The flag that lets exactly this through.
    pub flag: String,
}

/// What the guards look at.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// Children newly gone, from the cohort.
    pub gone: u64,
    /// Children newly out of the cohort that are still in the SSD.
    pub left: u64,
    /// Children gone whose purge is newly staged: after the grace, or all at once where the policy became `purge`.
    pub purges: u64,
    /// Children whose changed document is to be sent.
    pub changed: u64,
    /// Records of held documents that are gone from the SSD.
    pub member_purges: u64,
    /// Children whose document could not be had.
    pub unread: u64,
    /// Children in the cohort by the table as it was.
    pub known: u64,
    /// Records in the documents of the cohort.
    pub members: u64,
}

/// What else there is to know of a run.
pub(super) struct Run<'r> {
    /// Rows of the table of people; 0 where nothing could be had of any of them.
    pub people: u64,
    /// Rows of each SSD table.
    pub rows: &'r BTreeMap<String, u64>,
    /// The same of the last run that finished staging.
    pub last: &'r BTreeMap<String, u64>,
    /// Whether a year has retired since, or there was no such run: children may have left by time alone.
    pub retires: bool,
    /// Among how many runs like this one the children are divided.
    pub shards: u64,
}

/// Judges a run.
pub(super) fn judge(limits: &Guards, accepted: &Accepted, tally: &Tally, run: &Run<'_>) -> Vec<Guard> {
    let left = if run.retires { 0 } else { tally.left };
    let counted = |name, value, of, limit: Limit, accepted: u64, flag: &str| {
        // What all shards together let through is what the whole would, but for rounding up.
        let limit = Limit { count: limit.count.div_ceil(run.shards), ..limit };
        let limit = most(limit, of).max(accepted);
        Guard { name, table: None, value, of, limit, fired: value > limit, flag: format!("{flag} {value}") }
    };
    // One flag lets all three through, so it has to name the largest.
    let gone = |name, value| {
        let guard = counted(name, value, tally.known, limits.max_gone, accepted.gone, "--accept-gone");
        Guard { flag: format!("--accept-gone {}", tally.gone.max(left).max(tally.purges)), ..guard }
    };
    let mut guards = vec![
        Guard {
            name: "empty",
            table: None,
            value: u64::from(run.people == 0),
            of: 1,
            limit: u64::from(accepted.empty),
            fired: run.people == 0 && !accepted.empty,
            flag: "--accept-empty".to_owned(),
        },
        gone("max_gone", tally.gone),
        gone("left", left),
        gone("purges", tally.purges),
        counted("max_changed", tally.changed, tally.known, limits.max_changed, accepted.changes, "--accept-changes"),
        counted(
            "max_member_purges",
            tally.member_purges,
            tally.members + tally.member_purges,
            limits.max_member_purges,
            accepted.member_purges,
            "--accept-member-purges",
        ),
    ];
    guards.extend(run.last.iter().filter_map(|(table, last)| {
        let now = run.rows.get(table).copied().unwrap_or(0);
        let drop = last.checked_sub(now).filter(|drop| *drop > 0)?;
        let limit = most(limits.max_table_drop, *last);
        let is_accepted = accepted.tables.contains(table);
        // A table that had rows and has none is a refresh in progress, however small it is.
        let fired = (drop > limit || now == 0) && !is_accepted;
        let (name, flag) = ("max_table_drop", format!("--accept-table {table}"));
        Some(Guard { name, table: Some(table.clone()), value: drop, of: *last, limit, fired, flag })
    }));
    guards
}

/// The larger of share and count.
fn most(limit: Limit, of: u64) -> u64 {
    // Whole records below 2^53 and a share of at most 1: exact enough, and it cannot overflow.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "see above"
    )]
    let share = (limit.share * of as f64).floor() as u64;
    share.max(limit.count)
}
