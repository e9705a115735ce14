//! The authority's end: a database with SSD and staging tables, the real adapter, and DfE at the other end of a real socket.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Debug;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use csc_bridge_core::config::{Deletions, Guards, Limit, ManagedBy, Mode, RemovedValues, Semantics};
use csc_bridge_core::delta::{Policy, Rules};
use csc_bridge_core::payload::Plan;
use csc_bridge_core::pipeline::{Accepted, Event, Interrupt, Shows, StageReport, StageSettings, SubmitSettings, stage};
use csc_bridge_core::source::Source;
use csc_bridge_core::staging::Staging;
use jiff::civil::Date;
use serde_json::Value;

use super::database::{Cell, Database, Product};
use super::dfe::Dfe;
use crate::program::STAGING;

/// How long a request can be on the wire: longer than a sequence takes. Intents are made older than this by hand, once nothing of
/// their request is to come any more.
pub const REQUEST_LIFE: Duration = Duration::from_secs(3600);

/// Told what `stage` does.
pub type Tell<'a> = dyn FnMut(Event<'_>) + Send + 'a;

/// How long the server may take to notice that a process has ended.
const PATIENCE: Duration = Duration::from_secs(60);

/// Plans by product and run date: nothing else that they depend on differs between sequences.
type Plans = HashMap<(&'static str, Date), Arc<Plan>>;

static PLANS: LazyLock<Mutex<Plans>> = LazyLock::new(Mutex::default);

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
    database: Box<dyn Database>,
    source: Arc<dyn Source>,
    pub dfe: Dfe,
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
    pub async fn open(product: &Product, semantics: Semantics) -> Office {
        let database = product.open();
        let source = database.adapter().source(&database.config().source.options).expect("a source");
        let dfe = Dfe::start(semantics).await;
        Office { database, source, dfe }
    }

    /// Runs a statement; returns how many rows it wrote.
    pub fn execute(&self, statement: &str, params: &[Cell]) -> usize {
        self.database.execute(statement, params).unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// The rows of a query.
    pub fn query(&self, query: &str, params: &[Cell]) -> Vec<Vec<Cell>> {
        self.database.query(query, params).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The first column of a query.
    pub fn column<T: TryFrom<Cell, Error: Debug>>(&self, query: &str) -> Vec<T> {
        let first = |row: Vec<Cell>| row.into_iter().next().expect("a column").try_into();
        let cells = self.query(query, &[]).into_iter().map(first);
        cells.map(|cell| cell.unwrap_or_else(|cell| panic!("{query}: {cell:?}"))).collect()
    }

    /// Whether the staging tables have been made.
    pub fn has_staging(&self) -> bool {
        self.query(self.database.tables_called(), &["ssd_api_submission_log".into()]) == [[Cell::Integer(1)]]
    }

    /// The staging table by child.
    pub fn rows(&self) -> BTreeMap<String, Row> {
        if !self.has_staging() {
            return BTreeMap::new();
        }
        let query = format!(
            "SELECT person_id, lower(coalesce(submission_status, 'pending')), lower(row_state), current_hash, previous_hash,
             json_payload, previous_json_payload, partial_json_payload FROM {STAGING}"
        );
        let json = |cell: Cell| cell.text().map(|text| serde_json::from_str(&text).expect("JSON"));
        let row = |cells: Vec<Cell>| {
            let [child, status, state, current_hash, held_hash, current, held, outgoing] =
                <[Cell; 8]>::try_from(cells).expect("eight columns");
            let [child, status, state] = [child, status, state].map(|cell| cell.text().expect("a word"));
            let (current_hash, held_hash) = (current_hash.bytes(), held_hash.bytes());
            let (current, held, outgoing) = (json(current), json(held), json(outgoing));
            (child, Row { status, state, current_hash, held_hash, current, held, outgoing })
        };
        self.query(&query, &[]).into_iter().map(row).collect()
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
            "SELECT DISTINCT person_id FROM ssd_api_submission_log WHERE outcome IS NULL AND opened_at > '2002-01-01'";
        self.column(query).into_iter().collect()
    }

    /// Every cell of the staging table and of the submission log.
    pub fn everything(&self) -> Vec<Vec<Cell>> {
        let all = |table| self.query(&format!("SELECT * FROM {table} ORDER BY id"), &[]);
        [STAGING, "ssd_api_submission_log"].into_iter().flat_map(all).collect()
    }

    /// The staging tables as a process that has just begun sees them.
    pub fn staging(&self) -> Arc<dyn Staging> {
        let config = &self.database.config().staging;
        self.database.adapter().staging(&config.options, config, None).expect("staging")
    }

    /// In how many turns a stage is surely over.
    pub fn turns(&self) -> usize {
        self.database.turns()
    }

    /// Waits until nothing is left of a process that has ended: whoever comes next must not meet its locks, nor a statement of which it
    /// did not live to see the end.
    pub async fn dead_are_gone(&self) -> Result<(), String> {
        self.none(|database| database.connections(), "a process ended, and its connections live on").await
    }

    async fn none(&self, left: impl Fn(&dyn Database) -> usize, otherwise: &str) -> Result<(), String> {
        let is_over = async {
            while left(&*self.database) > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, is_over).await.map_err(|_| otherwise.to_owned())
    }

    /// The definition on a run date.
    pub fn plan(&self, date: Date) -> Arc<Plan> {
        let mut plans = PLANS.lock().expect("the plans");
        let config = self.database.config();
        let plan = || {
            Arc::new(
                Plan::new(&config.definition, &config.profile, &config.names, &config.payload, date).expect("a plan"),
            )
        };
        plans.entry((self.database.adapter().name(), date)).or_insert_with(plan).clone()
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
        let staged = staged.map_err(|error| format!("stage: {error}"))?;
        // In life the process ends here, and the next begins when the server has long noticed.
        self.none(|database| database.stagers(), "a stage ended, and its lock lives on").await?;
        Ok(staged)
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
        let mut sink = self.database.config().sink.clone();
        (sink.semantics, sink.concurrency, sink.max_attempts) = (terms.semantics, terms.concurrency, 3);
        sink.isolation_budget = 12;
        let mut payload = self.database.config().payload.clone();
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
        shard: None,
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
