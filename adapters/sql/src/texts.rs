//! Batches of nothing but text, for a product whose driver prints every value.

use std::sync::Arc;

use arrow_array::builder::{Int32Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use csc_bridge_core::error::{Error, Result};

use crate::Read;

/// Rows to a batch, at most.
const ROWS: usize = 8192;
/// Bytes of text to a batch, about.
const BYTES: usize = 1 << 20;

/// The batch of a [`Read`] that is being built: the child's number where the read has one, and text. Core reads numbers and days out of text
/// as well as from columns of their own types.
pub struct Texts {
    read: Read,
    tags: Int32Builder,
    columns: Vec<StringBuilder>,
    rows: usize,
    bytes: usize,
}

impl Texts {
    /// An empty batch.
    pub fn new(read: Read) -> Texts {
        let columns = read.columns.iter().map(|_| StringBuilder::new()).collect();
        Texts { read, tags: Int32Builder::new(), columns, rows: 0, bytes: 0 }
    }

    /// Adds a row, of all the statement's columns; whether the batch is full.
    ///
    /// # Errors
    /// A fault of the program: more or fewer cells than the statement has columns, or a child's number that is none.
    pub fn push<'a>(&mut self, row: impl IntoIterator<Item = Option<&'a str>>) -> Result<bool> {
        let mut cells = row.into_iter();
        if self.read.tagged {
            let number = cells.next().flatten().and_then(|text| text.parse().ok());
            self.tags
                .append_value(number.ok_or_else(|| Error::internal("a row came back without its child's number"))?);
        }
        let other = || Error::internal("a row has other columns than its statement");
        for column in &mut self.columns {
            let cell = cells.next().ok_or_else(other)?;
            column.append_option(cell);
            self.bytes += cell.map_or(0, str::len);
        }
        if cells.next().is_some() {
            return Err(other());
        }
        self.rows += 1;
        Ok(self.rows >= ROWS || self.bytes >= BYTES)
    }

    /// The rows so far, if there are any. The next batch begins.
    ///
    /// # Errors
    /// A fault of the program: a row was begun and not ended.
    pub fn take(&mut self) -> Result<Option<RecordBatch>> {
        if self.rows == 0 {
            return Ok(None);
        }
        let tags = self.read.tagged.then(|| Arc::new(self.tags.finish()) as ArrayRef);
        let tags = tags.into_iter().map(|tags| ("child", tags, false));
        let columns = self.read.columns.iter().zip(&mut self.columns);
        let columns = columns.map(|(name, column)| (name.as_str(), Arc::new(column.finish()) as ArrayRef, true));
        let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = tags
            .chain(columns)
            .map(|(name, array, nullable)| (Field::new(name, array.data_type().clone(), nullable), array))
            .unzip();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        (self.rows, self.bytes) = (0, 0);
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map(Some)
            .map_err(|_| Error::internal("a batch of rows could not be put together"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int32Type;
    use csc_bridge_core::source::TableName;

    use super::*;

    fn texts(tagged: bool) -> Texts {
        let table = TableName { schema: String::new(), table: "t".to_owned() };
        Texts::new(Read { sql: String::new(), table, columns: vec!["a".to_owned(), "b".to_owned()], tagged, set: None })
    }

    #[test]
    fn a_row_has_its_childs_number_first_and_null_is_not_empty() {
        let mut texts = texts(true);
        assert!(!texts.push([Some("7"), Some(""), None]).unwrap());
        let batch = texts.take().unwrap().unwrap();
        let schema = batch.schema();
        assert_eq!(schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["child", "a", "b"]);
        assert_eq!(batch.column(0).as_primitive::<Int32Type>().values(), &[7]);
        assert_eq!(batch.column(1).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("")]);
        assert!(batch.column(2).is_null(0) && !schema.field(0).is_nullable());
        assert!(texts.take().unwrap().is_none(), "it was taken");
    }

    #[test]
    fn a_batch_is_full_after_so_many_rows_or_bytes_and_the_next_one_begins() {
        let mut short = texts(false);
        assert!((1..ROWS).all(|_| !short.push([None, None]).unwrap()) && short.push([None, None]).unwrap());
        assert_eq!(short.take().unwrap().unwrap().num_rows(), ROWS);
        assert!(!short.push([None, None]).unwrap());
        let (mut texts, long) = (texts(false), "x".repeat(BYTES / 2));
        assert!(!texts.push([Some(&long[..]), None]).unwrap() && texts.push([None, Some(&long[..])]).unwrap());
    }

    #[test]
    fn other_columns_than_the_statements_are_refused() {
        assert!(texts(false).push([None]).is_err());
        assert!(texts(false).push([None; 3]).is_err());
        assert!(texts(true).push([None; 3]).is_err());
        assert!(texts(true).push([Some("x"), None, None]).is_err());
    }
}
