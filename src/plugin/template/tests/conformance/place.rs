//! The toy as the suite needs it: made anew for each check, filled, and changed behind the plugin's back.
//!
//! FILL IN 9 of 10: the same for your system, or for a stand-in that speaks as it does. A database that speaks
//! SQL implements `SqlPlace`, which asks for spellings only. What your system cannot do at all is
//! `Failure::not_applicable`, with the reason, which the table shows. What is left out here (views, accounts,
//! connections that are cut) says so by itself.

use std::path::PathBuf;
use std::sync::Arc;

use care_director::{Toy, ToyTable};
use csc_bridge_core::config::Config;
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_plugin_host::PluginAdapter;
use csc_bridge_plugin_sdk::async_trait;
use csc_bridge_plugin_sdk::source::Source;
use csc_bridge_testkit::{Checked, ColumnKind, Database, Facts, Failure, Place, TestTable, Touched, Value};
use tempfile::TempDir;

/// The system under test; none where it is not installed, with a line that says so.
pub fn database(name: String, adapter: PluginAdapter) -> Option<System> {
    Some(System { name, adapter })
}

pub struct System {
    name: String,
    adapter: PluginAdapter,
}

#[async_trait]
impl Database for System {
    fn name(&self) -> &str {
        &self.name
    }

    async fn fresh(&self) -> Checked<Box<dyn Place>> {
        let folder = tempfile::tempdir().map_err(failed)?;
        let toy = Folder { folder, adapter: self.adapter.clone() };
        toy.write(&Toy::new())?;
        Ok(Box::new(toy))
    }
}

/// A folder with a toy in it.
struct Folder {
    folder: TempDir,
    adapter: PluginAdapter,
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::broken("a toy that can be read and written", error)
}

impl Folder {
    fn file(&self) -> PathBuf {
        self.folder.path().join("toy.json")
    }

    fn toy(&self) -> Checked<Toy> {
        serde_json::from_slice(&std::fs::read(self.file()).map_err(failed)?).map_err(failed)
    }

    /// Whoever reads has the old toy or the new one, never half of it.
    fn write(&self, toy: &Toy) -> Checked {
        let draft = self.file().with_extension("draft");
        std::fs::write(&draft, serde_json::to_vec(toy).map_err(failed)?).map_err(failed)?;
        std::fs::rename(draft, self.file()).map_err(failed)
    }

    fn change(&self, table: &str, change: impl FnOnce(&mut ToyTable)) -> Checked<Touched> {
        let mut toy = self.toy()?;
        change(toy.entry(table.to_owned()).or_default());
        self.write(&toy)?;
        Ok(Touched::Done)
    }
}

/// Whether a row is one of those that are meant.
fn is_meant(columns: &[String], row: &[Option<String>], only: Option<(&str, &str)>) -> bool {
    only.is_none_or(|(column, text)| {
        columns.iter().zip(row).any(|(name, cell)| name == column && cell.as_deref() == Some(text))
    })
}

/// A value as the toy keeps it.
fn cell(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Integer(number) => number.to_string(),
        Value::Boolean(flag) => u8::from(*flag).to_string(),
        Value::Number(text) | Value::Text(text) | Value::Date(text) | Value::Timestamp(text) => text.clone(),
        Value::Moment(_) | Value::Bytes(_) => return None,
    })
}

#[async_trait]
impl Place for Folder {
    fn facts(&self) -> Facts {
        Facts { row_locks: false, folds: false, empty_text_is_null: false, upper_case_uuids: false, longest_name: 120 }
    }

    /// As csc-bridge makes it from [source].
    fn source(&self) -> Checked<Arc<dyn Source>> {
        let text = "cms = 'sqlite'\nla_code = '845'\n[source]\nadapter = 'care-director'\nfile = 'toy.json'\n";
        let config = Config::parse(&self.folder.path().join("csc-bridge.toml"), text)?;
        Ok(self.adapter.source(&config.source.options)?)
    }

    async fn create(&self, table: &TestTable) -> Checked {
        for (_, kind) in &table.columns {
            match kind {
                ColumnKind::Char(_) => {
                    return Err(Failure::not_applicable("it has no text of a fixed width"));
                }
                ColumnKind::TimestampWithZone => {
                    return Err(Failure::not_applicable("it has no moments"));
                }
                ColumnKind::Binary => return Err(Failure::not_applicable("it has no bytes")),
                _ => {}
            }
        }
        let columns = table.columns.iter().map(|(name, _)| name.clone()).collect();
        self.change(&table.name, |new| *new = ToyTable { columns, rows: Vec::new() }).map(drop)
    }

    async fn insert(&self, table: &TestTable, rows: &[Vec<Value>]) -> Checked {
        let rows = rows.iter().map(|row| row.iter().map(cell).collect());
        self.change(&table.name, |table| table.rows.extend(rows)).map(drop)
    }

    async fn update(&self, table: &str, set: &[(&str, Value)], only: Option<(&str, &str)>) -> Checked<Touched> {
        self.change(table, |ToyTable { columns, rows }| {
            for row in rows.iter_mut().filter(|row| is_meant(columns, row, only)) {
                for (name, old) in columns.iter().zip(row) {
                    if let Some((_, new)) = set.iter().find(|(column, _)| column == name) {
                        *old = cell(new);
                    }
                }
            }
        })
    }

    async fn delete(&self, table: &str, only: Option<(&str, &str)>) -> Checked<Touched> {
        self.change(table, |ToyTable { columns, rows }| rows.retain(|row| !is_meant(columns, row, only)))
    }

    async fn read(&self, table: &str, columns: &[&str]) -> Checked<Vec<Vec<Option<String>>>> {
        let table = self.toy()?.remove(table).unwrap_or_default();
        let of = |row: &Vec<Option<String>>, name: &str| {
            let place = table.columns.iter().position(|column| column == name);
            place.and_then(|place| row[place].clone())
        };
        let mut rows: Vec<Vec<Option<String>>> =
            table.rows.iter().map(|row| columns.iter().map(|column| of(row, column)).collect()).collect();
        rows.sort();
        Ok(rows)
    }

    async fn refill(&self, table: &TestTable, rows: &[Vec<Value>]) -> Checked<Touched> {
        self.delete(&table.name, None).await?;
        self.insert(table, rows).await?;
        Ok(Touched::Done)
    }

    async fn drop_column(&self, table: &str, column: &str) -> Checked {
        let dropped = self.change(table, |ToyTable { columns, rows }| {
            if let Some(place) = columns.iter().position(|name| name == column) {
                columns.remove(place);
                rows.iter_mut().for_each(|row| drop(row.remove(place)));
            }
        });
        dropped.map(drop)
    }

    async fn cut_connections(&self) -> Checked {
        Err(Failure::not_applicable("a session has read everything once it is open"))
    }
}
