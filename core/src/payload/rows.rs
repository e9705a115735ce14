//! A chunk's rows, cleaned and sorted by child.
//!
//! A row's cells stand side by side, and so do a child's rows: the assembler reads each value a few times, and finds it in a line of the
//! processor's cache that it has just used.

use super::column::DayCell;
use super::day::Day;

/// The rows of a chunk of children, table by table in the plan's order.
pub struct ChunkRows {
    pub(super) tables: Vec<TableRows>,
}

/// One table's rows.
pub(super) struct TableRows {
    /// Cells, row by row, grouped by child.
    pub cells: Vec<Cell>,
    /// How many cells a row has.
    pub width: usize,
    /// What the cells of text refer to.
    pub text: String,
    /// Where each child's rows begin; one more than there are children.
    pub starts: Vec<u32>,
    pub columns: Vec<Heading>,
    /// Of the columns by which rows are found: a number made out of each row's text. Where two differ, the texts do.
    pub prints: Vec<(usize, Vec<u32>)>,
}

/// A column.
pub(super) struct Heading {
    /// `table.column`, as the SSD has them.
    pub name: String,
    pub is_id: bool,
}

/// A value: a piece of the table's text, or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    /// Where the text begins; of a day, its number.
    pub start: u32,
    /// Bytes of text; [`Cell::DAY`] for a day.
    pub length: u32,
}

impl Cell {
    pub const DAY: u32 = u32::MAX;
    pub const NONE: Cell = Cell { start: 0, length: 0 };
    const BAD_DAY: Cell = Cell { start: 1, length: 0 };

    pub fn of_day(cell: DayCell) -> Cell {
        match cell {
            DayCell::None => Cell::NONE,
            DayCell::Bad => Cell::BAD_DAY,
            DayCell::Day(day) => Cell { start: day.number(), length: Cell::DAY },
        }
    }

    pub fn day(self) -> Option<Day> {
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

impl TableRows {
    pub fn printed(mut self, links: &[usize]) -> TableRows {
        let cells = |column: usize| self.cells.iter().skip(column).step_by(self.width.max(1));
        let print = |cell: &Cell| self.text_of(*cell).map_or(0, print_of);
        self.prints = links.iter().map(|column| (*column, cells(*column).map(print).collect())).collect();
        self
    }

    /// Takes one child's rows: all of the first way, and of each later way those that no earlier way has. Rows are the same where their
    /// values are.
    pub fn take_group<'c>(&mut self, group: impl Iterator<Item = (u32, &'c [Cell])>) {
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
    pub fn taken(&self) -> usize {
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
