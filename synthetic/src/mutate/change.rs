//! What can happen to a child in a day.

use csc_bridge_core::error::Result;
use fastrand::Rng;

use super::hand::Hand;
use super::record::{Record, Referral};
use crate::chance::{Chance, hash, mix};
use crate::ids::Ids;
use crate::names;
use crate::rows::Value;
use crate::tables::Table;

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    NewReferral,
    NewAssessment,
    NewPlan,
    NewPlacement,
    NewScore,
    NewInvolvement,
    Moved,
    Name,
    PupilNumber,
    Date,
    Code,
    Cleared,
    Reopened,
    Closed,
    MemberRemoved,
    Removed,
    Added,
}

impl Change {
    /// Its name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Change::NewReferral => "new_referral",
            Change::NewAssessment => "new_assessment",
            Change::NewPlan => "new_plan",
            Change::NewPlacement => "new_placement",
            Change::NewScore => "new_score",
            Change::NewInvolvement => "new_involvement",
            Change::Moved => "moved",
            Change::Name => "name",
            Change::PupilNumber => "pupil_number",
            Change::Date => "date",
            Change::Code => "code",
            Change::Cleared => "cleared",
            Change::Reopened => "reopened",
            Change::Closed => "closed",
            Change::MemberRemoved => "member_removed",
            Change::Removed => "removed",
            Change::Added => "added",
        }
    }
}

/// How often what happens. What does not fit a child (nothing to close) gives way to another draw.
const OFTEN: &[(Change, u32)] = &[
    (Change::NewReferral, 12),
    (Change::NewAssessment, 14),
    (Change::NewPlan, 10),
    (Change::NewPlacement, 6),
    (Change::NewScore, 5),
    (Change::NewInvolvement, 10),
    (Change::Moved, 8),
    (Change::Name, 4),
    (Change::PupilNumber, 4),
    (Change::Date, 6),
    (Change::Code, 5),
    (Change::Cleared, 4),
    (Change::Reopened, 4),
    (Change::Closed, 8),
    (Change::MemberRemoved, 6),
];

/// One child's day.
pub struct Day {
    pub(super) rng: Rng,
    pub(super) ids: Ids,
    pub(super) today: i32,
}

/// Does one or two things to a child.
pub async fn some(hand: &mut Hand<'_>, record: &mut Record) -> Result<Vec<Change>> {
    let seed = hand.setting.seed;
    let mut today = Day {
        rng: Rng::with_seed(mix(&[hash(seed, &record.id), 0xDA1, record.state])),
        ids: Ids::added_to(&record.id, seed, record.state, hand.setting.numeric),
        today: hand.setting.today,
    };
    let wanted = if today.rng.happens(0.3) { 2 } else { 1 };
    let mut done = Vec::with_capacity(wanted);
    for _ in 0..20 {
        let change = today.rng.weighted(OFTEN);
        if !done.contains(&change) && today.apply(hand, record, change).await? {
            done.push(change);
            if done.len() == wanted {
                return Ok(done);
            }
        }
    }
    if done.is_empty() && today.apply(hand, record, Change::Name).await? {
        done.push(Change::Name);
    }
    Ok(done)
}

impl Day {
    /// Does it, if it fits; returns whether it did.
    async fn apply(&mut self, hand: &mut Hand<'_>, record: &mut Record, change: Change) -> Result<bool> {
        match change {
            Change::NewReferral => Ok(self.new_referral(hand, record)),
            Change::NewAssessment => Ok(self.new_assessment(hand, record)),
            Change::NewPlan => Ok(self.new_plan(hand, record)),
            Change::NewInvolvement => Ok(self.new_involvement(hand, record)),
            Change::NewScore => Ok(self.new_score(hand, record)),
            Change::Moved => Ok(self.moved(hand, record)),
            Change::NewPlacement => self.new_placement(hand, record).await,
            Change::Name => {
                let (forename, surname) = names::full_name(&mut self.rng);
                let column =
                    if self.rng.happens(0.7) { ("pers_surname", surname) } else { ("pers_forename", forename) };
                self.person(hand, record, &[(column.0, column.1.into())]).await
            }
            Change::PupilNumber => {
                let number = names::pupil_number(&mut self.rng, hash(self.today as u64, &record.id) % 10_000_000);
                self.person(hand, record, &[("pers_upn", (&number).into()), ("pers_upn_unknown", Value::Null)]).await
            }
            Change::Code => self.code(hand, record).await,
            Change::Date => self.date(hand, record).await,
            Change::Cleared => self.clear(hand, record).await,
            Change::Reopened => self.reopen(hand, record).await,
            Change::Closed => self.close(hand, record).await,
            Change::MemberRemoved => self.remove_member(hand, record).await,
            Change::Removed | Change::Added => Ok(false),
        }
    }

    pub(super) async fn person(
        &mut self,
        hand: &mut Hand<'_>,
        record: &Record,
        values: &[(&str, Value<'_>)],
    ) -> Result<bool> {
        hand.set(Table::Person, "pers_person_id", &record.id, values).await
    }

    /// The last open referral.
    pub(super) fn open<'r>(&self, record: &'r Record) -> Option<&'r Referral> {
        record.referrals.iter().rev().find(|referral| referral.open)
    }
}
