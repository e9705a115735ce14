//! One request for each record: not too fast, again where that may help, and what an answer means.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use csc_bridge_plugin_sdk::error::{Error, Kind, Result};
use csc_bridge_plugin_sdk::secrecy::{ExposeSecret, SecretString};
use csc_bridge_plugin_sdk::tokio::{self, sync::Mutex, time::Instant};
use reqwest::header::{ACCEPT, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Response};
use serde_json::Value;

use crate::options::Settings;

/// The first wait before another attempt, at most; twice as long before each one after that,
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// and no longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// After so many records in a row that could not be had for the system's sake, it is down.
const IN_A_ROW: u32 = 3;
/// A record larger than this is none.
const MOST_BYTES: usize = 16 << 20;

/// What came of a record.
pub enum Answer {
    /// It is this.
    Found(Value),
    /// There is none, for this reason; asking again would not help.
    Refused(&'static str),
    /// The system failed, on this record at least.
    Unavailable,
}

/// One attempt.
enum Attempt {
    Ended(Answer),
    /// Worth another, not before this has passed.
    Again(Option<Duration>),
}

/// The line to the system.
pub struct Client {
    http: reqwest::Client,
    address: String,
    token: Option<SecretString>,
    min_interval: Duration,
    max_attempts: u32,
    max_retry_after: Duration,
    /// When the next request may leave.
    next: Mutex<Option<Instant>>,
    failed: AtomicU32,
}

impl Client {
    /// Makes the client; sends nothing.
    ///
    /// # Errors
    /// [`Kind::Config`]: the certificates of `ca_file`. [`Kind::Io`]: TLS cannot be set up.
    pub fn new(settings: &Settings) -> Result<Client> {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("csc-bridge-sdms-source/", env!("CARGO_PKG_VERSION")))
            // A redirect would carry the token to an address that nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.request_timeout);
        if !settings.address.starts_with("https:") {
            builder = builder.no_proxy().tls_certs_only([]);
        } else if let Some(path) = &settings.ca_file {
            let pem = std::fs::read(path).ok().and_then(|bytes| Certificate::from_pem_bundle(&bytes).ok());
            let pem = pem.ok_or_else(|| {
                Error::new(
                    Kind::Config,
                    format!("[source] ca_file {} holds no certificate that can be read", path.display()),
                    "name a file in PEM form that csc-bridge may read",
                )
            })?;
            builder = builder.tls_certs_merge(pem);
        }
        let http = builder.build().map_err(|_| {
            Error::new(Kind::Io, "TLS could not be set up", "check the operating system's certificate store")
        })?;
        Ok(Client {
            http,
            address: settings.address.clone(),
            token: settings.token.clone(),
            min_interval: settings.min_interval,
            max_attempts: settings.max_attempts,
            max_retry_after: settings.max_retry_after,
            next: Mutex::new(None),
            failed: AtomicU32::new(0),
        })
    }

    /// Fetches one record.
    ///
    /// # Errors
    /// The system as a whole says no, asks to be left alone for too long, or has failed on several records in a row: whoever reads on
    /// would get nothing.
    pub async fn get(&self, id: &str) -> Result<Answer> {
        for attempt in 1..=self.max_attempts {
            let after = match self.once(id).await? {
                Attempt::Ended(answer) => {
                    self.failed.store(0, Ordering::Relaxed);
                    return Ok(answer);
                }
                Attempt::Again(after) => after,
            };
            if after.is_some_and(|after| after > self.max_retry_after) {
                return Err(down("the system asks to be left alone for longer than max_retry_after"));
            }
            if attempt < self.max_attempts {
                tokio::time::sleep(after.unwrap_or_else(|| jittered(attempt))).await;
            }
        }
        if self.failed.fetch_add(1, Ordering::Relaxed) + 1 >= IN_A_ROW {
            return Err(down("the system failed on several records in a row"));
        }
        Ok(Answer::Unavailable)
    }

    async fn once(&self, id: &str) -> Result<Attempt> {
        self.pace().await;
        let address = self.address.replace("{id}", &encoded(id));
        let mut request = self.http.get(address).header(ACCEPT, "application/json");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        match request.send().await {
            Ok(response) => judge(response).await,
            // Whatever broke between here and there may be whole again.
            Err(_) => Ok(Attempt::Again(None)),
        }
    }

    /// Waits until the next request may leave.
    async fn pace(&self) {
        let mut next = self.next.lock().await;
        if let Some(next) = *next {
            tokio::time::sleep_until(next).await;
        }
        *next = Some(Instant::now() + self.min_interval);
    }
}

async fn judge(response: Response) -> Result<Attempt> {
    let after = retry_after(response.headers(), SystemTime::now());
    let refused = |what| Ok(Attempt::Ended(Answer::Refused(what)));
    match response.status().as_u16() {
        200 => match body(response).await {
            Some(bytes) if bytes.len() > MOST_BYTES => refused("the answer is too large for a record"),
            Some(bytes) => match serde_json::from_slice(&bytes) {
                Ok(record) => Ok(Attempt::Ended(Answer::Found(record))),
                Err(_) => refused("the answer is no JSON"),
            },
            // It was cut off.
            None => Ok(Attempt::Again(None)),
        },
        404 | 410 => refused("the system has no record of this id"),
        408 | 425 | 429 | 500..=599 => Ok(Attempt::Again(after)),
        401 | 403 => Err(Error::new(
            Kind::Permission,
            "the system does not let csc-bridge in",
            "check token in [source], and what its account may read",
        )),
        300..=399 => Err(Error::new(
            Kind::Config,
            "the system answers that its records are at another address",
            "correct endpoint and path in [source]: redirects are not followed",
        )),
        _ => refused("the system refuses this id"),
    }
}

/// The body, or as much of it as is too much. `None` where it was cut off.
async fn body(mut response: Response) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MOST_BYTES {
            break;
        }
    }
    Some(bytes)
}

/// `Retry-After` in both its forms; a date by the system's own clock, where it tells it.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let wait = text(RETRY_AFTER)?;
    if !wait.is_empty() && wait.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(wait.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let until = httpdate::parse_http_date(wait).ok()?;
    let from = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    Some(until.duration_since(from).unwrap_or_default())
}

/// Any time up to the wait of this attempt: many that failed at once do not come back at once.
fn jittered(attempt: u32) -> Duration {
    let longest = FIRST_WAIT.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST_WAIT);
    longest.mul_f64(fastrand::f64())
}

/// An id as a part of a path.
fn encoded(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => text.push(char::from(byte)),
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

fn down(what: &'static str) -> Error {
    Error::new(
        Kind::Unreachable,
        what,
        "nothing of this read was used; what was fetched is kept, and the next run goes on from there",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_id_stays_one_step_of_a_path() {
        assert_eq!(encoded("A-1_b"), "A-1_b");
        assert_eq!(encoded("../é?x"), "%2E%2E%2F%C3%A9%3Fx");
    }

    #[test]
    fn waits_grow_and_have_an_end() {
        for attempt in 1..100 {
            let most = FIRST_WAIT * 2u32.pow(attempt.min(10) - 1);
            assert!((0..50).all(|_| jittered(attempt) <= most.min(LONGEST_WAIT)), "attempt {attempt}");
        }
        assert!((0..200).any(|_| jittered(8) > FIRST_WAIT), "they never grow");
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = httpdate::parse_http_date("Thu, 20 Nov 2025 10:00:00 GMT").unwrap();
        let wait = |pairs: &[(reqwest::header::HeaderName, &'static str)]| {
            let value = reqwest::header::HeaderValue::from_static;
            retry_after(&pairs.iter().map(|(name, text)| (name.clone(), value(text))).collect(), now)
        };
        assert_eq!(wait(&[(RETRY_AFTER, "7")]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[(RETRY_AFTER, "99999999999999999999999")]), Some(Duration::MAX));
        assert_eq!(wait(&[(RETRY_AFTER, "Thu, 20 Nov 2025 10:00:30 GMT")]), Some(Duration::from_secs(30)));
        let by_its_clock = [(RETRY_AFTER, "Thu, 20 Nov 2025 12:00:30 GMT"), (DATE, "Thu, 20 Nov 2025 12:00:00 GMT")];
        assert_eq!(wait(&by_its_clock), Some(Duration::from_secs(30)));
        assert_eq!((wait(&[]), wait(&[(RETRY_AFTER, "soon")])), (None, None));
    }
}
