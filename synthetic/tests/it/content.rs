//! What stands in the rows: good codes, ids and dates, unless a child is awkward.

use std::collections::{HashMap, HashSet};

use crate::memory::{Database, Row, text};
use crate::{RUN_DATE, definition, standard};

#[tokio::test]
async fn codes_are_valid_and_ids_well_formed_unless_a_child_is_awkward() {
    let (database, _) = standard(1_500, 2, 0.0).await;
    let definition = definition();
    for (set, table, column) in [
        ("sex", "ssd_person", "pers_sex"),
        ("ethnicity", "ssd_person", "pers_ethnicity"),
        ("upn_unknown_reason", "ssd_person", "pers_upn_unknown"),
        ("disability", "ssd_disability", "disa_disability_code"),
        ("referral_source", "ssd_cin_episodes", "cine_referral_source_code"),
        ("closure_reason", "ssd_cin_episodes", "cine_close_reason"),
        ("placement_type", "ssd_cla_placement", "clap_cla_placement_type"),
        ("placement_change_reason", "ssd_cla_placement", "clap_cla_placement_change_reason"),
        ("placement_start_reason", "ssd_cla_episodes", "clae_cla_episode_start_reason"),
        ("placement_end_reason", "ssd_cla_episodes", "clae_cla_episode_ceased_reason"),
        ("care_leaver_activity", "ssd_care_leavers", "clea_care_leaver_activity"),
        ("care_leaver_accommodation", "ssd_care_leavers", "clea_care_leaver_accommodation"),
    ] {
        let found = database.texts(table, column);
        assert!(!found.is_empty(), "{column} is never filled");
        for code in found {
            assert!(definition.codes[set].codes.contains_key(&code), "{column}: {code}");
        }
    }
    for list in database.texts("ssd_assessment_factors", "cinf_assessment_factors_json") {
        let codes: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
        assert!(
            !codes.is_empty()
                && codes.iter().all(|code| definition.codes["assessment_factors"].codes.contains_key(*code)),
            "{list}"
        );
    }
    for number in database.texts("ssd_person", "pers_upn") {
        assert!(
            number.len() == 13
                && number.as_bytes()[0].is_ascii_uppercase()
                && number[1..].bytes().all(|byte| byte.is_ascii_digit()),
            "{number}"
        );
    }
    for (table, column) in [
        ("ssd_person", "pers_person_id"),
        ("ssd_cin_episodes", "cine_referral_id"),
        ("ssd_cin_assessments", "cina_assessment_id"),
        ("ssd_cin_plans", "cinp_cin_plan_id"),
        ("ssd_s47_enquiry", "s47e_s47_enquiry_id"),
        ("ssd_cp_plans", "cppl_cp_plan_id"),
        ("ssd_cla_placement", "clap_cla_placement_id"),
        ("ssd_cla_episodes", "clae_cla_episode_id"),
        ("ssd_professionals", "prof_professional_id"),
    ] {
        let ids = database.texts(table, column);
        let distinct: HashSet<&String> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "{column} repeats itself");
        let good = |id: &String| {
            id.len() <= 20
                && !id.contains("0x")
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        assert!(ids.iter().all(good), "{column} holds an id that cannot be sent");
    }
}

#[tokio::test]
async fn dates_are_in_order_and_inside_their_episode() {
    let (database, _) = standard(1_500, 4, 0.0).await;
    let today = (RUN_DATE - jiff::civil::date(1970, 1, 1)).get_days();
    let mut referrals: HashMap<String, (i32, i32)> = HashMap::new();
    for row in database.rows("ssd_cin_episodes") {
        let (start, end) = span(row, "cine_referral_date", "cine_close_date", today);
        referrals.insert(text(row.get("cine_referral_id")).unwrap(), (start, end));
    }
    for (table, referral, start, end) in [
        ("ssd_cin_assessments", "cina_referral_id", "cina_assessment_start_date", "cina_assessment_auth_date"),
        ("ssd_cin_plans", "cinp_referral_id", "cinp_cin_plan_start_date", "cinp_cin_plan_end_date"),
        ("ssd_s47_enquiry", "s47e_referral_id", "s47e_s47_start_date", "s47e_s47_end_date"),
        ("ssd_cp_plans", "cppl_referral_id", "cppl_cp_plan_start_date", "cppl_cp_plan_end_date"),
        ("ssd_cla_episodes", "clae_referral_id", "clae_cla_episode_start_date", "clae_cla_episode_ceased_date"),
        ("ssd_involvements", "invo_referral_id", "invo_involvement_start_date", "invo_involvement_end_date"),
    ] {
        for row in database.rows(table) {
            let (first, last) = referrals[&text(row.get(referral)).unwrap()];
            let (from, to) = span(row, start, end, today);
            assert!(
                from >= first && Database::day(row, end).unwrap_or(last) <= last,
                "{table}: {from} to {to} is not in {first} to {last}"
            );
        }
    }
}

fn span(row: &Row, start: &str, end: &str, today: i32) -> (i32, i32) {
    let from = Database::day(row, start).unwrap();
    let to = Database::day(row, end).unwrap_or(today);
    assert!(from <= to && to <= today, "{start} {from}, {end} {to}, today {today}");
    (from, to)
}

#[tokio::test]
async fn awkward_children_hold_what_bends_a_document() {
    let (database, report) = standard(2_000, 6, 1.0).await;
    assert_eq!(report.awkward, 2_000);
    let holds = |table: &str, column: &str, test: &dyn Fn(&str) -> bool| {
        assert!(database.texts(table, column).iter().any(|value| test(value)), "{column} is never awkward in this way");
    };
    holds("ssd_linked_identifiers", "link_identifier_value", &|value| value == "SSD_PH");
    holds("ssd_cin_assessments", "cina_assessment_auth_date", &|value| value == "1900-01-01");
    holds("ssd_involvements", "invo_referral_id", &|value| value == "-1");
    holds("ssd_cla_episodes", "clae_cla_episode_ceased_reason", &|value| value.starts_with("X1 "));
    holds("ssd_person", "pers_ethnicity", &|value| value == "wbri");
    holds("ssd_cin_plans", "cinp_person_id", &|value| value.ends_with("  "));
    holds("ssd_assessment_factors", "cinf_assessment_factors_json", &|value| value.contains("null,"));
    holds("ssd_assessment_factors", "cinf_assessment_factors_json", &|value| value.starts_with('{'));
    holds("ssd_s47_enquiry", "s47e_s47_outcome_json", &|value| value.starts_with("Concerns"));
    holds("ssd_s47_enquiry", "s47e_s47_outcome_json", &|value| value.contains("OUTCOME_CP_CONFERENCE_FLAG"));
    holds("ssd_person", "pers_upn", &|value| value == "UN1");
    holds("ssd_person", "pers_forename", &|value| value.starts_with("  "));
    holds("ssd_person", "pers_person_id", &|value| value.len() > 36 || value.contains('/'));
    let plans = database.texts("ssd_cin_plans", "cinp_cin_plan_id");
    assert!(plans.iter().collect::<HashSet<_>>().len() < plans.len(), "no plan is there twice");
    let backwards = |row: &&Row| matches!((Database::day(row, "cinp_cin_plan_start_date"), Database::day(row, "cinp_cin_plan_end_date")), (Some(start), Some(end)) if end < start && end > 0);
    assert!(database.rows("ssd_cin_plans").iter().any(|row| backwards(&row)), "no plan ends before it starts");
}
