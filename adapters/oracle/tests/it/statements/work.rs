//! What a run does with a database, so that every statement is sent once.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray};
use csc_bridge_core::payload::definition::ColumnType;
use csc_bridge_core::source::{
    Cell, Edit, Join, NewTable, Path, ReadSession, Scan, Source, SourceWriter, Table, TableName, read_all,
};
use csc_bridge_core::staging::*;
use csc_bridge_sql::{SqlSource, SqlStaging, SqlWriter, WritingEngine};

pub fn named(table: &str) -> TableName {
    TableName { schema: String::new(), table: table.to_owned() }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Tables as `generate` makes them, with a row in each, a change and a removal.
pub async fn written(engine: Arc<dyn WritingEngine>) {
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
pub async fn read(source: &SqlSource) {
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
        // Some are longer than VARCHAR2 can be.
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
pub async fn staged(staging: &SqlStaging, choice: Choice) {
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
