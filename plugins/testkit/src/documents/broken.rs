//! Sources of documents that are wrong in one way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::payload::column::Column;
use csc_bridge_core::source::{
    DocumentSession, DocumentSource, ReadSession, RowStream, ScanEvent, Source, Table as SourceTable,
};
use serde_json::Value;

use super::{Archive, CHECKS, System};
use crate::broken;
use crate::failure::Checked;
use crate::run::{Table, Verdict};

/// What is wrong with a twin's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentFault {
    /// It does not say that it has documents.
    HidesItself,
    /// Ids are read as numbers where they can be.
    CutsZeros,
    /// Ids come in capitals.
    Folds,
    /// The first id comes twice.
    Repeats,
    /// Children have the documents of their neighbours.
    Exchanges,
    /// The last child asked for has no row.
    ForgetsTheLast,
    /// Asked for nobody, it delivers somebody.
    InventsSomebody,
    /// Characters of four bytes are replaced.
    ReplacesAstral,
    /// Nothing comes after the first batch, and that is all.
    StopsAfterTheFirstBatch,
    /// A document that cannot be had is an empty one.
    InventsDocuments,
    /// An error is a good end.
    SwallowsErrors,
    /// Errors name a child.
    Quotes,
    /// What was read once is never read again.
    Remembers,
}
use DocumentFault::*;

/// A source that is wrong in one way, and the checks that must notice.
pub struct DocumentTwin {
    /// How.
    pub fault: DocumentFault,
    /// The ids of the checks that fail on it.
    pub noticed_by: &'static [&'static str],
}

const fn twin(fault: DocumentFault, noticed_by: &'static [&'static str]) -> DocumentTwin {
    DocumentTwin { fault, noticed_by }
}

const EXACTLY: &str = "ids_come_once_each_and_exactly_as_they_are";
const OWN: &str = "each_child_asked_for_has_its_own_document_and_no_other_child_has";
const CUT: &str = "a_read_that_is_cut_off_is_never_complete_and_quotes_nothing";

/// All twins.
pub const TWINS: &[DocumentTwin] = &[
    twin(HidesItself, &["it_says_that_it_has_documents"]),
    twin(CutsZeros, &[EXACTLY]),
    twin(Folds, &[EXACTLY]),
    twin(Repeats, &[EXACTLY]),
    twin(Exchanges, &[OWN]),
    twin(ForgetsTheLast, &[OWN, "a_document_that_cannot_be_had_is_null_and_all_others_come"]),
    twin(InventsSomebody, &["nobody_asked_for_is_nobody_delivered"]),
    twin(ReplacesAstral, &["documents_arrive_with_the_same_meaning"]),
    twin(StopsAfterTheFirstBatch, &["a_thousand_documents_all_come"]),
    twin(InventsDocuments, &["a_document_that_cannot_be_had_is_null_and_all_others_come"]),
    twin(SwallowsErrors, &[CUT]),
    twin(Quotes, &[CUT]),
    twin(Remembers, &["the_next_read_sees_what_changed"]),
];

/// Runs every twin against the checks that must notice it. A check that no twin fails is a failure, too.
pub async fn run_twins(system: &dyn System) -> Table {
    let mut table = Table::new(system.name());
    for twin in TWINS {
        for id in twin.noticed_by {
            let verdict = match (CHECKS.iter().find(|check| check.id == *id), system.fresh().await) {
                (Some(check), Ok(archive)) => {
                    let archive = TwinArchive { archive, fault: twin.fault, seen: Arc::default() };
                    broken::verdict(tokio::spawn(async move { (check.run)(&archive).await }).await)
                }
                (None, _) => Verdict::Failed("there is no such check".to_owned()),
                (_, Err(failure)) => Verdict::Failed(failure.to_string()),
            };
            table.push(format!("{:?}: {}", twin.fault, id.replace('_', " ")), verdict);
        }
    }
    for check in CHECKS.iter().filter(|check| !TWINS.iter().any(|twin| twin.noticed_by.contains(&check.id))) {
        table.push(check.id.replace('_', " "), Verdict::Failed("no twin shows that this check can fail".to_owned()));
    }
    table
}

/// The documents that a twin saw, by child.
type Seen = Arc<Mutex<HashMap<String, Option<String>>>>;

struct TwinArchive {
    archive: Box<dyn Archive>,
    fault: DocumentFault,
    seen: Seen,
}

#[async_trait]
impl Archive for TwinArchive {
    fn source(&self) -> Checked<Arc<dyn Source>> {
        Ok(Arc::new(TwinSource { inner: self.archive.source()?, fault: self.fault, seen: self.seen.clone() }))
    }

    async fn put(&self, child: &str, text: &str) -> Checked {
        self.archive.put(child, text).await
    }

    fn document(&self, child: &str, text: &str) -> Value {
        self.archive.document(child, text)
    }

    async fn withhold(&self, child: &str) -> Checked {
        self.archive.withhold(child).await
    }

    async fn forget(&self, child: &str) -> Checked {
        self.archive.forget(child).await
    }

    async fn break_after(&self, documents: usize) -> Checked {
        self.archive.break_after(documents).await
    }
}

struct TwinSource {
    inner: Arc<dyn Source>,
    fault: DocumentFault,
    seen: Seen,
}

#[async_trait]
impl Source for TwinSource {
    async fn open(&self, tables: &[SourceTable]) -> Result<Box<dyn ReadSession>> {
        self.inner.open(tables).await
    }

    fn documents(&self) -> Option<&dyn DocumentSource> {
        (self.fault != HidesItself).then_some(self)
    }
}

#[async_trait]
impl DocumentSource for TwinSource {
    async fn open(&self) -> Result<Box<dyn DocumentSession>> {
        let inner = self.inner.documents().ok_or_else(|| Error::internal("the twin's source has no documents"))?;
        Ok(Box::new(TwinSession { inner: inner.open().await?, fault: self.fault, seen: self.seen.clone() }))
    }
}

struct TwinSession {
    inner: Box<dyn DocumentSession>,
    fault: DocumentFault,
    seen: Seen,
}

type Row = (String, Option<String>);

/// The rows of a stream, and how it ended.
async fn rows(stream: &mut dyn RowStream, batches: usize) -> (Vec<Row>, Result<()>) {
    let mut rows = Vec::new();
    for _ in 0..batches {
        let batch = match stream.next().await {
            Ok(ScanEvent::Rows(batch)) => batch,
            Ok(ScanEvent::Complete { .. }) => return (rows, Ok(())),
            Err(error) => return (rows, Err(error)),
        };
        let columns: Result<Vec<Column>> = batch.columns().iter().map(|column| Column::text(column, "text")).collect();
        match columns {
            Ok(columns) => rows.extend((0..batch.num_rows()).map(|at| {
                let text = |column: usize| columns.get(column).and_then(|column| column.raw(at)).map(str::to_owned);
                (text(0).unwrap_or_default(), text(1))
            })),
            Err(error) => return (rows, Err(error)),
        }
    }
    (rows, Ok(()))
}

#[async_trait]
impl DocumentSession for TwinSession {
    async fn ids(&mut self) -> Result<Box<dyn RowStream + '_>> {
        let (mut rows, end) = rows(&mut *self.inner.ids().await?, usize::MAX).await;
        end?;
        for (id, _) in &mut rows {
            match self.fault {
                CutsZeros => *id = id.trim_start_matches('0').to_owned(),
                Folds => *id = id.to_uppercase(),
                _ => {}
            }
        }
        if self.fault == Repeats {
            rows.extend(rows.first().cloned());
        }
        delivered(rows)
    }

    async fn documents(&mut self, children: &[String]) -> Result<Box<dyn RowStream + '_>> {
        let batches = if self.fault == StopsAfterTheFirstBatch { 1 } else { usize::MAX };
        let (mut rows, end) = rows(&mut *self.inner.documents(children).await?, batches).await;
        match end {
            Err(error) if self.fault == Quotes => {
                let message = format!("{} was not read", children.first().map_or("nobody", String::as_str));
                return Err(Error::new(Kind::Incomplete, message, error.advice().to_owned()));
            }
            Err(_) if self.fault == SwallowsErrors => {}
            end => end?,
        }
        match self.fault {
            Exchanges if rows.len() > 1 => {
                let first = rows[0].1.take();
                rows[0].1 = rows[1].1.replace(first.unwrap_or_default());
            }
            ForgetsTheLast => drop(rows.pop()),
            InventsSomebody if children.is_empty() => rows.push(("A1".to_owned(), Some("{}".to_owned()))),
            _ => {}
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (child, document) in &mut rows {
            match self.fault {
                ReplacesAstral => {
                    let replaced =
                        |text: &String| text.chars().map(|c| if c > '\u{ffff}' { '\u{fffd}' } else { c }).collect();
                    *document = document.as_ref().map(replaced);
                }
                InventsDocuments => *document = document.take().or(Some("{}".to_owned())),
                Remembers => *document = seen.entry(child.clone()).or_insert_with(|| document.clone()).clone(),
                _ => {}
            }
        }
        delivered(rows)
    }
}

fn delivered<'a>(rows: Vec<Row>) -> Result<Box<dyn RowStream + 'a>> {
    let (ids, documents): (Vec<_>, Vec<_>) = rows.into_iter().map(|(id, document)| (Some(id), document)).unzip();
    let count = ids.len() as u64;
    let column = |texts: Vec<Option<String>>| Arc::new(StringArray::from(texts)) as ArrayRef;
    let columns = [("person_id", column(ids), false), ("document", column(documents), true)];
    let batch = RecordBatch::try_from_iter_with_nullable(columns);
    let batch = batch.map_err(|_| Error::internal("the twin's rows make no batch"))?;
    Ok(Box::new(Delivered { batch: Some(batch), count }))
}

struct Delivered {
    batch: Option<RecordBatch>,
    count: u64,
}

#[async_trait]
impl RowStream for Delivered {
    async fn next(&mut self) -> Result<ScanEvent> {
        Ok(match self.batch.take() {
            Some(batch) => ScanEvent::Rows(batch),
            None => ScanEvent::Complete { rows: self.count },
        })
    }
}
