//! Fetching what the plan needs: the list of children, and a chunk's rows.

use arrow_array::RecordBatch;

use super::column::{Column, DayCell};
use super::day::Day;
use super::plan::Plan;
use super::rows::{ChunkRows, TableRows};
use crate::error::{Error, Kind, Result};
use crate::source::{ReadSession, ScanEvent, read_all};

/// A row of the table of people.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The id as the database has it; empty for null.
    pub raw_id: String,
    /// Birth date.
    pub birth: Option<Day>,
    /// Expected birth date.
    pub expected: Option<Day>,
}

/// Lists all people, in the database's order.
///
/// # Errors
/// As the source reports, [`Kind::Schema`] where the CMS has no table of people.
pub async fn people(session: &mut dyn ReadSession, plan: &Plan) -> Result<Vec<Person>> {
    let table = &plan.tables[plan.people.table];
    let missing = || {
        Error::new(Kind::Schema, format!("{} has no name in this CMS profile", table.ssd_name), "correct the profile")
    };
    let scan = table.scans.first().ok_or_else(missing)?;
    let wanted = [plan.people.id, plan.people.birth, plan.people.expected];
    let mut columns = Vec::new();
    let mut places = Vec::new();
    for column in wanted {
        places.push(table.columns[column].read.map(|read| {
            columns.push(scan.columns[read].clone());
            columns.len() - 1
        }));
    }
    let mut stream = session.list(&scan.table, &columns).await?;
    let mut people = Vec::new();
    loop {
        match stream.next().await? {
            ScanEvent::Rows(batch) => {
                let column = |place: Option<usize>, date: bool| match place {
                    None => Ok(Column::Missing),
                    Some(place) if date => {
                        Column::days(batch.column(place), &columns[place], &plan.no_date, &plan.no_value)
                    }
                    Some(place) => Column::text(batch.column(place), &columns[place]),
                };
                let (ids, births, expected) =
                    (column(places[0], false)?, column(places[1], true)?, column(places[2], true)?);
                let day = |column: &Column, row| match column.day(row) {
                    DayCell::Day(day) => Some(day),
                    _ => None,
                };
                people.extend((0..batch.num_rows()).map(|row| Person {
                    raw_id: ids.raw(row).unwrap_or_default().to_owned(),
                    birth: day(&births, row),
                    expected: day(&expected, row),
                }));
            }
            ScanEvent::Complete { rows } if rows == people.len() as u64 => return Ok(people),
            ScanEvent::Complete { rows } => {
                return Err(Error::new(
                    Kind::Incomplete,
                    format!("the source announced {rows} people and delivered {}", people.len()),
                    "nothing was staged; run again, and report it if it happens twice",
                ));
            }
        }
    }
}

/// The record batches of a chunk of children, as the source delivered them: by table, by way to the child.
pub struct Fetched {
    scans: Vec<Vec<Vec<RecordBatch>>>,
    children: usize,
}

/// Fetches the rows of a chunk of children: their trimmed ids, distinct.
///
/// # Errors
/// As the source reports.
pub async fn fetch(session: &mut dyn ReadSession, plan: &Plan, children: &[String]) -> Result<Fetched> {
    session.select(children).await?;
    let mut scans = Vec::with_capacity(plan.tables.len());
    for table in &plan.tables {
        let mut ways = Vec::with_capacity(table.scans.len());
        for scan in &table.scans {
            let mut stream = session.scan(scan).await?;
            ways.push(read_all(&mut *stream).await.map_err(|error| error.within(format!("reading {}", scan.table)))?);
        }
        scans.push(ways);
    }
    Ok(Fetched { scans, children: children.len() })
}

impl ChunkRows {
    /// Sorts what was fetched by table and child.
    ///
    /// # Errors
    /// Where the source delivered something else than it was asked for.
    pub fn new(plan: &Plan, fetched: &Fetched) -> Result<ChunkRows> {
        let tables = plan.tables.iter().zip(&fetched.scans);
        let tables = tables.map(|(table, ways)| TableRows::new(plan, table, ways, fetched.children));
        Ok(ChunkRows { tables: tables.collect::<Result<_>>()? })
    }

    /// Rows of a table over all children of the chunk.
    pub fn count(&self, table: usize) -> usize {
        self.tables[table].len()
    }
}
