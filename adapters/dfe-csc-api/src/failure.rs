//! What it means when no answer came: whether the request can have arrived, and the reason in words.
//!
//! The HTTP library's own messages are not shown: they carry addresses, and chains of texts nobody can act on.

use std::error::Error as StdError;
use std::io;

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::sink::{SendError, Then};
use rustls::CertificateError;

use crate::answer::{PROXY_ADVICE, PROXY_LOGIN};

/// What came of a request to `host` that was not answered.
///
/// Nothing can have arrived while there was no connection (name, connection, TLS, way through the proxy): then the same request may be
/// made again. Once there was one, nobody knows.
pub(crate) fn explain(error: &reqwest::Error, host: &str) -> SendError {
    let (kind, what, advice, then) = if error.is_builder() {
        (Kind::Internal, "the request could not be made", "please report this with the log of this run", Then::GiveUp)
    } else if !error.is_connect() {
        let what = match error.is_timeout() {
            true => "no answer within the time limit; the request may have arrived",
            false => "the connection broke before the answer; the request may have arrived",
        };
        (
            Kind::Unreachable,
            what,
            "if it happens often, raise [sink] request_timeout or lower max_records",
            Then::Unknown,
        )
    } else if causes(error).any(|cause| cause.to_string().contains("proxy authorization required")) {
        (Kind::Permission, PROXY_LOGIN, PROXY_ADVICE, Then::GiveUp)
    } else {
        let (what, advice) = unconnected(error);
        (Kind::Unreachable, what, advice, Then::Retry { after: None })
    };
    SendError { error: Error::new(kind, format!("{host}: {what}"), advice), then, status: None, detail: None }
}

fn unconnected(error: &reqwest::Error) -> (&'static str, &'static str) {
    const NETWORK: &str = "check the address in [sink], the network, the firewall's allow-list and [sink] proxy";
    const TRUST: &str =
        "a proxy that inspects TLS needs its certificate in the operating system's store or in [sink] ca_file";
    if let Some(tls) = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        return match tls {
            rustls::Error::InvalidCertificate(reason) => match reason {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
                    "its TLS certificate has expired",
                    "check this machine's clock; otherwise the certificate's owner must renew it",
                ),
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    ("its TLS certificate is for another name", NETWORK)
                }
                _ => ("its TLS certificate is not trusted by this machine", TRUST),
            },
            _ => ("no TLS connection could be agreed", TRUST),
        };
    }
    let io = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last().map(io::Error::kind);
    let what = if error.is_dns() {
        "the name cannot be resolved"
    } else if error.is_timeout() {
        "no connection within the time limit"
    } else if causes(error).any(|cause| cause.to_string().starts_with("tunnel error")) {
        "the proxy does not let the connection through"
    } else if io == Some(io::ErrorKind::ConnectionRefused) {
        "the connection was refused"
    } else {
        "no connection could be made"
    };
    (what, NETWORK)
}

/// The error and what caused it, outermost first. An [`io::Error`] hides what it wraps from `source`, so it is unwrapped here.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner as &(dyn StdError + 'static)),
        None => error.source(),
    })
}
