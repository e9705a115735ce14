//! `POST /token`.

use std::net::SocketAddr;
use std::time::Duration;

use csc_bridge_dfe_csc_simulator::{Expected, Settings};
use serde_json::Value;

use crate::{End, brief, http};

const FORM: &str = "grant_type=client_credentials&client_id=a&client_secret=s%2Bt&scope=x%2F.default";

pub async fn fetch(from: SocketAddr) -> String {
    let (status, body) = ask(from, FORM).await;
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().expect("a token").to_owned()
}

/// The answer to a good request, if one comes.
pub async fn try_fetch(from: SocketAddr) -> Option<http::Answer> {
    http::exchange(from, "POST", "/token", &[], FORM).await.expect("a connection")
}

async fn ask(from: SocketAddr, form: &str) -> (u16, Value) {
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let (status, body) = http::request(from, "POST", "/token", &headers, form).await;
    (status, serde_json::from_str(&body).expect("JSON"))
}

#[tokio::test]
async fn good_credentials_get_a_token_with_its_life() {
    let end = End::start(brief(Duration::from_secs(120))).await;
    let (status, body) = ask(end.running.addr(), FORM).await;
    assert_eq!((status, &body["token_type"], &body["expires_in"]), (200, &"Bearer".into(), &120.into()));
    assert_ne!(body["access_token"], end.token.as_str());
}

#[tokio::test]
async fn a_bad_form_is_refused() {
    let end = End::start(Settings::default()).await;
    for (form, reason) in [
        ("", "unsupported_grant_type"),
        ("grant_type=password&client_id=a&client_secret=b&scope=c", "unsupported_grant_type"),
        ("grant_type=client_credentials&client_id=a&client_secret=&scope=c", "invalid_request"),
        ("grant_type=client_credentials&client_id=a&client_secret=b", "invalid_request"),
        ("grant_type=%zz", "invalid_request"),
    ] {
        let (status, body) = ask(end.running.addr(), form).await;
        assert_eq!((status, &body["error"]), (400, &reason.into()), "{form}");
    }
}

#[tokio::test]
async fn wrong_credentials_are_refused_where_they_are_known() {
    let expected = Expected { client_id: Some("a".into()), client_secret: Some("s+t".into()), supplier_key: None };
    let end = End::start(Settings { expected, ..Settings::default() }).await;
    for wrong in [FORM.replace("client_id=a", "client_id=b"), FORM.replace("s%2Bt", "s%2Bu")] {
        let (status, body) = ask(end.running.addr(), &wrong).await;
        assert_eq!((status, &body["error"]), (401, &"invalid_client".into()));
    }
}

#[tokio::test]
async fn the_word_bearer_is_read_in_any_case_and_the_token_in_its_own() {
    let end = End::start(Settings::default()).await;
    let body = r#"[{"la_child_id":"c"}]"#;
    for (scheme, status) in
        [("Bearer", 200), ("bearer", 200), ("BEARER", 200), ("bearer ", 200), ("Basic", 401), ("Bearers", 401)]
    {
        let authorization = format!("{scheme} {}", end.token);
        assert_eq!(end.post_as("845", body, &[("Authorization", Some(&authorization))]).await.0, status, "{scheme}");
    }
    let changed = format!("Bearer {}x", end.token);
    assert_eq!(end.post_as("845", body, &[("Authorization", Some(&changed))]).await.0, 401);
}

#[tokio::test]
async fn a_token_ends() {
    let end = End::start(brief(Duration::from_secs(1))).await;
    assert_eq!(end.post(r#"[{"la_child_id":"c"}]"#).await.0, 200);
    tokio::time::sleep(Duration::from_millis(1050)).await;
    assert_eq!(end.post(r#"[{"la_child_id":"c"}]"#).await.0, 401);
}
