//! The keys of `[source]` and `[staging]` that belong to this adapter, and what they mean once they are read.

use std::path::PathBuf;
use std::time::Duration;

use csc_bridge_core::config::{Options, SecretRef, Span};
use csc_bridge_core::error::{Error, Kind, Result};
use secrecy::SecretString;
use serde::Deserialize;

/// The keys as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// The server's name or address.
    host: Option<String>,
    port: Option<u16>,
    /// The service name, as `lsnrctl services` lists it; not the SID.
    database: Option<String>,
    /// Instead of the three above: an alias of tnsnames.ora, an Easy Connect string, or a whole descriptor.
    tns: Option<String>,
    auth: Option<Auth>,
    user: Option<String>,
    password: Option<SecretRef>,
    /// The folder of Oracle's client library, where the operating system does not find it by itself.
    client_dir: Option<PathBuf>,
    /// The folder of tnsnames.ora, sqlnet.ora and the wallet, instead of `TNS_ADMIN`'s.
    config_dir: Option<PathBuf>,
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
    /// A user of the database, with a password.
    Password,
    /// Whoever a wallet, the operating system or a Kerberos ticket says.
    External,
}

/// Who logs on, with what it takes.
// No Debug: a password.
pub(crate) enum Logon {
    /// A user of the database.
    Password {
        /// Its name.
        user: String,
        /// Its password.
        password: SecretString,
    },
    /// Somebody whom the client library finds out by itself.
    External,
}

/// Where the client library and its own configuration are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ClientFiles {
    /// The library's folder.
    pub(crate) library: Option<PathBuf>,
    /// The folder of tnsnames.ora, sqlnet.ora and the wallet.
    pub(crate) config: Option<PathBuf>,
}

/// The keys with their secrets read and their combinations checked.
pub(crate) struct Settings {
    /// What the client library connects to.
    pub(crate) connect: String,
    pub(crate) logon: Logon,
    pub(crate) files: ClientFiles,
    /// Longest time to a connection that has logged in.
    pub(crate) connect_timeout: Duration,
    /// Longest wait for one answer of the server.
    pub(crate) query_timeout: Duration,
    /// Longest wait for a lock of a statement that creates something.
    pub(crate) lock_timeout: Duration,
    /// `database at host:port`, for messages.
    pub(crate) place: String,
}

impl Settings {
    /// Reads and checks the keys, and the secret that they name.
    ///
    /// # Errors
    /// [`Kind::Config`].
    pub(crate) fn read(options: &Options) -> Result<Settings> {
        let keys: Keys = options.parse()?;
        let (connect, place) = target(&keys)?;
        let password = match &keys.password {
            Some(password) => Some(options.secret("password", password)?),
            None => None,
        };
        Ok(Settings {
            connect,
            place,
            logon: logon(keys.auth, filled(&keys.user), password)?,
            files: ClientFiles {
                library: keys.client_dir.as_deref().map(|path| options.path(path)),
                config: keys.config_dir.as_deref().map(|path| options.path(path)),
            },
            connect_timeout: keys.connect_timeout.0,
            query_timeout: keys.query_timeout.0,
            lock_timeout: keys.lock_timeout.0,
        })
    }
}

/// What to connect to, and its name in messages.
fn target(keys: &Keys) -> Result<(String, String)> {
    let Some(tns) = filled(&keys.tns) else {
        let host = needed("host", filled(&keys.host))?;
        let database = needed("database", filled(&keys.database))?;
        let address = format!("{}:{}", bracketed(&host), keys.port.unwrap_or(1521));
        return Ok((format!("{address}/{database}"), format!("the Oracle database {database} at {address}")));
    };
    let doubled = [("host", keys.host.is_some()), ("port", keys.port.is_some()), ("database", keys.database.is_some())];
    if let Some((key, _)) = doubled.iter().find(|(_, there)| *there) {
        return Err(Error::new(
            Kind::Config,
            format!("both tns and {key} are configured, and tns says it already"),
            format!("take out {key}, or tns"),
        ));
    }
    // As SQL*Plus takes it, with a password that every message would show.
    if !tns.starts_with('(') && tns.contains('@') {
        return Err(Error::new(
            Kind::Config,
            "tns has an @ in it: it is for the server alone",
            "write what stands behind the @, and who logs on in user and password",
        ));
    }
    // A descriptor is long, and names wallets; so do the parameters of Easy Connect.
    let place = match tns.starts_with('(') {
        true => "the Oracle database of the descriptor in tns".to_owned(),
        false => format!("the Oracle database {}", tns.split('?').next().unwrap_or_default()),
    };
    Ok((tns, place))
}

/// An address of IPv6 as Easy Connect takes it.
fn bracketed(host: &str) -> String {
    match host.contains(':') && !host.starts_with('[') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    }
}

fn logon(auth: Option<Auth>, user: Option<String>, password: Option<SecretString>) -> Result<Logon> {
    match auth.unwrap_or(Auth::Password) {
        Auth::External if user.is_some() || password.is_some() => Err(Error::new(
            Kind::Config,
            "user or password are configured, and with auth = \"external\" a wallet or the operating system says who logs on",
            "take out user and password, or auth",
        )),
        Auth::External => Ok(Logon::External),
        Auth::Password => Ok(Logon::Password {
            user: needed("user", user)?,
            password: password.ok_or_else(|| missing("password", "password = { env = \"NAME\" }"))?,
        }),
    }
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
        format!(
            "the key {key} is missing: the oracle adapter needs host, database, user and password, or tns, or auth = \"external\""
        ),
        format!("write {example} in [source] or [staging]"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(host: Option<&str>, database: Option<&str>, tns: Option<&str>) -> Keys {
        Keys {
            host: host.map(str::to_owned),
            port: None,
            database: database.map(str::to_owned),
            tns: tns.map(str::to_owned),
            auth: None,
            user: None,
            password: None,
            client_dir: None,
            config_dir: None,
            connect_timeout: ten_seconds(),
            query_timeout: thirty_minutes(),
            lock_timeout: thirty_seconds(),
        }
    }

    #[test]
    fn a_password_in_tns_is_refused_and_not_shown() {
        let error = target(&keys(None, None, Some("csc/tiger@ora01/AZEUS"))).expect_err("no server");
        assert_eq!(error.kind(), Kind::Config);
        assert!(!format!("{error:?}").contains("tiger"), "{error:?}");
    }

    #[test]
    fn a_server_is_named_by_its_parts_or_by_tns() {
        let (connect, place) = target(&keys(Some("ora01"), Some("AZEUS"), None)).expect("reads");
        assert_eq!((connect.as_str(), place.as_str()), ("ora01:1521/AZEUS", "the Oracle database AZEUS at ora01:1521"));
        let (connect, _) = target(&keys(Some("fe80::1"), Some("AZEUS"), None)).expect("reads");
        assert_eq!(connect, "[fe80::1]:1521/AZEUS");
        let (connect, place) = target(&keys(None, None, Some("AZEUS_REP"))).expect("reads");
        assert_eq!((connect.as_str(), place.as_str()), ("AZEUS_REP", "the Oracle database AZEUS_REP"));
        let descriptor =
            "(DESCRIPTION=(ADDRESS=(PROTOCOL=TCPS)(HOST=h)(PORT=2484))(SECURITY=(SSL_SERVER_CERT_DN=\"E=it@h\")))";
        let (_, place) = target(&keys(None, None, Some(descriptor))).expect("reads");
        assert!(!place.contains("DESCRIPTION"), "{place}");
        let wallet = "tcps://ora01:2484/AZEUS?wallet_location=/etc/wallet";
        let (connect, place) = target(&keys(None, None, Some(wallet))).expect("reads");
        assert_eq!((connect.as_str(), place.as_str()), (wallet, "the Oracle database tcps://ora01:2484/AZEUS"));
        for wrong in [
            keys(None, Some("AZEUS"), None),
            keys(Some("ora01"), None, None),
            keys(Some("ora01"), None, Some("AZEUS_REP")),
        ] {
            assert_eq!(target(&wrong).err().map(|error| error.kind()), Some(Kind::Config));
        }
    }

    #[test]
    fn a_logon_must_be_whole() {
        let fault = |auth, user: Option<&str>, password: Option<&str>| {
            let logon = logon(auth, user.map(str::to_owned), password.map(|text| SecretString::from(text.to_owned())));
            logon.err().map(|error| error.message().to_owned())
        };
        assert_eq!(fault(None, Some("u"), Some("p")), None);
        assert_eq!(fault(Some(Auth::External), None, None), None);
        assert!(fault(None, None, Some("p")).is_some_and(|said| said.contains("user")));
        assert!(fault(Some(Auth::Password), Some("u"), None).is_some_and(|said| said.contains("password")));
        assert!(fault(Some(Auth::External), Some("u"), None).is_some_and(|said| said.contains("wallet")));
    }
}
