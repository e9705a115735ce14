use csc_bridge_core::error::Kind;
use csc_bridge_core::source::{NewTable, Source, SourceWriter, Table, TableName};
use csc_bridge_core::staging::{Choice, Staging};
use csc_bridge_sql::{SqlStaging, StagingNames};

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
async fn a_schema_that_sqlite_does_not_have_is_a_mistake_of_the_configuration() {
    let home = Home::with("CREATE TABLE person (id TEXT);");
    let name = TableName { schema: "ssd_development".to_owned(), table: "person".to_owned() };
    let error = home.source().open(&[Table { name, columns: strings(&["id"]) }]).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Config);
    assert_eq!(error.advice(), "set schema = \"\" (SQLite has one schema)");
    let other = |table: TableName| TableName { schema: "other".to_owned(), ..table };
    let names = StagingNames {
        staging: other(names().staging),
        log: other(names().log),
        runs: other(names().runs),
        create: true,
        create_staging: true,
        create_database: true,
    };
    let staging = SqlStaging::new(home.engine(), names, None).unwrap();
    let mut writer = home.writer().await;
    let new = NewTable { name: other(table("person")), columns: Vec::new(), indexes: Vec::new() };
    for error in [
        staging.prepare().await.unwrap_err(),
        staging.is_ready().await.unwrap_err(),
        staging.candidates(Choice::AsStaged).await.unwrap_err(),
        staging.ledger(&strings(&["1"])).await.unwrap_err(),
        writer.create(&[new]).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), Kind::Config, "{error}");
        assert_eq!(error.advice(), "set schema = \"\" (SQLite has one schema)");
    }
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

#[tokio::test]
async fn tables_views_and_triggers_of_other_programs_are_never_a_fault_of_csc_bridge() {
    for spoilt in [
        // The staging table is a view, which takes no rows.
        "ALTER TABLE ssd_api_data_staging RENAME TO other; CREATE VIEW ssd_api_data_staging AS SELECT * FROM other;",
        // A trigger of which a table has gone, one with a function that SQLite does not have, one that refuses.
        "CREATE TRIGGER a BEFORE INSERT ON ssd_api_data_staging BEGIN INSERT INTO gone VALUES (1); END;",
        "CREATE TRIGGER a BEFORE INSERT ON ssd_api_data_staging BEGIN SELECT nothing_such(1); END;",
        "CREATE TRIGGER a BEFORE INSERT ON ssd_api_data_staging BEGIN SELECT RAISE(ABORT, 'no'); END;",
        "CREATE TRIGGER a BEFORE INSERT ON ssd_api_data_staging BEGIN SELECT json('{'); END;",
        "CREATE TRIGGER a BEFORE INSERT ON ssd_api_data_staging BEGIN SELECT abs(-9223372036854775808); END;",
        // A table of another program in which an id has to be a number.
        "DROP TABLE ssd_api_data_staging; CREATE TABLE ssd_api_data_staging (person_id INTEGER PRIMARY KEY, legacy_id,
         json_payload, previous_json_payload, partial_json_payload, current_hash, previous_hash, submission_status,
         submission_timestamp, api_response, row_state, last_updated, id);",
    ] {
        let (home, staging) = Home::staged().await;
        home.raw().execute_batch(spoilt).unwrap();
        let mut changes = staging.changes().await.unwrap();
        changes.push(vec![new_child("a", 1)]).await.unwrap();
        let error = changes.apply().await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Schema | Kind::Data), "{spoilt}: {error:?}");
    }
}

#[tokio::test]
async fn an_index_that_has_the_name_of_ours_is_said_to() {
    let home = Home::with("CREATE TABLE t (a); CREATE INDEX ix_ssd_api_submission_log_open ON t (a);");
    assert_eq!(home.staging().prepare().await.unwrap_err().kind(), Kind::Schema);
}

#[tokio::test]
async fn a_view_that_cannot_be_read_is_a_fault_of_the_schema() {
    let home = Home::with("CREATE TABLE a (id TEXT); CREATE VIEW person AS SELECT id FROM a; DROP TABLE a;");
    let error = match home.source().open(&[columns("person", &["id"])]).await {
        Err(error) => error,
        Ok(mut session) => {
            let mut stream = session.scan(&scan("person", &["id"], &[], "id")).await.unwrap();
            csc_bridge_core::source::read_all(stream.as_mut()).await.unwrap_err()
        }
    };
    assert_eq!(error.kind(), Kind::Schema, "{error:?}");
}
