//! The keys of `[source]`.

use std::path::PathBuf;
use std::time::Duration;

use csc_bridge_plugin_sdk::error::{Error, Kind, Result};
use csc_bridge_plugin_sdk::secrecy::SecretString;
use csc_bridge_plugin_sdk::{Options, SecretRef, Span};
use reqwest::Url;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::mapping::Mapping;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    endpoint: String,
    #[serde(default)]
    r#type: Type,
    path: Option<String>,
    ids: PathBuf,
    mapping: Option<PathBuf>,
    position: Option<PathBuf>,
    token: Option<SecretRef>,
    ca_file: Option<PathBuf>,
    min_interval: Option<Span>,
    connect_timeout: Option<Span>,
    request_timeout: Option<Span>,
    max_attempts: Option<u32>,
    max_retry_after: Option<Span>,
    resume_within: Option<Span>,
}

/// What kind of record is read: it chooses the names of path, mapping and position where they are not given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// Children.
    #[default]
    Student,
    /// People who work there.
    Staff,
    /// Schools.
    School,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Type::Student => "student",
            Type::Staff => "staff",
            Type::School => "school",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Type::Student => "students/{id}",
            Type::Staff => "staff/{id}",
            Type::School => "schools/{id}",
        }
    }
}

/// The keys, read and checked. No `Debug`: it holds a secret.
pub struct Settings {
    /// Where a record is: `{id}` stands for its id.
    pub address: String,
    /// The list.
    pub ids: PathBuf,
    /// The mapping.
    pub mapping: Mapping,
    /// The position.
    pub position: PathBuf,
    /// Sent as a bearer token.
    pub token: Option<SecretString>,
    /// Certificates to trust beside the machine's.
    pub ca_file: Option<PathBuf>,
    /// Least time between two requests.
    pub min_interval: Duration,
    /// Longest time to connect.
    pub connect_timeout: Duration,
    /// Longest time for one request.
    pub request_timeout: Duration,
    /// Requests for one record.
    pub max_attempts: u32,
    /// Longest wait that the system may ask for.
    pub max_retry_after: Duration,
    /// For how long an answer counts in a read that was cut off.
    pub resume_within: Duration,
    /// Of all that answers depend on: a position of something else is no position.
    pub digest: String,
}

impl Settings {
    /// Reads and checks.
    ///
    /// # Errors
    /// [`Kind::Config`], naming the key.
    pub fn read(options: &Options) -> Result<Settings> {
        let keys: Keys = options.parse()?;
        let name = keys.r#type.name();
        let path = keys.path.as_deref().unwrap_or(keys.r#type.path());
        let address = address(&keys.endpoint, path)?;
        let mapping_file = keys.mapping.unwrap_or_else(|| format!("sdms-{name}.toml").into());
        let mapping_file = options.path(&mapping_file);
        let text = std::fs::read_to_string(&mapping_file).map_err(|error| {
            Error::new(
                Kind::Config,
                format!("the mapping {} cannot be read: {}", mapping_file.display(), error.kind()),
                "check mapping in [source]",
            )
        })?;
        let mapping = Mapping::parse(&text).map_err(|error| error.within(mapping_file.display()))?;
        let mut digest = Sha256::new();
        for part in [address.as_str(), &text] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        let digest = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let span = |span: Option<Span>, otherwise| span.map_or(otherwise, |Span(span)| span);
        Ok(Settings {
            address,
            ids: options.path(&keys.ids),
            mapping,
            position: options.path(&keys.position.unwrap_or_else(|| format!("sdms-{name}.position").into())),
            token: keys.token.as_ref().map(|token| options.secret("token", token)).transpose()?,
            ca_file: keys.ca_file.map(|file| options.path(&file)),
            min_interval: span(keys.min_interval, Duration::from_millis(200)),
            connect_timeout: span(keys.connect_timeout, Duration::from_secs(10)),
            request_timeout: span(keys.request_timeout, Duration::from_secs(30)),
            max_attempts: keys.max_attempts.unwrap_or(5).max(1),
            max_retry_after: span(keys.max_retry_after, Duration::from_secs(60)),
            resume_within: span(keys.resume_within, Duration::from_secs(12 * 3600)),
            digest,
        })
    }
}

/// Endpoint and path. Children's records travel unencrypted to nobody but this machine.
fn address(endpoint: &str, path: &str) -> Result<String> {
    let refused = |what: &str| Error::new(Kind::Config, format!("[source] {what}"), "see the plugin's README");
    let url = Url::parse(endpoint).map_err(|_| refused("endpoint is no address"))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if url.scheme() != "https" && !(url.scheme() == "http" && is_here) {
        return Err(refused("endpoint must begin with https://"));
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(refused("endpoint holds more than an address: put a query into path, a secret into token"));
    }
    if path.matches("{id}").count() != 1 {
        return Err(refused("path must hold {id} once"));
    }
    Ok(format!("{}/{}", endpoint.trim_end_matches('/'), path.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_go_unencrypted_to_nobody_but_this_machine() {
        assert_eq!(
            address("https://sdms.example/api/", "/students/{id}").ok().as_deref(),
            Some("https://sdms.example/api/students/{id}")
        );
        for good in ["http://127.0.0.1:8080", "http://[::1]:1", "http://localhost"] {
            assert!(address(good, "{id}").is_ok(), "{good}");
        }
        for bad in ["http://sdms.example", "ftp://127.0.0.1", "https://u:p@sdms.example", "https://x/?a=b", "sdms"] {
            assert!(address(bad, "{id}").is_err(), "{bad}");
        }
        for bad in ["students", "{id}/{id}"] {
            assert!(address("https://sdms.example", bad).is_err(), "{bad}");
        }
    }
}
