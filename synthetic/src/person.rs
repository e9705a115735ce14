//! Who the child is: the person and what hangs on the person alone.

use crate::chance::Chance;
use crate::child::Child;
use crate::codes;
use crate::names;
use crate::rows::{Value, day};
use crate::story::{Kind, YEAR};
use crate::tables::Table;

/// Adds the child's person row, identifiers, addresses, disabilities, immigration statuses and strengths-and-difficulties scores.
pub fn add(child: &mut Child<'_, '_>) {
    add_person(child);
    add_identifiers(child);
    add_addresses(child);
    add_disabilities(child);
    add_immigration(child);
    add_scores(child);
}

fn add_person(child: &mut Child<'_, '_>) {
    let today = child.setting.today;
    let age = child.story.age_on(today);
    let rng = &mut child.rng;
    let unborn = child.story.born.is_none();
    let (forename, surname) = names::full_name(rng);
    let forename = if unborn { "Unborn" } else { forename };
    let upn =
        (!unborn && rng.happens(if age >= 4 { 0.93 } else { 0.12 })).then(|| names::pupil_number(rng, child.number));
    let unknown = match upn {
        Some(_) => None,
        None if child.story.kind == Kind::Unaccompanied => Some("UN2"),
        None if age < 5 => Some("UN1"),
        None => Some(rng.weighted(codes::UPN_UNKNOWN)),
    };
    let sex = if unborn { "U" } else { rng.weighted(codes::SEX) };
    let ethnicity = if unborn && rng.happens(0.5) { "NOBT" } else { rng.weighted(codes::ETHNICITY) };
    let legacy = rng.happens(0.85).then(|| format!("{}", 300_000 + child.number * 3));
    let health = rng.happens(0.7).then(|| names::health_number(rng));
    let (born, due) = (child.story.born, child.story.due);
    let id = child.id.clone();
    child.push(
        Table::Person,
        &[
            (&id).into(),
            legacy.as_deref().into(),
            upn.as_deref().into(),
            unknown.into(),
            forename.into(),
            surname.into(),
            sex.into(),
            ethnicity.into(),
            day(born),
            day(due),
            health.as_deref().into(),
        ],
    );
}

fn add_identifiers(child: &mut Child<'_, '_>) {
    let today = child.setting.today;
    let id = child.id.clone();
    let add = |child: &mut Child<'_, '_>, kind: &str, value: &str| {
        let since = today - child.rng.between(10, 2000);
        child.push(Table::LinkedIdentifier, &[(&id).into(), kind.into(), value.into(), day(since)]);
    };
    let health = names::health_number(&mut child.rng);
    add(child, "NHS Number", &health);
    for _ in 0..child.rng.between(0, 3) {
        let case = format!("C{:07}", child.rng.u32(..10_000_000));
        add(child, "Case Number", &case);
    }
    if child.story.age_on(today) >= 4 {
        for _ in 0..child.rng.weighted(&[(0, 94), (1, 5), (2, 1)]) {
            let former = names::pupil_number(&mut child.rng, child.number);
            add(child, "Former Unique Pupil Number", &former);
        }
    }
}

fn add_addresses(child: &mut Child<'_, '_>) {
    let today = child.setting.today;
    let id = child.id.clone();
    let mut since = child.story.born.unwrap_or(today - 150).max(today - 9 * YEAR);
    for _ in 0..child.rng.weighted(&[(1, 10), (2, 15), (3, 18), (4, 18), (6, 20), (9, 13), (14, 6)]) {
        let postcode = child.rng.happens(0.97).then(|| names::postcode(&mut child.rng));
        child.push(Table::Address, &[(&id).into(), postcode.as_deref().into(), day(since)]);
        since += child.rng.mostly_low(20, 900);
        if since > today {
            break;
        }
    }
}

fn add_disabilities(child: &mut Child<'_, '_>) {
    let id = child.id.clone();
    let count = child.rng.weighted(&[(0, 86), (1, 8), (2, 4), (3, 2)]);
    if count == 0 && child.rng.happens(0.1) {
        child.push(Table::Disability, &[(&id).into(), "NONE".into()]);
    }
    for _ in 0..count {
        let code = child.rng.weighted(codes::DISABILITY);
        child.push(Table::Disability, &[(&id).into(), code.into()]);
    }
}

fn add_immigration(child: &mut Child<'_, '_>) {
    let today = child.setting.today;
    let id = child.id.clone();
    let add = |child: &mut Child<'_, '_>, status: &str, start: i32, end: Option<i32>| {
        child.push(Table::Immigration, &[(&id).into(), status.into(), day(start), day(end)]);
    };
    if child.story.kind == Kind::Unaccompanied {
        let arrived = child.story.referrals.last().map_or(today, |(start, _)| *start);
        let granted = child.rng.happens(0.3).then(|| (arrived + child.rng.between(100, 500)).min(today));
        add(child, "U", arrived, granted);
        if let Some(granted) = granted {
            add(child, "Refugee status", granted, None);
        }
    } else if child.rng.happens(0.03) {
        let status = child.rng.one(&[
            "Indefinite leave to remain",
            "Asylum seeker with family",
            "EU settled status",
            "Limited leave to remain",
        ]);
        let start = today - child.rng.between(30, 1500);
        add(child, status, start, None);
    }
}

fn add_scores(child: &mut Child<'_, '_>) {
    let today = child.setting.today;
    let id = child.id.clone();
    let in_care =
        matches!(child.story.kind, Kind::LookedAfter | Kind::Unaccompanied | Kind::CareLeaver | Kind::Adoption);
    let years = match child.story.referrals.last() {
        Some((start, _)) if in_care => ((today - start) / YEAR + 1).min(6),
        _ => i32::from(child.rng.happens(0.08)),
    };
    for year in 0..years {
        let on = today - year * YEAR - child.rng.between(5, 300);
        if !(4..17).contains(&child.story.age_on(on)) {
            continue;
        }
        let score = match child.rng.happens(0.95) {
            true => Value::Number(i64::from(child.rng.between(0, 12) + child.rng.between(0, 28))),
            false => Value::Null,
        };
        child.push(Table::Sdq, &[(&id).into(), day(on), score]);
    }
}
