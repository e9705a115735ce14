//! Every text that the adapter sends, once: reviewed in `statements.sql`, read by a linter in `test.sh`.
//!
//! `CSC_BRIDGE_WRITE_STATEMENTS=1` writes the file anew. That nothing is missing there is seen by the conformance suite, which reaches every
//! promise of the contracts: it sends no statement of another shape.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow_array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray};
use csc_bridge_core::payload::definition::ColumnType;
use csc_bridge_core::source::{
    Cell, Edit, Join, NewTable, Path, ReadSession, Scan, Source, SourceWriter, Table, TableName, read_all,
};
use csc_bridge_core::staging::*;
use csc_bridge_sql::{SqlSource, SqlStaging, SqlWriter, StagingNames, WritingEngine};

use crate::home::{Home, Kind};

/// The shapes of what the servers of this process were sent by the adapter.
static SENT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Takes note of what a server was sent.
pub fn note(sent: Vec<String>) {
    SENT.lock().unwrap_or_else(PoisonError::into_inner).extend(sent.iter().map(|sql| shape(sql)));
}

/// Fails for statements that are in no line of `statements.sql`.
pub fn must_be_listed() {
    let listed: BTreeSet<String> = listed().iter().map(|sql| shape(sql)).collect();
    let sent = SENT.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let strange: Vec<&String> = sent.difference(&listed).collect();
    assert!(strange.is_empty(), "{} shapes are not in statements.sql:\n{}", strange.len(), join(&strange));
}

fn join(texts: &[&String]) -> String {
    texts.iter().map(|text| format!("{text}\n")).collect()
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/statements.sql")
}

fn listed() -> Vec<String> {
    let text = std::fs::read_to_string(file()).unwrap();
    let statements = text.lines().filter(|line| !line.is_empty() && !line.starts_with("--"));
    statements.map(|line| line.trim_end_matches(';').to_owned()).collect()
}

/// The statements of our own among the requests: the driver makes its INSERT BULK, and asks for the columns before it, by itself.
pub fn own(log: Vec<String>) -> Vec<String> {
    let is_own = |sql: &String| !["--", "INSERT BULK", "SELECT TOP 0 "].iter().any(|begins| sql.starts_with(begins));
    log.into_iter().filter(is_own).collect()
}

/// A statement without its names, texts and numbers, and with each list cut to what differs in it.
fn shape(sql: &str) -> String {
    let (mut shape, mut characters) = (String::new(), sql.chars().peekable());
    while let Some(character) = characters.next() {
        let end = match character {
            '\'' | '"' => Some(character),
            '[' => Some(']'),
            _ => None,
        };
        match end {
            Some(end) => {
                while let Some(next) = characters.next() {
                    if next == end && characters.next_if_eq(&end).is_none() {
                        break;
                    }
                }
                shape.push('?');
            }
            None if character.is_ascii_digit() => {
                while characters.next_if(char::is_ascii_digit).is_some() {}
                shape.push('0');
            }
            None => shape.push(character),
        }
    }
    // A step is called otherwise where a table has its name.
    while shape.contains("s_0") || shape.contains("s__") {
        shape = shape.replace("s__", "s_").replace("s_0", "s0");
    }
    // Of a row that a statement inserts, each null is written out.
    if shape.starts_with("INSERT INTO #") {
        shape = shape.replace("NULL", "@P0");
    }
    for item in ["?", "N?", "t.?", "@P0"] {
        let twice = format!("{item}, {item}");
        while shape.contains(&twice) {
            shape = shape.replace(&twice, item);
        }
    }
    shape
}

fn named(table: &str) -> TableName {
    TableName { schema: String::new(), table: table.to_owned() }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Tables as `generate` makes them, with a row in each, a change and a removal.
async fn written(engine: Arc<dyn WritingEngine>) {
    let mut writer = SqlWriter::open(engine).await.unwrap();
    let column = |name: &str, kind| (name.to_owned(), kind);
    let new = |name: &str, columns: Vec<(String, ColumnType)>| NewTable {
        name: named(name),
        indexes: vec![columns[0].0.clone()],
        columns,
    };
    let person = vec![
        column("pers_person_id", ColumnType::Id),
        column("pers_forename", ColumnType::Text),
        column("pers_dob", ColumnType::Date),
        column("pers_number", ColumnType::Integer),
        column("pers_json", ColumnType::Json),
    ];
    let linked = |id: &str, to: &str| vec![column(id, ColumnType::Id), column(to, ColumnType::Id)];
    let tables = [
        new("ssd_person", person),
        new("ssd_cin_episodes", linked("cine_referral_id", "cine_person_id")),
        new("ssd_cin_plans", linked("cinp_cin_plan_id", "cinp_referral_id")),
        new("ssd_cin_visits", linked("cinv_cin_visit_id", "cinv_cin_plan_id")),
    ];
    writer.create(&tables).await.unwrap();
    let text = |text: &str| Arc::new(StringArray::from(vec![text])) as ArrayRef;
    let rows = [
        ("pers_person_id", text("1")),
        ("pers_dob", Arc::new(Date32Array::from(vec![0])) as ArrayRef),
        ("pers_number", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
        ("pers_json", text(&"x".repeat(40_000))),
    ];
    writer.insert(&named("ssd_person"), &RecordBatch::try_from_iter(rows).unwrap()).await.unwrap();
    let set = [
        ("pers_forename", Cell::Null),
        ("pers_forename", Cell::Text("x".to_owned())),
        ("pers_number", Cell::Integer(2)),
        ("pers_dob", Cell::Date(1)),
    ];
    for (column, cell) in set {
        let set = vec![(column.to_owned(), cell)];
        let edit = Edit { table: named("ssd_person"), key: "pers_person_id".to_owned(), id: "1".to_owned(), set };
        writer.edit(&edit).await.unwrap();
    }
    let remove =
        Edit { table: named("ssd_cin_visits"), key: "cinv_cin_visit_id".to_owned(), id: "1".to_owned(), set: vec![] };
    writer.edit(&remove).await.unwrap();
    writer.commit().await.unwrap();
}

/// A session that lists, counts and scans by no join and by up to three.
async fn read(source: &SqlSource) {
    let table = |name: &str, columns: &[&str]| Table { name: named(name), columns: strings(columns) };
    let tables = [
        table("ssd_person", &["pers_person_id", "pers_dob"]),
        table("ssd_cin_episodes", &["cine_referral_id", "cine_person_id"]),
        table("ssd_cin_plans", &["cinp_cin_plan_id", "cinp_referral_id"]),
        table("ssd_cin_visits", &["cinv_cin_visit_id", "cinv_cin_plan_id"]),
    ];
    let mut session: Box<dyn ReadSession> = source.open(&tables).await.unwrap();
    session.count(&named("ssd_person")).await.unwrap();
    session.select(&strings(&["1"])).await.unwrap();
    read_all(session.list(&named("ssd_person"), &tables[0].columns).await.unwrap().as_mut()).await.unwrap();
    let join = |column: &str, table: &str, key: &str| Join {
        column: column.to_owned(),
        table: named(table),
        key: key.to_owned(),
    };
    let (episode, plan) = (
        join("cinp_referral_id", "ssd_cin_episodes", "cine_referral_id"),
        join("cinv_cin_plan_id", "ssd_cin_plans", "cinp_cin_plan_id"),
    );
    let person = join("cine_person_id", "ssd_person", "pers_person_id");
    let paths = [
        ("ssd_person", vec![], "pers_person_id"),
        ("ssd_cin_episodes", vec![], "cine_person_id"),
        ("ssd_cin_plans", vec![episode.clone()], "cine_person_id"),
        ("ssd_cin_visits", vec![plan.clone(), episode.clone()], "cine_person_id"),
        ("ssd_cin_visits", vec![plan, episode, person], "pers_person_id"),
    ];
    for (name, joins, child) in paths {
        for no_key in [strings(&[]), strings(&["-1", "SSD_PH"])] {
            let columns = tables.iter().find(|table| table.name == named(name)).unwrap().columns.clone();
            let path_to_child = Path { joins: joins.clone(), child: child.to_owned(), no_key };
            let scan = Scan { table: named(name), columns, path_to_child };
            read_all(session.scan(&scan).await.unwrap().as_mut()).await.unwrap();
        }
    }
}

fn write(id: &str, expected: Option<RowVersion>, outgoing: Option<&str>) -> Write {
    Write {
        person_id: id.to_owned(),
        expected,
        status: Status::Pending,
        row_state: RowState::New,
        // Those of some are too long for a bulk load.
        document: Some(NewDocument {
            json: if id < "c" { "x".repeat(40_000) } else { "{}".to_owned() },
            legacy_id: None,
        }),
        current_hash: Some([1; 32]),
        held: Held::Nothing,
        outgoing: outgoing.map(str::to_owned),
        touches: true,
    }
}

async fn apply(staging: &SqlStaging, writes: Vec<Write>) {
    let mut changes = staging.changes().await.unwrap();
    changes.push(writes).await.unwrap();
    changes.apply().await.unwrap();
}

/// Everything that `stage` and `submit` do to the staging tables, with each kind of outcome.
async fn staged(staging: &SqlStaging, choice: Choice) {
    staging.rehearse(choice != Choice::Sql).await.unwrap();
    staging.prepare().await.unwrap();
    staging.is_ready().await.unwrap();
    drop(staging.lock_stage(None).await.unwrap());
    drop(staging.lock_stage(Shard::new(1, 2)).await.unwrap());
    let ids = ["a", "b", "c", "d", "e"];
    apply(staging, ids.iter().map(|id| write(id, None, Some("{}"))).collect()).await;
    let ledger = staging.ledger(&strings(&ids)).await.unwrap();
    let again = |row: &LedgerRow| write(&row.person_id, Some(row.version.clone()), Some("{}"));
    apply(staging, ledger.iter().map(again).collect()).await;
    // No row as it was, and one that is there after all.
    apply(staging, ledger[1..].iter().map(again).chain([write(&ledger[0].person_id, None, None)]).collect()).await;
    staging.each_key(&mut |_| {}).await.unwrap();
    staging.documents(&strings(&ids)).await.unwrap();
    staging.candidates(choice).await.unwrap();
    staging.superseded().await.unwrap();
    let _submit = staging.lock_submit().await.unwrap();
    let mut claim = staging.claim(&strings(&ids), choice).await.unwrap();
    assert_eq!(claim.rows().len(), ids.len());
    let record = |id: &str| IntentRecord {
        person_id: id.to_owned(),
        kind: RecordKind::Full,
        hash: [1; 32],
        based_on: Held::Nothing,
        mentioned: Some("{}".to_owned()),
    };
    let attempt = |attempt: &str| Attempt { attempt_id: attempt.to_owned(), run_id: "run".to_owned(), number: 1 };
    let records: Vec<IntentRecord> = ids.iter().map(|id| record(id)).collect();
    staging.open_intents(&attempt("1"), &records).await.unwrap();
    assert!(claim.still_held().await.unwrap());
    let text = |text: &str| text.to_owned();
    let received_at = Some(text("2026-01-01 00:00:00.000"));
    let results = [
        SendResult::Accepted { document: "x".repeat(40_000), hash: [1; 32], receipt: text("r"), received_at },
        SendResult::Purged { document: text("{}"), receipt: text("r"), received_at: None },
        SendResult::Withdrawn,
        SendResult::Refused { reason: text("no") },
        SendResult::Unusable { reason: text("no") },
    ];
    let outcome =
        |(id, result): (&&str, SendResult)| Outcome { person_id: text(id), attempt_id: Some(text("1")), result };
    claim.record(ids.iter().zip(results).map(outcome).collect()).await.unwrap();
    staging.open_intents(&attempt("2"), &[record("a")]).await.unwrap();
    staging.close_intents("2", &strings(&["a"]), ClosedAs::Refused).await.unwrap();
    staging.resubmit(&strings(&ids), choice, true).await.unwrap();
    assert_eq!(staging.resubmit(&strings(&ids), choice, false).await.unwrap()[0], Resubmitted::Marked);
    staging.open_intents(&attempt("3"), &[record("a")]).await.unwrap();
    assert_eq!(staging.recover(Duration::ZERO, &|_, mentioned| Ok(mentioned.to_owned())).await.unwrap(), 1);
    let run = RunRecord {
        run_id: text("run"),
        command: text("run"),
        shard: None,
        run_date: text("2026-01-01"),
        exit_code: 0,
        seconds: 1,
        table_rows: Some(text("{}")),
        report: text("{}"),
    };
    staging.record_run(&run).await.unwrap();
    staging.last_staged().await.unwrap();
    staging.states().await.unwrap();
    staging.status().await.unwrap();
    staging.prune(Duration::from_millis(1_500)).await.unwrap();
}

fn names(create_staging: bool) -> StagingNames {
    StagingNames {
        staging: named("ssd_api_data_staging"),
        log: named("ssd_api_submission_log"),
        runs: named("ssd_api_run_log"),
        create: true,
        create_staging,
        create_database: true,
    }
}

/// The submission log before it had the column `mentioned`.
const EARLIER_LOG: &str = "CREATE TABLE ssd_api_submission_log (id BIGINT IDENTITY(1,1) PRIMARY KEY, attempt_id NVARCHAR(48), \
     run_id NVARCHAR(48), attempt BIGINT, person_id NVARCHAR(200), kind NVARCHAR(20), hash_sent VARBINARY(32), \
     hash_base VARBINARY(32), opened_at DATETIME2(3), closed_at DATETIME2(3), outcome NVARCHAR(20), response_id NVARCHAR(200))";

/// All statements of the adapter, in the order in which each is sent first.
async fn sent() -> Option<Vec<String>> {
    let mut sent = Vec::new();
    for choice in [Choice::AsStaged, Choice::Prepared, Choice::Sql] {
        let home = Home::new(&Kind::Simulated).await?;
        let engine = || Arc::new(home.engine_with(&home.keys()));
        written(engine()).await;
        if choice == Choice::Prepared {
            home.must(EARLIER_LOG).await;
        }
        if choice == Choice::Sql {
            // Read one table after another.
            home.must("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION OFF").await;
            SqlStaging::new(engine(), names(true), None).unwrap().prepare().await.unwrap();
        }
        read(&SqlSource::new(engine())).await;
        staged(&SqlStaging::new(engine(), names(choice != Choice::Sql), None).unwrap(), choice).await;
        sent.extend(home.sent());
    }
    let mut seen = BTreeSet::new();
    sent.retain(|sql| seen.insert(sql.clone()));
    Some(sent)
}

/// What the file begins with.
const HEADING: &str = "-- Every statement of the adapter, one to a line. Written by statements.rs.\n\
     -- The space in '%[^ ]%' stands for every character of Unicode's White_Space, line breaks among them.\n";

/// The characters between which a statement looks for others.
fn white_space() -> String {
    csc_bridge_sql::name::WHITE_SPACE.iter().filter_map(|code| char::from_u32(*code)).collect()
}

/// What came after 2012, or has known faults.
const REFUSED: [&str; 25] = [
    "MERGE",
    "CREATE OR ALTER",
    "IF EXISTS",
    "STRING_AGG",
    "STRING_SPLIT",
    "OPENJSON",
    "JSON_VALUE",
    "JSON_QUERY",
    "JSON_MODIFY",
    "JSON_OBJECT",
    "FOR JSON",
    "ISJSON",
    "TRIM(",
    "CONCAT_WS",
    "TRANSLATE(",
    "DATEDIFF_BIG",
    "AT TIME ZONE",
    "GREATEST",
    "LEAST",
    "GENERATE_SERIES",
    "IS DISTINCT",
    "IS NOT DISTINCT",
    "DATETRUNC",
    "NOLOCK",
    "TOP (n)",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_is_listed_and_none_is_newer_than_2012() {
    let Some(sent) = sent().await else { return };
    let sent: Vec<String> = sent.into_iter().map(|sql| sql.replace(&white_space(), " ")).collect();
    if std::env::var_os("CSC_BRIDGE_WRITE_STATEMENTS").is_some() {
        let mut text = String::from(HEADING);
        text.extend(sent.iter().map(|sql| format!("\n{sql};\n")));
        std::fs::write(file(), text).unwrap();
    }
    let mut verdicts = BTreeMap::new();
    for sql in &sent {
        let plain = sql.to_uppercase().replace("LTRIM(", "").replace("RTRIM(", "");
        assert!(REFUSED.iter().all(|word| !plain.contains(word)), "{sql}");
        *verdicts.entry(sql.split_whitespace().next().unwrap_or_default()).or_insert(0) += 1;
    }
    println!("{} statements: {verdicts:?}", sent.len());
    let (sent, listed) = (BTreeSet::from_iter(sent), BTreeSet::from_iter(listed()));
    let (new, old): (Vec<_>, Vec<_>) = (sent.difference(&listed).collect(), listed.difference(&sent).collect());
    assert!(new.is_empty() && old.is_empty(), "not listed:\n{}\nno longer sent:\n{}", join(&new), join(&old));
}
