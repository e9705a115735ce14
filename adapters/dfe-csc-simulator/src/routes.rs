//! From a request to its answer.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use hyper::{Method, Request, StatusCode};
use serde_json::Value;

use crate::gate::Gate;
use crate::held::{Change, Dump, Held, lock};
use crate::intake;
use crate::reply::{self, Reply};
use crate::settings::Settings;
use crate::stats::Stats;

/// A token request is a few hundred bytes.
const TOKEN_FORM: usize = 64 * 1024;

/// All that the connections share.
pub(crate) struct Shared {
    pub settings: Settings,
    pub gate: Gate,
    pub held: Arc<Mutex<Held>>,
    pub stats: Mutex<Stats>,
}

/// Answers one request of the machine at `peer`.
pub(crate) async fn answer<B: Body<Data = Bytes>>(shared: &Shared, peer: IpAddr, request: Request<B>) -> Reply {
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    // What is held are children's documents, and nobody has to log in to see them. `to_canonical`: a listener on `::` sees
    // 127.0.0.1 as ::ffff:127.0.0.1.
    if parts.first() == Some(&"_simulator") && !peer.to_canonical().is_loopback() {
        return reply::refusal(StatusCode::FORBIDDEN, "this address answers only the simulator's own machine");
    }
    let (method, reply) = match parts[..] {
        ["token"] => (Method::POST, Route::Token),
        ["children_social_care_data", la_code, "children"] => (Method::POST, Route::Submit(la_code)),
        ["_simulator", "children", la_code] => (Method::GET, Route::Children(la_code)),
        ["_simulator", "stats"] => (Method::GET, Route::Stats),
        _ => return reply::refusal(StatusCode::NOT_FOUND, "there is nothing at this address"),
    };
    if *request.method() != method {
        return reply::refusal(StatusCode::METHOD_NOT_ALLOWED, "this address does not take this method");
    }
    match reply {
        Route::Token => match read(request.into_body(), Some(TOKEN_FORM)).await {
            Ok(body) => shared.gate.token(&body),
            Err(_) => reply::refusal(StatusCode::BAD_REQUEST, "invalid_request"),
        },
        Route::Submit(la_code) => submit(shared, la_code, request).await.unwrap_or_else(|refusal| *refusal),
        Route::Children(la_code) if is_la_code(la_code) => reply::lines(Dump::new(shared.held.clone(), la_code)),
        Route::Children(_) => reply::refusal(StatusCode::NOT_FOUND, "this is no authority's code"),
        Route::Stats => {
            let stats = lock(&shared.stats).clone();
            reply::json(StatusCode::OK, &serde_json::json!(stats))
        }
    }
}

enum Route<'a> {
    Token,
    Submit(&'a str),
    Children(&'a str),
    Stats,
}

/// Takes a batch.
///
/// The order of the questions: is the address right, may you send, is it JSON, does it fit, is it any good. Faults made on purpose belong
/// around this function's last two steps: before applying (refuse, hold, cut) and between applying and answering, the one that finds bugs.
async fn submit<B: Body<Data = Bytes>>(
    shared: &Shared,
    la_code: &str,
    request: Request<B>,
) -> Result<Reply, Box<Reply>> {
    lock(&shared.stats).requests += 1;
    let (head, body) = request.into_parts();
    // Read before anything is refused: a connection closed on a sender that still writes would lose it the answer.
    let body = read(body, shared.settings.max_body).await;
    tokio::time::sleep(shared.settings.latency).await;
    if !is_la_code(la_code) {
        return Err(Box::new(reply::refusal(StatusCode::NOT_FOUND, "this is no authority's code")));
    }
    shared.gate.check(&head.headers)?;
    intake::check_type(&head.headers)?;
    let records = intake::records(&body?)?;
    lock(&shared.stats).records += records.len() as u64;
    intake::judge(&records, shared.settings.validator.as_ref())?;
    let repeated = apply(shared, la_code, &records);
    let mut stats = lock(&shared.stats);
    stats.applied += records.len() as u64;
    stats.repeated += repeated;
    let receipts: Vec<String> = records.iter().map(|_| receipt()).collect();
    tracing::debug!(batch.records = records.len(), batch.repeated = repeated, "batch taken");
    Ok(reply::json(StatusCode::OK, &receipts.into()))
}

/// Applies a judged batch, all of it at once. Returns how many records changed nothing.
fn apply(shared: &Shared, la_code: &str, records: &[Value]) -> u64 {
    let mut held = lock(&shared.held);
    let mut repeated = 0;
    for record in records {
        if let Some(record) = record.as_object()
            && let Some(child) = intake::child(record)
            && !held.apply(la_code, child, Change::of(record, shared.settings.semantics))
        {
            repeated += 1;
        }
    }
    repeated
}

/// Reads a body to its end, and keeps it if it is no longer than `limit` (else 413).
async fn read<B: Body<Data = Bytes>>(body: B, limit: Option<usize>) -> Result<Vec<u8>, Box<Reply>> {
    let mut body = std::pin::pin!(body);
    let limit = limit.unwrap_or(usize::MAX);
    let mut kept = Vec::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(Box::new(reply::refusal(StatusCode::BAD_REQUEST, "the body broke off")));
        };
        if let Some(data) = frame.data_ref() {
            length += data.len();
            match length <= limit {
                true => kept.extend_from_slice(data),
                false => kept = Vec::new(),
            }
        }
    }
    match length <= limit {
        true => Ok(kept),
        false => Err(Box::new(reply::refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"))),
    }
}

/// `YYYY-MM-DD_HH:MM:SS.ff_<uuid>.json`. DfE's documents do not say in which time zone; here it is UTC.
fn receipt() -> String {
    format!("{}_{}.json", jiff::Timestamp::now().strftime("%Y-%m-%d_%H:%M:%S%.2f"), uuid::Uuid::new_v4())
}

fn is_la_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use http_body_util::Empty;

    use super::*;

    async fn status(peer: &str, path: &str) -> u16 {
        let settings = Settings::default();
        let shared = Shared {
            gate: Gate::new(settings.expected.clone(), settings.token_lifetime),
            held: Arc::default(),
            stats: Mutex::default(),
            settings,
        };
        let request = Request::get(path).body(Empty::<Bytes>::new()).expect("a request");
        answer(&shared, peer.parse().expect("an address"), request).await.status().as_u16()
    }

    #[tokio::test]
    async fn what_is_held_is_shown_on_the_same_machine_only() {
        for path in ["/_simulator/children/845", "/_simulator/stats"] {
            for peer in ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"] {
                assert_eq!(status(peer, path).await, 200, "{peer} {path}");
            }
            for peer in ["10.0.0.7", "192.168.1.2", "0.0.0.0", "fe80::1", "::ffff:10.0.0.7", "2001:db8::1"] {
                assert_eq!(status(peer, path).await, 403, "{peer} {path}");
            }
        }
        for path in ["/_simulator", "/_simulator/", "/_simulator/nothing", "/_simulator/children/84x"] {
            assert_eq!(status("10.0.0.7", path).await, 403, "{path}");
        }
        assert_eq!(status("10.0.0.7", "/token").await, 405);
    }
}
