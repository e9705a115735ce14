//! What is put right, cleared, closed or opened again.

use csc_bridge_core::error::Result;

use super::change::Day;
use super::hand::Hand;
use super::record::{Record, Referral};
use crate::chance::Chance;
use crate::codes;
use crate::rows::{Value, day};
use crate::tables::Table;

impl Day {
    pub(super) async fn code(&mut self, hand: &mut Hand<'_>, record: &Record) -> Result<bool> {
        match (self.rng.between(0, 2), record.referrals.last(), record.placements.last()) {
            (0, Some(referral), _) => {
                let source = self.rng.weighted(codes::REFERRAL_SOURCE).into();
                hand.set(Table::Referral, "cine_referral_id", &referral.id, &[("cine_referral_source_code", source)])
                    .await
            }
            (1, _, Some((placement, _))) => {
                let kind = self.rng.weighted(codes::PLACEMENT_TYPE).into();
                hand.set(Table::Placement, "clap_cla_placement_id", placement, &[("clap_cla_placement_type", kind)])
                    .await
            }
            _ => {
                let ethnicity = self.rng.weighted(codes::ETHNICITY).into();
                self.person(hand, record, &[("pers_ethnicity", ethnicity)]).await
            }
        }
    }

    pub(super) async fn date(&mut self, hand: &mut Hand<'_>, record: &mut Record) -> Result<bool> {
        match (record.referrals.last_mut(), record.cin_plans.last()) {
            (Some(Referral { id, start: Some(start), .. }), _) => {
                *start -= self.rng.between(1, 6);
                hand.set(Table::Referral, "cine_referral_id", id, &[("cine_referral_date", day(*start))]).await
            }
            (_, Some(plan)) => {
                hand.set(Table::CinPlan, "cinp_cin_plan_id", plan, &[("cinp_cin_plan_end_date", day(self.today))]).await
            }
            _ => Ok(false),
        }
    }

    pub(super) async fn clear(&mut self, hand: &mut Hand<'_>, record: &Record) -> Result<bool> {
        match (self.rng.between(0, 2), record.assessments.last()) {
            (0, Some(assessment)) => {
                let none = [("cina_assessment_auth_date", Value::Null)];
                hand.set(Table::Assessment, "cina_assessment_id", assessment, &none).await
            }
            (1, _) => self.person(hand, record, &[("pers_upn", Value::Null), ("pers_upn_unknown", "UN4".into())]).await,
            _ => self.person(hand, record, &[("pers_ethnicity", Value::Null)]).await,
        }
    }

    pub(super) async fn reopen(&mut self, hand: &mut Hand<'_>, record: &mut Record) -> Result<bool> {
        match record.referrals.last_mut() {
            Some(referral) if !referral.open => {
                referral.open = true;
                let none = [("cine_close_date", Value::Null), ("cine_close_reason", Value::Null)];
                hand.set(Table::Referral, "cine_referral_id", &referral.id, &none).await
            }
            _ => Ok(false),
        }
    }

    pub(super) async fn close(&mut self, hand: &mut Hand<'_>, record: &mut Record) -> Result<bool> {
        if record.care.iter().any(|episode| episode.open) {
            return Ok(false);
        }
        let Some(referral) = record.referrals.iter_mut().rev().find(|referral| referral.open) else {
            return Ok(false);
        };
        referral.open = false;
        let on = self.today.max(referral.start.unwrap_or(self.today));
        let reason = self.rng.weighted(codes::CLOSURE).into();
        let values = [("cine_close_date", day(on)), ("cine_close_reason", reason)];
        hand.set(Table::Referral, "cine_referral_id", &referral.id, &values).await
    }
}
