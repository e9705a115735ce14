use csc_bridge_core::staging::{Choice, Claim, ClosedAs, Held, Outcome, RowState, SendResult, Staging, Status, Write};

use crate::support::*;

fn ids(claim: &dyn Claim) -> Vec<&str> {
    claim.rows().iter().map(|row| row.person_id.as_str()).collect()
}

#[tokio::test]
async fn candidates_come_by_oldest_change_and_errors_last() {
    let (home, staging) = Home::staged().await;
    let rows = [
        ("late", "pending", "new", "2026-01-03", "{}"),
        ("failed", "Error", "new", "2026-01-01", "{}"),
        ("early", "Pending ", "updated", "2026-01-02", "{}"),
        ("sent", "sent", "unchanged", "2026-01-01", "{}"),
        ("gone", "pending", "Deleted", "2026-01-01", "{}"),
        ("left", "pending", "left", "2026-01-01", "{}"),
        ("testing", "testing", "new", "2026-01-01", "{}"),
        ("blank", "pending", "new", "2026-01-01", ""),
        ("asked", "pending", "new", "2026-01-01", "{}"),
    ];
    for (id, status, state, updated, json) in rows {
        home.raw()
            .execute(
                "INSERT INTO ssd_api_data_staging (person_id, submission_status, row_state, last_updated, json_payload)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                [id, status, state, updated, json],
            )
            .unwrap();
    }
    home.raw().execute_batch("INSERT INTO ssd_api_data_staging (person_id, submission_status, row_state, last_updated, json_payload) VALUES ('null', NULL, NULL, '2026-01-04', '{}')").unwrap();
    open_intent(&staging, "a", "asked", 1).await;
    let candidates = staging.candidates(Choice::Sql).await.unwrap();
    let had: Vec<(&str, bool)> = candidates.iter().map(|c| (c.person_id.as_str(), c.after_error)).collect();
    assert_eq!(had, [("early", false), ("late", false), ("null", false), ("failed", true)]);
    let all = strings(&rows.map(|row| row.0));
    let claim = staging.claim(&all, Choice::Sql).await.unwrap();
    assert_eq!(ids(claim.as_ref()), ["late", "failed", "early"]);
    assert!(take(&staging, &[]).await.rows().is_empty());
}

#[tokio::test]
async fn a_claimed_row_is_not_claimed_twice_until_the_claim_is_dropped() {
    let (_home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1), new_child("2", 2), new_child("3", 3)]).await;
    let first = take(&staging, &["2", "1"]).await;
    assert_eq!(ids(first.as_ref()), ["2", "1"]);
    let second = take(&staging, &["1", "2", "3"]).await;
    assert_eq!(ids(second.as_ref()), ["3"]);
    drop(first);
    assert_eq!(ids(take(&staging, &["1", "2", "3"]).await.as_ref()), ["1", "2"]);
}

#[tokio::test]
async fn an_accepted_row_is_sent_and_holds_what_was_sent() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    home.raw().execute_batch("UPDATE ssd_api_data_staging SET partial_json_payload = '{}'").unwrap();
    let mut claim = take(&staging, &["1"]).await;
    assert_eq!((claim.rows()[0].document.as_str(), claim.rows()[0].held), ("{\"n\":1}", Held::Nothing));
    assert!(claim.still_held().await.unwrap());
    open_intent(&staging, "a", "1", 1).await;
    open_intent(&staging, "b", "1", 1).await;
    assert!(claim.still_held().await.unwrap(), "its own intents do not lose a claim");
    claim.record(vec![accepted("1", "b", 1)]).await.unwrap();

    let after = row(&staging, "1").await;
    assert_eq!(
        (after.status, after.row_state, after.held),
        (Status::Sent, RowState::Unchanged, Held::Document(hash(1)))
    );
    assert!(after.open_intent, "the attempt without an answer stays open");
    let whole = "SELECT previous_json_payload || ' ' || api_response || ' ' || (submission_timestamp = last_updated) FROM ssd_api_data_staging";
    assert_eq!(home.one(whole), "{\"n\":1} receipt 1");
    assert_eq!(home.one("SELECT partial_json_payload FROM ssd_api_data_staging"), "null");
    assert_eq!(home.one("SELECT outcome FROM ssd_api_submission_log WHERE attempt_id = 'a'"), "null");
    let closed = "SELECT outcome || ' ' || response_id || ' ' || (closed_at IS NOT NULL) FROM ssd_api_submission_log WHERE attempt_id = 'b'";
    assert_eq!(home.one(closed), "accepted receipt 1");
}

#[tokio::test]
async fn the_time_dfe_gives_is_kept() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    let claim = take(&staging, &["1"]).await;
    let mut outcome = accepted("1", "a", 1);
    if let SendResult::Accepted { received_at, .. } = &mut outcome.result {
        *received_at = Some("2026-01-02 03:04:05.678".to_owned());
    }
    claim.record(vec![outcome]).await.unwrap();
    assert_eq!(home.one("SELECT submission_timestamp FROM ssd_api_data_staging"), "2026-01-02 03:04:05.678");
}

#[tokio::test]
async fn a_row_that_stage_changed_meanwhile_is_sent_again() {
    let (_home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1), new_child("2", 2), new_child("3", 3)]).await;
    let mut claim = take(&staging, &["1", "2", "3"]).await;
    let one = row(&staging, "1").await;
    let two = row(&staging, "2").await;
    let three = row(&staging, "3").await;
    let left = |row| Write { document: None, status: Status::Withdrawn, row_state: RowState::Left, ..changed(row, 2) };
    let writes = vec![changed(&one, 9), left(&two), Write { current_hash: Some(hash(3)), ..left(&three) }];
    assert_eq!(apply(&staging, writes).await.written, 3);
    assert!(!claim.still_held().await.unwrap());
    claim.record(vec![accepted("1", "a", 1), accepted("2", "a", 2), refused("3", "a")]).await.unwrap();

    let one = row(&staging, "1").await;
    assert_eq!((one.status, one.row_state, one.held), (Status::Pending, RowState::Updated, Held::Document(hash(1))));
    assert_eq!(one.current_hash, Some(hash(9)));
    let two = row(&staging, "2").await;
    assert_eq!((two.status, two.row_state, two.held), (Status::Sent, RowState::Left, Held::Document(hash(2))));
    let three = row(&staging, "3").await;
    assert_eq!((three.status, three.row_state, three.held), (Status::Withdrawn, RowState::Left, Held::Nothing));
}

#[tokio::test]
async fn a_row_prepared_anew_meanwhile_is_sent_again_and_is_not_refused() {
    let (home, staging) = Home::staged().await;
    let prepared = |id, n, text: Option<&str>| Write { outgoing: text.map(str::to_owned), ..new_child(id, n) };
    let ids = ["same", "other", "none", "refused"];
    apply(&staging, ids.map(|id| prepared(id, 1, Some("{\"a\":1}"))).into()).await;
    let mut claim = staging.claim(&strings(&ids), Choice::Prepared).await.unwrap();
    assert_eq!(claim.rows()[0].outgoing.as_deref(), Some("{\"a\":1}"));
    assert!(claim.still_held().await.unwrap());
    home.raw()
        .execute_batch(
            "UPDATE ssd_api_data_staging SET partial_json_payload = '{\"a\":2}' WHERE person_id IN ('other', 'refused');
             UPDATE ssd_api_data_staging SET partial_json_payload = NULL WHERE person_id = 'none';",
        )
        .unwrap();
    assert!(!claim.still_held().await.unwrap());
    let outcomes =
        vec![accepted("same", "a", 1), accepted("other", "a", 1), accepted("none", "a", 1), refused("refused", "a")];
    claim.record(outcomes).await.unwrap();
    for (id, status, state) in [
        ("same", Status::Sent, RowState::Unchanged),
        ("other", Status::Pending, RowState::Updated),
        ("none", Status::Pending, RowState::Updated),
        ("refused", Status::Pending, RowState::New),
    ] {
        let after = row(&staging, id).await;
        assert_eq!((after.status, after.row_state), (status, state), "{id}");
    }
    let left = "SELECT group_concat(person_id || partial_json_payload) FROM ssd_api_data_staging";
    assert_eq!(home.one(left), "refused{\"a\":2}");
}

#[tokio::test]
async fn the_hash_that_is_held_is_the_one_the_sender_gives() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    let claim = staging.claim(&strings(&["1"]), Choice::Sql).await.unwrap();
    claim.record(vec![accepted("1", "a", 9)]).await.unwrap();
    let after = row(&staging, "1").await;
    assert_eq!((after.status, after.held, after.current_hash), (Status::Sent, Held::Document(hash(9)), Some(hash(1))));
    assert_eq!(home.one("SELECT previous_json_payload FROM ssd_api_data_staging"), "{\"n\":9}");
}

#[tokio::test]
async fn a_refused_row_is_an_error_with_the_reason_and_rows_without_an_outcome_stay() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1), new_child("2", 2), new_child("3", 3)]).await;
    let untouched = lasting(&staging, "3").await;
    let claim = take(&staging, &["1", "2", "3"]).await;
    open_intent(&staging, "a", "1", 1).await;
    let unusable = Outcome {
        person_id: "2".to_owned(),
        attempt_id: None,
        result: SendResult::Unusable { reason: "not JSON".to_owned() },
    };
    claim.record(vec![refused("1", "a"), unusable]).await.unwrap();
    let one = row(&staging, "1").await;
    assert_eq!(
        (one.status, one.row_state, one.held, one.open_intent),
        (Status::Error, RowState::New, Held::Nothing, false)
    );
    assert_eq!(one.current_hash, Some(hash(1)));
    let two = row(&staging, "2").await;
    assert_eq!((two.status, two.current_hash), (Status::Error, None));
    assert_eq!(lasting(&staging, "3").await, untouched);
    assert_eq!(home.one("SELECT api_response FROM ssd_api_data_staging WHERE person_id = '1'"), "HTTP 400: no");
    assert_eq!(home.one("SELECT outcome || COALESCE(response_id, '-') FROM ssd_api_submission_log"), "refused-");
    assert_eq!(take(&staging, &["1", "2", "3"]).await.rows().len(), 3);
}

#[tokio::test]
async fn a_row_without_a_hash_is_compared_by_its_document() {
    let (home, staging) = Home::staged().await;
    home.raw()
        .execute_batch(
            "INSERT INTO ssd_api_data_staging (person_id, json_payload) VALUES ('1', '{\"n\":1}'), ('2', '{\"n\":2}')",
        )
        .unwrap();
    let mut claim = take(&staging, &["1", "2"]).await;
    assert!(claim.still_held().await.unwrap());
    home.raw().execute_batch("UPDATE ssd_api_data_staging SET json_payload = '{}' WHERE person_id = '2'").unwrap();
    assert!(!claim.still_held().await.unwrap());
    claim.record(vec![accepted("1", "a", 1), accepted("2", "a", 2)]).await.unwrap();
    assert_eq!(row(&staging, "1").await.status, Status::Sent);
    assert_eq!(row(&staging, "2").await.status, Status::Pending);
}

#[tokio::test]
async fn a_claim_is_lost_when_a_row_is_no_longer_to_be_sent() {
    for change in [
        "submission_status = 'sent'",
        "row_state = 'deleted'",
        "current_hash = zeroblob(32)",
        "current_hash = NULL",
        "partial_json_payload = '{}'",
        "partial_json_payload = NULL",
    ] {
        let (home, staging) = Home::staged().await;
        apply(&staging, vec![Write { outgoing: Some("{ }".to_owned()), ..new_child("1", 1) }]).await;
        let mut claim = take(&staging, &["1"]).await;
        assert!(claim.still_held().await.unwrap());
        home.raw().execute_batch(&format!("UPDATE ssd_api_data_staging SET {change}")).unwrap();
        assert!(!claim.still_held().await.unwrap(), "{change}");
    }
}

#[tokio::test]
async fn outcomes_of_rows_outside_the_claim_are_refused_and_write_nothing() {
    let (_home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1), new_child("2", 2)]).await;
    for outcomes in [vec![accepted("1", "a", 1), accepted("2", "a", 2)], vec![accepted("1", "a", 1), refused("1", "b")]]
    {
        let claim = take(&staging, &["1"]).await;
        claim.record(outcomes).await.unwrap_err();
        assert_eq!(row(&staging, "1").await.status, Status::Pending);
    }
}

#[tokio::test]
async fn an_attempt_that_was_not_taken_is_closed_for_the_named_records_only() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1), new_child("2", 2)]).await;
    open_intent(&staging, "a", "1", 1).await;
    open_intent(&staging, "a", "2", 2).await;
    open_intent(&staging, "b", "1", 1).await;
    staging.close_intents("a", &strings(&["1"]), ClosedAs::NotTaken).await.unwrap();
    let open = "SELECT group_concat(who, ' ') FROM (SELECT attempt_id || person_id AS who FROM ssd_api_submission_log
                WHERE outcome IS NULL ORDER BY id)";
    assert_eq!(home.one(open), "a2 b1");
    assert_eq!(
        home.count(
            "SELECT COUNT(*) FROM ssd_api_submission_log WHERE outcome = 'not_taken' AND closed_at >= opened_at"
        ),
        1
    );
}
