use std::time::{Duration, Instant};

use csc_bridge_plugin_sdk::error::Kind;
use csc_bridge_plugin_sdk::tokio;
use serde_json::json;

use crate::server::Fault;
use crate::support::{Place, names, read};

#[tokio::test]
async fn each_id_of_the_list_has_its_document_or_none() {
    let place = Place::with(&["A1", "B2", "C3", "D4", "E5"]);
    place.sdms.remove("B2");
    place.sdms.fault("C3", &[Fault::Garbage("<html>")]);
    place.sdms.fault("D4", &[Fault::Garbage("{\"id\":\"E5\"}")]);
    let read = read(&place.plugin(json!({})).unwrap()).await.unwrap();
    assert_eq!(names(&read), ["name of A1", "-", "-", "-", "name of E5"]);
    assert_eq!(read[0].1.as_deref(), Some(r#"{"child_details":{"first_name":"name of A1"},"la_child_id":"A1"}"#));
    assert_eq!(place.sdms.asked(), ["A1", "B2", "C3", "D4", "E5"], "what cannot change is not asked again");
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let place = Place::with(&["A1", "B2", "C3", "D4", "E5"]);
    place.sdms.fault("A1", &[Fault::Status(500, None), Fault::Status(502, Some(0))]);
    place.sdms.fault("B2", &[Fault::Status(429, Some(0))]);
    place.sdms.fault("C3", &[Fault::Half]);
    place.sdms.fault("D4", &[Fault::Closes]);
    place.sdms.fault("E5", &[Fault::Slow(Duration::from_secs(2))]);
    let sdms = place.plugin(json!({"request_timeout": "500ms"})).unwrap();
    let names = names(&read(&sdms).await.unwrap());
    assert_eq!(names, ["A1", "B2", "C3", "D4", "E5"].map(|id| format!("name of {id}")));
}

#[tokio::test]
async fn retry_after_is_kept_to() {
    let place = Place::with(&["A1"]);
    place.sdms.fault("A1", &[Fault::Status(429, Some(1)), Fault::Status(503, Some(1))]);
    read(&place.plugin(json!({})).unwrap()).await.unwrap();
    let gaps = place.sdms.gaps();
    assert!(gaps.len() == 2 && gaps.iter().all(|gap| *gap >= Duration::from_secs(1)), "{gaps:?}");
}

#[tokio::test]
async fn requests_are_no_closer_than_they_may_be_retries_among_them() {
    let place = Place::with(&["A1", "B2", "C3"]);
    place.sdms.fault("B2", &[Fault::Status(500, Some(0))]);
    let begun = Instant::now();
    read(&place.plugin(json!({"min_interval": "150ms"})).unwrap()).await.unwrap();
    assert_eq!(place.sdms.count(), 4);
    // The server sees a request some time after it left: of the whole it is sure.
    assert!(begun.elapsed() >= Duration::from_millis(450), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_system_that_asks_for_more_patience_than_there_is_ends_the_read() {
    let place = Place::with(&["A1", "B2"]);
    place.sdms.fault("B2", &[Fault::Status(503, Some(3600))]);
    let error = read(&place.plugin(json!({})).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable);
    assert!(error.message().contains("max_retry_after"), "{error:?}");
}

#[tokio::test]
async fn one_record_that_always_fails_is_an_error_and_three_in_a_row_end_the_read() {
    let broken = [Fault::Status(500, Some(0)), Fault::Status(500, Some(0))];
    let place = Place::with(&["A1", "B2", "C3", "D4", "E5", "F6", "G7", "H8"]);
    let few = json!({"max_attempts": 2});
    for id in ["A1", "B2", "D4", "E5"] {
        place.sdms.fault(id, &broken);
    }
    let read_once = read(&place.plugin(few.clone()).unwrap()).await.unwrap();
    assert_eq!(names(&read_once)[..6], ["-", "-", "name of C3", "-", "-", "name of F6"]);
    for id in ["F6", "G7", "H8"] {
        place.sdms.fault(id, &broken);
    }
    let error = read(&place.plugin(few).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable, "{error:?}");
}

#[tokio::test]
async fn a_system_that_does_not_let_it_in_or_has_moved_ends_the_read_at_once() {
    let place = Place::with(&["A1"]);
    place.sdms.want_token("open sesame");
    place.write("secret", "open sesame\n");
    let error = read(&place.plugin(json!({})).unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), place.sdms.count()), (Kind::Permission, 1), "{error:?}");
    read(&place.plugin(json!({"token": {"file": "secret"}})).unwrap()).await.unwrap();
    let place = Place::with(&["A1"]);
    place.sdms.fault("A1", &[Fault::Status(302, None)]);
    assert_eq!(read(&place.plugin(json!({})).unwrap()).await.unwrap_err().kind(), Kind::Config);
}

#[tokio::test]
async fn an_empty_list_is_no_list() {
    let place = Place::with(&[]);
    assert_eq!(read(&place.plugin(json!({})).unwrap()).await.unwrap_err().kind(), Kind::Incomplete);
    place.write("ids.csv", "\u{feff}sdms_id\r\n\r\n");
    assert_eq!(read(&place.plugin(json!({})).unwrap()).await.unwrap_err().kind(), Kind::Incomplete);
}

#[tokio::test]
async fn no_error_names_a_child() {
    let place = Place::with(&["Zaphod-1", "Zaphod-2"]);
    for faults in [vec![Fault::Status(503, Some(3600))], vec![Fault::Status(403, None)], vec![Fault::Closes; 9]] {
        place.sdms.fault("Zaphod-1", &faults);
        place.sdms.fault("Zaphod-2", &faults);
        let sdms = place.plugin(json!({"max_attempts": 1})).unwrap();
        if let Err(error) = read(&sdms).await {
            assert!(!format!("{error:?}").contains("Zaphod"), "{error:?}");
        }
    }
}
