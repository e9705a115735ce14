//! Loading by INSERT, for a product without anything quicker.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use csc_bridge_core::error::{Error, Result};

use crate::{Dialect, name};

/// Bytes of one statement, about: products limit its length.
const STATEMENT: usize = 500_000;
/// Rows of one statement (SQL Server: 1,000).
const ROWS: usize = 1000;

/// INSERT statements for the rows of a batch, their values as [`Dialect::literal`]s: a [`Connection::load`](crate::Connection::load) of an
/// engine that only reads, whose batches are of text and whole numbers. `target` is the table as the dialect spells it.
///
/// # Errors
/// [`Kind::Config`](csc_bridge_core::error::Kind::Config): a text holds U+0000. A fault of the program: a column of another type.
pub fn insertions(dialect: &dyn Dialect, target: &str, rows: &RecordBatch) -> Result<Vec<String>> {
    let columns: Vec<String> = rows.schema_ref().fields().iter().map(|field| dialect.quote(field.name())).collect();
    let head = format!("INSERT INTO {target} ({}) VALUES ", columns.join(", "));
    let (mut statements, mut statement, mut in_it) = (Vec::new(), head.clone(), 0);
    for at in 0..rows.num_rows() {
        let cells: Vec<String> =
            rows.columns().iter().map(|column| cell(dialect, column.as_ref(), at)).collect::<Result<_>>()?;
        statement.push_str(if in_it == 0 { "(" } else { ", (" });
        statement.push_str(&cells.join(", "));
        statement.push(')');
        in_it += 1;
        if in_it == ROWS || statement.len() > STATEMENT {
            statements.push(std::mem::replace(&mut statement, head.clone()));
            in_it = 0;
        }
    }
    if in_it > 0 {
        statements.push(statement);
    }
    Ok(statements)
}

fn cell(dialect: &dyn Dialect, column: &dyn Array, at: usize) -> Result<String> {
    if column.is_null(at) {
        return Ok("NULL".to_owned());
    }
    if let Some(texts) = column.as_string_opt::<i32>() {
        name::check_literal("a text to be loaded", texts.value(at))?;
        return Ok(dialect.literal(texts.value(at)));
    }
    let small = column.as_primitive_opt::<Int32Type>().map(|numbers| i64::from(numbers.value(at)));
    let number = small.or_else(|| column.as_primitive_opt::<Int64Type>().map(|numbers| numbers.value(at)));
    number.map(|number| number.to_string()).ok_or_else(|| Error::internal("a column that no INSERT is written for"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float32Array, Int32Array, StringArray};

    use super::*;
    use crate::Store;

    struct Standard;

    impl Dialect for Standard {
        fn key(&self, expr: &str) -> String {
            expr.to_owned()
        }

        fn temporary(&self, name: &str) -> String {
            name.to_owned()
        }

        fn create_temporary(&self, name: &str, _: &[(&str, Store)], _: &str) -> String {
            name.to_owned()
        }
    }

    fn statements(column: ArrayRef) -> Result<Vec<String>> {
        let numbers = Arc::new(Int32Array::from_iter_values(0..i32::try_from(column.len()).unwrap())) as ArrayRef;
        insertions(&Standard, "t", &RecordBatch::try_from_iter([("a\"", column), ("n", numbers)]).unwrap())
    }

    #[test]
    fn texts_are_literals_and_null_is_null() {
        let texts = StringArray::from(vec![Some("it's"), None]);
        assert_eq!(
            statements(Arc::new(texts)).unwrap(),
            ["INSERT INTO t (\"a\"\"\", \"n\") VALUES ('it''s', 0), (NULL, 1)"]
        );
    }

    #[test]
    fn many_rows_and_long_ones_are_parted_and_none_is_lost() {
        for (text, rows, expected) in [("x", 2500, 3), (&"x".repeat(STATEMENT / 4)[..], 11, 3), ("x", 0, 0)] {
            let all = statements(Arc::new(StringArray::from(vec![text; rows]))).unwrap();
            assert_eq!(all.len(), expected);
            assert_eq!(all.iter().map(|sql| sql.matches("('x").count()).sum::<usize>(), rows);
        }
    }

    #[test]
    fn what_has_no_literal_is_refused() {
        assert!(statements(Arc::new(StringArray::from(vec!["\0"]))).is_err());
        assert!(statements(Arc::new(Float32Array::from(vec![0.5]))).is_err());
    }
}
