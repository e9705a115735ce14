//! Documents that a source delivers finished: what of them is sent, and what is said.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use csc_bridge_core::config::{InvalidCodes, Names, PayloadConfig, Profile, Semantics, load_definition};
use csc_bridge_core::delta::canonical_hash;
use csc_bridge_core::payload::{Assembler, Findings, Plan, Verdict, validate};
use serde_json::{Value, json};

fn plan(payload: &PayloadConfig) -> Plan {
    let definition = load_definition("dfe-csc-0.9", Path::new(".")).unwrap();
    let day = "2026-11-20".parse().unwrap();
    Plan::new(&definition, &Profile::default(), &Names::default(), payload, day).unwrap()
}

/// What becomes of a text for child `c`: the document, or the verdict's name; and the findings.
fn judged_by(plan: &Plan, text: Option<&str>) -> (Value, BTreeMap<String, u64>) {
    let mut findings = Findings::default();
    let mut assembler = Assembler::new(plan);
    let outcome = match assembler.admit(text, "c", &mut findings).unwrap() {
        Verdict::Cohort(child) => {
            let document: Value = serde_json::from_str(child.document).unwrap();
            assert!(validate::complaints(plan, Semantics::Replace, &document).is_empty(), "{document}");
            assert_eq!(canonical_hash(child.document, &[]).unwrap(), child.hash, "the bytes are not canonical");
            document
        }
        Verdict::Left => "left".into(),
        Verdict::Refused => "refused".into(),
        Verdict::Unread => "unread".into(),
    };
    (outcome, findings.list().into_iter().map(|found| (found.rule, found.count)).collect())
}

fn judged(document: &Value) -> (Value, BTreeMap<String, u64>) {
    judged_by(&plan(&PayloadConfig::default()), Some(&document.to_string()))
}

/// A child of ten years, with these values in `child_details` and in an episode.
fn child(details: Value, episode: Value) -> Value {
    let mut child = json!({"la_child_id": "c", "child_details": {"date_of_birth": "2016-01-02"}});
    child["child_details"].as_object_mut().unwrap().extend(details.as_object().unwrap().clone());
    if episode != json!({}) {
        child["social_care_episodes"] = json!([{"social_care_episode_id": "e"}]);
        child["social_care_episodes"][0].as_object_mut().unwrap().extend(episode.as_object().unwrap().clone());
    }
    child
}

fn found(rules: &[(&str, u64)]) -> BTreeMap<String, u64> {
    rules.iter().map(|(rule, count)| ((*rule).to_owned(), *count)).collect()
}

#[test]
fn values_are_cleaned_as_those_of_a_database_are() {
    let details = json!({"first_name": "  Ann ", "surname": " ", "sex": "f", "ethnicity": null, "disabilities": ["mob", "NONE", "MOB"],
        "date_of_birth": "2016-01-02T00:00:00Z", "uasc_flag": "Y", "postcode": "SSD_PH"});
    let episode = json!({"social_care_episode_id": 77, "referral_date": "1900-01-01", "closure_reason": "RC1 adopted",
        "referral_source": "1A: Individual", "referral_no_further_action_flag": 0});
    let (document, findings) = judged(&child(details, episode));
    let details = json!({"date_of_birth": "2016-01-02", "disabilities": ["MOB"], "first_name": "Ann", "purge": false, "sex": "F",
        "uasc_flag": true});
    let episode = json!({"social_care_episode_id": "77", "closure_reason": "RC1", "referral_source": "1A", "purge": false,
        "referral_no_further_action_flag": false});
    let expected =
        json!({"la_child_id": "c", "purge": false, "child_details": details, "social_care_episodes": [episode]});
    assert_eq!((document, findings), (expected, found(&[])));
}

#[test]
fn bad_values_unknown_keys_and_records_without_an_id_are_left_out_and_said() {
    let details = json!({"first_name": {"given": "Ann"}, "unique_pupil_number": "123", "ethnicity": "Klingon", "shoe_size": 38,
        "date_of_birth": "2016-01-02", "uasc_end_date": "soon", "disabilities": [["MOB"], "HAND"]});
    let episode = json!({"child_in_need_plans": [{"start_date": "2026-01-01"}, {"child_in_need_plan_id": "a b"}, 7,
            {"child_in_need_plan_id": "p"}, {"child_in_need_plan_id": "p"}],
        "adoption": ["no"], "care_worker_details": {"worker_id": "w"}});
    let (document, findings) = judged(&child(details, episode));
    let details = json!({"date_of_birth": "2016-01-02", "disabilities": ["HAND"], "purge": false, "sex": "U"});
    assert_eq!(document["child_details"], details);
    let episode = json!({"social_care_episode_id": "e", "purge": false,
        "child_in_need_plans": [{"child_in_need_plan_id": "p", "purge": false}]});
    assert_eq!(document["social_care_episodes"], json!([episode]));
    let expected = [
        ("bad_id:social_care_episodes[].child_in_need_plans[].child_in_need_plan_id", 1),
        ("bad_json:child_details.disabilities", 1),
        ("bad_json:child_details.first_name", 1),
        ("bad_json:social_care_episodes[].adoption", 1),
        ("bad_json:social_care_episodes[].care_worker_details[]", 1),
        ("bad_json:social_care_episodes[].child_in_need_plans[]", 1),
        ("duplicate_id:social_care_episodes[].child_in_need_plans[].child_in_need_plan_id", 1),
        ("no_id:social_care_episodes[].child_in_need_plans[].child_in_need_plan_id", 1),
        ("not_a_code:child_details.ethnicity", 1),
        ("not_a_date:child_details.uasc_end_date", 1),
        ("unknown_key:child_details", 1),
        ("wrong_length:child_details.unique_pupil_number", 1),
    ];
    assert_eq!(findings, found(&expected));
}

#[test]
fn an_empty_list_says_that_there_is_none_and_a_list_that_is_not_there_says_nothing() {
    let assessed = |factors: Value| json!({"child_and_family_assessments": [{"child_and_family_assessment_id": "a", "factors": factors}]});
    let (document, _) = judged(&child(json!({"disabilities": []}), assessed(json!(["2A", "1A"]))));
    assert_eq!(document["child_details"]["disabilities"], json!(["NONE"]));
    let factors = "/social_care_episodes/0/child_and_family_assessments/0/factors";
    assert_eq!(document.pointer(factors), Some(&json!(["1A", "2A"])));
    let (document, findings) = judged(&child(json!({}), assessed(json!(null))));
    assert!(document["child_details"].get("disabilities").is_none(), "{document}");
    assert_eq!((document.pointer(factors), findings), (Some(&json!([])), found(&[])));
}

#[test]
fn what_is_no_document_of_this_child_is_refused() {
    let good = child(json!({}), json!({}));
    let mut other = good.clone();
    other["la_child_id"] = "C".into();
    let mut nobody = good.clone();
    nobody.as_object_mut().unwrap().remove("la_child_id");
    let mut purge = good.clone();
    purge["purge"] = true.into();
    let within = child(json!({}), json!({"adoption": {"purge": true}}));
    let texts = [other, nobody, purge, within].map(|document| document.to_string());
    let plan = plan(&PayloadConfig::default());
    for text in texts.iter().map(String::as_str).chain(["", "[]", "null", "{\"la_child_id\":\"c\"", "\"c\"", "{]"]) {
        let expected = ("refused".into(), found(&[("child.bad_document", 1)]));
        assert_eq!(judged_by(&plan, Some(text)), expected, "{text}");
    }
    assert_eq!(judged_by(&plan, Some(&good.to_string())).1, found(&[]));
}

#[test]
fn a_document_that_could_not_be_had_is_a_finding_and_no_verdict_on_the_child() {
    let plan = plan(&PayloadConfig::default());
    assert_eq!(judged_by(&plan, None), ("unread".into(), found(&[("child.no_document", 1)])));
}

#[test]
fn the_rule_of_age_holds_for_documents() {
    for (details, expected) in [
        (json!({"date_of_birth": "1990-01-01"}), "left"),
        (json!({"date_of_birth": null}), "left"),
        (json!({"date_of_birth": "2029-01-01"}), "left"),
        (json!({"date_of_birth": "yesterday"}), "refused"),
        (json!({"date_of_birth": null, "expected_date_of_birth": "?"}), "refused"),
    ] {
        assert_eq!(judged(&child(details.clone(), json!({}))).0, json!(expected), "{details}");
    }
    let (born_to_come, _) = judged(&child(json!({"date_of_birth": "2027-01-01"}), json!({})));
    assert_eq!(born_to_come["child_details"]["expected_date_of_birth"], "2027-01-01");
    assert!(born_to_come["child_details"].get("date_of_birth").is_none());
    assert_eq!(judged(&json!({"la_child_id": "c"})).0, json!("left"), "nobody knows its age");
}

#[test]
fn lists_come_into_one_order_whatever_order_they_came_in() {
    let episode = |id: &str, date: Value| json!({"social_care_episode_id": id, "referral_date": date});
    let episodes = [
        episode("z", json!("2026-01-01")),
        episode("a", json!("2026-03-01")),
        episode("b", json!("2026-03-01")),
        episode("c", json!(null)),
    ];
    for turn in 0..episodes.len() {
        let mut document = child(json!({}), json!({}));
        let mut turned = episodes.to_vec();
        turned.rotate_left(turn);
        document["social_care_episodes"] = turned.into();
        let (document, _) = judged(&document);
        let ids: Vec<&str> = document["social_care_episodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|episode| episode["social_care_episode_id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, ["z", "a", "b", "c"], "turned by {turn}");
    }
}

#[test]
fn invalid_codes_are_sent_where_the_authority_wants_them_sent() {
    let payload = PayloadConfig { invalid_codes: InvalidCodes::Send, ..PayloadConfig::default() };
    let plan = plan(&payload);
    let mut findings = Findings::default();
    let text = child(json!({"ethnicity": "XXXX"}), json!({})).to_string();
    let mut assembler = Assembler::new(&plan);
    let Verdict::Cohort(child) = assembler.admit(Some(&text), "c", &mut findings).unwrap() else {
        panic!("no document")
    };
    assert!(child.document.contains("\"ethnicity\":\"XXXX\""), "{}", child.document);
}

#[test]
fn unstable_ids_are_written_and_stay_out_of_the_hash() {
    let path = "social_care_episodes[].social_care_episode_id".to_owned();
    let payload = PayloadConfig { unstable_ids: vec![path.clone()], ..PayloadConfig::default() };
    let plan = plan(&payload);
    let mut seen = Vec::new();
    for id in ["e1", "e2"] {
        let text = child(json!({}), json!({"social_care_episode_id": id, "referral_date": "2026-01-01"})).to_string();
        let mut assembler = Assembler::new(&plan);
        let verdict = assembler.admit(Some(&text), "c", &mut Findings::default()).unwrap();
        let Verdict::Cohort(child) = verdict else { panic!("no document") };
        assert_eq!(canonical_hash(child.document, std::slice::from_ref(&path)).unwrap(), child.hash);
        seen.push((child.document.to_owned(), child.hash));
    }
    assert!(seen[0].0 != seen[1].0 && seen[0].1 == seen[1].1);
}
