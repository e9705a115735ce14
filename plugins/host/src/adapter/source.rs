//! Sources: tables that the plugin joins, and documents.

use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{
    DocumentSession, DocumentSource, ReadSession, RowStream, Scan, Source, Table, TableName,
};
use csc_bridge_plugin_abi::message::{self, Children, OneTable, Open, ScanOf, TableColumns, decode_answer, encode};
use csc_bridge_plugin_abi::table::Entry;

use super::rows::Expected;
use super::session::{Session, Sessions};
use crate::Plugin;

/// A plugin that joins its tables itself.
pub(crate) struct Tables {
    sessions: Sessions,
}

impl Tables {
    /// Has the plugin check the options. Blocks.
    pub fn new(plugin: Arc<Plugin>, options: Vec<u8>) -> Result<Tables> {
        Ok(Tables { sessions: Sessions::new(plugin, options)? })
    }
}

#[async_trait]
impl Source for Tables {
    async fn open(&self, tables: &[Table]) -> Result<Box<dyn ReadSession>> {
        let session = self.sessions.open(encode(&Open::from(tables))?).await?;
        Ok(Box::new(TableSession { session, children: 0 }))
    }
}

struct TableSession {
    session: Session,
    /// How many are selected.
    children: usize,
}

#[async_trait]
impl ReadSession for TableSession {
    async fn list(&mut self, table: &TableName, columns: &[String]) -> Result<Box<dyn RowStream + '_>> {
        list(&self.session, table, columns).await
    }

    async fn count(&mut self, table: &TableName) -> Result<u64> {
        let input = encode(&OneTable { table: table.into() })?;
        let output = self.session.call(Entry::SessionCount, input).await?.done(Entry::SessionCount)?;
        Ok(decode_answer::<message::Rows>(Entry::SessionCount, &output)?.rows)
    }

    async fn select(&mut self, children: &[String]) -> Result<()> {
        let input = encode(&Children::of(children))?;
        self.session.call(Entry::SessionSelect, input).await?.done(Entry::SessionSelect)?;
        self.children = children.len();
        Ok(())
    }

    async fn scan(&mut self, scan: &Scan) -> Result<Box<dyn RowStream + '_>> {
        let expected = Expected::Scan(scan.columns.clone(), self.children);
        Ok(Box::new(self.session.stream(Entry::SessionScan, encode(&ScanOf::from(scan))?, expected).await?))
    }
}

/// All rows of a table, as the plugin has them.
pub(crate) async fn list(
    session: &Session,
    table: &TableName,
    columns: &[String],
) -> Result<Box<dyn RowStream + 'static>> {
    let input = encode(&TableColumns { table: table.into(), columns: columns.to_vec() })?;
    Ok(Box::new(session.stream(Entry::SessionList, input, Expected::List(columns.to_vec())).await?))
}

/// A plugin that delivers documents.
pub(crate) struct Documents {
    sessions: Sessions,
}

impl Documents {
    /// Has the plugin check the options. Blocks.
    pub fn new(plugin: Arc<Plugin>, options: Vec<u8>) -> Result<Documents> {
        Ok(Documents { sessions: Sessions::new(plugin, options)? })
    }
}

#[async_trait]
impl Source for Documents {
    async fn open(&self, _: &[Table]) -> Result<Box<dyn ReadSession>> {
        Err(Error::new(
            Kind::Config,
            "the source has documents and no tables",
            "this command reads tables; stage, run, plan, payload and check work with documents, too",
        ))
    }

    fn documents(&self) -> Option<&dyn DocumentSource> {
        Some(self)
    }
}

#[async_trait]
impl DocumentSource for Documents {
    async fn open(&self) -> Result<Box<dyn DocumentSession>> {
        let session = self.sessions.open(encode(&Open { tables: Vec::new() })?).await?;
        Ok(Box::new(Reading { session }))
    }
}

struct Reading {
    session: Session,
}

impl Reading {
    async fn read(&self, children: &Children<'_>) -> Result<Box<dyn RowStream + 'static>> {
        Ok(Box::new(self.session.stream(Entry::SessionDocuments, encode(children)?, Expected::Documents).await?))
    }
}

#[async_trait]
impl DocumentSession for Reading {
    async fn ids(&mut self) -> Result<Box<dyn RowStream + '_>> {
        self.read(&Children::ALL).await
    }

    async fn documents(&mut self, children: &[String]) -> Result<Box<dyn RowStream + '_>> {
        self.read(&Children::of(children)).await
    }
}
