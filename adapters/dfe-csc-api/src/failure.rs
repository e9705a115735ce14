//! What it means when no answer came: whether the request can have arrived, and the reason in words.
//!
//! The HTTP library's own messages are not shown: they carry addresses, and chains of texts nobody can act on.

use std::error::Error as StdError;
use std::io;

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::sink::{SendError, Then};
use rustls::CertificateError;

use crate::proxy::TurnedDown;

/// The way a request took.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    /// Where to.
    pub host: &'a str,
    /// The proxy on it.
    pub proxy: Option<&'a str>,
}

/// What came of a request that was not answered.
///
/// Nothing can have arrived while there was no connection (name, connection, TLS, way through the proxy): then the same request may be
/// made again. Once there was one, nobody knows.
pub(crate) fn explain(error: &reqwest::Error, way: Way<'_>) -> SendError {
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
    } else {
        let (what, advice) = unconnected(error);
        (Kind::Unreachable, what, advice, Then::Retry { after: None })
    };
    let host = way.host;
    let place = match way.proxy {
        // It is the proxy that could not be reached: nobody has asked for the host yet.
        Some(proxy) if tunnel(error).is_some_and(|text| text.contains(UNREACHED)) => format!("{host}: proxy {proxy}"),
        Some(proxy) => format!("{host} (through the proxy {proxy})"),
        None => host.to_owned(),
    };
    SendError { error: Error::new(kind, format!("{place}: {what}"), advice), then, status: None, detail: None }
}

/// How the proxy turned the request down, where it did.
pub(crate) fn turned_down(error: &reqwest::Error) -> Option<TurnedDown> {
    match tunnel(error)? {
        text if text.contains("proxy authorization required") => Some(TurnedDown::WithoutLogin),
        text if text.ends_with(": unsuccessful") => Some(TurnedDown::Otherwise),
        _ => None,
    }
}

const UNREACHED: &str = "failed to create underlying connection";

/// What the HTTP library says of a way through a proxy. Its error has no name outside of it: only the words tell.
fn tunnel(error: &reqwest::Error) -> Option<String> {
    causes(error).map(ToString::to_string).find(|text| text.starts_with("tunnel error"))
}

const NETWORK: &str = "check the address in [sink], the network, the firewall's allow-list and [sink] proxy";

/// Reason and advice.
type Words = (&'static str, &'static str);

fn unconnected(error: &reqwest::Error) -> Words {
    if let Some(tls) = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        return no_tls(tls);
    }
    let io = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last().map(io::Error::kind);
    let what = if error.is_dns() {
        "the name cannot be resolved"
    } else if error.is_timeout() {
        "no connection within the time limit"
    } else {
        match io {
            Some(io::ErrorKind::ConnectionRefused) => "the connection was refused",
            Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
                return (
                    "the connection was closed before TLS was agreed",
                    "a firewall or proxy seems to cut it: ask your network team to let this machine through to the addresses in [sink]",
                );
            }
            _ => "no connection could be made",
        }
    };
    (what, NETWORK)
}

fn no_tls(error: &rustls::Error) -> Words {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(reason) => bad_certificate(reason),
        Tls::InvalidMessage(_) => (
            "what answers there does not speak TLS",
            "check the address and port in [sink], and whether a proxy or firewall answers in its place",
        ),
        Tls::AlertReceived(_) | Tls::PeerIncompatible(_) => (
            "no TLS version or cipher in common",
            "csc-bridge speaks TLS 1.2 and 1.3; a proxy that inspects TLS may speak older ones only: ask your network team",
        ),
        _ => ("no TLS connection could be agreed", INSPECTED),
    }
}

const INSPECTED: &str = "most often a proxy that inspects TLS: put the certificate of its authority into the operating system's store, or \
    name it as [sink] ca_file; your network team has it, or can except the addresses in [sink] from inspection";

fn bad_certificate(reason: &CertificateError) -> Words {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "its TLS certificate has expired",
            "check this machine's clock; otherwise the certificate's owner must renew it",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "its TLS certificate is not valid yet",
            "check this machine's clock; otherwise the certificate's owner must replace it",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "its TLS certificate is for another name",
            "check the address in [sink], and whether a proxy or a network's login page answers in its place",
        ),
        CertificateError::Revoked => (
            "its TLS certificate has been revoked",
            "ask your network team whether a proxy shows it; otherwise its owner must replace it",
        ),
        _ => ("its TLS certificate is not trusted by this machine: nobody it trusts has signed it", INSPECTED),
    }
}

/// The error and what caused it, outermost first. An [`io::Error`] hides what it wraps from `source`, so it is unwrapped here.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner as &(dyn StdError + 'static)),
        None => error.source(),
    })
}
