//! What goes: a member of a list, or a child altogether.

use csc_bridge_core::error::Result;

use super::change::{Change, Day};
use super::hand::Hand;
use super::record::Record;
use crate::chance::Chance;
use crate::tables::Table;

/// Removes all rows of a child. Workers stay: others have them too.
pub async fn remove_child(hand: &mut Hand<'_>, record: &Record) -> Result<Vec<Change>> {
    for assessment in &record.assessments {
        hand.remove(Table::Factors, "cinf_assessment_id", assessment).await?;
    }
    for enquiry in &record.enquiries {
        hand.remove(Table::Conference, "icpc_s47_enquiry_id", enquiry).await?;
    }
    for (placement, _) in &record.placements {
        hand.remove(Table::Placement, "clap_cla_placement_id", placement).await?;
    }
    for episode in &record.care {
        hand.remove(Table::Placement, "clap_cla_id", &episode.period).await?;
        hand.remove(Table::Permanence, "perm_cla_id", &episode.period).await?;
    }
    for referral in &record.referrals {
        for (table, key) in [
            (Table::Assessment, "cina_referral_id"),
            (Table::CinPlan, "cinp_referral_id"),
            (Table::Section47, "s47e_referral_id"),
            (Table::CpPlan, "cppl_referral_id"),
            (Table::CareEpisode, "clae_referral_id"),
            (Table::Involvement, "invo_referral_id"),
        ] {
            hand.remove(table, key, &referral.id).await?;
        }
    }
    for (table, key) in [
        (Table::Referral, "cine_person_id"),
        (Table::CinPlan, "cinp_person_id"),
        (Table::CpPlan, "cppl_person_id"),
        (Table::CareEpisode, "clae_person_id"),
        (Table::LinkedIdentifier, "link_person_id"),
        (Table::Address, "addr_person_id"),
        (Table::Disability, "disa_person_id"),
        (Table::Immigration, "immi_person_id"),
        (Table::Sdq, "csdq_person_id"),
        (Table::Permanence, "perm_person_id"),
        (Table::CareLeaver, "clea_person_id"),
        (Table::Person, "pers_person_id"),
    ] {
        hand.remove(table, key, &record.id).await?;
    }
    Ok(vec![Change::Removed])
}

impl Day {
    /// Removes a plan, or an assessment with its factors.
    pub(super) async fn remove_member(&mut self, hand: &mut Hand<'_>, record: &mut Record) -> Result<bool> {
        if let Some(plan) = record.cin_plans.pop_if(|_| self.rng.happens(0.5)) {
            return hand.remove(Table::CinPlan, "cinp_cin_plan_id", &plan).await;
        }
        if let Some(plan) = record.cp_plans.pop() {
            return hand.remove(Table::CpPlan, "cppl_cp_plan_id", &plan).await;
        }
        let Some(assessment) = record.assessments.pop() else {
            return Ok(false);
        };
        hand.remove(Table::Factors, "cinf_assessment_id", &assessment).await?;
        hand.remove(Table::Assessment, "cina_assessment_id", &assessment).await
    }
}
