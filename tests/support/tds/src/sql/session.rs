//! One session: its options, its transaction, and which statement is run how.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use sqlparser::ast::{Expr, ObjectType, Statement as Ast};
use sqlparser::dialect::MsSqlDialect;
use sqlparser::parser::Parser;
use tokio_postgres::Client;

use super::bulk::{self, Announced};
use super::catalogue::{Catalogue, Table, quote};
use super::errors::{error, failed, unsupported};
use super::own::{self, Isolation, Own};
use super::parse::{self, Kind, Statement};
use super::rewrite::{Asked, Rewriter, Rewritten, Stop, Written, none};
use super::run::{self, Running};
use super::{locks, values};
use crate::session::{Answer, Failed, Param, Part, Request, Session, SqlError, Type, Value};

/// One connection to PostgreSQL.
pub(crate) struct PostgresSession {
    client: Client,
    catalogue: Catalogue,
    asked: Asked,
    isolation: Isolation,
    no_count: bool,
    xact_abort: bool,
    lock_timeout: i64,
    /// An error has doomed the transaction.
    is_doomed: bool,
    /// A request was abandoned, and its cancellation may be under way.
    is_interrupted: bool,
    bulk: Option<Announced>,
}

/// What a statement was written out as.
enum Out {
    Run(Rewritten),
    Define(Vec<String>),
}

impl PostgresSession {
    pub(crate) fn new(client: Client, process: i32, database: &str, user: &str) -> PostgresSession {
        let asked = Asked { process, database: database.to_owned(), user: user.to_owned(), ..Asked::default() };
        PostgresSession {
            client,
            catalogue: Catalogue::default(),
            asked,
            isolation: Isolation::default(),
            no_count: false,
            xact_abort: false,
            lock_timeout: -1,
            is_doomed: false,
            is_interrupted: false,
            bulk: None,
        }
    }

    async fn answer(&mut self, request: Request, answer: &mut dyn Answer) -> Result<(), Failed> {
        match request {
            Request::Batch(sql) => self.batch(&sql, Vec::new(), answer).await,
            Request::Text { sql, params } => self.batch(&sql, params, answer).await,
            Request::Procedure { name, params } => {
                let args = params.into_iter().enumerate().map(|(at, param)| {
                    const ORDER: [&str; 4] = ["@Resource", "@LockMode", "@LockOwner", "@LockTimeout"];
                    let by_place = ORDER.get(at).copied().unwrap_or_default().to_owned();
                    (if param.name.is_empty() { by_place } else { param.name }, param.value)
                });
                let returned = self.procedure(&name, &args.collect::<Vec<_>>()).await?;
                answer.part(Part::Returned(returned)).await?;
                Ok(())
            }
            Request::Bulk { columns, rows } => {
                let into = self.bulk.take().ok_or_else(|| error(4002, "a bulk load that no INSERT BULK announced"))?;
                let count = bulk::load(&self.client, &into, &columns, &rows).await?;
                self.asked.row_count = count;
                Ok(answer.part(Part::Done(Some(count))).await?)
            }
        }
    }

    async fn batch(&mut self, sql: &str, params: Vec<Param>, answer: &mut dyn Answer) -> Result<(), Failed> {
        self.asked.params = params;
        for statement in parse::batch(sql)? {
            self.statement(&statement, answer).await?;
        }
        Ok(())
    }

    async fn statement(&mut self, statement: &Statement, answer: &mut dyn Answer) -> Result<(), Failed> {
        if let Kind::Own(own) = &statement.kind {
            return Box::pin(self.own(own, statement, answer)).await;
        }
        match self.write(&statement.text, |rewriter| write(rewriter, &statement.kind)).await? {
            Out::Define(statements) => {
                let sql = statements.join("; ");
                self.client.batch_execute(&sql).await.map_err(|fault| failed(&fault, &statement.text))?;
                Ok(answer.part(Part::Done(None)).await?)
            }
            Out::Run(written) => {
                if written.has_tables {
                    self.check_snapshot().await?;
                }
                if self.asked.transactions > 0 {
                    for sql in &written.before {
                        self.client.batch_execute(sql).await.map_err(|fault| failed(&fault, &statement.text))?;
                    }
                }
                let count = run::run(&self.client, &written, &self.asked, &statement.text, answer).await?;
                self.asked.row_count = count;
                Ok(answer.part(Part::Done((!self.no_count).then_some(count))).await?)
            }
        }
    }

    /// Writes a statement out, and looks its tables up on the way.
    async fn write<T>(&self, text: &str, write: impl Fn(Rewriter<'_>) -> Written<T>) -> Result<T, Failed> {
        let mut known = HashMap::new();
        loop {
            match write(Rewriter::new(&known, &self.asked)) {
                Ok(written) => return Ok(written),
                Err(Stop::Table(key)) => {
                    let table = self.catalogue.find(&self.client, &key).await.map_err(|fault| failed(&fault, text))?;
                    known.insert(key, table);
                }
                Err(Stop::Error(error)) => return Err(error.into()),
                Err(Stop::Shape) => return Err(unsupported(text).into()),
            }
        }
    }

    async fn own(&mut self, own: &Own, statement: &Statement, answer: &mut dyn Answer) -> Result<(), Failed> {
        match own {
            Own::Begin => self.begin().await?,
            Own::Commit => self.commit().await?,
            Own::Rollback if self.asked.transactions == 0 => {
                let message = "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.";
                return Err(error(3903, message).into());
            }
            Own::Rollback => self.rollback().await?,
            Own::Nothing => {}
            Own::NoCount(on) => self.no_count = *on,
            Own::XactAbort(on) => self.xact_abort = *on,
            Own::LockTimeout(milliseconds) => {
                self.lock_timeout = *milliseconds;
                self.set_lock_timeout().await?;
            }
            Own::Isolation(isolation) => self.isolation = *isolation,
            Own::Declare { name, kind, value } => {
                let value = match value {
                    None => Value::Null,
                    Some(value) => self.evaluate(value, Some(*kind), &statement.text).await?,
                };
                self.asked.params.push(Param { name: name.clone(), kind: *kind, value, output: false });
            }
            Own::Procedure { name, into, args } => {
                let mut given = Vec::new();
                for (name, value) in args {
                    given.push((name.clone(), self.evaluate(value, None, &statement.text).await?));
                }
                let returned = self.procedure(name, &given).await?;
                if let Some(into) = into {
                    let mut params = self.asked.params.iter_mut();
                    let Some(param) = params.find(|param| param.name.eq_ignore_ascii_case(into)) else {
                        return Err(error(137, format!("Must declare the scalar variable \"{into}\".")).into());
                    };
                    param.value = Value::Integer(returned.into());
                }
                answer.part(Part::Returned(returned)).await?;
            }
            Own::Truncate { table } => {
                let table = self.table(table, &statement.text).await?;
                self.execute(&format!("TRUNCATE TABLE {}", table.sql), &statement.text).await?;
            }
            Own::InsertBulk { table, columns } => {
                let table = self.table(table, &statement.text).await?;
                self.bulk = Some(Announced { table, columns: columns.clone() });
            }
            Own::Setting { name, on } => {
                let sql = format!("UPDATE mssql.settings SET value = '{}' WHERE name = '{name}'", u8::from(*on));
                self.execute(&sql, &statement.text).await?;
            }
            Own::CreateSchema { name } => {
                self.execute(&format!("CREATE SCHEMA {}", quote(name)), &statement.text).await?;
            }
            Own::IfInTransaction(then) => {
                return match self.asked.transactions {
                    0 => Ok(answer.part(Part::Done(None)).await?),
                    _ => self.statement(then, answer).await,
                };
            }
        }
        Ok(answer.part(Part::Done(None)).await?)
    }

    async fn execute(&self, sql: &str, text: &str) -> Result<(), Failed> {
        self.client.batch_execute(sql).await.map_err(|fault| failed(&fault, text))
    }

    async fn table(&self, name: &str, text: &str) -> Result<Table, Failed> {
        let parsed =
            Parser::new(&MsSqlDialect {}).try_with_sql(name).and_then(|mut parser| parser.parse_object_name(false));
        let name = parsed.map_err(|_| unsupported(text))?;
        self.write(text, |mut rewriter| rewriter.table(&name).cloned()).await
    }

    /// The value of an expression without tables.
    async fn evaluate(&self, expr: &Expr, kind: Option<Type>, text: &str) -> Result<Value, Failed> {
        let (written, kind) = self
            .write(text, |mut rewriter| {
                let mut value = rewriter.expr(expr)?;
                if let Some(kind) = kind {
                    value = rewriter.convert(kind, value, None)?;
                }
                let kind = value.kind.unwrap_or(Type::Int);
                Ok((rewriter.finish(format!("SELECT {}", value.text), None), kind))
            })
            .await?;
        let told = |fault: tokio_postgres::Error| failed(&fault, text);
        let params: Vec<&Param> = written.bound.iter().map(|at| &self.asked.params[*at]).collect();
        let kinds: Vec<_> = params.iter().map(|param| values::sent_as(param.kind)).collect();
        let bound: Vec<values::Bound> =
            params.iter().map(|param| values::Bound::new(param.kind, &param.value)).collect();
        let prepared = self.client.prepare_typed(&written.sql, &kinds).await.map_err(told)?;
        let bound: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = bound.iter().map(|bound| bound as _).collect();
        let row = self.client.query_one(&prepared, &bound).await.map_err(told)?;
        let raw = row.try_get(0).map_err(told)?;
        Ok(values::value(raw, prepared.columns()[0].type_(), kind).ok_or_else(|| unsupported(text))?)
    }

    async fn procedure(&mut self, name: &str, args: &[(String, Value)]) -> Result<i32, Failed> {
        let name = name.to_lowercase().replace(['[', ']'], "");
        let name = name.rsplit('.').next().unwrap_or_default();
        match name {
            "sp_getapplock" | "sp_releaseapplock" => {
                locks::run(&self.client, name, args, self.asked.transactions > 0).await
            }
            _ => Err(own::no_procedure(name).into()),
        }
    }

    async fn begin(&mut self) -> Result<(), Failed> {
        if self.asked.transactions == 0 {
            let level = match self.isolation {
                Isolation::ReadCommitted => "READ COMMITTED",
                Isolation::RepeatableRead | Isolation::Snapshot => "REPEATABLE READ",
                Isolation::Serializable => "SERIALIZABLE",
            };
            self.execute(&format!("BEGIN ISOLATION LEVEL {level}"), "BEGIN TRANSACTION").await?;
        }
        self.asked.transactions += 1;
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), Failed> {
        match self.asked.transactions {
            0 => {
                let message = "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.";
                return Err(error(3902, message).into());
            }
            // PostgreSQL would take it for ROLLBACK.
            _ if self.is_doomed => {
                let message = "The current transaction cannot be committed and cannot support operations that write to the log file. Roll back the transaction.";
                return Err(error(3930, message).into());
            }
            1 => self.execute("COMMIT", "COMMIT TRANSACTION").await?,
            _ => {}
        }
        self.asked.transactions -= 1;
        Ok(())
    }

    async fn rollback(&mut self) -> Result<(), Failed> {
        self.asked.transactions = 0;
        self.is_doomed = false;
        self.execute("ROLLBACK", "ROLLBACK TRANSACTION").await?;
        // PostgreSQL has undone that, too.
        self.set_lock_timeout().await
    }

    /// PostgreSQL knows no wait of no time at all.
    async fn set_lock_timeout(&self) -> Result<(), Failed> {
        let milliseconds = match self.lock_timeout {
            ..0 => 0,
            0 => 1,
            milliseconds => milliseconds,
        };
        self.execute(&format!("SET lock_timeout = {milliseconds}"), "SET LOCK_TIMEOUT").await
    }

    async fn check_snapshot(&self) -> Result<(), Failed> {
        if self.isolation != Isolation::Snapshot {
            return Ok(());
        }
        let sql = "SELECT value FROM mssql.settings WHERE name = 'snapshot_isolation_state'";
        let state: String = self.client.query_one(sql, &[]).await.map_err(|fault| failed(&fault, sql))?.get(0);
        match state.as_str() {
            "1" => Ok(()),
            _ => {
                let message = format!(
                    "Snapshot isolation transaction failed accessing database '{}' because snapshot isolation is not allowed in this database. Use ALTER DATABASE to allow snapshot isolation.",
                    self.asked.database
                );
                Err(error(3952, message).into())
            }
        }
    }

    /// Waits until what was abandoned has ended, and its cancellation with it.
    async fn settle(&mut self) {
        if std::mem::replace(&mut self.is_interrupted, true) {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_millis(30)).await;
                let _ = self.client.simple_query("SELECT 1").await;
            }
        }
    }

    /// What an error does to the transaction.
    async fn after(&mut self, failure: &Failed) {
        let number = if let Failed::Error(error) = failure { error.number } else { 0 };
        if self.asked.transactions > 0 {
            // An error that this server found by itself leaves PostgreSQL's transaction as it was.
            let is_doomed = self.client.batch_execute("SELECT 1").await.is_err();
            self.is_doomed = is_doomed;
            if [1205, 3960].contains(&number) || self.xact_abort && number != 0 {
                let _ = self.rollback().await;
            }
        }
    }
}

fn write(mut rewriter: Rewriter<'_>, kind: &Kind) -> Written<Out> {
    let none_computed: &[parse::Computed] = &[];
    let (ast, computed) = match kind {
        Kind::Parsed(ast) => (&**ast, none_computed),
        Kind::WithComputed(ast, computed) => (&**ast, computed.as_slice()),
        Kind::AddComputed(added) => return rewriter.add_computed(&added.0, &added.1).map(Out::Define),
        Kind::Own(_) => return Err(Stop::Shape),
    };
    none(computed.is_empty() || matches!(ast, Ast::CreateTable(_)))?;
    Ok(match ast {
        Ast::Query(query) => {
            let (sql, columns) = rewriter.query(query, None)?;
            Out::Run(rewriter.finish(sql, Some(columns)))
        }
        Ast::Insert(insert) => {
            let sql = rewriter.insert(insert)?;
            Out::Run(rewriter.finish(sql, None))
        }
        Ast::Update(update) => {
            let sql = rewriter.update(update)?;
            Out::Run(rewriter.finish(sql, None))
        }
        Ast::Delete(delete) => {
            let sql = rewriter.delete(delete)?;
            Out::Run(rewriter.finish(sql, None))
        }
        Ast::CreateTable(create) => Out::Define(rewriter.create_table(create, computed)?),
        Ast::CreateIndex(create) => Out::Define(rewriter.create_index(create)?),
        Ast::CreateView(create) => Out::Define(rewriter.create_view(create)?),
        Ast::AlterTable(alter) => Out::Define(rewriter.alter_table(alter)?),
        Ast::Drop { object_type: ObjectType::Table, if_exists, names, cascade: false, .. } => {
            let mut tables = Vec::new();
            for name in names {
                match rewriter.table(name) {
                    Ok(table) => tables.push(format!("DROP TABLE {}", table.sql)),
                    Err(Stop::Error(missing)) if missing.number == 208 && *if_exists => {}
                    Err(Stop::Error(missing)) if missing.number == 208 => return Err(no_table(name)?.into()),
                    Err(stop) => return Err(stop),
                }
            }
            Out::Define(tables)
        }
        _ => return Err(Stop::Shape),
    })
}

fn no_table(name: &sqlparser::ast::ObjectName) -> Written<SqlError> {
    let name = super::rewrite::plain(name)?;
    Ok(error(3701, format!("Cannot drop the table '{name}', because it does not exist or you do not have permission.")))
}

#[async_trait]
impl Session for PostgresSession {
    async fn run(&mut self, request: Request, answer: &mut dyn Answer) -> Result<(), Failed> {
        self.settle().await;
        let running = Running::new(&self.client);
        let answered = self.answer(request, answer).await;
        if let Err(failure) = &answered {
            self.after(failure).await;
        }
        running.ended();
        self.is_interrupted = false;
        answered
    }

    async fn reset(&mut self) -> Result<(), SqlError> {
        self.settle().await;
        let told = |failure: Failed| match failure {
            Failed::Error(error) => error,
            Failed::Cancelled | Failed::Dropped => {
                error(596, "Cannot continue the execution because the session is in the kill state.")
            }
        };
        (self.no_count, self.xact_abort, self.lock_timeout) = (false, false, -1);
        self.isolation = Isolation::default();
        self.bulk = None;
        self.rollback().await.map_err(told)?;
        self.execute("SELECT pg_advisory_unlock_all()", "reset").await.map_err(told)?;
        self.execute("DISCARD TEMP", "reset").await.map_err(told)?;
        self.is_interrupted = false;
        Ok(())
    }
}
