//! The keys of `[source]` and `[staging]` that belong to this adapter, and what they mean once they are read.

use std::path::PathBuf;
use std::time::Duration;

use csc_bridge_core::config::{Options, SecretRef, Span};
use csc_bridge_core::error::{Error, Kind, Result};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio_postgres::config::Host;

use crate::tls::{self, Connector, Files, SslMode};
use crate::url::{self, Parsed, Url};

/// The keys as written.
///
/// Without `sslmode` a connection to this machine (127.0.0.1, `localhost`, a socket) is as with libpq, `prefer`; one over a network
/// is `require`, where libpq would fall back to no encryption at all, which is not for children's records. `verify-full` is better
/// still, and what the playbook asks for; as a default it would keep out most servers of today, whose certificates are their own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// The server's name or address, or the folder of its socket.
    host: Option<String>,
    port: Option<u16>,
    database: Option<String>,
    user: Option<String>,
    password: Option<SecretRef>,
    /// Instead of the keys above; `password` may stand beside it.
    url: Option<Url>,
    sslmode: Option<SslMode>,
    /// Whom to trust (PEM), instead of the operating system's store.
    ca_file: Option<PathBuf>,
    client_cert: Option<PathBuf>,
    client_key: Option<PathBuf>,
    #[serde(default = "ten_seconds")]
    connect_timeout: Span,
    #[serde(default = "thirty_minutes")]
    query_timeout: Span,
    #[serde(default = "thirty_seconds")]
    lock_timeout: Span,
}

fn ten_seconds() -> Span {
    Span(Duration::from_secs(10))
}

fn thirty_minutes() -> Span {
    Span(Duration::from_secs(30 * 60))
}

fn thirty_seconds() -> Span {
    Span(Duration::from_secs(30))
}

/// The keys with their secrets read and their combinations checked.
#[derive(Clone)]
pub(crate) struct Settings {
    /// For the driver. Its `Debug` leaves the password out.
    pub(crate) config: tokio_postgres::Config,
    pub(crate) connector: Connector,
    /// Longest time to a connection that has logged in.
    pub(crate) connect_timeout: Duration,
    /// Longest time of one statement.
    pub(crate) query_timeout: Duration,
    /// Longest wait for a lock.
    pub(crate) lock_timeout: Duration,
    /// `database at host:port`, for messages.
    pub(crate) place: String,
}

impl Settings {
    /// Reads and checks the keys, the secrets and the certificates that they name.
    ///
    /// # Errors
    /// [`Kind::Config`].
    pub(crate) fn read(options: &Options) -> Result<Settings> {
        let keys: Keys = options.parse()?;
        let Parsed { mut config, sslmode, files } = match &keys.url {
            Some(url) => from_url(options, &keys, url)?,
            None => from_keys(&keys)?,
        };
        if let Some(password) = &keys.password {
            config.password(options.secret("password", password)?.expose_secret());
        }
        let at = |key: &Option<PathBuf>, url: Option<PathBuf>| key.clone().or(url).map(|path| options.path(&path));
        let files = Files {
            ca: at(&keys.ca_file, files.ca),
            client_cert: at(&keys.client_cert, files.client_cert),
            client_key: at(&keys.client_key, files.client_key),
        };
        let mode = sslmode.or(keys.sslmode).unwrap_or_else(|| default_mode(&config));
        let has_tls = config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_)));
        config
            .ssl_mode(if has_tls { mode } else { SslMode::Disable }.of_driver())
            .application_name("csc-bridge")
            .connect_timeout(keys.connect_timeout.0)
            .keepalives(true)
            .keepalives_idle(Duration::from_secs(60))
            .keepalives_interval(Duration::from_secs(15))
            .keepalives_retries(6)
            .tcp_user_timeout(Duration::from_secs(180));
        Ok(Settings {
            place: place(&config),
            connector: tls::connector(mode, &files)?,
            connect_timeout: keys.connect_timeout.0,
            query_timeout: keys.query_timeout.0,
            lock_timeout: keys.lock_timeout.0,
            config,
        })
    }
}

fn from_keys(keys: &Keys) -> Result<Parsed> {
    let named = |key: &str, value: &Option<String>| match value.as_deref().map(str::trim) {
        None | Some("") => Err(Error::new(
            Kind::Config,
            format!("the key {key} is missing: the postgres adapter needs host, database and user, or url"),
            format!("write {key} = \"…\" in [source] or [staging]"),
        )),
        Some(value) => Ok(value.to_owned()),
    };
    let mut config = tokio_postgres::Config::new();
    config
        .host(named("host", &keys.host)?)
        .port(keys.port.unwrap_or(5432))
        .dbname(named("database", &keys.database)?)
        .user(named("user", &keys.user)?);
    Ok(Parsed { config, sslmode: None, files: Files::default() })
}

fn from_url(options: &Options, keys: &Keys, url: &Url) -> Result<Parsed> {
    let doubled = [
        ("host", keys.host.is_some()),
        ("port", keys.port.is_some()),
        ("database", keys.database.is_some()),
        ("user", keys.user.is_some()),
    ];
    if let Some((key, _)) = doubled.iter().find(|(_, there)| *there) {
        return Err(Error::new(
            Kind::Config,
            format!("both url and {key} are configured, and the url says it already"),
            format!("take out {key}, or the url"),
        ));
    }
    let parsed = match url {
        Url::Plain(url) => url::parse(url)?,
        Url::Secret(secret) => url::parse(options.secret("url", secret)?.expose_secret())?,
    };
    if matches!(url, Url::Plain(_)) && parsed.config.get_password().is_some() {
        return Err(Error::new(
            Kind::Config,
            "the url holds a password, written out",
            "name the password apart, password = { env = \"NAME\" }, or the whole url, url = { env = \"NAME\" }",
        ));
    }
    let missing = [
        ("a host", parsed.config.get_hosts().is_empty()),
        ("a database", parsed.config.get_dbname().is_none()),
        ("a user", parsed.config.get_user().is_none()),
    ];
    match missing.iter().find(|(_, missing)| *missing) {
        None => Ok(parsed),
        Some((what, _)) => Err(Error::new(
            Kind::Config,
            format!("the url lacks {what}"),
            "write it as postgres://user@host:5432/database",
        )),
    }
}

fn default_mode(config: &tokio_postgres::Config) -> SslMode {
    let is_here = |host: &Host| match host {
        Host::Tcp(name) => {
            name.eq_ignore_ascii_case("localhost")
                || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    match config.get_hosts().iter().all(is_here) && config.get_hostaddrs().iter().all(|address| address.is_loopback()) {
        true => SslMode::Prefer,
        false => SslMode::Require,
    }
}

fn place(config: &tokio_postgres::Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(folder)) => folder.display().to_string(),
        None => "an unnamed host".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    format!("the PostgreSQL database {} at {host}:{port}", config.get_dbname().unwrap_or_default())
}
