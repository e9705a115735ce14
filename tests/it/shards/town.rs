//! An SSD and its staging table on one of the databases, and several processes at work on them.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};

use serde_json::{Map, Value, json};

use crate::program::{Ended, Place, STAGING, Working};

/// What tells nothing of two tables: row ids and times.
const OWN: [&str; 3] = ["id", "submission_timestamp", "last_updated"];

/// Every column but [`OWN`], by child.
pub type Table = BTreeMap<String, Value>;

/// One database, however it is reached.
pub struct Town<'t> {
    pub place: &'t Place,
    /// Every row of the staging table as an object.
    pub rows: Box<dyn Fn() -> Vec<Value> + 't>,
    /// Runs a statement in which names are in upper case where the database has them so.
    pub sql: Box<dyn Fn(&str) + 't>,
}

impl<'t> Town<'t> {
    pub fn on_sqlite(place: &'t Place) -> Town<'t> {
        Town { place, rows: Box::new(|| sqlite_rows(place)), sql: Box::new(|sql| place.sql(sql)) }
    }

    /// The staging table as far as two of them can be alike.
    pub fn table(&self) -> Table {
        let column = |(name, value): (&String, &Value)| (name.to_lowercase(), value.clone());
        let row = |row: Value| {
            let mut row: Map<String, Value> = row.as_object().expect("an object").iter().map(column).collect();
            for own in OWN {
                row.remove(own).expect("a column of every row");
            }
            (row["person_id"].as_str().expect("an id").to_owned(), Value::Object(row))
        };
        let rows = (self.rows)();
        let count = rows.len();
        let table: Table = rows.into_iter().map(row).collect();
        assert_eq!(table.len(), count, "a child has two rows");
        table
    }

    /// Runs a command of a day to its end.
    pub fn run(&self, day: &str, args: &[&str]) -> Ended {
        Ended::of(self.place.command(args).args(["--run-date", day]))
    }

    /// Begins to stage a shard.
    pub fn start(&self, day: &str, shard: &str, flags: &[&str]) -> Working {
        let mut command = self.place.command(["stage", "--json", "--shard", shard, "--run-date", day]);
        command.args(flags).stdout(Stdio::piped()).stderr(Stdio::piped());
        Working(command.spawn().expect("the program starts"))
    }

    /// Stages four shards at once.
    pub fn four_at_once(&self, day: &str) -> Vec<Ended> {
        let four: Vec<Working> = (0..4).map(|at| self.start(day, &format!("{at}/4"), &[])).collect();
        four.into_iter().map(end).collect()
    }

    /// Stages four shards, one when another has ended.
    pub fn four_in_turn(&self, day: &str) -> Vec<Ended> {
        (1..=4).map(|at| end(self.start(day, &format!("{at}/4"), &[]))).collect()
    }
}

/// How a process ends. It says little enough for a pipe.
pub fn end(mut process: Working) -> Ended {
    let Child { stdout, stderr, .. } = &mut process.0;
    let (stdout, stderr) = (stdout.take().expect("a pipe"), stderr.take().expect("a pipe"));
    let [stdout, stderr] = [std::io::read_to_string(stdout), std::io::read_to_string(stderr)];
    let code = process.0.wait().expect("its end").code();
    let (stdout, stderr) = (stdout.expect("UTF-8"), stderr.expect("UTF-8"));
    assert!(!stderr.contains("panicked"), "{stderr}");
    Ended { code, stdout, stderr }
}

fn sqlite_rows(place: &Place) -> Vec<Value> {
    let database = place.database();
    let mut rows = database.prepare(&format!("SELECT * FROM {STAGING}")).expect("a table");
    let names: Vec<String> = rows.column_names().map(str::to_owned).collect();
    let row = |row: &rusqlite::Row<'_>| {
        let column = |name: &String| {
            let value: rusqlite::types::Value = row.get(name.as_str())?;
            Ok((name.clone(), json!(format!("{value:?}"))))
        };
        let mut columns = names.iter().map(column).collect::<rusqlite::Result<Map<String, Value>>>()?;
        columns.insert("person_id".to_owned(), row.get::<_, String>("person_id")?.into());
        Ok(Value::Object(columns))
    };
    rows.query_map([], row).expect("rows").map(|row| row.expect("a row")).collect()
}
