//! A server that says what a test wants it to, for failures that no database brings about on request. The protocol and TLS are those of
//! the test server; the real driver speaks with it over a socket.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use csc_bridge_core::config::Config;
use csc_bridge_core::error::Error;
use csc_bridge_sql::{Connection, Engine, Purpose};
use csc_bridge_sqlserver::SqlServerEngine;
use csc_bridge_test_tds::session::*;
use csc_bridge_test_tds::{Options, Server};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::Notify;

pub const PASSWORD: &str = "Schlüssel;{}";

/// The version of a server that does not tell it, nor anything else.
pub const SILENT: &str = "";

/// What the server says.
pub struct Script {
    /// Of its version.
    pub version: Mutex<&'static str>,
    /// To the next logons.
    pub refusals: Mutex<VecDeque<SqlError>>,
    /// How many logons there were, the refused ones among them.
    pub logons: AtomicUsize,
    /// How `SELECT id FROM numbers` goes.
    pub numbers: Mutex<Numbers>,
    /// Ends `SLOW`.
    pub release: Notify,
}

/// So many rows, and what comes then.
#[derive(Clone)]
pub struct Numbers {
    pub rows: usize,
    pub then: Then,
}

#[derive(Clone)]
pub enum Then {
    /// The end, and so many rows as the count that follows.
    Counted(i64),
    /// The end, and nothing that follows.
    Nothing,
    /// An error.
    Error(SqlError),
    /// The connection is gone.
    Cut,
}

impl Default for Script {
    fn default() -> Script {
        Script {
            version: Mutex::new("16.0.1000.6"),
            refusals: Mutex::default(),
            logons: AtomicUsize::new(0),
            numbers: Mutex::new(Numbers { rows: 3, then: Then::Counted(3) }),
            release: Notify::new(),
        }
    }
}

struct Scripted(Arc<Script>);

#[async_trait]
impl Backend for Scripted {
    async fn open(&self, _: &Login) -> Result<Box<dyn Session>, SqlError> {
        self.0.logons.fetch_add(1, Ordering::SeqCst);
        match self.0.refusals.lock().unwrap().pop_front() {
            Some(error) => Err(error),
            None => Ok(Box::new(Scripted(self.0.clone()))),
        }
    }
}

#[async_trait]
impl Session for Scripted {
    async fn run(&mut self, request: Request, answer: &mut dyn Answer) -> Result<(), Failed> {
        let text = match request {
            Request::Batch(text) | Request::Text { sql: text, .. } => text,
            Request::Procedure { name, .. } => name,
            Request::Bulk { rows, .. } => return Ok(answer.part(Part::Done(Some(rows.len() as u64))).await?),
        };
        if text.contains("ProductVersion") {
            let version = self.0.version.lock().unwrap().to_owned();
            if version == SILENT {
                std::future::pending::<()>().await;
            }
            return one_text(answer, &version).await;
        }
        if text.contains("FROM numbers") {
            return self.numbers(answer).await;
        }
        match text.split_once(' ') {
            Some(("SAY", word)) => one_text(answer, word).await,
            Some(("SLOW", word)) => {
                self.0.release.notified().await;
                one_text(answer, word).await
            }
            Some(("SELECT", rest)) if rest.starts_with("TOP 0") => {
                answer.part(Part::Columns([text_column()].into())).await?;
                Ok(answer.part(Part::Done(Some(0))).await?)
            }
            _ => Ok(answer.part(Part::Done(Some(1))).await?),
        }
    }

    async fn reset(&mut self) -> Result<(), SqlError> {
        Ok(())
    }
}

impl Scripted {
    async fn numbers(&self, answer: &mut dyn Answer) -> Result<(), Failed> {
        let Numbers { rows, then } = self.0.numbers.lock().unwrap().clone();
        answer.part(Part::Columns([text_column()].into())).await?;
        for number in 0..rows {
            answer.part(Part::Row(vec![Value::Text(number.to_string())])).await?;
        }
        let counted = match then {
            Then::Counted(counted) => counted,
            Then::Nothing => return Ok(answer.part(Part::Done(Some(rows as u64))).await?),
            Then::Error(error) => return Err(error.into()),
            Then::Cut => return Err(Failed::Dropped),
        };
        answer.part(Part::Done(Some(rows as u64))).await?;
        let column = Column { name: String::new(), kind: Type::Int, nullable: false };
        answer.part(Part::Columns([column].into())).await?;
        answer.part(Part::Row(vec![Value::Integer(counted)])).await?;
        Ok(answer.part(Part::Done(Some(1))).await?)
    }
}

fn text_column() -> Column {
    Column { name: "id".to_owned(), kind: Type::NVarChar(Some(100)), nullable: true }
}

async fn one_text(answer: &mut dyn Answer, text: &str) -> Result<(), Failed> {
    answer.part(Part::Columns([text_column()].into())).await?;
    answer.part(Part::Row(vec![Value::Text(text.to_owned())])).await?;
    Ok(answer.part(Part::Done(Some(1))).await?)
}

/// An error of the server.
pub fn error(number: i32, class: u8, message: &str) -> SqlError {
    SqlError { number, class, message: message.to_owned() }
}

/// The certificates of the tests of TLS with PostgreSQL, and some more for the same key. Those here are good for nothing else, too: the
/// authority's key was thrown away.
pub fn tls_file(name: &str) -> PathBuf {
    let adapter = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let own = adapter.join("tests/it/tls").join(name);
    if own.exists() { own } else { adapter.join("../postgres/tests/it/tls").join(name) }
}

/// Shows its certificate, which is not looked at: a server may have any.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// Of a server that shows this certificate.
pub fn tls(certificate: &str) -> Option<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = CertificateDer::pem_file_iter(tls_file(certificate)).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(tls_file("server.key")).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Shown(Arc::new(CertifiedKey::new(chain, key)))));
    Some(Arc::new(config))
}

/// A scripted server, and a folder with what the keys name.
pub struct Place {
    pub server: Server,
    pub script: Arc<Script>,
    folder: tempfile::TempDir,
}

impl Place {
    /// With a certificate that is in order.
    pub fn new() -> Place {
        Place::with(Options { tls: tls("server.pem"), ..Options::default() })
    }

    pub fn with(options: Options) -> Place {
        let script = Arc::new(Script::default());
        let server = Server::start(Arc::new(Scripted(script.clone())), options);
        Place { server, script, folder: folder() }
    }

    /// Every key that is needed, but for those of TLS.
    pub fn keys(&self) -> String {
        keys(self.server.port())
    }

    pub fn engine(&self, keys: &str) -> SqlServerEngine {
        engine(&self.folder, keys)
    }

    /// A connection that trusts the server's authority.
    pub async fn connect(&self) -> Result<Box<dyn Connection>, Error> {
        self.engine(&format!("{}{}", self.keys(), ca("ca.pem"))).connect(Purpose::Read).await
    }
}

/// A folder with the password.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), PASSWORD).unwrap();
    folder
}

/// Every key that is needed for a server on this port, but for those of TLS.
pub fn keys(port: u16) -> String {
    format!("host = '127.0.0.1'\nport = {port}\ndatabase = 'HDM'\nuser = 'csc'\npassword = {{ file = 'secret' }}\n")
}

/// The key `ca_file`.
pub fn ca(name: &str) -> String {
    format!("ca_file = '{}'\n", tls_file(name).display())
}

/// An engine that does not wait long between attempts.
pub fn engine(folder: &tempfile::TempDir, keys: &str) -> SqlServerEngine {
    let text = format!(
        "cms = \"systemc\"\nla_code = \"845\"\n[source]\n{keys}\n[sink]\nadapter = \"file\"\nfolder = \"out\"\n"
    );
    let config = Config::parse(&folder.path().join("csc-bridge.toml"), &text).unwrap();
    SqlServerEngine::new(&config.source.options).unwrap().with_pauses(&[Duration::from_millis(1); 2])
}
