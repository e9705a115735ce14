//! What the submission log says of a child.

use std::time::Duration;

use csc_bridge_core::staging::{Choice, Claim, ClosedAs, Hash, Staging};
use csc_bridge_sql::{SqlStaging, StagingNames};

use crate::support::*;

async fn send(staging: &SqlStaging, attempt_id: &str, n: u8) {
    let claim = take(staging, &["1"]).await;
    open_intent(staging, attempt_id, "1", n).await;
    claim.record(vec![accepted("1", attempt_id, n)]).await.unwrap();
}

fn pending(home: &Home) {
    home.raw().execute_batch("UPDATE ssd_api_data_staging SET submission_status = 'pending'").unwrap();
}

async fn accepted_hash(home: &Home, staging: &SqlStaging) -> Option<Hash> {
    pending(home);
    claimed_with_history(staging, "1").await
}

/// The history is read for tables only that somebody else's SQL fills.
async fn claimed_with_history(staging: &SqlStaging, id: &str) -> Option<Hash> {
    staging.claim(&strings(&[id]), Choice::Sql).await.unwrap().rows()[0].accepted_hash
}

async fn is_accepted(staging: &SqlStaging) -> bool {
    staging.documents(&strings(&["1"])).await.unwrap()[0].accepted_hash.is_some()
}

#[tokio::test]
async fn the_hash_last_accepted_is_known_until_a_later_request_has_no_answer() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1), new_child("2", 2)]).await;
    assert_eq!((accepted_hash(&home, &staging).await, is_accepted(&staging).await), (None, false));
    send(&staging, "a", 1).await;
    assert_eq!((accepted_hash(&home, &staging).await, is_accepted(&staging).await), (Some(hash(1)), true));
    send(&staging, "b", 2).await;
    assert_eq!(accepted_hash(&home, &staging).await, Some(hash(2)));
    // Refused, and not taken: what was accepted stands.
    let claim = take(&staging, &["1"]).await;
    open_intent(&staging, "c", "1", 3).await;
    claim.record(vec![refused("1", "c")]).await.unwrap();
    open_intent(&staging, "d", "1", 4).await;
    staging.close_intents("d", &strings(&["1"]), ClosedAs::NotTaken).await.unwrap();
    assert_eq!(accepted_hash(&home, &staging).await, Some(hash(2)));
    // No answer.
    open_intent(&staging, "e", "1", 5).await;
    assert_eq!(recover(&staging).await, 1);
    assert_eq!((accepted_hash(&home, &staging).await, is_accepted(&staging).await), (None, false));
    // The next acceptance settles it.
    send(&staging, "f", 6).await;
    assert_eq!(accepted_hash(&home, &staging).await, Some(hash(6)));
    // The other child has no part in any of this.
    assert_eq!(claimed_with_history(&staging, "2").await, None);
    assert!(staging.documents(&strings(&["2"])).await.unwrap()[0].accepted_hash.is_none());
}

#[tokio::test]
async fn a_retry_that_was_accepted_settles_an_earlier_attempt_and_not_a_later_one() {
    for (accepted_attempt, wanted) in [("b", Some(hash(1))), ("a", None)] {
        let (home, staging) = Home::staged().await;
        apply(&staging, vec![new_child("1", 1)]).await;
        let claim = take(&staging, &["1"]).await;
        open_intent(&staging, "a", "1", 1).await;
        open_intent(&staging, "b", "1", 1).await;
        claim.record(vec![accepted("1", accepted_attempt, 1)]).await.unwrap();
        assert_eq!(recover(&staging).await, 1);
        assert_eq!(accepted_hash(&home, &staging).await, wanted, "{accepted_attempt}");
    }
}

#[tokio::test]
async fn after_a_purge_no_hash_counts_as_accepted() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    send(&staging, "a", 1).await;
    home.raw().execute_batch("UPDATE ssd_api_data_staging SET row_state = 'left'").unwrap();
    pending(&home);
    let claim = take(&staging, &["1"]).await;
    open_intent(&staging, "b", "1", 1).await;
    claim.record(vec![purged("1", "b")]).await.unwrap();
    home.raw().execute_batch("UPDATE ssd_api_data_staging SET row_state = 'new'").unwrap();
    assert_eq!((accepted_hash(&home, &staging).await, is_accepted(&staging).await), (None, false));
    send(&staging, "c", 2).await;
    assert_eq!(accepted_hash(&home, &staging).await, Some(hash(2)));
}

#[tokio::test]
async fn a_padded_id_has_the_same_history() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    home.raw().execute_batch("UPDATE ssd_api_data_staging SET person_id = ' 1 '").unwrap();
    let claim: Box<dyn Claim> = take(&staging, &[" 1 "]).await;
    open_intent(&staging, "a", " 1 ", 1).await;
    claim.record(vec![accepted(" 1 ", "a", 1)]).await.unwrap();
    assert_eq!((accepted_hash(&home, &staging).await, is_accepted(&staging).await), (Some(hash(1)), true));
}

#[tokio::test]
async fn a_log_of_an_earlier_version_gets_its_column_and_its_index() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    open_intent(&staging, "before", "1", 1).await;
    home.raw()
        .execute_batch(
            "DROP INDEX ix_ssd_api_submission_log_person; ALTER TABLE ssd_api_submission_log DROP COLUMN mentioned;",
        )
        .unwrap();
    // Who may not change the table is told; who only looks needs no change.
    let never = SqlStaging::new(
        home.engine(),
        StagingNames { create: false, create_staging: false, create_database: false, ..names() },
        None,
    );
    let error = never.unwrap().prepare().await.unwrap_err();
    assert!(error.message().contains("ssd_api_submission_log has no column mentioned"), "{error}");
    let upgraded = home.staging();
    assert!(upgraded.is_ready().await.unwrap());
    assert!(upgraded.ledger(&strings(&["1"])).await.unwrap()[0].open_intent);
    upgraded.documents(&strings(&["1"])).await.unwrap();

    upgraded.prepare().await.unwrap();
    upgraded.prepare().await.unwrap();
    let indexes = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'ix_ssd_api_submission_log_person'";
    assert_eq!(home.count(indexes), 1);
    open_intent_with(&upgraded, "after", "1", 1, Some("x")).await;
    assert_eq!(recover(&upgraded).await, 1);
    assert_eq!(home.one("SELECT previous_json_payload FROM ssd_api_data_staging"), "nothing+x");
}

#[tokio::test]
async fn old_rows_of_the_logs_go_but_for_those_that_are_still_needed() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    for (attempt, n) in [("a", 1), ("b", 2)] {
        pending(&home);
        send(&staging, attempt, n).await;
    }
    pending(&home);
    let claim = take(&staging, &["1"]).await;
    open_intent(&staging, "c", "1", 3).await;
    claim.record(vec![refused("1", "c")]).await.unwrap();
    open_intent(&staging, "open", "1", 4).await;
    let attempts = "SELECT group_concat(attempt_id, ' ') FROM ssd_api_submission_log";
    let year = Duration::from_secs(365 * 24 * 3600);
    assert_eq!(staging.prune(year).await.unwrap(), 0, "nothing is old");
    home.raw()
        .execute_batch(
            "UPDATE ssd_api_submission_log SET opened_at = '2001-01-01', closed_at = CASE WHEN outcome IS NOT NULL THEN '2001-01-01' END;
             INSERT INTO ssd_api_run_log (run_id, command, run_date, exit_code, seconds, table_rows, ended_at) VALUES
             ('1', 'run', '2001-01-01', 0, 1, '{}', '2001-01-01'), ('2', 'run', '2001-01-02', 0, 1, '{}', '2001-01-02'),
             ('3', 'run', '2001-01-03', 5, 1, NULL, '2001-01-03')",
        )
        .unwrap();
    assert_eq!(staging.prune(year).await.unwrap(), 4);
    assert_eq!(home.one(attempts), "b open", "what was accepted last, and what has no answer yet");
    assert_eq!(
        staging.last_staged().await.unwrap().first().map(|last| last.run_date.clone()).as_deref(),
        Some("2001-01-02")
    );
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_run_log"), 1);
}
