//! What kind of life in care of the authority a child's record tells, and when.

use fastrand::Rng;

use crate::chance::Chance;

/// A year, in days.
pub const YEAR: i32 = 365;

/// Why the authority knows the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In need of help or protection, now or lately.
    InNeed,
    /// Not born yet.
    Unborn,
    /// Looked after, or lately.
    LookedAfter,
    /// On the way to adoption, or adopted.
    Adoption,
    /// Came alone from abroad.
    Unaccompanied,
    /// Was looked after and is helped until 25.
    CareLeaver,
    /// Not in the cohort: everything closed years ago.
    LongClosed,
    /// Not in the cohort: older than 25 throughout the window.
    AgedOut,
}

/// One child's story. Days are days since 1970-01-01.
#[derive(Debug, Clone)]
pub struct Story {
    /// Why the authority knows the child.
    pub kind: Kind,
    /// Day of birth; none for the unborn.
    pub born: Option<i32>,
    /// When the unborn is due.
    pub due: Option<i32>,
    /// Referrals: start and end, oldest first; none open but the last.
    pub referrals: Vec<(i32, Option<i32>)>,
}

impl Story {
    /// Draws a story, seen from the run date.
    pub fn draw(rng: &mut Rng, today: i32) -> Story {
        let kind = rng.weighted(&[
            (Kind::InNeed, 7600),
            (Kind::Unborn, 200),
            (Kind::LookedAfter, 900),
            (Kind::Adoption, 250),
            (Kind::Unaccompanied, 150),
            (Kind::CareLeaver, 300),
            (Kind::LongClosed, 400),
            (Kind::AgedOut, 200),
        ]);
        let ago = |rng: &mut Rng, low: i32, high: i32| Some(today - rng.between(low, high));
        let born = match kind {
            Kind::Unborn => None,
            Kind::InNeed => ago(rng, 3, 18 * YEAR),
            Kind::LookedAfter => ago(rng, 60, 18 * YEAR - 30),
            Kind::Adoption => ago(rng, YEAR, 8 * YEAR),
            Kind::Unaccompanied => ago(rng, 15 * YEAR, 19 * YEAR),
            Kind::CareLeaver => ago(rng, 16 * YEAR + 60, 25 * YEAR - 30),
            Kind::LongClosed => ago(rng, 7 * YEAR, 22 * YEAR),
            Kind::AgedOut => ago(rng, 29 * YEAR + 60, 36 * YEAR),
        };
        let due = (kind == Kind::Unborn).then(|| today + rng.between(-20, 200));
        let mut story = Story { kind, born, due, referrals: Vec::new() };
        story.referrals = story.timeline(rng, today);
        story
    }

    /// The child's age in years on a day; nothing for the unborn.
    pub fn age_on(&self, day: i32) -> i32 {
        self.born.map_or(0, |born| (day - born) / YEAR)
    }

    /// The day before which there can be no record of the child.
    fn earliest(&self, today: i32) -> i32 {
        self.born.map_or_else(|| self.due.unwrap_or(today) - 240, |born| born - 120)
    }

    /// Referrals from the last backwards.
    fn timeline(&self, rng: &mut Rng, today: i32) -> Vec<(i32, Option<i32>)> {
        let earliest = self.earliest(today).min(today - 1);
        let last = match self.kind {
            Kind::InNeed if rng.happens(0.55) => (today - rng.mostly_low(3, 800), None),
            Kind::InNeed => closed(rng, today, (5, 650), (15, 480)),
            Kind::Unborn => (today - rng.mostly_low(1, 100), None),
            Kind::LookedAfter if rng.happens(0.8) => (today - rng.mostly_low(90, 3200), None),
            Kind::LookedAfter => closed(rng, today, (10, 600), (120, 1500)),
            Kind::Adoption => (today - rng.between(320, 1400), None),
            Kind::Unaccompanied => (today - rng.between(60, 1000), None),
            Kind::CareLeaver => (today - rng.between(1000, 4500), None),
            Kind::LongClosed => closed(rng, today, (1200, 2100), (20, 400)),
            Kind::AgedOut if rng.happens(0.3) => (today - rng.between(3000, 4000), None),
            Kind::AgedOut => closed(rng, today, (1200, 3000), (20, 600)),
        };
        let mut referrals = vec![(last.0.max(earliest), last.1.map(|end| end.max(earliest + 1)))];
        let wanted = rng.weighted(&[(1, 27), (2, 33), (3, 20), (4, 10), (5, 5), (6, 2), (8, 2), (12, 1)]);
        let mut next = referrals[0].0;
        while referrals.len() < wanted && self.kind != Kind::Unborn {
            let end = next - rng.mostly_low(15, 500);
            let start = end - rng.mostly_low(12, 480);
            if start < earliest || start < today - 5000 {
                break;
            }
            referrals.push((start, Some(end)));
            next = start;
        }
        referrals.reverse();
        referrals
    }
}

fn closed(rng: &mut Rng, today: i32, ago: (i32, i32), length: (i32, i32)) -> (i32, Option<i32>) {
    let end = today - rng.mostly_low(ago.0, ago.1);
    (end - rng.mostly_low(length.0, length.1), Some(end))
}
