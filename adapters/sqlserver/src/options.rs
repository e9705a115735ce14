//! The keys of `[source]` and `[staging]` that belong to this adapter, and what they mean once they are read.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use csc_bridge_core::config::{Options, SecretRef, Span};
use csc_bridge_core::error::{Error, Kind, Result};
use secrecy::{ExposeSecret, SecretString};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tiberius::{AuthMethod, Config, EncryptionLevel};

use crate::odbc::{self, Encrypt, Odbc};
use crate::server::Server;
use crate::{browser, connect, tls};

/// The keys as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// The server's name or address; `host\INSTANCE` and `host,port` are understood, too.
    host: Option<String>,
    instance: Option<String>,
    port: Option<u16>,
    database: Option<String>,
    auth: Option<Auth>,
    user: Option<String>,
    password: Option<SecretRef>,
    encrypt: Option<Encrypt>,
    trust_server_certificate: Option<bool>,
    /// Whom to trust (PEM or DER), beside the operating system's store.
    ca_file: Option<PathBuf>,
    /// Instead of the keys above; `password`, `ca_file` and what the string does not say may stand beside it.
    #[serde(alias = "connection_string")]
    odbc: Option<Text>,
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

/// Who logs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Auth {
    /// The account that runs the program.
    Windows,
    /// A login of the server's own.
    Sql,
    /// The holder of a Kerberos ticket.
    Kerberos,
}

/// The key `odbc`: written out, or named as a secret is, for then it may hold the password.
enum Text {
    Plain(String),
    Secret(SecretRef),
}

impl<'de> Deserialize<'de> for Text {
    /// By hand: a derived reader would quote the string in its complaint, and a password with it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an ODBC connection string, { env = \"NAME\" } or { file = \"path\" }")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text::Plain(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
                SecretRef::deserialize(MapAccessDeserializer::new(map)).map(Text::Secret)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The keys with their secrets read and their combinations checked.
#[derive(Clone)]
pub(crate) struct Settings {
    /// For the driver. Its `Debug` leaves the password out.
    pub(crate) config: Config,
    pub(crate) server: Server,
    /// Longest time to a connection that has logged in, of one attempt.
    pub(crate) connect_timeout: Duration,
    /// Longest time of one statement.
    pub(crate) query_timeout: Duration,
    /// Longest wait for a lock.
    pub(crate) lock_timeout: Duration,
    /// Whether TLS comes before the first word.
    pub(crate) strict: bool,
    /// Waits between attempts to connect.
    pub(crate) pauses: Vec<Duration>,
    /// The UDP port of the SQL Browser.
    pub(crate) browser: u16,
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
        let said = match &keys.odbc {
            None => from_keys(&keys),
            Some(text) => from_odbc(options, &keys, text),
        }?;
        let mut server = Server::parse(&needed("host", said.server)?)?;
        if let Some(instance) = filled(&keys.instance) {
            if keys.port.is_some() {
                return Err(both("instance", "port", "the instance's port is asked of the SQL Browser"));
            }
            server.instance = Some(instance).filter(|name| !name.eq_ignore_ascii_case("MSSQLSERVER"));
        }
        if let Some(port) = keys.port {
            (server.port, server.instance) = (port, None);
        }
        let database = needed("database", said.database)?;
        let password = match &keys.password {
            Some(password) => Some(options.secret("password", password)?),
            None => said.password,
        };
        let mut config = Config::new();
        config.host(&server.host);
        config.port(server.port);
        config.database(&database);
        config.application_name("csc-bridge");
        config.readonly(said.read_only);
        config.handshake_timeout(Some(keys.connect_timeout.0));
        // Every request has our own time limit, after which its connection is thrown away.
        config.command_timeout(None);
        config.encryption(match said.encrypt.unwrap_or(Encrypt::On) {
            Encrypt::On => EncryptionLevel::Required,
            Encrypt::Strict => EncryptionLevel::Strict,
            Encrypt::Off => EncryptionLevel::Off,
        });
        if let Some(name) = &said.host_in_certificate {
            config.hostname_in_certificate(name);
        }
        trust(options, &keys, said.trust, &mut config)?;
        config.authentication(authentication(said.auth, said.user, password)?);
        Ok(Settings {
            place: format!("the SQL Server database {database} at {server}"),
            config,
            server,
            connect_timeout: keys.connect_timeout.0,
            query_timeout: keys.query_timeout.0,
            lock_timeout: keys.lock_timeout.0,
            strict: said.encrypt == Some(Encrypt::Strict),
            pauses: connect::PAUSES.to_vec(),
            browser: browser::PORT,
        })
    }
}

/// What keys and connection string say in common.
struct Said {
    server: Option<String>,
    database: Option<String>,
    auth: Option<Auth>,
    user: Option<String>,
    password: Option<SecretString>,
    encrypt: Option<Encrypt>,
    trust: bool,
    host_in_certificate: Option<String>,
    read_only: bool,
}

fn from_keys(keys: &Keys) -> Result<Said> {
    Ok(Said {
        server: filled(&keys.host),
        database: filled(&keys.database),
        auth: keys.auth,
        user: filled(&keys.user),
        password: None,
        encrypt: keys.encrypt,
        trust: keys.trust_server_certificate.unwrap_or(false),
        host_in_certificate: None,
        read_only: false,
    })
}

fn from_odbc(options: &Options, keys: &Keys, text: &Text) -> Result<Said> {
    let Odbc {
        server,
        database,
        trusted,
        user,
        password,
        encrypt,
        trust_server_certificate,
        host_in_certificate,
        read_only,
    } = match text {
        Text::Plain(text) => odbc::parse(text)?,
        Text::Secret(secret) => odbc::parse(options.secret("odbc", secret)?.expose_secret())?,
    };
    let is_plain = matches!(text, Text::Plain(_));
    if is_plain && password.is_some() {
        return Err(Error::new(
            Kind::Config,
            "the connection string in odbc holds a password, written out",
            "name the password apart, password = { env = \"NAME\" }, or the whole string, odbc = { env = \"NAME\" }",
        ));
    }
    let doubled = [
        ("host", keys.host.is_some() && server.is_some()),
        ("instance", keys.instance.is_some()),
        ("port", keys.port.is_some()),
        ("database", keys.database.is_some() && database.is_some()),
        ("user", keys.user.is_some() && user.is_some()),
        ("password", keys.password.is_some() && password.is_some()),
        ("encrypt", keys.encrypt.is_some() && encrypt.is_some()),
        ("trust_server_certificate", keys.trust_server_certificate.is_some() && trust_server_certificate.is_some()),
    ];
    if let Some((key, _)) = doubled.iter().find(|(_, there)| *there) {
        return Err(both("odbc", key, "the connection string says it already"));
    }
    let integrated = if cfg!(windows) { Auth::Windows } else { Auth::Kerberos };
    // As for Microsoft's drivers, a trusted connection makes user and password needless.
    let (user, password) = if trusted == Some(true) { (None, None) } else { (user, password) };
    Ok(Said {
        server: server.or_else(|| filled(&keys.host)),
        database: database.or_else(|| filled(&keys.database)),
        auth: keys.auth.or(trusted.map(|trusted| if trusted { integrated } else { Auth::Sql })),
        user: user.or_else(|| filled(&keys.user)),
        password,
        encrypt: encrypt.or(keys.encrypt),
        trust: trust_server_certificate.or(keys.trust_server_certificate).unwrap_or(false),
        host_in_certificate,
        read_only,
    })
}

/// Whose certificates are taken.
fn trust(options: &Options, keys: &Keys, anybody: bool, config: &mut Config) -> Result<()> {
    match (&keys.ca_file, anybody) {
        (None, false) => {}
        (None, true) => config.trust_cert(),
        (Some(_), true) => {
            return Err(both(
                "ca_file",
                "trust_server_certificate",
                "whoever trusts every certificate needs none to check it by",
            ));
        }
        (Some(path), false) => {
            let bytes = tls::authorities(&options.path(path))?;
            config.trust_cert_ca_bundle(bytes);
        }
    }
    Ok(())
}

fn authentication(auth: Option<Auth>, user: Option<String>, password: Option<SecretString>) -> Result<AuthMethod> {
    let auth = match (auth, &user) {
        (Some(auth), _) => auth,
        (None, Some(_)) => Auth::Sql,
        (None, None) if cfg!(windows) => Auth::Windows,
        (None, None) => {
            return Err(Error::new(
                Kind::Config,
                "the key auth is missing: the sqlserver adapter needs to know who logs on",
                "write auth = \"sql\" with user and password, or auth = \"kerberos\"",
            ));
        }
    };
    match auth {
        Auth::Sql => {
            let user = needed("user", user)?;
            let password = password.ok_or_else(|| missing("password", "password = { env = \"NAME\" }"))?;
            Ok(AuthMethod::sql_server(user, password.expose_secret()))
        }
        Auth::Windows | Auth::Kerberos if user.is_some() || password.is_some() => Err(Error::new(
            Kind::Config,
            "user or password are configured, and with auth = \"windows\" or \"kerberos\" the account that runs csc-bridge logs on",
            "take out user and password, or write auth = \"sql\"",
        )),
        Auth::Windows => windows(),
        Auth::Kerberos => kerberos(),
    }
}

#[cfg(windows)]
fn windows() -> Result<AuthMethod> {
    Ok(AuthMethod::Integrated)
}

#[cfg(not(windows))]
fn windows() -> Result<AuthMethod> {
    Err(Error::new(
        Kind::Config,
        "auth = \"windows\" needs Windows, and this machine runs something else",
        "write auth = \"kerberos\" (a build with that feature), or auth = \"sql\" with user and password",
    ))
}

#[cfg(all(unix, feature = "kerberos"))]
fn kerberos() -> Result<AuthMethod> {
    Ok(AuthMethod::Integrated)
}

#[cfg(not(all(unix, feature = "kerberos")))]
fn kerberos() -> Result<AuthMethod> {
    Err(Error::new(
        Kind::Config,
        "auth = \"kerberos\" (Trusted_Connection) needs a build of csc-bridge with the feature kerberos, on another system than Windows",
        "on Windows write auth = \"windows\"; elsewhere build with --features kerberos, or write auth = \"sql\"",
    ))
}

fn filled(value: &Option<String>) -> Option<String> {
    value.as_deref().map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}

fn needed(key: &str, value: Option<String>) -> Result<String> {
    value.ok_or_else(|| missing(key, &format!("{key} = \"…\"")))
}

fn missing(key: &str, example: &str) -> Error {
    Error::new(
        Kind::Config,
        format!("the key {key} is missing: the sqlserver adapter needs host, database and a logon, or odbc"),
        format!("write {example} in [source] or [staging]"),
    )
}

fn both(one: &str, other: &str, why: &str) -> Error {
    Error::new(
        Kind::Config,
        format!("both {one} and {other} are configured, and {why}"),
        format!("take out {other}, or {one}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logon_must_be_whole() {
        let fault = |auth, user: Option<&str>, password: Option<&str>| {
            let method =
                authentication(auth, user.map(str::to_owned), password.map(|text| SecretString::from(text.to_owned())));
            method.err().map(|error| error.message().to_owned())
        };
        assert_eq!(fault(Some(Auth::Sql), Some("u"), Some("p")), None);
        assert_eq!(fault(None, Some("u"), Some("p")), None);
        assert!(fault(Some(Auth::Sql), None, Some("p")).is_some_and(|said| said.contains("user")));
        assert!(fault(Some(Auth::Sql), Some("u"), None).is_some_and(|said| said.contains("password")));
        assert!(fault(Some(Auth::Windows), Some("u"), None).is_some());
        #[cfg(not(windows))]
        assert!(fault(Some(Auth::Windows), None, None).is_some_and(|said| said.contains("Windows")));
    }
}
