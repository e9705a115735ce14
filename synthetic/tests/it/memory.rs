//! A database in memory: what the writer writes, the session reads.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int64Type};
use arrow_array::{Array, ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use async_trait::async_trait;
use csc_bridge_core::error::Result;
use csc_bridge_core::payload::definition::ColumnType;
use csc_bridge_core::source::{Cell, Edit, NewTable, ReadSession, RowStream, Scan, ScanEvent, SourceWriter, TableName};

pub type Row = BTreeMap<String, Cell>;

#[derive(Debug, Clone, Default)]
pub struct Database {
    pub tables: BTreeMap<String, Vec<Row>>,
    pub created: BTreeMap<String, NewTable>,
    pub commits: usize,
    selected: Vec<String>,
}

/// A cell as a database prints it.
pub fn text(cell: Option<&Cell>) -> Option<String> {
    match cell? {
        Cell::Null => None,
        Cell::Text(text) => Some(text.clone()),
        Cell::Integer(number) => Some(number.to_string()),
        Cell::Date(day) => Some((jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(*day)).to_string()),
    }
}

fn key(cell: Option<&Cell>) -> Option<String> {
    text(cell).map(|text| text.trim().to_owned())
}

impl Database {
    pub fn rows(&self, table: &str) -> &[Row] {
        self.tables.get(table).map_or(&[], Vec::as_slice)
    }

    pub fn texts(&self, table: &str, column: &str) -> Vec<String> {
        self.rows(table).iter().filter_map(|row| text(row.get(column))).collect()
    }

    pub fn day(row: &Row, column: &str) -> Option<i32> {
        match row.get(column) {
            Some(Cell::Date(day)) => Some(*day),
            _ => None,
        }
    }

    pub fn total(&self) -> usize {
        self.tables.values().map(Vec::len).sum()
    }

    /// Values of `column` and the children whose rows hold them.
    fn owners(&self, scan: &Scan) -> HashMap<String, HashSet<usize>> {
        let children: HashMap<String, HashSet<usize>> =
            self.selected.iter().enumerate().map(|(n, id)| (id.clone(), HashSet::from([n]))).collect();
        let mut owners = children;
        let mut column = scan.path_to_child.child.clone();
        for join in scan.path_to_child.joins.iter().rev() {
            let mut next: HashMap<String, HashSet<usize>> = HashMap::new();
            for row in self.rows(&join.table.to_string()) {
                let found = key(row.get(&column)).and_then(|value| owners.get(&value));
                if let (Some(value), Some(found)) = (key(row.get(&join.key)), found) {
                    next.entry(value).or_default().extend(found);
                }
            }
            owners = next;
            column.clone_from(&join.column);
        }
        owners
    }
}

#[async_trait]
impl SourceWriter for Database {
    async fn create(&mut self, tables: &[NewTable]) -> Result<()> {
        for table in tables {
            for index in &table.indexes {
                assert!(
                    table.columns.iter().any(|(column, _)| column == index),
                    "{} has no column {index}",
                    table.name
                );
            }
            self.tables.entry(table.name.to_string()).or_default();
            self.created.insert(table.name.to_string(), table.clone());
        }
        Ok(())
    }

    async fn insert(&mut self, table: &TableName, rows: &RecordBatch) -> Result<()> {
        let created = &self.created[&table.to_string()];
        let into = self.tables.get_mut(&table.to_string()).unwrap();
        let schema = rows.schema();
        assert_eq!(schema.fields().len(), created.columns.len(), "{table} is written whole");
        let first = into.len();
        into.extend((0..rows.num_rows()).map(|_| Row::new()));
        for (field, array) in schema.fields().iter().zip(rows.columns()) {
            let kind = created.columns.iter().find(|(name, _)| name == field.name()).unwrap().1;
            for row in 0..rows.num_rows() {
                let cell = match (kind, array.is_null(row)) {
                    (_, true) => Cell::Null,
                    (ColumnType::Integer, _) => Cell::Integer(array.as_primitive::<Int64Type>().value(row)),
                    (ColumnType::Date, _) => Cell::Date(array.as_primitive::<Date32Type>().value(row)),
                    _ => Cell::Text(array.as_string::<i32>().value(row).to_owned()),
                };
                into[first + row].insert(field.name().clone(), cell);
            }
        }
        Ok(())
    }

    async fn edit(&mut self, edit: &Edit) -> Result<u64> {
        let rows = self.tables.get_mut(&edit.table.to_string()).unwrap();
        let before = rows.len();
        let chosen = |row: &Row| key(row.get(&edit.key)).as_deref() == Some(edit.id.as_str());
        if edit.set.is_empty() {
            rows.retain(|row| !chosen(row));
            return Ok((before - rows.len()) as u64);
        }
        let mut changed = 0;
        for row in rows.iter_mut().filter(|row| chosen(row)) {
            changed += 1;
            for (column, cell) in &edit.set {
                *row.get_mut(column).expect("an edit names a column of the table") = cell.clone();
            }
        }
        Ok(changed)
    }

    async fn commit(&mut self) -> Result<()> {
        self.commits += 1;
        Ok(())
    }
}

struct Stream(Option<RecordBatch>, u64);

#[async_trait]
impl RowStream for Stream {
    async fn next(&mut self) -> Result<ScanEvent> {
        Ok(self.0.take().map_or(ScanEvent::Complete { rows: self.1 }, ScanEvent::Rows))
    }
}

fn stream(tags: Option<Vec<i32>>, columns: &[String], rows: &[&Row]) -> Box<dyn RowStream> {
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    if let Some(tags) = tags {
        fields.push(Field::new("child", DataType::Int32, false));
        arrays.push(Arc::new(Int32Array::from(tags)));
    }
    for column in columns {
        fields.push(Field::new(column, DataType::Utf8, true));
        let texts: StringArray =
            rows.iter().map(|row| text(Some(row.get(column).expect("a scan names a column of the table")))).collect();
        arrays.push(Arc::new(texts));
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    Box::new(Stream(Some(batch), rows.len() as u64))
}

#[async_trait]
impl ReadSession for Database {
    async fn list(&mut self, table: &TableName, columns: &[String]) -> Result<Box<dyn RowStream + '_>> {
        Ok(stream(None, columns, &self.rows(&table.to_string()).iter().collect::<Vec<_>>()))
    }

    async fn count(&mut self, table: &TableName) -> Result<u64> {
        Ok(self.rows(&table.to_string()).len() as u64)
    }

    async fn select(&mut self, children: &[String]) -> Result<()> {
        self.selected = children.to_vec();
        Ok(())
    }

    async fn scan(&mut self, scan: &Scan) -> Result<Box<dyn RowStream + '_>> {
        let owners = self.owners(scan);
        let column = scan.path_to_child.joins.first().map_or(&scan.path_to_child.child, |join| &join.column);
        let mut found = Vec::new();
        for row in self.rows(&scan.table.to_string()) {
            for child in key(row.get(column)).and_then(|value| owners.get(&value)).into_iter().flatten() {
                found.push((*child as i32, row));
            }
        }
        let (tags, rows): (Vec<i32>, Vec<&Row>) = found.into_iter().unzip();
        Ok(stream(Some(tags), &scan.columns, &rows))
    }
}
