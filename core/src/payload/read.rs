//! Fetching what the plan needs: the list of children, and a chunk's rows or documents.

use std::collections::HashMap;

use super::collect::TableCollector;
use super::column::{Column, DayCell};
use super::plan::Plan;
use super::rows::ChunkRows;
use crate::error::{Error, Kind, Result};
use crate::source::{DocumentSession, ReadSession, read_each};

/// The rows of the table of people, in the database's order. An authority may have a million: ids stand in one text, not in a
/// million of them.
#[derive(Clone, Default)]
pub struct Roll {
    ids: String,
    ends: Vec<u32>,
    births: Vec<DayCell>,
    expected: Vec<DayCell>,
}

impl Roll {
    /// Adds a person of whom only the id is known. A roll is of such people, or of others.
    pub fn push_id(&mut self, raw_id: &str) {
        self.ids.push_str(raw_id);
        // Four thousand million bytes of ids are beyond any source; should they come, the last ids run together and are refused.
        self.ends.push(u32::try_from(self.ids.len()).unwrap_or(u32::MAX));
    }

    /// Adds a person.
    pub fn push(&mut self, raw_id: &str, birth: DayCell, expected: DayCell) {
        self.push_id(raw_id);
        self.births.push(birth);
        self.expected.push(expected);
    }

    /// Forgets the dates, and the room for more people.
    pub fn only_ids(mut self) -> Roll {
        (self.births, self.expected) = (Vec::new(), Vec::new());
        self.ids.shrink_to_fit();
        self.ends.shrink_to_fit();
        self
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// A person's id as the database has it; empty for null.
    pub fn raw_id(&self, number: usize) -> &str {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]) as usize;
        &self.ids[start..self.ends[number] as usize]
    }

    /// A person's birth date and expected birth date. `None` where only ids are known.
    pub fn dates(&self, number: usize) -> Option<(DayCell, DayCell)> {
        Some((*self.births.get(number)?, *self.expected.get(number)?))
    }
}

/// Lists all people, in the database's order.
///
/// # Errors
/// As the source reports, [`crate::error::Kind::Schema`] where the CMS has no table of people.
pub async fn people(session: &mut dyn ReadSession, plan: &Plan) -> Result<Roll> {
    let table = &plan.tables[plan.people.table];
    let name = plan.people_table()?;
    let names = table.scans.first().map_or(&[][..], |scan| &scan.columns);
    let wanted = [plan.people.id, plan.people.birth, plan.people.expected];
    let mut columns = Vec::new();
    let mut places = Vec::new();
    for column in wanted {
        places.push(table.columns[column].read.map(|read| {
            columns.push(names[read].clone());
            columns.len() - 1
        }));
    }
    let mut stream = session.list(&name, &columns).await?;
    let mut people = Roll::default();
    read_each(&mut *stream, &mut |batch| {
        let column = |place: Option<usize>, date: bool| match place {
            None => Ok(Column::Missing),
            Some(place) if date => Column::days(batch.column(place), &columns[place], &plan.no_date, &plan.no_value),
            Some(place) => Column::text(batch.column(place), &columns[place]),
        };
        let (ids, births, expected) = (column(places[0], false)?, column(places[1], true)?, column(places[2], true)?);
        for row in 0..batch.num_rows() {
            people.push(ids.raw(row).unwrap_or_default(), births.day(row), expected.day(row));
        }
        Ok(())
    })
    .await
    .map_err(|error| error.within(format!("reading {name}")))?;
    Ok(people)
}

/// Reads the rows of a chunk of children: their trimmed ids, distinct. Each batch is turned into columns as it arrives, so that
/// the text of dates does not outlive its batch.
///
/// # Errors
/// As the source reports, and where it delivers something else than it was asked for.
pub async fn chunk(session: &mut dyn ReadSession, plan: &Plan, children: &[String]) -> Result<ChunkRows> {
    session.select(children).await?;
    let mut tables = Vec::with_capacity(plan.tables.len());
    for table in &plan.tables {
        let mut collector = TableCollector::new(plan, table, children.len());
        for (way, scan) in table.scans.iter().enumerate() {
            let mut stream = session.scan(scan).await?;
            read_each(&mut *stream, &mut |batch| collector.take(way, &batch))
                .await
                .map_err(|error| error.within(format!("reading {}", scan.table)))?;
        }
        tables.push(collector.finish());
    }
    Ok(ChunkRows { tables })
}

/// Lists all people of a source of documents, in its order.
///
/// # Errors
/// As the source reports, and where it delivers something else than ids.
pub async fn ids(session: &mut dyn DocumentSession) -> Result<Roll> {
    let mut people = Roll::default();
    let mut stream = session.ids().await?;
    read_each(&mut *stream, &mut |batch| {
        let ids = batch.columns().first().ok_or_else(not_documents)?;
        let ids = Column::text(ids, "person_id")?;
        for row in 0..batch.num_rows() {
            people.push_id(ids.raw(row).ok_or_else(not_documents)?);
        }
        Ok(())
    })
    .await
    .map_err(|error| error.within("reading the ids"))?;
    Ok(people)
}

/// Reads the documents of a chunk of children, each at its child's number; `None` where it cannot be had.
///
/// # Errors
/// As the source reports; [`Kind::Protocol`] for a child that was not asked for, or twice; [`Kind::Incomplete`] where one is missing: it
/// would look as if the child had left.
pub async fn documents(session: &mut dyn DocumentSession, children: &[String]) -> Result<Vec<Option<String>>> {
    let numbers: HashMap<&str, usize> = children.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
    let mut documents: Vec<Option<Option<String>>> = vec![None; children.len()];
    let mut stream = session.documents(children).await?;
    read_each(&mut *stream, &mut |batch| {
        let [ids, texts] = batch.columns() else { return Err(not_documents()) };
        let (ids, texts) = (Column::text(ids, "person_id")?, Column::text(texts, "document")?);
        for row in 0..batch.num_rows() {
            let number = ids.raw(row).and_then(|id| numbers.get(id)).ok_or_else(not_documents)?;
            if documents[*number].replace(texts.raw(row).map(str::to_owned)).is_some() {
                return Err(not_documents());
            }
        }
        Ok(())
    })
    .await
    .map_err(|error| error.within("reading the documents"))?;
    drop(stream);
    documents.into_iter().collect::<Option<_>>().ok_or_else(|| {
        Error::new(
            Kind::Incomplete,
            "the source ended its documents before each child had one",
            "nothing was staged; run again, and report it if it happens twice",
        )
    })
}

fn not_documents() -> Error {
    Error::new(
        Kind::Protocol,
        "the source delivered something else than one document for each child that was asked for",
        "nothing was staged; report it to whoever wrote the source",
    )
}

impl ChunkRows {
    /// Rows of a table over all children of the chunk.
    pub fn count(&self, table: usize) -> usize {
        self.tables[table].count()
    }
}
