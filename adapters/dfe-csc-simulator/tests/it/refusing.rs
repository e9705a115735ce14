//! Batches that are refused, each of them whole.

use csc_bridge_dfe_csc_simulator::{Expected, Faults, Settings};
use serde_json::Value;

use crate::{End, http, validating};

const GOOD: &str = r#"[{"la_child_id":"c","child_details":{"sex":"M"}}]"#;

#[tokio::test]
async fn a_sender_without_a_good_token_or_supplier_key_is_refused() {
    let end = End::start(Settings::default()).await;
    for token in [None, Some("Bearer "), Some("Bearer nobody"), Some(end.token.as_str())] {
        assert_eq!(end.post_as("845", GOOD, &[("Authorization", token)]).await.0, 401, "{token:?}");
    }
    for key in [None, Some("")] {
        assert_eq!(end.post_as("845", GOOD, &[("SupplierKey", key)]).await.0, 403, "{key:?}");
    }
    let expected = Expected { supplier_key: Some("other".into()), ..Expected::default() };
    let end = End::start(Settings { expected, ..Settings::default() }).await;
    assert_eq!(end.post(GOOD).await.0, 403);
}

#[tokio::test]
async fn wrong_addresses_and_methods_are_refused() {
    let end = End::start(Settings::default()).await;
    for la_code in ["84", "8450", "84x", ""] {
        assert_eq!(end.post_as(la_code, GOOD, &[]).await.0, 404, "{la_code}");
        assert_eq!(end.get(&format!("/_simulator/children/{la_code}")).await.0, 404, "{la_code}");
    }
    for path in ["/", "/nothing", "/token/", "/children_social_care_data/845"] {
        assert_eq!(end.get(path).await.0, 404, "{path}");
    }
    for path in ["/token", "/children_social_care_data/845/children"] {
        assert_eq!(end.get(path).await.0, 405, "{path}");
    }
    assert_eq!(http::request(end.running.addr(), "POST", "/_simulator/stats", &[], "").await.0, 405);
}

#[tokio::test]
async fn other_content_types_are_refused() {
    let end = End::start(Settings::default()).await;
    for media_type in [None, Some("text/plain"), Some("application/jsonx")] {
        assert_eq!(end.post_as("845", GOOD, &[("Content-Type", media_type)]).await.0, 415, "{media_type:?}");
    }
}

#[tokio::test]
async fn bodies_that_are_no_batch_are_refused() {
    let end = End::start(Settings::default()).await;
    let children = |count| format!("[{}]", vec![r#"{"la_child_id":"c"}"#; count].join(","));
    for body in ["", "{}", "[", "[]", "null", &children(101)] {
        assert_eq!(end.post(body).await.0, 400, "{body}");
    }
    assert_eq!(end.post(&children(100)).await.0, 200);
}

#[tokio::test]
async fn a_bad_record_refuses_its_whole_batch_and_is_named_by_its_position() {
    let end = End::start(validating()).await;
    let batch = r#"[{"la_child_id":"a","child_details":{"sex":"M"}},{"la_child_id":"b","child_details":{"sex":"Zed"}},
        {"child_details":{"sex":"F"}},{"la_child_id":"d","child_details":{"sex":"F"},"purge":"no"},
        {"la_child_id":"e","mis_child_id":"m","purge":true,"x":1},7,{"la_child_id":"f","purge":true,"x":1},
        {"la_child_id":"g","mis_child_id":"","purge":true},{"la_child_id":"h","mis_child_id":7,"purge":true}]"#;
    let (status, body) = end.post(batch).await;
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let expected = [
        "[1].child_details.sex: not a code",
        "[2].la_child_id: missing, empty or not text",
        "[3].purge: not true or false",
        "[4].purge: not the child's ids and purge alone",
        "[5].la_child_id: missing, empty or not text",
        "[6].purge: not the child's ids and purge alone",
        "[7].purge: not the child's ids and purge alone",
        "[8].purge: not the child's ids and purge alone",
    ];
    assert_eq!((status, &body["errors"]), (400, &serde_json::json!(expected)));
    assert!(end.held().await.is_empty());
}

#[tokio::test]
async fn without_a_validator_any_object_with_an_id_is_taken() {
    let end = End::start(Settings::default()).await;
    assert_eq!(end.post(r#"[{"la_child_id":"a","child_details":{"sex":"Zed"}}]"#).await.0, 200);
    assert_eq!(end.post("[{}]").await.0, 400);
}

#[tokio::test]
async fn an_id_that_looks_hexadecimal_is_blocked_wherever_it_stands() {
    let end = End::start(Settings::default()).await;
    for body in [
        r#"[{"la_child_id":"A0x1"}]"#,
        r#"[{"la_child_id":"a"},{"la_child_id":"b","mis_child_id":"0X12"}]"#,
        r#"[{"la_child_id":"a","social_care_episodes":[{"social_care_episode_id":"10x"}]}]"#,
    ] {
        assert_eq!(end.post(body).await.0, 403, "{body}");
    }
    assert_eq!(end.post(r#"[{"la_child_id":"a","child_details":{"surname":"0x"}}]"#).await.0, 200);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_one_at_it_is_taken() {
    let faults = Faults { byte_limit: Some(GOOD.len()), ..Faults::default() };
    let end = End::start(Settings { faults, ..Settings::default() }).await;
    assert_eq!(end.post(GOOD).await.0, 200);
    assert_eq!(end.post(&format!("{GOOD} ")).await.0, 413);
    let large = format!("[{{\"la_child_id\":\"{}\"}}]", "c".repeat(3_000_000));
    assert_eq!(end.post(&large).await.0, 413);
    assert_eq!(end.running.stats().faults["byte_limit"], 2);
}
