//! The keys of `[sink]` that belong to this adapter, and what they mean once they are read.

use std::path::PathBuf;
use std::time::Duration;

use csc_bridge_core::config::{Options, SecretRef, Span};
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::sink::{Facts, Limits};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::address::{Address, ProxyChoice};

/// What DfE states as the most records of one request (fact sheet, section 3).
const DFE_MAX_RECORDS: usize = 100;

/// How long after its last byte a request may still wander: in this machine's buffers, a proxy, DfE's gateway.
const WANDERING: Duration = Duration::from_secs(30);

/// A time limit longer than this is a slip of the pen, and would keep unanswered rows locked away for as long.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);

/// The keys as written. Checks that need no other key are made while reading, so that a complaint names line and column.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    #[serde(deserialize_with = "base_address")]
    endpoint: Address,
    token_endpoint: Address,
    #[serde(deserialize_with = "not_blank")]
    scope: String,
    client_id: SecretRef,
    client_secret: SecretRef,
    supplier_key: SecretRef,
    #[serde(default = "default_max_records", deserialize_with = "max_records")]
    max_records: usize,
    #[serde(default = "default_max_bytes", deserialize_with = "max_bytes")]
    max_bytes: usize,
    #[serde(default = "default_connect_timeout", deserialize_with = "timeout")]
    connect_timeout: Duration,
    #[serde(default = "default_request_timeout", deserialize_with = "timeout")]
    request_timeout: Duration,
    #[serde(default = "default_user_agent", deserialize_with = "header_text")]
    user_agent: HeaderValue,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    proxy: ProxyChoice,
    #[serde(default, deserialize_with = "some_not_blank")]
    proxy_user: Option<String>,
    proxy_password: Option<SecretRef>,
}

/// The keys with their secrets read and their combinations checked.
pub(crate) struct Settings {
    /// The API's base address; the authority's path is added to it.
    pub endpoint: Address,
    /// Where tokens come from.
    pub token_endpoint: Address,
    /// The scope asked for.
    pub scope: String,
    /// OAuth2 client id. Not strictly a secret, but issued per authority and handled as one.
    pub client_id: SecretString,
    /// OAuth2 client secret.
    pub client_secret: SecretString,
    /// The value of the `SupplierKey` header, marked sensitive.
    pub supplier_key: HeaderValue,
    /// Records of one request.
    pub max_records: usize,
    /// Bytes of one request's body.
    pub max_bytes: usize,
    /// Longest time to a connection, TLS and proxy included.
    pub connect_timeout: Duration,
    /// Longest time from a connection to the end of the answer.
    pub request_timeout: Duration,
    /// The `User-Agent` header.
    pub user_agent: HeaderValue,
    /// Certificates to trust beside the operating system's, PEM or DER.
    pub ca_file: Option<PathBuf>,
    /// The proxy.
    pub proxy: ProxyChoice,
    /// User and password for the proxy.
    pub proxy_login: Option<(String, SecretString)>,
}

impl Settings {
    /// Reads and checks the keys, and reads the secrets they name.
    ///
    /// # Errors
    /// [`Kind::Config`].
    pub fn read(options: &Options) -> Result<Settings> {
        let keys: Keys = options.parse()?;
        let supplier_key = options.secret("supplier_key", &keys.supplier_key)?;
        let mut supplier_key = HeaderValue::from_str(supplier_key.expose_secret()).map_err(|_| {
            Error::new(
                Kind::Config,
                "[sink] supplier_key holds characters that an HTTP header cannot carry",
                "copy the subscription key again from the portal; it is one line of letters and digits",
            )
        })?;
        supplier_key.set_sensitive(true);
        let proxy_login = match (keys.proxy_user, &keys.proxy_password) {
            (None, None) => None,
            (Some(user), Some(password)) => Some((user, options.secret("proxy_password", password)?)),
            _ => {
                return Err(Error::new(
                    Kind::Config,
                    "[sink] has one of proxy_user and proxy_password without the other",
                    "set both, or neither",
                ));
            }
        };
        if proxy_login.is_some() && !matches!(keys.proxy, ProxyChoice::At(_)) {
            return Err(Error::new(
                Kind::Config,
                "[sink] proxy_user needs the proxy's address",
                "write the address beside it, such as proxy = \"http://proxy.example:8080\"",
            ));
        }
        Ok(Settings {
            endpoint: keys.endpoint,
            token_endpoint: keys.token_endpoint,
            scope: keys.scope,
            client_id: options.secret("client_id", &keys.client_id)?,
            client_secret: options.secret("client_secret", &keys.client_secret)?,
            supplier_key,
            max_records: keys.max_records,
            max_bytes: keys.max_bytes,
            connect_timeout: keys.connect_timeout,
            request_timeout: keys.request_timeout,
            user_agent: keys.user_agent,
            ca_file: keys.ca_file.map(|path| options.path(&path)),
            proxy: keys.proxy,
            proxy_login,
        })
    }

    /// Longest time one request and its answer may take, connecting included.
    pub fn exchange_time(&self) -> Duration {
        self.connect_timeout + self.request_timeout
    }

    /// What one request may hold.
    pub fn limits(&self) -> Limits {
        limits(self.max_records, self.max_bytes, self.exchange_time())
    }
}

/// What the keys say without the secrets.
///
/// # Errors
/// [`Kind::Config`].
pub(crate) fn facts(options: &Options) -> Result<Facts> {
    let keys: Keys = options.parse()?;
    Ok(Facts {
        limits: limits(keys.max_records, keys.max_bytes, keys.connect_timeout + keys.request_timeout),
        is_local: keys.endpoint.is_loopback() && keys.token_endpoint.is_loopback(),
    })
}

fn limits(max_records: usize, max_bytes: usize, exchange: Duration) -> Limits {
    // An intent is recorded before `send` begins, and `send` may first have to fetch a token.
    Limits { max_records, max_bytes, request_life: exchange + exchange + WANDERING }
}

fn base_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
    let address = Address::deserialize(deserializer)?;
    match address.url().query() {
        None => Ok(address),
        Some(_) => {
            Err(D::Error::custom("the endpoint has no \"?\" part; end it with the API's version, such as \"/1\""))
        }
    }
}

fn not_blank<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match String::deserialize(deserializer)?.trim() {
        "" => Err(D::Error::custom("this must not be empty")),
        text => Ok(text.to_owned()),
    }
}

fn some_not_blank<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    not_blank(deserializer).map(Some)
}

fn max_records<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    match usize::deserialize(deserializer)? {
        records @ 1..=DFE_MAX_RECORDS => Ok(records),
        _ => Err(D::Error::custom("DfE takes at most 100 records in one request; write 1 to 100")),
    }
}

fn max_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    match usize::deserialize(deserializer)? {
        0 => Err(D::Error::custom("a request needs room for a record; write a size in bytes, such as 4_000_000")),
        bytes => Ok(bytes),
    }
}

fn timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let Span(time) = Span::deserialize(deserializer)?;
    match time {
        Duration::ZERO => Err(D::Error::custom("a time limit of nothing lets no request through; write \"10s\"")),
        time if time > LONGEST_TIMEOUT => Err(D::Error::custom("this time limit is too long; write at most \"1h\"")),
        time => Ok(time),
    }
}

fn header_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HeaderValue, D::Error> {
    let text = not_blank(deserializer)?;
    HeaderValue::from_str(&text)
        .map_err(|_| D::Error::custom("an HTTP header cannot carry this; use plain letters on one line"))
}

fn default_max_records() -> usize {
    DFE_MAX_RECORDS
}

fn default_max_bytes() -> usize {
    4_000_000
}

fn default_connect_timeout() -> Duration {
    Duration::from_secs(10)
}

fn default_request_timeout() -> Duration {
    Duration::from_secs(60)
}

fn default_user_agent() -> HeaderValue {
    HeaderValue::from_static(concat!("csc-bridge/", env!("CARGO_PKG_VERSION")))
}
