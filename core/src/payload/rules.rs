//! Which rows count: the row rules of the definition, tested on one row with its lookups.

use std::cmp::Ordering;

use super::day::Day;
use super::plan::{BlockPlan, Link, LookupPlan, PlacementPlan, Plan, Rule, Slot, Source, Window};
use super::plan_blocks::MOST_LOOKUPS;
use super::rows::{ChunkRows, Linked, Row};

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
    #[inline]
    pub fn cell(&self, slot: Slot) -> Option<(Row<'a>, usize)> {
        match slot {
            Slot::Own(column) => self.row.map(|row| (row, column)),
            Slot::Lookup(lookup, column) => self.lookups[lookup].map(|row| (row, column)),
        }
    }

    /// The text of a slot.
    #[inline]
    pub fn text(&self, slot: Slot) -> Option<&'a str> {
        self.cell(slot).and_then(|(row, column)| row.text(column))
    }

    /// The day of a slot.
    #[inline]
    pub fn day(&self, slot: Slot) -> Option<Day> {
        self.cell(slot).and_then(|(row, column)| row.day(column))
    }

    /// Whether a slot has neither a value nor a date that could not be read.
    pub fn is_empty(&self, slot: Slot) -> bool {
        self.cell(slot).is_none_or(|(row, column)| row.is_empty(column))
    }

    fn has(&self, slot: Slot) -> bool {
        self.cell(slot).is_some_and(|(row, column)| row.has(column))
    }

    /// The first day of several slots.
    pub fn first_day(&self, slots: &[Slot]) -> Option<Day> {
        slots.iter().find_map(|slot| self.day(*slot))
    }
}

impl Rule {
    /// Whether it looks at the row's own columns alone.
    fn is_own(&self) -> bool {
        let own = |slot: &Slot| matches!(slot, Slot::Own(_));
        match self {
            Rule::Overlaps { start, end, .. } | Rule::OnCensusDate { start, end, .. } => own(start) && own(end),
            Rule::InWindow { dates, .. } => dates.iter().all(own),
            Rule::Present(slot) | Rule::Absent(slot) | Rule::OfChild(slot) => own(slot),
            Rule::Equals { slot, .. } | Rule::Contains { slot, .. } | Rule::OpenOrEndsInWindow { end: slot, .. } => {
                own(slot)
            }
            Rule::Any(rules) => rules.iter().all(Rule::is_own),
            Rule::Exists { .. } => false,
        }
    }
}

impl<'a> Child<'a> {
    /// The child's own row of the table of people.
    pub fn person(self) -> Option<Row<'a>> {
        self.rows(self.plan.people.table).next()
    }

    /// The child's rows of a table.
    pub fn rows(self, table: usize) -> impl Iterator<Item = Row<'a>> + Clone {
        self.chunk.of(table, self.number)
    }

    /// The child's rows of a table that belong to a row. A row without the linking value has none.
    pub fn linked(self, table: usize, link: Option<Link>, own: Option<Row<'a>>) -> Linked<'a> {
        let key = link.map(|link| (link.column, own.and_then(|row| row.text(link.own))));
        self.chunk.linked(table, self.number, key)
    }

    /// Hands over the rows that a block shows for its parent's row, before any row rule.
    pub fn each_row(self, block: &'a BlockPlan, parent: &Env<'a>, mut take: impl FnMut(Env<'a>)) {
        match &block.source {
            Source::Parent => take(*parent),
            Source::Placements(plan) => self.placements(plan, parent.row).for_each(take),
            Source::Table { table, link } => self.linked(*table, *link, parent.row).for_each(|row| take(Env::of(row))),
        }
    }

    /// A row with its lookups, if all row rules of the block hold. Other rows are looked up only for a row of which the rules about its own
    /// columns hold, cheap ones first.
    pub fn counted(self, block: &'a BlockPlan, env: Env<'a>) -> Option<Env<'a>> {
        let mut later = false;
        for rule in &block.rows {
            match rule.is_own() {
                true if !self.holds(rule, &env) => return None,
                is_own => later |= !is_own,
            }
        }
        let env = self.with_lookups(block, env);
        let mut rest = block.rows.iter().filter(|rule| later && !rule.is_own());
        rest.all(|rule| self.holds(rule, &env)).then_some(env)
    }

    /// A row with the rows that the block's lookups find for it.
    pub fn with_lookups(self, block: &'a BlockPlan, mut env: Env<'a>) -> Env<'a> {
        if let Source::Placements(_) = block.source {
            // They come with what they have.
            return env;
        }
        for (slot, lookup) in env.lookups.iter_mut().zip(&block.lookups) {
            *slot = self.look_up(lookup, env.row);
        }
        env
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
            Rule::Equals { slot, value } => env.text(*slot).is_some_and(|text| is_word(text, value)),
            Rule::Contains { slot, value } => env.text(*slot).is_some_and(|text| has_word(text, value)),
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
    pub fn placements(self, plan: &'a PlacementPlan, referral: Option<Row<'a>>) -> impl Iterator<Item = Env<'a>> {
        let referral = referral.and_then(|row| row.text(plan.referral_id));
        let rows = referral.into_iter().flat_map(move |_| self.rows(plan.placements));
        rows.filter_map(move |placement| self.placement(plan, placement, referral))
    }

    fn placement(self, plan: &'a PlacementPlan, placement: Row<'a>, referral: Option<&'a str>) -> Option<Env<'a>> {
        let of_referral = |care: Row<'a>| care.text(plan.care_referral) == referral;
        let of_text = |column, text| self.chunk.linked(plan.care_episodes, self.number, Some((column, text)));
        let naming = of_text(plan.care_placement, placement.text(plan.placement_id));
        if naming.clone().next().is_none() {
            let mut cares = of_text(plan.care_period, placement.text(plan.placement_period));
            return cares.any(of_referral).then(|| Env::of(placement));
        }
        naming.clone().any(of_referral).then(|| {
            let mut env = Env::of(placement);
            env.lookups[0] = naming.clone().min_by(|a, b| earliest(plan, *a, *b));
            env.lookups[1] = naming.min_by(|a, b| latest(plan, *a, *b));
            env
        })
    }
}

/// Whether a text is a word in lower case, but for its own case.
fn is_word(text: &str, word: &str) -> bool {
    if text.is_ascii() { text.eq_ignore_ascii_case(word) } else { text.to_lowercase() == word }
}

/// Whether a text has a word in lower case in it, but for its own case.
fn has_word(text: &str, word: &str) -> bool {
    if !text.is_ascii() || word.is_empty() {
        return text.to_lowercase().contains(word);
    }
    text.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
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
