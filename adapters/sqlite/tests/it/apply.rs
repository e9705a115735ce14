use csc_bridge_core::error::Kind;
use csc_bridge_core::staging::{Held, RowState, Staging, Status, Write};

use crate::support::*;

#[tokio::test]
async fn new_children_are_inserted_and_changed_ones_updated() {
    let (home, staging) = Home::staged().await;
    assert_eq!(apply(&staging, vec![new_child("1", 1), new_child("2", 2)]).await.written, 2);
    let before = row(&staging, "1").await;
    let applied = apply(&staging, vec![changed(&before, 7), new_child("3", 3)]).await;
    assert_eq!((applied.written, applied.missed.len()), (2, 0));
    assert_eq!(home.one("SELECT json_payload FROM ssd_api_data_staging WHERE person_id = '1'"), "{\"n\":7}");
    let after = row(&staging, "1").await;
    assert_eq!((after.current_hash, after.row_state), (Some(hash(7)), RowState::Updated));
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_data_staging"), 3);
}

#[tokio::test]
async fn nothing_is_written_before_apply_or_when_the_changes_are_dropped() {
    let (_home, staging) = Home::staged().await;
    let mut changes = staging.changes().await.unwrap();
    changes.push(vec![new_child("1", 1)]).await.unwrap();
    assert!(keys(&staging).await.unwrap().is_empty());
    drop(changes);
    assert!(keys(&staging).await.unwrap().is_empty());
    assert_eq!(staging.changes().await.unwrap().apply().await.unwrap(), Default::default());
}

#[tokio::test]
async fn the_same_changes_applied_again_miss_and_write_nothing() {
    let (_home, staging) = Home::staged().await;
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
    assert_eq!(staging.ledger(&strings(&["1", "2"])).await.unwrap(), after);
}

#[tokio::test]
async fn a_row_that_changed_in_any_part_of_its_version_is_missed_and_the_others_are_written() {
    let changes = [
        "previous_hash = zeroblob(32)",
        "submission_status = 'Pending'",
        "submission_status = NULL",
        "row_state = 'updated'",
        "last_updated = NULL",
        "last_updated = '2026-01-01'",
    ];
    for change in changes {
        let (home, staging) = Home::staged().await;
        apply(&staging, vec![new_child("1", 1), new_child("2", 2)]).await;
        let rows = staging.ledger(&strings(&["1", "2"])).await.unwrap();
        home.raw().execute_batch(&format!("UPDATE ssd_api_data_staging SET {change} WHERE person_id = '1'")).unwrap();
        let applied = apply(&staging, rows.iter().map(|row| changed(row, 9)).collect()).await;
        assert_eq!(applied.written, 1, "{change}");
        assert_eq!(applied.missed, ["1"], "{change}");
    }
}

#[tokio::test]
async fn a_row_that_went_is_missed() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    let before = row(&staging, "1").await;
    home.raw().execute_batch("DELETE FROM ssd_api_data_staging").unwrap();
    assert_eq!(apply(&staging, vec![changed(&before, 2)]).await.missed, ["1"]);
}

#[tokio::test]
async fn without_a_document_the_row_keeps_its_own_and_an_unknown_status_is_kept() {
    let (home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1)]).await;
    home.raw().execute_batch("UPDATE ssd_api_data_staging SET submission_status = 'Testing'").unwrap();
    let before = row(&staging, "1").await;
    let write = Write {
        document: None,
        status: before.status,
        row_state: RowState::Left,
        held: Held::Document(hash(5)),
        ..changed(&before, 1)
    };
    assert_eq!(apply(&staging, vec![write]).await.written, 1);
    let whole = "SELECT json_payload || ' ' || legacy_id || ' ' || submission_status || ' ' || row_state FROM ssd_api_data_staging";
    assert_eq!(home.one(whole), "{\"n\":1} legacy Testing left");
    assert_eq!(row(&staging, "1").await.held, Held::Document(hash(5)));
    assert_eq!(row(&staging, "1").await.status, Status::Other);
}

#[tokio::test]
async fn many_slices_are_applied_and_their_misses_gathered() {
    let (home, staging) = Home::staged().await;
    let ids: Vec<String> = (0..7000).map(|n| format!("P{n}")).collect();
    assert_eq!(apply(&staging, ids.iter().map(|id| new_child(id, 1)).collect()).await.written, 7000);
    let rows = staging.ledger(&ids).await.unwrap();
    home.raw()
        .execute_batch("UPDATE ssd_api_data_staging SET row_state = 'left' WHERE person_id IN ('P0', 'P3500', 'P6999')")
        .unwrap();
    let mut changes = staging.changes().await.unwrap();
    for part in rows.chunks(999) {
        changes.push(part.iter().map(|row| changed(row, 2)).collect()).await.unwrap();
    }
    let applied = changes.apply().await.unwrap();
    assert_eq!(applied.written, 6997);
    let mut missed = applied.missed;
    missed.sort();
    assert_eq!(missed, ["P0", "P3500", "P6999"]);
}

#[tokio::test]
async fn a_slice_that_the_table_refuses_is_undone_whole_and_those_before_it_stand() {
    let (home, staging) = Home::staged().await;
    home.raw()
        .execute_batch(
            "CREATE TRIGGER t BEFORE INSERT ON ssd_api_data_staging WHEN NEW.person_id = 'P2500'
             BEGIN SELECT RAISE(ABORT, 'P2500 is not wanted'); END",
        )
        .unwrap();
    let mut changes = staging.changes().await.unwrap();
    changes.push((0..5000).map(|n| new_child(&format!("P{n}"), 1)).collect()).await.unwrap();
    let error = changes.apply().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Data);
    assert!(!format!("{error:?}").contains("P2500"));
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_data_staging"), 2000);
}

#[tokio::test]
async fn a_table_without_any_index_of_ours_takes_changes_too() {
    let (home, staging) = Home::staged().await;
    home.raw()
        .execute_batch(
            "DROP INDEX ix_ssd_api_data_staging_person;
             INSERT INTO ssd_api_data_staging (person_id, json_payload)
             WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n LIMIT 20000) SELECT v, '{}' FROM n;",
        )
        .unwrap();
    let ids: Vec<String> = (1..=5000).map(|n| n.to_string()).collect();
    let began = std::time::Instant::now();
    let rows = staging.ledger(&ids).await.unwrap();
    let mut writes: Vec<Write> = rows.iter().map(|row| changed(row, 2)).collect();
    writes.extend((0..5000).map(|n| new_child(&format!("new {n}"), 1)));
    assert_eq!(apply(&staging, writes).await.written, 10000);
    assert!(began.elapsed().as_secs() < 20, "this grows with the product of rows and changes");
}
