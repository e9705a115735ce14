use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray};
use csc_bridge_core::payload::definition::ColumnType;
use csc_bridge_core::source::{Cell, Edit, NewTable, SourceWriter};

use crate::support::*;

fn person() -> NewTable {
    NewTable {
        name: table("person"),
        columns: vec![
            ("id".to_owned(), ColumnType::Id),
            ("born".to_owned(), ColumnType::Date),
            ("score".to_owned(), ColumnType::Integer),
        ],
        indexes: strings(&["id"]),
    }
}

fn batch() -> RecordBatch {
    RecordBatch::try_from_iter([
        ("id", Arc::new(StringArray::from(vec!["1", " 2 ", "3"])) as ArrayRef),
        ("born", Arc::new(Date32Array::from(vec![Some(0), Some(-1), None]))),
        ("score", Arc::new(Int64Array::from(vec![Some(7), None, Some(-3)]))),
    ])
    .unwrap()
}

#[tokio::test]
async fn made_up_children_are_written_with_dates_as_text_and_read_back() {
    let home = Home::new();
    let mut writer = home.writer().await;
    writer.create(&[person()]).await.unwrap();
    writer.insert(&table("person"), &batch()).await.unwrap();
    writer.commit().await.unwrap();
    writer.create(&[person()]).await.unwrap();
    let mut session = opened(&home, &[columns("person", &["id", "born", "score"])]).await;
    session.select(&strings(&["1", "2", "3"])).await.unwrap();
    let read = scanned(&mut session, &scan("person", &["born", "score"], &[], "id")).await;
    assert_eq!(read, ["0|1970-01-01 00:00:00|7", "1|1969-12-31 00:00:00|null", "2|null|-3"]);
}

#[tokio::test]
async fn edits_find_rows_by_trimmed_id() {
    let home = Home::new();
    let mut writer = home.writer().await;
    writer.create(&[person()]).await.unwrap();
    writer.insert(&table("person"), &batch()).await.unwrap();
    let edit = |id: &str, set: Vec<(&str, Cell)>| Edit {
        table: table("person"),
        key: "id".to_owned(),
        id: id.to_owned(),
        set: set.into_iter().map(|(column, cell)| (column.to_owned(), cell)).collect(),
    };
    let set = vec![("born", Cell::Date(1)), ("score", Cell::Integer(4)), ("id", Cell::Text("9".to_owned()))];
    assert_eq!(writer.edit(&edit("2", set)).await.unwrap(), 1);
    assert_eq!(writer.edit(&edit("1", vec![("born", Cell::Null)])).await.unwrap(), 1);
    assert_eq!(writer.edit(&edit("3", Vec::new())).await.unwrap(), 1);
    assert_eq!(writer.edit(&edit("nobody", Vec::new())).await.unwrap(), 0);
    writer.commit().await.unwrap();
    let all = "SELECT group_concat(id || ':' || COALESCE(born, '-') || ':' || score, ' ') FROM person";
    assert_eq!(home.one(all), "1:-:7 9:1970-01-02 00:00:00:4");
}

#[tokio::test]
async fn a_writer_that_is_dropped_without_a_commit_leaves_nothing() {
    let home = Home::new();
    let mut writer = home.writer().await;
    writer.create(&[person()]).await.unwrap();
    writer.commit().await.unwrap();
    writer.insert(&table("person"), &batch()).await.unwrap();
    drop(writer);
    assert_eq!(home.count("SELECT COUNT(*) FROM person"), 0);
}
