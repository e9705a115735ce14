//! A sequence's database in one SQLite file.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use csc_bridge_core::config::Config;
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_sqlite::SqliteAdapter;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

use super::database::{Cell, Database, ssd_tables};

/// The file, and two connections to it.
pub struct OnSqlite {
    sql: Mutex<Connection>,
    look: Mutex<Connection>,
    config: Config,
    database: PathBuf,
    _folder: tempfile::TempDir,
}

impl OnSqlite {
    pub fn open() -> OnSqlite {
        let folder = folder();
        let database = folder.path().join("cohort.db");
        let text = "cms = \"sqlite\"\nla_code = \"845\"\n[source]\ndatabase = \"cohort.db\"\nschema = \"\"\n";
        let config = Config::parse(&folder.path().join("csc-bridge.toml"), text).expect("a configuration");
        let sql = Connection::open(&database).expect("SQLite");
        // The moments of a crash are the test's own: the disk need not be waited for.
        sql.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA busy_timeout = 20000")
            .expect("SQLite");
        sql.execute_batch(&ssd_tables(&config.definition, &[], |_| "")).expect("the tables");
        let look = Connection::open(&database).expect("SQLite");
        // Now it has the log open, as `connections` takes for granted.
        look.execute_batch("SELECT COUNT(*) FROM sqlite_schema").expect("SQLite");
        OnSqlite { sql: Mutex::new(sql), look: Mutex::new(look), config, database, _folder: folder }
    }
}

fn held(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().expect("the connection")
}

impl Database for OnSqlite {
    fn execute(&self, statement: &str, params: &[Cell]) -> Result<usize, String> {
        held(&self.sql).execute(statement, params_from_iter(params)).map_err(|error| error.to_string())
    }

    fn query(&self, query: &str, params: &[Cell]) -> Result<Vec<Vec<Cell>>, String> {
        let look = held(&self.look);
        let read = || -> rusqlite::Result<Vec<Vec<Cell>>> {
            let mut query = look.prepare(query)?;
            let columns = query.column_count();
            let cells = |row: &Row<'_>| (0..columns).map(|at| Ok(cell(row.get_ref(at)?))).collect();
            query.query_map(params_from_iter(params), cells)?.collect()
        };
        read().map_err(|error| error.to_string())
    }

    fn tables_called(&self) -> &'static str {
        "SELECT COUNT(*) FROM sqlite_schema WHERE name = ?"
    }

    fn config(&self) -> &Config {
        &self.config
    }

    fn adapter(&self) -> &dyn DatabaseAdapter {
        &SqliteAdapter
    }

    fn turns(&self) -> usize {
        150
    }

    /// The last statement of a process that "died" ends in a thread of its own, which here goes on living. Each connection has the log
    /// open; where nobody says which files are (not Linux), nobody is waited for.
    fn connections(&self) -> usize {
        let log = PathBuf::from(format!("{}-wal", self.database.display()));
        let Ok(open) = std::fs::read_dir("/proc/self/fd") else { return 0 };
        let is_log = |file: &std::fs::DirEntry| std::fs::read_link(file.path()).is_ok_and(|path| path == log);
        open.filter_map(Result::ok).filter(is_log).count().saturating_sub(2)
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Text(text) => Cell::from(str::from_utf8(text).expect("UTF-8")),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
        ValueRef::Real(number) => panic!("nobody writes {number}"),
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Cell::Null => ValueRef::Null,
            Cell::Integer(number) => ValueRef::Integer(*number),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Bytes(bytes) => ValueRef::Blob(bytes),
            Cell::Moment(micros) => ValueRef::Integer(*micros),
        }))
    }
}

/// A folder in memory where there is one: the program waits for the disk at every commit, which is not what is tested here.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a folder")
}
