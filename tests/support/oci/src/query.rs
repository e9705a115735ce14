//! Queries: begun, and fetched.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::StreamExt;
use tokio::sync::Mutex as AsyncMutex;

use crate::connection::{Connection, Outcome, Request, locked};
use crate::error::{Result, ends_session, from_postgres, ora};
use crate::session::{Coming, Rows, bound, timed, values};
use crate::types::Column;
use crate::value::Value;

/// The rows of a query: as many as were fetched ahead, and the rest that is under way.
#[derive(Clone)]
pub(crate) struct Cursor {
    rows: Arc<AsyncMutex<Rows>>,
    text: String,
    /// The error that a test wants (0: the end of the connection), and after how many rows.
    pub(crate) cut: Option<(i32, u64)>,
}

impl Connection {
    /// Begins a query.
    pub(crate) fn query(&self, request: &Request<'_>, sql: &str, tables: &[String]) -> Result<Outcome> {
        let reading = self.reading.load(Ordering::Acquire);
        if reading {
            self.still_there(tables)?;
        }
        self.own_tables(tables)?;
        let values = request.rows.first().map(Vec::as_slice).unwrap_or_default();
        let (cancel, all) = (self.cancel.clone(), self.is_changing() && !reading);
        self.protected(async |session| {
            let statement = session.prepare(sql, request.kinds, request.text).await?;
            let columns = statement.columns().iter().map(Column::of).collect::<Result<Vec<_>>>()?;
            let mut rows = Rows { ahead: VecDeque::new(), coming: None, failed: None };
            if !request.only_described {
                let client = session.client()?;
                let begun = client.query_raw(&statement, bound(values));
                let told = |fault: tokio_postgres::Error| from_postgres(&fault, request.text);
                let mut coming: Coming = Box::pin(timed(request.timeout, &cancel, begun).await?.map_err(told)?);
                // Inside a transaction that writes all are read at once, for its savepoint is released now. Else the first tells whether the
                // query works at all.
                let mut is_over = false;
                while !is_over && (all || rows.ahead.is_empty()) {
                    match timed(request.timeout, &cancel, coming.next()).await? {
                        Some(row) => rows.ahead.push_back(row.map_err(told)?),
                        None => is_over = true,
                    }
                }
                rows.coming = (!is_over).then_some(coming);
                session.has_savepoint = reading;
            }
            let rows = Arc::new(AsyncMutex::new(rows));
            session.cursor = Arc::downgrade(&rows);
            let cursor = Some(Cursor { rows, text: request.text.to_owned(), cut: None });
            Ok(Outcome { columns, cursor, ..Outcome::default() })
        })
    }

    /// The next rows of a query, and whether they are the last.
    pub(crate) fn fetch(&self, cursor: &Cursor, most: usize, before: u64) -> Result<(Vec<Vec<Value>>, bool)> {
        let mut most = most;
        if let Some((code, rows)) = cursor.cut {
            most = most.min(rows.saturating_sub(before) as usize);
            if most == 0 {
                if code == 0 || ends_session(code) {
                    self.end(&mut locked(&self.session));
                }
                return Err(ora(if code == 0 { 3113 } else { code }));
            }
        }
        self.with(async |_| {
            let mut rows = cursor.rows.lock().await;
            let mut got = Vec::with_capacity(most.min(1000));
            while got.len() < most {
                match rows.next(&cursor.text).await? {
                    Some(row) => got.push(values(&row, &cursor.text)?),
                    None => return Ok((got, true)),
                }
            }
            Ok((got, false))
        })
    }
}
