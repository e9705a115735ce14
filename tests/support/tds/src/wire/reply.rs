//! Turns the parts of an answer into tokens.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::io::AsyncWrite;
use tokio::sync::watch;

use super::packet::Outgoing;
use super::server::Shared;
use super::tokens::{self, Change, Done, done};
use super::types::TypeInfo;
use crate::session::{Answer, Cancelled, Column, Part, SqlError};

/// How an answer ends.
pub(crate) enum End {
    Done,
    Error(SqlError),
    Attention,
}

/// Why an answer cannot go on.
enum Trouble {
    /// A part that cannot be written; the client is told.
    Part(SqlError),
    /// The socket, or a test that cuts it.
    Socket(io::Error),
}

/// The answers of one connection, one after the other.
pub(crate) struct Reply<W> {
    pub out: Outgoing<W>,
    shared: Arc<Shared>,
    database: String,
    procedure: bool,
    cancelled: watch::Receiver<bool>,
    types: Vec<TypeInfo>,
    rows: u64,
    select: bool,
    /// The end of the last statement: whether more follows is known only afterwards.
    pending: Option<(bool, Option<u64>)>,
    returned: bool,
    outputs: u16,
    trouble: Option<Trouble>,
}

impl<W: AsyncWrite + Unpin + Send> Reply<W> {
    pub fn new(out: Outgoing<W>, shared: Arc<Shared>, database: String) -> Self {
        Self {
            out,
            shared,
            database,
            procedure: false,
            cancelled: watch::channel(false).1,
            types: Vec::new(),
            rows: 0,
            select: false,
            pending: None,
            returned: false,
            outputs: 0,
            trouble: None,
        }
    }

    /// Begins an answer: to a procedure call or to a batch. The receiver tells when the client no longer wants it.
    pub fn begin(&mut self, procedure: bool, cancelled: watch::Receiver<bool>) {
        self.procedure = procedure;
        self.cancelled = cancelled;
        self.types.clear();
        self.select = false;
        self.pending = None;
        self.returned = false;
        self.outputs = 0;
        self.trouble = None;
    }

    /// Tells a change of the session.
    pub fn change(&mut self, change: Change<'_>) {
        tokens::change(&mut self.out.tokens, change);
    }

    /// Ends the answer.
    pub async fn finish(&mut self, end: End) -> io::Result<()> {
        let end = match (self.trouble.take(), end) {
            (Some(Trouble::Socket(error)), _) => return Err(error),
            (Some(Trouble::Part(error)), End::Done | End::Error(_)) => End::Error(error),
            (_, end) => end,
        };
        let kind = if self.procedure { Done::Procedure } else { Done::Batch };
        match end {
            End::Done if self.procedure => {
                self.end_statement();
                if !self.returned {
                    tokens::return_status(&mut self.out.tokens, 0);
                }
                tokens::done(&mut self.out.tokens, kind, 0, false, None);
            }
            End::Done => {
                let (select, count) = self.pending.take().unwrap_or_default();
                tokens::done(&mut self.out.tokens, kind, 0, select, count);
            }
            End::Error(error) => {
                self.end_statement();
                tokens::error(&mut self.out.tokens, &error);
                tokens::done(&mut self.out.tokens, kind, done::ERROR, false, None);
            }
            End::Attention => {
                self.end_statement();
                tokens::done(&mut self.out.tokens, Done::Batch, done::ATTENTION, false, None);
            }
        }
        self.out.end_message().await
    }

    /// Writes the end of the statement before, now that something follows.
    fn end_statement(&mut self) {
        if let Some((select, count)) = self.pending.take() {
            let kind = if self.procedure { Done::InProcedure } else { Done::Batch };
            tokens::done(&mut self.out.tokens, kind, done::MORE, select, count);
        }
    }

    fn put(&mut self, part: Part) -> Result<(), String> {
        self.end_statement();
        let collation = self.shared.options.collation;
        let buffer = &mut self.out.tokens;
        match part {
            Part::Columns(columns) => {
                let sent = |column: &Column| Column { kind: collation.sent_as(column.kind), ..column.clone() };
                let columns: Vec<Column> = columns.iter().map(sent).collect();
                self.types = columns.iter().map(|c| TypeInfo::of(c.kind, c.nullable, collation)).collect();
                self.rows = 0;
                self.select = true;
                tokens::columns(buffer, &columns, collation);
            }
            Part::Row(row) => {
                tokens::row(buffer, &self.types, &row)?;
                self.rows += 1;
            }
            Part::Done(count) => self.pending = Some((std::mem::take(&mut self.select), count)),
            Part::Info(info) => tokens::info(buffer, &info),
            Part::Returned(status) => {
                tokens::return_status(buffer, status);
                self.returned = true;
            }
            Part::Output(param) => {
                if !self.returned {
                    tokens::return_status(buffer, 0);
                    self.returned = true;
                }
                tokens::return_value(buffer, self.outputs, &param, collation)?;
                self.outputs += 1;
            }
            Part::Database(new) => {
                tokens::change(buffer, Change::Database { old: &self.database, new: &new });
                self.database = new;
            }
        }
        Ok(())
    }

    /// Sends what is full. It does not wait for the socket any longer once the client has cancelled: the end of the answer does.
    async fn send(&mut self, rows: bool) -> io::Result<()> {
        if rows && self.shared.faults.cut(self.rows) {
            self.out.send_all().await?;
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the test cuts the connection here"));
        }
        if !self.out.is_full() {
            return Ok(());
        }
        let cancelled = &mut self.cancelled;
        tokio::select! {
            biased;
            sent = self.out.send_full() => sent,
            Ok(_) = cancelled.wait_for(|cancelled| *cancelled) => Ok(()),
        }
    }

    /// Whether the connection has to end without another word.
    pub fn broken(&self) -> bool {
        matches!(self.trouble, Some(Trouble::Socket(_)))
    }
}

#[async_trait]
impl<W: AsyncWrite + Unpin + Send> Answer for Reply<W> {
    async fn part(&mut self, part: Part) -> Result<(), Cancelled> {
        if self.trouble.is_some() || *self.cancelled.borrow() {
            return Err(Cancelled);
        }
        let rows = matches!(part, Part::Row(_) | Part::Columns(_));
        if let Err(message) = self.put(part) {
            let message = format!("the test server cannot send this: {message}");
            self.trouble = Some(Trouble::Part(SqlError { number: 50_000, class: 16, message }));
            return Err(Cancelled);
        }
        if let Err(error) = self.send(rows).await {
            self.trouble = Some(Trouble::Socket(error));
            return Err(Cancelled);
        }
        if *self.cancelled.borrow() { Err(Cancelled) } else { Ok(()) }
    }

    async fn cancelled(&mut self) {
        if self.cancelled.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending().await
        }
    }
}
