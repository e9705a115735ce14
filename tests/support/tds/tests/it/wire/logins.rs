//! Logins and TLS.

use std::path::PathBuf;
use std::sync::Arc;

use csc_bridge_test_tds::{Browser, Encryption, Options, Server};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tiberius::{AuthMethod, EncryptionLevel};

use super::support::*;

/// The certificates of the tests of TLS with PostgreSQL.
fn tls_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../adapters/postgres/tests/it/tls").join(name)
}

fn secure(certificate: &str, encryption: Encryption) -> Server {
    let chain = CertificateDer::pem_file_iter(tls_file(certificate)).expect("the certificate is there");
    let chain = chain.map(|part| part.expect("the certificate can be read")).collect();
    let key = PrivateKeyDer::from_pem_file(tls_file("server.key")).expect("the key is there");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("the key is the certificate's");
    let options = Options { tls: Some(Arc::new(tls)), encryption, ..Options::default() };
    Server::start(Arc::new(Shared(Default::default())), options)
}

#[tokio::test]
async fn a_wrong_password_is_18456() {
    let server = start(&Default::default());
    let mut config = config(&server);
    config.authentication(AuthMethod::sql_server("csc", "wrong"));
    let error = connect_with(config).await.expect_err("the password is wrong");
    assert_eq!(number(&error), Some(18_456), "{error}");
    assert!(error.to_string().contains("Login failed for user 'csc'."), "{error}");
}

#[tokio::test]
async fn logins_are_refused_and_taken_again() {
    let server = start(&Default::default());
    server.refuse_logins(error(4060, 11, "Cannot open database \"HDM\" requested by the login. The login failed."));
    let refused = connect_with(config(&server)).await.expect_err("logins are refused");
    assert_eq!(number(&refused), Some(4060), "{refused}");
    server.accept_logins();
    connect(&server).await;
    let login = server.logins().pop().expect("there were two");
    assert_eq!((login.user.as_str(), login.database.as_str()), ("csc", "HDM"));
    assert_eq!((login.password.as_str(), login.application.as_str()), ("Schlüssel;{}", "tests"));
}

#[tokio::test]
async fn each_level_of_encryption_works_or_is_refused() {
    use EncryptionLevel::{NotSupported, Off, On, Required, Strict};
    for (encryption, client, works) in [
        (Encryption::Optional, On, true),
        (Encryption::Optional, Required, true),
        (Encryption::Optional, Off, true),
        (Encryption::Optional, NotSupported, true),
        (Encryption::Optional, Strict, true),
        (Encryption::Required, Required, true),
        (Encryption::Required, Off, true),
        (Encryption::Unsupported, NotSupported, true),
        (Encryption::Unsupported, Required, false),
        // MS-TDS 2.2.6.5 has this go on in the clear; the client begins TLS all the same.
        (Encryption::Unsupported, Off, false),
    ] {
        let server = secure("self-signed.pem", encryption);
        let mut config = config(&server);
        config.encryption(client);
        config.trust_cert();
        let result = connect_with(config).await;
        assert_eq!(result.is_ok(), works, "{encryption:?} {client:?}: {:?}", result.err());
        if let Ok(mut client) = result {
            let rows = client.simple_query("ROWS 3000").await.expect("it is answered");
            assert_eq!(rows.into_first_result().await.expect("it can be read").len(), 3000);
        }
    }
}

#[tokio::test]
async fn the_certificate_is_looked_at() {
    let server = secure("server.pem", Encryption::Optional);
    let mut good = config(&server);
    good.encryption(EncryptionLevel::Required);
    good.trust_cert_ca(tls_file("ca.pem").to_string_lossy());
    connect_with(good).await.expect("the authority signed it");

    let mut bad = config(&server);
    bad.encryption(EncryptionLevel::Required);
    bad.trust_cert_ca(tls_file("other-ca.pem").to_string_lossy());
    connect_with(bad).await.expect_err("another authority did not");
    // The server lives on.
    let mut plain = config(&server);
    plain.encryption(EncryptionLevel::NotSupported);
    connect_with(plain).await.expect("without TLS it goes");
}

#[tokio::test]
async fn packets_have_the_size_that_was_agreed() {
    let server = start(&Default::default());
    for size in [512, 4096, 32_767] {
        let mut config = config(&server);
        config.packet_size(size);
        let mut client = connect_with(config).await.expect("it connects");
        let rows = client.simple_query("ROWS 500").await.expect("it is answered");
        assert_eq!(rows.into_first_result().await.expect("it can be read").len(), 500);
    }
}

#[tokio::test]
async fn the_browser_tells_an_instance() {
    let browser = Browser::start(&[("SSD", 50_123), ("OTHER", 50_124)]);
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("there is a port");
    socket.send_to(b"\x04ssd", ("127.0.0.1", browser.port())).await.expect("it is sent");
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer).await.expect("it answers");
    assert_eq!(answer[0], 5);
    assert_eq!(usize::from(u16::from_le_bytes([answer[1], answer[2]])), length - 3);
    let text = String::from_utf8_lossy(&answer[3..length]);
    assert_eq!(text, "ServerName;TESTSERVER;InstanceName;SSD;IsClustered;No;Version;16.0.1000.6;tcp;50123;;");
}
