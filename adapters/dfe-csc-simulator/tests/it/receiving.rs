//! Batches that are taken.

use std::time::{Duration, Instant};

use csc_bridge_dfe_csc_simulator::Settings;

use crate::{End, validating};

#[tokio::test]
async fn each_record_gets_a_receipt_of_the_documented_form() {
    let end = End::start(Settings::default()).await;
    let (status, body) = end.post(r#"[{"la_child_id":"c1"},{"la_child_id":"c2"}]"#).await;
    assert_eq!(status, 200);
    let receipts: Vec<String> = serde_json::from_str(&body).expect("an array of strings");
    assert_eq!(receipts.len(), 2);
    for receipt in &receipts {
        let shape: String = receipt.chars().map(|c| if c.is_ascii_hexdigit() { '0' } else { c }).collect();
        assert_eq!(shape, "0000-00-00_00:00:00.00_00000000-0000-0000-0000-000000000000.json", "{receipt}");
    }
    assert_ne!(receipts[0], receipts[1]);
}

#[tokio::test]
async fn a_later_document_replaces_the_earlier_one_and_a_purge_removes_the_child() {
    let end = End::start(validating()).await;
    let batch =
        r#"[{"la_child_id":"b","child_details":{"sex":"M"},"x":1}, {"la_child_id":"a","child_details":{"sex":"F"}}]"#;
    assert_eq!(end.post(batch).await.0, 200);
    assert_eq!(
        end.held().await,
        [
            r#"{"child_details":{"sex":"F"},"la_child_id":"a"}"#,
            r#"{"child_details":{"sex":"M"},"la_child_id":"b","x":1}"#
        ]
    );
    let batch =
        r#"[{"la_child_id":"b","child_details":{"sex":"U"}},{"la_child_id":"a","mis_child_id":"m","purge":true}]"#;
    assert_eq!(end.post(batch).await.0, 200);
    assert_eq!(end.held().await, [r#"{"child_details":{"sex":"U"},"la_child_id":"b"}"#]);
}

#[tokio::test]
async fn a_purge_needs_no_other_id_than_the_childs() {
    let end = End::start(validating()).await;
    let child = r#"[{"la_child_id":"a","child_details":{"sex":"M"}}]"#;
    for purge in [r#"[{"la_child_id":"a","purge":true}]"#, r#"[{"la_child_id":"a","mis_child_id":"m","purge":true}]"#] {
        assert_eq!(end.post(child).await.0, 200);
        assert_eq!(end.held().await.len(), 1);
        assert_eq!(end.post(purge).await.0, 200, "{purge}");
        assert!(end.held().await.is_empty(), "{purge}");
    }
}

#[tokio::test]
async fn authorities_are_held_apart() {
    let end = End::start(Settings::default()).await;
    for (la_code, body) in [("845", r#"[{"la_child_id":"c","x":1}]"#), ("001", r#"[{"la_child_id":"c","x":2}]"#)] {
        assert_eq!(end.post_as(la_code, body, &[]).await.0, 200);
    }
    assert_eq!(end.held().await, [r#"{"la_child_id":"c","x":1}"#]);
    assert_eq!(end.get("/_simulator/children/001").await, (200, "{\"la_child_id\":\"c\",\"x\":2}\n".to_owned()));
    assert_eq!(end.get("/_simulator/children/999").await, (200, String::new()));
}

#[tokio::test]
async fn a_content_type_may_carry_its_charset() {
    let end = End::start(Settings::default()).await;
    let charset = [("Content-Type", Some("Application/JSON; charset=utf-8"))];
    assert_eq!(end.post_as("845", r#"[{"la_child_id":"c"}]"#, &charset).await.0, 200);
}

#[tokio::test]
async fn every_batch_waits_for_the_latency() {
    let end = End::start(Settings { latency: Duration::from_millis(200), ..Settings::default() }).await;
    let begun = Instant::now();
    end.post(r#"[{"la_child_id":"c"}]"#).await;
    assert!(begun.elapsed() >= Duration::from_millis(200));
}
