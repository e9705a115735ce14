//! A golden fixture: SSD rows an analyst can read, and the documents they must become, side by side.
//! `tests/golden/README.md` explains the format.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use csc_bridge_core::config::Config;
use csc_bridge_core::delta::canonical_hash;
use csc_bridge_core::payload::read::{self, Roll};
use csc_bridge_core::payload::rows::ChunkRows;
use csc_bridge_core::payload::{Assembler, Findings, Plan, Retired, Verdict};
use csc_bridge_core::pipeline::judge;
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_core::source::ReadSession;
use csc_bridge_sqlite::SqliteAdapter;
use jiff::civil::Date;
use rusqlite::types::Value as Sql;
use serde_json::{Value, json};

/// A fixture, read through the SQLite source once.
pub struct Fixture {
    pub name: String,
    pub config: Config,
    pub run_date: Date,
    pub expected: Value,
    people: Roll,
    ids: Vec<String>,
    rows: ChunkRows,
    _folder: tempfile::TempDir,
}

impl Fixture {
    /// The plan of the fixture's own definition, profile and run date.
    pub fn plan(&self) -> Plan {
        let config = &self.config;
        Plan::new(&config.definition, &config.profile, &config.names, &config.payload, self.run_date).expect("a plan")
    }

    /// What a plan over the fixture's own columns makes of its rows, in the shape of the expected file.
    pub fn outcome(&self, plan: &Plan) -> Value {
        self.outcome_of(plan, &self.rows)
    }

    /// Hands every document that was assembled, and the same with all its lists turned round, to core as a source of documents would.
    /// Each must come out as it went in; the ids of those that do not.
    pub fn changed_by_admission(&self) -> Vec<String> {
        let plan = self.plan();
        let mut changed = Vec::new();
        let (mut assembler, mut again) = (Assembler::new(&plan), Assembler::new(&plan));
        let people = judge(self.people.clone(), &plan, None, &mut Findings::default());
        for (number, id) in self.ids.iter().enumerate().filter(|(_, id)| people.is_read(id)) {
            let verdict = assembler.assemble(&self.rows, number, id, &mut Findings::default());
            let Ok(Verdict::Cohort(wanted)) = verdict else { continue };
            let turned = turned_round(serde_json::from_str(wanted.document).expect("JSON")).to_string();
            for text in [wanted.document, &turned] {
                match again.admit(Some(text), id, &mut Findings::default()).expect("it does not fail") {
                    Verdict::Cohort(found) => {
                        let is_same = (found.document, found.hash) == (wanted.document, wanted.hash)
                            && (found.legacy_id, found.records) == (wanted.legacy_id.clone(), wanted.records);
                        if !is_same {
                            changed.push(format!("{} {id}: {} became {}", self.name, wanted.document, found.document));
                        }
                    }
                    _ => changed.push(format!("{} {id}: it was not taken", self.name)),
                }
            }
        }
        changed
    }

    /// The same for a plan that may read other columns: the database is read again.
    pub async fn outcome_read_again(&self, plan: &Plan) -> Value {
        let mut session = open(&self.config, plan).await;
        let rows = read::chunk(&mut *session, plan, &self.ids).await.expect("rows");
        self.outcome_of(plan, &rows)
    }

    fn outcome_of(&self, plan: &Plan, rows: &ChunkRows) -> Value {
        let mut findings = Findings::default();
        let people = judge(self.people.clone(), plan, None, &mut findings);
        let mut assembler = Assembler::new(plan);
        let (mut documents, mut retired) = (BTreeMap::new(), BTreeMap::new());
        let mut left: Vec<String> = people.chunks_out_of_age(1000).flatten().collect();
        let out_of_age = left.clone();
        for (number, id) in self.ids.iter().enumerate().filter(|(_, id)| people.is_read(id)) {
            match assembler.assemble(rows, number, id, &mut findings).expect("assembling does not fail") {
                Verdict::Left => left.push(id.clone()),
                Verdict::Refused | Verdict::Unread => panic!("{}: of rows there is always a document", self.name),
                Verdict::Cohort(child) => {
                    let hash = canonical_hash(child.document, &self.config.payload.unstable_ids).expect("JSON");
                    assert_eq!(hash, child.hash, "{}: the bytes written are not canonical", self.name);
                    documents.insert(id.clone(), serde_json::from_str::<Value>(child.document).expect("JSON"));
                    let left_out = assembler.retired(rows, number, id).expect("assembling does not fail");
                    let mut gone_by: Vec<String> = left_out.iter().map(place).collect();
                    gone_by.sort();
                    gone_by.dedup();
                    if !gone_by.is_empty() {
                        retired.insert(id.clone(), gone_by);
                    }
                }
            }
        }
        left.sort();
        let listed = |id: &String| people.is_read(id) || out_of_age.contains(id);
        let mut refused: Vec<String> = trimmed_ids(&self.people);
        refused.retain(|id| !id.is_empty() && !plan.no_value.contains(id) && !listed(id));
        refused.sort();
        refused.dedup();
        let found: BTreeMap<String, u64> = findings.list().into_iter().map(|found| (found.rule, found.count)).collect();
        tidy(json!({ "documents": documents, "left": left, "refused": refused, "findings": found, "retired": retired }))
    }
}

/// Every list from its end to its beginning.
fn turned_round(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().rev().map(turned_round).collect(),
        Value::Object(members) => members.into_iter().map(|(key, value)| (key, turned_round(value))).collect(),
        other => other,
    }
}

/// Where a retired record or object stands: `social_care_episodes/E1/child_in_need_plans/P1`.
fn place(entry: &Retired<'_>) -> String {
    let mut ids = entry.ids.iter();
    let parts = entry.path.split('.').map(|part| match part.strip_suffix("[]") {
        Some(list) => format!("{list}/{}", ids.next().expect("an id for each list")),
        None => part.to_owned(),
    });
    parts.collect::<Vec<String>>().join("/")
}

/// All fixtures, by name.
pub async fn all() -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut paths: Vec<PathBuf> = Vec::new();
    for topic in fs::read_dir(&root).expect("tests/golden").map(|entry| entry.expect("an entry").path()) {
        if topic.is_dir() {
            let files = fs::read_dir(topic).expect("a topic").map(|entry| entry.expect("an entry").path());
            paths.extend(files.filter(|path| path.extension().is_some_and(|extension| extension == "toml")));
        }
    }
    paths.sort();
    let mut fixtures = Vec::new();
    for path in paths {
        fixtures.push(load(&root, &path).await);
    }
    fixtures
}

async fn load(root: &Path, path: &Path) -> Fixture {
    let name = path.strip_prefix(root).expect("below the root").with_extension("").display().to_string();
    let text = fs::read_to_string(path).expect("a fixture");
    let fixture: toml::Table = text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
    let folder = tempfile::tempdir().expect("a folder");
    let config = configure(&fixture, folder.path());
    fill(&config, &fixture, &folder.path().join("ssd.db"), &name);
    let run_date = fixture["run_date"].as_str().expect("run_date").parse().expect("a date");
    let plan =
        Plan::new(&config.definition, &config.profile, &config.names, &config.payload, run_date).expect("a plan");
    let mut session = open(&config, &plan).await;
    let people = read::people(&mut *session, &plan).await.expect("people");
    // All people are read, of whatever age: a mutant of the rule of age may want them.
    let mut ids = trimmed_ids(&people);
    ids.retain(|id| !id.is_empty());
    ids.sort();
    ids.dedup();
    let rows = read::chunk(&mut *session, &plan, &ids).await.expect("rows");
    let expected = fs::read_to_string(path.with_extension("json")).expect("the expected file");
    let expected = tidy(serde_json::from_str(&expected).unwrap_or_else(|error| panic!("{name}: {error}")));
    Fixture { name, config, run_date, expected, people, ids, rows, _folder: folder }
}

fn trimmed_ids(people: &Roll) -> Vec<String> {
    (0..people.len()).map(|number| people.raw_id(number).trim().to_owned()).collect()
}

async fn open(config: &Config, plan: &Plan) -> Box<dyn ReadSession> {
    let source = SqliteAdapter.source(&config.source.options).expect("a source");
    source.open(&plan.source_tables()).await.expect("a session")
}

fn configure(fixture: &toml::Table, folder: &Path) -> Config {
    let profile = fixture.get("profile").and_then(toml::Value::as_str).unwrap_or("sqlite");
    let unstable: Option<Vec<&str>> =
        fixture.get("unstable_ids").and_then(|ids| ids.as_array()?.iter().map(toml::Value::as_str).collect());
    let unstable = unstable.map(|ids| format!("unstable_ids = {ids:?}")).unwrap_or_default();
    let text = format!(
        "cms = \"{profile}\"\nla_code = \"845\"\n[source]\nadapter = \"sqlite\"\ndatabase = \"ssd.db\"\nschema = \"\"\n[payload]\n{unstable}\n"
    );
    Config::parse(&folder.join("csc-bridge.toml"), &text).expect("a configuration")
}

/// Creates every table the plan reads, under the profile's own names and without column types, and the fixture's rows in them.
fn fill(config: &Config, fixture: &toml::Table, database: &Path, name: &str) {
    let connection = rusqlite::Connection::open(database).expect("SQLite");
    let mut known = BTreeMap::new();
    for (ssd, table) in &config.definition.tables {
        let Some(physical) = config.names.table(ssd) else { continue };
        let columns: Vec<String> = table.columns.keys().filter_map(|column| config.names.column(ssd, column)).collect();
        let list = columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ");
        connection.execute_batch(&format!("CREATE TABLE \"{}\" ({list})", physical.table)).expect("a table");
        known.insert(physical.table.clone(), columns);
    }
    for (table, rows) in fixture.iter().filter(|(_, value)| value.is_array()).filter(|(key, _)| *key != "unstable_ids")
    {
        let columns = known.get(table).unwrap_or_else(|| panic!("{name}: there is no table {table}"));
        for row in rows.as_array().expect("rows") {
            let row = row.as_table().expect("a row");
            for column in row.keys() {
                assert!(columns.contains(column), "{name}: {table} has no column {column}");
            }
            let names = row.keys().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ");
            let marks = vec!["?"; row.len()].join(", ");
            let values: Vec<Sql> = row.values().map(sql).collect();
            connection
                .execute(
                    &format!("INSERT INTO \"{table}\" ({names}) VALUES ({marks})"),
                    rusqlite::params_from_iter(values),
                )
                .expect("a row");
        }
    }
}

fn sql(value: &toml::Value) -> Sql {
    match value {
        toml::Value::String(text) => Sql::Text(text.clone()),
        toml::Value::Integer(number) => Sql::Integer(*number),
        toml::Value::Float(number) => Sql::Real(*number),
        other => panic!("{other:?} has no place in a fixture"),
    }
}

/// Empty parts left out, lists that have no order sorted.
fn tidy(mut outcome: Value) -> Value {
    let parts = outcome.as_object_mut().expect("an object");
    for (key, part) in parts.iter_mut() {
        if let (true, Some(list)) = (key != "documents", part.as_array_mut()) {
            list.sort_by_key(Value::to_string);
        }
        if let (true, Some(lists)) = (key == "retired", part.as_object_mut()) {
            lists.values_mut().filter_map(Value::as_array_mut).for_each(|list| list.sort_by_key(Value::to_string));
        }
    }
    parts.retain(|_, part| {
        !part.as_array().is_some_and(Vec::is_empty) && !part.as_object().is_some_and(|part| part.is_empty())
    });
    outcome
}
