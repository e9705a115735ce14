//! Short ways to ask a source, and to say what came.

use csc_bridge_core::payload::column::{Column, DayCell};
use csc_bridge_core::source::{Join, Path, ReadSession, RowStream, Scan, read_each};

use crate::failure::{Checked, Failure};
use crate::{Place, TestTable, Value};

pub(crate) fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Creates a table with rows of text.
pub(crate) async fn filled(place: &dyn Place, table: &TestTable, rows: &[&[&str]]) -> Checked {
    let rows: Vec<Vec<Value>> = rows.iter().map(|row| row.iter().map(|text| Value::text(*text)).collect()).collect();
    place.create(table).await?;
    place.insert(table, &rows).await
}

pub(crate) async fn opened(place: &dyn Place, tables: &[&TestTable]) -> Checked<Box<dyn ReadSession>> {
    let tables: Vec<_> = tables.iter().map(|table| table.in_place(place)).collect();
    Ok(place.source()?.open(&tables).await?)
}

/// A scan of `columns` of `table`; `joins` are (column, table, key), and `-1` and `SSD_PH` stand for no key.
pub(crate) fn scan(
    place: &dyn Place,
    table: &str,
    columns: &[&str],
    joins: &[(&str, &str, &str)],
    child: &str,
) -> Scan {
    let join = |(column, to, key): &(&str, &str, &str)| Join {
        column: (*column).to_owned(),
        table: place.table(to),
        key: (*key).to_owned(),
    };
    Scan {
        table: place.table(table),
        columns: strings(columns),
        path_to_child: Path {
            joins: joins.iter().map(join).collect(),
            child: child.to_owned(),
            no_key: strings(&["-1", " SSD_PH "]),
        },
    }
}

/// One read: cells as the program reads them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rows(Vec<Vec<Option<String>>>);

impl Rows {
    /// Rows as `a|b|null`, sorted: a source delivers them in any order.
    pub(crate) fn lines(&self) -> Vec<String> {
        let cell = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "null".to_owned());
        let mut lines: Vec<String> =
            self.0.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join("|")).collect();
        lines.sort();
        lines
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[Option<String>]> {
        self.0.iter().map(Vec::as_slice)
    }
}

/// Reads a stream to its attested end. Every column is read as text, the way the program does.
pub(crate) async fn rows(stream: &mut dyn RowStream) -> csc_bridge_core::error::Result<Rows> {
    let mut all = Vec::new();
    read_each(stream, &mut |batch| {
        let schema = batch.schema();
        let columns = batch.columns().iter().zip(schema.fields());
        let columns: Vec<Column> =
            columns.map(|(array, field)| Column::text(array, field.name())).collect::<Result<_, _>>()?;
        all.extend((0..batch.num_rows()).map(|row| columns.iter().map(|c| c.raw(row).map(str::to_owned)).collect()));
        Ok(())
    })
    .await?;
    Ok(Rows(all))
}

/// The days of one column, as the program reads a column of dates: `YYYY-MM-DD`, `none` or `bad`; sorted by the child's number.
pub(crate) async fn days(stream: &mut dyn RowStream, column: usize) -> Checked<Vec<String>> {
    let mut all = Vec::new();
    read_each(stream, &mut |batch| {
        let numbers = Column::text(batch.column(0), "child")?;
        let days = Column::days(batch.column(column), "a date", &[], &[])?;
        for row in 0..batch.num_rows() {
            let number = numbers.raw(row).and_then(|text| text.parse::<i32>().ok()).unwrap_or(-1);
            let day = match days.day(row) {
                DayCell::None => "none".to_owned(),
                DayCell::Bad => "bad".to_owned(),
                DayCell::Day(day) => {
                    let (year, month, day) = day.parts();
                    format!("{year:04}-{month:02}-{day:02}")
                }
            };
            all.push((number, day));
        }
        Ok(())
    })
    .await?;
    all.sort();
    Ok(all.into_iter().map(|(_, day)| day).collect())
}

pub(crate) async fn listed(
    session: &mut dyn ReadSession,
    place: &dyn Place,
    table: &str,
    columns: &[&str],
) -> Checked<Rows> {
    Ok(rows(session.list(&place.table(table), &strings(columns)).await?.as_mut()).await?)
}

pub(crate) async fn scanned(session: &mut dyn ReadSession, wanted: &Scan) -> Checked<Rows> {
    Ok(rows(session.scan(wanted).await?.as_mut()).await?)
}

/// Reads one column of one cell for each child: child n has the n-th value. The children are `0`, `1`, …
pub(crate) async fn column_of(
    place: &dyn Place,
    kind: crate::ColumnKind,
    values: &[Value],
) -> Checked<(TestTable, Vec<String>)> {
    let table = TestTable::new("typed", &[("id", crate::ColumnKind::Text), ("v", kind)]);
    place.create(&table).await?;
    let rows: Vec<Vec<Value>> =
        values.iter().enumerate().map(|(at, value)| vec![Value::text(at.to_string()), value.clone()]).collect();
    place.insert(&table, &rows).await?;
    Ok((table, (0..values.len()).map(|at| at.to_string()).collect()))
}

/// The text that arrives for each of `values`, in their order.
pub(crate) async fn arrived(
    place: &dyn Place,
    kind: crate::ColumnKind,
    values: &[Value],
) -> Checked<Vec<Option<String>>> {
    let (table, children) = column_of(place, kind, values).await?;
    let mut session = opened(place, &[&table]).await?;
    session.select(&children).await?;
    let read = scanned(session.as_mut(), &scan(place, "typed", &["v"], &[], "id")).await?;
    let mut cells: Vec<(usize, Option<String>)> = Vec::new();
    for row in read.iter() {
        let number = row[0].as_deref().and_then(|text| text.parse().ok());
        cells.push((number.ok_or_else(|| Failure::broken("a child's number", "none"))?, row[1].clone()));
    }
    cells.sort();
    crate::failure::same("the children that got a row", cells.len(), values.len())?;
    Ok(cells.into_iter().map(|(_, cell)| cell).collect())
}
