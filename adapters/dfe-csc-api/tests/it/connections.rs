//! Connections: kept while they work, and where one fails, whether the batch can have arrived.

use csc_bridge_core::error::Kind;
use csc_bridge_core::sink::{Record, SendError, Then};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::server::{Reply, Server};
use crate::{Bridge, refused, send};

/// Sends to `endpoint`, with a token endpoint that works.
async fn to(endpoint: &str, more: &str) -> SendError {
    let server = Server::with_tokens(|_, _| Reply::receipts(1)).await;
    let keys = format!(
        "endpoint = \"{endpoint}\"\ntoken_endpoint = \"{}/token\"\nscope = \"s\"\nconnect_timeout = \"2s\"\n{more}",
        server.base()
    );
    refused(&Bridge::new().sink_of(&keys).expect("a sink"), 1).await
}

/// A server that says `greeting` to whoever connects, and hangs up.
async fn greeter(greeting: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.readable().await;
            let _ = stream.try_read(&mut [0; 65536]);
            let _ = stream.write_all(greeting).await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address").port()
}

fn never_sent(error: &SendError) {
    assert_eq!((&error.then, error.error.kind()), (&Then::Retry { after: None }, Kind::Unreachable), "{error:?}");
}

#[tokio::test]
async fn a_connection_is_used_again_whatever_was_answered() {
    let server = Server::with_tokens(|_, before| match before % 3 {
        0 => Reply::receipts(1),
        1 => Reply::of(400, "[0].sex"),
        _ => Reply::of(503, "busy"),
    })
    .await;
    let sink = Bridge::new().sink(&server, "");
    for _ in 0..9 {
        let _ = send(&sink, 1).await;
    }
    // One for the token, one for all batches.
    assert_eq!((server.requests(false).len(), server.connections()), (9, 2));
}

#[tokio::test]
async fn a_refused_connection_was_never_sent() {
    let error = to(&format!("http://127.0.0.1:{}", closed_port().await), "").await;
    never_sent(&error);
    assert!(error.error.message().contains("refused"), "{}", error.error.message());
}

#[tokio::test]
async fn a_name_that_does_not_exist_was_never_sent() {
    let error = to("https://api.invalid", "proxy = \"none\"").await;
    never_sent(&error);
}

#[tokio::test]
async fn a_connection_without_tls_behind_https_was_never_sent() {
    let port = greeter(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let error = to(&format!("https://127.0.0.1:{port}"), "").await;
    never_sent(&error);
    assert!(error.error.message().contains("does not speak TLS"), "{}", error.error.message());
}

#[tokio::test]
async fn a_connection_that_is_cut_before_tls_was_never_sent_and_a_firewall_is_suspected() {
    let port = greeter(b"").await;
    let error = to(&format!("https://127.0.0.1:{port}"), "").await;
    never_sent(&error);
    assert!(error.error.message().contains("closed before TLS"), "{}", error.error.message());
    assert!(error.error.advice().contains("network team"), "{}", error.error.advice());
}

#[tokio::test]
async fn an_end_without_a_tls_version_in_common_was_never_sent() {
    // The alert "protocol_version", as a proxy with TLS 1.0 gives it.
    let port = greeter(&[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46]).await;
    let error = to(&format!("https://127.0.0.1:{port}"), "").await;
    never_sent(&error);
    assert!(error.error.message().contains("no TLS version"), "{}", error.error.message());
}

#[tokio::test]
async fn a_connection_that_never_becomes_tls_was_never_sent() {
    let server = Server::start(|_, _| Reply::Hang).await;
    let endpoint = server.base().replace("http:", "https:");
    let error = to(&endpoint, "request_timeout = \"1s\"").await;
    never_sent(&error);
    assert!(error.error.message().contains("time limit"), "{}", error.error.message());
}

#[tokio::test]
async fn a_connection_closed_after_the_request_is_unknown() {
    let server = Server::with_tokens(|_, _| Reply::Close).await;
    let error = refused(&Bridge::new().sink(&server, ""), 1).await;
    assert_eq!((error.then, error.error.kind()), (Then::Unknown, Kind::Unreachable));
}

#[tokio::test]
async fn no_answer_within_the_time_limit_is_unknown() {
    let server = Server::with_tokens(|_, _| Reply::Hang).await;
    let keys = format!(
        "endpoint = \"{0}\"\ntoken_endpoint = \"{0}/token\"\nscope = \"s\"\nconnect_timeout = \"500ms\"\nrequest_timeout = \"300ms\"",
        server.base()
    );
    let error = refused(&Bridge::new().sink_of(&keys).expect("a sink"), 1).await;
    assert_eq!((error.then, error.error.kind()), (Then::Unknown, Kind::Unreachable));
    assert!(error.error.message().contains("time limit"), "{}", error.error.message());
}

#[tokio::test]
async fn a_batch_that_is_not_read_to_its_end_within_the_time_limit_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let server = Server::with_tokens(|_, _| Reply::receipts(1)).await;
    let keys = format!(
        "endpoint = \"{endpoint}\"\ntoken_endpoint = \"{}/token\"\nscope = \"s\"\nconnect_timeout = \"500ms\"\nrequest_timeout = \"300ms\"",
        server.base()
    );
    let document = format!("{{\"a\":\"{}\"}}", "x".repeat(16_000_000));
    let records = [Record { person_id: "1", document: &document }];
    let error = Bridge::new().sink_of(&keys).expect("a sink").send(&records).await.expect_err("no answer");
    assert_eq!((error.then, error.error.kind()), (Then::Unknown, Kind::Unreachable));
}

#[tokio::test]
async fn nothing_of_an_answer_that_is_no_http_is_unknown() {
    let port = greeter(b"Welcome\r\n\r\n").await;
    let error = to(&format!("http://127.0.0.1:{port}"), "").await;
    assert_eq!((error.then, error.error.kind()), (Then::Unknown, Kind::Unreachable));
}
