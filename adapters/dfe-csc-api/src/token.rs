//! The OAuth2 token: client credentials, fetched once for all concurrent sends, renewed before it ends.
//!
//! The cache is a lock around the token. Whoever finds no good token fetches one *with the lock held*, so that everybody
//! else waits for that one instead of fetching their own: the race is settled here and nowhere else.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::sink::{SendError, Then};
use reqwest::header::{ACCEPT, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::address::Address;
use crate::answer::Answer;
use crate::http::Line;
use crate::options::Settings;

/// Life of a token whose answer does not tell it: short, since a token that has ended costs a refused batch.
const UNTOLD_LIFE: Duration = Duration::from_secs(300);

/// No token is used for longer than this, whatever it says.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);

/// A token, ready for use. Its header is marked sensitive, so that nothing prints it.
#[derive(Clone)]
pub(crate) struct Token {
    /// `Bearer …`.
    pub authorization: HeaderValue,
    /// Tells tokens apart without comparing secrets.
    serial: u64,
}

/// Where tokens come from, and the present one.
pub(crate) struct Tokens {
    line: Line,
    address: Address,
    scope: String,
    client_id: SecretString,
    client_secret: SecretString,
    patience: Duration,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    token: Option<Token>,
    /// From then on it is renewed.
    renew_at: Option<Instant>,
    serial: u64,
}

/// The token endpoint's answer; fields that we do not need are ignored.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// Seconds; some servers write the number as text.
    expires_in: Option<Value>,
}

impl Tokens {
    /// No token yet. `patience` is the longest [`Tokens::get`] may take, waiting for others included.
    pub fn new(line: Line, settings: &Settings, patience: Duration) -> Tokens {
        Tokens {
            line,
            address: settings.token_endpoint.clone(),
            scope: settings.scope.clone(),
            client_id: settings.client_id.clone(),
            client_secret: settings.client_secret.clone(),
            patience,
            cache: Mutex::new(Cache::default()),
        }
    }

    /// The present token, or a new one where there is none or its end is near.
    pub async fn get(&self) -> Result<Token, SendError> {
        match tokio::time::timeout(self.patience, self.cached_or_fetched()).await {
            Ok(token) => token,
            Err(_) => Err(self.retry("no answer within the time limit", None)),
        }
    }

    /// Forgets a token that was refused. One that has been fetched since then stays.
    pub async fn forget(&self, refused: &Token) {
        let mut cache = self.cache.lock().await;
        if cache.token.as_ref().is_some_and(|token| token.serial == refused.serial) {
            cache.token = None;
        }
    }

    async fn cached_or_fetched(&self) -> Result<Token, SendError> {
        let mut cache = self.cache.lock().await;
        if let (Some(token), Some(renew_at)) = (&cache.token, cache.renew_at)
            && Instant::now() < renew_at
        {
            return Ok(token.clone());
        }
        let asked = Instant::now();
        let (authorization, life) = self.fetch().await?;
        cache.serial += 1;
        let token = Token { authorization, serial: cache.serial };
        cache.token = Some(token.clone());
        cache.renew_at = Some(asked + useful(life));
        tracing::debug!(
            token.life_s = life.as_secs(),
            token.fetch_ms = asked.elapsed().as_millis() as u64,
            "token fetched"
        );
        Ok(token)
    }

    async fn fetch(&self) -> Result<(HeaderValue, Duration), SendError> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.expose_secret()),
            ("client_secret", self.client_secret.expose_secret()),
            ("scope", &self.scope),
        ];
        let request = self.line.post(self.address.url().clone()).header(ACCEPT, "application/json").form(&form);
        let answer = match self.line.send(request).await {
            Ok(answer) => answer,
            Err(mut failed) => {
                // Whether the question arrived does not matter here: asking again does no harm.
                if failed.then == Then::Unknown {
                    failed.then = Then::Retry { after: None };
                }
                failed.error = failed.error.within("token endpoint");
                return Err(failed);
            }
        };
        tracing::debug!(token.status = answer.status, "token endpoint answered");
        if let Some((what, advice)) = answer.refused_by_a_proxy() {
            return Err(self.refused(Kind::Permission, &what, advice));
        }
        match answer.status {
            200..=299 if !answer.whole => Err(self.retry("the answer broke off", None)),
            200..=299 => {
                granted(&answer.body).ok_or_else(|| self.refused(Kind::Protocol, "the answer holds no token", NO_TOKEN))
            }
            400 | 401 | 403 => Err(self.refused(Kind::Permission, &denied(&answer), advice(&answer.body))),
            status @ (408 | 429 | 500..=599) => Err(self.retry(&format!("it answered {status}"), answer.retry_after)),
            status => Err(self.refused(Kind::Config, &format!("it answered {status}"), NO_TOKEN)),
        }
    }

    fn refused(&self, kind: Kind, what: &str, advice: impl Into<Cow<'static, str>>) -> SendError {
        self.failed(kind, what, advice, Then::GiveUp)
    }

    fn retry(&self, what: &str, after: Option<Duration>) -> SendError {
        self.failed(
            Kind::Unreachable,
            what,
            "check [sink] token_endpoint, the network and [sink] proxy",
            Then::Retry { after },
        )
    }

    fn failed(&self, kind: Kind, what: &str, advice: impl Into<Cow<'static, str>>, then: Then) -> SendError {
        let message = format!("token endpoint: {}: {what}", self.address.host());
        // No status and no detail: the answer is about our credentials and no record's affair.
        SendError { error: Error::new(kind, message, advice), then, status: None, detail: None }
    }
}

const NO_TOKEN: &str = "check [sink] token_endpoint, and whether a proxy answers in its place";

fn granted(body: &str) -> Option<(HeaderValue, Duration)> {
    let granted: Granted = serde_json::from_str(body).ok()?;
    let token = Some(granted.access_token.trim()).filter(|token| !token.is_empty())?;
    let mut authorization = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    authorization.set_sensitive(true);
    let seconds = granted.expires_in.and_then(|life| match life {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    });
    let life = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(UNTOLD_LIFE);
    Some((authorization, life.min(LONGEST_LIFE)))
}

/// How long a token is used: until a minute before its end, or a tenth of its life where that is shorter.
fn useful(life: Duration) -> Duration {
    life - (life / 10).min(Duration::from_secs(60))
}

/// The refusal with the codes in it that name no secret: OAuth2's error word and Entra's `AADSTS` number.
fn denied(answer: &Answer) -> String {
    let codes = [oauth_error(&answer.body).map(str::to_owned), entra_code(&answer.body)];
    let codes: Vec<String> = codes.into_iter().flatten().collect();
    match codes.is_empty() {
        true => format!("it answered {} and gave no token", answer.status),
        false => format!("it answered {} and gave no token ({})", answer.status, codes.join(", ")),
    }
}

fn advice(body: &str) -> &'static str {
    match oauth_error(body) {
        Some("invalid_scope") => "check [sink] scope: it ends in /.default and is issued with the client id",
        Some("invalid_client") => {
            "check [sink] client_id and client_secret: the secret may have expired, or be its id in place of its value"
        }
        _ => {
            "check [sink] client_id, client_secret and scope against the portal, and that token_endpoint is the one issued with them"
        }
    }
}

/// OAuth2's word for the refusal, one of the few there are (RFC 6749, section 5.2).
fn oauth_error(body: &str) -> Option<&'static str> {
    const WORDS: [&str; 6] = [
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    ];
    let body: Value = serde_json::from_str(body).ok()?;
    let word = body.get("error")?.as_str()?;
    WORDS.into_iter().find(|known| *known == word)
}

fn entra_code(body: &str) -> Option<String> {
    let (_, rest) = body.split_once("AADSTS")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).take(12).collect();
    (!digits.is_empty()).then(|| format!("AADSTS{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(expires_in: &str) -> Duration {
        granted(&format!(r#"{{"access_token":" t ","expires_in":{expires_in}}}"#)).expect("a token").1
    }

    #[test]
    fn the_life_is_read_as_number_or_text_and_guessed_otherwise() {
        assert_eq!(life("3599"), Duration::from_secs(3599));
        assert_eq!(life("\"3599\""), Duration::from_secs(3599));
        for nonsense in ["null", "-1", "\"soon\"", "{}", "\"NaN\""] {
            assert_eq!(life(nonsense), UNTOLD_LIFE, "{nonsense}");
        }
        assert_eq!(life("1e300"), UNTOLD_LIFE);
        assert_eq!(life("100000000"), LONGEST_LIFE);
    }

    #[test]
    fn a_token_is_renewed_a_minute_or_a_tenth_of_its_life_before_its_end() {
        assert_eq!(useful(Duration::from_secs(3600)), Duration::from_secs(3540));
        assert_eq!(useful(Duration::from_secs(100)), Duration::from_secs(90));
        assert_eq!(useful(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn the_token_is_trimmed_and_never_printed() {
        let (authorization, _) = granted(r#"{"access_token":" abc "}"#).expect("a token");
        assert_eq!(authorization.to_str().ok(), Some("Bearer abc"));
        assert!(!format!("{authorization:?}").contains("abc"));
        for none in ["", "{}", r#"{"access_token":""}"#, r#"{"access_token":"a\nb"}"#, "<html>"] {
            assert!(granted(none).is_none(), "{none}");
        }
    }

    #[test]
    fn a_refusal_shows_known_codes_only() {
        let body = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid secret 'hunter2' for app '99-88'."}"#;
        let answer = Answer::told(401, body);
        assert_eq!(denied(&answer), "it answered 401 and gave no token (invalid_client, AADSTS7000215)");
        let answer = Answer::told(401, r#"{"error":"hunter2"}"#);
        assert_eq!(denied(&answer), "it answered 401 and gave no token");
    }
}
