//! What a source gives of a chunk of children: rows, out of which documents are assembled, or documents as they are.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::payload::rows::ChunkRows;
use crate::payload::{Assembler, Findings, Plan, Retired, Verdict, read};
use crate::pipeline::people::{People, judge};
use crate::source::{DocumentSession, ReadSession, Source};
use crate::staging::Shard;

/// A read session of either kind of source.
pub(super) enum Reading {
    Tables(Box<dyn ReadSession>),
    Documents(Box<dyn DocumentSession>),
}

/// A chunk of children, read.
pub(super) enum Chunk {
    Rows(ChunkRows),
    Documents(Vec<Option<String>>),
}

impl Reading {
    /// Opens what the source has.
    pub async fn open(source: &dyn Source, plan: &Plan) -> Result<Reading> {
        Ok(match source.documents() {
            Some(documents) => Reading::Documents(documents.open().await?),
            None => Reading::Tables(source.open(&plan.source_tables()).await?),
        })
    }

    /// The rows of every table, whosever they are: a table is compared with itself, not with the children of the day. None of a source
    /// of documents, of which the guards see children alone.
    pub async fn count(&mut self, plan: &Plan) -> Result<BTreeMap<String, u64>> {
        let mut rows = BTreeMap::new();
        let Reading::Tables(session) = self else { return Ok(rows) };
        for table in &plan.tables {
            let count = match table.scans.first() {
                Some(scan) => session.count(&scan.table).await?,
                None => 0,
            };
            rows.insert(table.ssd_name.clone(), count);
        }
        Ok(rows)
    }

    /// All people, or those of a shard, judged by id and, where that is known yet, by age.
    pub async fn people(&mut self, plan: &Plan, shard: Option<Shard>, findings: &mut Findings) -> Result<People> {
        let roll = match self {
            Reading::Tables(session) => read::people(&mut **session, plan).await?,
            Reading::Documents(session) => read::ids(&mut **session).await?,
        };
        Ok(judge(roll, plan, shard, findings))
    }

    /// Reads a chunk of children.
    pub async fn chunk(&mut self, plan: &Plan, ids: &[String]) -> Result<Chunk> {
        Ok(match self {
            Reading::Tables(session) => Chunk::Rows(read::chunk(&mut **session, plan, ids).await?),
            Reading::Documents(session) => Chunk::Documents(read::documents(&mut **session, ids).await?),
        })
    }
}

impl Chunk {
    /// Rows by table, by its number in the plan.
    pub fn rows(&self, table: usize) -> u64 {
        match self {
            Chunk::Rows(rows) => rows.count(table) as u64,
            Chunk::Documents(_) => 0,
        }
    }

    /// What becomes of child `number`.
    pub fn judge<'a, 'b>(
        &'a self,
        assembler: &'b mut Assembler<'a>,
        number: usize,
        id: &'a str,
        findings: &mut Findings,
    ) -> Result<Verdict<'a, 'b>> {
        match self {
            Chunk::Rows(rows) => assembler.assemble(rows, number, id, findings),
            Chunk::Documents(documents) => assembler.admit(documents[number].as_deref(), id, findings),
        }
    }

    /// What the SSD still has of child `number` and the rules left out. `None` of documents: nobody knows.
    ///
    /// # Errors
    /// As [`Assembler::retired`].
    pub fn retired<'a>(&'a self, plan: &'a Plan, number: usize, id: &'a str) -> Result<Option<Vec<Retired<'a>>>> {
        match self {
            Chunk::Rows(rows) => Assembler::new(plan).retired(rows, number, id).map(Some),
            Chunk::Documents(_) => Ok(None),
        }
    }
}
