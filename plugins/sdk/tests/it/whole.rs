use std::sync::Arc;

use csc_bridge_core::error::Kind;
use csc_bridge_plugin_abi::table::Entry;
use csc_bridge_plugin_sdk::__plugin;
use csc_bridge_plugin_sdk::arrow_array::cast::AsArray;
use csc_bridge_plugin_sdk::arrow_array::{ArrayRef, RecordBatch, StringArray};
use csc_bridge_plugin_sdk::error::Result;
use csc_bridge_plugin_sdk::serde::Deserialize;
use csc_bridge_plugin_sdk::source::{RowStream, ScanEvent, Table, TableName};
use csc_bridge_plugin_sdk::{Options, WholeTables, async_trait};

use crate::host::{COUNT, LIST, OPEN, load};

/// One table `t` of two columns.
#[derive(Deserialize)]
#[serde(crate = "csc_bridge_plugin_sdk::serde", deny_unknown_fields)]
struct Exported {
    ids: Vec<String>,
    /// Rows that it forgets to deliver.
    #[serde(default)]
    lost: u64,
    #[serde(default)]
    count: Option<u64>,
}

#[async_trait]
impl WholeTables for Exported {
    fn from_options(options: &Options) -> Result<Exported> {
        options.parse()
    }

    async fn tables(&self) -> Result<Vec<Table>> {
        let name = TableName { schema: String::new(), table: "t".into() };
        Ok(vec![Table { name, columns: vec!["id".into(), "name".into()] }])
    }

    async fn list(&self, _: &TableName, columns: &[String]) -> Result<Box<dyn RowStream + '_>> {
        Ok(Box::new(Rows { of: self, columns: columns.to_vec(), delivered: false }))
    }

    async fn count(&self, _: &TableName) -> Result<Option<u64>> {
        Ok(self.count)
    }
}

struct Rows<'a> {
    of: &'a Exported,
    columns: Vec<String>,
    delivered: bool,
}

#[async_trait]
impl RowStream for Rows<'_> {
    async fn next(&mut self) -> Result<ScanEvent> {
        if std::mem::replace(&mut self.delivered, true) {
            return Ok(ScanEvent::Complete { rows: self.of.ids.len() as u64 + self.of.lost });
        }
        let ids = Arc::new(StringArray::from(self.of.ids.clone())) as ArrayRef;
        let columns = self.columns.iter().map(|column| (column, ids.clone()));
        Ok(ScanEvent::Rows(RecordBatch::try_from_iter(columns).unwrap()))
    }
}

#[test]
fn whole_tables_are_listed_and_counted_and_not_scanned() {
    __plugin!(P, whole_tables: Exported);
    let plugin = load::<P>();
    assert_eq!(plugin.call(Entry::Describe, 0, "").json()["source"], "whole_tables");
    let absent = [Entry::SessionSelect, Entry::SessionScan, Entry::SessionDocuments, Entry::SinkNew];
    assert!(absent.into_iter().all(|entry| !plugin.has(entry)));
    let (_, session) = plugin.session(r#"{"ids":["1","2","3"]}"#);
    assert_eq!(plugin.call(Entry::SessionCount, session, COUNT).json()["rows"], 3);
    let stream = plugin.call(Entry::SessionList, session, LIST).handle();
    let (batches, rows) = plugin.read(stream);
    assert_eq!((batches[0].num_columns(), batches[0]["id"].as_string::<i32>().value(2), rows), (1, "3", 3));
}

#[test]
fn a_table_or_column_that_is_missing_is_named_at_once() {
    __plugin!(P, whole_tables: Exported);
    let plugin = load::<P>();
    let source = plugin.call(Entry::SourceNew, 0, r#"{"options":{"ids":[]},"folder":"/"}"#).handle();
    for (open, named) in [
        (OPEN.replace(r#""t""#, r#""u""#), "there is no table u"),
        (OPEN.replace(r#""schema":"""#, r#""schema":"x""#), "there is no table x.t"),
        (OPEN.replace(r#"["id"]"#, r#"["name","dob"]"#), "there is no column dob in t"),
    ] {
        let error = plugin.call(Entry::SourceOpen, source, &open).error();
        assert_eq!((error.kind(), error.message()), (Kind::Schema, named));
    }
}

#[test]
fn a_count_that_the_author_has_is_taken() {
    __plugin!(P, whole_tables: Exported);
    let plugin = load::<P>();
    let (_, session) = plugin.session(r#"{"ids":["1"],"count":77}"#);
    assert_eq!(plugin.call(Entry::SessionCount, session, COUNT).json()["rows"], 77);
}

#[test]
fn a_count_that_rows_do_not_bear_out_is_incomplete() {
    __plugin!(P, whole_tables: Exported);
    let plugin = load::<P>();
    let (_, session) = plugin.session(r#"{"ids":["1"],"lost":1}"#);
    assert_eq!(plugin.call(Entry::SessionCount, session, COUNT).error().kind(), Kind::Incomplete);
}
