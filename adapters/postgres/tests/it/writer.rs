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

fn edit(id: &str, set: Vec<(&str, Cell)>) -> Edit {
    Edit {
        table: table("person"),
        key: "id".to_owned(),
        id: id.to_owned(),
        set: set.into_iter().map(|(column, cell)| (column.to_owned(), cell)).collect(),
    }
}

#[tokio::test]
async fn made_up_children_are_written_edited_and_read_back() {
    let Some(home) = Home::new() else { return };
    let mut writer = home.writer().await;
    writer.create(&[person()]).await.unwrap();
    writer.insert(&table("person"), &batch()).await.unwrap();
    writer.commit().await.unwrap();
    writer.create(&[person()]).await.unwrap();
    let all = "SELECT string_agg(id || ':' || COALESCE(born::text, '-') || ':' || COALESCE(score, 0), ' ' ORDER BY id) FROM person";
    assert_eq!(home.one(all), " 2 :1969-12-31 00:00:00:0 1:1970-01-01 00:00:00:7 3:-:-3");
    let set = vec![("born", Cell::Date(1)), ("score", Cell::Integer(4)), ("id", Cell::Text("9".to_owned()))];
    assert_eq!(writer.edit(&edit("2", set)).await.unwrap(), 1);
    assert_eq!(writer.edit(&edit("1", vec![("born", Cell::Null)])).await.unwrap(), 1);
    assert_eq!(writer.edit(&edit("3", Vec::new())).await.unwrap(), 1);
    assert_eq!(writer.edit(&edit("nobody", Vec::new())).await.unwrap(), 0);
    writer.commit().await.unwrap();
    assert_eq!(home.one(all), "1:-:7 9:1970-01-02 00:00:00:4");
    writer.insert(&table("person"), &batch()).await.unwrap();
    drop(writer);
    assert_eq!(home.count("SELECT COUNT(*) FROM person"), 2);
}

#[tokio::test]
async fn a_table_of_other_types_takes_the_rows_all_the_same() {
    for types in [
        ["text", "date", "bigint"],
        ["varchar(9)", "timestamp", "smallint"],
        ["char(5)", "timestamptz", "numeric"],
        ["text", "text", "text"],
        ["text", "date", "double precision"],
    ] {
        let [id, born, score] = types;
        let Some(home) = Home::with(&format!("CREATE TABLE person (id {id}, born {born}, score {score})")) else {
            return;
        };
        let mut writer = home.writer().await;
        writer.insert(&table("person"), &batch()).await.unwrap();
        writer.commit().await.unwrap();
        let all = "SELECT string_agg(btrim(id::text) || ':' || COALESCE(left(born::text, 10), '-') || ':' || COALESCE(score::text, ''), ' ' ORDER BY btrim(id::text)) FROM person";
        assert_eq!(home.one(all), "1:1970-01-01:7 2:1969-12-31: 3:-:-3", "{types:?}");
    }
}
