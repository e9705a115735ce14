//! The server that tests start.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::codepage::Collation;
use super::connection;
use super::faults::Faults;
use crate::session::{Backend, Login, SqlError};

/// Whether the server encrypts; only with a certificate in [`Options::tls`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encryption {
    /// It does not, whatever the client wants.
    Unsupported,
    /// As the client wants it: everything, or the login only.
    #[default]
    Optional,
    /// Everything, even where the client would not.
    Required,
}

/// What the server is.
#[derive(Clone)]
pub struct Options {
    /// Its certificate.
    pub tls: Option<Arc<ServerConfig>>,
    /// What is encrypted.
    pub encryption: Encryption,
    /// The version it claims: major, minor, build. 16 is SQL Server 2022.
    pub version: (u8, u8, u16),
    /// Its collation.
    pub collation: Collation,
}

impl Default for Options {
    fn default() -> Self {
        Self { tls: None, encryption: Encryption::Optional, version: (16, 0, 1000), collation: Collation::Latin1 }
    }
}

impl Options {
    /// A server as they all are: it encrypts at least the login, with a certificate of its own making.
    pub fn encrypting() -> Options {
        Options { tls: Some(super::tls::own_certificate()), ..Options::default() }
    }
}

/// A server on a free port of 127.0.0.1, on threads of its own. It ends when it is dropped, and so do its connections.
pub struct Server {
    port: u16,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

/// What the server's connections share.
pub(crate) struct Shared {
    pub backend: Arc<dyn Backend>,
    pub options: Options,
    pub faults: Faults,
    cut: watch::Sender<()>,
}

impl Server {
    /// Starts a server.
    ///
    /// # Panics
    ///
    /// When it cannot listen: no test can go on without it.
    pub fn start(backend: Arc<dyn Backend>, options: Options) -> Server {
        Self::try_start(backend, options).expect("the test server listens on a free port")
    }

    fn try_start(backend: Arc<dyn Backend>, options: Options) -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared { backend, options, faults: Faults::default(), cut: watch::Sender::new(()) });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("tds-server")
            .enable_all()
            .build()?;
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let accepting = shared.clone();
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let shared = accepting.clone();
                let mut cut = shared.cut.subscribe();
                tokio::spawn(async move {
                    // However a connection ends, the client sees it; there is nobody else to tell.
                    tokio::select! {
                        // First, or a request that comes with the cut might still be answered.
                        biased;
                        _ = cut.changed() => {}
                        _ = connection::serve(socket, shared) => {}
                    }
                });
            }
        });
        Ok(Server { port, shared, runtime: Some(runtime) })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts all connections at once. New ones are accepted.
    pub fn drop_connections(&self) {
        self.shared.cut.send_replace(());
    }

    /// Answers the next request with this error. From severity 20 on the connection ends with it.
    pub fn fail_next(&self, error: SqlError) {
        self.shared.faults.fail("", error);
    }

    /// Answers the next request whose text contains this one with this error.
    pub fn fail_next_with(&self, text: &str, error: SqlError) {
        self.shared.faults.fail(text, error);
    }

    /// Ends the connection once, after so many rows of the next result set that has them. With 0 it ends after the columns.
    pub fn cut_after_rows(&self, rows: u64) {
        self.shared.faults.cut_after_rows(rows);
    }

    /// Refuses logins with this error from now on.
    pub fn refuse_logins(&self, error: SqlError) {
        self.shared.faults.refuse_logins(Some(error));
    }

    /// Leaves logins to the backend again.
    pub fn accept_logins(&self) {
        self.shared.faults.refuse_logins(None);
    }

    /// The texts of the requests so far, in their order: `EXEC name` for a procedure, `-- bulk load: 3 rows` for rows.
    pub fn log(&self) -> Vec<String> {
        self.shared.faults.log()
    }

    /// The logins so far, the refused ones among them.
    pub fn logins(&self) -> Vec<Login> {
        self.shared.faults.logins()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.drop_connections();
        if let Some(runtime) = self.runtime.take() {
            // A runtime may not be waited for where another one runs.
            runtime.shutdown_background();
        }
    }
}
