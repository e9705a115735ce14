//! A DfE end that fails as told: it notes every request and answers with whatever a test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// A request as it came.
#[derive(Clone)]
pub struct Request {
    /// `POST /token HTTP/1.1`
    pub line: String,
    pub body: String,
}

impl Request {
    pub fn is_token(&self) -> bool {
        self.line.starts_with("POST /token ")
    }

    /// How many records a batch has.
    pub fn records(&self) -> usize {
        serde_json::from_str::<Vec<serde_json::Value>>(&self.body).expect("a batch is a list").len()
    }
}

/// What to do with a request.
pub enum Reply {
    /// Answer it.
    Answer(u16, String),
    /// Answer it, but end before the body does.
    Cut(u16, String),
    /// Close the connection without a word.
    Close,
    /// Say this, and no HTTP.
    Raw(String),
}

/// The token that [`Api::failing`] gives.
pub const TOKEN: &str = "TOKENCANARY-eyJhbGciOi";

/// A server at work, until dropped.
pub struct Api {
    addr: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Api {
    /// Answers every request as told.
    pub fn start(answer: impl Fn(&Request) -> Reply + Send + 'static) -> Api {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("an address");
        let (requests, ended) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (noted, over) = (requests.clone(), ended.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                // One connection after another, one request each. A sender that breaks off is its own affair.
                let Some((mut stream, request)) = stream.ok().and_then(receive) else { continue };
                noted.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                reply(&mut stream, answer(&request));
            }
        });
        Api { addr, requests, ended, thread: Some(thread) }
    }

    /// Gives tokens, and answers batches as told.
    pub fn failing(answer: impl Fn(&Request) -> Reply + Send + 'static) -> Api {
        Api::start(move |request| if request.is_token() { token() } else { answer(request) })
    }

    /// Gives tokens, and answers every batch with this status and body.
    pub fn always(status: u16, body: &str) -> Api {
        let body = body.to_owned();
        Api::failing(move |_| Reply::Answer(status, body.clone()))
    }

    /// Takes everything, as DfE does.
    pub fn taking() -> Api {
        Api::failing(|request| took(request.records()))
    }

    /// Every document that came, in order.
    pub fn documents(&self) -> Vec<serde_json::Value> {
        let batches = self.requests().into_iter().filter(|request| !request.is_token());
        batches.flat_map(|batch| serde_json::from_str::<Vec<_>>(&batch.body).expect("a batch is a list")).collect()
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many batches came.
    pub fn batches(&self) -> usize {
        self.requests().iter().filter(|request| !request.is_token()).count()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the thread from waiting for a connection.
        let _ = TcpStream::connect(self.addr);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A good answer to a batch of so many records.
pub fn took(records: usize) -> Reply {
    let receipts: Vec<String> = (0..records).map(|at| format!("2026-11-19_10:11:12.13_receipt-{at}.json")).collect();
    Reply::Answer(200, serde_json::to_string(&receipts).expect("JSON"))
}

/// A good answer to a request for a token.
pub fn token() -> Reply {
    Reply::Answer(200, format!(r#"{{"access_token":"{TOKEN}","token_type":"Bearer","expires_in":3600}}"#))
}

fn receive(stream: TcpStream) -> Option<(TcpStream, Request)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).expect("a request is UTF-8");
    Some((reader.into_inner(), Request { line: line.trim().to_owned(), body }))
}

fn reply(stream: &mut TcpStream, reply: Reply) {
    let (status, body, missing) = match reply {
        Reply::Answer(status, body) => (status, body, 0),
        Reply::Cut(status, body) => (status, body, 10),
        Reply::Close => return,
        Reply::Raw(text) => return drop(stream.write_all(text.as_bytes())),
    };
    let length = body.len() + missing;
    let head = format!("HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n");
    let _ = stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes());
}
