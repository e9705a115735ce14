//! The conformance suite through the plugin in C: exports in CSV, changed as somebody changes them who writes them anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use csc_bridge_core::config::Config;
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_core::source::Source;
use csc_bridge_plugin_host::PluginAdapter;
use csc_bridge_testkit::{
    Checked, ColumnKind, Database, Facts, Failure, Needs, Place, TestTable, Touched, Value, run_part,
};
use tempfile::TempDir;

use crate::csv_example::loaded;
use crate::support::BOTH;

struct Csv {
    name: String,
    adapter: PluginAdapter,
}

#[async_trait]
impl Database for Csv {
    fn name(&self) -> &str {
        &self.name
    }

    async fn fresh(&self) -> Checked<Box<dyn Place>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("exports")).unwrap();
        Ok(Box::new(Exports { folder, adapter: self.adapter.clone(), tables: Mutex::default() }))
    }
}

type Row = Vec<Option<String>>;

#[derive(Default)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Row>,
}

/// A folder of exports, and what was last written into it.
struct Exports {
    folder: TempDir,
    adapter: PluginAdapter,
    tables: Mutex<BTreeMap<String, Table>>,
}

impl Exports {
    /// Changes a table and puts a new file into the place of the old one.
    fn change(&self, name: &str, change: impl FnOnce(&mut Table)) -> Touched {
        let mut tables = self.tables.lock().unwrap();
        let table = tables.entry(name.to_owned()).or_default();
        change(table);
        let head = table.columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(",");
        let cell = |cell: &Option<String>| cell.as_deref().map(quoted).unwrap_or_default();
        let lines = table.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(","));
        let text: String = [head].into_iter().chain(lines).map(|line| line + "\r\n").collect();
        let draft = self.folder.path().join("draft");
        std::fs::write(&draft, text).unwrap();
        std::fs::rename(draft, self.folder.path().join("exports").join(format!("{name}.csv"))).unwrap();
        Touched::Done
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn cell(value: &Value) -> Option<String> {
    Some(match value {
        Value::Integer(number) => number.to_string(),
        Value::Boolean(flag) => u8::from(*flag).to_string(),
        Value::Number(text) | Value::Text(text) | Value::Date(text) | Value::Timestamp(text) => text.clone(),
        Value::Null | Value::Moment(_) | Value::Bytes(_) => return None,
    })
}

fn cells(rows: &[Vec<Value>]) -> Vec<Row> {
    rows.iter().map(|row| row.iter().map(cell).collect()).collect()
}

/// Whether a row is one of those that are meant.
fn is_meant(columns: &[String], row: &Row, only: Option<(&str, &str)>) -> bool {
    only.is_none_or(|(column, text)| {
        columns.iter().zip(row).any(|(name, cell)| name == column && cell.as_deref() == Some(text))
    })
}

#[async_trait]
impl Place for Exports {
    fn facts(&self) -> Facts {
        Facts { row_locks: false, folds: false, empty_text_is_null: false, upper_case_uuids: false, longest_name: 120 }
    }

    fn source(&self) -> Checked<Arc<dyn Source>> {
        let text = "cms = 'sqlite'\nla_code = '845'\n[source]\nadapter = 'csv-source'\nfolder = 'exports'\n";
        let config = Config::parse(&self.folder.path().join("csc-bridge.toml"), text)?;
        Ok(self.adapter.source(&config.source.options)?)
    }

    async fn create(&self, table: &TestTable) -> Checked {
        for (_, kind) in &table.columns {
            match kind {
                ColumnKind::Char(_) => return Err(Failure::not_applicable("CSV has no text of a fixed width")),
                ColumnKind::TimestampWithZone => return Err(Failure::not_applicable("CSV has no moments")),
                ColumnKind::Binary => return Err(Failure::not_applicable("CSV has no bytes")),
                _ => {}
            }
        }
        if table.name.contains(['/', '\\']) {
            return Err(Failure::not_applicable("no file's name has a slash in it; the others are only names"));
        }
        let columns = table.columns.iter().map(|(name, _)| name.clone()).collect();
        self.change(&table.name, |new| *new = Table { columns, rows: Vec::new() });
        Ok(())
    }

    async fn insert(&self, table: &TestTable, rows: &[Vec<Value>]) -> Checked {
        self.change(&table.name, |table| table.rows.extend(cells(rows)));
        Ok(())
    }

    async fn update(&self, table: &str, set: &[(&str, Value)], only: Option<(&str, &str)>) -> Checked<Touched> {
        Ok(self.change(table, |Table { columns, rows }| {
            for row in rows.iter_mut().filter(|row| is_meant(columns, row, only)) {
                for (name, old) in columns.iter().zip(row) {
                    if let Some((_, new)) = set.iter().find(|(column, _)| column == name) {
                        *old = cell(new);
                    }
                }
            }
        }))
    }

    async fn delete(&self, table: &str, only: Option<(&str, &str)>) -> Checked<Touched> {
        Ok(self.change(table, |Table { columns, rows }| rows.retain(|row| !is_meant(columns, row, only))))
    }

    async fn read(&self, table: &str, columns: &[&str]) -> Checked<Vec<Row>> {
        let tables = self.tables.lock().unwrap();
        let table = &tables[table];
        let place = |column: &&str| table.columns.iter().position(|name| name == column).unwrap();
        let places: Vec<usize> = columns.iter().map(place).collect();
        Ok(table.rows.iter().map(|row| places.iter().map(|place| row[*place].clone()).collect()).collect())
    }

    async fn refill(&self, table: &TestTable, rows: &[Vec<Value>]) -> Checked<Touched> {
        Ok(self.change(&table.name, |table| table.rows = cells(rows)))
    }

    async fn drop_column(&self, table: &str, column: &str) -> Checked {
        self.change(table, |Table { columns, rows }| {
            let place = columns.iter().position(|name| name == column).unwrap();
            columns.remove(place);
            rows.iter_mut().for_each(|row| drop(row.remove(place)));
        });
        Ok(())
    }

    async fn cut_connections(&self) -> Checked {
        Err(Failure::not_applicable("a session has read everything once it is open"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plugin_in_c_conforms_in_process_and_isolated() {
    for hosted in BOTH {
        let csv = Csv { name: format!("csv-source, {hosted}"), adapter: loaded(hosted) };
        run_part(&csv, Needs::Source).await.must_pass();
    }
}
