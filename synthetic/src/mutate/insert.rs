//! What is new about a child.

use csc_bridge_core::error::Result;

use super::change::Day;
use super::hand::Hand;
use super::record::{CareEpisode, Record, Referral};
use crate::chance::Chance;
use crate::ids::Record as IdOf;
use crate::rows::{Value, day};
use crate::tables::Table;
use crate::{codes, names};

impl Day {
    pub(super) fn new_referral(&mut self, hand: &mut Hand<'_>, record: &mut Record) -> bool {
        if !hand.has(Table::Referral) || self.open(record).is_some() {
            return false;
        }
        let id = self.ids.next(IdOf::Referral);
        let start = self.today - self.rng.between(0, 3);
        let source = self.rng.weighted(codes::REFERRAL_SOURCE);
        hand.add(
            Table::Referral,
            &[(&id).into(), (&record.id).into(), day(start), source.into(), Value::Null, Value::Null, "N".into()],
        );
        record.referrals.push(Referral { id, start: Some(start), open: true });
        true
    }

    pub(super) fn new_assessment(&mut self, hand: &mut Hand<'_>, record: &Record) -> bool {
        let Some(referral) = self.open(record).filter(|_| hand.has(Table::Assessment)) else {
            return false;
        };
        let id = self.ids.next(IdOf::Assessment);
        let start = (self.today - self.rng.between(0, 40)).max(referral.start.unwrap_or(self.today));
        let authorised = self.rng.happens(0.5).then_some(self.today);
        hand.add(Table::Assessment, &[(&id).into(), (&referral.id).into(), day(start), day(authorised)]);
        let factors = format!("[\"{}\"]", self.rng.one(codes::FACTORS));
        hand.add(Table::Factors, &[(&id).into(), (&factors).into()]);
        true
    }

    pub(super) fn new_plan(&mut self, hand: &mut Hand<'_>, record: &Record) -> bool {
        let (table, kind) = match self.rng.happens(0.7) {
            true => (Table::CinPlan, IdOf::CinPlan),
            false => (Table::CpPlan, IdOf::CpPlan),
        };
        let Some(referral) = self.open(record).filter(|_| hand.has(table)) else {
            return false;
        };
        let id = self.ids.next(kind);
        let start = (self.today - self.rng.between(0, 10)).max(referral.start.unwrap_or(self.today));
        hand.add(table, &[(&id).into(), (&referral.id).into(), (&record.id).into(), day(start), Value::Null]);
        true
    }

    pub(super) fn new_involvement(&mut self, hand: &mut Hand<'_>, record: &Record) -> bool {
        let Some(referral) = self.open(record).filter(|_| hand.has(Table::Involvement)) else {
            return false;
        };
        if record.workers.is_empty() {
            return false;
        }
        let worker = &record.workers[self.rng.usize(..record.workers.len())];
        // Often from before the last census date, as when a record is put right.
        let start = (self.today - self.rng.between(0, 600)).max(referral.start.unwrap_or(self.today));
        hand.add(Table::Involvement, &[(&referral.id).into(), worker.into(), "CW".into(), day(start), Value::Null]);
        true
    }

    pub(super) fn new_score(&mut self, hand: &mut Hand<'_>, record: &Record) -> bool {
        if record.care.is_empty() || !hand.has(Table::Sdq) {
            return false;
        }
        let score = Value::Number(i64::from(self.rng.between(0, 40)));
        hand.add(Table::Sdq, &[(&record.id).into(), day(self.today - self.rng.between(0, 20)), score]);
        true
    }

    pub(super) fn moved(&mut self, hand: &mut Hand<'_>, record: &Record) -> bool {
        let postcode = names::postcode(&mut self.rng);
        hand.add(Table::Address, &[(&record.id).into(), (&postcode).into(), day(self.today)]);
        hand.has(Table::Address)
    }

    /// A child in care moves to another placement; a child at home comes into care.
    pub(super) async fn new_placement(&mut self, hand: &mut Hand<'_>, record: &mut Record) -> Result<bool> {
        if !hand.has(Table::Placement) || !hand.has(Table::CareEpisode) {
            return Ok(false);
        }
        let open = record.care.iter().rposition(|episode| episode.open);
        let (period, referral, begun) = match (open, self.open(record)) {
            (Some(place), _) => {
                let episode = &record.care[place];
                let (Some(id), Some(placement)) = (&episode.id, &episode.placement) else {
                    return Ok(false);
                };
                let on = day(self.today);
                hand.set(
                    Table::Placement,
                    "clap_cla_placement_id",
                    placement,
                    &[
                        ("clap_cla_placement_end_date", on),
                        ("clap_cla_placement_change_reason", self.rng.weighted(codes::PLACEMENT_CHANGE).into()),
                    ],
                )
                .await?;
                let ended = [("clae_cla_episode_ceased_date", on), ("clae_cla_episode_ceased_reason", "X1".into())];
                hand.set(Table::CareEpisode, "clae_cla_episode_id", id, &ended).await?;
                (episode.period.clone(), episode.referral.clone(), "P")
            }
            (None, Some(referral)) if self.rng.happens(0.3) => {
                (self.ids.next(IdOf::CarePeriod), Some(referral.id.clone()), "S")
            }
            _ => return Ok(false),
        };
        let (placement, episode) = (self.ids.next(IdOf::Placement), self.ids.next(IdOf::CareEpisode));
        let (kind, postcode) = (self.rng.weighted(codes::PLACEMENT_TYPE), names::postcode(&mut self.rng));
        let start = day(self.today);
        hand.add(
            Table::Placement,
            &[(&placement).into(), (&period).into(), start, Value::Null, kind.into(), (&postcode).into(), Value::Null],
        );
        hand.add(
            Table::CareEpisode,
            &[
                (&episode).into(),
                (&record.id).into(),
                (&period).into(),
                referral.as_deref().into(),
                (&placement).into(),
                start,
                Value::Null,
                begun.into(),
                Value::Null,
            ],
        );
        if let Some(place) = open {
            record.care[place].open = false;
        }
        record.placements.push((placement.clone(), Some(period.clone())));
        record.care.push(CareEpisode {
            id: Some(episode),
            period,
            placement: Some(placement),
            referral,
            start: Some(self.today),
            open: true,
        });
        Ok(true)
    }
}
