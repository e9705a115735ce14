//! A table's batches as they arrive become the rows of a chunk: sorted by child, with the cleaning that holds for every column: trimmed,
//! blank and placeholder are no value, and the profile's spellings are mapped (design, decisions 3 and 5).

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, RecordBatch};

use super::column::Column;
use super::plan::{ColumnPlan, Plan, TablePlan};
use super::rows::{Cell, Heading, TableRows};
use crate::error::{Error, Kind, Result};

/// Collects one table's batches as they arrive.
pub(super) struct TableCollector<'a> {
    plan: &'a Plan,
    table: &'a TablePlan,
    children: usize,
    cells: Vec<Cell>,
    text: String,
    /// Child and way to the child of each row.
    tags: Vec<(u32, u32)>,
}

impl<'a> TableCollector<'a> {
    /// For the rows of so many children.
    pub fn new(plan: &'a Plan, table: &'a TablePlan, children: usize) -> Self {
        TableCollector { plan, table, children, cells: Vec::new(), text: String::new(), tags: Vec::new() }
    }

    /// Takes a batch that was reached by the table's `way`-th way to the child.
    ///
    /// # Errors
    /// [`Kind::Protocol`] where the batch is not of the agreed shape, [`Kind::Schema`] where a column's type cannot be read,
    /// [`Kind::Data`] where a chunk has more text than can be counted.
    pub fn take(&mut self, way: usize, batch: &RecordBatch) -> Result<()> {
        let tags = batch.columns().first().and_then(|tags| tags.as_primitive_opt::<Int32Type>());
        let tags = tags
            .filter(|_| batch.num_columns() == self.table.read_columns() + 1)
            .ok_or_else(|| out_of_shape(self.table))?;
        for (row, tag) in tags.values().iter().enumerate() {
            let child = usize::try_from(*tag).ok().filter(|child| *child < self.children && tags.is_valid(row));
            let child = child.ok_or_else(|| out_of_shape(self.table))?;
            self.tags.push((child as u32, way as u32));
        }
        let columns = self.table.columns_of(self.plan, batch)?;
        let is_people = std::ptr::eq(self.table, &self.plan.tables[self.plan.people.table]);
        self.cells.reserve(columns.len() * batch.num_rows());
        for row in 0..batch.num_rows() {
            let begin = self.cells.len();
            for (column, plan) in columns.iter().zip(&self.table.columns) {
                let cell = match column {
                    Column::Days(_) => Cell::of_day(column.day(row)),
                    _ => match column.raw(row) {
                        Some(raw) => self.keep(raw, plan)?,
                        None => Cell::NONE,
                    },
                };
                self.cells.push(cell);
            }
            if is_people {
                expect_unborn(self.plan, &mut self.cells[begin..]);
            }
        }
        Ok(())
    }

    /// Keeps a text, if it is a value.
    fn keep(&mut self, raw: &str, column: &ColumnPlan) -> Result<Cell> {
        let Some(text) = clean(raw, column, &self.plan.no_value) else { return Ok(Cell::NONE) };
        let start = self.text.len();
        self.text.push_str(&text);
        match (u32::try_from(start), u32::try_from(self.text.len())) {
            (Ok(start), Ok(end)) if end < Cell::DAY => Ok(Cell { start, length: end - start }),
            _ => Err(too_much_text(self.table)),
        }
    }

    /// Sorts what was taken by child. Each way to the child is a scan of its own; a row that an earlier way already reached
    /// is not taken again.
    pub fn finish(self) -> TableRows {
        let width = self.table.columns.len();
        let heading = |column: &ColumnPlan| Heading {
            name: format!("{}.{}", self.table.ssd_name, column.ssd_name),
            is_id: column.is_id(),
        };
        let mut rows = TableRows {
            cells: Vec::new(),
            width,
            text: self.text,
            starts: vec![0; self.children + 1],
            columns: self.table.columns.iter().map(heading).collect(),
            prints: Vec::new(),
        };
        rows.text.shrink_to_fit();
        let one_way = self.tags.iter().all(|(_, way)| *way == 0);
        if one_way && self.tags.is_sorted() {
            for (child, _) in &self.tags {
                rows.starts[*child as usize + 1] += 1;
            }
            for child in 1..rows.starts.len() {
                rows.starts[child] += rows.starts[child - 1];
            }
            rows.cells = self.cells;
            return rows.printed(&self.table.links);
        }
        let mut order: Vec<u32> = (0..self.tags.len() as u32).collect();
        // Stable: within a child, the rows of one way stay in the order they came, which no rule depends on.
        order.sort_by_key(|row| self.tags[*row as usize]);
        rows.cells.reserve_exact(self.cells.len());
        for group in order.chunk_by(|a, b| self.tags[*a as usize].0 == self.tags[*b as usize].0) {
            let ways =
                group.iter().map(|row| (self.tags[*row as usize].1, &self.cells[*row as usize * width..][..width]));
            rows.take_group(ways);
            if let Some(first) = group.first() {
                rows.starts[self.tags[*first as usize].0 as usize + 1] = rows.taken() as u32;
            }
        }
        for child in 1..rows.starts.len() {
            rows.starts[child] = rows.starts[child].max(rows.starts[child - 1]);
        }
        rows.printed(&self.table.links)
    }
}

/// A birth date after the run date is an expected date (design, decision 9).
fn expect_unborn(plan: &Plan, person: &mut [Cell]) {
    let (birth, expected) = (plan.people.birth, plan.people.expected);
    let born = person[birth];
    if born.day().is_some_and(|day| day > plan.dates.run_day()) {
        person[birth] = Cell::NONE;
        if person[expected] == Cell::NONE {
            person[expected] = born;
        }
    }
}

/// A text as a value: trimmed, mapped; `None` where there is none.
fn clean<'t>(raw: &'t str, column: &'t ColumnPlan, no_value: &[String]) -> Option<Cow<'t, str>> {
    let text = raw.trim();
    if text.is_empty() || no_value.iter().any(|none| none == text) {
        return None;
    }
    let mapped = column.values.as_ref().and_then(|values| values.get(&text.to_lowercase()));
    // A profile maps a spelling to the empty text where the CMS means "nothing" by it.
    Some(Cow::Borrowed(mapped.map_or(text, String::as_str))).filter(|text| !text.is_empty())
}

fn out_of_shape(table: &TablePlan) -> Error {
    Error::new(
        Kind::Protocol,
        format!(
            "the source answered a scan of {} with columns or child numbers that were not asked for",
            table.ssd_name
        ),
        "this is a fault of the source adapter; report it with the log of this run",
    )
}

fn too_much_text(table: &TablePlan) -> Error {
    Error::new(
        Kind::Data,
        format!("a chunk of children has more than 4 GB of text in {}", table.ssd_name),
        "set a smaller source.chunk",
    )
}
