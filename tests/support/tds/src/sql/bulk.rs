//! Bulk loads, by PostgreSQL's COPY.

use std::pin::pin;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt;
use tokio_postgres::Client;

use super::catalogue::{Table, quote};
use super::errors::{error, failed};
use super::rewrite::exact_first;
use super::values;
use crate::session::{Column, Failed, Value};

/// Bytes that are sent at a time.
const CHUNK: usize = 64 * 1024;

/// The table that INSERT BULK named, and its columns.
#[derive(Debug, Clone)]
pub(crate) struct Announced {
    pub(crate) table: Table,
    pub(crate) columns: Vec<String>,
}

/// Puts the rows into the table; how many there were.
pub(crate) async fn load(
    client: &Client,
    into: &Announced,
    columns: &[Column],
    rows: &[Vec<Value>],
) -> Result<u64, Failed> {
    let mut names = Vec::new();
    for name in &into.columns {
        let found = exact_first(&into.table.columns, name);
        names.push(quote(&found.ok_or_else(|| error(207, format!("Invalid column name '{name}'.")))?.name));
    }
    if columns.len() != names.len() {
        let message = format!("INSERT BULK named {} columns, and the rows have {}", names.len(), columns.len());
        return Err(error(4819, message).into());
    }
    let sql = format!("COPY {} ({}) FROM STDIN", into.table.sql, names.join(", "));
    let told = |fault: tokio_postgres::Error| failed(&fault, &sql);
    let mut sink = pin!(client.copy_in::<_, Bytes>(&sql).await.map_err(told)?);
    let mut buffer = BytesMut::with_capacity(CHUNK);
    for row in rows {
        for (at, (value, column)) in row.iter().zip(columns).enumerate() {
            if at > 0 {
                buffer.put_u8(b'\t');
            }
            match value {
                Value::Null => buffer.put_slice(b"\\N"),
                Value::Bytes(bytes) => {
                    buffer.put_slice(b"\\\\x");
                    bytes.iter().for_each(|byte| buffer.put_slice(format!("{byte:02x}").as_bytes()));
                }
                value => {
                    let text = values::text(column.kind, value).map_err(|fault| error(4816, fault.to_string()))?;
                    escape(&text, &mut buffer);
                }
            }
        }
        buffer.put_u8(b'\n');
        if buffer.len() >= CHUNK {
            sink.send(buffer.split().freeze()).await.map_err(told)?;
        }
    }
    if !buffer.is_empty() {
        sink.send(buffer.freeze()).await.map_err(told)?;
    }
    sink.finish().await.map_err(told)
}

fn escape(text: &str, buffer: &mut BytesMut) {
    for byte in text.bytes() {
        match byte {
            b'\\' => buffer.put_slice(b"\\\\"),
            b'\t' => buffer.put_slice(b"\\t"),
            b'\n' => buffer.put_slice(b"\\n"),
            b'\r' => buffer.put_slice(b"\\r"),
            byte => buffer.put_u8(byte),
        }
    }
}
