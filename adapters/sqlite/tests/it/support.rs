//! A folder with a database, and short ways to look into it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, RecordBatch};
use csc_bridge_core::source::{
    Join, Path as ChildPath, ReadSession, RowStream, Scan, Source, Table, TableName, read_all,
};
use csc_bridge_core::staging::*;
use csc_bridge_sql::{SqlSource, SqlStaging, SqlWriter, StagingNames};
use csc_bridge_sqlite::SqliteEngine;

pub struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Home {
        Home { folder: tempfile::tempdir().unwrap() }
    }

    pub fn with(sql: &str) -> Home {
        let home = Home::new();
        home.raw().execute_batch(sql).unwrap();
        home
    }

    pub async fn staged() -> (Home, SqlStaging) {
        let home = Home::new();
        let staging = home.staging();
        staging.prepare().await.unwrap();
        (home, staging)
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("csc.db")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }

    pub fn engine(&self) -> Arc<SqliteEngine> {
        Arc::new(SqliteEngine::new(&self.path(), Duration::from_millis(300)).unwrap())
    }

    pub fn source(&self) -> SqlSource {
        SqlSource::new(self.engine())
    }

    pub fn staging(&self) -> SqlStaging {
        SqlStaging::new(self.engine(), names(), None).unwrap()
    }

    pub async fn writer(&self) -> SqlWriter {
        SqlWriter::open(self.engine()).await.unwrap()
    }

    pub fn one(&self, sql: &str) -> String {
        self.raw().query_row(sql, [], |row| row.get::<_, Option<String>>(0)).unwrap().unwrap_or("null".to_owned())
    }

    pub fn count(&self, sql: &str) -> i64 {
        self.raw().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

pub fn names() -> StagingNames {
    StagingNames {
        staging: table("ssd_api_data_staging"),
        log: table("ssd_api_submission_log"),
        runs: table("ssd_api_run_log"),
        create: true,
        create_staging: true,
        create_database: true,
    }
}

pub fn table(name: &str) -> TableName {
    TableName { schema: String::new(), table: name.to_owned() }
}

pub fn columns(name: &str, columns: &[&str]) -> Table {
    Table { name: table(name), columns: strings(columns) }
}

pub fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A scan of `columns` of `name`; `joins` are (column, table, key).
pub fn scan(name: &str, columns: &[&str], joins: &[(&str, &str, &str)], child: &str) -> Scan {
    let join = |(column, to, key): &(&str, &str, &str)| Join {
        column: (*column).to_owned(),
        table: table(to),
        key: (*key).to_owned(),
    };
    Scan {
        table: table(name),
        columns: strings(columns),
        path_to_child: ChildPath {
            joins: joins.iter().map(join).collect(),
            child: child.to_owned(),
            no_key: strings(&["-1", " SSD_PH "]),
        },
    }
}

/// Everything of a stream as text, sorted; the child's number first where the rows are tagged.
pub async fn rows(stream: &mut dyn RowStream) -> Vec<String> {
    let mut rows: Vec<String> = read_all(stream).await.unwrap().iter().flat_map(texts).collect();
    rows.sort();
    rows
}

fn texts(batch: &RecordBatch) -> Vec<String> {
    let cell = |column: &dyn Array, at: usize| match column.as_string_opt::<i32>() {
        _ if column.is_null(at) => "null".to_owned(),
        Some(text) => text.value(at).to_owned(),
        None => column.as_primitive::<Int32Type>().value(at).to_string(),
    };
    let row = |at| batch.columns().iter().map(|column| cell(column.as_ref(), at)).collect::<Vec<_>>().join("|");
    (0..batch.num_rows()).map(row).collect()
}

pub async fn scanned(session: &mut Box<dyn ReadSession>, wanted: &Scan) -> Vec<String> {
    rows(session.scan(wanted).await.unwrap().as_mut()).await
}

pub async fn opened(home: &Home, tables: &[Table]) -> Box<dyn ReadSession> {
    home.source().open(tables).await.unwrap()
}

pub fn hash(n: u8) -> Hash {
    [n; 32]
}

pub fn document(text: &str) -> Option<NewDocument> {
    Some(NewDocument { json: text.to_owned(), legacy_id: Some("legacy".to_owned()) })
}

/// A new child with the document `{"n":n}` and the hash of n's.
pub fn new_child(id: &str, n: u8) -> Write {
    Write {
        person_id: id.to_owned(),
        expected: None,
        status: Status::Pending,
        row_state: RowState::New,
        document: document(&format!("{{\"n\":{n}}}")),
        current_hash: Some(hash(n)),
        held: Held::Nothing,
        outgoing: None,
        touches: true,
    }
}

/// The change of a row to the document and hash of n.
pub fn changed(row: &LedgerRow, n: u8) -> Write {
    Write {
        expected: Some(row.version.clone()),
        row_state: RowState::Updated,
        held: row.held,
        ..new_child(&row.person_id, n)
    }
}

pub async fn apply(staging: &dyn Staging, writes: Vec<Write>) -> Applied {
    let mut changes = staging.changes().await.unwrap();
    changes.push(writes).await.unwrap();
    changes.apply().await.unwrap()
}

pub async fn row(staging: &dyn Staging, id: &str) -> LedgerRow {
    let mut rows = staging.ledger(&strings(&[id])).await.unwrap();
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

/// The row without its age, which a busy second changes.
pub async fn lasting(staging: &dyn Staging, id: &str) -> LedgerRow {
    LedgerRow { age: Duration::ZERO, ..row(staging, id).await }
}

pub async fn open_intent(staging: &dyn Staging, attempt_id: &str, id: &str, n: u8) {
    open_intent_with(staging, attempt_id, id, n, None).await;
}

/// An intent that says what it mentioned.
pub async fn open_intent_with(staging: &dyn Staging, attempt_id: &str, id: &str, n: u8, mentioned: Option<&str>) {
    let attempt = Attempt { attempt_id: attempt_id.to_owned(), run_id: "run".to_owned(), number: 1 };
    let record = IntentRecord {
        person_id: id.to_owned(),
        kind: RecordKind::Full,
        hash: hash(n),
        based_on: Held::Nothing,
        mentioned: mentioned.map(str::to_owned),
    };
    staging.open_intents(&attempt, &[record]).await.unwrap();
}

/// What a child may hold, in a form that shows what it was made of.
pub fn may_hold(previous: Option<&str>, mentioned: &str) -> csc_bridge_core::error::Result<String> {
    Ok(format!("{}+{mentioned}", previous.unwrap_or("nothing")))
}

pub async fn recover(staging: &dyn Staging) -> u64 {
    staging.recover(Duration::ZERO, &may_hold).await.unwrap()
}

/// The rows of `ids` as a sender takes them who sends what is staged.
pub async fn take(staging: &dyn Staging, ids: &[&str]) -> Box<dyn Claim> {
    staging.claim(&strings(ids), Choice::AsStaged).await.unwrap()
}

pub async fn candidates(staging: &dyn Staging, choice: Choice) -> Vec<String> {
    staging.candidates(choice).await.unwrap().into_iter().map(|candidate| candidate.person_id).collect()
}

pub fn accepted(id: &str, attempt_id: &str, n: u8) -> Outcome {
    Outcome {
        person_id: id.to_owned(),
        attempt_id: Some(attempt_id.to_owned()),
        result: SendResult::Accepted {
            document: format!("{{\"n\":{n}}}"),
            hash: hash(n),
            receipt: "receipt".to_owned(),
            received_at: None,
        },
    }
}

pub fn purged(id: &str, attempt_id: &str) -> Outcome {
    Outcome {
        person_id: id.to_owned(),
        attempt_id: Some(attempt_id.to_owned()),
        result: SendResult::Purged {
            document: "{\"purge\":true}".to_owned(),
            receipt: "purge receipt".to_owned(),
            received_at: None,
        },
    }
}

pub fn withdrawn(id: &str) -> Outcome {
    Outcome { person_id: id.to_owned(), attempt_id: None, result: SendResult::Withdrawn }
}

pub fn refused(id: &str, attempt_id: &str) -> Outcome {
    Outcome {
        person_id: id.to_owned(),
        attempt_id: Some(attempt_id.to_owned()),
        result: SendResult::Refused { reason: "HTTP 400: no".to_owned() },
    }
}

/// All keys of a staging table.
pub async fn keys(staging: &dyn Staging) -> csc_bridge_core::error::Result<Vec<String>> {
    let mut keys = Vec::new();
    staging.each_key(&mut |key| keys.push(key.to_owned())).await?;
    Ok(keys)
}
