//! Rows into a table, by array DML: one round trip for a thousand of them.
//!
//! Without the driver's batch errors, which tell of each refused row: a load is of one piece, and the first refusal ends it.

use arrow_array::RecordBatch;
use csc_bridge_core::error::{Error, Result};
use csc_bridge_sql::{Dialect, WritingDialect};
use oracle::sql_type::{OracleType, ToSql};

use crate::OracleDialect;
use crate::bind::Bound;
use crate::connection::Shared;

/// Rows to a round trip.
const ROWS: usize = 1000;

/// How a batch goes into a table.
pub(crate) struct Plan {
    sql: String,
    /// For each parameter the column of the batch, and its type.
    columns: Vec<(usize, OracleType)>,
}

/// Puts the columns of a batch beside those of the table.
///
/// Long texts come last: behind one, no other value may be longer than 4,000 bytes (ORA-24816).
///
/// # Errors
/// A fault of the program: the table lacks a column.
pub(crate) fn plan(target: &str, described: &[(String, OracleType)], rows: &RecordBatch) -> Result<Plan> {
    let mut columns = Vec::with_capacity(rows.num_columns());
    for (at, field) in rows.schema_ref().fields().iter().enumerate() {
        let quoted = OracleDialect.quote(field.name());
        let kind = described.iter().find(|(name, _)| quoted == format!("\"{name}\"")).map(|(_, kind)| bindable(kind));
        let kind = kind.ok_or_else(|| Error::internal(format!("{target} has no column {quoted} to load")))?;
        columns.push((is_long(&kind), at, quoted, kind));
    }
    // Stable: otherwise as they are in the batch.
    columns.sort_by_key(|(is_long, ..)| *is_long);
    let names: Vec<&str> = columns.iter().map(|(_, _, name, _)| name.as_str()).collect();
    let places: Vec<String> = (1..=columns.len()).map(|position| OracleDialect.placeholder(position)).collect();
    let sql = format!("INSERT INTO {target} ({}) VALUES ({})", names.join(", "), places.join(", "));
    Ok(Plan { sql, columns: columns.into_iter().map(|(_, at, _, kind)| (at, kind)).collect() })
}

/// Loads a batch. Blocks.
pub(crate) fn load(shared: &Shared, plan: &Plan, rows: &RecordBatch) -> Result<()> {
    if rows.num_rows() == 0 {
        return Ok(());
    }
    let failed = |error: oracle::Error| shared.explain(&error);
    let mut batch = shared.driver.batch(&plan.sql, rows.num_rows().min(ROWS)).build().map_err(failed)?;
    for (position, (_, kind)) in plan.columns.iter().enumerate() {
        batch.set_type(position + 1, kind).map_err(failed)?;
    }
    for row in 0..rows.num_rows() {
        let cells = plan.columns.iter().map(|(at, _)| Bound::cell(rows.column(*at), row));
        let cells = cells.collect::<Result<Vec<Bound<'_>>>>()?;
        let cells: Vec<&dyn ToSql> = cells.iter().map(|cell| cell as &dyn ToSql).collect();
        batch.append_row(&cells).map_err(failed)?;
    }
    batch.execute().map_err(failed)
}

/// The type as which values for a column of this type are bound.
fn bindable(kind: &OracleType) -> OracleType {
    match kind {
        // In pieces, with the row: a locator would cost round trips of its own for each value.
        OracleType::CLOB | OracleType::NCLOB | OracleType::Long => OracleType::Long,
        OracleType::Number(..) | OracleType::Float(_) | OracleType::Int64 | OracleType::UInt64 => OracleType::Int64,
        OracleType::Timestamp(_) | OracleType::Date => OracleType::Date,
        other => other.clone(),
    }
}

fn is_long(kind: &OracleType) -> bool {
    matches!(kind, OracleType::Long)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    fn rows() -> RecordBatch {
        let document: ArrayRef = Arc::new(StringArray::from(vec!["{}"]));
        let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        RecordBatch::try_from_iter([("document", document), ("nr", number)]).expect("a batch")
    }

    #[test]
    fn long_texts_come_last() {
        let described = [("NR".to_owned(), OracleType::Number(19, 0)), ("DOCUMENT".to_owned(), OracleType::CLOB)];
        let plan = plan("csc_bridge_change", &described, &rows()).expect("a plan");
        assert_eq!(plan.sql, "INSERT INTO csc_bridge_change (\"NR\", \"DOCUMENT\") VALUES (:1, :2)");
        assert!(matches!(plan.columns[..], [(1, OracleType::Int64), (0, OracleType::Long)]));
    }

    #[test]
    fn a_column_that_the_table_lacks_is_a_fault() {
        let described = [("NR".to_owned(), OracleType::Number(19, 0))];
        let error = plan("t", &described, &rows()).err().expect("no column DOCUMENT");
        assert!(error.message().contains("\"DOCUMENT\""), "{}", error.message());
    }
}
