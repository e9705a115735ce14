//! Where tokens come from and how long they are used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use csc_bridge_core::error::Kind;
use csc_bridge_core::sink::Then;
use tokio::sync::Notify;

use crate::server::{Reply, Server};
use crate::{Bridge, refused, send};

async fn token_endpoint_answering(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |request, _| if request.is_token() { reply() } else { Reply::receipts(1) }).await
}

#[tokio::test]
async fn a_token_is_asked_for_with_client_credentials_in_a_form() {
    let server = Server::with_tokens(|_, _| Reply::receipts(1)).await;
    send(&Bridge::new().sink(&server, ""), 1).await.expect("taken");
    let [request] = server.requests(true).try_into().ok().expect("one token request");
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("supplierkey"), None);
    assert_eq!(
        request.body,
        "grant_type=client_credentials&client_id=client-1&client_secret=a%2Bsecret%26with%3Dsigns&scope=api%3A%2F%2Fx%2F.default"
    );
}

#[tokio::test]
async fn concurrent_sends_fetch_one_token_and_later_ones_use_it() {
    let server = Server::with_tokens(|_, _| Reply::receipts(1)).await;
    let sink = Bridge::new().sink(&server, "");
    let mut sends = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let sink = sink.clone();
        sends.spawn(async move { send(&sink, 1).await.map(|_| ()) });
    }
    while let Some(sent) = sends.join_next().await {
        sent.expect("no panic").expect("taken");
    }
    send(&sink, 1).await.expect("taken");
    assert_eq!((server.requests(true).len(), server.requests(false).len()), (1, 9));
}

#[tokio::test]
async fn a_refused_token_is_dropped_and_the_next_send_fetches_another() {
    let server = Server::with_tokens(|request, _| match request.header("authorization") {
        Some("Bearer token-0") => Reply::of(401, "expired"),
        _ => Reply::receipts(1),
    })
    .await;
    let sink = Bridge::new().sink(&server, "");
    let error = refused(&sink, 1).await;
    assert_eq!((error.then, error.error.kind()), (Then::Reauthenticate, Kind::Permission));
    send(&sink, 1).await.expect("taken");
    send(&sink, 1).await.expect("taken");
    assert_eq!(server.requests(true).len(), 2);
}

#[tokio::test]
async fn a_late_refusal_of_an_old_token_leaves_the_new_one_in_place() {
    // Two batches go out with the first token. The one that came first is refused last, when the token has been replaced.
    let told = Arc::new(Notify::new());
    let late = told.clone();
    let server = Server::with_tokens(move |request, before| match request.header("authorization") {
        Some("Bearer token-0") if before == 0 => Reply::Held(late.clone(), Box::new(Reply::of(401, ""))),
        Some("Bearer token-0") => Reply::of(401, ""),
        _ => Reply::receipts(1),
    })
    .await;
    let sink = Bridge::new().sink(&server, "");
    let slow = tokio::spawn({
        let sink = sink.clone();
        async move { refused(&sink, 1).await.then }
    });
    server.has_batches(1).await;
    assert_eq!(refused(&sink, 1).await.then, Then::Reauthenticate);
    send(&sink, 1).await.expect("taken with the second token");
    told.notify_one();
    assert_eq!(slow.await.expect("no panic"), Then::Reauthenticate);
    send(&sink, 1).await.expect("taken with the second token still");
    assert_eq!(server.requests(true).len(), 2);
}

#[tokio::test]
async fn a_second_refusal_of_a_new_token_is_said_so_and_not_asked_about_again() {
    let server = Server::with_tokens(|_, _| Reply::of(401, "wrong audience")).await;
    let sink = Bridge::new().sink(&server, "");
    for _ in 0..2 {
        let error = refused(&sink, 1).await;
        assert_eq!(error.then, Then::Reauthenticate);
        assert!(error.error.advice().contains("scope"), "{}", error.error.advice());
    }
    assert_eq!((server.requests(true).len(), server.requests(false).len()), (2, 2));
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let server = Server::start(|request, before| match request.is_token() {
        true => Reply::token(&before.to_string(), 1),
        false => Reply::receipts(1),
    })
    .await;
    let sink = Bridge::new().sink(&server, "");
    send(&sink, 1).await.expect("taken");
    tokio::time::sleep(Duration::from_millis(950)).await;
    send(&sink, 1).await.expect("taken");
    let used: Vec<_> =
        server.requests(false).iter().map(|request| request.header("authorization").map(str::to_owned)).collect();
    assert_eq!(used, [Some("Bearer token-0".to_owned()), Some("Bearer token-1".to_owned())]);
}

#[tokio::test]
async fn a_refusal_of_the_credentials_ends_the_run_and_advises() {
    for (status, body, word) in [
        (400, r#"{"error":"invalid_scope","error_description":"api://x client-1"}"#, "scope"),
        (400, "nonsense", "client_id, client_secret and scope"),
        (401, r#"{"error":"invalid_client","error_description":"AADSTS7000222: client-1"}"#, "client_secret"),
    ] {
        let server = token_endpoint_answering(move || Reply::of(status, body)).await;
        let error = refused(&Bridge::new().sink(&server, ""), 1).await;
        assert_eq!((error.then, error.error.kind(), error.detail), (Then::GiveUp, Kind::Permission, None));
        assert!(error.error.advice().contains(word), "{}", error.error.advice());
        assert_eq!(server.requests(false).len(), 0);
    }
}

#[tokio::test]
async fn a_proxy_that_answers_for_the_token_endpoint_is_named() {
    for (status, headers, words) in [
        (407, "proxy-authenticate: NTLM\r\n", "Windows logon (NTLM)"),
        (403, "server: squid/6.10\r\n", "a proxy on the way answered 403"),
    ] {
        let server = token_endpoint_answering(move || Reply::Answer { status, headers, body: String::new() }).await;
        let error = refused(&Bridge::new().sink(&server, ""), 1).await;
        assert_eq!((error.then, error.error.kind()), (Then::GiveUp, Kind::Permission));
        assert!(error.error.message().contains("token endpoint"), "{}", error.error.message());
        assert!(error.error.message().contains(words), "{}", error.error.message());
    }
}

#[tokio::test]
async fn a_token_endpoint_out_of_order_may_be_asked_again() {
    let server =
        token_endpoint_answering(|| Reply::Answer { status: 503, headers: "retry-after: 5\r\n", body: String::new() })
            .await;
    let error = refused(&Bridge::new().sink(&server, ""), 1).await;
    assert_eq!(
        (error.then, error.error.kind()),
        (Then::Retry { after: Some(Duration::from_secs(5)) }, Kind::Unreachable)
    );

    for reply in [
        || Reply::Close,
        || Reply::Hang,
        || Reply::Cut { status: 200, body: "{\"access_token\":\"token-x\"}".to_owned() },
    ] {
        let server = token_endpoint_answering(reply).await;
        let sink = Bridge::new().sink(&server, "connect_timeout = \"1s\"\nrequest_timeout = \"200ms\"");
        let error = refused(&sink, 1).await;
        assert_eq!((error.then, error.error.kind()), (Then::Retry { after: None }, Kind::Unreachable));
        assert_eq!(server.requests(false).len(), 0);
    }
}

#[tokio::test]
async fn an_answer_without_a_token_ends_the_run() {
    for reply in [
        || Reply::of(200, "<html>log in</html>"),
        || Reply::of(200, "{}"),
        || Reply::of(302, ""),
        || Reply::of(404, ""),
    ] {
        let server = token_endpoint_answering(reply).await;
        let error = refused(&Bridge::new().sink(&server, ""), 1).await;
        assert_eq!(error.then, Then::GiveUp);
        assert!(error.error.advice().contains("token_endpoint"));
    }
}

#[tokio::test]
async fn a_failed_fetch_is_not_remembered() {
    let broken = Arc::new(AtomicBool::new(true));
    let state = broken.clone();
    let server = token_endpoint_answering(move || match state.load(Ordering::Relaxed) {
        true => Reply::of(500, ""),
        false => Reply::token("x", 3600),
    })
    .await;
    let sink = Bridge::new().sink(&server, "");
    refused(&sink, 1).await;
    broken.store(false, Ordering::Relaxed);
    send(&sink, 1).await.expect("taken");
}
