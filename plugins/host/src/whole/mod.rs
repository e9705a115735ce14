//! Sources that cannot join: their tables, whole, in a private SQLite database, which joins them.
//!
//! A session reads each table that it was opened for once, at opening. The database is a file in a folder for this account alone, under the
//! folder for temporary files; it holds children's data. On Unix it loses its name as soon as it is filled and open, so that nothing is left
//! however the program ends; a crash while it is being filled leaves the folder `csc-bridge-tables-…` behind. Elsewhere the folder goes with the
//! session, and a crash leaves it.

mod fill;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{Join, ReadSession, RowStream, Scan, ScanEvent, Source, Table, TableName};
use csc_bridge_plugin_abi::message::{Open, encode};
use csc_bridge_sql::SqlSource;
use csc_bridge_sqlite::SqliteEngine;
use tempfile::TempDir;

use crate::Plugin;
use crate::adapter::{Session, Sessions, list};
use crate::copy::private_folder;
use fill::Filling;

/// A plugin that delivers whole tables.
pub(crate) struct WholeTables {
    sessions: Sessions,
}

impl WholeTables {
    /// Has the plugin check the options. Blocks.
    pub fn new(plugin: Arc<Plugin>, options: Vec<u8>) -> Result<WholeTables> {
        Ok(WholeTables { sessions: Sessions::new(plugin, options)? })
    }
}

#[async_trait]
impl Source for WholeTables {
    async fn open(&self, tables: &[Table]) -> Result<Box<dyn ReadSession>> {
        for table in tables {
            check_columns(table)?;
        }
        let session = self.sessions.open(encode(&Open::from(tables))?).await?;
        let folder = made(private_folder("csc-bridge-tables-"))?;
        let path = folder.path().join("tables.db");
        let mut filling = Filling::begin(path.clone()).await?;
        for (place, table) in tables.iter().enumerate() {
            filling = copy(&session, filling, &local(place).table, table).await?;
        }
        filling.end().await?;
        // Everything was read: the plugin's session is over.
        drop(session);
        let joined = join_in(&path, tables).await?;
        let names = tables.iter().map(|table| table.name.clone()).collect();
        Ok(Box::new(WholeSession { joined, names, _folder: unnamed(folder) }))
    }
}

/// Reads one table to its attested end.
async fn copy(session: &Session, mut filling: Filling, local: &str, table: &Table) -> Result<Filling> {
    filling = filling.create(local.to_owned(), table.columns.clone()).await?;
    let mut rows = list(session, &table.name, &table.columns).await?;
    // The stream compares the number that the plugin attests with what it delivered.
    while let ScanEvent::Rows(batch) = rows.next().await? {
        filling = filling.insert(batch).await?;
    }
    Ok(filling)
}

async fn join_in(path: &Path, tables: &[Table]) -> Result<Box<dyn ReadSession>> {
    let engine = Arc::new(SqliteEngine::new(path, Duration::from_secs(30))?);
    let local = |(place, table): (usize, &Table)| Table { name: local(place), columns: table.columns.clone() };
    let tables: Vec<Table> = tables.iter().enumerate().map(local).collect();
    SqlSource::new(engine).open(&tables).await
}

/// The name of a table here. SQLite folds case and knows no schemas of others; a number is only itself.
fn local(place: usize) -> TableName {
    TableName { schema: String::new(), table: format!("table{place}") }
}

fn made(folder: std::io::Result<TempDir>) -> Result<TempDir> {
    folder.map_err(|error| {
        Error::new(
            Kind::Io,
            format!("a folder for a plugin's tables cannot be made: {}", error.kind()),
            "check that the folder for temporary files may be written and has room for the tables",
        )
    })
}

/// On Unix an open file lives on without its name.
fn unnamed(folder: TempDir) -> Option<TempDir> {
    match cfg!(unix) {
        true => folder.close().err().and(None),
        false => Some(folder),
    }
}

/// SQLite tells columns apart without regard to case.
fn check_columns(table: &Table) -> Result<()> {
    let mut seen = HashSet::new();
    for column in &table.columns {
        csc_bridge_sql::name::check(&format!("a column of {}", table.name), column)?;
        if !seen.insert(column.to_lowercase()) {
            return Err(Error::new(
                Kind::Schema,
                format!("two columns of {} are called {column} but for upper and lower case", table.name),
                "a plugin that delivers whole tables cannot have both; map one of them in [source.names]",
            ));
        }
    }
    Ok(())
}

struct WholeSession {
    // Before the folder, for fields are dropped in their order: where files keep their names, it can go only when nobody has them open.
    joined: Box<dyn ReadSession>,
    names: Vec<TableName>,
    _folder: Option<TempDir>,
}

impl WholeSession {
    fn local(&self, table: &TableName) -> Result<TableName> {
        let place = self.names.iter().position(|name| name == table);
        place
            .map(local)
            .ok_or_else(|| Error::internal(format!("{table} is read, but was not named when the session was opened")))
    }
}

#[async_trait]
impl ReadSession for WholeSession {
    async fn list(&mut self, table: &TableName, columns: &[String]) -> Result<Box<dyn RowStream + '_>> {
        let table = self.local(table)?;
        self.joined.list(&table, columns).await
    }

    async fn count(&mut self, table: &TableName) -> Result<u64> {
        let table = self.local(table)?;
        self.joined.count(&table).await
    }

    async fn select(&mut self, children: &[String]) -> Result<()> {
        self.joined.select(children).await
    }

    async fn scan(&mut self, scan: &Scan) -> Result<Box<dyn RowStream + '_>> {
        let mut scan = scan.clone();
        scan.table = self.local(&scan.table)?;
        for Join { table, .. } in &mut scan.path_to_child.joins {
            *table = self.local(table)?;
        }
        self.joined.scan(&scan).await
    }
}
