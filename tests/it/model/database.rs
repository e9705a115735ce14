//! The database of a sequence, whichever product it is: the few things that are asked of it. Statements are written once, with `?` or
//! `?1` for what is put in.

use std::sync::Arc;

use csc_bridge_core::config::Config;
use csc_bridge_core::payload::definition::{ColumnType, Definition, TableDef};
use csc_bridge_core::registry::DatabaseAdapter;
use jiff::civil::Date;

#[cfg(feature = "oracle")]
use super::on_oracle::{OnOracle, Oracle};
use super::on_postgres::{OnPostgres, Postgres};
use super::on_sqlite::OnSqlite;
use super::on_sqlserver::{OnSqlServer, SqlServer};

/// Microseconds.
const DAY: i64 = 86_400_000_000;

/// What is in a column of a row, or is put there.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
    /// Microseconds since 2000-01-01, where the database has moments.
    Moment(i64),
}

/// The products on which sequences are played.
#[derive(Clone)]
pub enum Product {
    Sqlite,
    #[cfg(feature = "oracle")]
    Oracle(Arc<Oracle>),
    Postgres(Arc<Postgres>),
    SqlServer(Arc<SqlServer>),
}

impl Product {
    /// A database of its own, with an SSD whose tables are there and empty.
    pub fn open(&self) -> Box<dyn Database> {
        match self {
            Product::Sqlite => Box::new(OnSqlite::open()),
            #[cfg(feature = "oracle")]
            Product::Oracle(oracle) => Box::new(OnOracle::open(oracle)),
            Product::Postgres(server) => Box::new(OnPostgres::open(server)),
            Product::SqlServer(servers) => Box::new(OnSqlServer::open(servers)),
        }
    }
}

/// A database with an SSD and, once somebody has staged, staging tables.
pub trait Database: Send + Sync {
    /// Runs a statement; returns how many rows it wrote. On another connection than [`Database::query`]: it may wait for a writer whose
    /// next step is the looker's own thread.
    fn execute(&self, statement: &str, params: &[Cell]) -> Result<usize, String>;

    /// The rows of a query.
    fn query(&self, query: &str, params: &[Cell]) -> Result<Vec<Vec<Cell>>, String>;

    /// Says how many tables have the name that is put in.
    fn tables_called(&self) -> &'static str;

    /// How the program is told of it.
    fn config(&self) -> &Config;

    /// The program's way to it.
    fn adapter(&self) -> &dyn DatabaseAdapter;

    /// In how many turns a stage is surely over.
    fn turns(&self) -> usize;

    /// How many connections of the program there are.
    fn connections(&self) -> usize;

    /// How many of them stage.
    fn stagers(&self) -> usize {
        0
    }
}

/// The statements that make an SSD's tables. `columns` says what is before the definition's columns, and what type these have.
pub fn ssd_tables(definition: &Definition, first: &[&str], kind: impl Fn(ColumnType) -> &'static str) -> String {
    let table = |(name, table): (&String, &TableDef)| {
        let columns = table.columns.iter().map(|(column, of)| format!("\"{column}\" {}", kind(*of)));
        let columns: Vec<String> = first.iter().map(|column| (*column).to_owned()).chain(columns).collect();
        format!("CREATE TABLE \"{name}\" ({});", columns.join(", "))
    };
    definition.tables.iter().map(table).collect()
}

/// A date as the moment at which it begins, for a database that has moments.
pub fn moment(cell: &Cell) -> Option<Cell> {
    let Cell::Text(text) = cell else { return None };
    let date: Date = text.parse().ok()?;
    Some(Cell::Moment(i64::from((date - Date::constant(2000, 1, 1)).get_days()) * DAY))
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Cell {
        Cell::Text(text.clone())
    }
}

impl From<Option<&str>> for Cell {
    fn from(text: Option<&str>) -> Cell {
        text.map_or(Cell::Null, Cell::from)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Cell {
        Cell::Integer(number)
    }
}

impl TryFrom<Cell> for i64 {
    type Error = Cell;

    fn try_from(cell: Cell) -> Result<i64, Cell> {
        if let Cell::Integer(number) = cell { Ok(number) } else { Err(cell) }
    }
}

impl TryFrom<Cell> for String {
    type Error = Cell;

    fn try_from(cell: Cell) -> Result<String, Cell> {
        if let Cell::Text(text) = cell { Ok(text) } else { Err(cell) }
    }
}

impl Cell {
    /// Text, where there is any.
    pub fn text(self) -> Option<String> {
        (self != Cell::Null).then(|| self.try_into().expect("text"))
    }

    /// Bytes, where there are any.
    pub fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Cell::Null => None,
            Cell::Bytes(bytes) => Some(bytes),
            other => panic!("bytes, and not {other:?}"),
        }
    }
}
