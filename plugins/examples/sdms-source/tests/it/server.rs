//! A small SDMS over real sockets: records by id, and faults on request.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// What a request meets instead of a record, once.
#[derive(Debug, Clone)]
pub enum Fault {
    /// A status, with `Retry-After` where there is one.
    Status(u16, Option<u64>),
    /// 200, and this body.
    Garbage(&'static str),
    /// The record, after this long.
    Slow(Duration),
    /// Half of the record, and the connection is closed.
    Half,
    /// The connection is closed.
    Closes,
}

#[derive(Default)]
struct State {
    records: BTreeMap<String, Value>,
    faults: BTreeMap<String, VecDeque<Fault>>,
    /// The ids asked for, in order, and when.
    asked: Vec<(String, Instant)>,
    /// Requests that are still answered; `None`: all.
    answers: Option<usize>,
    /// What every request must bring.
    token: Option<String>,
}

/// The server. It ends with the process.
pub struct Sdms {
    state: Arc<Mutex<State>>,
    addr: SocketAddr,
}

impl Sdms {
    pub fn start() -> Sdms {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                std::thread::spawn(move || drop(serve(&stream, &state)));
            }
        });
        Sdms { state, addr }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub fn put(&self, id: &str, record: Value) {
        self.state().records.insert(id.to_owned(), record);
    }

    pub fn remove(&self, id: &str) {
        self.state().records.remove(id);
    }

    /// The next requests for this id meet these, one after the other.
    pub fn fault(&self, id: &str, faults: &[Fault]) {
        self.state().faults.entry(id.to_owned()).or_default().extend(faults.iter().cloned());
    }

    /// After so many more requests every one is met by 503; `None`: none is.
    pub fn answer_only(&self, answers: Option<usize>) {
        self.state().answers = answers;
    }

    pub fn want_token(&self, token: &str) {
        self.state().token = Some(token.to_owned());
    }

    /// The ids asked for since the last time, in order.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state().asked).into_iter().map(|(id, _)| id).collect()
    }

    /// The times between the requests so far.
    pub fn gaps(&self) -> Vec<Duration> {
        self.state().asked.windows(2).map(|pair| pair[1].1 - pair[0].1).collect()
    }

    pub fn count(&self) -> usize {
        self.state().asked.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut token) = (String::new(), None);
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            if header.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("authorization")
            {
                token = Some(value.trim().trim_start_matches("Bearer ").to_owned());
            }
        }
        let id = path.rsplit('/').next().unwrap_or_default().to_owned();
        let (fault, record) = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.asked.push((id.clone(), Instant::now()));
            let fault = match &mut state.answers {
                Some(0) => Some(Fault::Status(503, Some(0))),
                answers => {
                    if let Some(answers) = answers {
                        *answers -= 1;
                    }
                    state.faults.get_mut(&id).and_then(VecDeque::pop_front)
                }
            };
            let fault =
                if state.token.is_some() && state.token != token { Some(Fault::Status(401, None)) } else { fault };
            (fault, state.records.get(&id).map(Value::to_string))
        };
        let body = record.clone().unwrap_or_default();
        match fault {
            Some(Fault::Status(status, after)) => {
                let after = after.map(|after| format!("Retry-After: {after}\r\n")).unwrap_or_default();
                answer(stream, status, &after, "no", 2)?;
            }
            Some(Fault::Garbage(body)) => answer(stream, 200, "", body, body.len())?,
            Some(Fault::Half) => {
                answer(stream, 200, "", &body[..body.len() / 2], body.len())?;
                return stream.shutdown(std::net::Shutdown::Both);
            }
            Some(Fault::Closes) => return stream.shutdown(std::net::Shutdown::Both),
            Some(Fault::Slow(time)) => {
                std::thread::sleep(time);
                answer(stream, 200, "", &body, body.len())?;
            }
            None if record.is_some() => answer(stream, 200, "", &body, body.len())?,
            None => answer(stream, 404, "", "no", 2)?,
        }
    }
}

fn answer(mut stream: &TcpStream, status: u16, more: &str, body: &str, length: usize) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status} it\r\n{more}Content-Length: {length}\r\n\r\n{body}")
}
