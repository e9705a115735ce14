//! Whether a server's certificate will do.

use std::sync::Arc;

use csc_bridge_core::error::{Error, Kind, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// Whose certificates are accepted.
#[derive(Debug)]
pub(super) enum Trust {
    /// Anybody's: the connection is encrypted, and to whom it leads is not known.
    Anybody,
    /// Those of some authorities.
    Authorities {
        /// Looks at dates, signatures and names.
        verifier: Arc<WebPkiServerVerifier>,
        /// Certificates accepted as they are.
        pinned: Vec<CertificateDer<'static>>,
        /// Whether the name must be the host's.
        by_name: bool,
    },
}

impl Trust {
    pub(super) fn authorities(
        roots: RootCertStore,
        pinned: Vec<CertificateDer<'static>>,
        by_name: bool,
        provider: Arc<CryptoProvider>,
    ) -> Result<Trust> {
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(|_| {
                Error::new(
                    Kind::Config,
                    "there is no authority whose certificates could be trusted",
                    "name the certificate of the server's authority in ca_file",
                )
            })?;
        Ok(Trust::Authorities { verifier, pinned, by_name })
    }
}

/// [`Trust`] as rustls asks for it.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) trust: Trust,
    pub(super) provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Trust::Authorities { verifier, pinned, by_name } = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        if pinned.contains(end_entity) {
            if *by_name {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is what is looked at last, so all else was right.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !by_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
