//! care-director: a plugin of csc-bridge that reads whole tables.
//!
//! It works as it stands, on a toy: a file of JSON with some tables in it. Ten comments, `FILL IN 1
//! of 10` and so on, say what to put in its place: the first is in Cargo.toml, then come those of
//! this file, the ninth is in tests/conformance/place.rs, the last in release.sh.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use csc_bridge_plugin_sdk::arrow_array::{ArrayRef, RecordBatch, StringArray};
use csc_bridge_plugin_sdk::error::{Error, Kind, Result};
use csc_bridge_plugin_sdk::serde::{Deserialize, Serialize};
use csc_bridge_plugin_sdk::source::{RowStream, ScanEvent, Table, TableName};
use csc_bridge_plugin_sdk::{Options, WholeTables, async_trait, export_whole_tables};

/// Rows of one batch: some thousands, and not more than some megabytes.
const ROWS: usize = 5000;

// FILL IN 2 of 10: the keys of [source] in csc-bridge.toml, beside `adapter`: a host, a user. A
// password is a `SecretRef`, which names a variable or a file; `options.secret` reads it. A key
// that is not here is refused by name.
#[derive(Deserialize)]
#[serde(crate = "csc_bridge_plugin_sdk::serde", deny_unknown_fields)]
struct Settings {
    file: PathBuf,
}

// FILL IN 3 of 10: what your system's tables look like on their way in. The toy's whole file is a
// map from a table's name to one of these.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(crate = "csc_bridge_plugin_sdk::serde")]
pub struct ToyTable {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Option<String>>>,
}

pub type Toy = BTreeMap<String, ToyTable>;

pub struct OurTables {
    file: PathBuf,
    /// What `tables` found, for `list`.
    moment: Mutex<Arc<Toy>>,
}

#[async_trait]
impl WholeTables for OurTables {
    // FILL IN 4 of 10: check the keys, read the secrets, and open nothing yet. It is asked once for
    // a run; `csc-bridge check` shows its complaints.
    fn from_options(options: &Options) -> Result<OurTables> {
        let settings: Settings = options.parse()?;
        Ok(OurTables { file: options.path(&settings.file), moment: Mutex::default() })
    }

    // FILL IN 5 of 10: connect, and say which tables and columns there are. Every read session
    // begins here, and all that `list` reads afterwards must be of one moment, or fail: begin a
    // transaction, take an export's number, or, as here, read everything at once.
    async fn tables(&self) -> Result<Vec<Table>> {
        let text = std::fs::read(&self.file).map_err(|error| unreadable(error.kind()))?;
        let toy: Toy = serde_json::from_slice(&text).map_err(|_| unreadable("it is not the toy's JSON"))?;
        let table = |(name, table): (&String, &ToyTable)| Table {
            name: TableName { schema: String::new(), table: name.clone() },
            columns: table.columns.clone(),
        };
        let tables = toy.iter().map(table).collect();
        *self.moment.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(toy);
        Ok(tables)
    }

    // FILL IN 6 of 10: every row of a table, with these columns in this order, batch by batch while
    // the system delivers. What blocks belongs into `tokio::task::spawn_blocking`.
    async fn list(&self, name: &TableName, columns: &[String]) -> Result<Box<dyn RowStream + '_>> {
        let moment = self.moment.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let table = moment.get(&name.table).filter(|_| name.schema.is_empty());
        let table = table.ok_or_else(|| gone(format!("the table {name} has gone")))?;
        let mut places = Vec::with_capacity(columns.len());
        for column in columns {
            let place = table.columns.iter().position(|there| there == column);
            places.push(place.ok_or_else(|| gone(format!("the column {column} of {name} has gone")))?);
        }
        let batches = table.rows.chunks(ROWS).map(|rows| batch(columns, &places, rows));
        let batches = batches.collect::<Result<VecDeque<RecordBatch>>>()?;
        Ok(Box::new(Rows { batches, rows: table.rows.len() as u64 }))
    }
}

struct Rows {
    batches: VecDeque<RecordBatch>,
    rows: u64,
}

#[async_trait]
impl RowStream for Rows {
    // FILL IN 7 of 10: say `Complete`, with the number of rows, only where your system has said
    // that there are no more. A connection that is lost, a page that is missing: that is an error,
    // of `Kind::Incomplete`. A short read that counts as whole would look like children who left.
    async fn next(&mut self) -> Result<ScanEvent> {
        Ok(match self.batches.pop_front() {
            Some(batch) => ScanEvent::Rows(batch),
            None => ScanEvent::Complete { rows: self.rows },
        })
    }
}

// FILL IN 8 of 10: the columns' types. Text will do for everything that is written as csc-bridge
// reads it: days as 2026-11-21, truth as 1 or 0, NULL as null, which is not the empty text. Dates,
// timestamps, numbers and booleans of Arrow will do as well. All batches of a table have one schema.
fn batch(columns: &[String], places: &[usize], rows: &[Vec<Option<String>>]) -> Result<RecordBatch> {
    let arrays = columns.iter().zip(places).map(|(column, place)| {
        let cells = rows.iter().map(|row| row.get(*place).and_then(Option::as_deref));
        (column, Arc::new(cells.collect::<StringArray>()) as ArrayRef, true)
    });
    RecordBatch::try_from_iter_with_nullable(arrays)
        .map_err(|_| Error::internal("a batch of rows could not be put together"))
}

/// An error says what happened, and what the operator can do. Never a value of a row: logs keep it.
fn unreadable(why: impl std::fmt::Display) -> Error {
    let message = format!("the file of care-director cannot be read: {why}");
    Error::new(Kind::Io, message, "check [source] file, and who may read it")
}

fn gone(message: String) -> Error {
    Error::new(Kind::Schema, message, "run again; the tables changed while they were read")
}

export_whole_tables!(OurTables);
