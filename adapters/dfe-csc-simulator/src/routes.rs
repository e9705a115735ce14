//! From a request to its answer.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use hyper::body::{Body, Bytes};
use hyper::{Method, Request, StatusCode};
use tokio::sync::watch;

use crate::faults::{self, Chance, Dropped};
use crate::gate::Gate;
use crate::held::{Dump, Held, lock};
use crate::received::Log;
use crate::reply::{self, Reply};
use crate::settings::Settings;
use crate::stats::Stats;
use crate::submit;

/// A token request is a few hundred bytes.
const TOKEN_FORM: usize = 64 * 1024;

/// All that the connections share.
pub(crate) struct Shared {
    pub settings: Settings,
    pub gate: Gate,
    pub held: Arc<Mutex<Held>>,
    pub received: Mutex<Log>,
    pub stats: Mutex<Stats>,
    pub chance: Mutex<Chance>,
}

impl Shared {
    /// Begins with what is held.
    pub fn new(settings: Settings, held: Held) -> Shared {
        Shared {
            gate: Gate::new(settings.expected.clone()),
            held: Arc::new(Mutex::new(held)),
            received: Mutex::default(),
            stats: Mutex::default(),
            chance: Mutex::new(Chance::new(settings.faults.clone())),
            settings,
        }
    }

    /// Counts a fault that was made.
    pub fn count_fault(&self, name: String) {
        tracing::debug!(fault.name = name, "fault made");
        *lock(&self.stats).faults.entry(name).or_default() += 1;
    }
}

/// Answers one request of the machine at `peer`, or ends its connection.
pub(crate) async fn answer<B: Body<Data = Bytes>>(
    shared: &Shared,
    peer: IpAddr,
    request: Request<B>,
    stopped: watch::Receiver<()>,
) -> Result<Reply, Dropped> {
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let refused = |status, reason| Ok(reply::whole(reply::refusal(status, reason)));
    // What is held are children's documents, and nobody has to log in to see them. `to_canonical`: a listener on `::` sees
    // 127.0.0.1 as ::ffff:127.0.0.1.
    if parts.first() == Some(&"_simulator") && !peer.to_canonical().is_loopback() {
        return refused(StatusCode::FORBIDDEN, "this address answers only the simulator's own machine");
    }
    let (method, route) = match parts[..] {
        ["token"] => (Method::POST, Route::Token),
        ["children_social_care_data", la_code, "children"] => (Method::POST, Route::Submit(la_code)),
        ["_simulator", "children", la_code] => (Method::GET, Route::Children(la_code)),
        ["_simulator", "stats"] => (Method::GET, Route::Stats),
        _ => return refused(StatusCode::NOT_FOUND, "there is nothing at this address"),
    };
    if *request.method() != method {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "this address does not take this method");
    }
    match route {
        Route::Token => token(shared, request.into_body(), stopped).await,
        Route::Submit(la_code) => submit::submit(shared, la_code, request, stopped).await,
        Route::Children(la_code) if is_la_code(la_code) => Ok(reply::lines(Dump::new(shared.held.clone(), la_code))),
        Route::Children(_) => refused(StatusCode::NOT_FOUND, "this is no authority's code"),
        Route::Stats => {
            let stats = lock(&shared.stats).clone();
            Ok(reply::whole(reply::json(StatusCode::OK, &serde_json::json!(stats))))
        }
    }
}

enum Route<'a> {
    Token,
    Submit(&'a str),
    Children(&'a str),
    Stats,
}

/// Gives out a token.
async fn token<B: Body<Data = Bytes>>(
    shared: &Shared,
    body: B,
    stopped: watch::Receiver<()>,
) -> Result<Reply, Dropped> {
    let (now, fault) = lock(&shared.chance).token();
    let body = submit::read(body, Some(TOKEN_FORM)).await;
    let lifetime = now.token_lifetime.unwrap_or(shared.settings.token_lifetime);
    let made = |fault: &faults::FaultKind| shared.count_fault(format!("token_{}", fault.name()));
    let work = || match body {
        Ok(body) => shared.gate.token(&body, lifetime, now.token_says.unwrap_or(lifetime)),
        Err(_) => Err(Box::new(reply::refusal(StatusCode::BAD_REQUEST, "invalid_request"))),
    };
    faults::around(fault, stopped, made, work).await
}

pub(crate) fn is_la_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use http_body_util::Empty;

    use super::*;

    async fn status(peer: &str, path: &str) -> u16 {
        let shared = Shared::new(Settings::default(), Held::default());
        let request = Request::get(path).body(Empty::<Bytes>::new()).expect("a request");
        let (_stop, stopped) = watch::channel(());
        let peer = peer.parse().expect("an address");
        answer(&shared, peer, request, stopped).await.expect("an answer").status().as_u16()
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
