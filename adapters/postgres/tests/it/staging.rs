//! The staging tables: with documents as jsonb, json and text, by set-based statements.

use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::staging::*;
use csc_bridge_sql::SqlStaging;

use crate::support::*;

/// A staging table as D2I's script and its relatives create it, with documents of this type: no unique index, no `legacy_id` where it is
/// not added, words in capitals.
async fn of_another_tool(documents: &str) -> Option<(Home, SqlStaging)> {
    let home = Home::with(&format!(
        "CREATE TABLE ssd_api_data_staging (
           id bigserial PRIMARY KEY, person_id varchar(48), legacy_id varchar(48), previous_json_payload {documents},
           json_payload {documents} NOT NULL, partial_json_payload {documents}, current_hash bytea, previous_hash bytea,
           submission_status varchar(50) DEFAULT 'Pending', submission_timestamp timestamp DEFAULT now(), api_response text,
           row_state varchar(10) DEFAULT 'New', last_updated timestamp DEFAULT now());
         INSERT INTO ssd_api_data_staging (person_id, json_payload) VALUES (' old ', '{{\"n\":0}}');"
    ))?;
    let staging = home.staging();
    staging.prepare().await.unwrap();
    Some((home, staging))
}

const KINDS: [&str; 4] = ["jsonb", "json", "text", "varchar"];

fn compact(text: Option<&str>) -> Option<String> {
    text.map(|text| text.replace(' ', ""))
}

#[tokio::test]
async fn documents_may_be_of_any_type_that_holds_json() {
    for kind in KINDS {
        let Some((home, staging)) = of_another_tool(kind).await else { return };
        let old = row(&staging, "old").await;
        assert_eq!((old.status, old.row_state), (Status::Pending, RowState::New), "{kind}");
        let prepared = Write { outgoing: Some("{\"out\":1}".to_owned()), ..changed(&old, 7) };
        assert_eq!(apply(&staging, vec![prepared, new_child("1", 1)]).await.written, 2, "{kind}");
        let kept = Write { document: None, status: Status::Error, ..changed(&row(&staging, "1").await, 1) };
        assert_eq!(apply(&staging, vec![kept]).await.written, 1, "{kind}");
        let mut documents = staging.documents(&strings(&["old", "1"])).await.unwrap();
        documents.sort_by(|a, b| b.person_id.cmp(&a.person_id));
        assert_eq!(compact(documents[0].current.as_deref()).as_deref(), Some("{\"n\":7}"), "{kind}");
        assert_eq!(compact(documents[0].outgoing.as_deref()).as_deref(), Some("{\"out\":1}"), "{kind}");
        assert_eq!(compact(documents[1].current.as_deref()).as_deref(), Some("{\"n\":1}"), "{kind}");

        let mut claim = take(&staging, &["old", "1"]).await;
        assert_eq!(claim.rows().len(), 2, "{kind}");
        assert!(claim.still_held().await.unwrap(), "{kind}");
        open_intent(&staging, "a", "old", 7).await;
        claim.record(vec![accepted(" old ", "a", 7), refused("1", "b")]).await.unwrap();
        let old = row(&staging, "old").await;
        assert_eq!(
            (old.status, old.row_state, old.held),
            (Status::Sent, RowState::Unchanged, Held::Document(hash(7))),
            "{kind}"
        );
        assert_eq!(row(&staging, "1").await.status, Status::Error, "{kind}");
        let held = home.one("SELECT previous_json_payload::text FROM ssd_api_data_staging WHERE person_id = ' old '");
        assert_eq!(held.replace(' ', ""), "{\"n\":7}", "{kind}");
    }
}

#[tokio::test]
async fn a_row_without_a_hash_is_compared_by_its_document_whatever_its_type() {
    for kind in KINDS {
        let Some((home, staging)) = of_another_tool(kind).await else { return };
        home.raw("INSERT INTO ssd_api_data_staging (person_id, json_payload) VALUES ('2', '{\"b\":1,  \"a\":2}')");
        let mut claim = take(&staging, &["old", "2"]).await;
        assert!(claim.still_held().await.unwrap(), "{kind}");
        claim.record(vec![accepted(" old ", "a", 0), accepted("2", "a", 2)]).await.unwrap();
        assert_eq!(row(&staging, "2").await.status, Status::Sent, "{kind}");
    }
}

#[tokio::test]
async fn a_blank_document_is_none() {
    let Some((home, staging)) = of_another_tool("text").await else { return };
    home.raw("UPDATE ssd_api_data_staging SET json_payload = ''");
    assert!(candidates(&staging, Choice::AsStaged).await.is_empty());
}

#[tokio::test]
async fn everything_missing_is_created_once_with_the_types_that_analysts_know() {
    let Some((home, staging)) = Home::staged().await else { return };
    let columns =
        "SELECT string_agg(column_name || ' ' || data_type || ' ' || COALESCE(character_maximum_length::text, ''), ', '
        ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name = 'ssd_api_data_staging'";
    assert_eq!(
        home.one(columns),
        "id bigint , person_id character varying 48, legacy_id character varying 48, previous_json_payload jsonb , \
         json_payload jsonb , partial_json_payload jsonb , current_hash bytea , previous_hash bytea , submission_status \
         character varying 50, submission_timestamp timestamp with time zone , api_response text , row_state character \
         varying 10, last_updated timestamp with time zone "
    );
    home.raw("INSERT INTO ssd_api_data_staging (person_id, json_payload) VALUES ('1', '{}')");
    assert_eq!(
        home.one(
            "SELECT submission_status, row_state, last_updated > now() - interval '1 minute' FROM ssd_api_data_staging"
        ),
        "pending|new|t"
    );
    staging.prepare().await.unwrap();
    assert!(staging.is_ready().await.unwrap());
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_data_staging"), 1);
}

#[tokio::test]
async fn the_same_changes_applied_again_miss_and_write_nothing() {
    let Some((_home, staging)) = Home::staged().await else { return };
    apply(&staging, vec![new_child("1", 1)]).await;
    let before = row(&staging, "1").await;
    let writes = || vec![changed(&before, 2), new_child("2", 2)];
    assert_eq!(apply(&staging, writes()).await.written, 2);
    let after = staging.ledger(&strings(&["1", "2"])).await.unwrap();
    let again = apply(&staging, writes()).await;
    assert_eq!(again.written, 0);
    let mut missed = again.missed;
    missed.sort();
    assert_eq!(missed, ["1", "2"]);
    let versions = |rows: &[LedgerRow]| rows.iter().map(|row| row.version.clone()).collect::<Vec<_>>();
    assert_eq!(versions(&staging.ledger(&strings(&["1", "2"])).await.unwrap()), versions(&after));
}

#[tokio::test]
async fn a_row_that_changed_in_any_part_of_its_version_is_missed_and_the_others_are_written() {
    for change in [
        "previous_hash = decode(repeat('00', 32), 'hex')",
        "submission_status = 'Pending'",
        "submission_status = NULL",
        "row_state = 'updated'",
        "last_updated = NULL",
        "last_updated = last_updated + interval '1 microsecond'",
    ] {
        let Some((home, staging)) = Home::staged().await else { return };
        apply(&staging, vec![new_child("1", 1), new_child("2", 2)]).await;
        let rows = staging.ledger(&strings(&["1", "2"])).await.unwrap();
        home.raw(&format!("UPDATE ssd_api_data_staging SET {change} WHERE person_id = '1'"));
        let applied = apply(&staging, rows.iter().map(|row| changed(row, 9)).collect()).await;
        assert_eq!(applied.written, 1, "{change}");
        assert_eq!(applied.missed, ["1"], "{change}");
    }
}

#[tokio::test]
async fn a_slice_that_the_table_refuses_is_undone_whole_and_those_before_it_stand() {
    let Some((home, staging)) = Home::staged().await else { return };
    home.raw(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF NEW.person_id = 'P2500' THEN RAISE EXCEPTION 'P2500 is not wanted'; END IF; RETURN NEW; END $$;
         CREATE TRIGGER t BEFORE INSERT ON ssd_api_data_staging FOR EACH ROW EXECUTE FUNCTION refuse();",
    );
    let mut changes = staging.changes().await.unwrap();
    changes.push((0..5000).map(|n| new_child(&format!("P{n}"), 1)).collect()).await.unwrap();
    let error = changes.apply().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Data);
    assert!(!format!("{error:?}").contains("P2500"));
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_data_staging"), 2000);
}

#[tokio::test]
async fn ten_thousand_changes_are_applied_with_an_index_and_without() {
    for drop in ["", "DROP INDEX ix_ssd_api_data_staging_person;"] {
        let Some((home, staging)) = Home::staged().await else { return };
        home.raw(&format!("{drop} INSERT INTO ssd_api_data_staging (person_id, json_payload) SELECT n, '{{}}' FROM generate_series(1, 20000) n"));
        let ids: Vec<String> = (1..=5000).map(|n| n.to_string()).collect();
        let began = std::time::Instant::now();
        let rows = staging.ledger(&ids).await.unwrap();
        let mut writes: Vec<Write> = rows.iter().map(|row| changed(row, 2)).collect();
        writes.extend((0..5000).map(|n| new_child(&format!("new {n}"), 1)));
        assert_eq!(apply(&staging, writes).await.written, 10000);
        assert!(began.elapsed().as_secs() < 20, "this grows with the product of rows and changes");
        assert_eq!(keys(&staging).await.unwrap().len(), 25000);
    }
}

#[tokio::test]
async fn a_text_that_cannot_be_stored_is_told_and_not_shown() {
    for kind in ["jsonb", "text"] {
        let Some((_home, staging)) = of_another_tool(kind).await else { return };
        let mut write = new_child("1", 1);
        if let Some(document) = &mut write.document {
            document.legacy_id = Some("secret\0".to_owned());
        }
        let error = staging.changes().await.unwrap().push(vec![write]).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Data);
        assert!(error.message().contains("U+0000") && !format!("{error:?}").contains("secret"), "{error:?}");
    }
    // Escaped, it is nothing to a text, and too much for a jsonb.
    let Some((_home, staging)) = Home::staged().await else { return };
    let mut write = new_child("1", 1);
    write.document = document("{\"n\":\"\\u0000\"}");
    let mut changes = staging.changes().await.unwrap();
    changes.push(vec![write]).await.unwrap();
    let error = changes.apply().await.unwrap_err();
    assert!(error.kind() == Kind::Data && error.message().contains("U+0000"), "{error:?}");
}

#[tokio::test]
async fn the_time_dfe_gives_is_kept_as_a_time_of_this_place() {
    let Some((home, staging)) = Home::staged().await else { return };
    apply(&staging, vec![new_child("1", 1)]).await;
    let claim = take(&staging, &["1"]).await;
    let mut outcome = accepted("1", "a", 1);
    if let SendResult::Accepted { received_at, .. } = &mut outcome.result {
        *received_at = Some("2026-07-02 03:04:05.678".to_owned());
    }
    claim.record(vec![outcome]).await.unwrap();
    let kept = "SELECT submission_timestamp = '2026-07-02 03:04:05.678'::timestamp FROM ssd_api_data_staging";
    assert_eq!(home.one(kept), "t");
}

/// What a child may hold, in JSON that shows what it was made of.
fn may_hold(previous: Option<&str>, mentioned: &str) -> Result<String> {
    Ok(format!("[{}, {mentioned}]", previous.unwrap_or("null")))
}

#[tokio::test]
async fn lost_requests_make_their_rows_unsure_and_say_what_may_be_held() {
    for kind in KINDS {
        let Some((home, staging)) = of_another_tool(kind).await else { return };
        apply(&staging, vec![new_child("1", 1), new_child("2", 2)]).await;
        open_intent_with(&staging, "a", "1", 1, Some("1")).await;
        open_intent_with(&staging, "b", "1", 1, Some("2")).await;
        open_intent(&staging, "c", "2", 1).await;
        assert_eq!(staging.recover(Duration::from_secs(600), &may_hold).await.unwrap(), 0, "{kind}");
        assert_eq!(staging.recover(Duration::ZERO, &may_hold).await.unwrap(), 2, "{kind}");
        let one = row(&staging, "1").await;
        assert_eq!((one.status, one.held, one.open_intent), (Status::Pending, Held::Unsure, false), "{kind}");
        assert_eq!(
            home.one("SELECT previous_json_payload::text FROM ssd_api_data_staging WHERE person_id = '1'"),
            "[[null, 1], 2]",
            "{kind}"
        );
        assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_submission_log WHERE outcome = 'unknown'"), 3);
    }
}

#[tokio::test]
async fn where_it_cannot_be_said_what_is_held_nothing_is_recovered() {
    let Some((_home, staging)) = Home::staged().await else { return };
    apply(&staging, vec![new_child("1", 1)]).await;
    open_intent_with(&staging, "a", "1", 1, Some("x")).await;
    let fails = |_: Option<&str>, _: &str| Err(Error::internal("no"));
    staging.recover(Duration::ZERO, &fails).await.unwrap_err();
    let after = row(&staging, "1").await;
    assert_eq!((after.held, after.open_intent), (Held::Nothing, true));
}

#[tokio::test]
async fn the_ledger_says_how_long_ago_a_row_was_written() {
    let day = Duration::from_secs(86400);
    for (documents, value, at_least, less_than) in [
        ("jsonb", "now() - interval '3 days'", 3 * day, 3 * day + Duration::from_secs(60)),
        ("jsonb", "now() + interval '3 days'", Duration::ZERO, Duration::from_nanos(1)),
        ("jsonb", "NULL", Duration::ZERO, Duration::from_nanos(1)),
    ] {
        let Some((home, staging)) = of_another_tool(documents).await else { return };
        home.raw(&format!("UPDATE ssd_api_data_staging SET last_updated = {value}"));
        let age = row(&staging, "old").await.age;
        assert!(at_least <= age && age < less_than, "{value}: {age:?}");
    }
}

#[tokio::test]
async fn the_hash_last_accepted_is_known_and_old_rows_of_the_logs_go() {
    let Some((home, staging)) = Home::staged().await else { return };
    apply(&staging, vec![new_child("1", 1)]).await;
    for (attempt, n) in [("a", 1), ("b", 2)] {
        home.raw("UPDATE ssd_api_data_staging SET submission_status = 'pending'");
        let claim = take(&staging, &["1"]).await;
        open_intent(&staging, attempt, "1", n).await;
        claim.record(vec![accepted("1", attempt, n)]).await.unwrap();
    }
    assert_eq!(staging.documents(&strings(&["1"])).await.unwrap()[0].accepted_hash, Some(hash(2)));
    open_intent(&staging, "open", "1", 4).await;
    let run = RunRecord {
        run_id: "r".to_owned(),
        command: "run".to_owned(),
        shard: None,
        run_date: "2026-01-31".to_owned(),
        exit_code: 0,
        seconds: 2,
        table_rows: Some("{\"person\":1}".to_owned()),
        report: "{}".to_owned(),
    };
    staging.record_run(&run).await.unwrap();
    let year = Duration::from_secs(365 * 24 * 3600);
    assert_eq!(staging.prune(year).await.unwrap(), 0, "nothing is old");
    home.raw("UPDATE ssd_api_submission_log SET opened_at = '2001-01-01', closed_at = CASE WHEN outcome IS NOT NULL THEN date '2001-01-01' END");
    assert_eq!(staging.prune(year).await.unwrap(), 1);
    assert_eq!(home.one("SELECT string_agg(attempt_id, ' ' ORDER BY id) FROM ssd_api_submission_log"), "b open");
    assert_eq!(
        staging.last_staged().await.unwrap().first().map(|last| last.run_date.clone()).as_deref(),
        Some("2026-01-31")
    );

    let report = staging.status().await.unwrap();
    assert_eq!(report.states.rows.len(), 1);
    assert!(report.oldest_pending.is_none());
}

#[tokio::test]
async fn of_several_rows_of_a_child_the_one_written_last_counts_under_sql() {
    let Some((home, staging)) = of_another_tool("jsonb").await else { return };
    home.raw(
        "INSERT INTO ssd_api_data_staging (person_id, json_payload, submission_status, last_updated) VALUES
         ('a', '{\"id\":1}', 'Pending', '2026-01-01'), ('a ', '{\"id\":2}', 'Pending', '2026-01-02'),
         ('b', '{\"id\":3}', 'Pending', '2026-01-01'), ('b', '{\"id\":4}', 'sent', '2026-01-02')",
    );
    let mut had = candidates(&staging, Choice::Sql).await;
    had.sort();
    assert_eq!(had, [" old ", "a "]);
    assert_eq!(staging.superseded().await.unwrap(), 2);
    let mut claim = staging.claim(&strings(&["a", "b"]), Choice::Sql).await.unwrap();
    assert_eq!(compact(Some(&claim.rows()[0].document)).as_deref(), Some("{\"id\":2}"));
    assert!(claim.still_held().await.unwrap());
    claim.record(vec![accepted("a ", "x", 1)]).await.unwrap();
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_data_staging WHERE submission_status = 'sent'"), 2);
    let error = staging.candidates(Choice::AsStaged).await.unwrap_err();
    assert!(error.kind() == Kind::Data && error.message().contains("2 more rows"), "{error}");
}

#[tokio::test]
async fn hostile_names_of_staging_tables_are_only_names() {
    let Some(home) = Home::new() else { return };
    let hostile = csc_bridge_sql::StagingNames {
        staging: table("a\"; DROP TABLE b; --/../x"),
        log: table("log of; 'b'"),
        runs: table("Runs\""),
        ..names()
    };
    let engine = home.engine_with(&home.keys()).with_staging(hostile.staging.clone());
    let staging = SqlStaging::new(std::sync::Arc::new(engine), hostile, None).unwrap();
    staging.prepare().await.unwrap();
    let _stage = staging.lock_stage(None).await.unwrap();
    assert_eq!(apply(&staging, vec![new_child("'; DROP", 1)]).await.written, 1);
    let claim = take(&staging, &["'; DROP"]).await;
    open_intent(&staging, "a'", "'; DROP", 1).await;
    claim.record(vec![accepted("'; DROP", "a'", 1)]).await.unwrap();
    assert!(!row(&staging, "'; DROP").await.open_intent);
}
