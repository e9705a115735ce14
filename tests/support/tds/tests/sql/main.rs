//! The statements, without the protocol.

#![allow(clippy::unwrap_used)]

mod catalogue;
mod changes;
mod collations;
mod definitions;
mod errors;
mod locks;
mod queries;

use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_test_postgres::Server;
use csc_bridge_test_tds::PostgresBackend;
use csc_bridge_test_tds::session::{
    Answer, Backend, Cancelled, Column, Failed, Login, Param, Part, Request, Session, Type, Value,
};

/// A database with its backend; none where no PostgreSQL is installed.
struct Database {
    server: &'static Server,
    name: String,
    backend: PostgresBackend,
}

fn database() -> Option<Database> {
    let server = csc_bridge_test_postgres::shared()?;
    let name = server.database();
    let backend = PostgresBackend::new(server, &name);
    Some(Database { server, name, backend })
}

impl Database {
    async fn open(&self) -> Sql {
        Sql(self.backend.open(&login("sa", "")).await.unwrap())
    }
}

fn login(user: &str, password: &str) -> Login {
    Login { user: user.to_owned(), password: password.to_owned(), ..Login::default() }
}

/// Everything that an answer holds.
#[derive(Default)]
struct Collected {
    columns: Vec<Arc<[Column]>>,
    rows: Vec<Vec<Value>>,
    done: Vec<Option<u64>>,
    returned: Vec<i32>,
    /// After so many rows it wants no more.
    enough: Option<usize>,
}

#[async_trait]
impl Answer for Collected {
    async fn part(&mut self, part: Part) -> Result<(), Cancelled> {
        match part {
            Part::Columns(columns) => self.columns.push(columns),
            Part::Row(row) => self.rows.push(row),
            Part::Done(count) => self.done.push(count),
            Part::Returned(value) => self.returned.push(value),
            _ => {}
        }
        match self.enough {
            Some(enough) if self.rows.len() > enough => Err(Cancelled),
            _ => Ok(()),
        }
    }
}

struct Sql(Box<dyn Session>);

impl Sql {
    async fn try_batch(&mut self, sql: &str) -> Result<Collected, Failed> {
        let mut collected = Collected::default();
        self.0.run(Request::Batch(sql.to_owned()), &mut collected).await?;
        Ok(collected)
    }

    async fn batch(&mut self, sql: &str) -> Collected {
        self.try_batch(sql).await.unwrap_or_else(|failed| panic!("{sql}: {failed:?}"))
    }

    async fn text(&mut self, sql: &str, params: &[(Type, Value)]) -> Collected {
        let params = params.iter().enumerate().map(|(at, (kind, value))| Param {
            name: format!("@P{}", at + 1),
            kind: *kind,
            value: value.clone(),
            output: false,
        });
        let mut collected = Collected::default();
        let request = Request::Text { sql: sql.to_owned(), params: params.collect() };
        let ran = self.0.run(request, &mut collected).await;
        ran.unwrap_or_else(|failed| panic!("{sql}: {failed:?}"));
        collected
    }

    /// The one value of a query, with its type.
    async fn one(&mut self, sql: &str) -> (Type, Value) {
        let mut answer = self.batch(sql).await;
        assert_eq!(answer.rows.len(), 1, "{sql}");
        (answer.columns[0][0].kind, answer.rows.remove(0).remove(0))
    }

    async fn int(&mut self, sql: &str) -> i64 {
        match self.one(sql).await.1 {
            Value::Integer(number) => number,
            other => panic!("{sql}: {other:?}"),
        }
    }

    async fn error(&mut self, sql: &str) -> i32 {
        match self.try_batch(sql).await {
            Err(Failed::Error(error)) => error.number,
            Err(other) => panic!("{sql}: {other:?}"),
            Ok(_) => panic!("{sql}: no error"),
        }
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
