use std::time::Duration;

use csc_bridge_core::error::Kind;
use csc_bridge_core::staging::{Choice, Held, Outgoing, RowState, Staging, Status, Write};

use csc_bridge_sql::Dialect;
use csc_bridge_sqlite::SqliteDialect;

use crate::support::*;

fn many(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("P{n}")).collect()
}

#[tokio::test]
async fn the_ledger_of_no_child_one_child_and_five_thousand() {
    let (_home, staging) = Home::staged().await;
    assert!(staging.ledger(&[]).await.unwrap().is_empty());
    assert!(staging.ledger(&many(5000)).await.unwrap().is_empty());
    let applied = apply(&staging, many(6000).iter().map(|id| new_child(id, 1)).collect()).await;
    assert_eq!((applied.written, applied.missed.len()), (6000, 0));
    assert!(staging.ledger(&[]).await.unwrap().is_empty());
    let one = row(&staging, "P17").await;
    assert_eq!((one.current_hash, one.held, one.open_intent), (Some(hash(1)), Held::Nothing, false));
    assert_eq!((one.status, one.row_state), (Status::Pending, RowState::New));
    assert_eq!(staging.ledger(&many(5000)).await.unwrap().len(), 5000);
    assert_eq!(keys(&staging).await.unwrap().len(), 6000);
    let documents = staging.documents(&strings(&["P3", "nobody"])).await.unwrap();
    assert_eq!(documents.len(), 1);
    assert_eq!((documents[0].current.as_deref(), documents[0].held.as_deref()), (Some("{\"n\":1}"), None));
}

#[tokio::test]
async fn rows_of_other_tools_are_read_whatever_their_case_padding_and_type() {
    let (home, staging) = Home::staged().await;
    home.raw()
        .execute_batch(
            "INSERT INTO ssd_api_data_staging (person_id, json_payload, submission_status, row_state, previous_hash, last_updated)
             VALUES (' 1 ', '{}', 'Sent', 'Unchanged', x'0102', 20260101), (2, '{}', NULL, NULL, 'text', NULL),
                    ('a', '{}', 'testing', 'new', NULL, 1.5), ('A', '{}', 'pending', 'new', NULL, '');",
        )
        .unwrap();
    let one = row(&staging, "1").await;
    assert_eq!((one.status, one.row_state, one.held), (Status::Sent, RowState::Unchanged, Held::Unsure));
    let two = row(&staging, "2").await;
    assert_eq!((two.status, two.row_state, two.held), (Status::Pending, RowState::New, Held::Unsure));
    assert_eq!(row(&staging, "a").await.status, Status::Other);
    let mut keys = crate::support::keys(&staging).await.unwrap();
    keys.sort();
    assert_eq!(keys, ["1", "2", "A", "a"]);
    // Whatever stands in a row, its version matches itself.
    let rows = staging.ledger(&keys).await.unwrap();
    let applied = apply(&staging, rows.iter().map(|row| changed(row, 9)).collect()).await;
    assert_eq!((applied.written, applied.missed.len()), (4, 0));
}

#[tokio::test]
async fn the_ledger_says_whether_something_is_prepared_and_how_long_ago_the_row_was_written() {
    let (home, staging) = Home::staged().await;
    apply(&staging, ["1", "2"].map(|id| new_child(id, 1)).into()).await;
    let one = row(&staging, "1").await;
    assert_eq!(one.outgoing, Outgoing::Nothing);
    assert!(one.age < Duration::from_secs(5));
    let prepared = Write { outgoing: Some("{\"n\":9}".to_owned()), ..changed(&one, 1) };
    assert_eq!(apply(&staging, vec![prepared]).await.written, 1);
    assert_eq!(row(&staging, "1").await.outgoing, Outgoing::Other);
    let mut documents = staging.documents(&strings(&["1", "2"])).await.unwrap();
    documents.sort_by(|a, b| a.person_id.cmp(&b.person_id));
    let outgoing: Vec<Option<&str>> = documents.iter().map(|document| document.outgoing.as_deref()).collect();
    assert_eq!(outgoing, [Some("{\"n\":9}"), None]);
    let again = row(&staging, "1").await;
    assert_eq!(apply(&staging, vec![changed(&again, 1)]).await.written, 1);
    assert_eq!(row(&staging, "1").await.outgoing, Outgoing::Nothing);

    let day = Duration::from_secs(86400);
    for (value, at_least, less_than) in [
        ("datetime('now', '-3 days')", 3 * day, 3 * day + Duration::from_secs(60)),
        ("date('now', '-3 days')", 3 * day, 4 * day),
        ("strftime('%Y-%m-%dT%H:%M:%f', 'now', '-1 day')", day, 2 * day),
        ("datetime('now', '+3 days')", Duration::ZERO, Duration::from_nanos(1)),
        ("NULL", Duration::ZERO, Duration::from_nanos(1)),
        ("''", Duration::ZERO, Duration::from_nanos(1)),
        ("20260101", Duration::ZERO, Duration::from_nanos(1)),
        ("1.5", Duration::ZERO, Duration::from_nanos(1)),
    ] {
        home.raw().execute_batch(&format!("UPDATE ssd_api_data_staging SET last_updated = {value}")).unwrap();
        let age = row(&staging, "1").await.age;
        assert!(at_least <= age && age < less_than, "{value}: {age:?}");
    }
}

#[tokio::test]
async fn two_rows_for_one_child_are_a_data_error_with_their_number_and_no_id() {
    let home = Home::new();
    home.staging().prepare().await.unwrap();
    home.raw()
        .execute_batch(
            "CREATE TABLE other AS SELECT * FROM ssd_api_data_staging; DROP TABLE ssd_api_data_staging;
             ALTER TABLE other RENAME TO ssd_api_data_staging;
             INSERT INTO ssd_api_data_staging (id, person_id, json_payload)
             VALUES (1, 'secret', '{}'), (2, 'secret ', '{}'), (3, 'b', '{}');",
        )
        .unwrap();
    let staging = home.staging();
    staging.ledger(&strings(&["b"])).await.unwrap();
    for error in [
        staging.ledger(&strings(&["b", "secret"])).await.unwrap_err(),
        staging.candidates(Choice::AsStaged).await.unwrap_err(),
        staging.claim(&strings(&["secret"]), Choice::AsStaged).await.err().unwrap(),
    ] {
        assert_eq!(error.kind(), Kind::Data);
        assert!(error.message().contains("1 more rows"), "{error}");
        assert!(!format!("{error:?}").contains("secret"));
    }
}

#[tokio::test]
async fn the_ledger_reads_an_index_and_no_document() {
    let (home, _staging) = Home::staged().await;
    let raw = home.raw();
    let key = SqliteDialect.key("t.person_id");
    let sql = format!(
        "EXPLAIN QUERY PLAN SELECT CAST(t.current_hash AS BLOB), CAST(t.previous_hash AS BLOB), t.last_updated,
         t.submission_status, t.row_state FROM main.ssd_api_data_staging t WHERE {key} = '1'"
    );
    let plan: String = raw.query_row(&sql, [], |row| row.get(3)).unwrap();
    assert!(plan.contains("COVERING INDEX ix_ssd_api_data_staging_person"), "{plan}");
}

#[tokio::test]
async fn what_was_accepted_is_read_from_an_index_and_not_from_the_log() {
    let (home, _staging) = Home::staged().await;
    let key = SqliteDialect.key("l.person_id");
    let sql = format!(
        "EXPLAIN QUERY PLAN SELECT l.id, l.outcome, CAST(l.hash_sent AS BLOB) FROM main.ssd_api_submission_log l
         WHERE {key} = '1' AND l.outcome = 'accepted'"
    );
    let plan: String = home.raw().query_row(&sql, [], |row| row.get(3)).unwrap();
    assert!(plan.contains("COVERING INDEX ix_ssd_api_submission_log_person"), "{plan}");
}

#[tokio::test]
async fn open_intents_are_found_by_an_index_however_long_the_log() {
    let (home, _staging) = Home::staged().await;
    let raw = home.raw();
    let set = [("id", csc_bridge_sql::Store::Text(200)), ("nr", csc_bridge_sql::Store::Integer)];
    raw.execute_batch(&SqliteDialect.create_temporary(csc_bridge_sql::SET, &set, "id")).unwrap();
    // As in the ledger and as in a claim.
    for (partner, from) in [
        ("c.id".to_owned(), format!("temp.{} c", csc_bridge_sql::SET)),
        (SqliteDialect.key("t.person_id"), "main.ssd_api_data_staging t".to_owned()),
    ] {
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT EXISTS (SELECT 1 FROM main.ssd_api_submission_log l WHERE {} = {partner}
             AND l.outcome IS NULL) FROM {from}",
            SqliteDialect.key("l.person_id"),
        );
        let mut statement = raw.prepare(&sql).unwrap();
        let steps = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
        let plan = steps.collect::<Result<Vec<_>, _>>().unwrap().join("\n");
        assert!(plan.contains("SEARCH l USING") && plan.contains("INDEX ix_ssd_api_submission_log_"), "{plan}");
    }
}
