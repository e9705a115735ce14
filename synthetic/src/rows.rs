//! Rows on their way to the database: one growing record batch per table, written when a block of children is full.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::{Date32Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch, new_null_array};
use arrow_schema::{DataType, Field, Schema};
use csc_bridge_core::error::{Error, Result};
use csc_bridge_core::payload::definition::ColumnType;
use csc_bridge_core::source::SourceWriter;

use crate::ssd::{Layout, Ssd};
use crate::tables::Table;

/// A value of a row. A text is the standard code or id; [`crate::ssd::Column`] gives it the CMS's spelling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// Text.
    Text(&'a str),
    /// A whole number.
    Number(i64),
    /// A day, as days since 1970-01-01.
    Day(i32),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Value::Text(text)
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Value::Null, Value::Text)
    }
}

/// A day or no day.
pub fn day(day: impl Into<Option<i32>>) -> Value<'static> {
    day.into().map_or(Value::Null, Value::Day)
}

enum Builder {
    /// The CMS has no such column.
    Absent,
    Text(StringBuilder),
    Integer(Int64Builder),
    Date(Date32Builder),
}

impl Builder {
    fn new(kind: ColumnType) -> Builder {
        match kind {
            ColumnType::Integer => Builder::Integer(Int64Builder::new()),
            ColumnType::Date => Builder::Date(Date32Builder::new()),
            ColumnType::Id | ColumnType::Text | ColumnType::Json => Builder::Text(StringBuilder::new()),
        }
    }

    fn finish(&mut self) -> Option<ArrayRef> {
        match self {
            Builder::Absent => None,
            Builder::Text(builder) => Some(Arc::new(builder.finish())),
            Builder::Integer(builder) => Some(Arc::new(builder.finish())),
            Builder::Date(builder) => Some(Arc::new(builder.finish())),
        }
    }
}

/// Rows of all tables that wait to be written.
pub struct Rows<'a> {
    layout: &'a [Option<Layout>],
    builders: Vec<Vec<Builder>>,
    waiting: Vec<usize>,
    written: Vec<u64>,
}

impl<'a> Rows<'a> {
    /// No rows yet. `layout` is that of [`Ssd::layout`].
    pub fn new(layout: &'a [Option<Layout>]) -> Rows<'a> {
        let builders = |table: &Option<Layout>| {
            let columns = table.iter().flat_map(|table| &table.columns);
            columns.map(|column| column.as_ref().map_or(Builder::Absent, |column| Builder::new(column.kind))).collect()
        };
        Rows {
            layout,
            builders: layout.iter().map(builders).collect(),
            waiting: vec![0; layout.len()],
            written: vec![0; layout.len()],
        }
    }

    /// Adds a row: one value for each of [`Table::columns`], in their order. Without effect where the CMS has no such table.
    pub fn push(&mut self, table: Table, values: &[Value<'_>]) {
        debug_assert_eq!(values.len(), table.columns().len(), "{} takes one value per column", table.name());
        let Some(layout) = &self.layout[table as usize] else {
            return;
        };
        for ((builder, column), value) in self.builders[table as usize].iter_mut().zip(&layout.columns).zip(values) {
            let Some(column) = column else { continue };
            match builder {
                Builder::Absent => {}
                Builder::Text(builder) => builder.append_option(column.text(*value)),
                Builder::Integer(builder) => builder.append_option(column.number(*value)),
                Builder::Date(builder) => builder.append_option(column.day(*value)),
            }
        }
        self.waiting[table as usize] += 1;
    }

    /// Writes what waits, table by table.
    ///
    /// # Errors
    /// What the writer reports.
    pub async fn write(&mut self, writer: &mut dyn SourceWriter) -> Result<()> {
        for table in Table::ALL {
            let Some(layout) = &self.layout[*table as usize] else {
                continue;
            };
            let rows = std::mem::take(&mut self.waiting[*table as usize]);
            if rows == 0 {
                continue;
            }
            let batch = batch(layout, &mut self.builders[*table as usize], rows)?;
            writer.insert(&layout.name, &batch).await?;
            self.written[*table as usize] += rows as u64;
        }
        Ok(())
    }

    /// Rows written so far, by the table's SSD name; tables that the CMS lacks are left out.
    pub fn written(&self) -> BTreeMap<String, u64> {
        let present = Table::ALL.iter().filter(|table| self.layout[**table as usize].is_some());
        present.map(|table| (table.name().to_owned(), self.written[*table as usize])).collect()
    }
}

fn batch(layout: &Layout, builders: &mut [Builder], rows: usize) -> Result<RecordBatch> {
    let mut fields = Vec::new();
    let mut arrays = Vec::new();
    for (column, builder) in layout.columns.iter().zip(builders) {
        if let (Some(column), Some(array)) = (column, builder.finish()) {
            fields.push(Field::new(&column.name, array.data_type().clone(), true));
            arrays.push(array);
        }
    }
    for (name, kind) in &layout.empty {
        let kind = match kind {
            ColumnType::Integer => DataType::Int64,
            ColumnType::Date => DataType::Date32,
            ColumnType::Id | ColumnType::Text | ColumnType::Json => DataType::Utf8,
        };
        arrays.push(new_null_array(&kind, rows));
        fields.push(Field::new(name, kind, true));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|_| Error::internal(format!("the made-up rows of {} do not fit their columns", layout.name)))
}

/// Creates the tables of the SSD.
///
/// # Errors
/// What the writer reports.
pub async fn create_tables(writer: &mut dyn SourceWriter, ssd: &Ssd<'_>) -> Result<()> {
    writer.create(&ssd.new_tables()).await
}
