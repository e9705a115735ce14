use csc_bridge_core::error::Kind;
use csc_bridge_core::source::{Source, Table, TableName};

use crate::support::*;

#[tokio::test]
async fn a_missing_table_is_named_with_advice() {
    let home = Home::with("CREATE TABLE person (id TEXT);");
    let error = home.source().open(&[columns("person", &["id"]), columns("plans", &["id"])]).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Schema);
    assert!(error.message().contains("the table plans does not exist"), "{error}");
    assert!(error.advice().contains("[source.names]"));
}

#[tokio::test]
async fn a_missing_column_is_named_with_those_there_are() {
    let home = Home::with("CREATE TABLE person (id TEXT, born TEXT);");
    let error = home.source().open(&[columns("person", &["ID", "dob", "sex"])]).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Schema);
    assert!(error.message().contains("person has no column dob (nor has it sex)"), "{error}");
    assert!(error.advice().contains("id, born"));
}

#[tokio::test]
async fn a_schema_that_sqlite_does_not_have_is_a_missing_table() {
    let home = Home::with("CREATE TABLE person (id TEXT);");
    let name = TableName { schema: "ssd_development".to_owned(), table: "person".to_owned() };
    let error = home.source().open(&[Table { name, columns: strings(&["id"]) }]).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Schema);
    assert!(error.message().contains("ssd_development.person"), "{error}");
    let name = TableName { schema: "main".to_owned(), table: "person".to_owned() };
    home.source().open(&[Table { name, columns: strings(&["id"]) }]).await.unwrap();
}

#[tokio::test]
async fn views_are_read_like_tables() {
    let home =
        Home::with("CREATE TABLE p (a TEXT); INSERT INTO p VALUES ('1'); CREATE VIEW person AS SELECT a AS id FROM p;");
    let mut session = opened(&home, &[columns("person", &["id"])]).await;
    session.select(&strings(&["1"])).await.unwrap();
    assert_eq!(scanned(&mut session, &scan("person", &["id"], &[], "id")).await, ["0|1"]);
}

#[tokio::test]
async fn names_no_database_can_have_are_configuration_errors() {
    let home = Home::with("CREATE TABLE person (id TEXT);");
    for name in ["", "  ", "a\0b", "a\nb", &"x".repeat(129)] {
        let error = home.source().open(&[columns(name, &["id"])]).await.err().unwrap();
        assert_eq!(error.kind(), Kind::Config);
        let error = home.source().open(&[columns("person", &[name])]).await.err().unwrap();
        assert_eq!(error.kind(), Kind::Config);
    }
}

#[tokio::test]
async fn a_table_that_was_not_named_at_opening_is_not_read() {
    let home = Home::with("CREATE TABLE person (id TEXT); CREATE TABLE other (id TEXT);");
    let mut session = opened(&home, &[columns("person", &["id"])]).await;
    assert_eq!(session.scan(&scan("other", &["id"], &[], "id")).await.err().unwrap().kind(), Kind::Internal);
}
