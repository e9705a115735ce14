//! What leaves.

use csc_bridge_core::sink::Record;

use crate::server::{Reply, Server};
use crate::{Bridge, SUPPLIER_KEY, send};

#[tokio::test]
async fn a_batch_is_a_json_array_posted_for_the_authority_with_both_keys() {
    let server = Server::with_tokens(|_, _| Reply::receipts(2)).await;
    let sink = Bridge::new().sink(&server, "");
    let records =
        [Record { person_id: "1", document: r#"{"a":"é"}"# }, Record { person_id: "2", document: r#"{"b":2}"# }];
    sink.send(&records).await.expect("taken");

    let [request] = server.requests(false).try_into().ok().expect("one request");
    assert_eq!(request.line, "POST /receiver/1/children_social_care_data/045/children HTTP/1.1");
    assert_eq!(request.body, r#"[{"a":"é"},{"b":2}]"#);
    for (name, value) in [
        ("authorization", "Bearer token-0"),
        ("supplierkey", SUPPLIER_KEY),
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("user-agent", concat!("csc-bridge/", env!("CARGO_PKG_VERSION"))),
        ("content-length", "20"),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    assert_eq!(request.header("expect"), None);
}

#[tokio::test]
async fn one_record_is_an_array_too() {
    let server = Server::with_tokens(|_, _| Reply::receipts(1)).await;
    send(&Bridge::new().sink(&server, ""), 1).await.expect("taken");
    let body = &server.requests(false)[0].body;
    assert!(body.starts_with("[{") && body.ends_with("}]"), "{body}");
}

#[tokio::test]
async fn the_user_agent_may_be_told() {
    let server = Server::with_tokens(|_, _| Reply::receipts(1)).await;
    send(&Bridge::new().sink(&server, "user_agent = \"Authority/1\""), 1).await.expect("taken");
    for tokens in [true, false] {
        assert_eq!(server.requests(tokens)[0].header("user-agent"), Some("Authority/1"));
    }
}
