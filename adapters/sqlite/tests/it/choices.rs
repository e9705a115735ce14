//! Which rows a sender looks at.

use std::time::Instant;

use csc_bridge_core::staging::{Choice, SendResult, Staging, Status};
use csc_bridge_sql::SqlStaging;

use crate::support::*;

/// A staging table as D2I's SQL leaves it: nothing keeps a child from having several rows. Each row is (id, person_id,
/// submission_status, row_state, last_updated).
async fn filled_by_sql(rows: &[(i64, &str, &str, &str, Option<&str>)]) -> (Home, SqlStaging) {
    let (home, staging) = Home::staged().await;
    let raw = home.raw();
    raw.execute_batch(
        "CREATE TABLE other AS SELECT * FROM ssd_api_data_staging; DROP TABLE ssd_api_data_staging;
         ALTER TABLE other RENAME TO ssd_api_data_staging;",
    )
    .unwrap();
    for row in rows {
        raw.execute(
            "INSERT INTO ssd_api_data_staging (id, person_id, submission_status, row_state, last_updated, json_payload,
             current_hash) VALUES (?1, ?2, ?3, ?4, ?5, '{\"id\":' || ?1 || '}', zeroblob(31) || x'07')",
            *row,
        )
        .unwrap();
    }
    (home, staging)
}

/// All rows but for the documents, in the order of their ids.
fn states(home: &Home) -> String {
    home.one(
        "SELECT group_concat(row, ' ') FROM (SELECT id || ':' || submission_status || ':' || row_state AS row
         FROM ssd_api_data_staging ORDER BY id)",
    )
}

#[tokio::test]
async fn rows_out_of_the_cohort_are_candidates_unless_sql_fills_the_table() {
    let (home, staging) = Home::staged().await;
    apply(&staging, ["in", "prepared", "gone", "left", "blank"].map(|id| new_child(id, 1)).into()).await;
    home.raw()
        .execute_batch(
            "UPDATE ssd_api_data_staging SET row_state = 'Deleted' WHERE person_id = 'gone';
             UPDATE ssd_api_data_staging SET row_state = 'left', submission_status = 'error' WHERE person_id = 'left';
             UPDATE ssd_api_data_staging SET partial_json_payload = '{}' WHERE person_id = 'prepared';
             UPDATE ssd_api_data_staging SET json_payload = '', row_state = 'left' WHERE person_id = 'blank';",
        )
        .unwrap();
    let all = strings(&["in", "prepared", "gone", "left", "blank"]);
    for (choice, wanted) in [
        (Choice::AsStaged, vec!["in", "prepared", "gone", "left"]),
        (Choice::Prepared, vec!["prepared", "gone", "left"]),
        (Choice::Sql, vec!["in", "prepared"]),
    ] {
        assert_eq!(candidates(&staging, choice).await, wanted, "{choice:?}");
        let claim = staging.claim(&all, choice).await.unwrap();
        let had: Vec<&str> = claim.rows().iter().map(|row| row.person_id.as_str()).collect();
        assert_eq!(had, wanted, "{choice:?}");
    }
}

#[tokio::test]
async fn under_sql_the_row_written_last_counts_whatever_has_become_of_it() {
    let (_home, staging) = filled_by_sql(&[
        // The newest is to be sent: by time, by id where the times are the same, and before any row without a time.
        (1, "time", "pending", "new", Some("2026-01-02")),
        (2, "time ", "pending", "new", Some("2026-01-01")),
        (3, "id", "pending", "new", Some("2026-01-01")),
        (4, "id", "error", "new", Some("2026-01-01")),
        (5, "null", "pending", "new", Some("2026-01-01")),
        (6, "null", "pending", "new", None),
        // The newest was sent, is of a child that went, is withdrawn.
        (10, "sent", "pending", "new", Some("2026-01-01")),
        (11, "sent", "error", "new", Some("2026-01-02")),
        (12, "sent", "Sent", "Unchanged", Some("2026-01-03")),
        (13, "gone", "pending", "new", Some("2026-01-01")),
        (14, "gone", "Pending", "Deleted", Some("2026-01-02")),
        (15, "over", "pending", "new", Some("2026-01-01")),
        (16, "over", "withdrawn", "left", Some("2026-01-02")),
        // Older rows that do not ask are nobody's loss.
        (20, "old", "sent", "unchanged", Some("2026-01-01")),
        (21, "old", "pending", "updated", Some("2026-01-02")),
        (22, "alone", "pending", "new", Some("2026-01-02")),
    ])
    .await;
    let mut had = candidates(&staging, Choice::Sql).await;
    had.sort();
    assert_eq!(had, ["alone", "id", "null", "old", "time"]);
    assert_eq!(staging.superseded().await.unwrap(), 6);
    let claim = staging
        .claim(&strings(&["time", "id", "null", "sent", "gone", "over", "old", "alone"]), Choice::Sql)
        .await
        .unwrap();
    let had: Vec<&str> = claim.rows().iter().map(|row| row.document.as_str()).collect();
    assert_eq!(had, ["{\"id\":1}", "{\"id\":4}", "{\"id\":5}", "{\"id\":21}", "{\"id\":22}"]);
}

#[tokio::test]
async fn an_outcome_is_written_into_the_row_that_was_claimed_and_no_other() {
    let (home, staging) = filled_by_sql(&[
        (1, "a", "pending", "new", Some("2026-01-01")),
        (2, "a", "pending", "new", Some("2026-01-02")),
        (3, "b", "error", "updated", Some("2026-01-01")),
        (4, "b", "pending", "updated", Some("2026-01-02")),
        (5, "c", "pending", "new", Some("2026-01-01")),
        (6, "c", "pending", "new", Some("2026-01-02")),
    ])
    .await;
    let mut claim = staging.claim(&strings(&["a", "b", "c"]), Choice::Sql).await.unwrap();
    assert!(claim.still_held().await.unwrap(), "older rows of the same hash are not taken for the claimed ones");
    open_intent(&staging, "x", "a", 1).await;
    open_intent(&staging, "x", "b", 1).await;
    let mut unusable = refused("c", "-");
    unusable.attempt_id = None;
    unusable.result = SendResult::Unusable { reason: "not JSON".to_owned() };
    claim.record(vec![accepted("a", "x", 1), refused("b", "x"), unusable]).await.unwrap();
    assert_eq!(
        states(&home),
        "1:pending:new 2:sent:unchanged 3:error:updated 4:error:updated 5:pending:new 6:error:new"
    );
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_data_staging WHERE current_hash IS NULL"), 1);
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_submission_log WHERE outcome IS NULL"), 0);
    let previous = "SELECT group_concat(id) FROM ssd_api_data_staging WHERE previous_json_payload IS NOT NULL";
    assert_eq!(home.one(previous), "2");
    // Now the newest of a is sent, and its older row stays where it is for ever.
    assert_eq!(candidates(&staging, Choice::Sql).await, ["b", "c"]);
    assert_eq!(staging.superseded().await.unwrap(), 2);
}

#[tokio::test]
async fn a_claim_under_sql_is_lost_when_a_newer_row_comes() {
    let (home, staging) = filled_by_sql(&[(1, "a", "pending", "new", Some("2026-01-01"))]).await;
    let mut claim = staging.claim(&strings(&["a"]), Choice::Sql).await.unwrap();
    assert!(claim.still_held().await.unwrap());
    home.raw()
        .execute_batch(
            "INSERT INTO ssd_api_data_staging (id, person_id, json_payload, last_updated) VALUES (2, 'a', '{}', '2026-02-01')",
        )
        .unwrap();
    assert!(!claim.still_held().await.unwrap());
}

#[tokio::test]
async fn of_several_rows_only_the_newest_becomes_unsure() {
    let (home, staging) = filled_by_sql(&[
        (1, "a", "sent", "unchanged", Some("2026-01-01")),
        (2, "a", "error", "updated", Some("2026-01-02")),
    ])
    .await;
    open_intent(&staging, "x", "a", 1).await;
    assert_eq!(recover(&staging).await, 1);
    assert_eq!(states(&home), "1:sent:unchanged 2:pending:updated");
}

#[tokio::test]
async fn a_row_without_an_id_is_not_sent() {
    let (home, staging) = filled_by_sql(&[(1, "secret", "pending", "new", None)]).await;
    home.raw().execute_batch("UPDATE ssd_api_data_staging SET id = 'one'").unwrap();
    let error = staging.claim(&strings(&["secret"]), Choice::Sql).await.err().unwrap();
    assert_eq!(error.kind(), csc_bridge_core::error::Kind::Data);
    assert!(error.message().contains("id is not a whole number") && !error.message().contains("secret"), "{error}");
}

#[tokio::test]
async fn a_hundred_thousand_rows_without_an_index_are_chosen_from_in_moments() {
    let (home, staging) = filled_by_sql(&[]).await;
    home.raw()
        .execute_batch(
            "INSERT INTO ssd_api_data_staging (id, person_id, json_payload, submission_status, row_state, last_updated)
             WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n LIMIT 100000)
             SELECT v, v % 40000, '{}', 'pending', 'new', '2026-01-01' FROM n;",
        )
        .unwrap();
    let began = Instant::now();
    assert_eq!(candidates(&staging, Choice::Sql).await.len(), 40000);
    assert_eq!(staging.superseded().await.unwrap(), 60000);
    let ids: Vec<String> = (0..100).map(|id| id.to_string()).collect();
    let claim = staging.claim(&ids, Choice::Sql).await.unwrap();
    assert_eq!(claim.rows().len(), 100);
    let outcomes = ids.iter().map(|id| accepted(id, "x", 1)).collect();
    claim.record(outcomes).await.unwrap();
    assert_eq!(candidates(&staging, Choice::Sql).await.len(), 39900);
    assert!(began.elapsed().as_secs() < 20, "this grows with the square of the rows");
    // Not one of the older rows was touched.
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_data_staging WHERE submission_status = 'sent'"), 100);
    let report = staging.status().await.unwrap();
    assert!(report.states.rows.iter().any(|(status, .., rows)| *status == Status::Pending && *rows == 99900));
}
