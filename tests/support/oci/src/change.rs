//! Statements that change rows, once or for each row of an array.

use futures_util::future::join_all;

use crate::connection::{Connection, Outcome, Request, locked};
use crate::error::{Result, ends_session, from_postgres, told};
use crate::session::{bound, timed};
use crate::sql;

/// Rows of an array that are under way at once.
const IN_FLIGHT: usize = 200;

/// The sequence, as it is written, that holds when a table was truncated last: every transaction sees it as it is now.
pub(crate) fn truncated(table: &str) -> String {
    let name: String = format!("truncated {table}").chars().take(60).collect();
    format!("oracle.{}", sql::quote(&name))
}

impl Connection {
    pub(crate) fn change(&self, request: &Request<'_>, sql: &str, tables: &[String]) -> Result<Outcome> {
        self.own_tables(tables)?;
        let whole = self.protected(async |session| {
            let statement = session.prepare(sql, request.kinds, request.text).await?;
            let client = session.client()?;
            let mut counts = Vec::with_capacity(request.rows.len());
            for rows in request.rows.chunks(IN_FLIGHT) {
                let sent = rows.iter().map(|row| client.execute_raw(&statement, bound(row)));
                for done in timed(request.timeout, &self.cancel, join_all(sent)).await? {
                    counts.push(done.map_err(|fault| from_postgres(&fault, request.text))?);
                }
            }
            Ok(Outcome { counts, ..Outcome::default() })
        });
        match whole {
            Err(fault) if request.rows.len() > 1 && !ends_session(fault.code) && fault.code != 1013 => {
                self.row_by_row(request, sql)
            }
            Err(fault) if request.keeps_errors && !ends_session(fault.code) => {
                Ok(Outcome { counts: vec![0], errors: vec![(0, fault)], ..Outcome::default() })
            }
            done => done,
        }
    }

    /// Once more, a row at a time: those before the one that fails stand.
    fn row_by_row(&self, request: &Request<'_>, sql: &str) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        for (at, row) in request.rows.iter().enumerate() {
            let done = self.protected(async |session| {
                let statement = session.prepare(sql, request.kinds, request.text).await?;
                let done = session.client()?.execute_raw(&statement, bound(row)).await;
                done.map_err(|fault| from_postgres(&fault, request.text))
            });
            match done {
                Ok(count) => outcome.counts.push(count),
                Err(fault) if ends_session(fault.code) => return Err(fault),
                Err(fault) if request.keeps_errors => {
                    outcome.counts.push(0);
                    outcome.errors.push((at as u32, fault));
                }
                Err(fault) => {
                    outcome.stopped = Some(fault);
                    break;
                }
            }
        }
        Ok(outcome)
    }

    /// A table that somebody truncated since the transaction began is not read.
    pub(crate) fn still_there(&self, tables: &[String]) -> Result<()> {
        for table in tables {
            let gone =
                "SELECT COALESCE(pg_sequence_last_value(to_regclass($1)) > extract(epoch FROM now()) * 1000000, false)";
            let sequence = truncated(table);
            let is_gone = self.protected(async |session| {
                let found = session.client()?.query_one(gone, &[&sequence]).await;
                found.map(|row| row.get::<_, bool>(0)).map_err(|fault| from_postgres(&fault, gone))
            })?;
            if is_gone {
                return Err(told(1466, "unable to read data - table definition has changed"));
            }
        }
        Ok(())
    }

    /// Makes this session's own tables for the temporary ones among those of a statement.
    pub(crate) fn own_tables(&self, tables: &[String]) -> Result<()> {
        let new: Vec<&String> = {
            let session = locked(&self.session);
            tables.iter().filter(|table| !session.known.contains(*table)).collect()
        };
        for table in new {
            let known = "SELECT on_commit FROM oracle.temporary_tables WHERE name = $1";
            let temporary = self.protected(async |session| {
                let found = session.client()?.query_opt(known, &[table]).await;
                found.map(|row| row.map(|row| row.get::<_, String>(0))).map_err(|fault| from_postgres(&fault, known))
            })?;
            if let Some(on_commit) = temporary {
                let name = sql::quote(table);
                let sql = format!(
                    "CREATE TEMPORARY TABLE IF NOT EXISTS {name} (LIKE public.{name} INCLUDING ALL) ON COMMIT {on_commit} ROWS"
                );
                self.protected(async |session| session.run(&sql, &sql).await)?;
            }
            locked(&self.session).known.insert(table.clone());
        }
        Ok(())
    }
}
