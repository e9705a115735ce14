//! Listening, and ending in good order.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::gate::Gate;
use crate::held::lock;
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
    pub async fn start(listen: SocketAddr, settings: Settings) -> Result<Running> {
        let held = match &settings.state {
            Some(path) => state::load(path)?,
            None => Default::default(),
        };
        let refused = |error: std::io::Error| {
            Error::new(
                Kind::Io,
                format!("the simulator cannot listen on {listen}: {}", error.kind()),
                "choose another port with --listen, or end the program that uses this one",
            )
        };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let addr = listener.local_addr().map_err(refused)?;
        let shared = Arc::new(Shared {
            gate: Gate::new(settings.expected.clone(), settings.token_lifetime),
            held: Arc::new(Mutex::new(held)),
            stats: Mutex::default(),
            settings,
        });
        let (stop, stopped) = watch::channel(());
        let task = tokio::spawn(serve(listener, shared.clone(), stopped));
        tracing::debug!(listen = %addr, "simulator listens");
        Ok(Running { addr, shared, stop, task })
    }
}

/// A simulator at work. Dropping it ends it too, but then its state is not saved.
pub struct Running {
    addr: SocketAddr,
    shared: Arc<Shared>,
    /// Closed to say stop: so a dropped `Running` says it as well.
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
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

    /// Takes no more requests, lets those in flight end, and saves its state.
    ///
    /// # Errors
    /// [`Kind::Io`]: the state cannot be written.
    pub async fn stop(self) -> Result<()> {
        drop(self.stop);
        let ended = self.task.await;
        if let Some(path) = &self.shared.settings.state {
            state::save(path, &lock(&self.shared.held))?;
        }
        ended.map_err(|_| Error::internal("the simulator's listener broke off"))
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // An error: nothing is ever sent, so it can only mean that the sender is gone.
            _ = stopped.changed() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(converse(stream, peer, shared.clone(), stopped.clone()));
                }
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

async fn converse(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>, mut stopped: watch::Receiver<()>) {
    let service = service_fn(|request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(routes::answer(&shared, peer.ip(), request).await) }
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
