use std::time::Duration;

use csc_bridge_core::staging::{Held, RowState, Staging, Status};

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
    let other = row(&staging, "2").await;
    assert_eq!(staging.recover(Duration::ZERO).await.unwrap(), 1);
    let one = row(&staging, "1").await;
    assert_eq!(
        (one.status, one.row_state, one.held, one.open_intent),
        (Status::Pending, RowState::Updated, Held::Unsure, false)
    );
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_data_staging WHERE partial_json_payload IS NULL"), 1);
    assert_eq!(home.one("SELECT outcome FROM ssd_api_submission_log"), "unknown");
    assert_eq!(row(&staging, "2").await, other);
    assert_eq!(staging.recover(Duration::ZERO).await.unwrap(), 0);
}

#[tokio::test]
async fn a_young_request_is_left_alone() {
    let (_home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    open_intent(&staging, "a", "1", 1).await;
    assert_eq!(staging.recover(Duration::from_secs(600)).await.unwrap(), 0);
    assert!(row(&staging, "1").await.open_intent);
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(staging.recover(Duration::from_millis(50)).await.unwrap(), 1);
}

#[tokio::test]
async fn a_child_out_of_the_cohort_keeps_its_state() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    home.raw().execute_batch("UPDATE ssd_api_data_staging SET row_state = 'Left'").unwrap();
    open_intent(&staging, "a", "1", 1).await;
    assert_eq!(staging.recover(Duration::ZERO).await.unwrap(), 1);
    assert_eq!((row(&staging, "1").await.row_state, row(&staging, "1").await.held), (RowState::Left, Held::Unsure));
}

#[tokio::test]
async fn an_intent_of_a_child_without_a_row_is_closed() {
    let (home, staging) = Home::staged().await;
    open_intent(&staging, "a", "nobody", 1).await;
    assert_eq!(staging.recover(Duration::ZERO).await.unwrap(), 0);
    assert_eq!(home.one("SELECT outcome FROM ssd_api_submission_log"), "unknown");
}

#[tokio::test]
async fn rows_of_a_living_sender_are_not_recovered() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    open_intent(&staging, "a", "1", 1).await;
    let elsewhere = home.staging();
    let sending = elsewhere.lock_submit().await.unwrap();
    assert_eq!(staging.recover(Duration::ZERO).await.unwrap(), 0);
    assert!(row(&staging, "1").await.open_intent);
    // The sender itself recovers what an earlier one left.
    assert_eq!(elsewhere.recover(Duration::ZERO).await.unwrap(), 1);
    open_intent(&staging, "b", "1", 1).await;
    drop(sending);
    assert_eq!(staging.recover(Duration::ZERO).await.unwrap(), 1);
}

#[tokio::test]
async fn rows_that_this_process_is_sending_are_not_recovered() {
    let (_home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1), new_child("2", 2)]).await;
    let _sending = staging.lock_submit().await.unwrap();
    let claim = staging.claim(&strings(&["1"])).await.unwrap();
    open_intent(&staging, "a", "1", 1).await;
    open_intent(&staging, "b", "2", 2).await;
    assert_eq!(staging.recover(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(row(&staging, "1").await.held, Held::Nothing);
    claim.record(vec![accepted("1", "a", 1)]).await.unwrap();
    assert_eq!(row(&staging, "1").await.held, Held::Document(hash(1)));
}
