//! The batch being built.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::TableName;
use csc_bridge_sql::Read;
use oracle::ColumnInfo;
use oracle::sql_type::OracleType;

use crate::row::{Cell, Cells, has_zone, next};

/// Rows to a batch, at most.
const ROWS: usize = 8192;
/// Bytes of values to a batch, about.
const BYTES: usize = 1 << 20;

/// Some rows of a read, all batches of which have one schema.
pub(super) struct Batch<'r> {
    read: &'r Read,
    schema: Arc<Schema>,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

impl<'r> Batch<'r> {
    /// For the columns as the server describes them.
    ///
    /// # Errors
    /// A column of a type that has no text, or a fault of the program.
    pub(super) fn new(read: &'r Read, described: &[ColumnInfo]) -> Result<Batch<'r>> {
        let tag = usize::from(read.tagged);
        if described.len() != read.columns.len() + tag {
            return Err(Error::internal("a read returns other columns than it names"));
        }
        let mut columns = Vec::with_capacity(described.len());
        columns.extend(read.tagged.then(|| Column::Tag(Int32Builder::new())));
        for (name, column) in read.columns.iter().zip(described.iter().skip(tag)) {
            columns.push(Column::new(column.oracle_type(), name, &read.table)?);
        }
        let names = read.tagged.then_some("child").into_iter().chain(read.columns.iter().map(String::as_str));
        let field =
            |(name, column): (&str, &Column)| Field::new(name, column.data_type(), !matches!(column, Column::Tag(_)));
        let schema = Arc::new(Schema::new(names.zip(&columns).map(field).collect::<Vec<Field>>()));
        Ok(Batch { read, schema, columns, rows: 0, bytes: 0 })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows >= ROWS || self.bytes >= BYTES
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: Cells) -> Result<()> {
        if row.cells.len() != self.columns.len() {
            return Err(Error::internal("a row has other columns than its table"));
        }
        let mut text = row.text.as_str();
        for (at, (column, cell)) in self.columns.iter_mut().zip(&row.cells).enumerate() {
            let text = match cell {
                Cell::Text(length) | Cell::Number(length) => next(&mut text, *length),
                _ => None,
            };
            column.push(cell, text).ok_or_else(|| unreadable(self.read, at))?;
        }
        self.rows += 1;
        self.bytes += row.text.len() + row.cells.len() * 8;
        Ok(())
    }

    pub(super) fn take(&mut self) -> Result<RecordBatch> {
        let arrays: Vec<ArrayRef> = self.columns.iter_mut().map(Column::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        (self.rows, self.bytes) = (0, 0);
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|_| Error::internal("a batch of rows could not be put together"))
    }
}

fn unreadable(read: &Read, at: usize) -> Error {
    let column = at.checked_sub(usize::from(read.tagged)).and_then(|at| read.columns.get(at));
    match column {
        None => Error::internal("a row came back without its child's number"),
        Some(column) => Error::new(
            Kind::Data,
            format!("the column {column} of {} holds a value that csc-bridge cannot read", read.table),
            "name a view in [source.names] that has the value as text: TO_CHAR(…)",
        ),
    }
}

/// A column being built.
enum Column {
    /// The child's number.
    Tag(Int32Builder),
    /// A NUMBER without decimals that fits into 64 bits.
    Integer(Int64Builder),
    Flag(BooleanBuilder),
    /// DATE, which has a time of day, and the types of TIMESTAMP.
    Time(TimestampMicrosecondBuilder, DataType),
    /// Text; and any other NUMBER, digit by digit, for an id is what its digits are.
    Text(StringBuilder),
}

impl Column {
    fn new(kind: &OracleType, name: &str, table: &TableName) -> Result<Column> {
        Ok(match kind {
            // As the driver reads them.
            OracleType::Number(1..=17, 0) | OracleType::Int64 => Column::Integer(Int64Builder::new()),
            OracleType::Boolean => Column::Flag(BooleanBuilder::new()),
            OracleType::Date | OracleType::Timestamp(_) | OracleType::TimestampTZ(_) | OracleType::TimestampLTZ(_) => {
                let zone = has_zone(kind).then(|| "UTC".into());
                let kind = DataType::Timestamp(TimeUnit::Microsecond, zone);
                Column::Time(TimestampMicrosecondBuilder::new().with_data_type(kind.clone()), kind)
            }
            OracleType::Varchar2(_)
            | OracleType::NVarchar2(_)
            | OracleType::Char(_)
            | OracleType::NChar(_)
            | OracleType::CLOB
            | OracleType::NCLOB
            | OracleType::Long
            | OracleType::Xml
            | OracleType::Number(..)
            | OracleType::Float(_)
            | OracleType::BinaryFloat
            | OracleType::BinaryDouble => Column::Text(StringBuilder::new()),
            other => {
                return Err(Error::new(
                    Kind::Schema,
                    format!("the column {name} of {table} is of the type {other}, which has no text"),
                    "name another column in [source.names], or a view that has the value as text",
                ));
            }
        })
    }

    fn data_type(&self) -> DataType {
        match self {
            Column::Tag(_) => DataType::Int32,
            Column::Integer(_) => DataType::Int64,
            Column::Flag(_) => DataType::Boolean,
            Column::Time(_, kind) => kind.clone(),
            Column::Text(_) => DataType::Utf8,
        }
    }

    /// Adds a value, whose text stands apart. `None` where it is none of the column's.
    fn push(&mut self, cell: &Cell, text: Option<&str>) -> Option<()> {
        match (self, cell) {
            // A row that belongs to no child.
            (Column::Tag(_), Cell::Null) => return None,
            (Column::Tag(column), Cell::Integer(number)) => column.append_value(i32::try_from(*number).ok()?),
            (Column::Tag(column), _) => column.append_value(text?.parse().ok()?),
            (Column::Integer(column), Cell::Null) => column.append_null(),
            (Column::Integer(column), Cell::Integer(number)) => column.append_value(*number),
            (Column::Integer(column), _) => column.append_value(text?.parse().ok()?),
            (Column::Flag(column), Cell::Null) => column.append_null(),
            (Column::Flag(column), Cell::Flag(flag)) => column.append_value(*flag),
            (Column::Time(column, _), Cell::Null) => column.append_null(),
            (Column::Time(column, _), Cell::Time(microseconds)) => column.append_value(*microseconds),
            (Column::Text(column), Cell::Null) => column.append_null(),
            (Column::Text(column), Cell::Integer(number)) => column.append_value(number.to_string()),
            (Column::Text(column), _) => column.append_value(text?),
            (Column::Flag(_) | Column::Time(..), _) => return None,
        }
        Some(())
    }

    /// The array of what was added, without the room that was kept for growing: a chunk's batches stay in memory together.
    fn finish(&mut self) -> ArrayRef {
        match self {
            Column::Tag(column) => shrunk(column.finish()),
            Column::Integer(column) => shrunk(column.finish()),
            Column::Flag(column) => shrunk(column.finish()),
            Column::Time(column, _) => shrunk(column.finish()),
            Column::Text(column) => shrunk(column.finish()),
        }
    }
}

fn shrunk(mut array: impl Array + 'static) -> ArrayRef {
    array.shrink_to_fit();
    Arc::new(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(kind: &OracleType) -> Result<Column> {
        Column::new(kind, "v", &TableName { schema: String::new(), table: "t".to_owned() })
    }

    #[test]
    fn numbers_that_do_not_fit_stay_text() {
        for (kind, expected) in [
            (OracleType::Number(17, 0), DataType::Int64),
            (OracleType::Number(18, 0), DataType::Utf8),
            (OracleType::Number(0, -127), DataType::Utf8),
            (OracleType::Number(12, 2), DataType::Utf8),
            (OracleType::Date, DataType::Timestamp(TimeUnit::Microsecond, None)),
            (OracleType::TimestampLTZ(6), DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
        ] {
            assert_eq!(named(&kind).expect("a column").data_type(), expected, "{kind}");
        }
    }

    #[test]
    fn bytes_are_refused_by_the_name_of_their_column() {
        let error = named(&OracleType::Raw(32)).err().expect("bytes");
        assert_eq!(error.kind(), Kind::Schema);
        assert!(error.message().contains("column v of t"), "{}", error.message());
    }

    #[test]
    fn a_row_without_its_child_is_no_row() {
        let mut tag = Column::Tag(Int32Builder::new());
        assert!(tag.push(&Cell::Null, None).is_none());
        assert!(tag.push(&Cell::Number(2), Some("17")).is_some());
        assert!(tag.push(&Cell::Number(3), Some("1.5")).is_none());
    }
}
