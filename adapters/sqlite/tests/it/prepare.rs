use csc_bridge_core::error::Kind;
use csc_bridge_core::source::TableName;
use csc_bridge_core::staging::{Choice, LastRun, RunRecord, Staging};
use csc_bridge_sql::{SqlStaging, StagingNames};

use crate::support::*;

#[tokio::test]
async fn everything_missing_is_created_once() {
    let (home, staging) = Home::staged().await;
    let made = "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'ssd%' ORDER BY name)";
    assert_eq!(home.one(made), "ssd_api_data_staging ssd_api_data_staging_anon ssd_api_run_log ssd_api_submission_log");
    let columns = "SELECT group_concat(name, ' ') FROM pragma_table_info('ssd_api_data_staging')";
    assert_eq!(
        home.one(columns),
        "id person_id legacy_id previous_json_payload json_payload partial_json_payload current_hash previous_hash \
         submission_status submission_timestamp api_response row_state last_updated",
    );
    home.raw().execute_batch("INSERT INTO ssd_api_data_staging (person_id, json_payload) VALUES ('1', '{}')").unwrap();
    assert_eq!(home.one("SELECT submission_status || ' ' || row_state FROM ssd_api_data_staging"), "pending new");
    staging.prepare().await.unwrap();
    assert!(staging.is_ready().await.unwrap());
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_data_staging"), 1);
}

#[tokio::test]
async fn the_anon_table_gets_no_twin_of_its_own() {
    let home = Home::new();
    let anon = StagingNames { staging: table("ssd_api_data_staging_anon"), ..names() };
    SqlStaging::new(home.engine(), anon, None).unwrap().prepare().await.unwrap();
    assert_eq!(home.count("SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name LIKE 'ssd_api_data%'"), 1);
}

#[tokio::test]
async fn a_missing_table_that_may_not_be_created_is_named() {
    let home = Home::with("CREATE TABLE x (a);");
    let never = SqlStaging::new(
        home.engine(),
        StagingNames { create: false, create_staging: false, create_database: false, ..names() },
        None,
    )
    .unwrap();
    let error = never.prepare().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Schema);
    assert!(error.message().contains("ssd_api_data_staging does not exist"), "{error}");
    assert!(error.advice().contains("if_missing"));
    assert!(!never.is_ready().await.unwrap());
}

#[tokio::test]
async fn a_table_of_another_tool_without_a_needed_column_is_refused_by_name() {
    let home = Home::with("CREATE TABLE ssd_api_data_staging (id INT PRIMARY KEY, person_id TEXT, json_payload TEXT);");
    let error = home.staging().prepare().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Schema);
    assert!(error.message().contains("has no column previous_json_payload"), "{error}");
    assert_eq!(home.count("SELECT COUNT(*) FROM sqlite_schema"), 2);
}

#[tokio::test]
async fn a_table_without_legacy_id_serves_senders_but_not_stage() {
    let (home, staging) = Home::staged().await;
    home.raw().execute_batch("ALTER TABLE ssd_api_data_staging DROP COLUMN legacy_id").unwrap();
    staging.prepare().await.unwrap();
    staging.candidates(Choice::AsStaged).await.unwrap();
    let error = staging.changes().await.err().unwrap();
    assert!(error.message().contains("has no column legacy_id"), "{error}");
}

#[tokio::test]
async fn hostile_names_of_staging_tables_are_only_names() {
    let home = Home::new();
    let named = |name: &str| TableName { schema: String::new(), table: name.to_owned() };
    let names = StagingNames {
        staging: named("a\"; DROP TABLE b; --/../x"),
        log: named("log of; 'b'"),
        runs: named("runs\""),
        create: true,
        create_staging: true,
        create_database: true,
    };
    let staging = SqlStaging::new(home.engine(), names, None).unwrap();
    staging.prepare().await.unwrap();
    let _stage = staging.lock_stage(None).await.unwrap();
    let _submit = staging.lock_submit().await.unwrap();
    assert_eq!(apply(&staging, vec![new_child("'; DROP", 1)]).await.written, 1);
    let claim = take(&staging, &["'; DROP"]).await;
    open_intent(&staging, "a'", "'; DROP", 1).await;
    claim.record(vec![accepted("'; DROP", "a'", 1)]).await.unwrap();
    assert!(!row(&staging, "'; DROP").await.open_intent);
    assert_eq!(
        std::fs::read_dir(home.folder())
            .unwrap()
            .filter(|file| { file.as_ref().unwrap().file_name().to_string_lossy().ends_with(".lock") })
            .count(),
        3
    );
}

#[tokio::test]
async fn the_rows_of_the_last_run_that_read_them_are_found() {
    let (_home, staging) = Home::staged().await;
    assert_eq!(staging.last_staged().await.unwrap(), []);
    for (run_id, table_rows) in [("a", None), ("b", Some("{\"person\":1}")), ("c", Some("{\"person\":2}")), ("d", None)]
    {
        let run = RunRecord {
            run_id: run_id.to_owned(),
            command: "stage".to_owned(),
            shard: None,
            run_date: "2026-01-31".to_owned(),
            exit_code: 0,
            seconds: 2,
            table_rows: table_rows.map(str::to_owned),
            report: "{}".to_owned(),
        };
        staging.record_run(&run).await.unwrap();
    }
    assert_eq!(
        staging.last_staged().await.unwrap().first().map(|last| last.table_rows.clone()).as_deref(),
        Some("{\"person\":2}")
    );
}

#[tokio::test]
async fn the_run_log_and_the_status_show_what_happened() {
    let (_home, staging) = Home::staged().await;
    apply(&staging, vec![new_child("1", 1), new_child("2", 2), new_child("3", 3)]).await;
    let claim = take(&staging, &["1", "2"]).await;
    open_intent(&staging, "a", "1", 1).await;
    open_intent(&staging, "b", "2", 2).await;
    open_intent(&staging, "c", "3", 3).await;
    claim.record(vec![accepted("1", "a", 1), refused("2", "b")]).await.unwrap();
    for (run_id, exit_code) in [("first", 0), ("second", 3)] {
        let run = RunRecord {
            run_id: run_id.to_owned(),
            command: "run".to_owned(),
            shard: None,
            run_date: "2026-01-31".to_owned(),
            exit_code,
            seconds: 2,
            table_rows: None,
            report: "{}".to_owned(),
        };
        staging.record_run(&run).await.unwrap();
    }
    let report = staging.status().await.unwrap();
    let states: Vec<String> =
        report.states.rows.iter().map(|(s, r, u, n)| format!("{} {} {u} {n}", s.word(), r.word())).collect();
    assert_eq!(states, ["pending new false 1", "sent unchanged false 1", "error new false 1"]);
    assert_eq!(report.states.open_intents, 1);
    assert!(report.oldest_pending.is_some());
    assert_eq!(report.errors, [("HTTP 400: no".to_owned(), 1)]);
    let LastRun { run_id, command, exit_code, .. } = report.last_run.unwrap();
    assert_eq!((run_id.as_str(), command.as_str(), exit_code), ("second", "run", 3));
}
