//! Which rows count: the row rules of the definition, tested on one row with its lookups.

use std::cmp::Ordering;

use super::day::Day;
use super::plan::{Link, LookupPlan, PlacementPlan, Plan, Rule, Slot, Window};
use super::plan_blocks::MOST_LOOKUPS;
use super::rows::{ChunkRows, Row};

/// One child of a chunk.
#[derive(Clone, Copy)]
pub(super) struct Child<'a> {
    pub plan: &'a Plan,
    pub chunk: &'a ChunkRows,
    pub number: usize,
    pub id: &'a str,
}

/// A row with the rows its lookups found.
#[derive(Clone, Copy)]
pub(super) struct Env<'a> {
    pub row: Option<Row<'a>>,
    pub lookups: [Option<Row<'a>>; MOST_LOOKUPS],
}

impl<'a> Env<'a> {
    /// A row alone.
    pub fn of(row: Row<'a>) -> Env<'a> {
        Env { row: Some(row), lookups: [None; MOST_LOOKUPS] }
    }

    /// The row and column of a slot.
    pub fn cell(&self, slot: Slot) -> Option<(Row<'a>, usize)> {
        match slot {
            Slot::Own(column) => self.row.map(|row| (row, column)),
            Slot::Lookup(lookup, column) => self.lookups[lookup].map(|row| (row, column)),
        }
    }

    /// The text of a slot.
    pub fn text(&self, slot: Slot) -> Option<&'a str> {
        self.cell(slot).and_then(|(row, column)| row.text(column))
    }

    /// The day of a slot.
    pub fn day(&self, slot: Slot) -> Option<Day> {
        self.cell(slot).and_then(|(row, column)| row.day(column))
    }

    fn has(&self, slot: Slot) -> bool {
        self.cell(slot).is_some_and(|(row, column)| row.has(column))
    }

    /// The first day of several slots.
    pub fn first_day(&self, slots: &[Slot]) -> Option<Day> {
        slots.iter().find_map(|slot| self.day(*slot))
    }
}

impl<'a> Child<'a> {
    /// The child's rows of a table.
    pub fn rows(self, table: usize) -> impl Iterator<Item = Row<'a>> + Clone {
        self.chunk.of(self.plan, table, self.number)
    }

    /// The child's rows of a table that belong to a row. A row without the linking value has none.
    pub fn linked(self, table: usize, link: Option<Link>, own: Option<Row<'a>>) -> impl Iterator<Item = Row<'a>> {
        let key = link.map(|link| own.and_then(|row| row.text(link.own)));
        self.rows(table).filter(move |row| match (link, key) {
            (Some(link), Some(key)) => key.is_some() && row.text(link.column) == key,
            _ => true,
        })
    }

    /// Whether all rules hold.
    pub fn all_hold(self, rules: &[Rule], env: &Env<'a>) -> bool {
        rules.iter().all(|rule| self.holds(rule, env))
    }

    fn holds(self, rule: &Rule, env: &Env<'a>) -> bool {
        match rule {
            Rule::Overlaps { start, end, window } => {
                env.day(*start).is_some_and(|start| start <= window.to)
                    && env.day(*end).is_none_or(|end| end >= window.from)
            }
            Rule::InWindow { dates, window } => {
                dates.iter().any(|date| env.day(*date).is_some_and(|day| inside(day, *window)))
            }
            Rule::Present(slot) => env.has(*slot),
            Rule::Absent(slot) => !env.has(*slot),
            Rule::OfChild(slot) => env.text(*slot) == Some(self.id),
            Rule::Equals { slot, value } => env.text(*slot).is_some_and(|text| text.to_lowercase() == *value),
            Rule::Contains { slot, value } => {
                env.text(*slot).is_some_and(|text| text.to_lowercase().contains(value.as_str()))
            }
            Rule::OpenOrEndsInWindow { end, window } => env.day(*end).is_none_or(|end| end >= window.from),
            Rule::OnCensusDate { start, end, days } => days.iter().any(|day| {
                env.day(*start).is_some_and(|start| start <= *day) && env.day(*end).is_none_or(|end| end >= *day)
            }),
            Rule::Any(rules) => rules.iter().any(|rule| self.holds(rule, env)),
            Rule::Exists { wanted, table, link, rows } => {
                let mut related = self.linked(*table, Some(*link), env.row);
                related.any(|row| self.all_hold(rows, &Env::of(row))) == *wanted
            }
        }
    }

    /// The row that a lookup finds for a row.
    pub fn look_up(self, lookup: &LookupPlan, own: Option<Row<'a>>) -> Option<Row<'a>> {
        let rows =
            self.linked(lookup.table, lookup.link, own).filter(|row| self.all_hold(&lookup.rows, &Env::of(*row)));
        rows.min_by(|a, b| {
            let open =
                |row: &Row<'a>| lookup.open_first.map(|end| Latest(Some(Env::of(*row).day(end).unwrap_or(Day::LAST))));
            let latest = |row: &Row<'a>| Latest(Env::of(*row).first_day(&lookup.latest));
            open(a).cmp(&open(b)).then_with(|| latest(a).cmp(&latest(b))).then_with(|| a.pick_order(*b))
        })
    }

    /// A referral's placements, each with the earliest and the latest care episode that names it (design, decision 2). A
    /// placement that no care episode names falls back on its care period, without reasons.
    pub fn placements(self, plan: &PlacementPlan, referral: Option<Row<'a>>) -> Vec<Env<'a>> {
        let Some(referral) = referral.and_then(|row| row.text(plan.referral_id)) else { return Vec::new() };
        let of_referral = |care: &Row<'a>| care.text(plan.care_referral) == Some(referral);
        let mut found = Vec::new();
        for placement in self.rows(plan.placements) {
            let id = placement.text(plan.placement_id);
            let naming =
                self.rows(plan.care_episodes).filter(|care| id.is_some() && care.text(plan.care_placement) == id);
            let named = naming.clone().next().is_some();
            if named {
                if naming.clone().any(|care| of_referral(&care)) {
                    let mut env = Env::of(placement);
                    env.lookups[0] = naming.clone().min_by(|a, b| earliest(plan, *a, *b));
                    env.lookups[1] = naming.min_by(|a, b| latest(plan, *a, *b));
                    found.push(env);
                }
            } else {
                let period = placement.text(plan.placement_period);
                let mut cares = self.rows(plan.care_episodes);
                if period.is_some() && cares.any(|care| care.text(plan.care_period) == period && of_referral(&care)) {
                    found.push(Env::of(placement));
                }
            }
        }
        found
    }
}

fn inside(day: Day, window: Window) -> bool {
    (window.from..=window.to).contains(&day)
}

/// By start date, a missing one last.
fn earliest(plan: &PlacementPlan, a: Row<'_>, b: Row<'_>) -> Ordering {
    let start = |row: Row<'_>| row.day(plan.care_start).unwrap_or(Day::LAST);
    start(a).cmp(&start(b)).then_with(|| a.pick_order(b))
}

/// An open one first, then by end date, then by start date, the latest first.
fn latest(plan: &PlacementPlan, a: Row<'_>, b: Row<'_>) -> Ordering {
    let end = |row: Row<'_>| Latest(Some(row.day(plan.care_end).unwrap_or(Day::LAST)));
    let start = |row: Row<'_>| Latest(row.day(plan.care_start));
    end(a).cmp(&end(b)).then_with(|| start(a).cmp(&start(b))).then_with(|| a.pick_order(b))
}

/// A date in descending order, a missing one last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Latest(pub Option<Day>);

impl Ord for Latest {
    fn cmp(&self, other: &Self) -> Ordering {
        // `None` is the smallest `Option`, so the reversed order has it last.
        other.0.cmp(&self.0)
    }
}

impl PartialOrd for Latest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
