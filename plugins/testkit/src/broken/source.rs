//! Sources that are wrong in one way.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{ReadSession, RowStream, Scan, Source, Table, TableName};

use super::faults::SourceFault;
use super::rows::{Nothing, TwinStream};

pub(super) struct TwinSource {
    inner: Arc<dyn Source>,
    fault: SourceFault,
    restricted: bool,
    dropped: Arc<AtomicBool>,
}

impl TwinSource {
    pub(super) fn new(inner: Arc<dyn Source>, fault: SourceFault, restricted: bool) -> TwinSource {
        TwinSource { inner, fault, restricted, dropped: Arc::default() }
    }
}

fn is_odd(name: &str) -> bool {
    const WORDS: [&str; 7] = ["select", "order", "group", "user", "from", "null", "s1"];
    name.chars().any(|c| !c.is_ascii_alphanumeric() && c != '_') || WORDS.contains(&name)
}

fn refused(kind: Kind, what: &str) -> Error {
    Error::new(kind, what.to_owned(), "this is a broken twin")
}

#[async_trait]
impl Source for TwinSource {
    async fn open(&self, tables: &[Table]) -> Result<Box<dyn ReadSession>> {
        let mut asked = tables.to_vec();
        match self.fault {
            SourceFault::NeedsToWrite if self.restricted => {
                return Err(refused(Kind::Permission, "the account may not write"));
            }
            SourceFault::RefusesOddNames if tables.iter().any(|table| is_odd(&table.name.table)) => {
                return Err(refused(Kind::Config, "that is no name"));
            }
            SourceFault::OverlooksViews if tables.iter().any(|table| table.name.table.ends_with("_view")) => {
                return Err(refused(Kind::Schema, "a table is missing"));
            }
            SourceFault::CutsNames => {
                asked.iter_mut().for_each(|table| table.name.table = table.name.table.chars().take(59).collect());
            }
            _ => {}
        }
        let session = match self.inner.open(&asked).await {
            Err(_) if self.fault == SourceFault::ForgivesTheSchema => None,
            Err(error) if self.fault == SourceFault::SaysLittle => {
                return Err(refused(error.kind(), "something is wrong"));
            }
            // Checked, and let go, with whatever lock and moment it had.
            opened if self.fault == SourceFault::ReopensForEachRead => opened.map(|_| None)?,
            opened => Some(opened?),
        };
        Ok(Box::new(TwinSession {
            session,
            source: self.inner.clone(),
            tables: tables.to_vec(),
            fault: self.fault,
            children: None,
            numbers: Vec::new(),
            dropped: self.dropped.clone(),
        }))
    }
}

struct TwinSession {
    /// None where there is nothing to be read.
    session: Option<Box<dyn ReadSession>>,
    source: Arc<dyn Source>,
    tables: Vec<Table>,
    fault: SourceFault,
    children: Option<Vec<String>>,
    numbers: Vec<i32>,
    dropped: Arc<AtomicBool>,
}

impl TwinSession {
    /// The inner session for a read of these columns.
    async fn session(&mut self, table: &TableName, columns: &[String]) -> Result<&mut dyn ReadSession> {
        let named = self.tables.iter().any(|named| named.name == *table);
        let adds = self.fault == SourceFault::ReadsAnyTable && !named;
        if adds {
            self.tables.push(Table { name: table.clone(), columns: columns.to_vec() });
        }
        if adds || self.fault == SourceFault::ReopensForEachRead {
            let mut session = self.source.open(&self.tables).await?;
            if let Some(children) = &self.children {
                session.select(children).await?;
            }
            self.session = Some(session);
        }
        match &mut self.session {
            Some(session) => Ok(session.as_mut()),
            None => Err(Error::internal("a twin without a session was asked")),
        }
    }

    /// Whether the next read comes out empty.
    fn is_empty(&self) -> bool {
        let lost = self.fault == SourceFault::IsEmptyAfterADrop && self.dropped.load(Ordering::SeqCst);
        lost || self.session.is_none() && self.fault != SourceFault::ReopensForEachRead
    }
}

/// An error as the twin tells it.
fn told(fault: SourceFault, error: Error) -> Error {
    if fault == SourceFault::SaysLittle { refused(error.kind(), "something is wrong") } else { error }
}

fn stream<'a>(
    inner: Box<dyn RowStream + 'a>,
    fault: SourceFault,
    numbers: Vec<i32>,
    joined: bool,
    dropped: Arc<AtomicBool>,
) -> Box<dyn RowStream + 'a> {
    Box::new(TwinStream {
        inner,
        fault,
        numbers,
        joined,
        delivered: 0,
        held_back: None,
        seen: HashSet::new(),
        batches: 0,
        ended: false,
        dropped,
    })
}

#[async_trait]
impl ReadSession for TwinSession {
    async fn list(&mut self, table: &TableName, columns: &[String]) -> Result<Box<dyn RowStream + '_>> {
        if self.is_empty() {
            return Ok(Box::new(Nothing));
        }
        let (fault, dropped) = (self.fault, self.dropped.clone());
        let inner =
            self.session(table, columns).await?.list(table, columns).await.map_err(|error| told(fault, error))?;
        Ok(stream(inner, fault, Vec::new(), false, dropped))
    }

    async fn count(&mut self, table: &TableName) -> Result<u64> {
        if self.is_empty() || self.fault == SourceFault::CountsNothing {
            return Ok(0);
        }
        self.session(table, &[]).await?.count(table).await
    }

    async fn select(&mut self, children: &[String]) -> Result<()> {
        let keeps = match self.fault {
            SourceFault::KeepsTheFirstSet => self.children.is_some(),
            SourceFault::KeepsTheSetBeforeAnEmptyOne => self.children.is_some() && children.is_empty(),
            _ => false,
        };
        if keeps {
            return Ok(());
        }
        let mut set = children.to_vec();
        if let SourceFault::Folds(fold) = self.fault {
            let mut at: HashMap<String, usize> = HashMap::new();
            (set, self.numbers) = (Vec::new(), Vec::new());
            for (number, child) in children.iter().enumerate() {
                let place = *at.entry(fold(child)).or_insert_with(|| {
                    set.push(child.clone());
                    self.numbers.push(0);
                    set.len() - 1
                });
                self.numbers[place] = number as i32;
            }
        }
        self.children = Some(set.clone());
        match &mut self.session {
            Some(session) => session.select(&set).await,
            None => Ok(()),
        }
    }

    async fn scan(&mut self, scan: &Scan) -> Result<Box<dyn RowStream + '_>> {
        if self.is_empty() {
            return Ok(Box::new(Nothing));
        }
        let mut wanted = scan.clone();
        if self.fault == SourceFault::JoinsPlaceholders {
            wanted.path_to_child.no_key.clear();
        }
        let (fault, dropped, numbers) = (self.fault, self.dropped.clone(), self.numbers.clone());
        let joined = !scan.path_to_child.joins.is_empty();
        let session = self.session(&scan.table, &scan.columns).await?;
        let inner = session.scan(&wanted).await.map_err(|error| told(fault, error))?;
        Ok(stream(inner, fault, numbers, joined, dropped))
    }
}
