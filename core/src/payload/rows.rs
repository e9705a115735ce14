//! A chunk's rows, sorted by child, with the cleaning that holds for every column: trimmed, blank and placeholder are
//! no value, and the profile's spellings are mapped (design, decisions 3 and 5).

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, RecordBatch};

use super::column::{Column, DayCell};
use super::day::Day;
use super::plan::{Plan, TablePlan};
use crate::error::{Error, Kind, Result};

/// The rows of a chunk of children, table by table in the plan's order.
pub struct ChunkRows {
    pub(super) tables: Vec<TableRows>,
}

/// One table's rows.
pub(super) struct TableRows {
    batches: Vec<Vec<Column>>,
    /// Row references, grouped by child.
    rows: Vec<RowRef>,
    /// Where each child's rows begin in `rows`; one more than there are children.
    starts: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RowRef {
    batch: u32,
    row: u32,
}

/// One row of one table.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    plan: &'a Plan,
    table: &'a TablePlan,
    rows: &'a TableRows,
    at: RowRef,
}

impl ChunkRows {
    /// The rows of a table.
    pub(super) fn of<'a>(
        &'a self,
        plan: &'a Plan,
        table: usize,
        child: usize,
    ) -> impl Iterator<Item = Row<'a>> + Clone {
        let rows = &self.tables[table];
        let range = rows.starts[child] as usize..rows.starts[child + 1] as usize;
        rows.rows[range].iter().map(move |at| Row { plan, table: &plan.tables[table], rows, at: *at })
    }
}

/// Collects one table's batches as they arrive.
pub(super) struct TableCollector<'a> {
    plan: &'a Plan,
    table: &'a TablePlan,
    children: usize,
    batches: Vec<Vec<Column>>,
    /// Child, way to the child, row.
    tagged: Vec<(u32, u32, RowRef)>,
}

impl<'a> TableCollector<'a> {
    /// For the rows of so many children.
    pub fn new(plan: &'a Plan, table: &'a TablePlan, children: usize) -> Self {
        TableCollector { plan, table, children, batches: Vec::new(), tagged: Vec::new() }
    }

    /// Takes a batch that was reached by the table's `way`-th way to the child.
    ///
    /// # Errors
    /// [`Kind::Protocol`] where the batch is not of the agreed shape, [`Kind::Schema`] where a column's type cannot be read.
    pub fn take(&mut self, way: usize, batch: &RecordBatch) -> Result<()> {
        let number = self.batches.len() as u32;
        let tags = batch.columns().first().and_then(|tags| tags.as_primitive_opt::<Int32Type>());
        let tags = tags
            .filter(|_| batch.num_columns() == self.table.read_columns() + 1)
            .ok_or_else(|| out_of_shape(self.table))?;
        for (row, tag) in tags.values().iter().enumerate() {
            let child = usize::try_from(*tag).ok().filter(|child| *child < self.children && tags.is_valid(row));
            let child = child.ok_or_else(|| out_of_shape(self.table))?;
            self.tagged.push((child as u32, way as u32, RowRef { batch: number, row: row as u32 }));
        }
        self.batches.push(self.table.columns_of(self.plan, batch)?);
        Ok(())
    }

    /// Sorts what was taken by child. Each way to the child is a scan of its own; a row that an earlier way already reached
    /// is not taken again.
    pub fn finish(mut self) -> TableRows {
        let mut rows = TableRows { batches: self.batches, rows: Vec::new(), starts: vec![0; self.children + 1] };
        rows.rows.reserve_exact(self.tagged.len());
        // Stable: within a child, the rows of one way stay in the order they came, which no rule depends on.
        self.tagged.sort_by_key(|(child, way, _)| (*child, *way));
        for group in self.tagged.chunk_by(|(a, ..), (b, ..)| a == b) {
            rows.take_group(group);
            if let Some((child, ..)) = group.first() {
                rows.starts[*child as usize + 1] = rows.rows.len() as u32;
            }
        }
        for child in 1..rows.starts.len() {
            rows.starts[child] = rows.starts[child].max(rows.starts[child - 1]);
        }
        rows
    }
}

impl TableRows {
    /// Takes one child's rows: all of the first way, and of each later way those that no earlier way has.
    fn take_group(&mut self, group: &[(u32, u32, RowRef)]) {
        let begin = self.rows.len();
        let mut known: Vec<bool> = Vec::new();
        let mut way_begun = (0, begin);
        for (_, way, at) in group {
            if *way != way_begun.0 {
                way_begun = (*way, self.rows.len());
                known = vec![false; way_begun.1 - begin];
            }
            let twin = (0..known.len()).find(|earlier| !known[*earlier] && self.same(self.rows[begin + earlier], *at));
            match twin {
                Some(earlier) => known[earlier] = true,
                None => self.rows.push(*at),
            }
        }
    }

    fn same(&self, a: RowRef, b: RowRef) -> bool {
        let (a_columns, b_columns) = (&self.batches[a.batch as usize], &self.batches[b.batch as usize]);
        a_columns.iter().zip(b_columns).all(|(left, right)| {
            let (a, b) = (a.row as usize, b.row as usize);
            left.raw(a) == right.raw(b) && left.day(a) == right.day(b)
        })
    }

    /// How many rows there are.
    pub(super) fn count(&self) -> usize {
        self.rows.len()
    }
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

impl<'a> Row<'a> {
    /// The text of a column: trimmed, mapped; `None` where there is no value.
    pub fn text(self, column: usize) -> Option<&'a str> {
        let text = self.column(column).raw(self.at.row as usize)?.trim();
        if text.is_empty() || self.plan.no_value.iter().any(|none| none == text) {
            return None;
        }
        match &self.table.columns[column].values {
            None => Some(text),
            // A profile maps a spelling to the empty text where the CMS means "nothing" by it.
            Some(values) => {
                Some(values.get(&text.to_lowercase()).map_or(text, String::as_str)).filter(|text| !text.is_empty())
            }
        }
    }

    /// The day of a column. In the table of people, a birth date after the run date is an expected date (design, decision 9).
    pub fn day_cell(self, column: usize) -> DayCell {
        let people = &self.plan.people;
        if !std::ptr::eq(self.table, &self.plan.tables[people.table]) {
            return self.stored(column);
        }
        let birth = self.stored(people.birth);
        let unborn = matches!(birth, DayCell::Day(day) if day > self.plan.dates.run_day());
        match (unborn, column) {
            (true, column) if column == people.birth => DayCell::None,
            (true, column) if column == people.expected && self.stored(column) == DayCell::None => birth,
            (_, column) => self.stored(column),
        }
    }

    /// The day of a column, if it has a good one.
    pub fn day(self, column: usize) -> Option<Day> {
        match self.day_cell(column) {
            DayCell::Day(day) => Some(day),
            DayCell::None | DayCell::Bad => None,
        }
    }

    /// The columns whose text should be a date and is none, as `table.column`.
    pub fn bad_days(self) -> impl Iterator<Item = String> + 'a {
        let columns = self.table.columns.iter().enumerate();
        let bad = columns.filter(move |(index, _)| self.stored(*index) == DayCell::Bad);
        bad.map(move |(_, column)| format!("{}.{}", self.table.ssd_name, column.ssd_name))
    }

    /// Whether the column has a value of whatever kind.
    pub fn has(self, column: usize) -> bool {
        match self.column(column) {
            Column::Days(_) => self.day(column).is_some(),
            _ => self.text(column).is_some(),
        }
    }

    /// The order in which one of several equally late rows is picked: by the values of its columns that are no ids, a missing
    /// value last, then by its ids.
    pub fn pick_order(self, other: Row<'a>) -> std::cmp::Ordering {
        let values = |row: Row<'a>, ids: bool| {
            let columns = self.table.columns.iter().enumerate().filter(move |(_, column)| column.is_id() == ids);
            columns.map(move |(index, _)| (!row.has(index), row.text(index), row.day(index)))
        };
        values(self, false).cmp(values(other, false)).then_with(|| values(self, true).cmp(values(other, true)))
    }

    fn stored(self, column: usize) -> DayCell {
        self.column(column).day(self.at.row as usize)
    }

    fn column(self, column: usize) -> &'a Column {
        &self.rows.batches[self.at.batch as usize][column]
    }
}
