//! What is sent of a child, sentence by sentence (design, section 7).

use csc_bridge_core::config::{RemovedValues, Semantics};
use csc_bridge_core::delta::{Delta, Rules, Still};
use csc_bridge_core::payload::Plan;

use super::delta_cases::{canonical, parse};
use super::delta_model::plan;

/// A DfE that merges, an SSD that holds what `retired` lists, each as its path and ids.
pub struct Merging {
    pub plan: Plan,
    pub removed_values: RemovedValues,
    pub retired: Vec<(&'static str, Vec<&'static str>)>,
}

pub const EPISODES: &str = "social_care_episodes[]";
pub const PLANS: &str = "social_care_episodes[].child_in_need_plans[]";
pub const ADOPTION: &str = "social_care_episodes[].adoption";

pub fn merging() -> Merging {
    Merging { plan: plan(&[]), removed_values: RemovedValues::Null, retired: Vec::new() }
}

impl Merging {
    pub fn with_retired(mut self, path: &'static str, ids: &[&'static str]) -> Merging {
        self.retired.push((path, ids.to_vec()));
        self
    }

    pub fn rules(&self) -> Rules<'_> {
        Rules { root: &self.plan.root, semantics: Semantics::Merge, removed_values: self.removed_values }
    }

    pub fn with<T>(&self, use_it: impl FnOnce(&Rules<'_>, &Still<'_>) -> T) -> T {
        use_it(&self.rules(), &|path, ids| self.retired.iter().any(|(known, of)| *known == path && of == ids))
    }

    pub fn delta(&self, held: &str, desired: &str) -> Delta {
        self.with(|rules, still| rules.delta(Some(&parse(held)), &parse(desired), still))
    }

    pub fn full(&self, held: &str, desired: &str) -> String {
        self.with(|rules, still| rules.full(&parse(desired), Some(&parse(held)), still))
    }

    pub fn apply(&self, held: &str, sent: &str) -> String {
        canonical(&self.rules().apply(Some(&parse(held)), &parse(sent)).expect("the child is not purged"))
    }
}

/// A child's document around its episodes. Padded, so that what changed is shorter than the whole.
pub fn child(episodes: &str) -> String {
    format!(
        "{{\"child_details\":{{\"first_name\":\"x\",\"purge\":false,\"sex\":\"U\"}},\"la_child_id\":\"C\",\"purge\":false,\
         \"social_care_episodes\":[{episodes}]}}"
    )
}

/// What a partial document says around its episodes.
pub fn partial(episodes: &str) -> Delta {
    Delta::Partial(child(episodes))
}

pub fn episode(id: &str, inner: &str) -> String {
    format!("{{{inner}\"purge\":false,\"social_care_episode_id\":\"{id}\"}}")
}

pub fn cin_plan(id: &str, inner: &str) -> String {
    format!("{{\"child_in_need_plan_id\":\"{id}\",{inner}\"purge\":false}}")
}

pub const REFERRED: &str = "\"closure_reason\":\"RC1\",";

#[test]
fn a_child_of_whom_nothing_is_held_is_sent_in_full_with_every_key_of_the_definition() {
    let merging = merging();
    let desired =
        "{\"child_details\":{\"disabilities\":[\"NONE\"],\"purge\":false},\"la_child_id\":\"C\",\"purge\":false}";
    let sent = merging.with(|rules, still| rules.delta(None, &parse(desired), still));
    assert_eq!(
        sent,
        Delta::Full(
            "{\"child_details\":{\"date_of_birth\":null,\"disabilities\":[\"NONE\"],\"ethnicity\":null,\
             \"expected_date_of_birth\":null,\"first_name\":null,\"former_unique_pupil_number\":null,\"postcode\":null,\
             \"purge\":false,\"sex\":null,\"surname\":null,\"uasc_end_date\":null,\"uasc_flag\":null,\
             \"unique_pupil_number\":null,\"unique_pupil_number_unknown_reason\":null},\"health_and_wellbeing\":null,\
             \"la_child_id\":\"C\",\"mis_child_id\":null,\"purge\":false,\"social_care_episodes\":[]}"
                .to_owned()
        )
    );
}

#[test]
fn a_changed_value_goes_with_its_ids_the_purge_key_and_child_details_and_nothing_else() {
    let held = child(&[episode("1", REFERRED), episode("2", REFERRED)].join(","));
    let desired = child(&[episode("1", REFERRED), episode("2", "\"closure_reason\":\"RC2\",")].join(","));
    assert_eq!(
        merging().delta(&held, &desired),
        partial("{\"closure_reason\":\"RC2\",\"social_care_episode_id\":\"2\"}")
    );
}

#[test]
fn a_value_that_went_is_null_and_so_is_one_of_the_childs_details() {
    let held = child(&episode("1", REFERRED));
    let desired = child(&episode("1", "")).replace("\"first_name\":\"x\",", "");
    let expected = child("{\"closure_reason\":null,\"social_care_episode_id\":\"1\"}").replace("\"x\"", "null");
    assert_eq!(merging().delta(&held, &desired), Delta::Partial(expected));
}

#[test]
fn a_value_that_went_is_sent_in_full_where_nulls_are_not_to_say_so() {
    let merging = Merging { removed_values: RemovedValues::Full, ..merging() };
    let (held, desired) = (child(&episode("1", REFERRED)), child(&episode("1", "")));
    assert_eq!(merging.delta(&held, &desired), Delta::Full(merging.full(&held, &desired)));
    assert!(matches!(merging.delta(&desired, &held), Delta::Partial(_)), "a new value needs no null");
}

#[test]
fn the_childs_other_id_that_went_is_null() {
    let held =
        child(&episode("1", "")).replace("\"purge\":false,\"social", "\"mis_child_id\":\"M\",\"purge\":false,\"social");
    let sent = merging().delta(&held, &child(&episode("1", "")));
    assert!(matches!(&sent, Delta::Partial(sent) if sent.contains("\"mis_child_id\":null")), "{sent:?}");
}

#[test]
fn a_new_member_is_whole_with_nulls_and_empty_lists() {
    let held = child(&episode("1", ""));
    let desired = child(&episode("1", &format!("\"child_in_need_plans\":[{}],", cin_plan("p", ""))));
    let new = "{\"child_in_need_plan_id\":\"p\",\"end_date\":null,\"purge\":false,\"start_date\":null}";
    let sent = format!("{{\"child_in_need_plans\":[{new}],\"social_care_episode_id\":\"1\"}}");
    assert_eq!(merging().delta(&held, &desired), partial(&sent));
    let sent = merging().full(&child(""), &child(&episode("1", "")));
    assert!(sent.contains("{\"adoption\":null,\"care_leavers\":null,\"care_worker_details\":[],"), "{sent}");
}

#[test]
fn a_member_gone_from_the_ssd_is_purged_and_one_that_retired_is_not_mentioned() {
    let held = child(&[episode("1", ""), episode("2", ""), episode("3", "")].join(","));
    let desired = child(&episode("1", ""));
    let merging = merging().with_retired(EPISODES, &["3"]);
    assert_eq!(merging.delta(&held, &desired), partial("{\"purge\":true,\"social_care_episode_id\":\"2\"}"));
    assert!(!merging.full(&held, &desired).contains("\"3\""));
    let after = merging.apply(&held, &merging.full(&held, &desired));
    assert_eq!(after, child(&[episode("1", ""), episode("3", "")].join(",")));
    assert_eq!(merging.delta(&after, &desired), Delta::None);
}

#[test]
fn a_retired_member_inside_which_something_is_gone_is_mentioned_with_that_purge_only() {
    let plans = |inner: &str| episode("1", &format!("\"child_in_need_plans\":[{inner}],{REFERRED}"));
    let held = child(&plans(&[cin_plan("p", ""), cin_plan("q", "")].join(",")));
    let merging = merging().with_retired(EPISODES, &["1"]).with_retired(PLANS, &["1", "q"]);
    let sent =
        "{\"child_in_need_plans\":[{\"child_in_need_plan_id\":\"p\",\"purge\":true}],\"social_care_episode_id\":\"1\"}";
    assert_eq!(merging.delta(&held, &child("")), partial(sent));
    assert_eq!(merging.apply(&held, &child(sent)), child(&plans(&cin_plan("q", ""))));
}

#[test]
fn the_same_id_in_two_parents_is_two_records() {
    let plans = |id: &str, inner: &str| episode(id, &format!("\"child_in_need_plans\":[{inner}],"));
    let one = cin_plan("p", "");
    let held = child(&[plans("1", &one), plans("2", &one)].join(","));
    let desired = child(&[plans("1", &one), episode("2", "")].join(","));
    let sent =
        "{\"child_in_need_plans\":[{\"child_in_need_plan_id\":\"p\",\"purge\":true}],\"social_care_episode_id\":\"2\"}";
    assert_eq!(merging().delta(&held, &desired), partial(sent));
    assert_eq!(merging().apply(&held, &child(sent)), desired);
}

#[test]
fn a_block_that_changed_carries_what_changed_and_its_purge_key() {
    let adoption = |inner: &str| episode("1", &format!("\"adoption\":{{{inner}\"purge\":false}},"));
    let held = child(&adoption("\"initial_decision_date\":\"2026-01-01\",\"matched_date\":\"2026-02-01\","));
    let desired = child(&adoption("\"initial_decision_date\":\"2026-01-01\",\"matched_date\":\"2026-03-01\","));
    let sent = "{\"adoption\":{\"matched_date\":\"2026-03-01\",\"purge\":false},\"social_care_episode_id\":\"1\"}";
    assert_eq!(merging().delta(&held, &desired), partial(sent));
}

#[test]
fn a_block_gone_is_purged_and_one_that_retired_is_not_mentioned_even_in_full() {
    let held = child(&episode("1", "\"adoption\":{\"matched_date\":\"2026-02-01\",\"purge\":false},"));
    let desired = child(&episode("1", ""));
    let sent = "{\"adoption\":{\"purge\":true},\"social_care_episode_id\":\"1\"}";
    assert_eq!(merging().delta(&held, &desired), partial(sent));
    assert!(merging().full(&held, &desired).contains("\"adoption\":{\"purge\":true},\"care_leavers\":null"));
    let retired = merging().with_retired(ADOPTION, &["1"]);
    assert_eq!(retired.delta(&held, &desired), Delta::None);
    let full = retired.full(&held, &desired);
    assert!(!full.contains("adoption") && full.contains("\"care_leavers\":null"), "{full}");
    assert_eq!(retired.apply(&held, &full), held);
}

#[test]
fn a_list_without_ids_is_sent_whole_when_it_differs_and_empty_when_it_went() {
    let workers = |inner: &str| episode("1", &format!("\"care_worker_details\":[{inner}],"));
    let (one, two) = ("{\"worker_id\":\"a\"}", "{\"worker_id\":\"b\"}");
    let held = child(&workers(&format!("{one},{two}")));
    let sent = "{\"care_worker_details\":[{\"end_date\":null,\"start_date\":null,\"worker_id\":\"b\"},\
                {\"end_date\":null,\"start_date\":null,\"worker_id\":\"a\"}],\"social_care_episode_id\":\"1\"}";
    assert_eq!(merging().delta(&held, &child(&workers(&format!("{two},{one}")))), partial(sent), "here order counts");
    let none = "{\"care_worker_details\":[],\"social_care_episode_id\":\"1\"}";
    assert_eq!(merging().delta(&held, &child(&episode("1", ""))), partial(none));
    assert_eq!(merging().apply(&held, &child(none)), child(&episode("1", "")));
}

#[test]
fn a_list_that_went_with_the_object_around_it_is_purged_with_that() {
    let health = "\"health_and_wellbeing\":{\"purge\":false,\"sdq_assessments\":[{\"score\":1}]},\"la_child_id\"";
    let held = child(&episode("1", "")).replace("\"la_child_id\"", health);
    let sent = merging().delta(&held, &child(&episode("1", "")));
    assert!(
        matches!(&sent, Delta::Partial(sent) if sent.contains("\"health_and_wellbeing\":{\"purge\":true}")),
        "{sent:?}"
    );
}

#[test]
fn lists_with_ids_have_no_order() {
    let one = child(&[episode("1", ""), episode("2", "")].join(","));
    let other = child(&[episode("2", ""), episode("1", "")].join(","));
    assert_eq!(merging().delta(&one, &other), Delta::None);
}

#[test]
fn a_partial_document_no_shorter_than_the_full_one_is_not_sent() {
    let merging = merging();
    let bare = "{\"la_child_id\":\"C\",\"purge\":false}";
    let health = "\"health_and_wellbeing\":{\"purge\":false},\"mis_child_id\":\"M\",\"la_child_id\"";
    let desired = child(&episode("1", REFERRED)).replace("\"la_child_id\"", health);
    assert_eq!(merging.delta(bare, &desired), Delta::Full(merging.full(bare, &desired)));
}

#[test]
fn another_childs_document_and_one_known_by_its_id_only_are_answered_in_full() {
    let merging = merging();
    let desired = child(&episode("1", REFERRED));
    let other = desired.replace("\"C\"", "\"D\"");
    assert_eq!(merging.delta(&other, &desired), Delta::Full(merging.full(&other, &desired)));
    let id_only = "{\"la_child_id\":\"C\"}";
    assert_eq!(merging.delta(id_only, &desired), Delta::Full(merging.full(id_only, &desired)));
}

#[test]
fn members_under_unstable_ids_are_never_purged_nor_anything_in_them() {
    let unstable = plan(&["social_care_episodes[].social_care_episode_id"]);
    let merging = Merging { plan: unstable, ..merging() };
    let held = child(&episode("1", "\"adoption\":{\"purge\":false},"));
    assert_eq!(merging.delta(&held, &child("")), Delta::None);
    let purges = merging.with(|rules, still| rules.purges(&parse(&held), &parse(&child("")), still).len());
    assert_eq!(purges, 0);
}

#[test]
fn what_the_definition_no_longer_has_is_left_alone() {
    let desired = child(&episode("1", REFERRED));
    let held = desired.replace("\"closure_reason\"", "\"a_key_of_old\":[1],\"closure_reason\"");
    assert_eq!(merging().delta(&held, &desired), Delta::None);
    assert_eq!(merging().apply(&held, &merging().full(&held, &desired)), held);
}
