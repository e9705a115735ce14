//! Accounts that may not do everything, and schemas that are not as they should be.

use std::sync::Arc;

use csc_bridge_core::error::Kind;
use csc_bridge_core::source::{Source, Table, TableName};
use csc_bridge_core::staging::Staging;
use csc_bridge_sql::{SqlSource, SqlStaging, StagingNames};

use crate::support::*;

/// The keys of a role of this name, whose password is its name.
fn keys_of(home: &Home, role: &str) -> String {
    format!(
        "{}user = '{role}'\npassword = {{ file = '{}' }}\nlock_timeout = '300ms'\n",
        home.place(),
        home.secret(role)
    )
}

fn source_of(home: &Home, role: &str) -> SqlSource {
    SqlSource::new(Arc::new(home.engine_with(&keys_of(home, role))))
}

#[tokio::test]
async fn a_reader_with_select_only_reads_everything() {
    let Some(home) = Home::with(
        "CREATE SCHEMA ssd; CREATE TABLE ssd.t (id text); INSERT INTO ssd.t VALUES ('1'); CREATE TABLE hidden (id text);
         CREATE VIEW v AS SELECT id FROM hidden;
         CREATE ROLE reader_of_all LOGIN PASSWORD 'reader_of_all';
         GRANT USAGE ON SCHEMA ssd TO reader_of_all; GRANT SELECT ON ssd.t, v TO reader_of_all;",
    ) else {
        return;
    };
    let name = TableName { schema: "ssd".to_owned(), table: "t".to_owned() };
    let ssd = Table { name: name.clone(), columns: strings(&["id"]) };
    let source = source_of(&home, "reader_of_all");
    let mut session = source.open(&[ssd, columns("v", &["id"])]).await.unwrap();
    session.select(&strings(&["1"])).await.unwrap();
    let mut wanted = scan("t", &["id"], &[], "id");
    wanted.table = name;
    assert_eq!(scanned(&mut session, &wanted).await, ["0|1"]);

    let error = source.open(&[columns("hidden", &["id"])]).await.err().unwrap();
    assert!(error.kind() == Kind::Permission && error.advice().contains("SELECT"), "{error:?}");
    let keys = keys_of(&home, "reader_of_all");
    let staging = SqlStaging::new(Arc::new(home.engine_with(&keys)), names(), None).unwrap();
    assert_eq!(staging.prepare().await.unwrap_err().kind(), Kind::Permission);
}

#[tokio::test]
async fn a_schema_or_temporary_tables_that_are_not_granted_are_told() {
    let Some(home) = Home::with(
        "CREATE SCHEMA ssd; CREATE TABLE ssd.t (id text); CREATE TABLE t (id text);
         CREATE ROLE reader_without LOGIN PASSWORD 'reader_without'; GRANT SELECT ON t, ssd.t TO reader_without;",
    ) else {
        return;
    };
    let source = source_of(&home, "reader_without");
    let name = TableName { schema: "ssd".to_owned(), table: "t".to_owned() };
    let error = source.open(&[Table { name, columns: strings(&["id"]) }]).await.err().unwrap();
    assert!(error.kind() == Kind::Permission && error.advice().contains("USAGE"), "{error:?}");
    home.raw(&format!("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC", home.database));
    let error = source.open(&[columns("t", &["id"])]).await.err().unwrap();
    assert!(error.kind() == Kind::Permission && error.advice().contains("TEMPORARY"), "{error:?}");
}

#[tokio::test]
async fn a_sender_needs_to_create_nothing() {
    let Some((home, staging)) = Home::staged().await else { return };
    apply(&staging, vec![new_child("1", 1)]).await;
    home.raw(
        "CREATE ROLE sender_only LOGIN PASSWORD 'sender_only';
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO sender_only;",
    );
    let engine = Arc::new(home.engine_with(&keys_of(&home, "sender_only")).with_staging(names().staging));
    let never = StagingNames { create: false, create_staging: false, create_database: false, ..names() };
    let sender = SqlStaging::new(engine, never, None).unwrap();
    sender.prepare().await.unwrap();
    let claim = take(&sender, &["1"]).await;
    open_intent(&sender, "a", "1", 1).await;
    claim.record(vec![accepted("1", "a", 1)]).await.unwrap();
    assert_eq!(apply(&sender, vec![new_child("2", 2)]).await.written, 1);
}

#[tokio::test]
async fn missing_tables_and_columns_are_named() {
    let Some(home) = Home::with("CREATE TABLE person (id text, born date); CREATE INDEX plans ON person (id)") else {
        return;
    };
    let source = home.source();
    // An index is no table, whatever its name.
    for (name, schema) in [("plans", ""), ("person", "ssd")] {
        let name = TableName { schema: schema.to_owned(), table: name.to_owned() };
        let error = source.open(&[Table { name: name.clone(), columns: strings(&["id"]) }]).await.err().unwrap();
        assert!(
            error.kind() == Kind::Schema && error.message().contains(&format!("the table {name} does not exist")),
            "{error:?}"
        );
    }
    let error = source.open(&[columns("person", &["id", "dob", "sex"])]).await.err().unwrap();
    assert!(error.message().contains("person has no column dob (nor has it sex)"), "{error}");
    assert!(error.advice().contains("id, born"));
    // To PostgreSQL names that differ in case are different names.
    let mut session = opened(&home, &[columns("person", &["ID"])]).await;
    let error = session.list(&table("person"), &strings(&["ID"])).await.err().unwrap();
    assert!(error.kind() == Kind::Schema && error.advice().contains("capital letters"), "{error:?}");
}

#[tokio::test]
async fn tables_views_and_triggers_of_other_programs_are_never_a_fault_of_csc_bridge() {
    const TRIGGER: &str = "CREATE TRIGGER a BEFORE INSERT ON ssd_api_data_staging FOR EACH ROW EXECUTE FUNCTION f();";
    let function = |body: &str| {
        format!(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NEW; END $$; {TRIGGER}"
        )
    };
    for spoilt in [
        "ALTER TABLE ssd_api_data_staging RENAME TO other; CREATE VIEW ssd_api_data_staging AS SELECT * FROM other LIMIT 1;".to_owned(),
        function("INSERT INTO gone VALUES (1)"),
        function("PERFORM nothing_such(1)"),
        function("RAISE EXCEPTION 'no'"),
        function("PERFORM '{'::json"),
        function("PERFORM 1 / 0"),
        "ALTER TABLE ssd_api_data_staging ADD CHECK (person_id <> 'a');".to_owned(),
        "ALTER TABLE ssd_api_data_staging ALTER COLUMN person_id TYPE varchar(0 + 3) USING 'x';".replace("0 + 3", "1"),
        "ALTER TABLE ssd_api_data_staging ALTER COLUMN person_id TYPE integer USING 1;".to_owned(),
    ] {
        let Some((home, staging)) = Home::staged().await else { return };
        home.raw(&spoilt);
        let mut changes = staging.changes().await.unwrap();
        changes.push(vec![new_child("abc", 1), new_child("a", 1)]).await.unwrap();
        let applied = changes.apply().await;
        let is_told = applied.as_ref().is_err_and(|error| matches!(error.kind(), Kind::Schema | Kind::Data));
        assert!(is_told, "{spoilt}: {applied:?}");
    }
}

#[tokio::test]
async fn an_index_that_has_the_name_of_ours_is_said_to() {
    let Some(home) = Home::with("CREATE TABLE t (a text); CREATE INDEX ix_ssd_api_submission_log_open ON t (a);")
    else {
        return;
    };
    assert_eq!(home.staging().prepare().await.unwrap_err().kind(), Kind::Schema);
}

#[tokio::test]
async fn hashes_that_are_not_bytes_are_refused_by_the_column() {
    let Some((home, _)) = Home::staged().await else { return };
    home.raw("ALTER TABLE ssd_api_data_staging ALTER COLUMN previous_hash TYPE text USING NULL");
    for error in [home.staging().prepare().await.unwrap_err(), home.staging().ledger(&[]).await.unwrap_err()] {
        assert_eq!(error.kind(), Kind::Schema);
        assert!(error.message().contains("previous_hash of ssd_api_data_staging is text"), "{error}");
    }
}
