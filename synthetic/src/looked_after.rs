//! Care: placements, care episodes, adoption, and what follows care.

use crate::chance::Chance;
use crate::child::Child;
use crate::codes;
use crate::episodes::Episode;
use crate::ids::Record;
use crate::names;
use crate::rows::day;
use crate::story::{Kind, YEAR};
use crate::tables::Table;

/// One period of care.
struct Care<'a> {
    id: String,
    episode: &'a Episode,
    start: i32,
    /// Its last day, or still in care.
    end: Option<i32>,
    /// Where its end is, or the run date.
    last: i32,
}

/// Adds the child's care and what follows it, where its story has any.
pub fn add(child: &mut Child<'_, '_>, episodes: &[Episode]) {
    let Some(episode) = episodes.last() else {
        return;
    };
    match child.story.kind {
        Kind::LookedAfter | Kind::Unaccompanied | Kind::Adoption | Kind::CareLeaver => {}
        Kind::InNeed if episodes.len() > 1 && child.rng.happens(0.02) => {}
        Kind::InNeed | Kind::Unborn | Kind::LongClosed | Kind::AgedOut => return,
    }
    let today = child.setting.today;
    let over = episode.end.unwrap_or(today);
    let born = child.story.born.unwrap_or(today);
    let mut start = (episode.start + child.rng.between(0, 60)).max(born).min(over);
    // Now and then a child comes home and goes back into care.
    if child.rng.happens(0.12) && over - start > 400 {
        let home = start + child.rng.between(60, (over - start) / 2);
        let care = Care { id: child.ids.next(Record::CarePeriod), episode, start, end: Some(home), last: home };
        add_placements(child, &care, false);
        start = home + child.rng.between(30, 120);
    }
    let grown = born + 18 * YEAR;
    let end = match child.story.kind {
        Kind::CareLeaver => Some(grown.min(today - child.rng.between(20, 300)).max(start)),
        Kind::Unaccompanied if grown < today => Some(grown.max(start)),
        Kind::LookedAfter if episode.end.is_none() && child.rng.happens(0.15) => Some(child.rng.between(start, today)),
        _ => episode.end,
    };
    let care = Care { id: child.ids.next(Record::CarePeriod), episode, start, end, last: end.unwrap_or(today) };
    let adoption = child.story.kind == Kind::Adoption;
    add_placements(child, &care, adoption);
    if adoption {
        add_permanence(child, &care);
    }
    let left_care = child.story.kind == Kind::CareLeaver || (end.is_some() && child.story.age_on(today) >= 17);
    if left_care {
        add_care_leaver(child);
    }
}

/// Placements one after the other, each with its care episodes.
fn add_placements(child: &mut Child<'_, '_>, care: &Care<'_>, adoption: bool) {
    let length = care.last - care.start;
    let wanted =
        child.rng.weighted(&[(1, 26), (2, 22), (3, 16), (4, 12), (6, 10), (9, 6), (14, 5), (28, 4), (60, 4), (110, 2)]);
    let wanted = wanted.min(1 + length / 4);
    let mut starts: Vec<i32> = (1..wanted).map(|_| child.rng.between(care.start + 1, care.last)).collect();
    starts.push(care.start);
    starts.sort_unstable();
    starts.dedup();
    for k in 0..starts.len() {
        let final_one = k + 1 == starts.len();
        let end = if final_one { care.end } else { Some(starts[k + 1]) };
        let adoptive = adoption && final_one && k > 0;
        add_placement(child, care, starts[k], end, Turn { first: k == 0, last: final_one, adoptive });
    }
}

/// Where a placement stands in its period of care.
#[derive(Clone, Copy)]
struct Turn {
    first: bool,
    last: bool,
    adoptive: bool,
}

fn add_placement(child: &mut Child<'_, '_>, care: &Care<'_>, start: i32, end: Option<i32>, turn: Turn) {
    let id = child.ids.next(Record::Placement);
    let kind = if turn.adoptive {
        child.rng.one(codes::ADOPTIVE_PLACEMENT)
    } else {
        child.rng.weighted(codes::PLACEMENT_TYPE)
    };
    let postcode = child.rng.happens(0.97).then(|| names::postcode(&mut child.rng));
    let change = (!turn.last).then(|| child.rng.weighted(codes::PLACEMENT_CHANGE));
    child.push(
        Table::Placement,
        &[
            (&id).into(),
            (&care.id).into(),
            day(start),
            day(end),
            kind.into(),
            postcode.as_deref().into(),
            change.into(),
        ],
    );
    let begun = if turn.first { "S" } else { child.rng.weighted(codes::CARE_CONTINUES) };
    let ended = match end {
        None => None,
        Some(_) if !turn.last => Some("X1"),
        Some(_) if turn.adoptive => Some(child.rng.one(&["E11", "E12"])),
        Some(_) => Some(child.rng.weighted(codes::CARE_ENDED)),
    };
    // A change of legal status in the same placement makes a second care episode.
    let last = end.unwrap_or(care.last);
    if last - start > 30 && child.rng.happens(0.25) {
        let changed = child.rng.between(start + 1, last - 1);
        add_care_episode(child, care, &id, (start, Some(changed)), (begun, Some("X1")));
        add_care_episode(child, care, &id, (changed, end), ("L", ended));
    } else {
        add_care_episode(child, care, &id, (start, end), (begun, ended));
    }
}

fn add_care_episode(
    child: &mut Child<'_, '_>,
    care: &Care<'_>,
    placement: &str,
    (start, end): (i32, Option<i32>),
    (begun, ended): (&str, Option<&str>),
) {
    let id = child.ids.next(Record::CareEpisode);
    let person = child.id.clone();
    child.push(
        Table::CareEpisode,
        &[
            (&id).into(),
            (&person).into(),
            (&care.id).into(),
            (&care.episode.id).into(),
            placement.into(),
            day(start),
            day(end),
            begun.into(),
            ended.into(),
        ],
    );
}

fn add_permanence(child: &mut Child<'_, '_>, care: &Care<'_>) {
    let length = (care.last - care.start).max(3);
    let decided = care.start + child.rng.between(1, length / 3 + 1);
    let matched = child.rng.happens(0.75).then(|| decided + child.rng.between(0, length / 3));
    let placed = matched.filter(|_| child.rng.happens(0.8)).map(|matched| matched + child.rng.between(0, length / 3));
    let person = child.id.clone();
    child.push(Table::Permanence, &[(&person).into(), (&care.id).into(), day(decided), day(matched), day(placed)]);
}

fn add_care_leaver(child: &mut Child<'_, '_>) {
    let person = child.id.clone();
    let contact = child.setting.today - child.rng.mostly_low(1, 500);
    let activity = child.rng.weighted(codes::ACTIVITY);
    let accommodation = child.rng.weighted(codes::ACCOMMODATION);
    child.push(Table::CareLeaver, &[(&person).into(), day(contact), activity.into(), accommodation.into()]);
}
