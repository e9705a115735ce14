use std::time::Duration;

use csc_bridge_core::staging::{ClosedAs, Held, RowState, Staging, Status};

use crate::support::*;

#[tokio::test]
async fn a_request_without_an_answer_makes_its_row_unsure_once() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1), new_child("2", 2)]).await;
    home.raw()
        .execute_batch("UPDATE ssd_api_data_staging SET submission_status = 'sent', partial_json_payload = '{}'")
        .unwrap();
    open_intent(&staging, "a", "1", 1).await;
    assert!(row(&staging, "1").await.open_intent);
    let other = lasting(&staging, "2").await;
    assert_eq!(recover(&staging).await, 1);
    let one = row(&staging, "1").await;
    assert_eq!(
        (one.status, one.row_state, one.held, one.open_intent),
        (Status::Pending, RowState::Updated, Held::Unsure, false)
    );
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_data_staging WHERE partial_json_payload IS NULL"), 1);
    assert_eq!(home.one("SELECT outcome FROM ssd_api_submission_log"), "unknown");
    assert_eq!(lasting(&staging, "2").await, other);
    assert_eq!(recover(&staging).await, 0);
}

#[tokio::test]
async fn a_young_request_is_left_alone() {
    let (_home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    open_intent(&staging, "a", "1", 1).await;
    assert_eq!(staging.recover(Duration::from_secs(600), &may_hold).await.unwrap(), 0);
    assert!(row(&staging, "1").await.open_intent);
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(staging.recover(Duration::from_millis(50), &may_hold).await.unwrap(), 1);
}

#[tokio::test]
async fn a_child_out_of_the_cohort_is_withdrawn_and_keeps_the_time_it_went() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    home.raw().execute_batch(
            "UPDATE ssd_api_data_staging SET row_state = 'Left', partial_json_payload = '{}', last_updated = '2026-01-01'",
        )
        .unwrap();
    open_intent(&staging, "a", "1", 1).await;
    assert_eq!(recover(&staging).await, 1);
    let after = row(&staging, "1").await;
    assert_eq!((after.row_state, after.held, after.status), (RowState::Left, Held::Unsure, Status::Withdrawn));
    assert_eq!(home.one("SELECT partial_json_payload FROM ssd_api_data_staging"), "null");
    assert_eq!(home.one("SELECT last_updated FROM ssd_api_data_staging"), "2026-01-01");
}

#[tokio::test]
async fn what_lost_requests_mentioned_is_added_to_what_is_held_in_their_order() {
    let (home, staging) = Home::staged().await;
    apply(&staging, ["1", "2", "3", "4"].map(|id| new_child(id, 1)).into()).await;
    home.raw()
        .execute_batch("UPDATE ssd_api_data_staging SET previous_json_payload = 'held' WHERE person_id <> '2'")
        .unwrap();
    open_intent_with(&staging, "a", "1", 1, Some("z")).await;
    open_intent_with(&staging, "a", "2", 1, Some("y")).await;
    open_intent(&staging, "a", "3", 1).await;
    open_intent(&staging, "b", "1", 1).await;
    open_intent_with(&staging, "c", "1", 1, Some("a")).await;
    open_intent_with(&staging, "c", "nobody", 1, Some("x")).await;
    // One that is closed is not lost.
    open_intent_with(&staging, "d", "1", 1, Some("not this")).await;
    staging.close_intents("d", &strings(&["1"]), ClosedAs::NotTaken).await.unwrap();
    assert_eq!(recover(&staging).await, 3);
    let held = "SELECT group_concat(COALESCE(previous_json_payload, '-') || ':' || row_state, ' ')
                FROM (SELECT * FROM ssd_api_data_staging ORDER BY person_id)";
    assert_eq!(home.one(held), "held+z+a:updated nothing+y:updated held:updated held:new");
    assert_eq!(row(&staging, "1").await.held, Held::Unsure);
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_submission_log WHERE outcome IS NULL"), 0);
    assert_eq!(recover(&staging).await, 0);
}

#[tokio::test]
async fn a_young_request_beside_an_old_one_is_left_open_and_counts_for_nothing_yet() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    open_intent_with(&staging, "old", "1", 1, Some("x")).await;
    home.raw().execute_batch("UPDATE ssd_api_submission_log SET opened_at = '2026-01-01'").unwrap();
    open_intent_with(&staging, "young", "1", 1, Some("y")).await;
    assert_eq!(staging.recover(Duration::from_secs(600), &may_hold).await.unwrap(), 1);
    assert_eq!(home.one("SELECT previous_json_payload FROM ssd_api_data_staging"), "nothing+x");
    assert_eq!(home.one("SELECT attempt_id FROM ssd_api_submission_log WHERE outcome IS NULL"), "young");
    assert_eq!(recover(&staging).await, 1);
    assert_eq!(home.one("SELECT previous_json_payload FROM ssd_api_data_staging"), "nothing+x+y");
}

#[tokio::test]
async fn where_it_cannot_be_said_what_is_held_nothing_is_recovered() {
    let (_home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    open_intent_with(&staging, "a", "1", 1, Some("x")).await;
    let fails = |_: Option<&str>, _: &str| Err(csc_bridge_core::error::Error::internal("no"));
    staging.recover(Duration::ZERO, &fails).await.unwrap_err();
    let after = row(&staging, "1").await;
    assert_eq!((after.held, after.open_intent), (Held::Nothing, true));
    assert_eq!(recover(&staging).await, 1);
}

#[tokio::test]
async fn an_intent_of_a_child_without_a_row_is_closed() {
    let (home, staging) = Home::staged().await;
    open_intent(&staging, "a", "nobody", 1).await;
    assert_eq!(recover(&staging).await, 0);
    assert_eq!(home.one("SELECT outcome FROM ssd_api_submission_log"), "unknown");
}

#[tokio::test]
async fn rows_of_a_living_sender_are_not_recovered() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    open_intent(&staging, "a", "1", 1).await;
    let elsewhere = home.staging();
    let sending = elsewhere.lock_submit().await.unwrap();
    assert_eq!(recover(&staging).await, 0);
    assert!(row(&staging, "1").await.open_intent);
    // The sender itself recovers what an earlier one left.
    assert_eq!(recover(&elsewhere).await, 1);
    open_intent(&staging, "b", "1", 1).await;
    drop(sending);
    assert_eq!(recover(&staging).await, 1);
}

#[tokio::test]
async fn rows_that_this_process_is_sending_are_not_recovered() {
    let (_home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1), new_child("2", 2)]).await;
    let _sending = staging.lock_submit().await.unwrap();
    let claim = take(&staging, &["1"]).await;
    open_intent(&staging, "a", "1", 1).await;
    open_intent(&staging, "b", "2", 2).await;
    assert_eq!(recover(&staging).await, 1);
    assert_eq!(row(&staging, "1").await.held, Held::Nothing);
    claim.record(vec![accepted("1", "a", 1)]).await.unwrap();
    assert_eq!(row(&staging, "1").await.held, Held::Document(hash(1)));
}
