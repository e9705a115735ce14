//! One connection, from its prelogin to its end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::packet::{Incoming, Message, Outgoing, kind, read_message};
use super::prelogin::{self, Secured};
use super::read::{Reader, malformed, utf16};
use super::reply::{End, Reply};
use super::server::{Options, Shared};
use super::tokens::{self, Change, Done, done};
use super::transaction::{self, Effect};
use super::{bulk, login, rpc};
use crate::session::{Failed, Login, Request, Session, SqlError};

/// What packets have until the login has settled it (MS-TDS 2.2.6.4).
const FIRST_PACKET_SIZE: usize = 4096;
/// How long a session has to end an answer after an attention. After that it is no longer waited for.
const GRACE: Duration = Duration::from_millis(250);

/// Serves one connection until its client goes, or an error ends it.
pub(crate) async fn serve(socket: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    socket.set_nodelay(true)?;
    match prelogin::negotiate(socket, &shared.options).await? {
        Secured::Plain(mut stream) => {
            let login = read_message(&mut stream, kind::LOGIN).await?;
            converse(stream, &login, shared).await
        }
        Secured::LoginOnly(mut stream) => {
            let login = read_message(&mut stream, kind::LOGIN).await?;
            converse(stream.into_inner().0.socket, &login, shared).await
        }
        Secured::Whole(mut stream) => {
            let login = read_message(&mut stream, kind::LOGIN).await?;
            converse(stream, &login, shared).await
        }
    }
}

async fn converse<S>(stream: S, login: &[u8], shared: Arc<Shared>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let login = login::read(login)?;
    let (read, write) = tokio::io::split(stream);
    let mut out = Outgoing::new(write, FIRST_PACKET_SIZE);
    let refused = match login.integrated {
        true => Some(SqlError {
            number: 18_452,
            class: 14,
            message: "Login failed. The login is from an untrusted domain.".to_owned(),
        }),
        false => shared.faults.login(&login.login),
    };
    let session = match refused {
        Some(error) => Err(error),
        None => shared.backend.open(&login.login).await,
    };
    let session = match session {
        Ok(session) => session,
        Err(error) => {
            tokens::error(&mut out.tokens, &error);
            tokens::done(&mut out.tokens, Done::Batch, done::ERROR, false, None);
            return out.end_message().await;
        }
    };
    let packet_size = match login.packet_size {
        0 => FIRST_PACKET_SIZE,
        size => size.clamp(512, 32_767) as usize,
    };
    let database = welcome(&mut out, &login.login, &shared.options, packet_size, login.features);
    out.end_message().await?;
    out.set_packet_size(packet_size);
    let reply = Reply::new(out, shared.clone(), database);
    Connection { incoming: Incoming::new(read), reply, session, shared, queued: None, transaction: None, begun: 0 }
        .requests()
        .await
}

/// The answer to a login (MS-TDS 2.2.2.2).
fn welcome<W: AsyncWrite + Unpin>(
    out: &mut Outgoing<W>,
    login: &Login,
    options: &Options,
    packet_size: usize,
    features: bool,
) -> String {
    let database = if login.database.is_empty() { "master" } else { login.database.as_str() };
    let buffer = &mut out.tokens;
    tokens::change(buffer, Change::Database { old: "master", new: database });
    let message = format!("Changed database context to '{database}'.");
    tokens::info(buffer, &SqlError { number: 5701, class: 0, message });
    tokens::change(buffer, Change::Collation(options.collation));
    tokens::change(buffer, Change::Language);
    tokens::login_ack(buffer, options.version);
    tokens::change(buffer, Change::PacketSize { old: FIRST_PACKET_SIZE, new: packet_size });
    if features {
        tokens::no_features(buffer);
    }
    tokens::done(buffer, Done::Batch, 0, false, None);
    database.to_owned()
}

struct Connection<S> {
    incoming: Incoming<ReadHalf<S>>,
    reply: Reply<WriteHalf<S>>,
    session: Box<dyn Session>,
    shared: Arc<Shared>,
    /// A request that came before the one ahead of it was answered.
    queued: Option<Message>,
    /// The descriptor of the open transaction, as the client was told it.
    transaction: Option<u64>,
    begun: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    async fn requests(&mut self) -> io::Result<()> {
        loop {
            let message = match self.queued.take() {
                Some(message) => message,
                None => match self.incoming.message().await? {
                    Some(message) => message,
                    None => return Ok(()),
                },
            };
            if message.kind == kind::ATTENTION {
                // What it was to stop has been answered already (MS-TDS 2.2.1.7).
                self.reply.begin(false, watch::channel(false).1);
                self.reply.finish(End::Attention).await?;
                continue;
            }
            if !self.answer(message).await? {
                return Ok(());
            }
        }
    }

    /// Answers one request; `false` where the connection ends with it.
    async fn answer(&mut self, message: Message) -> io::Result<bool> {
        let (request, procedure) = request(&message)?;
        let text = text(&request);
        let (cancel, cancelled) = watch::channel(false);
        self.reply.begin(procedure, cancelled);
        if message.reset {
            if let Err(error) = self.session.reset().await {
                return self.fail(error).await;
            }
            self.transaction = None;
            self.reply.change(Change::Reset);
        }
        if let Some(error) = self.shared.faults.request(&text) {
            return self.fail(error).await;
        }
        let effect = match &request {
            Request::Batch(text) | Request::Text { sql: text, .. } => transaction::effect(text),
            _ => Effect::None,
        };
        let ended = self.run(request, &cancel).await?;
        if self.reply.broken() {
            return self.reply.finish(End::Done).await.map(|()| false);
        }
        match ended {
            _ if *cancel.borrow() => self.reply.finish(End::Attention).await?,
            Err(Failed::Dropped) => return Ok(false),
            Err(Failed::Error(error)) => return self.fail(error).await,
            Ok(()) | Err(Failed::Cancelled) => {
                self.tell(effect);
                self.reply.finish(End::Done).await?;
            }
        }
        Ok(true)
    }

    /// An error from severity 20 on ends the connection.
    async fn fail(&mut self, error: SqlError) -> io::Result<bool> {
        let goes_on = error.class < 20;
        self.reply.finish(End::Error(error)).await?;
        Ok(goes_on)
    }

    /// Lets the session answer, and watches for an attention and for the client's end meanwhile.
    async fn run(&mut self, request: Request, cancel: &watch::Sender<bool>) -> io::Result<Result<(), Failed>> {
        let Connection { incoming, reply, session, queued, .. } = self;
        let run = session.run(request, reply);
        tokio::pin!(run);
        let mut watching = true;
        let mut deadline = None;
        loop {
            tokio::select! {
                biased;
                ended = &mut run => return Ok(ended),
                message = incoming.message(), if watching => match message? {
                    Some(message) if message.kind == kind::ATTENTION => {
                        cancel.send_replace(true);
                        watching = false;
                        deadline = Some(Instant::now() + GRACE);
                    }
                    Some(message) => {
                        *queued = Some(message);
                        watching = false;
                    }
                    None => return Err(io::ErrorKind::ConnectionReset.into()),
                },
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    return Ok(Err(Failed::Cancelled));
                }
            }
        }
    }

    /// Tells the client what became of its transaction (MS-TDS 2.2.7.9, types 8 to 10).
    fn tell(&mut self, effect: Effect) {
        match (effect, self.transaction) {
            (Effect::Begins, None) => {
                self.begun += 1;
                self.transaction = Some(self.begun);
                self.reply.change(Change::Begun(self.begun));
            }
            (Effect::Commits, Some(descriptor)) => {
                self.transaction = None;
                self.reply.change(Change::Committed(descriptor));
            }
            (Effect::RollsBack, Some(descriptor)) => {
                self.transaction = None;
                self.reply.change(Change::RolledBack(descriptor));
            }
            _ => {}
        }
    }
}

/// Reads a request, and tells whether it is a procedure call.
fn request(message: &Message) -> io::Result<(Request, bool)> {
    match message.kind {
        kind::BATCH => {
            let mut reader = Reader(&message.data);
            reader.skip_all_headers()?;
            Ok((Request::Batch(utf16(reader.0)?), false))
        }
        kind::RPC => Ok((rpc::read(&message.data)?, true)),
        kind::BULK => Ok((bulk::read(&message.data)?, false)),
        kind::TRANSACTION => Ok((Request::Batch(transaction::read(&message.data)?), false)),
        other => Err(malformed(format!("a message of kind {other}"))),
    }
}

/// What the log shows of a request.
fn text(request: &Request) -> String {
    match request {
        Request::Batch(text) | Request::Text { sql: text, .. } => text.clone(),
        Request::Procedure { name, .. } => format!("EXEC {name}"),
        Request::Bulk { rows, .. } => format!("-- bulk load: {} rows", rows.len()),
    }
}
