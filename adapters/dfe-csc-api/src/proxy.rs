//! The proxy on the way: which one it is, and what it wants when it lets nothing through.
//!
//! The HTTP library does not hand on what a proxy answers to a request to pass through (CONNECT). So after such a refusal the
//! proxy is asked once more, by a request of its own that carries neither a child's data nor a login: a wrong password sent
//! twice is twice as close to a locked account.

use std::borrow::Cow;
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::sink::{SendError, Then};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::header::{HeaderMap, HeaderName, PROXY_AUTHENTICATE, SERVER};
use reqwest::{Client, ClientBuilder, Method, Proxy, Url};
use secrecy::ExposeSecret;

use crate::address::{Address, ProxyChoice};
use crate::options::Settings;

/// The proxy that requests to one address take.
pub(crate) struct Hop {
    /// For the HTTP library, with the login.
    pub proxy: Proxy,
    /// Host and port, for messages.
    pub name: String,
    /// Whether it is reached over TLS.
    pub is_https: bool,
    has_login: bool,
}

impl Hop {
    /// The proxy on the way to `address`, where there is one. The system's is settled here, once, so that messages can name it.
    ///
    /// # Errors
    /// [`Kind::Config`] for a proxy that cannot be used.
    pub fn to(settings: &Settings, address: &Address) -> Result<Option<Hop>> {
        match &settings.proxy {
            // What goes to this machine stays on it, whatever the environment says about proxies.
            _ if address.is_loopback() => Ok(None),
            ProxyChoice::Direct => Ok(None),
            ProxyChoice::System => Hop::of_the_system(address),
            ProxyChoice::At(url) => {
                let proxy = Proxy::all(url.clone()).map_err(|_| unusable("[sink] proxy"))?;
                let proxy = match &settings.proxy_login {
                    Some((user, password)) => proxy.basic_auth(user, password.expose_secret()),
                    None => proxy,
                };
                Ok(Some(Hop::new(proxy, url, settings.proxy_login.is_some())))
            }
        }
    }

    fn of_the_system(address: &Address) -> Result<Option<Hop>> {
        let Ok(target) = address.url().as_str().parse() else {
            return Ok(None);
        };
        let Some(found) = Matcher::from_system().intercept(&target) else {
            return Ok(None);
        };
        let wrong = || unusable("the system's proxy");
        let url = Url::parse(&found.uri().to_string()).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong());
        }
        let proxy = Proxy::all(url.clone()).map_err(|_| wrong())?;
        let proxy = match found.basic_auth() {
            Some(login) => proxy.custom_http_auth(login.clone()),
            None => proxy,
        };
        Ok(Some(Hop::new(proxy, &url, found.basic_auth().is_some())))
    }

    fn new(proxy: Proxy, url: &Url, has_login: bool) -> Hop {
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        Hop { proxy, name: format!("{host}:{port}"), is_https: url.scheme() == "https", has_login }
    }
}

fn unusable(which: &str) -> Error {
    Error::new(
        Kind::Config,
        format!("{which} cannot be used"),
        "name an HTTP proxy as [sink] proxy = \"http://host:port\", or none as proxy = \"none\"; SOCKS is not spoken",
    )
}

/// How a proxy turned down the request to pass through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnedDown {
    /// With 407.
    WithoutLogin,
    /// With another status.
    Otherwise,
}

/// Asks a proxy why it turned a request down.
pub(crate) struct Inquiry {
    http: Client,
    /// Where the request was to pass through to.
    target: String,
    proxy: String,
    has_login: bool,
}

impl Inquiry {
    /// `builder` has the settings of TLS; `patience` is the longest an inquiry may take.
    ///
    /// # Errors
    /// Where no client can be made.
    pub fn new(builder: ClientBuilder, hop: &Hop, address: &Address, patience: Duration) -> reqwest::Result<Inquiry> {
        let port = address.url().port_or_known_default().unwrap_or(443);
        // The same proxy without its login. Its name is an address without one.
        let scheme = if hop.is_https { "https" } else { "http" };
        let proxy = Proxy::all(format!("{scheme}://{}", hop.name))?;
        let http = builder.proxy(proxy).timeout(patience).pool_max_idle_per_host(0).build()?;
        // Plain http here only keeps the library from opening the tunnel itself: what leaves is `CONNECT host:port`.
        let target = format!("http://{}:{port}/", address.host());
        Ok(Inquiry { http, target, proxy: hop.name.clone(), has_login: hop.has_login })
    }

    /// What the proxy's refusal means for the batch. Nothing of it has left.
    pub async fn explain(&self, turned_down: TurnedDown) -> SendError {
        let answer = self.http.request(Method::CONNECT, &self.target).send().await.ok();
        let offer = answer.as_ref().map(|answer| Offer::read(answer.headers())).unwrap_or_default();
        let status = answer.map(|answer| answer.status().as_u16());
        tracing::debug!(proxy.status = status, proxy.name = self.proxy, "proxy asked why");
        let (kind, refusal, then) = match (turned_down, status) {
            (TurnedDown::WithoutLogin, _) => (Kind::Permission, offer.refusal(self.has_login), Then::GiveUp),
            (TurnedDown::Otherwise, Some(status @ (401 | 403 | 405))) => {
                (Kind::Permission, closed(Some(status)), Then::GiveUp)
            }
            // It wants a login first, and had one: its answer to that is not known.
            (TurnedDown::Otherwise, None | Some(407) | Some(200..=299)) => {
                (Kind::Unreachable, closed(None), Then::Retry { after: None })
            }
            (TurnedDown::Otherwise, status) => (Kind::Unreachable, closed(status), Then::Retry { after: None }),
        };
        let (what, advice) = refusal;
        let error = Error::new(kind, format!("proxy {}: {what}", self.proxy), advice);
        SendError { error, then, status: None, detail: None }
    }
}

/// Message and advice.
type Words = (Cow<'static, str>, Cow<'static, str>);

fn closed(status: Option<u16>) -> Words {
    let what = match status {
        Some(status) => format!("the proxy does not let the connection through (it answered {status})").into(),
        None => "the proxy does not let the connection through".into(),
    };
    (what, "ask your network team to let this machine through to the addresses in [sink]".into())
}

/// The logins that a proxy takes, of those that have a name here. Other words in its answer are not shown.
#[derive(Default)]
pub(crate) struct Offer(Vec<&'static str>);

const BASIC: &str = "Basic";
const WINDOWS: [&str; 3] = ["NTLM", "Negotiate", "Kerberos"];
const OTHERS: [&str; 2] = ["Digest", "Bearer"];

impl Offer {
    /// From `Proxy-Authenticate`, which may come once with several logins, or several times.
    pub fn read(headers: &HeaderMap) -> Offer {
        let mut offer = Offer::default();
        let values = headers.get_all(PROXY_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        for word in values.flat_map(challenges) {
            let mut known = [BASIC].into_iter().chain(WINDOWS).chain(OTHERS);
            if let Some(name) = known.find(|name| name.eq_ignore_ascii_case(word))
                && !offer.0.contains(&name)
            {
                offer.0.push(name);
            }
        }
        offer
    }

    /// What a 407 means. `had_login`: whether one was sent.
    pub fn refusal(&self, had_login: bool) -> Words {
        let names = self.0.join(", ");
        if self.0.is_empty() {
            return ("the proxy wants a login".into(), ANY_LOGIN.into());
        }
        if self.0.contains(&BASIC) {
            return match had_login {
                true => (format!("the proxy did not accept the login (it takes {names})").into(), WRONG_LOGIN.into()),
                false => (format!("the proxy wants a login (it takes {names})").into(), BASIC_LOGIN.into()),
            };
        }
        let kind = if self.0.iter().any(|name| WINDOWS.contains(name)) { "Windows logon" } else { "kind of login" };
        (format!("the proxy wants a login: a {kind} ({names}) that csc-bridge cannot give").into(), NO_LOGIN.into())
    }
}

const ANY_LOGIN: &str = "set [sink] proxy, proxy_user and proxy_password, or check them; a proxy that takes Windows logons only needs \
    an exception for the addresses in [sink], which your network team can make";
const BASIC_LOGIN: &str = "set [sink] proxy, proxy_user and proxy_password";
const WRONG_LOGIN: &str =
    "check [sink] proxy_user and proxy_password; a wrong password, tried often, may have locked the account";
const NO_LOGIN: &str = "ask your network team to let this machine through to the addresses in [sink] without a logon, or to give it a basic \
    login for [sink] proxy_user and proxy_password; or run a relay that logs on with a Windows account (such as Px) on this \
    machine, and name it as [sink] proxy";

/// The first word of each part between commas, where quoted text counts as part of its part.
fn challenges(value: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    value
        .split(move |c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        })
        .filter_map(|part| part.split_whitespace().next())
}

/// Whether a refusal came from a proxy on the way, by signs that the API's own front does not give.
pub(crate) fn answered(headers: &HeaderMap) -> bool {
    const SQUID: HeaderName = HeaderName::from_static("x-squid-error");
    // Proxies and web filters that authorities have between themselves and the internet.
    const FILTERS: [&str; 12] = [
        "squid",
        "zscaler",
        "bluecoat",
        "proxysg",
        "mcafee",
        "skyhigh",
        "forcepoint",
        "websense",
        "smoothwall",
        "netskope",
        "iboss",
        "umbrella",
    ];
    let server = headers.get(SERVER).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    headers.contains_key(PROXY_AUTHENTICATE)
        || headers.contains_key(SQUID)
        || FILTERS.iter().any(|name| server.contains(name))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn offer(values: &[&'static str]) -> Vec<&'static str> {
        let headers =
            values.iter().map(|value| (PROXY_AUTHENTICATE, HeaderValue::from_static(value))).collect::<Vec<_>>();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value);
        }
        Offer::read(&map).0
    }

    #[test]
    fn logins_are_read_from_one_header_or_several_in_any_case() {
        assert_eq!(offer(&["Negotiate", "ntlm", "BASIC realm=\"a\""]), ["Negotiate", "NTLM", "Basic"]);
        assert_eq!(
            offer(&["Negotiate, NTLM, Basic realm=\"a, Digest b\", charset=\"UTF-8\""]),
            ["Negotiate", "NTLM", "Basic"]
        );
        assert_eq!(offer(&["Digest realm=\"x\", nonce=\"y\", Digest realm=\"z\""]), ["Digest"]);
        assert_eq!(offer(&["Secret realm=\"Basic\"", ""]), [""; 0]);
    }

    #[test]
    fn a_basic_login_is_asked_for_where_one_is_taken_at_all() {
        let words = |names: &[&'static str], had_login| Offer(names.to_vec()).refusal(had_login);
        assert!(words(&["NTLM", "Basic"], false).1.contains("proxy_user"));
        assert!(words(&["NTLM", "Basic"], true).0.contains("did not accept"));
        for had_login in [true, false] {
            let (what, advice) = words(&["Negotiate", "NTLM"], had_login);
            assert!(what.contains("Windows logon (Negotiate, NTLM)"), "{what}");
            assert!(advice.contains("network team") && advice.contains("relay"), "{advice}");
            assert!(!words(&["Digest"], had_login).0.contains("Windows"));
        }
    }
}
