//! What was done about a referral: assessments, plans, enquiries, conferences, and who did it.

use crate::chance::Chance;
use crate::child::Child;
use crate::codes;
use crate::ids::Record;
use crate::rows::{Value, day};
use crate::story::Kind;
use crate::tables::Table;

/// A referral that was written, for those who add to it.
#[derive(Debug, Clone)]
pub struct Episode {
    /// Its id.
    pub id: String,
    /// Its first day.
    pub start: i32,
    /// Its last day, or still open.
    pub end: Option<i32>,
}

/// How far a referral went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    NoAction,
    Assessed,
    InNeed,
    Protection,
}

/// A stretch of time inside an episode: `last` is its end or the run date.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    start: i32,
    last: i32,
    open: bool,
}

impl Stretch {
    /// A day `after` days after the start, or none where it is not over yet.
    fn within(self, day: i32) -> Option<i32> {
        (day <= self.last).then_some(day)
    }
}

/// Adds the child's referrals and everything under them but care.
pub fn add(child: &mut Child<'_, '_>) -> Vec<Episode> {
    let referrals = child.story.referrals.clone();
    let last = referrals.len().saturating_sub(1);
    let mut episodes = Vec::with_capacity(referrals.len());
    for (k, (start, end)) in referrals.into_iter().enumerate() {
        if !child.ids.has_room(Record::Referral) {
            break;
        }
        let depth = match child.story.kind {
            Kind::InNeed | Kind::LongClosed | Kind::AgedOut => draw_depth(child),
            _ if k < last => draw_depth(child),
            Kind::Unaccompanied | Kind::CareLeaver => Depth::InNeed,
            Kind::Unborn | Kind::LookedAfter | Kind::Adoption => {
                child.rng.weighted(&[(Depth::InNeed, 45), (Depth::Protection, 55)])
            }
        };
        let episode = Episode { id: child.ids.next(Record::Referral), start, end };
        let stretch = Stretch { start, last: end.unwrap_or(child.setting.today), open: end.is_none() };
        add_referral(child, &episode, depth);
        if depth >= Depth::Assessed {
            add_assessments(child, &episode, stretch);
        }
        if depth >= Depth::InNeed {
            add_cin_plans(child, &episode, stretch);
        }
        if depth == Depth::Protection || (depth == Depth::InNeed && child.rng.happens(0.4)) {
            add_enquiries(child, &episode, stretch);
        }
        add_workers(child, &episode, stretch, depth);
        episodes.push(episode);
    }
    episodes
}

fn draw_depth(child: &mut Child<'_, '_>) -> Depth {
    child.rng.weighted(&[(Depth::NoAction, 7), (Depth::Assessed, 28), (Depth::InNeed, 40), (Depth::Protection, 25)])
}

fn add_referral(child: &mut Child<'_, '_>, episode: &Episode, depth: Depth) {
    let source = child.rng.weighted(codes::REFERRAL_SOURCE);
    let closure = episode.end.map(|_| child.rng.weighted(codes::CLOSURE));
    let no_action = if depth == Depth::NoAction { "Y" } else { "N" };
    let id = child.id.clone();
    child.push(
        Table::Referral,
        &[
            (&episode.id).into(),
            (&id).into(),
            day(episode.start),
            source.into(),
            day(episode.end),
            closure.into(),
            no_action.into(),
        ],
    );
}

fn add_assessments(child: &mut Child<'_, '_>, episode: &Episode, within: Stretch) {
    let mut start = within.start + child.rng.between(0, 5);
    let mut first = true;
    while (first || start <= within.last) && child.ids.has_room(Record::Assessment) {
        first = false;
        let start_day = start.min(within.last);
        let authorised = within.within(start_day + child.rng.between(10, 50));
        let id = child.ids.next(Record::Assessment);
        child.push(Table::Assessment, &[(&id).into(), (&episode.id).into(), day(start_day), day(authorised)]);
        if authorised.is_some() || child.rng.happens(0.5) {
            let factors = factors(child);
            child.push(Table::Factors, &[(&id).into(), (&factors).into()]);
        }
        start = start_day + 30 + child.rng.mostly_low(15, 150);
    }
}

/// Factors as a JSON list.
fn factors(child: &mut Child<'_, '_>) -> String {
    if child.rng.happens(0.06) {
        return format!("[\"{}\"]", codes::NO_FACTORS);
    }
    let wanted = child.rng.mostly_low(1, 9) as usize;
    let mut chosen = Vec::with_capacity(wanted);
    for _ in 0..wanted {
        let factor = child.rng.one(codes::FACTORS);
        if !chosen.contains(&factor) {
            chosen.push(factor);
        }
    }
    format!("[\"{}\"]", chosen.join("\", \""))
}

fn add_cin_plans(child: &mut Child<'_, '_>, episode: &Episode, within: Stretch) {
    let person = child.id.clone();
    let mut start = (within.start + child.rng.between(15, 60)).min(within.last);
    for _ in 0..child.rng.weighted(&[(1, 30), (2, 35), (3, 22), (5, 13)]) {
        let end = within.within(start + child.rng.between(40, 180));
        let end = if within.open { end } else { end.or(Some(within.last)) };
        let id = child.ids.next(Record::CinPlan);
        child.push(Table::CinPlan, &[(&id).into(), (&episode.id).into(), (&person).into(), day(start), day(end)]);
        match end {
            Some(end) if end + 15 < within.last => start = end + child.rng.between(0, 14),
            _ => break,
        }
    }
}

fn add_enquiries(child: &mut Child<'_, '_>, episode: &Episode, within: Stretch) {
    let mut start = (within.start + child.rng.between(0, 40)).min(within.last);
    for _ in 0..child.rng.weighted(&[(1, 65), (2, 25), (3, 10)]) {
        let end = within.within(start + child.rng.between(3, 20));
        let id = child.ids.next(Record::Section47);
        let conference = end.filter(|_| child.rng.happens(0.55));
        let flag = if conference.is_some() { "Y" } else { "N" };
        let other = if conference.is_some() { "N" } else { "Y" };
        let outcome = format!(
            "{{\"NFA_FLAG\": \"N\", \"LEGAL_ACTION_FLAG\": \"N\", \"PROV_OF_SERVICES_FLAG\": \"{other}\", \"CP_CONFERENCE_FLAG\": \"{flag}\", \"COMMENTS\": \"\"}}"
        );
        let outcome = if end.is_some() { Value::Text(&outcome) } else { Value::Null };
        child.push(Table::Section47, &[(&id).into(), (&episode.id).into(), day(start), day(end), outcome]);
        if let Some(on) = conference.and_then(|on| within.within(on + child.rng.between(0, 10))) {
            child.push(Table::Conference, &[(&id).into(), day(on)]);
            if child.rng.happens(0.8) {
                add_cp_plan(child, episode, within, on);
            }
        }
        start = start + 60 + child.rng.between(0, 300);
        if start > within.last {
            break;
        }
    }
}

fn add_cp_plan(child: &mut Child<'_, '_>, episode: &Episode, within: Stretch, start: i32) {
    let person = child.id.clone();
    let end = within.within(start + child.rng.between(80, 500));
    let end = if within.open { end } else { end.or(Some(within.last)) };
    let id = child.ids.next(Record::CpPlan);
    child.push(Table::CpPlan, &[(&id).into(), (&episode.id).into(), (&person).into(), day(start), day(end)]);
}

/// Social workers one after the other for as long as it lasts, and others beside them.
fn add_workers(child: &mut Child<'_, '_>, episode: &Episode, within: Stretch, depth: Depth) {
    let mut start = within.start;
    loop {
        let end = within.within(start + child.rng.between(20, 240));
        let end = if within.open { end } else { end.or(Some(within.last)) };
        add_worker(child, episode, "CW", start, end);
        match end {
            Some(end) if end < within.last => start = end,
            _ => break,
        }
    }
    let others = if depth == Depth::NoAction {
        1
    } else {
        child.rng.between(5, 10 + 2 * depth as i32) + (within.last - within.start) / 75
    };
    for _ in 0..others {
        let role = child.rng.one(&["TM", "FSW", "IRO", "PA", "CPC", "HV", "SCH", "CW2"]);
        let start = child.rng.between(within.start, within.last);
        let end = within.within(start + child.rng.between(10, 400));
        let end = if within.open { end } else { end.or(Some(within.last)) };
        add_worker(child, episode, role, start, end);
    }
}

fn add_worker(child: &mut Child<'_, '_>, episode: &Episode, role: &str, start: i32, end: Option<i32>) {
    let worker = child.worker();
    child.push(Table::Involvement, &[(&episode.id).into(), (&worker).into(), role.into(), day(start), day(end)]);
}
