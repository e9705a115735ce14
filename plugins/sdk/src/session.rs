//! A read session lives in a task of its own, because its streams borrow it. Calls reach it as orders; a stream's batches leave it as
//! bytes, so that fetching and encoding go on while the host decodes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{DocumentSession, ReadSession, RowStream, Scan, ScanEvent, Source, Table, TableName};
use csc_bridge_plugin_abi::rows;
use csc_bridge_plugin_abi::table::LOG_WARN;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use crate::library::{Ended, Library, lock};
use crate::output::{Bytes, Pool};
use crate::turn::{Turn, misuse, wait};

/// Batches that are fetched before the host asks.
pub(crate) const AHEAD: usize = 2;

/// How long the release of a session waits for what it holds to be given up. Only code that blocks takes longer.
const PATIENCE: Duration = Duration::from_secs(2);

type Reply<T> = oneshot::Sender<Result<T>>;

enum Order {
    Count(TableName, Reply<u64>),
    Select(Vec<String>, Reply<()>),
    List(TableName, Vec<String>, Reply<Pieces>),
    Scan(Scan, Reply<Pieces>),
    Documents(Option<Vec<String>>, Reply<Pieces>),
}

/// The author's read session.
pub(crate) enum Opened {
    Tables(Box<dyn ReadSession>),
    Documents(Box<dyn DocumentSession>),
}

impl Opened {
    pub async fn of(source: &dyn Source, tables: &[Table]) -> Result<Opened> {
        Ok(match source.documents() {
            Some(documents) => Opened::Documents(documents.open().await?),
            None => Opened::Tables(source.open(tables).await?),
        })
    }
}

type Pieces = mpsc::Receiver<Result<Piece>>;

/// What a stream puts out.
pub(crate) enum Piece {
    Rows(Bytes),
    Complete(u64),
}

pub(crate) struct Session {
    orders: mpsc::UnboundedSender<Order>,
    line: Arc<Line>,
}

pub(crate) struct Stream {
    /// `None` after the end, and while a call waits.
    pieces: Mutex<Option<Pieces>>,
    line: Arc<Line>,
}

/// What a session and its stream share: one call runs on both together.
struct Line {
    turn: Turn,
    task: AbortHandle,
    ended: watch::Receiver<Option<How>>,
    is_streaming: AtomicBool,
}

#[derive(Clone, Copy)]
enum How {
    Panicked,
    Gone,
}

impl Session {
    pub fn start(library: &'static Library, session: Opened) -> Result<Session> {
        let runtime = library.runtime()?;
        let (orders, received) = mpsc::unbounded_channel();
        let task = runtime.spawn(serve(session, received));
        let abort = task.abort_handle();
        let (end, ended) = watch::channel(None);
        runtime.spawn(async move {
            let how = match task.await.map_err(|error| library.lost(error)) {
                Err(Ended::Panic) => How::Panicked,
                Ok(()) | Err(Ended::Error(_)) => How::Gone,
            };
            end.send_replace(Some(how));
        });
        let line = Line { turn: Turn::default(), task: abort, ended, is_streaming: AtomicBool::new(false) };
        Ok(Session { orders, line: Arc::new(line) })
    }

    pub fn turn(&self) -> &Turn {
        &self.line.turn
    }

    pub fn count(&self, table: TableName) -> Result<u64, Ended> {
        self.ask(|reply| Order::Count(table, reply))
    }

    pub fn select(&self, children: Vec<String>) -> Result<(), Ended> {
        self.ask(|reply| Order::Select(children, reply))
    }

    pub fn list(&self, table: TableName, columns: Vec<String>) -> Result<Stream, Ended> {
        self.ask(|reply| Order::List(table, columns, reply)).map(|pieces| self.stream(pieces))
    }

    pub fn scan(&self, scan: Scan) -> Result<Stream, Ended> {
        self.ask(|reply| Order::Scan(scan, reply)).map(|pieces| self.stream(pieces))
    }

    pub fn documents(&self, children: Option<Vec<String>>) -> Result<Stream, Ended> {
        self.ask(|reply| Order::Documents(children, reply)).map(|pieces| self.stream(pieces))
    }

    fn stream(&self, pieces: Pieces) -> Stream {
        self.line.is_streaming.store(true, Ordering::SeqCst);
        Stream { pieces: Mutex::new(Some(pieces)), line: self.line.clone() }
    }

    fn ask<T>(&self, order: impl FnOnce(Reply<T>) -> Order) -> Result<T, Ended> {
        // The task reads that stream, and would not hear the order before its end.
        if self.line.is_streaming.load(Ordering::SeqCst) {
            return Err(misuse("a call came on a session whose stream is open").into());
        }
        self.line.run(async {
            let (reply, answer) = oneshot::channel();
            // Where the task is gone, so is the reply.
            let _ = self.orders.send(order(reply));
            match answer.await {
                Ok(result) => Ok(result?),
                Err(_) => Err(self.line.why_gone().await),
            }
        })
    }

    /// Ends the session, and a stream that is still open, and waits until the author's session is dropped.
    pub fn release(&self, library: &Library) {
        self.line.task.abort();
        let mut ended = self.line.ended.clone();
        let given_up = wait(tokio::time::timeout(PATIENCE, ended.wait_for(Option::is_some))).is_ok();
        if !given_up {
            library.log(
                LOG_WARN,
                "a session was released while the plugin's code blocks; it is given up when that returns",
            );
        }
    }
}

impl Stream {
    pub fn turn(&self) -> &Turn {
        &self.line.turn
    }

    pub fn next(&self) -> Result<Piece, Ended> {
        self.line.run(async {
            // Taken out, so that a release meanwhile does not wait.
            let open = lock(&self.pieces).take();
            let mut open = open.ok_or_else(|| misuse("a stream was read on after its end"))?;
            match open.recv().await {
                Some(Ok(Piece::Rows(bytes))) => {
                    *lock(&self.pieces) = Some(open);
                    Ok(Piece::Rows(bytes))
                }
                Some(end) => Ok(end?),
                None => Err(self.line.why_gone().await),
            }
        })
    }

    /// The session takes calls again; what it fetched ahead is dropped.
    pub fn release(&self) {
        *lock(&self.pieces) = None;
        self.line.is_streaming.store(false, Ordering::SeqCst);
    }
}

impl Line {
    fn run<T>(&self, work: impl Future<Output = Result<T, Ended>>) -> Result<T, Ended> {
        let done = self.turn.run(work);
        if matches!(&done, Err(Ended::Error(error)) if error.kind() == Kind::Interrupted) {
            // After an error the session is only released.
            self.task.abort();
        }
        done
    }

    async fn why_gone(&self) -> Ended {
        match self.ended.clone().wait_for(Option::is_some).await.as_deref() {
            Ok(Some(How::Panicked)) => Ended::Panic,
            _ => {
                Error::new(Kind::Incomplete, "the session has ended", "run again; report it if it happens twice").into()
            }
        }
    }
}

/// The session's task.
async fn serve(mut session: Opened, mut orders: mpsc::UnboundedReceiver<Order>) {
    let pool = Arc::new(Pool::default());
    while let Some(order) = orders.recv().await {
        // Whoever does not wait for an answer any more was cancelled.
        match (&mut session, order) {
            (Opened::Tables(session), Order::Count(table, reply)) => drop(reply.send(session.count(&table).await)),
            (Opened::Tables(session), Order::Select(children, reply)) => {
                drop(reply.send(session.select(&children).await));
            }
            (Opened::Tables(session), Order::List(table, columns, reply)) => {
                deliver(session.list(&table, &columns).await, reply, &pool).await;
            }
            (Opened::Tables(session), Order::Scan(scan, reply)) => {
                deliver(session.scan(&scan).await, reply, &pool).await;
            }
            (Opened::Documents(session), Order::Documents(Some(children), reply)) => {
                deliver(session.documents(&children).await, reply, &pool).await;
            }
            (Opened::Documents(session), Order::Documents(None, reply)) => {
                deliver(session.ids().await, reply, &pool).await;
            }
            // No table has entries of both kinds: nobody can ask that. Whoever does learns that the session has ended.
            _ => return,
        }
    }
}

/// Reads a stream to its end, or until nobody wants it any more.
async fn deliver(begun: Result<Box<dyn RowStream + '_>>, reply: Reply<Pieces>, pool: &Arc<Pool>) {
    let mut stream = match begun {
        Ok(stream) => stream,
        Err(error) => return drop(reply.send(Err(error))),
    };
    let (pieces, received) = mpsc::channel(AHEAD);
    if reply.send(Ok(received)).is_err() {
        return;
    }
    // First room, then a batch: nothing is fetched that would have to wait.
    while let Ok(room) = pieces.reserve().await {
        let event = tokio::select! {
            event = stream.next() => event,
            () = pieces.closed() => return,
        };
        let piece = event.and_then(|event| match event {
            ScanEvent::Rows(batch) => pool.fill(|bytes| rows::write(&batch, bytes)).map(Piece::Rows),
            ScanEvent::Complete { rows } => Ok(Piece::Complete(rows)),
        });
        let is_last = !matches!(piece, Ok(Piece::Rows(_)));
        room.send(piece);
        if is_last {
            return;
        }
    }
}
