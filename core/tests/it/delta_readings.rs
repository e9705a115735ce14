//! How DfE is assumed to read a document, and what is known of it when its answer never comes (design, section 7).

use csc_bridge_core::config::{RemovedValues, Semantics};
use csc_bridge_core::delta::{Delta, Rules, is_purge_form, purge_form};

use super::delta_cases::{canonical, parse};
use super::delta_model::plan;
use super::delta_rules::{ADOPTION, EPISODES, PLANS, REFERRED, child, cin_plan, episode, merging};

#[test]
fn a_key_not_mentioned_stays_and_a_null_removes() {
    let held = child(&episode("1", "\"closure_reason\":\"RC1\",\"referral_date\":\"2026-01-01\","));
    let sent = child("{\"closure_reason\":null,\"social_care_episode_id\":\"1\"}");
    assert_eq!(
        merging().apply(&held, &sent),
        child("{\"purge\":false,\"referral_date\":\"2026-01-01\",\"social_care_episode_id\":\"1\"}")
    );
}

#[test]
fn a_block_is_created_merged_or_removed() {
    let with = |adoption: &str| child(&format!("{{\"adoption\":{adoption},\"social_care_episode_id\":\"1\"}}"));
    let adopted = |inner: &str| child(&episode("1", &format!("\"adoption\":{{{inner}\"purge\":false}},")));
    let merging = merging();
    let created = merging.apply(&child(&episode("1", "")), &with("{\"matched_date\":\"d\",\"purge\":false}"));
    assert_eq!(created, adopted("\"matched_date\":\"d\","));
    let merged = merging.apply(&created, &with("{\"placed_date\":\"e\"}"));
    assert_eq!(merged, adopted("\"matched_date\":\"d\",\"placed_date\":\"e\","));
    assert_eq!(merging.apply(&merged, &with("{\"purge\":true}")), child(&episode("1", "")));
    assert_eq!(merging.apply(&merged, &with("null")), child(&episode("1", "")));
}

#[test]
fn members_with_an_id_are_merged_inserted_or_removed_and_an_empty_list_of_them_changes_nothing() {
    let held = child(&[episode("1", ""), episode("2", REFERRED)].join(","));
    let merging = merging();
    assert_eq!(merging.apply(&held, &child("")), held);
    let sent = child("{\"purge\":true,\"social_care_episode_id\":\"1\"},{\"social_care_episode_id\":\"0\"}");
    let expected = child(&["{\"social_care_episode_id\":\"0\"}".to_owned(), episode("2", REFERRED)].join(","));
    assert_eq!(merging.apply(&held, &sent), expected);
    assert_eq!(merging.apply(&expected, &sent), expected, "removing what is not there changes nothing");
}

#[test]
fn every_other_list_is_replaced_whole_but_no_factors_are_a_value() {
    let assessment = |factors: &str| {
        let inner = format!("{{\"child_and_family_assessment_id\":\"a\",\"factors\":{factors},\"purge\":false}}");
        child(&episode("1", &format!("\"child_and_family_assessments\":[{inner}],")))
    };
    let merging = merging();
    assert_eq!(merging.apply(&assessment("[\"1A\",\"2A\"]"), &assessment("[\"3A\"]")), assessment("[\"3A\"]"));
    assert_eq!(merging.apply(&assessment("[\"1A\"]"), &assessment("[]")), assessment("[]"));
    let disabled = child("").replace("\"first_name\"", "\"disabilities\":[\"MOB\"],\"first_name\"");
    assert_eq!(
        merging.apply(&disabled, &disabled.replace("\"MOB\"", "")),
        child("").replace(",\"social_care_episodes\":[]", "")
    );
}

#[test]
fn numbers_and_text_stay_as_they_were_written() {
    let value = "\"referral_source\":123456789012345678901234567890,\"closure_reason\":\"o'\\u0000𝄞\"";
    let held = child(&episode("1", REFERRED));
    let sent = child(&format!("{{{value},\"social_care_episode_id\":\"1\"}}"));
    let after = merging().apply(&held, &sent);
    assert!(after.contains("123456789012345678901234567890") && after.contains("o'\\u0000𝄞"), "{after}");
}

#[test]
fn under_replace_a_document_is_all_that_dfe_holds() {
    let plan = plan(&[]);
    let rules = Rules { root: &plan.root, semantics: Semantics::Replace, removed_values: RemovedValues::Null };
    let (held, desired) = (child(&[episode("1", ""), episode("2", "")].join(",")), child(&episode("2", REFERRED)));
    let (held, desired) = (parse(&held), parse(&desired));
    let sent = rules.delta(Some(&held), &desired, &|_, _| true);
    assert_eq!(sent, Delta::Full(canonical(&desired)));
    assert_eq!(rules.apply(Some(&held), &desired), Some(desired.clone()));
    assert_eq!(rules.delta(Some(&desired), &desired, &|_, _| true), Delta::None);
}

#[test]
fn the_purge_form_removes_the_child_and_says_nothing_else() {
    let form = purge_form("o'1", Some("M\"1"));
    assert_eq!(form, "{\"la_child_id\":\"o'1\",\"mis_child_id\":\"M\\\"1\",\"purge\":true}");
    assert_eq!(purge_form("1", None), "{\"la_child_id\":\"1\",\"purge\":true}");
    assert!(is_purge_form(&parse(&form), "o'1"));
    assert!(!is_purge_form(&parse(&form), "1"), "another child's");
    assert!(!is_purge_form(&parse(&form.replace("true", "false")), "o'1"));
    assert!(!is_purge_form(&parse(&form.replace("}", ",\"child_details\":null}")), "o'1"), "more is said");
    assert_eq!(merging().rules().apply(Some(&parse(&child(""))), &parse(&form)), None);
}

#[test]
fn purges_are_counted_by_list_and_changes_named_by_field() {
    let plans = |id: &str, inner: &str| episode(id, &format!("{REFERRED}\"child_in_need_plans\":[{inner}],"));
    let held = child(&[plans("1", &cin_plan("p", "")), plans("2", &cin_plan("p", "")), episode("3", "")].join(","));
    let desired = child(&[plans("1", ""), episode("4", "\"adoption\":{\"purge\":false},")].join(","));
    let desired = desired.replace("RC1", "RC2").replace("\"x\"", "\"y\"");
    let merging = merging().with_retired(EPISODES, &["2"]);
    let (held, desired) = (parse(&held), parse(&desired));
    merging.with(|rules, still| {
        assert_eq!(rules.purges(&held, &desired, still), [PLANS, PLANS, EPISODES]);
        let changed: Vec<&str> = rules.changed_fields(Some(&held), &desired, still).into_iter().collect();
        let reason = "social_care_episodes[].closure_reason";
        assert_eq!(changed, ["child_details.first_name", EPISODES, PLANS, reason]);
        assert!(rules.changed_fields(Some(&desired), &desired, still).is_empty());
        assert!(rules.changed_fields(None, &desired, still).is_empty());
        let (was, is) = (child(&episode("2", "\"adoption\":{\"purge\":false},")), child(&episode("2", "")));
        let changed = rules.changed_fields(Some(&parse(&was)), &parse(&is), still);
        assert_eq!(changed.into_iter().collect::<Vec<_>>(), [ADOPTION]);
    });
}

// What is known when an answer never comes.

const SENT: &str = "{\"la_child_id\":\"C\",\"purge\":false,\"child_details\":{\"sex\":\"U\"},\"health_and_wellbeing\":null,\
    \"social_care_episodes\":[{\"social_care_episode_id\":\"1\",\"closure_reason\":\"RC2\",\"care_worker_details\":[],\
    \"child_in_need_plans\":[{\"child_in_need_plan_id\":\"p\",\"purge\":true}]},{\"social_care_episode_id\":\"9\",\"adoption\":\
    {\"purge\":true}}]}";

#[test]
fn of_a_request_the_ids_are_kept_of_all_it_mentions() {
    let expected = "{\"child_details\":{},\"health_and_wellbeing\":null,\"la_child_id\":\"C\",\"social_care_episodes\":[\
        {\"child_in_need_plans\":[{\"child_in_need_plan_id\":\"p\",\"purge\":true}],\"social_care_episode_id\":\"1\"},\
        {\"adoption\":{\"purge\":true},\"social_care_episode_id\":\"9\"}]}";
    assert_eq!(merging().rules().mentioned(&parse(SENT)), expected);
}

#[test]
fn what_may_be_held_is_what_was_held_and_of_all_that_was_mentioned_the_ids() {
    let plans = format!("\"child_in_need_plans\":[{},{}],", cin_plan("p", ""), cin_plan("q", "\"start_date\":\"d\","));
    let held = child(&[episode("1", &format!("{REFERRED}{plans}")), episode("2", REFERRED)].join(","));
    let merging = merging();
    let mentioned = merging.rules().mentioned(&parse(SENT));
    let may_hold = merging.rules().may_hold(Some(&parse(&held)), &parse(&mentioned));
    let expected = format!(
        "{{\"child_details\":{{}},\"la_child_id\":\"C\",\"social_care_episodes\":[{{\"child_in_need_plans\":[\
         {{\"child_in_need_plan_id\":\"p\"}},{}],\"social_care_episode_id\":\"1\"}},{},\
         {{\"adoption\":{{}},\"social_care_episode_id\":\"9\"}}]}}",
        cin_plan("q", "\"start_date\":\"d\","),
        episode("2", REFERRED)
    );
    assert_eq!(may_hold, canonical(&parse(&expected)));
    assert_eq!(merging.rules().may_hold(Some(&parse(&may_hold)), &parse(&mentioned)), may_hold, "a second time");
}

#[test]
fn of_a_record_that_may_be_removed_nothing_inside_is_sure_either() {
    let held = child(&episode("1", &format!("{REFERRED}\"child_in_need_plans\":[{}],", cin_plan("p", ""))));
    let form = purge_form("C", None);
    let merging = merging();
    let mentioned = merging.rules().mentioned(&parse(&form));
    assert_eq!(
        merging.rules().may_hold(Some(&parse(&held)), &parse(&mentioned)),
        "{\"child_details\":{},\"la_child_id\":\"C\",\"social_care_episodes\":[{\"child_in_need_plans\":\
         [{\"child_in_need_plan_id\":\"p\"}],\"social_care_episode_id\":\"1\"}]}"
    );
}

#[test]
fn a_member_known_by_its_id_only_is_sent_whole_when_it_returns_with_purges_of_what_is_gone_inside() {
    let held = child("{\"child_in_need_plans\":[{\"child_in_need_plan_id\":\"p\"}],\"social_care_episode_id\":\"1\"}");
    let desired = child(&episode("1", ""));
    let merging = merging();
    let Delta::Partial(sent) = merging.delta(&held, &desired) else { panic!("the rest is known") };
    assert!(sent.contains("\"child_in_need_plans\":[{\"child_in_need_plan_id\":\"p\",\"purge\":true}]"), "{sent}");
    assert!(sent.contains("\"closure_reason\":null"), "{sent}");
    for real in [held, child(""), child(&episode("1", REFERRED)), child(&episode("1", "\"adoption\":null,"))] {
        assert_eq!(merging.apply(&real, &sent), desired, "{real}");
    }
}

#[test]
fn a_retired_member_known_by_its_id_only_is_not_mentioned_and_stays_so_known() {
    let held = child("{\"social_care_episode_id\":\"1\"}");
    let merging = merging().with_retired(EPISODES, &["1"]);
    assert_eq!(merging.delta(&held, &child("")), Delta::None);
    assert_eq!(merging.apply(&held, &merging.full(&held, &child(""))), held);
}
