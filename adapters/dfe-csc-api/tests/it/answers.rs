//! What the answers mean.

use std::time::Duration;

use csc_bridge_core::error::Kind;
use csc_bridge_core::sink::Then;

use crate::server::{Reply, Server};
use crate::{Bridge, refused, send};

async fn then(status: u16, body: &'static str) -> (Then, Kind) {
    let server = Server::with_tokens(move |_, _| Reply::of(status, body)).await;
    let error = refused(&Bridge::new().sink(&server, ""), 5).await;
    (error.then, error.error.kind())
}

#[tokio::test]
async fn a_success_has_one_receipt_for_each_record_in_order() {
    for status in [200, 201] {
        let server = Server::with_tokens(move |_, _| match Reply::receipts(3) {
            Reply::Answer { headers, body, .. } => Reply::Answer { status, headers, body },
            other => other,
        })
        .await;
        let receipts = send(&Bridge::new().sink(&server, ""), 3).await.expect("taken");
        let ids: Vec<&str> = receipts.iter().map(|receipt| receipt.id.as_str()).collect();
        assert_eq!(ids, ["id-0", "id-1", "id-2"]);
        assert_eq!(receipts[0].received_at.as_deref(), Some("2025-11-20 10:11:12.130"));
    }
}

#[tokio::test]
async fn receipts_may_come_in_every_form_that_has_been_seen() {
    let forms = [
        r#"["2025-11-20_10:11:12.13_a.json","2025-11-20_10:11:12.13_b_c.json"]"#,
        r#"[" 2025-11-20_10:11:12.1_a.json ","2025-11-20_10:11:12.123456789_b_c"]"#,
        "\u{feff}[\"2025-11-20_10:11:12.13_a\",\r\n \"2025-11-20_10:11:12.1234_b_c\"]\r\n",
        "2025-11-20_10:11:12.1_a.json\n2025-11-20_10:11:12.123456789_b_c\n",
        " 2025-11-20_10:11:12.13_a.json  2025-11-20_10:11:12.13_b_c.json ",
        r#""2025-11-20_10:11:12.13_a.json\r\n2025-11-20_10:11:12.13_b_c.json""#,
    ];
    for (status, body) in forms.into_iter().flat_map(|body| [(200, body), (201, body)]) {
        let server = Server::with_tokens(move |_, _| Reply::of(status, body)).await;
        let receipts = send(&Bridge::new().sink(&server, ""), 2).await.expect(body);
        let ids: Vec<&str> = receipts.iter().map(|receipt| receipt.id.as_str()).collect();
        assert_eq!(ids, ["a", "b_c"], "{status} {body}");
        let times = receipts.iter().map(|receipt| receipt.received_at.as_deref().unwrap_or_default());
        assert!(times.into_iter().all(|time| time.starts_with("2025-11-20 10:11:12.1")), "{status} {body}");
    }
}

#[tokio::test]
async fn a_success_with_another_number_of_receipts_is_unknown() {
    for body in ["[]", r#"["one"]"#, r#"["a.json","b.json","c.json","d.json","e.json","f.json"]"#, "a.json b.json"] {
        for status in [200, 201] {
            assert_eq!(then(status, body).await, (Then::Unknown, Kind::Protocol), "{status} {body}");
        }
    }
}

#[tokio::test]
async fn a_success_that_cannot_be_understood_is_unknown() {
    for status in [200, 201] {
        for body in [
            "",
            r#"{"status":"ok"}"#,
            "<html>Please log in</html>",
            r#"["a","b","c","d",5]"#,
            "thanks for all five of them",
        ] {
            assert_eq!(then(status, body).await, (Then::Unknown, Kind::Protocol), "{status} {body}");
        }
    }
}

#[tokio::test]
async fn a_success_without_a_body_says_nothing_of_the_batch_and_is_unknown() {
    for status in [202, 204, 205] {
        assert_eq!(then(status, "").await, (Then::Unknown, Kind::Protocol), "{status}");
    }
}

#[tokio::test]
async fn a_web_page_in_place_of_receipts_is_unknown_and_a_proxy_is_suspected() {
    let page = || Reply::of(200, "<html>Zoë Testchild</html>").with("content-type: text/html; charset=utf-8\r\n");
    let server = Server::with_tokens(move |_, _| page()).await;
    let error = refused(&Bridge::new().sink(&server, ""), 1).await;
    assert_eq!((error.then, error.error.kind()), (Then::Unknown, Kind::Protocol));
    assert!(error.error.advice().contains("proxy"), "{}", error.error.advice());
}

#[tokio::test]
async fn a_token_that_is_not_accepted_asks_for_another() {
    let server = Server::with_tokens(|_, _| Reply::of(401, "Zoë Testchild")).await;
    let error = refused(&Bridge::new().sink(&server, ""), 1).await;
    assert_eq!((error.then, error.error.kind(), error.status), (Then::Reauthenticate, Kind::Permission, Some(401)));
    for word in ["clock", "scope", "supplier_key"] {
        assert!(error.error.advice().contains(word), "{}", error.error.advice());
    }
}

#[tokio::test]
async fn a_success_that_breaks_off_is_unknown() {
    let server = Server::with_tokens(|_, _| Reply::Cut { status: 200, body: r#"["a"]"#.to_owned() }).await;
    let error = refused(&Bridge::new().sink(&server, ""), 1).await;
    assert_eq!((error.then, error.error.kind()), (Then::Unknown, Kind::Unreachable));
}

#[tokio::test]
async fn a_refusal_that_breaks_off_is_still_a_refusal() {
    let server = Server::with_tokens(|_, _| Reply::Cut { status: 400, body: "[1].sex".to_owned() }).await;
    let error = refused(&Bridge::new().sink(&server, ""), 2).await;
    assert_eq!(error.then, Then::BadRecords(vec![1]));
}

#[tokio::test]
async fn malformed_records_are_named_by_the_first_index_of_each_path() {
    for status in [400, 422] {
        for (body, positions) in [
            (r#"{"errors":["[3].social_care_episodes[1].x: bad","[0].sex: Zoë Testchild","[3].y: bad"]}"#, vec![0, 3]),
            (r#"{"errors":{"$[2].a[4].b[0]":["bad"],"children[1].c[3]":["bad"]}}"#, vec![1, 2]),
            // Beyond the batch, inside an unnamed record, or no index at all: the pipeline has to find it.
            ("[5].z: out of range", Vec::new()),
            ("social_care_episodes[1].x: bad", Vec::new()),
            ("Bad Request", Vec::new()),
            ("", Vec::new()),
        ] {
            assert_eq!(then(status, body).await, (Then::BadRecords(positions), Kind::Data), "{status} {body}");
        }
    }
}

#[tokio::test]
async fn the_answers_text_goes_into_the_detail_and_nowhere_else() {
    let server = Server::with_tokens(|_, _| Reply::of(400, "[0].first_name: Zoë Testchild is too long")).await;
    let error = refused(&Bridge::new().sink(&server, ""), 1).await;
    assert_eq!(error.detail.as_deref(), Some("[0].first_name: Zoë Testchild is too long"));
}

#[tokio::test]
async fn refusals_that_no_other_batch_would_escape_end_the_run_with_advice() {
    for (status, kind, word) in [
        (403, Kind::Permission, "supplier_key"),
        (404, Kind::Config, "la_code"),
        (405, Kind::Config, "endpoint"),
        (407, Kind::Permission, "proxy"),
        (415, Kind::Protocol, "endpoint"),
        (302, Kind::Config, "endpoint"),
        (418, Kind::Protocol, "endpoint"),
    ] {
        let server = Server::with_tokens(move |_, _| Reply::of(status, "Zoë Testchild")).await;
        let error = refused(&Bridge::new().sink(&server, ""), 1).await;
        assert_eq!((error.then, error.error.kind()), (Then::GiveUp, kind), "{status}");
        assert!(error.error.message().contains(&status.to_string()), "{}", error.error.message());
        assert!(error.error.advice().contains(word), "{}", error.error.advice());
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = Server::with_tokens(|request, _| match request.line.contains("/elsewhere") {
        true => Reply::receipts(1),
        false => Reply::Answer { status: 307, headers: "location: /elsewhere\r\n", body: String::new() },
    })
    .await;
    assert_eq!(refused(&Bridge::new().sink(&server, ""), 1).await.then, Then::GiveUp);
    assert_eq!(server.requests(false).len(), 1);
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_said_so() {
    assert_eq!(then(413, "").await, (Then::TooLarge, Kind::Data));
}

#[tokio::test]
async fn a_busy_or_broken_api_may_be_asked_again() {
    for status in [500, 502, 504] {
        assert_eq!(
            then(status, "Zoë Testchild").await,
            (Then::RetryUnsure { after: None }, Kind::Unreachable),
            "{status}"
        );
    }
    for status in [408, 429, 503] {
        assert_eq!(then(status, "Zoë Testchild").await, (Then::Retry { after: None }, Kind::Unreachable), "{status}");
    }
}

#[tokio::test]
async fn the_wait_is_read_in_both_forms() {
    for (headers, seconds) in [
        ("retry-after: 17\r\n", 17),
        ("date: Thu, 20 Nov 2025 10:00:00 GMT\r\nretry-after: Thu, 20 Nov 2025 10:01:30 GMT\r\n", 90),
    ] {
        for status in [408, 429, 503] {
            let server = Server::with_tokens(move |_, _| Reply::Answer { status, headers, body: String::new() }).await;
            let error = refused(&Bridge::new().sink(&server, ""), 1).await;
            assert_eq!(error.then, Then::Retry { after: Some(Duration::from_secs(seconds)) });
        }
    }
}
