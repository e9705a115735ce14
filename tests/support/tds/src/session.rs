//! What lies between the protocol (`wire`) and the database behind it (`sql`): requests as a client means them, values with SQL Server's
//! types, and the answers' parts in their order.

use std::sync::Arc;

use async_trait::async_trait;

/// What a client gave when it logged in.
#[derive(Debug, Clone, Default)]
pub struct Login {
    /// The database asked for; empty for the user's own.
    pub database: String,
    /// The SQL logon's name.
    pub user: String,
    /// Its password.
    pub password: String,
    /// What the program calls itself.
    pub application: String,
}

/// What a client asks for.
#[derive(Debug, Clone)]
pub enum Request {
    /// A batch of statements as text.
    Batch(String),
    /// `sp_executesql`, or another way of sending one text with parameters.
    Text {
        /// The statements.
        sql: String,
        /// The parameters, each with its name (`@P1`).
        params: Vec<Param>,
    },
    /// Another stored procedure.
    Procedure {
        /// Its name as it was sent.
        name: String,
        /// The parameters.
        params: Vec<Param>,
    },
    /// The rows of a bulk load, announced by an `INSERT BULK` batch before.
    Bulk {
        /// The columns as the client describes them.
        columns: Vec<Column>,
        /// The rows.
        rows: Vec<Vec<Value>>,
    },
}

/// One parameter.
#[derive(Debug, Clone)]
pub struct Param {
    /// With its `@`; empty where it goes by its position.
    pub name: String,
    /// Its type.
    pub kind: Type,
    /// Its value.
    pub value: Value,
    /// Whether the client wants it back.
    pub output: bool,
}

/// A column of an answer or a bulk load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Type,
    /// Whether it may be null.
    pub nullable: bool,
}

/// A type of SQL Server. A length is in characters or bytes as in a declaration; `None` is `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Type {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Real,
    Float,
    Decimal {
        precision: u8,
        scale: u8,
    },
    NVarChar(Option<u16>),
    NChar(u16),
    /// In the code page of the server's collation.
    VarChar(Option<u16>),
    Char(u16),
    VarBinary(Option<u16>),
    Binary(u16),
    Date,
    Time(u8),
    SmallDateTime,
    DateTime,
    DateTime2(u8),
    DateTimeOffset(u8),
    UniqueIdentifier,
    RowVersion,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    Null,
    Bit(bool),
    /// Of every whole-number type.
    Integer(i64),
    Float(f64),
    /// A decimal's digits as a whole number; the scale is the type's.
    Decimal(i128),
    Text(String),
    Bytes(Vec<u8>),
    /// Days since 0001-01-01.
    Date(i32),
    /// A moment without a zone: days since 0001-01-01 and nanoseconds since midnight. Of every time with a date; `Time` has no days.
    /// With an offset, days and nanoseconds are what the clock there shows, as a literal has it.
    Moment {
        days: i32,
        nanoseconds: u64,
        offset_minutes: i16,
    },
}

/// An error as SQL Server tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    /// Its number: 208, 1205.
    pub number: i32,
    /// Its severity, 11 to 25; from 20 on the connection ends.
    pub class: u8,
    /// Its text.
    pub message: String,
}

/// A part of an answer, in the order in which a client gets them.
#[derive(Debug, Clone)]
pub enum Part {
    /// A result set begins.
    Columns(Arc<[Column]>),
    /// One row of it.
    Row(Vec<Value>),
    /// A statement has ended; for a query or a change with the number of its rows.
    Done(Option<u64>),
    /// A message that is no error: 0 to 10.
    Info(SqlError),
    /// The return value of a procedure.
    Returned(i32),
    /// The value of an output parameter.
    Output(Param),
    /// The session's database is another one now.
    Database(String),
}

/// Takes the parts of an answer. It waits while the client is slow, and fails once the client has cancelled or gone.
#[async_trait]
pub trait Answer: Send {
    /// Hands over one part.
    async fn part(&mut self, part: Part) -> Result<(), Cancelled>;

    /// Waits until the client has cancelled. A session waits for it beside a statement that yields nothing for long; one that does not is
    /// given up a moment after the attention.
    async fn cancelled(&mut self) {
        std::future::pending().await
    }
}

/// The client does not want the rest. A transaction is left as SQL Server leaves it after an attention: open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

/// What is behind the protocol.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Opens a session, or refuses it: 18456, 4060.
    async fn open(&self, login: &Login) -> Result<Box<dyn Session>, SqlError>;
}

/// One connection's session. It ends, and its transaction is undone, when it is dropped.
#[async_trait]
pub trait Session: Send {
    /// Answers one request. An error ends the answer; what was handed over before it stands.
    async fn run(&mut self, request: Request, answer: &mut dyn Answer) -> Result<(), Failed>;

    /// Undoes an open transaction and takes away temporary tables: `sp_reset_connection`.
    async fn reset(&mut self) -> Result<(), SqlError>;
}

/// Why an answer ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// An error for the client.
    Error(SqlError),
    /// The client did not want the rest.
    Cancelled,
    /// The connection is to be dropped without a word.
    Dropped,
}

impl From<Cancelled> for Failed {
    fn from(_: Cancelled) -> Failed {
        Failed::Cancelled
    }
}

impl From<SqlError> for Failed {
    fn from(error: SqlError) -> Failed {
        Failed::Error(error)
    }
}
