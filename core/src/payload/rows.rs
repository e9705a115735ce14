//! A chunk's rows, sorted by child, with the cleaning that holds for every column: trimmed, blank and placeholder are
//! no value, and the profile's spellings are mapped (design, decisions 3 and 5).
//!
//! A row's cells stand side by side, and so do a child's rows: the assembler reads each value a few times, and finds it in a line of the
//! processor's cache that it has just used. Cleaning is done once, while the rows of the next chunk arrive.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, RecordBatch};

use super::column::{Column, DayCell};
use super::day::Day;
use super::plan::{ColumnPlan, Plan, TablePlan};
use crate::error::{Error, Kind, Result};

/// The rows of a chunk of children, table by table in the plan's order.
pub struct ChunkRows {
    pub(super) tables: Vec<TableRows>,
}

/// One table's rows.
pub(super) struct TableRows {
    /// Cells, row by row, grouped by child.
    cells: Vec<Cell>,
    /// How many cells a row has.
    width: usize,
    /// What the cells of text refer to.
    text: String,
    /// Where each child's rows begin; one more than there are children.
    starts: Vec<u32>,
    columns: Vec<Heading>,
    /// Of the columns by which rows are found: a number made out of each row's text. Where two differ, the texts do.
    prints: Vec<(usize, Vec<u32>)>,
}

/// A column.
struct Heading {
    /// `table.column`, as the SSD has them.
    name: String,
    is_id: bool,
}

/// A value: a piece of the table's text, or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    /// Where the text begins; of a day, its number.
    start: u32,
    /// Bytes of text; [`Cell::DAY`] for a day.
    length: u32,
}

impl Cell {
    const DAY: u32 = u32::MAX;
    const NONE: Cell = Cell { start: 0, length: 0 };
    const BAD_DAY: Cell = Cell { start: 1, length: 0 };

    fn of_day(cell: DayCell) -> Cell {
        match cell {
            DayCell::None => Cell::NONE,
            DayCell::Bad => Cell::BAD_DAY,
            DayCell::Day(day) => Cell { start: day.number(), length: Cell::DAY },
        }
    }

    fn day(self) -> Option<Day> {
        if self.length == Cell::DAY { Day::from_number(self.start) } else { None }
    }

    fn day_cell(self) -> DayCell {
        match self.day() {
            Some(day) => DayCell::Day(day),
            None if self == Cell::BAD_DAY => DayCell::Bad,
            None => DayCell::None,
        }
    }
}

/// One row of one table.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    rows: &'a TableRows,
    at: usize,
}

impl ChunkRows {
    /// The rows of a table.
    pub(super) fn of(&self, table: usize, child: usize) -> impl Iterator<Item = Row<'_>> + Clone {
        let rows = &self.tables[table];
        (rows.starts[child] as usize..rows.starts[child + 1] as usize).map(move |at| Row { rows, at })
    }

    /// The rows of a table with a text in a column. None where there is no text; all where no column is named.
    pub(super) fn linked<'a>(
        &'a self,
        table: usize,
        child: usize,
        key: Option<(usize, Option<&'a str>)>,
    ) -> Linked<'a> {
        let rows = &self.tables[table];
        let (begin, end) = (rows.starts[child] as usize, rows.starts[child + 1] as usize);
        match key {
            None => Linked { rows, at: begin, end, key: None },
            Some((_, None)) => Linked { rows, at: end, end, key: None },
            Some((column, Some(text))) => {
                let prints = rows.prints.iter().find(|(printed, _)| *printed == column);
                let prints = prints.map_or(&[][..], |(_, prints)| prints);
                Linked { rows, at: begin, end, key: Some(Key { column, text, print: print_of(text), prints }) }
            }
        }
    }
}

/// One child's rows of a table, or those of them with a text in a column.
#[derive(Clone)]
pub(super) struct Linked<'a> {
    rows: &'a TableRows,
    at: usize,
    end: usize,
    key: Option<Key<'a>>,
}

#[derive(Clone)]
struct Key<'a> {
    column: usize,
    text: &'a str,
    print: u32,
    /// Empty where the column has none.
    prints: &'a [u32],
}

impl<'a> Iterator for Linked<'a> {
    type Item = Row<'a>;

    #[inline]
    fn next(&mut self) -> Option<Row<'a>> {
        while self.at < self.end {
            let row = Row { rows: self.rows, at: self.at };
            self.at += 1;
            let Some(key) = &self.key else { return Some(row) };
            if key.prints.get(row.at).is_none_or(|print| *print == key.print)
                && row.text(key.column).is_some_and(|text| is_same(text, key.text))
            {
                return Some(row);
            }
        }
        None
    }
}

/// A number that equal texts have in common.
fn print_of(text: &str) -> u32 {
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let rest = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let mixed = words.chain([rest]).fold(text.len() as u64, |sum, word| {
        let mixed = (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ mixed >> 32
    });
    mixed as u32
}

/// Whether two texts are the same: ids by their first and their last bytes, which is less than a call.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    match a.len() {
        length if length != b.len() => false,
        4..8 => a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk(),
        8..=16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
        _ => a == b,
    }
}

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

impl TableRows {
    fn printed(mut self, links: &[usize]) -> TableRows {
        let cells = |column: usize| self.cells.iter().skip(column).step_by(self.width.max(1));
        let print = |cell: &Cell| self.text_of(*cell).map_or(0, print_of);
        self.prints = links.iter().map(|column| (*column, cells(*column).map(print).collect())).collect();
        self
    }

    /// Takes one child's rows: all of the first way, and of each later way those that no earlier way has. Rows are the same where their
    /// values are.
    fn take_group<'c>(&mut self, group: impl Iterator<Item = (u32, &'c [Cell])>) {
        let begin = self.taken();
        let mut known: Vec<bool> = Vec::new();
        let mut way_begun = (0, begin);
        for (way, cells) in group {
            if way != way_begun.0 {
                way_begun = (way, self.taken());
                known = vec![false; way_begun.1 - begin];
            }
            let twin = (0..known.len()).find(|earlier| !known[*earlier] && self.same(begin + earlier, cells));
            match twin {
                Some(earlier) => known[earlier] = true,
                None => self.cells.extend_from_slice(cells),
            }
        }
    }

    /// How many rows were taken so far.
    fn taken(&self) -> usize {
        self.cells.len() / self.width.max(1)
    }

    fn same(&self, row: usize, cells: &[Cell]) -> bool {
        let own = &self.cells[row * self.width..][..self.width];
        let value = |cell: &Cell| (self.text_of(*cell), cell.day_cell());
        own.iter().zip(cells).all(|(a, b)| value(a) == value(b))
    }

    #[inline]
    fn text_of(&self, cell: Cell) -> Option<&str> {
        if cell.length == 0 || cell.length == Cell::DAY {
            return None;
        }
        self.text.get(cell.start as usize..cell.start as usize + cell.length as usize)
    }

    /// How many rows there are.
    pub(super) fn count(&self) -> usize {
        self.starts.last().map_or(0, |end| *end as usize)
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

fn too_much_text(table: &TablePlan) -> Error {
    Error::new(
        Kind::Data,
        format!("a chunk of children has more than 4 GB of text in {}", table.ssd_name),
        "set a smaller source.chunk",
    )
}

impl<'a> Row<'a> {
    /// The text of a column: trimmed, mapped; `None` where there is no value.
    #[inline]
    pub fn text(self, column: usize) -> Option<&'a str> {
        self.rows.text_of(self.cell(column))
    }

    /// The day of a column. In the table of people, a birth date after the run date is an expected date (design, decision 9).
    pub fn day_cell(self, column: usize) -> DayCell {
        self.cell(column).day_cell()
    }

    /// The day of a column, if it has a good one.
    pub fn day(self, column: usize) -> Option<Day> {
        self.cell(column).day()
    }

    /// The columns whose text should be a date and is none, as `table.column`.
    pub fn bad_days(self) -> impl Iterator<Item = &'a str> {
        let columns = self.rows.columns.iter().enumerate();
        columns.filter(move |(at, _)| self.cell(*at) == Cell::BAD_DAY).map(|(_, column)| column.name.as_str())
    }

    /// Whether the column has a value of whatever kind.
    pub fn has(self, column: usize) -> bool {
        self.cell(column).length != 0
    }

    /// Whether the column has neither a value nor a date that could not be read.
    pub fn is_empty(self, column: usize) -> bool {
        self.cell(column) == Cell::NONE
    }

    /// The order in which one of several equally late rows is picked: by the values of its columns that are no ids, a missing
    /// value last, then by its ids.
    pub fn pick_order(self, other: Row<'a>) -> std::cmp::Ordering {
        let values = |row: Row<'a>, ids: bool| {
            let columns = row.rows.columns.iter().enumerate().filter(move |(_, column)| column.is_id == ids);
            columns.map(move |(at, _)| (!row.has(at), row.text(at), row.day(at)))
        };
        values(self, false).cmp(values(other, false)).then_with(|| values(self, true).cmp(values(other, true)))
    }

    #[inline]
    fn cell(self, column: usize) -> Cell {
        self.rows.cells[self.at * self.rows.width + column]
    }
}
