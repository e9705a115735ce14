//! The line to one address: TLS trust, proxy, time limits.
//!
//! TLS trusts the operating system's store, because authorities behind inspecting proxies have the proxy's certificate there;
//! `ca_file` adds to it. Redirects are never followed: a redirected POST would carry a child's data and the authority's
//! keys to an address nobody configured.

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::sink::SendError;
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, Url};

use crate::address::Address;
use crate::answer::Answer;
use crate::failure::{self, Way};
use crate::options::Settings;
use crate::proxy::{Hop, Inquiry};

/// Shorter than the idle limit of common gateways, so that a request seldom meets a connection that is just being closed:
/// its fate would be unknown.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);

/// The line to one of the two addresses. Its connections are kept and used again.
pub(crate) struct Line {
    http: Client,
    host: String,
    proxy: Option<(String, Inquiry)>,
}

impl Line {
    /// Makes the client. Sends nothing.
    ///
    /// # Errors
    /// [`Kind::Config`] for a `ca_file` that cannot be read or a proxy that cannot be used; [`Kind::Io`] where the system's
    /// certificates cannot be loaded.
    pub fn to(settings: &Settings, address: &Address) -> Result<Line> {
        install_crypto();
        let hop = Hop::to(settings, address)?;
        let builder = base(settings).timeout(settings.exchange_time()).pool_idle_timeout(IDLE_CONNECTION);
        let builder = trusting(builder, settings, address.is_https())?;
        let builder = match &hop {
            Some(hop) => builder.proxy(hop.proxy.clone()),
            None => builder.no_proxy(),
        };
        let http = builder.build().map_err(|_| no_tls(settings))?;
        let proxy = match &hop {
            Some(hop) => {
                // A refusal comes within the time to connect, so that the inquiry fits into what the request has left.
                let patience = settings.request_timeout.min(settings.connect_timeout);
                let builder = trusting(base(settings), settings, hop.is_https)?;
                let inquiry = Inquiry::new(builder, hop, address, patience).map_err(|_| no_tls(settings))?;
                Some((hop.name.clone(), inquiry))
            }
            None => None,
        };
        Ok(Line { http, host: address.host().to_owned(), proxy })
    }

    /// A request to be filled in.
    pub fn post(&self, url: Url) -> RequestBuilder {
        self.http.post(url)
    }

    /// Sends a request, once, and reads the answer.
    ///
    /// # Errors
    /// Where no answer came.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, SendError> {
        let error = match request.send().await {
            Ok(response) => return Ok(Answer::read(response).await),
            Err(error) => error,
        };
        if let (Some((_, inquiry)), Some(turned_down)) = (&self.proxy, failure::turned_down(&error)) {
            let mut refused = inquiry.explain(turned_down).await;
            refused.error = refused.error.within(&self.host);
            return Err(refused);
        }
        let proxy = self.proxy.as_ref().map(|(name, _)| name.as_str());
        Err(failure::explain(&error, Way { host: &self.host, proxy }))
    }
}

/// What every client has.
fn base(settings: &Settings) -> ClientBuilder {
    Client::builder()
        .user_agent(settings.user_agent.clone())
        .redirect(reqwest::redirect::Policy::none())
        // Retrying is the pipeline's business: every attempt has its own entry in the log.
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(settings.connect_timeout)
}

/// Trusts the operating system's certificates and those of `ca_file`.
fn trusting(builder: ClientBuilder, settings: &Settings, is_https: bool) -> Result<ClientBuilder> {
    Ok(match &settings.ca_file {
        // Nothing is encrypted, so nothing is trusted: a machine without certificates can still run the simulator.
        _ if !is_https => builder.tls_certs_only([]),
        None => builder,
        Some(path) => builder.tls_certs_merge(certificates(path)?),
    })
}

fn no_tls(settings: &Settings) -> Error {
    match &settings.ca_file {
        // A single certificate in DER is only looked into here.
        Some(path) => no_certificates(path, "could not be used for TLS"),
        None => Error::new(
            Kind::Io,
            "TLS could not be set up: the certificates that this machine trusts could not be loaded",
            "check the operating system's certificate store (on Linux: install ca-certificates)",
        ),
    }
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
