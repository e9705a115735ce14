//! A tiny HTTP server: it notes every request and answers as told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A request as it came.
#[derive(Clone)]
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn is_token(&self) -> bool {
        self.line.starts_with("POST /token ")
    }
}

/// What to do with a request.
pub enum Reply {
    /// Answer it.
    Answer { status: u16, headers: &'static str, body: String },
    /// Answer it, but end before the body does.
    Cut { status: u16, body: String },
    /// Close the connection.
    Close,
    /// Never answer.
    Hang,
    /// Answer so, but not before being told to.
    Held(Arc<Notify>, Box<Reply>),
}

impl Reply {
    pub fn of(status: u16, body: &str) -> Reply {
        Reply::Answer { status, headers: "", body: body.to_owned() }
    }

    /// `count` receipts of the documented form.
    pub fn receipts(count: usize) -> Reply {
        let receipts: Vec<String> = (0..count).map(|n| format!("\"2025-11-20_10:11:12.13_id-{n}.json\"")).collect();
        Reply::of(200, &format!("[{}]", receipts.join(",")))
    }

    /// The same answer with these headers.
    pub fn with(self, headers: &'static str) -> Reply {
        match self {
            Reply::Answer { status, body, .. } => Reply::Answer { status, headers, body },
            other => other,
        }
    }

    pub fn token(name: &str, life: u64) -> Reply {
        Reply::of(200, &format!(r#"{{"access_token":"token-{name}","token_type":"Bearer","expires_in":{life}}}"#))
    }
}

/// A server at work, until dropped.
pub struct Server {
    address: std::net::SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// `answer` gets the request and how many of its kind (token or not) came before it.
    pub async fn start(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (noted, answer) = (requests.clone(), Arc::new(answer));
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        let task = tokio::spawn(async move {
            let mut conversations = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                conversations.spawn(converse(stream, noted.clone(), answer.clone()));
            }
        });
        Server { address, requests, connections, task }
    }

    /// Gives tokens; `answer` is for batches.
    pub async fn with_tokens(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Server {
        Server::start(move |request, before| match request.is_token() {
            true => Reply::token(&before.to_string(), 3600),
            false => answer(request, before),
        })
        .await
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections have been made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Waits until so many batches have arrived.
    pub async fn has_batches(&self, count: usize) {
        while self.requests(false).len() < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub fn requests(&self, tokens: bool) -> Vec<Request> {
        self.requests.lock().expect("unharmed").iter().filter(|request| request.is_token() == tokens).cloned().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one connection until either end closes it.
async fn converse<F: Fn(&Request, usize) -> Reply>(
    mut stream: TcpStream,
    noted: Arc<Mutex<Vec<Request>>>,
    answer: Arc<F>,
) {
    while let Some(request) = read(&mut stream).await {
        let before = {
            let mut noted = noted.lock().expect("unharmed");
            let before = noted.iter().filter(|other| other.is_token() == request.is_token()).count();
            noted.push(request.clone());
            before
        };
        let mut reply = answer(&request, before);
        while let Reply::Held(told, then) = reply {
            told.notified().await;
            reply = *then;
        }
        let (status, headers, body, missing) = match reply {
            Reply::Answer { status, headers, body } => (status, headers, body, 0),
            Reply::Cut { status, body } => (status, "", body, 10),
            Reply::Close | Reply::Held(..) => return,
            Reply::Hang => return tokio::time::sleep(Duration::from_secs(60)).await,
        };
        let length = body.len() + missing;
        let text = format!("HTTP/1.1 {status} Told\r\ncontent-length: {length}\r\n{headers}\r\n{body}");
        if stream.write_all(text.as_bytes()).await.is_err() || missing > 0 {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n").map(str::to_owned);
    let line = lines.next()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request { line, headers, body: String::from_utf8(body).ok()? })
}
