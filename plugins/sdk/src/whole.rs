//! Sources that can only hand over whole tables.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::config::Options;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{ReadSession, RowStream, Scan, Source, Table, TableName, read_each};

/// A system whose tables can only be read whole: exported files, an API that lists. The host joins them itself, in a private database.
#[async_trait]
pub trait WholeTables: Send + Sync + Sized + 'static {
    /// The tables that `[source]` describes. Checks the options, and opens nothing yet.
    ///
    /// # Errors
    /// [`Kind::Config`], as [`Options::parse`] and [`Options::secret`] return it.
    fn from_options(options: &Options) -> Result<Self>;

    /// Which tables there are, with all their columns. Every read session begins with it, and all reads up to the next call are of that one
    /// moment, or fail.
    ///
    /// # Errors
    /// Whatever keeps the tables from being looked at.
    async fn tables(&self) -> Result<Vec<Table>>;

    /// Every row of a table: `columns` of it, in this order, each batch under these names. The stream ends with the number of rows
    /// ([`Complete`](csc_bridge_core::source::ScanEvent::Complete)), which attests that all were delivered; where they were not, with an
    /// error.
    ///
    /// # Errors
    /// [`Kind::Schema`] where the table or a column has gone since [`WholeTables::tables`].
    async fn list(&self, table: &TableName, columns: &[String]) -> Result<Box<dyn RowStream + '_>>;

    /// How many rows a table has, where that can be had without reading them. `None`: its first column is read and counted.
    ///
    /// # Errors
    /// As [`WholeTables::list`].
    async fn count(&self, _table: &TableName) -> Result<Option<u64>> {
        Ok(None)
    }
}

/// Whole tables behind core's trait, without selecting and scanning.
pub(crate) struct Whole<T>(Arc<T>);

impl<T> Whole<T> {
    pub fn new(tables: T) -> Whole<T> {
        Whole(Arc::new(tables))
    }
}

#[async_trait]
impl<T: WholeTables> Source for Whole<T> {
    async fn open(&self, tables: &[Table]) -> Result<Box<dyn ReadSession>> {
        let there = self.0.tables().await?;
        for wanted in tables {
            let table = there.iter().find(|table| table.name == wanted.name);
            let table = table.ok_or_else(|| missing(format!("there is no table {}", wanted.name)))?;
            let columns: BTreeSet<&String> = table.columns.iter().collect();
            if let Some(column) = wanted.columns.iter().find(|column| !columns.contains(column)) {
                return Err(missing(format!("there is no column {column} in {}", wanted.name)));
            }
        }
        Ok(Box::new(WholeSession { source: self.0.clone(), tables: there }))
    }
}

fn missing(message: String) -> Error {
    Error::new(Kind::Schema, message, "correct the name in [source.names], or declare it missing in the CMS profile")
}

struct WholeSession<T> {
    source: Arc<T>,
    tables: Vec<Table>,
}

#[async_trait]
impl<T: WholeTables> ReadSession for WholeSession<T> {
    async fn list(&mut self, table: &TableName, columns: &[String]) -> Result<Box<dyn RowStream + '_>> {
        self.source.list(table, columns).await
    }

    async fn count(&mut self, table: &TableName) -> Result<u64> {
        if let Some(rows) = self.source.count(table).await? {
            return Ok(rows);
        }
        let columns = self.tables.iter().find(|there| there.name == *table).map(|there| there.columns.as_slice());
        let columns = columns.ok_or_else(|| missing(format!("there is no table {table}")))?;
        let mut stream = self.source.list(table, &columns[..columns.len().min(1)]).await?;
        let mut rows = 0;
        read_each(&mut *stream, &mut |batch| {
            rows += batch.num_rows() as u64;
            Ok(())
        })
        .await?;
        Ok(rows)
    }

    async fn select(&mut self, _: &[String]) -> Result<()> {
        Err(Error::internal("whole tables were asked for chosen children"))
    }

    async fn scan(&mut self, _: &Scan) -> Result<Box<dyn RowStream + '_>> {
        Err(Error::internal("whole tables were asked for chosen children"))
    }
}
