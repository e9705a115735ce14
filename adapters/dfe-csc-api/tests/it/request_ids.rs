//! The other end's id of its answer is kept for support, whatever the answer was.

use crate::server::{Reply, Server};
use crate::{Bridge, CHILD};
use csc_bridge_core::sink::{Record, Sent};

async fn sent(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Sent {
    let server = Server::with_tokens(move |_, _| reply()).await;
    Bridge::new().sink(&server, "").send_with_request_id(&[Record { person_id: "c1", document: CHILD }]).await
}

async fn id_of(status: u16, headers: &'static str) -> Option<String> {
    let body = if status == 204 { "" } else { r#"["2025-11-20_10:11:12.13_id.json"]"# };
    let sent = sent(move || Reply::Answer { status, headers, body: body.to_owned() }).await;
    assert_eq!(sent.result.is_ok(), status == 200);
    sent.request_id
}

#[tokio::test]
async fn a_request_id_comes_with_a_success_and_with_every_refusal() {
    for status in [200, 204, 400, 401, 403, 404, 407, 413, 429, 500, 503] {
        assert_eq!(id_of(status, "x-request-id: abc-1\r\n").await.as_deref(), Some("abc-1"), "{status}");
    }
}

#[tokio::test]
async fn it_is_read_from_the_first_of_three_headers() {
    let all = "X-Correlation-Id: c\r\nRequest-Id: b\r\nX-Request-Id: a\r\n";
    for (headers, id) in [
        (all, Some("a")),
        ("x-correlation-id: c\r\nrequest-id: b\r\n", Some("b")),
        ("x-correlation-id: c\r\n", Some("c")),
        ("x-other-id: d\r\n", None),
        ("x-request-id: \r\nrequest-id: b\r\n", Some("b")),
    ] {
        assert_eq!(id_of(200, headers).await.as_deref(), id, "{headers}");
    }
}

#[tokio::test]
async fn no_answer_has_no_id() {
    for reply in [|| Reply::Close, || Reply::Cut { status: 200, body: "[".to_owned() }] {
        let sent = sent(reply).await;
        assert!(sent.result.is_err() && sent.request_id.is_none());
    }
}
