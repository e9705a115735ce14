//! Sources that have a document for each child instead of tables.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use async_trait::async_trait;
use csc_bridge_core::config::Options;
use csc_bridge_core::error::{Error, Result};
use csc_bridge_core::source::{DocumentSession, DocumentSource, ReadSession, RowStream, ScanEvent, Source, Table};
use tokio::time::Instant;

/// A system that gives one document for each child, such as one behind a REST interface. Which ids there are it says, or a list beside it.
#[async_trait]
pub trait Documents: Send + Sync + Sized + 'static {
    /// The system that `[source]` describes. Checks the options, and opens nothing yet.
    ///
    /// # Errors
    /// [`Kind::Config`](csc_bridge_core::error::Kind::Config), as [`Options::parse`] and [`Options::secret`] return it.
    fn from_options(options: &Options) -> Result<Self>;

    /// The ids of all children, each once, as the system has them. Every read begins with it. A child who is not among them is gone: where
    /// some may be missing, return an error.
    ///
    /// # Errors
    /// Whatever keeps the ids from being read, all of them.
    async fn ids(&self) -> Result<Vec<String>>;

    /// The document of one child, whose id comes without white space around: a JSON object in the payload's shape, with that id as its
    /// `la_child_id`. Values are cleaned, checked and put into order by csc-bridge. `None` where this child's cannot be had: the child then
    /// stays as it is, and is a finding.
    ///
    /// # Errors
    /// The system cannot be read any more: nothing of the whole read counts.
    async fn document(&self, id: &str) -> Result<Option<String>>;
}

/// A batch goes when it has this many documents,
const MOST_DOCUMENTS: usize = 500;
/// or this many bytes of them,
const MOST_BYTES: usize = 1 << 20;
/// or was begun so long ago: the host limits how long one call may take.
const LONGEST: Duration = Duration::from_secs(5);
/// Ids of one batch.
const MOST_IDS: usize = 10_000;

/// Documents behind core's trait.
pub(crate) struct OneByOne<T>(Arc<T>);

impl<T> OneByOne<T> {
    pub fn new(documents: T) -> OneByOne<T> {
        OneByOne(Arc::new(documents))
    }
}

#[async_trait]
impl<T: Documents> Source for OneByOne<T> {
    async fn open(&self, _: &[Table]) -> Result<Box<dyn ReadSession>> {
        Err(Error::internal("a source of documents was asked for tables"))
    }

    fn documents(&self) -> Option<&dyn DocumentSource> {
        Some(self)
    }
}

#[async_trait]
impl<T: Documents> DocumentSource for OneByOne<T> {
    async fn open(&self) -> Result<Box<dyn DocumentSession>> {
        Ok(Box::new(Reading(self.0.clone())))
    }
}

struct Reading<T>(Arc<T>);

#[async_trait]
impl<T: Documents> DocumentSession for Reading<T> {
    async fn ids(&mut self) -> Result<Box<dyn RowStream + '_>> {
        Ok(Box::new(Ids { ids: self.0.ids().await?, delivered: 0 }))
    }

    async fn documents(&mut self, children: &[String]) -> Result<Box<dyn RowStream + '_>> {
        Ok(Box::new(Fetching { of: self.0.clone(), children: children.to_vec(), delivered: 0 }))
    }
}

struct Ids {
    ids: Vec<String>,
    delivered: usize,
}

#[async_trait]
impl RowStream for Ids {
    async fn next(&mut self) -> Result<ScanEvent> {
        let left = &self.ids[self.delivered..];
        let ids = &left[..left.len().min(MOST_IDS)];
        if ids.is_empty() {
            return Ok(ScanEvent::Complete { rows: self.delivered as u64 });
        }
        let batch = batch(ids, &vec![None; ids.len()])?;
        self.delivered += batch.num_rows();
        Ok(ScanEvent::Rows(batch))
    }
}

struct Fetching<T> {
    of: Arc<T>,
    children: Vec<String>,
    delivered: usize,
}

#[async_trait]
impl<T: Documents> RowStream for Fetching<T> {
    async fn next(&mut self) -> Result<ScanEvent> {
        let begun = Instant::now();
        let (mut documents, mut bytes) = (Vec::new(), 0);
        for id in &self.children[self.delivered..] {
            let document = self.of.document(id).await?;
            bytes += document.as_ref().map_or(0, String::len);
            documents.push(document);
            if documents.len() >= MOST_DOCUMENTS || bytes >= MOST_BYTES || begun.elapsed() >= LONGEST {
                break;
            }
        }
        if documents.is_empty() {
            return Ok(ScanEvent::Complete { rows: self.delivered as u64 });
        }
        let batch = batch(&self.children[self.delivered..self.delivered + documents.len()], &documents)?;
        self.delivered += documents.len();
        Ok(ScanEvent::Rows(batch))
    }
}

fn batch(ids: &[String], documents: &[Option<String>]) -> Result<RecordBatch> {
    let ids = Arc::new(ids.iter().map(Some).collect::<StringArray>()) as ArrayRef;
    let documents = Arc::new(documents.iter().map(Option::as_deref).collect::<StringArray>()) as ArrayRef;
    let columns = [("person_id", ids, false), ("document", documents, true)];
    RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|_| Error::internal("ids and documents do not make a batch"))
}
