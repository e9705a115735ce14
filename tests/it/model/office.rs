//! The authority's end: one SQLite file with SSD and staging tables, the real adapter, and DfE at the other end of a real socket.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use csc_bridge_core::config::{Config, Deletions, Guards, Limit, ManagedBy, Mode, RemovedValues, Semantics};
use csc_bridge_core::delta::{Policy, Rules};
use csc_bridge_core::payload::Plan;
use csc_bridge_core::pipeline::{Accepted, Event, Interrupt, Shows, StageReport, StageSettings, SubmitSettings, stage};
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_core::source::Source;
use csc_bridge_core::staging::Staging;
use csc_bridge_sqlite::SqliteAdapter;
use jiff::civil::Date;
use rusqlite::types::Value as Sql;
use serde_json::Value;

use super::dfe::Dfe;
use crate::program::STAGING;

/// How long a request can be on the wire: longer than a sequence takes. Intents are made older than this by hand, once nothing of
/// their request is to come any more.
pub const REQUEST_LIFE: Duration = Duration::from_secs(3600);

/// Told what `stage` does.
pub type Tell<'a> = dyn FnMut(Event<'_>) + Send + 'a;

/// Plans by run date: nothing else that they depend on differs between sequences.
static PLANS: LazyLock<Mutex<HashMap<Date, Arc<Plan>>>> = LazyLock::new(Mutex::default);

/// What is configured, which may change between runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    pub semantics: Semantics,
    pub mode: Mode,
    pub removed_values: RemovedValues,
    pub deletions: Deletions,
    pub concurrency: usize,
    pub max_records: usize,
    /// Children read at a time.
    pub chunk: usize,
    pub date: Date,
}

/// The authority.
pub struct Office {
    sql: Mutex<rusqlite::Connection>,
    look: Mutex<rusqlite::Connection>,
    config: Config,
    source: Arc<dyn Source>,
    pub dfe: Dfe,
    _folder: tempfile::TempDir,
}

/// A row of the staging table, as far as it matters here.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub status: String,
    pub state: String,
    pub current_hash: Option<Vec<u8>>,
    pub held_hash: Option<Vec<u8>>,
    pub current: Option<Value>,
    pub held: Option<Value>,
    pub outgoing: Option<Value>,
}

impl Row {
    /// Whether nobody knows what DfE holds.
    pub fn is_unsure(&self) -> bool {
        self.held_hash.as_ref().is_some_and(|hash| hash.iter().all(|byte| *byte == 0))
    }

    /// Whether the child is out of the cohort.
    pub fn is_out(&self) -> bool {
        ["deleted", "left"].contains(&self.state.as_str())
    }
}

impl Office {
    /// With an SSD whose tables are there and empty.
    pub async fn open(semantics: Semantics) -> Office {
        let folder = folder();
        let database = folder.path().join("cohort.db");
        let text = "cms = \"sqlite\"\nla_code = \"845\"\n[source]\ndatabase = \"cohort.db\"\nschema = \"\"\n";
        let config = Config::parse(&folder.path().join("csc-bridge.toml"), text).expect("a configuration");
        let sql = rusqlite::Connection::open(&database).expect("SQLite");
        // The moments of a crash are the test's own: the disk need not be waited for.
        sql.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA busy_timeout = 20000")
            .expect("SQLite");
        for (name, table) in &config.definition.tables {
            let columns: Vec<String> = table.columns.keys().map(|column| format!("\"{column}\"")).collect();
            sql.execute_batch(&format!("CREATE TABLE \"{name}\" ({})", columns.join(", "))).expect("a table");
        }
        let source = SqliteAdapter.source(&config.source.options).expect("a source");
        let dfe = Dfe::start(semantics).await;
        let look = rusqlite::Connection::open(&database).expect("SQLite");
        Office { sql: Mutex::new(sql), look: Mutex::new(look), config, source, dfe, _folder: folder }
    }

    /// The database, for whoever looks. Apart from [`Office::sql`], whose holder may wait for a writer whose next step is the looker's
    /// own thread.
    pub fn look(&self) -> MutexGuard<'_, rusqlite::Connection> {
        self.look.lock().expect("the connection")
    }

    /// The database, for whoever works on it beside the program.
    pub fn sql(&self) -> MutexGuard<'_, rusqlite::Connection> {
        self.sql.lock().expect("the connection")
    }

    /// Runs a statement; returns how many rows it wrote.
    pub fn execute(&self, statement: &str, params: &[&dyn rusqlite::ToSql]) -> usize {
        self.sql().execute(statement, params).unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// The first column of a query.
    pub fn column<T: rusqlite::types::FromSql>(&self, query: &str) -> Vec<T> {
        let sql = self.look();
        let mut rows = sql.prepare(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let values = rows.query_map([], |row| row.get(0)).expect("rows");
        values.map(|value| value.unwrap_or_else(|error| panic!("{query}: {error}"))).collect()
    }

    /// Whether the staging tables have been made.
    pub fn has_staging(&self) -> bool {
        self.column::<i64>("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'ssd_api_submission_log'") == [1]
    }

    /// The staging table by child.
    pub fn rows(&self) -> BTreeMap<String, Row> {
        if !self.has_staging() {
            return BTreeMap::new();
        }
        let sql = self.look();
        let query = format!(
            "SELECT person_id, lower(coalesce(submission_status, 'pending')), lower(row_state), current_hash, previous_hash,
             json_payload, previous_json_payload, partial_json_payload FROM {STAGING}"
        );
        let json = |text: Option<String>| text.map(|text| serde_json::from_str(&text).expect("JSON"));
        let mut rows = sql.prepare(&query).expect("a query");
        let rows = rows.query_map([], |row| {
            let (status, state) = (row.get(1)?, row.get(2)?);
            let (current, held, outgoing) = (json(row.get(5)?), json(row.get(6)?), json(row.get(7)?));
            let (current_hash, held_hash) = (row.get(3)?, row.get(4)?);
            Ok((row.get(0)?, Row { status, state, current_hash, held_hash, current, held, outgoing }))
        });
        rows.expect("rows").map(|row| row.expect("a row")).collect()
    }

    /// Children with a request that has no answer.
    pub fn waiting(&self) -> BTreeSet<String> {
        if !self.has_staging() {
            return BTreeSet::new();
        }
        self.column("SELECT DISTINCT person_id FROM ssd_api_submission_log WHERE outcome IS NULL").into_iter().collect()
    }

    /// Children with a request that is not old yet, and has no answer.
    pub fn may_be_answered(&self) -> BTreeSet<String> {
        if !self.has_staging() {
            return BTreeSet::new();
        }
        let query =
            "SELECT DISTINCT person_id FROM ssd_api_submission_log WHERE outcome IS NULL AND opened_at > '2002'";
        self.column(query).into_iter().collect()
    }

    /// Every cell of the staging table and of the submission log.
    pub fn everything(&self) -> Vec<Vec<Sql>> {
        let sql = self.look();
        let mut all = Vec::new();
        for table in [STAGING, "ssd_api_submission_log"] {
            let mut rows = sql.prepare(&format!("SELECT * FROM {table} ORDER BY id")).expect("a table");
            let columns = rows.column_count();
            let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
            all.extend(rows.query_map([], row).expect("rows").map(|row| row.expect("a row")));
        }
        all
    }

    /// The staging tables as a process that has just begun sees them.
    pub fn staging(&self) -> Arc<dyn Staging> {
        SqliteAdapter.staging(&self.config.staging.options, &self.config.staging, None).expect("staging")
    }

    /// The definition on a run date.
    pub fn plan(&self, date: Date) -> Arc<Plan> {
        let mut plans = PLANS.lock().expect("the plans");
        let config = &self.config;
        let plan = || {
            Arc::new(
                Plan::new(&config.definition, &config.profile, &config.names, &config.payload, date).expect("a plan"),
            )
        };
        plans.entry(date).or_insert_with(plan).clone()
    }

    /// Stages.
    pub async fn stage(
        &self,
        terms: &Terms,
        staging: Arc<dyn Staging>,
        tell: &mut Tell<'_>,
    ) -> Result<StageReport, String> {
        let settings = stage_settings(terms, false);
        let staged = stage(self.plan(terms.date), self.source.clone(), staging, settings, tell).await;
        staged.map_err(|error| format!("stage: {error}"))
    }

    /// What the SSD says of every child of the cohort, read anew.
    pub async fn desired(&self, terms: &Terms) -> Result<BTreeMap<String, Value>, String> {
        let mut documents = BTreeMap::new();
        let settings = stage_settings(terms, true);
        let mut tell = |event: Event<'_>| {
            if let Event::Document { person_id, document, .. } = event {
                documents.insert(person_id.to_owned(), serde_json::from_str(document).expect("JSON"));
            }
        };
        let told = stage(self.plan(terms.date), self.source.clone(), self.staging(), settings, &mut tell);
        told.await.map_err(|error| format!("dry run: {error}"))?;
        Ok(documents)
    }

    /// How to send.
    pub fn submit_settings(&self, terms: &Terms, run_id: String) -> SubmitSettings {
        let mut sink = self.config.sink.clone();
        (sink.semantics, sink.concurrency, sink.max_attempts) = (terms.semantics, terms.concurrency, 3);
        sink.isolation_budget = 12;
        let mut payload = self.config.payload.clone();
        (payload.mode, payload.removed_values) = (terms.mode, terms.removed_values);
        let (deletions, plan) = (terms.deletions, self.plan(terms.date));
        SubmitSettings {
            run_id,
            sink,
            payload,
            deletions,
            managed_by: ManagedBy::CscBridge,
            keep_log: std::time::Duration::from_secs(1 << 32),
            plan,
            dry_run: false,
            canary: None,
            interrupt: Interrupt::default(),
        }
    }

    /// Takes up requests without an answer, as every run does at its beginning.
    pub async fn recover(&self, terms: &Terms, staging: &dyn Staging) -> Result<u64, String> {
        let plan = self.plan(terms.date);
        let rules = Rules { root: &plan.root, semantics: terms.semantics, removed_values: terms.removed_values };
        let may_hold = |held: Option<&str>, mentioned: &str| rules.after_no_answer(held, mentioned);
        staging.recover(REQUEST_LIFE, &may_hold).await.map_err(|error| format!("recover: {error}"))
    }
}

fn stage_settings(terms: &Terms, dry_run: bool) -> StageSettings {
    let anything = Limit { share: 1.0, count: u64::MAX };
    StageSettings {
        chunk: terms.chunk,
        unstable_ids: Vec::new(),
        policy: Policy { semantics: terms.semantics, mode: terms.mode, deletions: terms.deletions },
        removed_values: terms.removed_values,
        guards: Guards {
            max_gone: anything,
            max_changed: anything,
            max_member_purges: anything,
            max_table_drop: anything,
        },
        accepted: Accepted { empty: true, ..Accepted::default() },
        dry_run,
        intent_life: REQUEST_LIFE,
        shows: Shows::default(),
        interrupt: Interrupt::default(),
    }
}

/// A folder in memory where there is one: the program waits for the disk at every commit, which is not what is tested here.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a folder")
}
