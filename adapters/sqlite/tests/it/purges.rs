//! Children out of the cohort: purges, and what is withdrawn.

use csc_bridge_core::staging::{Held, LedgerRow, RowState, Status, Write};
use csc_bridge_sql::SqlStaging;

use crate::support::*;

const PURGE: &str = "{\"purge\":true}";
const WENT: &str = "2026-01-01 00:00:00.000";

/// A child of which DfE holds the document of 1, and which went on the first of January.
async fn gone() -> (Home, SqlStaging) {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    take(&staging, &["1"]).await.record(vec![accepted("1", "-", 1)]).await.unwrap();
    home.raw()
        .execute_batch(&format!("UPDATE ssd_api_data_staging SET row_state = 'deleted', last_updated = '{WENT}'"))
        .unwrap();
    (home, staging)
}

/// The staging of the purge form, which keeps the time at which the child went.
fn purge(row: &LedgerRow) -> Write {
    Write {
        document: None,
        row_state: row.row_state,
        outgoing: Some(PURGE.to_owned()),
        touches: false,
        ..changed(row, 1)
    }
}

/// The same, with the purge staged.
async fn purge_staged() -> (Home, SqlStaging) {
    let (home, staging) = gone().await;
    let row = row(&staging, "1").await;
    assert_eq!(apply(&staging, vec![purge(&row)]).await.written, 1);
    (home, staging)
}

/// The child comes back with the document of 2.
async fn come_back(staging: &SqlStaging) {
    let gone = row(staging, "1").await;
    assert_eq!(apply(staging, vec![changed(&gone, 2)]).await.written, 1);
}

fn updated(home: &Home) -> String {
    home.one("SELECT last_updated FROM ssd_api_data_staging")
}

fn column(home: &Home, name: &str) -> String {
    home.one(&format!("SELECT CAST({name} AS TEXT) FROM ssd_api_data_staging"))
}

#[tokio::test]
async fn the_staging_of_a_purge_keeps_the_time_at_which_the_child_went() {
    let (home, staging) = purge_staged().await;
    assert_eq!(updated(&home), WENT);
    assert_eq!(column(&home, "partial_json_payload"), PURGE);
    assert_eq!(row(&staging, "1").await.status, Status::Pending);
    // Whatever else is written is written now.
    come_back(&staging).await;
    assert_ne!(updated(&home), WENT);
    assert_eq!(column(&home, "partial_json_payload"), "null");
}

#[tokio::test]
async fn a_claim_shows_the_purge_that_is_staged() {
    let (_home, staging) = purge_staged().await;
    let claim = take(&staging, &["1"]).await;
    let row = &claim.rows()[0];
    assert_eq!((row.outgoing.as_deref(), row.row_state), (Some(PURGE), RowState::Deleted));
    assert_eq!((row.held, row.held_document.as_deref()), (Held::Document(hash(1)), Some("{\"n\":1}")));
}

#[tokio::test]
async fn after_an_accepted_purge_nothing_is_held_or_wanted() {
    let (home, staging) = purge_staged().await;
    let mut claim = take(&staging, &["1"]).await;
    open_intent(&staging, "a", "1", 1).await;
    assert!(claim.still_held().await.unwrap());
    claim.record(vec![purged("1", "a")]).await.unwrap();
    let after = row(&staging, "1").await;
    assert_eq!((after.status, after.row_state, after.held), (Status::Sent, RowState::Deleted, Held::Nothing));
    assert_eq!((after.current_hash, after.open_intent), (None, false));
    for (name, value) in [
        ("json_payload", PURGE),
        ("previous_json_payload", "null"),
        ("previous_hash", "null"),
        ("partial_json_payload", "null"),
        ("api_response", "purge receipt"),
        ("last_updated", WENT),
    ] {
        assert_eq!(column(&home, name), value, "{name}");
    }
    assert_eq!(home.count("SELECT submission_timestamp >= '2026-01-02' FROM ssd_api_data_staging"), 1);
    assert_eq!(home.one("SELECT outcome || ' ' || response_id FROM ssd_api_submission_log"), "purged purge receipt");
}

#[tokio::test]
async fn a_purge_accepted_after_the_child_returned_leaves_the_child_as_new() {
    let (home, staging) = purge_staged().await;
    let mut claim = take(&staging, &["1"]).await;
    open_intent(&staging, "a", "1", 1).await;
    come_back(&staging).await;
    assert!(!claim.still_held().await.unwrap());
    claim.record(vec![purged("1", "a")]).await.unwrap();
    let after = row(&staging, "1").await;
    assert_eq!((after.status, after.row_state, after.held), (Status::Pending, RowState::New, Held::Nothing));
    assert_eq!(after.current_hash, Some(hash(2)));
    assert_eq!(column(&home, "json_payload"), "{\"n\":2}");
    assert_eq!(column(&home, "previous_json_payload"), "null");
    assert_ne!(updated(&home), WENT);
}

#[tokio::test]
async fn a_refused_purge_is_an_error_and_stays_staged() {
    let (home, staging) = purge_staged().await;
    take(&staging, &["1"]).await.record(vec![refused("1", "a")]).await.unwrap();
    let after = row(&staging, "1").await;
    assert_eq!(
        (after.status, after.row_state, after.held),
        (Status::Error, RowState::Deleted, Held::Document(hash(1)))
    );
    assert_eq!(column(&home, "partial_json_payload"), PURGE);
    assert_eq!(column(&home, "api_response"), "HTTP 400: no");
    assert_eq!(updated(&home), WENT);
}

#[tokio::test]
async fn a_purge_refused_after_the_child_returned_says_nothing_about_it() {
    let (home, staging) = purge_staged().await;
    let claim = take(&staging, &["1"]).await;
    // Even where it comes back with the very document it had.
    let gone = row(&staging, "1").await;
    let back = Write { outgoing: Some(PURGE.to_owned()), ..changed(&gone, 1) };
    assert_eq!(apply(&staging, vec![back]).await.written, 1);
    claim.record(vec![refused("1", "a")]).await.unwrap();
    let after = row(&staging, "1").await;
    assert_eq!((after.status, after.row_state), (Status::Pending, RowState::Updated));
    assert_ne!(updated(&home), WENT);
}

#[tokio::test]
async fn a_row_out_of_the_cohort_for_which_nothing_may_be_sent_is_withdrawn() {
    for status in ["pending", "Error"] {
        let (home, staging) = gone().await;
        home.raw().execute_batch(&format!("UPDATE ssd_api_data_staging SET submission_status = '{status}'")).unwrap();
        let response = column(&home, "api_response");
        take(&staging, &["1"]).await.record(vec![withdrawn("1")]).await.unwrap();
        let after = row(&staging, "1").await;
        assert_eq!((after.status, after.row_state), (Status::Withdrawn, RowState::Deleted));
        assert_eq!(after.held, Held::Document(hash(1)));
        assert_eq!((updated(&home).as_str(), column(&home, "api_response")), (WENT, response));
    }
    let (home, staging) = purge_staged().await;
    take(&staging, &["1"]).await.record(vec![withdrawn("1")]).await.unwrap();
    assert_eq!(column(&home, "partial_json_payload"), "null");
    assert_eq!(row(&staging, "1").await.status, Status::Withdrawn);
}

#[tokio::test]
async fn a_row_on_which_something_happened_meanwhile_is_not_withdrawn() {
    for change in ["submission_status = 'sent'", "row_state = 'new'", &format!("partial_json_payload = '{PURGE}'")] {
        let (home, staging) = gone().await;
        home.raw().execute_batch("UPDATE ssd_api_data_staging SET submission_status = 'pending'").unwrap();
        let claim = take(&staging, &["1"]).await;
        home.raw().execute_batch(&format!("UPDATE ssd_api_data_staging SET {change}")).unwrap();
        let before = (row(&staging, "1").await.version, column(&home, "partial_json_payload"));
        claim.record(vec![withdrawn("1")]).await.unwrap();
        assert_eq!((row(&staging, "1").await.version, column(&home, "partial_json_payload")), before, "{change}");
    }
}

#[tokio::test]
async fn a_document_accepted_after_the_child_left_is_held_and_the_time_it_left_stays() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    let claim = take(&staging, &["1"]).await;
    home.raw()
        .execute_batch(&format!(
            "UPDATE ssd_api_data_staging SET row_state = 'left', submission_status = 'withdrawn', last_updated = '{WENT}'"
        ))
        .unwrap();
    claim.record(vec![accepted("1", "a", 1)]).await.unwrap();
    let after = row(&staging, "1").await;
    assert_eq!((after.row_state, after.held), (RowState::Left, Held::Document(hash(1))));
    assert_eq!(updated(&home), WENT);
}
