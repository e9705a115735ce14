//! Claims under row locks.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use csc_bridge_core::staging::*;
use csc_bridge_sql::SqlStaging;

use crate::support::*;

fn ids(claim: &dyn Claim) -> Vec<&str> {
    claim.rows().iter().map(|row| row.person_id.as_str()).collect()
}

/// Tries until it is so: a connection that was dropped ends a moment later.
async fn soon<F: Future<Output = bool>>(is_so: impl Fn() -> F) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(10), "it did not come to be");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_row_claimed_by_one_process_is_passed_over_by_another_until_it_is_given_up() {
    let Some((home, staging)) = Home::staged().await else { return };
    let other = home.staging();
    apply(&staging, vec![new_child("1", 1), new_child("2", 2), new_child("3", 3)]).await;
    let first = take(&staging, &["2", "1"]).await;
    assert_eq!(ids(first.as_ref()), ["2", "1"]);
    assert_eq!(ids(take(&other, &["1", "2", "3"]).await.as_ref()), ["3"]);
    drop(first);
    soon(|| async { take(&other, &["1", "2", "3"]).await.rows().len() == 3 }).await;
}

#[tokio::test]
async fn senders_at_once_never_have_a_row_together_and_leave_none() {
    let Some((home, staging)) = Home::staged().await else { return };
    let all: Vec<String> = (0..600).map(|n| format!("P{n}")).collect();
    apply(&staging, all.iter().map(|id| new_child(id, 1)).collect()).await;
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            let (staging, all): (SqlStaging, Vec<String>) = (home.staging(), all.clone());
            tokio::spawn(async move {
                let mut sent = Vec::new();
                loop {
                    let open = candidates(&staging, Choice::AsStaged).await;
                    if open.is_empty() {
                        return sent;
                    }
                    // Each begins elsewhere, so that they meet.
                    let start = (sender * 37) % open.len();
                    let wanted: Vec<String> =
                        open.iter().cycle().skip(start).take(open.len().min(50)).cloned().collect();
                    let mut claim = staging.claim(&wanted, Choice::AsStaged).await.unwrap();
                    let had: Vec<String> = claim.rows().iter().map(|row| row.person_id.clone()).collect();
                    assert!(claim.still_held().await.unwrap());
                    tokio::time::sleep(Duration::from_millis(3)).await;
                    claim.record(had.iter().map(|id| accepted(id, "a", 1)).collect()).await.unwrap();
                    sent.extend(had);
                    assert!(sent.len() <= all.len());
                }
            })
        })
        .collect();
    let mut sent = Vec::new();
    for sender in senders {
        sent.extend(sender.await.unwrap());
    }
    assert_eq!(sent.len(), 600, "a row was sent twice, or not at all");
    assert_eq!(sent.iter().collect::<HashSet<_>>().len(), 600);
}

#[tokio::test]
async fn a_killed_claimant_knows_that_its_rows_are_free() {
    let Some((home, staging)) = Home::staged().await else { return };
    apply(&staging, vec![new_child("1", 1)]).await;
    let other = home.staging();
    let mut claim = take(&other, &["1"]).await;
    open_intent(&staging, "a", "1", 1).await;
    assert_eq!(recover(&staging).await, 0, "a row that is locked has a sender");
    assert!(home.server.kill_backends(&home.database) > 0);
    assert!(!claim.still_held().await.unwrap());
    let error = claim.record(vec![accepted("1", "a", 1)]).await.unwrap_err();
    assert_eq!(error.kind(), csc_bridge_core::error::Kind::Unreachable);
    // The connections that lay idle in this process were killed, too.
    let staging = home.staging();
    assert_eq!(staging.recover(Duration::ZERO, &|_, _| unreachable!()).await.unwrap(), 1);
    let row = row(&staging, "1").await;
    assert_eq!((row.held, row.open_intent), (Held::Unsure, false));
    assert_eq!(take(&staging, &["1"]).await.rows().len(), 1);
}

#[tokio::test]
async fn a_row_that_a_sender_holds_is_missed_by_stage_at_once() {
    let Some((home, staging)) = Home::staged().await else { return };
    apply(&staging, vec![new_child("1", 1), new_child("2", 2)]).await;
    let rows = staging.ledger(&strings(&["1", "2"])).await.unwrap();
    let claim = take(&home.staging(), &["1"]).await;
    let applied = apply(&staging, rows.iter().map(|row| changed(row, 9)).collect()).await;
    assert_eq!((applied.written, applied.missed.as_slice()), (1, ["1".to_owned()].as_slice()));
    claim.record(vec![accepted("1", "a", 1)]).await.unwrap();
    assert_eq!(row(&staging, "1").await.held, Held::Document(hash(1)));
}

#[tokio::test]
async fn what_was_sent_between_choosing_and_claiming_is_not_claimed() {
    let Some((home, staging)) = Home::staged().await else { return };
    apply(&staging, vec![new_child("1", 1)]).await;
    let claim = take(&staging, &["1"]).await;
    // The second sender's statement begins before the first has recorded, and looks at the row after.
    let other = Arc::new(home.staging());
    let second = tokio::spawn({
        let other = other.clone();
        async move { other.claim(&strings(&["1"]), Choice::AsStaged).await.unwrap().rows().len() }
    });
    claim.record(vec![accepted("1", "a", 1)]).await.unwrap();
    assert_eq!(second.await.unwrap(), 0);
    assert!(take(&*other, &["1"]).await.rows().is_empty());
}

#[tokio::test]
async fn a_claim_is_lost_when_a_row_was_changed_behind_its_back() {
    // Its own transaction holds the row; only what the table's owner does to the lock itself could change it. So the claim's
    // connection is what is lost.
    let Some((home, staging)) = Home::staged().await else { return };
    apply(&staging, vec![new_child("1", 1)]).await;
    let mut claim = take(&staging, &["1"]).await;
    home.server.kill_backends(&home.database);
    home.raw("UPDATE ssd_api_data_staging SET submission_status = 'sent'");
    assert!(!claim.still_held().await.unwrap());
}
