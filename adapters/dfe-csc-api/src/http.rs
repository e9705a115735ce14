//! The HTTP clients: TLS trust, proxy, time limits.
//!
//! TLS trusts the operating system's store, because authorities behind inspecting proxies have the proxy's certificate there;
//! `ca_file` adds to it. Redirects are never followed: a redirected POST would carry a child's data and the authority's
//! keys to an address nobody configured.

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use reqwest::{Certificate, Proxy};
use secrecy::ExposeSecret;

use crate::address::{Address, ProxyChoice};
use crate::options::Settings;

/// Shorter than the idle limit of common gateways, so that a request seldom meets a connection that is just being closed:
/// its fate would be unknown.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);

/// The client for one of the two addresses.
///
/// # Errors
/// [`Kind::Config`] for a `ca_file` that cannot be read; [`Kind::Io`] where the system's certificates cannot.
pub(crate) fn client(settings: &Settings, address: &Address) -> Result<reqwest::Client> {
    install_crypto();
    let mut builder = reqwest::Client::builder()
        .user_agent(settings.user_agent.clone())
        .redirect(reqwest::redirect::Policy::none())
        // Retrying is the pipeline's business: every attempt has its own entry in the log.
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.exchange_time())
        .pool_idle_timeout(IDLE_CONNECTION);
    builder = match &settings.proxy {
        // What goes to this machine stays on it, whatever the environment says about proxies.
        _ if address.is_loopback() => builder.no_proxy(),
        ProxyChoice::Direct => builder.no_proxy(),
        ProxyChoice::System => builder,
        ProxyChoice::At(url) => {
            let proxy = Proxy::all(url.clone()).map_err(|_| {
                Error::new(Kind::Config, "[sink] proxy cannot be used", "write it as \"http://host:port\"")
            })?;
            builder.proxy(match &settings.proxy_login {
                Some((user, password)) => proxy.basic_auth(user, password.expose_secret()),
                None => proxy,
            })
        }
    };
    builder = match &settings.ca_file {
        // Nothing is encrypted, so nothing is trusted: a machine without certificates can still run the simulator.
        _ if !address.is_https() => builder.tls_certs_only([]),
        None => builder,
        Some(path) => builder.tls_certs_merge(certificates(path)?),
    };
    builder.build().map_err(|_| match &settings.ca_file {
        // A single certificate in DER is only looked into here.
        Some(path) => no_certificates(path, "could not be used for TLS"),
        None => Error::new(
            Kind::Io,
            "TLS could not be set up: the certificates that this machine trusts could not be loaded",
            "check the operating system's certificate store (on Linux: install ca-certificates)",
        ),
    })
}

/// reqwest takes the process's default cryptography. Another part of the program may have chosen one: then that stays.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// Reads certificates: a PEM file with one or more of them, or a single one in DER (the form of Windows' `.cer` export).
fn certificates(path: &Path) -> Result<Vec<Certificate>> {
    let unreadable = |error: std::io::Error| no_certificates(path, &format!("cannot be read: {}", error.kind()));
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let pem = bytes.windows(11).any(|window| window == b"-----BEGIN ");
    let certificates = if pem {
        Certificate::from_pem_bundle(&bytes)
    } else {
        Certificate::from_der(&bytes).map(|certificate| vec![certificate])
    };
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(no_certificates(path, "holds no certificate")),
    }
}

fn no_certificates(path: &Path, what: &str) -> Error {
    Error::new(
        Kind::Config,
        format!("[sink] ca_file {} {what}", path.display()),
        "name a file with the certificate of your proxy's authority, in PEM or DER form, that csc-bridge may read",
    )
}
