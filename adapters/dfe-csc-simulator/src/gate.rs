//! Who may send: tokens and the supplier key.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap};
use serde_json::json;

use crate::form;
use crate::reply::{self, Whole};
use crate::settings::Expected;

/// Who may send.
pub(crate) struct Gate {
    expected: Expected,
    /// Tokens given out and when each ends.
    tokens: Mutex<HashMap<String, Instant>>,
}

impl Gate {
    pub fn new(expected: Expected) -> Gate {
        Gate { expected, tokens: Mutex::default() }
    }

    /// Answers a token request (RFC 6749, sections 4.4 and 5) with a token that lasts `lifetime` and is said to last `says`.
    pub fn token(&self, body: &[u8], lifetime: Duration, says: Duration) -> Result<Whole, Box<Whole>> {
        let refused = |status, reason| Err(Box::new(reply::refusal(status, reason)));
        let Some(fields) = form::parse(body) else {
            return refused(StatusCode::BAD_REQUEST, "invalid_request");
        };
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        if field("grant_type") != "client_credentials" {
            return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type");
        }
        if ["client_id", "client_secret", "scope"].iter().any(|name| field(name).is_empty()) {
            return refused(StatusCode::BAD_REQUEST, "invalid_request");
        }
        let known = fits(&self.expected.client_id, field("client_id"))
            && fits(&self.expected.client_secret, field("client_secret"));
        if !known {
            return refused(StatusCode::UNAUTHORIZED, "invalid_client");
        }
        let token = uuid::Uuid::new_v4().simple().to_string();
        let now = Instant::now();
        let mut tokens = crate::held::lock(&self.tokens);
        tokens.retain(|_, end| *end > now);
        tokens.insert(token.clone(), now + lifetime);
        let answer = json!({ "access_token": token, "token_type": "Bearer", "expires_in": says.as_secs() });
        Ok(reply::json(StatusCode::OK, &answer))
    }

    /// Refuses a sender without a good token (401) or supplier key (403).
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Box<Whole>> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = bearer(text(AUTHORIZATION.as_str())).unwrap_or_default();
        let good = crate::held::lock(&self.tokens).get(token).is_some_and(|end| *end > Instant::now());
        if !good {
            return Err(Box::new(reply::refusal(
                StatusCode::UNAUTHORIZED,
                "the token is missing, unknown or has ended",
            )));
        }
        if !fits(&self.expected.supplier_key, text("supplierkey")) {
            return Err(Box::new(reply::refusal(StatusCode::FORBIDDEN, "the supplier key is missing or wrong")));
        }
        Ok(())
    }
}

/// The token of an `Authorization` header. The scheme is written in any case (RFC 9110, 11.1), the token in its own.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

fn fits(expected: &Option<String>, given: &str) -> bool {
    match expected {
        Some(expected) => expected == given,
        None => !given.is_empty(),
    }
}
