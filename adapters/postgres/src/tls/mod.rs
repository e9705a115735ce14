//! Encryption, with the modes that users of libpq know.

mod binding;
mod connect;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use csc_bridge_core::error::{Error, Kind, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;

pub(crate) use connect::Connector;
use verify::Trust;

/// `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SslMode {
    /// No TLS.
    Disable,
    /// TLS where the server offers it, without a look at its certificate.
    Prefer,
    /// TLS, without a look at the certificate; with `ca_file` as [`SslMode::VerifyCa`], which is how libpq has it, too.
    Require,
    /// TLS with a certificate of a trusted authority, whatever its name.
    VerifyCa,
    /// TLS with a certificate of a trusted authority for the host's name.
    VerifyFull,
}

impl SslMode {
    /// Reads a word of a connection URL.
    pub(crate) fn from_word(word: &str) -> Option<SslMode> {
        Some(match word {
            "disable" => SslMode::Disable,
            "prefer" => SslMode::Prefer,
            "require" => SslMode::Require,
            "verify-ca" => SslMode::VerifyCa,
            "verify-full" => SslMode::VerifyFull,
            _ => return None,
        })
    }

    /// The mode of the driver, to which the looking at certificates is not known.
    pub(crate) fn of_driver(self) -> tokio_postgres::config::SslMode {
        match self {
            SslMode::Disable => tokio_postgres::config::SslMode::Disable,
            SslMode::Prefer => tokio_postgres::config::SslMode::Prefer,
            _ => tokio_postgres::config::SslMode::Require,
        }
    }
}

/// The files that a connection's TLS needs, by their paths.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files {
    /// Whom to trust instead of whom the operating system trusts.
    pub(crate) ca: Option<PathBuf>,
    /// The client's certificate, with those between it and its authority.
    pub(crate) client_cert: Option<PathBuf>,
    /// Its key.
    pub(crate) client_key: Option<PathBuf>,
}

/// What a connection needs to agree on TLS.
///
/// # Errors
/// [`Kind::Config`]: a file that cannot be read or holds something else.
pub(crate) fn connector(mode: SslMode, files: &Files) -> Result<Connector> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trust = match (mode, &files.ca) {
        (SslMode::Disable | SslMode::Prefer, _) | (SslMode::Require, None) => Trust::Anybody,
        (SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull, ca) => {
            let (roots, pinned) = roots(ca.as_deref())?;
            Trust::authorities(roots, pinned, mode == SslMode::VerifyFull, provider.clone())?
        }
    };
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::internal("TLS 1.2 and 1.3 are not built in"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verify::Verifier { trust, provider }));
    let config = match (&files.client_cert, &files.client_key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let chain = certificates("client_cert", certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|_| unusable("client_key", key))?;
            builder.with_client_auth_cert(chain, key).map_err(|_| unusable("client_key", certificate))?
        }
        _ => {
            return Err(Error::new(
                Kind::Config,
                "one of client_cert and client_key is configured without the other",
                "configure both, or neither",
            ));
        }
    };
    Ok(Connector::new(config))
}

/// The authorities to trust, and the certificates that are trusted as they are: those of `ca_file`, where administrators often put the
/// server's own certificate, signed by itself.
fn roots(ca: Option<&Path>) -> Result<(RootCertStore, Vec<CertificateDer<'static>>)> {
    let mut roots = RootCertStore::empty();
    let Some(path) = ca else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok((roots, Vec::new()));
    };
    let certificates = certificates("ca_file", path)?;
    roots.add_parsable_certificates(certificates.iter().cloned());
    Ok((roots, certificates))
}

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    read.ok().filter(|certificates| !certificates.is_empty()).ok_or_else(|| unusable(key, path))
}

fn unusable(key: &str, path: &Path) -> Error {
    Error::new(
        Kind::Config,
        format!("{key} names {}, which cannot be read or is not what it should be", path.display()),
        "name a file in PEM form (-----BEGIN …) that the account that runs csc-bridge may read; a key without a password",
    )
}
