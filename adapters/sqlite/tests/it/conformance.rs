//! SQLite keeps to the contracts, and the suite that says so notices every broken twin of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::source::{Source, TableName};
use csc_bridge_core::staging::Staging;
use csc_bridge_sql::{SqlSource, SqlStaging, StagingNames};
use csc_bridge_sqlite::SqliteEngine;
use csc_bridge_testkit::{
    Checked, ColumnKind, Database, Facts, Failure, OverSql, Place, SqlPlace, StagingSettings, Touched, Value, broken,
};
use rusqlite::ErrorCode;

struct Sqlite;

#[async_trait]
impl Database for Sqlite {
    fn name(&self) -> &str {
        "sqlite"
    }

    async fn fresh(&self) -> Checked<Box<dyn Place>> {
        let file = File { folder: tempfile::tempdir().unwrap() };
        // As csc-bridge leaves a file, and any program that reads for hours while others write.
        file.raw().pragma_update(None, "journal_mode", "WAL").unwrap();
        Ok(Box::new(OverSql(file)))
    }
}

/// A file in a folder of its own.
struct File {
    folder: tempfile::TempDir,
}

impl File {
    fn path(&self) -> PathBuf {
        self.folder.path().join("csc.db")
    }

    fn raw(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        connection.busy_timeout(Duration::from_millis(100)).unwrap();
        connection
    }

    fn engine(&self) -> Arc<SqliteEngine> {
        Arc::new(SqliteEngine::new(&self.path(), Duration::from_secs(30)).unwrap())
    }
}

fn unexpected(error: rusqlite::Error) -> Failure {
    Failure::broken("a statement of the test's own that works", error)
}

#[async_trait]
impl SqlPlace for File {
    fn facts(&self) -> Facts {
        Facts { row_locks: false, folds: true, empty_text_is_null: false, upper_case_uuids: false, longest_name: 128 }
    }

    fn source(&self) -> Checked<Arc<dyn Source>> {
        Ok(Arc::new(SqlSource::new(self.engine())))
    }

    fn staging(&self, settings: &StagingSettings) -> Checked<Arc<dyn Staging>> {
        let table = |table: &str| TableName { schema: String::new(), table: table.to_owned() };
        let names = StagingNames {
            staging: table(&settings.staging),
            log: table(&settings.log),
            runs: table(&settings.runs),
            create: settings.create,
            create_staging: settings.create && !settings.managed_by_sql,
            create_database: settings.create,
        };
        Ok(Arc::new(SqlStaging::new(self.engine(), names, None)?))
    }

    fn column_type(&self, kind: ColumnKind) -> Checked<String> {
        Ok(match kind {
            ColumnKind::SmallInteger | ColumnKind::Integer | ColumnKind::BigInteger | ColumnKind::Boolean => {
                "INTEGER".to_owned()
            }
            ColumnKind::Numeric { precision, scale } => format!("NUMERIC({precision}, {scale})"),
            ColumnKind::Float => "REAL".to_owned(),
            ColumnKind::Text | ColumnKind::LongText | ColumnKind::Date | ColumnKind::Timestamp => "TEXT".to_owned(),
            ColumnKind::FoldingText => "TEXT COLLATE NOCASE".to_owned(),
            ColumnKind::VarChar(width) => format!("VARCHAR({width})"),
            ColumnKind::Binary => "BLOB".to_owned(),
            ColumnKind::Char(_) => return Err(Failure::not_applicable("SQLite pads no text")),
            ColumnKind::TimestampWithZone => return Err(Failure::not_applicable("SQLite has no type of moments")),
            ColumnKind::Uuid => return Err(Failure::not_applicable("SQLite has no type of UUIDs")),
        })
    }

    fn literal(&self, value: &Value) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        match value {
            Value::Null => "NULL".to_owned(),
            Value::Integer(number) => number.to_string(),
            Value::Number(number) => number.clone(),
            Value::Boolean(flag) => i32::from(*flag).to_string(),
            Value::Text(text) | Value::Date(text) | Value::Timestamp(text) | Value::Moment(text) => quoted(text),
            Value::Bytes(bytes) => {
                format!("x'{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            }
        }
    }

    async fn run(&self, statements: &[String]) -> Checked<Touched> {
        let connection = self.raw();
        for sql in statements {
            match connection.execute_batch(sql) {
                Ok(()) => {}
                Err(rusqlite::Error::SqliteFailure(failure, _)) if failure.code == ErrorCode::DatabaseBusy => {
                    return Ok(Touched::KeptOut);
                }
                Err(error) => return Err(unexpected(error)),
            }
        }
        Ok(Touched::Done)
    }

    async fn query(&self, sql: &str) -> Checked<Vec<Vec<Option<String>>>> {
        let connection = self.raw();
        let mut statement = connection.prepare(sql).map_err(unexpected)?;
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect()).map_err(unexpected)?;
        rows.collect::<Result<_, _>>().map_err(unexpected)
    }

    fn refuse_sql(&self, table: &str, column: &str, text: &str) -> Vec<String> {
        let (column, text) = (self.quote(column), self.literal(&Value::text(text)));
        vec![format!(
            "CREATE TRIGGER refuses BEFORE INSERT ON {table} WHEN NEW.{column} = {text}
             BEGIN SELECT RAISE(ABORT, 'P is not wanted'); END"
        )]
    }

    fn truncate_sql(&self, table: &str) -> String {
        format!("DELETE FROM {table}")
    }

    async fn restrict_to_select(&self) -> Checked<Box<dyn Place>> {
        Err(Failure::not_applicable("SQLite has no accounts"))
    }

    async fn cut_connections(&self) -> Checked {
        Err(Failure::not_applicable("SQLite has no server whose connections could be cut"))
    }

    /// The nearest there is to a lost server: half of the file is gone.
    async fn cut_reads(&self) -> Checked {
        let file = std::fs::OpenOptions::new().write(true).open(self.path()).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_conforms() {
    csc_bridge_testkit::run_all(&Sqlite).await.must_pass();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_broken_twin_is_noticed() {
    broken::run_all(&Sqlite).await.must_pass();
}
