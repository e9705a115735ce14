//! Filling the private database: every value as the text that core would read in it.

use std::path::PathBuf;

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::payload::column::{Column, DayCell};
use csc_bridge_sql::Dialect;
use csc_bridge_sqlite::SqliteDialect;
use rusqlite::Connection;

/// What stands for a date that is none, such as one in the year 10000: it must not look like "no date".
const NO_DAY: &str = "out of range";

/// The one writer. Each step takes it and gives it back, since it works on a thread that may block.
pub(super) struct Filling {
    connection: Connection,
    insert: String,
}

impl Filling {
    /// Makes the file. It has no journal: until it is complete it is nobody's.
    pub async fn begin(path: PathBuf) -> Result<Filling> {
        blocking(move || {
            let connection = Connection::open(path)?;
            connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN")?;
            Ok(Filling { connection, insert: String::new() })
        })
        .await
    }

    /// Makes the next table, into which rows go from now on. Without types: a text of digits stays the text it is.
    pub async fn create(mut self, table: String, columns: Vec<String>) -> Result<Filling> {
        blocking(move || {
            let table = SqliteDialect.quote(&table);
            let names: Vec<String> = columns.iter().map(|column| SqliteDialect.quote(column)).collect();
            self.connection.execute_batch(&format!("CREATE TABLE {table} ({})", names.join(", ")))?;
            let places = vec!["?"; columns.len()];
            self.insert = format!("INSERT INTO {table} VALUES ({})", places.join(", "));
            Ok(self)
        })
        .await
    }

    /// Adds rows, of as many columns as the table has.
    pub async fn insert(self, rows: RecordBatch) -> Result<Filling> {
        let schema = rows.schema();
        let columns = rows.columns().iter().zip(schema.fields()).map(|(array, field)| match array.data_type() {
            DataType::Date32 | DataType::Timestamp(..) => Column::days(array, field.name(), &[], &[]),
            _ => Column::text(array, field.name()),
        });
        let columns: Vec<Column> = columns.collect::<Result<_>>()?;
        blocking(move || {
            let mut insert = self.connection.prepare_cached(&self.insert)?;
            for row in 0..rows.num_rows() {
                for (place, column) in columns.iter().enumerate() {
                    bind(&mut insert, place + 1, column, row)?;
                }
                insert.raw_execute()?;
            }
            drop(insert);
            Ok(self)
        })
        .await
    }

    /// All is there.
    pub async fn end(self) -> Result<()> {
        blocking(move || {
            self.connection.execute_batch("COMMIT")?;
            self.connection.close().map_err(|(_, error)| error)
        })
        .await
    }
}

fn bind(insert: &mut rusqlite::Statement<'_>, place: usize, column: &Column, row: usize) -> rusqlite::Result<()> {
    let mut day = Vec::new();
    let text = match column.day(row) {
        DayCell::Day(cell) => {
            cell.write(&mut day);
            std::str::from_utf8(&day).ok()
        }
        DayCell::Bad => Some(NO_DAY),
        DayCell::None => column.raw(row),
    };
    insert.raw_bind_parameter(place, text as Option<&str>)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> rusqlite::Result<T> + Send + 'static) -> Result<T> {
    let failed = |error: rusqlite::Error| {
        // SQLite's text may quote a value.
        let code = error.sqlite_error_code().map_or("no code".to_owned(), |code| format!("{code:?}"));
        Error::new(
            Kind::Io,
            format!("the private database of a plugin's tables cannot be written: {code}"),
            "check that the folder for temporary files may be written and has room for the tables",
        )
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(failed),
        Err(_) => Err(Error::internal("a task that used SQLite ended without a result")),
    }
}
