//! A certificate for tests that want what every SQL Server has: the login is encrypted, whatever comes after.

use std::sync::{Arc, OnceLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

const CERTIFICATE: &[u8] = include_bytes!("../../../../../adapters/postgres/tests/it/tls/server.pem");
const KEY: &[u8] = include_bytes!("../../../../../adapters/postgres/tests/it/tls/server.key");

/// The server's side of TLS, with a certificate that nobody has reason to trust.
pub(crate) fn own_certificate() -> Arc<ServerConfig> {
    static CONFIG: OnceLock<Arc<ServerConfig>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        let chain = CertificateDer::pem_slice_iter(CERTIFICATE).collect::<Result<Vec<_>, _>>();
        let key = PrivateKeyDer::from_pem_slice(KEY).expect("the key is there");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows TLS")
            .with_no_client_auth()
            .with_single_cert(chain.expect("the certificate is there"), key);
        Arc::new(config.expect("the key fits the certificate"))
    });
    config.clone()
}
