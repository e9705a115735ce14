//! Listening, and ending in good order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::faults::{Chance, FaultKind, Faults};
use crate::held::lock;
use crate::received::Received;
use crate::routes::{self, Shared};
use crate::settings::Settings;
use crate::state;
use crate::stats::Stats;

/// How long requests in flight may go on after [`Running::stop`].
const GRACE: Duration = Duration::from_secs(5);

/// The simulator. See the crate's first page.
pub struct Simulator;

impl Simulator {
    /// Loads its state, if it has any, and listens. Port 0 takes a free one: ask [`Running::addr`].
    ///
    /// # Errors
    /// [`Kind::Io`]: the address is taken or not this machine's, or the state cannot be read. [`Kind::Data`]: the state is not one.
    /// [`Kind::Config`]: faults that contradict themselves.
    pub async fn start(listen: SocketAddr, settings: Settings) -> Result<Running> {
        settings.faults.check()?;
        let held = match &settings.state {
            Some(path) => state::load(path)?,
            None => Default::default(),
        };
        let shared = Arc::new(Shared::new(settings, held));
        let (addr, listening) = Listening::begin(listen, shared.clone()).await?;
        Ok(Running { addr, shared, listening: Mutex::new(Some(listening)) })
    }
}

/// A simulator at work. Dropping it ends it too, but then its state is not saved.
pub struct Running {
    addr: SocketAddr,
    shared: Arc<Shared>,
    /// `None` while paused.
    listening: Mutex<Option<Listening>>,
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What has happened so far.
    pub fn stats(&self) -> Stats {
        lock(&self.shared.stats).clone()
    }

    /// What is held of an authority's children, by `la_child_id`.
    pub fn children(&self, la_code: &str) -> BTreeMap<String, Value> {
        lock(&self.shared.held).children(la_code)
    }

    /// How often each of an authority's children was received since the start, by `la_child_id`; purged ones too.
    pub fn received(&self, la_code: &str) -> BTreeMap<String, Received> {
        lock(&self.shared.received).children(la_code)
    }

    /// Other faults from the next request on. Requests are counted from 1 again and the seed begins anew; what is held, the tokens and the
    /// statistics stay.
    ///
    /// # Errors
    /// [`Kind::Config`]: the faults contradict themselves; those before stay.
    pub fn set_faults(&self, faults: Faults) -> Result<()> {
        faults.check()?;
        *lock(&self.shared.chance) = Chance::new(faults);
        Ok(())
    }

    /// Listens no more, until [`Running::resume`]: requests in flight end, connections are closed, and new ones are refused by the
    /// operating system. All else stays as it is. Does nothing where it is paused already.
    ///
    /// # Errors
    /// [`Kind::Internal`]: the listener broke off.
    pub async fn pause(&self) -> Result<()> {
        match self.listening.lock().await.take() {
            Some(listening) => listening.end().await,
            None => Ok(()),
        }
    }

    /// Listens again where it did before. Does nothing where it is not paused.
    ///
    /// # Errors
    /// [`Kind::Io`]: another program has taken the port.
    pub async fn resume(&self) -> Result<()> {
        let mut listening = self.listening.lock().await;
        if listening.is_none() {
            *listening = Some(Listening::begin(self.addr, self.shared.clone()).await?.1);
        }
        Ok(())
    }

    /// Takes no more requests, lets those in flight end, and saves its state.
    ///
    /// # Errors
    /// [`Kind::Io`]: the state cannot be written.
    pub async fn stop(self) -> Result<()> {
        let ended = self.pause().await;
        if let Some(path) = &self.shared.settings.state {
            state::save(path, &lock(&self.shared.held))?;
        }
        ended
    }
}

/// An open port and the task that serves it.
struct Listening {
    /// Closed to say stop: so one that is dropped says it as well.
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Listening {
    async fn begin(listen: SocketAddr, shared: Arc<Shared>) -> Result<(SocketAddr, Listening)> {
        let refused = |error: std::io::Error| {
            Error::new(
                Kind::Io,
                format!("the simulator cannot listen on {listen}: {}", error.kind()),
                "choose another port with --listen, or end the program that uses this one",
            )
        };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let addr = listener.local_addr().map_err(refused)?;
        let (stop, stopped) = watch::channel(());
        let task = tokio::spawn(serve(listener, shared, stopped));
        tracing::debug!(listen = %addr, "simulator listens");
        Ok((addr, Listening { stop, task }))
    }

    async fn end(self) -> Result<()> {
        drop(self.stop);
        self.task.await.map_err(|_| Error::internal("the simulator's listener broke off"))
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // An error: nothing is ever sent, so it can only mean that the sender is gone.
            _ = stopped.changed() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => match lock(&shared.chance).connection() {
                    Some(fault) => refuse(stream, &shared, fault),
                    None => drop(connections.spawn(converse(stream, peer, shared.clone(), stopped.clone()))),
                },
                // Out of file handles, most likely: wait for some to come back.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        connections.shutdown().await;
    }
}

/// Closes a connection as a machine does on which nobody listens: with a reset.
fn refuse(stream: TcpStream, shared: &Shared, fault: FaultKind) {
    shared.count_fault(fault.name());
    // Where the system refuses this, the connection is closed without a reset.
    let _ = stream.set_zero_linger();
}

async fn converse(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>, mut stopped: watch::Receiver<()>) {
    let until = stopped.clone();
    let service = service_fn(|request| {
        let (shared, until) = (shared.clone(), until.clone());
        async move { routes::answer(&shared, peer.ip(), request, until).await }
    });
    let mut connection = std::pin::pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    // A broken connection is the sender's affair.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
