//! What came of a batch.

use std::time::Duration;

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::sink::{Receipt, SendError, Sent, Then};
use csc_bridge_plugin_abi::message::{read_sent, write_sent};
use csc_bridge_plugin_abi::table::{COMPLETE, ERROR, OK, PANIC};

fn refused(then: Then, detail: Option<&str>) -> Sent {
    let error = Error::new(Kind::Unreachable, "busy", "wait");
    let detail = detail.map(str::to_owned);
    Sent { result: Err(SendError { error, then, status: Some(503), detail }), request_id: Some("00-4bf9 x".into()) }
}

#[test]
fn receipts_come_through() {
    let receipts = vec![
        Receipt { id: "7c1e".into(), received_at: Some("2026-11-20 02:14:55.120".into()) },
        Receipt { id: "9".into(), received_at: None },
    ];
    let (status, bytes) = write_sent(&Sent { result: Ok(receipts.clone()), request_id: None });
    let sent = read_sent(status, &bytes, 2);
    assert_eq!(sent.result.unwrap(), receipts);
    assert_eq!(sent.request_id, None);
}

#[test]
fn what_may_be_done_comes_through() {
    let after = Some(Duration::from_millis(1_234));
    for then in [
        Then::Retry { after },
        Then::Retry { after: None },
        Then::RetryUnsure { after },
        Then::Reauthenticate,
        Then::TooLarge,
        Then::BadRecords(vec![0, 2]),
        Then::BadRecords(vec![]),
        Then::GiveUp,
        Then::Unknown,
    ] {
        let (status, bytes) = write_sent(&refused(then.clone(), Some("Ann Example\nis bad")));
        let sent = read_sent(status, &bytes, 3);
        let error = sent.result.unwrap_err();
        assert_eq!((error.then, error.status), (then, Some(503)));
        assert_eq!(error.detail.as_deref(), Some("Ann Example\nis bad"));
        assert_eq!((error.error.kind(), error.error.message()), (Kind::Unreachable, "busy"));
        assert_eq!(sent.request_id.as_deref(), Some("00-4bf9 x"));
    }
}

/// Whether the outcome is open, by a fault of the plugin's, and says nothing of what came.
fn is_open(sent: Sent) -> bool {
    let error = sent.result.unwrap_err();
    assert!(!format!("{error:?}").contains("Ann"), "{error:?}");
    error.then == Then::Unknown && error.error.kind() == Kind::Protocol && error.detail.is_none()
}

#[test]
fn an_answer_that_cannot_be_understood_leaves_the_batch_unknown() {
    let one = br#"{"receipts":[{"id":"Ann"}]}"#;
    assert!(read_sent(OK, one, 1).result.is_ok());
    assert!(is_open(read_sent(OK, one, 2)), "a receipt too few");
    assert!(is_open(read_sent(OK, br#"{"receipts":[{"id":"Ann"},{"id":"b"}]}"#, 1)), "a receipt too many");
    assert!(is_open(read_sent(OK, b"", 1)));
    assert!(is_open(read_sent(OK, br#"{"receipts":"Ann"}"#, 1)));
    assert!(is_open(read_sent(ERROR, br#"{"then":"retry"}"#, 1)), "an error without its fields");
    for status in [COMPLETE, PANIC, 4, -1, i32::MIN] {
        assert!(is_open(read_sent(status, one, 1)), "status {status}");
    }
}

fn error_json(more: &str) -> String {
    format!(r#"{{"kind":"data","directive":"stop","message":"m","advice":"a",{more}}}"#)
}

#[test]
fn a_promise_with_a_number_out_of_range_is_no_promise() {
    for more in [
        r#""then":"bad_records","records":[3]"#,
        r#""then":"bad_records","records":[-1]"#,
        r#""then":"bad_records","records":[18446744073709551615]"#,
        r#""then":"retry","after_ms":18446744073709551615"#,
        r#""then":"retry","after_ms":-1"#,
        r#""then":"retry","after_ms":1e300"#,
        r#""then":"retry","status":70000"#,
        r#""after_ms":1"#,
    ] {
        assert!(is_open(read_sent(ERROR, error_json(more).as_bytes(), 3)), "{more}");
    }
}

#[test]
fn bad_records_are_named_once_and_in_order() {
    let json = error_json(r#""then":"bad_records","records":[2,0,2]"#);
    assert_eq!(read_sent(ERROR, json.as_bytes(), 3).result.unwrap_err().then, Then::BadRecords(vec![0, 2]));
}

#[test]
fn a_word_of_a_later_day_promises_nothing() {
    let error = read_sent(ERROR, error_json(r#""then":"hibernate""#).as_bytes(), 1).result.unwrap_err();
    assert_eq!((error.then, error.error.message()), (Then::Unknown, "m"));
}

#[test]
fn a_time_that_is_none_and_an_id_that_may_not_be_logged_are_left_out() {
    for (time, kept) in [
        ("2026-11-20 02:14:55.120", Some("2026-11-20 02:14:55.120")),
        ("2026-11-20 02:14:55", Some("2026-11-20 02:14:55.000")),
        ("2026-02-30 02:14:55.120", None),
        ("20 November, Ann", None),
        ("", None),
    ] {
        let json = format!(r#"{{"receipts":[{{"id":"1","received_at":"{time}"}}],"request_id":"a\nb"}}"#);
        let sent = read_sent(OK, json.as_bytes(), 1);
        assert_eq!(sent.result.unwrap()[0].received_at.as_deref(), kept, "{time}");
        assert_eq!(sent.request_id, None);
    }
    let long = format!(r#"{{"receipts":[],"request_id":"{}"}}"#, "x".repeat(201));
    assert_eq!(read_sent(OK, long.as_bytes(), 0).request_id, None);
}

#[test]
fn a_detail_holds_no_nul() {
    let (status, bytes) = write_sent(&refused(Then::GiveUp, Some("a\0b\u{1}")));
    assert_eq!(read_sent(status, &bytes, 1).result.unwrap_err().detail.as_deref(), Some("a b\u{1}"));
}
