//! A second document under `merge`, judged by the real definition.

use std::path::Path;
use std::sync::Arc;

use csc_bridge_core::config::{Names, PayloadConfig, Profile, load_definition};
use csc_bridge_core::payload::{Plan, validate};
use csc_bridge_dfe_csc_simulator::{Semantics, Settings};
use serde_json::{Value, json};

use crate::End;

fn settings(semantics: Semantics) -> Settings {
    let definition = load_definition("dfe-csc-0.9", Path::new(".")).expect("the definition");
    let day = "2026-11-20".parse().expect("a date");
    let payload = PayloadConfig::default();
    let plan = Plan::new(&definition, &Profile::default(), &Names::default(), &payload, day).expect("a plan");
    let judge = move |document: &Value| validate::complaints(&plan, semantics, document);
    Settings { validator: Some(Arc::new(judge)), semantics, ..Settings::default() }
}

fn first() -> Value {
    json!({"la_child_id": "c", "mis_child_id": "m", "purge": false,
        "child_details": {"first_name": "A", "sex": "F", "disabilities": ["HAND"], "purge": false},
        "health_and_wellbeing": null,
        "social_care_episodes": [
            {"social_care_episode_id": "f", "referral_date": "2026-05-01", "closure_date": null, "purge": false},
            {"social_care_episode_id": "e", "referral_date": "2026-01-01", "purge": false,
             "adoption": {"placed_date": "2026-02-01", "purge": false},
             "child_and_family_assessments": [{"child_and_family_assessment_id": "a", "factors": ["1A"], "purge": false}],
             "child_in_need_plans": [{"child_in_need_plan_id": "p", "start_date": "2026-01-02", "purge": false}]}]})
}

fn second() -> Value {
    json!({"la_child_id": "c", "mis_child_id": "m", "child_details": {"first_name": null, "disabilities": []},
        "health_and_wellbeing": {"purge": true},
        "social_care_episodes": [
            {"social_care_episode_id": "e", "closure_date": "2026-06-01", "adoption": {"purge": true},
             "child_and_family_assessments": [{"child_and_family_assessment_id": "a", "factors": []}],
             "child_in_need_plans": [{"child_in_need_plan_id": "p", "purge": true}], "child_protection_plans": null}]})
}

fn after_both() -> Value {
    json!({"la_child_id": "c", "mis_child_id": "m", "purge": false, "child_details": {"sex": "F", "purge": false},
        "social_care_episodes": [
            {"social_care_episode_id": "e", "referral_date": "2026-01-01", "closure_date": "2026-06-01", "purge": false,
             "child_and_family_assessments": [{"child_and_family_assessment_id": "a", "factors": [], "purge": false}]},
            {"social_care_episode_id": "f", "referral_date": "2026-05-01", "purge": false}]})
}

#[tokio::test]
async fn a_second_document_changes_what_it_mentions_and_sent_again_changes_nothing() {
    let end = End::start(settings(Semantics::Merge)).await;
    for document in [first(), second(), second()] {
        let (status, answer) = end.post(&json!([document]).to_string()).await;
        assert_eq!(status, 200, "{answer}");
    }
    assert_eq!(end.held().await, [after_both().to_string()]);
    assert_eq!(end.running.children("845"), [("c".to_owned(), after_both())].into());
    let stats = end.running.stats();
    assert_eq!((stats.applied, stats.repeated), (3, 1));
}

#[tokio::test]
async fn a_child_is_purged_by_its_ids_alone() {
    let end = End::start(settings(Semantics::Merge)).await;
    assert_eq!(end.post(&json!([first()]).to_string()).await.0, 200);
    assert_eq!(end.post(r#"[{"la_child_id":"c","mis_child_id":"m","purge":true}]"#).await.0, 200);
    assert!(end.running.children("845").is_empty());
}

#[tokio::test]
async fn what_only_merging_understands_is_refused_under_replace() {
    let end = End::start(settings(Semantics::Replace)).await;
    let (status, body) = end.post(&json!([second()]).to_string()).await;
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let episode = "[0].social_care_episodes[0]";
    let expected = json!([
        "[0].child_details.first_name: not text",
        "[0].health_and_wellbeing.purge: only a whole child can be purged",
        format!("{episode}.adoption.purge: only a whole child can be purged"),
        format!("{episode}.child_in_need_plans[0].purge: only a whole child can be purged"),
        format!("{episode}.child_protection_plans: not a list"),
    ]);
    assert_eq!((status, &body["errors"]), (400, &expected));
    assert!(end.running.children("845").is_empty());
}

#[tokio::test]
async fn a_saved_document_is_held_as_it_is_and_then_merged_into() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("held.ndjson");
    let saved = r#"{"a":null,"la_child_id":"c","social_care_episodes":[{"social_care_episode_id":"f"},{"social_care_episode_id":"e"}]}"#;
    std::fs::write(&path, format!("{{\"document\":{saved},\"la_code\":\"845\"}}\n")).expect("a file");
    let kept = Settings { semantics: Semantics::Merge, state: Some(path), ..Settings::default() };
    let end = End::start(kept).await;
    assert_eq!(end.held().await, [saved]);
    end.post(r#"[{"la_child_id":"c","social_care_episodes":[{"social_care_episode_id":"f","purge":true}]}]"#).await;
    let expected = r#"{"a":null,"la_child_id":"c","social_care_episodes":[{"social_care_episode_id":"e"}]}"#;
    assert_eq!(end.held().await, [expected]);
}
