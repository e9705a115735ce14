//! Every fault, as the sender meets it, and what is held afterwards.

use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use csc_bridge_dfe_csc_simulator::{Fault, FaultKind, Faults, Form, Latency, RateLimit, RetryAfter, Rule, Settings};
use serde_json::Value;

use crate::http::Answer;
use crate::{End, tokens};

const TWO: &str = r#"[{"la_child_id":"a"},{"la_child_id":"b"}]"#;

/// Strikes the first batch.
async fn struck_by(kind: FaultKind) -> End {
    let faults = Faults { faults: vec![Fault::requests([1], kind)], ..Faults::default() };
    End::start(Settings { faults, ..Settings::default() }).await
}

/// Posts a batch of two; `None`: the connection was closed without an answer.
async fn post(end: &End) -> Option<Answer> {
    end.try_post_as("845", TWO, &[]).await.expect("a connection")
}

/// Posts a batch of two, which is answered.
async fn answer(end: &End) -> Answer {
    post(end).await.expect("an answer")
}

/// Whether nothing comes within a while.
async fn hangs(end: &End) -> bool {
    tokio::time::timeout(Duration::from_millis(500), post(end)).await.is_err()
}

/// How many children are held, and that one fault of this name was made, and that the next batch is taken.
async fn held_after_one(end: &End, name: &str) -> usize {
    let held = end.held().await.len();
    assert_eq!(end.running.stats().faults, [(name.to_owned(), 1)].into());
    assert_eq!(answer(end).await.status, 200, "the one after {name}");
    assert_eq!(end.running.stats().faults[name], 1);
    held
}

fn receipts(answer: &Answer) -> Vec<String> {
    serde_json::from_str(&answer.body).expect("receipts")
}

#[tokio::test]
async fn any_status_answers_instead_of_applying() {
    for code in [204, 400, 401, 403, 404, 407, 408, 413, 415, 422, 429, 500, 502, 503, 504] {
        let end = struck_by(FaultKind::status(code)).await;
        assert_eq!(answer(&end).await.status, code);
        assert_eq!(held_after_one(&end, &code.to_string()).await, 0, "{code}");
    }
}

#[tokio::test]
async fn a_server_error_a_408_and_a_204_may_come_after_applying() {
    for code in [204, 408, 500, 502, 503, 504] {
        let end = struck_by(FaultKind::applied(code)).await;
        assert_eq!(answer(&end).await.status, code);
        assert_eq!(held_after_one(&end, &code.to_string()).await, 2, "{code}");
    }
}

#[tokio::test]
async fn a_201_is_a_success_with_receipts() {
    let end = struck_by(FaultKind::status(201)).await;
    let answer = answer(&end).await;
    assert_eq!((answer.status, receipts(&answer).len()), (201, 2));
    assert_eq!(held_after_one(&end, "201").await, 2);
}

#[tokio::test]
async fn an_answer_may_have_any_body() {
    let body = Some("<html>Bad Gateway</html>".to_owned());
    let end = struck_by(FaultKind::Status { code: 502, applied: false, retry_after: None, body }).await;
    assert_eq!(answer(&end).await.body, "<html>Bad Gateway</html>");
}

#[tokio::test]
async fn retry_after_is_written_in_whole_seconds_or_as_a_date() {
    let told =
        |retry_after| FaultKind::Status { code: 429, applied: false, retry_after: Some(retry_after), body: None };
    let end = struck_by(told(RetryAfter::Seconds(Duration::from_millis(1001)))).await;
    assert_eq!(answer(&end).await.header("retry-after"), Some("2"));
    assert_eq!(answer(&end).await.header("retry-after"), None);

    let end = struck_by(told(RetryAfter::Date(Duration::from_secs(3600)))).await;
    let answer = answer(&end).await;
    let date = |name| httpdate::parse_http_date(answer.header(name).expect(name)).expect("a date");
    let wait = date("retry-after").duration_since(date("date")).expect("later");
    assert!((3599..=3601).contains(&wait.as_secs()), "{wait:?}");
}

#[tokio::test]
async fn a_refused_connection_is_reset_before_the_request() {
    let end = End::start(Settings::default()).await;
    let faults = vec![Fault::requests([1], FaultKind::RefuseConnection)];
    end.running.set_faults(Faults { faults, ..Faults::default() }).expect("good faults");
    let error = end.try_post_as("845", TWO, &[]).await.expect_err("no connection");
    let reset = [ErrorKind::ConnectionReset, ErrorKind::ConnectionAborted, ErrorKind::BrokenPipe];
    assert!(reset.contains(&error.kind()), "{error}");
    assert_eq!(end.running.stats().requests, 0);
    assert_eq!(held_after_one(&end, "refuse_connection").await, 0);
}

#[tokio::test]
async fn a_request_may_hang_before_and_after_it_is_applied() {
    for (kind, name, held) in [(FaultKind::HangBefore, "hang_before", 0), (FaultKind::HangAfter, "hang_after", 2)] {
        let end = struck_by(kind).await;
        assert!(hangs(&end).await, "{name}");
        assert_eq!(held_after_one(&end, name).await, held, "{name}");
    }
}

#[tokio::test]
async fn a_request_that_hangs_does_not_hold_up_the_stop() {
    let end = struck_by(FaultKind::HangAfter).await;
    let begun = Instant::now();
    let stop = async {
        while end.held().await.is_empty() {}
        end.running.pause().await.expect("paused");
    };
    let (answer, ()) = tokio::join!(post(&end), stop);
    assert!(answer.is_none());
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn an_answer_may_be_lost_before_and_after_applying() {
    for (kind, name, held) in [(FaultKind::CutBefore, "cut_before", 0), (FaultKind::Lost, "lost", 2)] {
        let end = struck_by(kind).await;
        assert!(post(&end).await.is_none(), "{name}");
        assert_eq!(held_after_one(&end, name).await, held, "{name}");
    }
}

#[tokio::test]
async fn a_cut_answer_promises_more_than_it_brings() {
    let end = struck_by(FaultKind::Cut).await;
    let answer = answer(&end).await;
    assert_eq!(answer.status, 200);
    let promised: usize = answer.header("content-length").expect("a length").parse().expect("a number");
    assert_eq!(answer.body.len(), promised / 2);
    assert!(!answer.is_whole());
    assert_eq!(held_after_one(&end, "cut").await, 2);
}

#[tokio::test]
async fn receipts_may_be_too_few_or_too_many() {
    for (more, count) in [(false, 1), (true, 3)] {
        let end = struck_by(FaultKind::WrongCount { more }).await;
        let answer = answer(&end).await;
        assert_eq!((answer.status, receipts(&answer).len()), (200, count));
        assert!(answer.is_whole());
        assert_eq!(held_after_one(&end, "wrong_count").await, 2);
    }
}

#[tokio::test]
async fn receipts_may_be_texts_that_are_none() {
    let end = struck_by(FaultKind::Garbled).await;
    let answer = answer(&end).await;
    assert_eq!((answer.status, receipts(&answer).len()), (200, 2));
    assert!(receipts(&answer).iter().all(|text| !text.ends_with(".json")));
    assert_eq!(held_after_one(&end, "garbled").await, 2);
}

#[tokio::test]
async fn a_success_may_be_a_web_page() {
    let end = struck_by(FaultKind::NotJson).await;
    let answer = answer(&end).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html")));
    assert!(serde_json::from_str::<Value>(&answer.body).is_err());
    assert_eq!(held_after_one(&end, "not_json").await, 2);
}

#[tokio::test]
async fn a_slow_answer_is_applied_at_once() {
    let end = struck_by(FaultKind::Slow(Duration::from_secs(1))).await;
    let begun = Instant::now();
    let answered = async {
        let answer = answer(&end).await;
        (receipts(&answer).len(), begun.elapsed())
    };
    let applied = async {
        while end.held().await.len() < 2 {}
        begun.elapsed()
    };
    let ((count, answered), applied) = tokio::join!(answered, applied);
    assert_eq!(count, 2);
    assert!(answered >= Duration::from_secs(1) && applied < answered, "{answered:?} {applied:?}");
}

#[tokio::test]
async fn a_batch_refused_by_right_stays_refused_but_its_answer_may_be_lost() {
    for kind in [FaultKind::status(201), FaultKind::applied(500), FaultKind::Garbled, FaultKind::NotJson] {
        let end = struck_by(kind).await;
        assert_eq!(end.post("[{}]").await.0, 400);
        assert!(end.running.stats().faults.is_empty());
    }
    let end = struck_by(FaultKind::Lost).await;
    assert!(end.try_post_as("845", "[{}]", &[]).await.expect("a connection").is_none());
    assert_eq!(end.running.stats().faults["lost"], 1);
}

#[tokio::test]
async fn token_requests_have_faults_of_their_own() {
    let end = End::start(Settings::default()).await;
    let faults = [FaultKind::status(503), FaultKind::Lost, FaultKind::Garbled, FaultKind::NotJson];
    let faults = (1..).zip(faults).map(|(number, kind)| Fault::requests([number], kind).on_token()).collect();
    end.running.set_faults(Faults { faults, ..Faults::default() }).expect("good faults");
    assert_eq!(answer(&end).await.status, 200);
    assert_eq!(tokens::try_fetch(end.running.addr()).await.map(|answer| answer.status), Some(503));
    assert!(tokens::try_fetch(end.running.addr()).await.is_none());
    let garbled = tokens::try_fetch(end.running.addr()).await.expect("an answer");
    assert_eq!((garbled.status, garbled.body.as_str()), (200, r#"{"token_type":"Bearer"}"#));
    let page = tokens::try_fetch(end.running.addr()).await.expect("an answer");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
    tokens::fetch(end.running.addr()).await;
    let names: Vec<String> = end.running.stats().faults.into_keys().collect();
    assert_eq!(names, ["token_503", "token_garbled", "token_lost", "token_not_json"]);
}

#[tokio::test]
async fn a_rule_refuses_its_record_and_names_it_in_its_form() {
    let batch = r#"[{"la_child_id":"a"},{"la_child_id":"b","child_details":{"surname":"xBad"}}]"#;
    for (form, expected) in [
        (Form::Indexed, Some("[1].child_details.surname: refused by a rule")),
        (Form::Nested, Some("[1].social_care_episodes[3].closure_reason: refused by a rule")),
        (Form::Unnamed, None),
    ] {
        let rule = Rule { field: "child_details.surname".to_owned(), contains: "Bad".to_owned(), form };
        let faults = Faults { refuse: vec![rule], ..Faults::default() };
        let end = End::start(Settings { faults, ..Settings::default() }).await;
        let (status, body) = end.post(batch).await;
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((status, body["errors"][0].as_str()), (400, expected));
        assert_eq!(body.to_string().contains('['), expected.is_some(), "{body}");
        assert!(end.held().await.is_empty());
        assert_eq!(end.post(r#"[{"la_child_id":"a"}]"#).await.0, 200);
        assert_eq!(end.running.stats().faults, [("refuse".to_owned(), 1)].into());
    }
}

#[tokio::test]
async fn more_batches_in_a_second_than_the_limit_are_refused() {
    let retry_after = Some(RetryAfter::Seconds(Duration::from_secs(1)));
    let rate_limit = Some(RateLimit { per_second: NonZeroU32::MIN, retry_after });
    let end = End::start(Settings { faults: Faults { rate_limit, ..Faults::default() }, ..Settings::default() }).await;
    for expected in [200, 429] {
        let answer = answer(&end).await;
        assert_eq!(answer.status, expected);
        assert_eq!(answer.header("retry-after"), (expected == 429).then_some("1"));
    }
    tokio::time::sleep(Duration::from_millis(1050)).await;
    assert_eq!(answer(&end).await.status, 200);
    assert_eq!(end.running.stats().faults, [("rate_limit".to_owned(), 1)].into());
}

#[tokio::test]
async fn a_latency_of_the_faults_goes_before_the_settings_own() {
    let faults = Faults { latency: Some(Latency::Fixed(Duration::from_millis(200))), ..Faults::default() };
    let end = End::start(Settings { faults, latency: Duration::from_secs(60), ..Settings::default() }).await;
    let begun = Instant::now();
    assert_eq!(answer(&end).await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_token_may_end_sooner_than_it_says() {
    let faults = Faults {
        token_lifetime: Some(Duration::from_millis(300)),
        token_says: Some(Duration::from_secs(3600)),
        ..Faults::default()
    };
    let end = End::start(Settings { faults, ..Settings::default() }).await;
    let told = tokens::try_fetch(end.running.addr()).await.expect("an answer").body;
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["expires_in"], 3600);
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(answer(&end).await.status, 401);
}
