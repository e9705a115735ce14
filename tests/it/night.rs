//! A night after which the SSD is whole, and the nights on which it is not.

use serde_json::Value;

use crate::program::{Dfe, Ended, Place, STAGING};

/// A cohort that was staged and sent, and a copy of its SSD.
pub struct Night {
    pub dfe: Dfe,
    pub place: Place,
    pub tables: Vec<String>,
}

impl Night {
    pub fn new(children: usize) -> Night {
        let dfe = Dfe::start();
        let place = Place::filled(dfe.addr(), children);
        let tables = ssd_tables(&place);
        assert_eq!(tables.len(), 19, "{tables:?}");
        place.play(["run"]).well();
        place.database().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
        std::fs::copy(place.path("cohort.db"), place.path("whole.db")).expect("a copy");
        for table in &tables {
            assert!(place.number(&format!("SELECT COUNT(*) FROM {table}")) > 0, "{table} has no rows to lose");
        }
        Night { dfe, place, tables }
    }

    /// The refresh has ended: the SSD is whole again.
    pub fn restore(&self) {
        let again = |table: &String| format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM whole.{table};");
        let statements: String = self.tables.iter().map(again).collect();
        let whole = self.place.path("whole.db").display().to_string();
        self.place.sql(&format!("ATTACH '{whole}' AS whole; BEGIN; {statements} COMMIT;"));
    }

    pub fn empty_all(&self) {
        self.place.sql(&self.tables.iter().map(|table| format!("DELETE FROM {table};")).collect::<String>());
    }

    /// Every other child, with all that is theirs.
    pub fn halve(&self) {
        self.place.sql("DELETE FROM ssd_person WHERE rowid % 2 = 0");
    }

    /// Stops `stage` and `run`; neither writes into the staging table nor sends. Returns what `run` said.
    pub fn is_stopped(&self, what: &str) -> Ended {
        let (rows, log) = (self.place.table(STAGING), self.place.table("ssd_api_submission_log"));
        let requests = self.dfe.stats().requests;
        let mut last = None;
        for command in ["stage", "run"] {
            let ended = self.place.play([command, "--json"]);
            assert_eq!(ended.code, Some(4), "{command}, {what}: {}", ended.stderr);
            assert!(self.place.table(STAGING) == rows, "{command}, {what}: the staging table changed");
            assert!(self.place.table("ssd_api_submission_log") == log, "{command}, {what}: the submission log changed");
            assert_eq!(self.dfe.stats().requests, requests, "{command}, {what}: something was sent");
            let logged = "SELECT exit_code, command, table_rows IS NULL FROM ssd_api_run_log ORDER BY id DESC LIMIT 1";
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?));
            let (code, logged, uncounted): (i64, _, bool) =
                self.place.database().query_row(logged, [], row).expect("the run log");
            assert_eq!((code, logged.as_str(), uncounted), (4, command, true), "{what}");
            last = Some(ended);
        }
        last.expect("a run")
    }

    /// Nothing stops a run, and it has nothing to do.
    pub fn is_quiet(&self, what: &str) {
        let (rows, requests) = (self.place.table(STAGING), self.dfe.stats().requests);
        let report = self.place.play(["run", "--json"]).well().json();
        assert!(fired(&report).is_empty(), "{what}: {report}");
        assert_eq!(report["staged"]["written"], 0, "{what}: {report}");
        assert!(self.place.table(STAGING) == rows, "{what}: the staging table changed");
        assert_eq!(self.dfe.stats().requests, requests, "{what}: something was sent");
    }

    /// Stopped; let through with exactly the flags that were named; quiet; and stopped again the next time it happens.
    pub fn lets_through_once(&self, what: &str, lose: impl Fn()) {
        lose();
        let flags = flags(&self.is_stopped(what).json());
        let run = self.place.play(std::iter::once("run").chain(flags.iter().flat_map(|flag| flag.split(' '))));
        assert_eq!(run.code, Some(0), "{what}, {flags:?}: {}", run.stderr);
        self.is_quiet(what);
        self.restore();
        self.place.play(["run"]).well();
        self.place.converged(&self.dfe);
        self.is_quiet("whole again");
        lose();
        self.is_stopped(&format!("{what}, the second time"));
        self.restore();
        self.is_quiet("whole again");
    }
}

/// The tables of the SSD.
pub fn ssd_tables(place: &Place) -> Vec<String> {
    let database = place.database();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'ssd!_%' ESCAPE '!'
               AND name NOT LIKE 'ssd!_api%' ESCAPE '!' ORDER BY name";
    let mut query = database.prepare(sql).expect("a query");
    query.query_map([], |row| row.get(0)).expect("tables").map(|name| name.expect("a name")).collect()
}

/// The guards that fired.
pub fn fired(report: &Value) -> Vec<&Value> {
    report["guards"].as_array().expect("guards").iter().filter(|guard| guard["fired"] == true).collect()
}

pub fn flags(report: &Value) -> Vec<String> {
    fired(report).iter().map(|guard| guard["flag"].as_str().expect("a flag").to_owned()).collect()
}

/// The one guard of this name; of `max_table_drop` the first.
pub fn guard<'r>(report: &'r Value, name: &str) -> &'r Value {
    report["guards"].as_array().expect("guards").iter().find(|guard| guard["name"] == name).expect("the guard")
}
