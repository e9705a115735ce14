//! A backend in memory that answers what these tests ask, and a client for it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use csc_bridge_test_tds::session::*;
use csc_bridge_test_tds::{Options, Server};
use tiberius::{AuthMethod, Config, EncryptionLevel};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

pub type Client = tiberius::Client<Compat<TcpStream>>;

#[derive(Clone, Default)]
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Value>>,
}

/// What the sessions share.
#[derive(Default)]
pub struct Memory {
    pub tables: Mutex<BTreeMap<String, Table>>,
    /// The parameters of the last text or procedure.
    pub params: Mutex<Vec<Param>>,
    /// How many rows `ROWS` has handed over.
    pub handed_over: AtomicU64,
    pub resets: AtomicU64,
    /// How many answers were told that the client does not want the rest.
    pub cancelled: AtomicU64,
}

impl Memory {
    pub fn table(&self, name: &str) -> Option<Table> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub fn with_table(name: &str, table: Table) -> Arc<Memory> {
        let memory = Memory::default();
        memory.tables.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), table);
        Arc::new(memory)
    }

    fn load(&self, name: &str, columns: &[Column], rows: Vec<Vec<Value>>) -> Result<(), SqlError> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let table = tables.get_mut(name).ok_or_else(|| error(208, 16, "no such table"))?;
        if table.columns != columns {
            return Err(error(4816, 16, &format!("{columns:?} instead of {:?}", table.columns)));
        }
        table.rows.extend(rows);
        Ok(())
    }

    pub fn params(&self) -> Vec<Param> {
        self.params.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// `Arc<Memory>` cannot be a backend itself: the trait is another crate's.
pub struct Shared(pub Arc<Memory>);

struct Open {
    memory: Arc<Memory>,
    bulk: String,
}

#[async_trait]
impl Backend for Shared {
    async fn open(&self, login: &Login) -> Result<Box<dyn Session>, SqlError> {
        if login.password != "Schlüssel;{}" {
            return Err(error(18_456, 14, &format!("Login failed for user '{}'.", login.user)));
        }
        Ok(Box::new(Open { memory: self.0.clone(), bulk: String::new() }))
    }
}

#[async_trait]
impl Session for Open {
    async fn run(&mut self, request: Request, answer: &mut dyn Answer) -> Result<(), Failed> {
        let result = self.answer(request, answer).await;
        if result == Err(Failed::Cancelled) {
            self.memory.cancelled.fetch_add(1, Ordering::SeqCst);
        }
        result
    }

    async fn reset(&mut self) -> Result<(), SqlError> {
        self.memory.resets.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Open {
    async fn answer(&mut self, request: Request, answer: &mut dyn Answer) -> Result<(), Failed> {
        match request {
            Request::Batch(text) => self.batch(&text, answer).await,
            Request::Text { sql, params } => {
                self.memory.params.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&params);
                if sql != "ECHO" {
                    return self.batch(&sql, answer).await;
                }
                let columns =
                    params.iter().map(|p| Column { name: p.name.clone(), kind: p.kind, nullable: true }).collect();
                answer.part(Part::Columns(columns)).await?;
                answer.part(Part::Row(params.into_iter().map(|p| p.value).collect())).await?;
                answer.part(Part::Done(Some(1))).await?;
                Ok(())
            }
            Request::Procedure { params, .. } => {
                self.memory.params.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&params);
                answer.part(Part::Done(Some(3))).await?;
                answer.part(Part::Returned(7)).await?;
                for param in params.into_iter().filter(|param| param.output) {
                    answer.part(Part::Output(param)).await?;
                }
                Ok(())
            }
            Request::Bulk { columns, rows } => {
                let count = rows.len() as u64;
                self.memory.load(&self.bulk, &columns, rows)?;
                answer.part(Part::Done(Some(count))).await?;
                Ok(())
            }
        }
    }

    async fn batch(&mut self, text: &str, answer: &mut dyn Answer) -> Result<(), Failed> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            ["SELECT", "TOP", "0", "*", "FROM", name] | ["SELECT", "*", "FROM", name] => {
                let table = self.memory.table(name);
                let table = table.ok_or_else(|| error(208, 16, &format!("Invalid object name '{name}'.")))?;
                answer.part(Part::Columns(table.columns.into())).await?;
                let rows = if words[1] == "TOP" { Vec::new() } else { table.rows };
                let count = rows.len() as u64;
                for row in rows {
                    answer.part(Part::Row(row)).await?;
                }
                answer.part(Part::Done(Some(count))).await?;
            }
            ["INSERT", "BULK", name, ..] => {
                self.bulk = name.to_owned();
                answer.part(Part::Done(None)).await?;
            }
            ["ROWS", count] => {
                let columns: Arc<[Column]> =
                    [column("id", Type::Int, false), column("text", Type::NVarChar(Some(100)), true)].into();
                answer.part(Part::Columns(columns)).await?;
                let count: u64 = count.parse().map_err(|_| error(102, 15, "no number"))?;
                for number in 0..count {
                    let row = vec![Value::Integer(number as i64), Value::Text("x".repeat(20))];
                    answer.part(Part::Row(row)).await?;
                    self.memory.handed_over.fetch_add(1, Ordering::SeqCst);
                }
                answer.part(Part::Done(Some(count))).await?;
            }
            ["WIDE", count] => {
                answer.part(Part::Columns([column("bytes", Type::VarBinary(Some(8000)), true)].into())).await?;
                let count: u64 = count.parse().map_err(|_| error(102, 15, "no number"))?;
                for _ in 0..count {
                    answer.part(Part::Row(vec![Value::Bytes(vec![0; 8000])])).await?;
                    self.memory.handed_over.fetch_add(1, Ordering::SeqCst);
                }
                answer.part(Part::Done(Some(count))).await?;
            }
            ["WAIT"] => {
                answer.cancelled().await;
                return Err(Failed::Cancelled);
            }
            ["STUCK"] => std::future::pending().await,
            ["DIE"] => return Err(Failed::Dropped),
            ["HALF"] => {
                answer.part(Part::Columns([column("id", Type::Int, false)].into())).await?;
                answer.part(Part::Row(vec![Value::Integer(1)])).await?;
                return Err(error(8134, 16, "Divide by zero error encountered.").into());
            }
            ["UNFIT"] => {
                answer.part(Part::Columns([column("id", Type::Int, false)].into())).await?;
                answer.part(Part::Row(vec![Value::Text("one".to_owned())])).await?;
            }
            ["TWO"] => {
                answer.part(Part::Info(error(50_000, 0, "hello"))).await?;
                answer.part(Part::Done(Some(2))).await?;
                answer.part(Part::Database("other".to_owned())).await?;
                answer.part(Part::Done(Some(5))).await?;
            }
            _ => answer.part(Part::Done(None)).await?,
        }
        Ok(())
    }
}

pub fn error(number: i32, class: u8, message: &str) -> SqlError {
    SqlError { number, class, message: message.to_owned() }
}

pub fn column(name: &str, kind: Type, nullable: bool) -> Column {
    Column { name: name.to_owned(), kind, nullable }
}

pub fn start(memory: &Arc<Memory>) -> Server {
    Server::start(Arc::new(Shared(memory.clone())), Options::default())
}

pub fn config(server: &Server) -> Config {
    let mut config = Config::new();
    config.host("localhost");
    config.port(server.port());
    config.database("HDM");
    config.application_name("tests");
    config.authentication(AuthMethod::sql_server("csc", "Schlüssel;{}"));
    config.encryption(EncryptionLevel::NotSupported);
    config
}

pub async fn connect_with(config: Config) -> tiberius::Result<Client> {
    let socket = TcpStream::connect(config.get_addr().replace("localhost", "127.0.0.1")).await?;
    socket.set_nodelay(true)?;
    Client::connect(config, socket.compat_write()).await
}

pub async fn connect(server: &Server) -> Client {
    connect_with(config(server)).await.expect("the test server takes the login")
}

/// The number of SQL Server's error.
pub fn number(error: &tiberius::error::Error) -> Option<u32> {
    match error {
        tiberius::error::Error::Server(error) => Some(error.code()),
        _ => None,
    }
}
