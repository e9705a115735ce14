//! Adding the rows of a batch to a table: INSERT BULK.
//!
//! The driver asks for the columns' types and sends each value as exactly that type, so the values are made to fit here first. It sends
//! no text of more than 65,535 bytes there (its limit for NVARCHAR(MAX) in a bulk load): a row that has one is inserted by a statement.

use std::borrow::Cow;
use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use csc_bridge_core::error::{Error, Kind, Result};
use tiberius::time::{Date, DateTime, DateTime2, Time};
use tiberius::{ColumnData, ColumnType, MetaDataColumn, ToSql, TokenRow, TypeInfo};

use crate::connection::SqlServerConnection;
use crate::value::{DAYS_TO_1900, DAYS_TO_YEAR_1};

/// The longest text of a bulk load, in units of UTF-16.
const UNITS: usize = 32_767;

/// Loads that are kept prepared.
const PREPARED: usize = 100;

/// 1753-01-01, the first day that DATETIME has, from 1900-01-01.
const FIRST_OF_DATETIME: i32 = -53_690;
/// 9999-12-31 from 0001-01-01.
const LAST: i32 = 3_652_058;

/// How the values of each column are sent, by the target, the columns and their Arrow types.
pub(crate) type Prepared = HashMap<String, Vec<Form>>;

/// How the values of a column are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Bytes,
    Bit,
    Int1,
    Int2,
    Int4,
    Int8,
    /// A number into a column of text.
    Printed,
    Date,
    DateTime,
    /// With so many digits after the second.
    DateTime2(u8),
}

impl Form {
    /// How values of an Arrow type go into a column; `None` where they do not.
    fn of(from: &DataType, to: ColumnType, digits: u8) -> Option<Form> {
        use ColumnType as To;
        let is_text = matches!(to, To::NVarchar | To::NChar | To::BigVarChar | To::BigChar | To::Text | To::NText);
        Some(match (from, to) {
            (DataType::Utf8, _) if is_text => Form::Text,
            (DataType::Binary, To::BigVarBin | To::BigBinary | To::Image) => Form::Bytes,
            (DataType::Int32 | DataType::Int64, to) => match to {
                To::Bit | To::Bitn => Form::Bit,
                To::Int1 => Form::Int1,
                To::Int2 => Form::Int2,
                To::Int4 => Form::Int4,
                To::Int8 => Form::Int8,
                _ if is_text => Form::Printed,
                _ => return None,
            },
            (DataType::Date32, To::Daten) => Form::Date,
            (DataType::Date32, To::Datetime | To::Datetimen) => Form::DateTime,
            (DataType::Date32, To::Datetime2) => Form::DateTime2(digits),
            _ => return None,
        })
    }

    /// The value at a place of a column; `None` where it is outside the range of the type.
    fn value<'a>(self, column: &'a dyn Array, at: usize) -> Option<ColumnData<'a>> {
        let there = column.is_valid(at);
        let number = || match column.data_type() {
            DataType::Int32 => i64::from(column.as_primitive::<Int32Type>().value(at)),
            _ => column.as_primitive::<Int64Type>().value(at),
        };
        let day = || column.as_primitive::<Date32Type>().value(at);
        let since_year_1 = || day().checked_add(DAYS_TO_YEAR_1).filter(|days| (0..=LAST).contains(days));
        Some(match self {
            Form::Text => ColumnData::String(there.then(|| Cow::Borrowed(column.as_string::<i32>().value(at)))),
            Form::Bytes => ColumnData::Binary(there.then(|| Cow::Borrowed(column.as_binary::<i32>().value(at)))),
            Form::Printed => ColumnData::String(there.then(|| Cow::Owned(number().to_string()))),
            Form::Bit => ColumnData::Bit(there.then(|| number() != 0)),
            Form::Int1 => ColumnData::U8(fitting(there, || u8::try_from(number()).ok())?),
            Form::Int2 => ColumnData::I16(fitting(there, || i16::try_from(number()).ok())?),
            Form::Int4 => ColumnData::I32(fitting(there, || i32::try_from(number()).ok())?),
            Form::Int8 => ColumnData::I64(there.then(number)),
            Form::Date => ColumnData::Date(fitting(there, || u32::try_from(since_year_1()?).ok().map(Date::new))?),
            Form::DateTime => ColumnData::DateTime(fitting(there, || {
                let days = day().checked_add(DAYS_TO_1900)?;
                (since_year_1().is_some() && days >= FIRST_OF_DATETIME).then(|| DateTime::new(days, 0))
            })?),
            Form::DateTime2(digits) => ColumnData::DateTime2(fitting(there, || {
                let days = u32::try_from(since_year_1()?).ok()?;
                Some(DateTime2::new(Date::new(days), Time::new(0, digits)))
            })?),
        })
    }
}

/// Null, or a value that fits; the outer `None` where it does not.
fn fitting<T>(there: bool, value: impl FnOnce() -> Option<T>) -> Option<Option<T>> {
    match there {
        false => Some(None),
        true => value().map(Some),
    }
}

/// Adds the rows to `target`, all of them or none: an error in the midst of them leaves the connection out of use, and what it wrote is
/// undone with it.
pub(crate) async fn load(connection: &mut SqlServerConnection, target: &str, rows: &RecordBatch) -> Result<()> {
    // INSERT BULK without a row is refused.
    if rows.num_rows() == 0 {
        return Ok(());
    }
    let table = in_brackets(target);
    let names: Vec<String> = rows.schema_ref().fields().iter().map(|field| bracketed(field.name())).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let types: Vec<String> = rows.schema_ref().fields().iter().map(|field| field.data_type().to_string()).collect();
    let key = format!("{table} ({}) {}", names.join(","), types.join(","));
    let forms = match connection.loads.get(&key) {
        Some(forms) => forms.clone(),
        None => {
            let forms = prepare(connection, target, &table, &names, rows).await?;
            if connection.loads.len() >= PREPARED {
                connection.loads.clear();
            }
            connection.loads.insert(key, forms.clone());
            forms
        }
    };

    let (long, short): (Vec<usize>, Vec<usize>) = (0..rows.num_rows()).partition(|at| is_long(rows, *at));
    let loaded = match short.is_empty() {
        true => 0,
        false => send(connection, &table, &names, &forms, rows, &short).await?,
    };
    for at in &long {
        insert(connection, &table, &names, &forms, rows, *at).await?;
    }
    match loaded == short.len() as u64 {
        true => Ok(()),
        false => Err(Error::new(
            Kind::Data,
            format!("{} did not take every row", connection.settings.place),
            "look for a trigger on the table that leaves rows out",
        )),
    }
}

/// Sends the rows at these places as a bulk load; returns how many the server took.
async fn send(
    connection: &mut SqlServerConnection,
    table: &str,
    names: &[&str],
    forms: &[Form],
    rows: &RecordBatch,
    places: &[usize],
) -> Result<u64> {
    connection.state.begun()?;
    let SqlServerConnection { client, settings, state, .. } = connection;
    let send = async {
        let mut bulk = client.bulk_insert_columns(table, names).await?;
        for at in places.iter().copied() {
            let mut row = TokenRow::with_capacity(forms.len());
            for (form, column) in forms.iter().zip(rows.columns()) {
                let value = form.value(column.as_ref(), at);
                row.push(value.ok_or_else(|| tiberius::error::Error::BulkInput("out of range".into()))?);
            }
            bulk.send(row).await?;
        }
        Ok(bulk.finalize().await?.total())
    };
    let done = tokio::time::timeout(settings.query_timeout, send).await;
    state.ended(done)
}

/// Whether a row has a text that is too long for a bulk load.
fn is_long(rows: &RecordBatch, at: usize) -> bool {
    rows.columns().iter().filter(|column| *column.data_type() == DataType::Utf8 && column.is_valid(at)).any(|column| {
        let text = column.as_string::<i32>().value(at);
        // A character has at least as many bytes in UTF-8 as units of UTF-16.
        text.len() > UNITS && text.encode_utf16().count() > UNITS
    })
}

/// Inserts one row by a statement. Null stands in its text: as a parameter it would have a type, which bytes do not take.
async fn insert(
    connection: &mut SqlServerConnection,
    table: &str,
    names: &[&str],
    forms: &[Form],
    rows: &RecordBatch,
    at: usize,
) -> Result<()> {
    connection.state.begun()?;
    let (mut values, mut params) = (Vec::with_capacity(names.len()), Vec::new());
    for (form, column) in forms.iter().zip(rows.columns()) {
        match column.is_null(at) {
            true => values.push("NULL".to_owned()),
            false => {
                let value = form.value(column.as_ref(), at).ok_or_else(|| out_of_range(&connection.settings.place))?;
                params.push(Cell(value));
                values.push(format!("@P{}", params.len()));
            }
        }
    }
    let sql = format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "));
    let params: Vec<&dyn ToSql> = params.iter().map(|cell| cell as &dyn ToSql).collect();
    let run = connection.client.execute(sql, &params);
    let done = tokio::time::timeout(connection.settings.query_timeout, run).await;
    connection.state.ended(done)?;
    Ok(())
}

/// A value of a bulk load as a parameter.
struct Cell<'a>(ColumnData<'a>);

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> ColumnData<'_> {
        self.0.clone()
    }
}

fn out_of_range(place: &str) -> Error {
    Error::new(
        Kind::Data,
        format!("{place} has no value for a number or a date of the rows: it is out of the column's range"),
        "compare the table with the one that csc-bridge creates",
    )
}

async fn prepare(
    connection: &mut SqlServerConnection,
    target: &str,
    table: &str,
    names: &[&str],
    rows: &RecordBatch,
) -> Result<Vec<Form>> {
    connection.state.begun()?;
    let limit = connection.settings.query_timeout;
    let described = tokio::time::timeout(limit, connection.client.column_metadata(table, names)).await;
    let described: Vec<MetaDataColumn<'static>> = connection.state.ended(described)?;
    if described.len() != names.len() {
        return Err(Error::internal("a table has other columns than were asked for"));
    }
    let form = |(column, field): (&MetaDataColumn<'_>, &std::sync::Arc<arrow_schema::Field>)| {
        let digits = match &column.base().ty {
            TypeInfo::VarLenSized(of) => u8::try_from(of.len()).unwrap_or(7).min(7),
            _ => 7,
        };
        Form::of(field.data_type(), ColumnType::from(&column.base().ty), digits).ok_or_else(|| {
            Error::new(
                Kind::Schema,
                format!("the column {} of {target} is of a type into which its values cannot be written", field.name()),
                "compare the table with the one that csc-bridge creates",
            )
        })
    };
    let forms = described.iter().zip(rows.schema_ref().fields()).map(form).collect::<Result<Vec<Form>>>();
    forms.map_err(|error| error.within(&connection.settings.place))
}

/// A name as the driver wants it. It takes double quotes for an attack.
fn bracketed(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// A table as the dialect spells it, `"schema"."table"` or `#table`, with brackets for the quotes.
fn in_brackets(target: &str) -> String {
    let mut table = String::with_capacity(target.len() + 4);
    let (mut within, mut characters) = (false, target.chars().peekable());
    while let Some(character) = characters.next() {
        match character {
            '"' if within && characters.peek() == Some(&'"') => {
                characters.next();
                table.push('"');
            }
            '"' => {
                within = !within;
                table.push(if within { '[' } else { ']' });
            }
            ']' if within => table.push_str("]]"),
            other => table.push(other),
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use arrow_array::{Date32Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn names_are_put_into_brackets() {
        assert_eq!(in_brackets("#csc_bridge_set"), "#csc_bridge_set");
        assert_eq!(in_brackets("\"dbo\".\"a \"\"b\"\" ]c\""), "[dbo].[a \"b\" ]]c]");
        assert_eq!(bracketed("a]b"), "[a]]b]");
    }

    #[test]
    fn values_are_sent_as_the_columns_type() {
        let numbers = Int64Array::from(vec![Some(300), None]);
        assert_eq!(Form::of(&DataType::Int64, ColumnType::Int4, 0), Some(Form::Int4));
        assert_eq!(Form::Int4.value(&numbers, 0), Some(ColumnData::I32(Some(300))));
        assert_eq!(Form::Int4.value(&numbers, 1), Some(ColumnData::I32(None)));
        assert_eq!(Form::Int1.value(&numbers, 0), None);
        assert_eq!(Form::Printed.value(&numbers, 0), Some(ColumnData::String(Some("300".into()))));
        let texts = StringArray::from(vec!["x "]);
        assert_eq!(Form::Text.value(&texts, 0), Some(ColumnData::String(Some("x ".into()))));
        assert_eq!(Form::of(&DataType::Utf8, ColumnType::Int4, 0), None);
    }

    #[test]
    fn days_are_those_of_the_type() {
        let days = Date32Array::from(vec![0, -80_000]);
        assert_eq!(Form::DateTime.value(&days, 0), Some(ColumnData::DateTime(Some(DateTime::new(25_567, 0)))));
        // 1750: DATETIME begins in 1753.
        assert_eq!(Form::DateTime.value(&days, 1), None);
        assert_eq!(Form::Date.value(&days, 0), Some(ColumnData::Date(Some(Date::new(719_162)))));
        let midnight = DateTime2::new(Date::new(719_162), Time::new(0, 3));
        assert_eq!(Form::DateTime2(3).value(&days, 0), Some(ColumnData::DateTime2(Some(midnight))));
    }
}
