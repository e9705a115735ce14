//! Records that DfE's firewall would refuse are held back, and only those.

use csc_bridge_core::error::Kind;
use csc_bridge_core::sink::{Record, Then};

use crate::Bridge;
use crate::server::{Reply, Server};

const GOOD: Record<'_> = Record { person_id: "1", document: r#"{"la_child_id":"1","first_name":"0x"}"# };
const BAD: Record<'_> = Record { person_id: "2", document: r#"{"la_child_id":"2","a":[{"referral_id":"R0Xab"}]}"# };

#[tokio::test]
async fn records_with_0x_in_an_id_are_named_without_a_request() {
    let server = Server::with_tokens(|_, _| Reply::receipts(1)).await;
    let error = Bridge::new().sink(&server, "").send(&[GOOD, BAD, GOOD, BAD]).await.expect_err("held back");
    assert_eq!((error.then, error.error.kind(), error.status), (Then::BadRecords(vec![1, 3]), Kind::Data, None));
    let detail = error.detail.expect("a detail");
    assert!(
        detail.contains("referral_id") && detail.contains("no request was made") && !detail.contains("R0X"),
        "{detail}"
    );
    assert_eq!((server.requests(true).len(), server.requests(false).len()), (0, 0));
}

#[tokio::test]
async fn the_others_are_sent_when_they_come_again_alone() {
    let server = Server::with_tokens(|_, _| Reply::receipts(2)).await;
    Bridge::new().sink(&server, "").send(&[GOOD, GOOD]).await.expect("taken");
    assert_eq!(server.requests(false).len(), 1);
}
