//! Whose certificates are trusted: the operating system's, and those of `ca_file`.
//!
//! The certificates in `tls/` were made for these tests and are good for nothing else: the authority's key was thrown away, its
//! certificates last from 2020 to 2120 (`expired.pem`: to 2021).

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use csc_bridge_core::error::Kind;
use csc_bridge_core::sink::{SendError, Sink, Then};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::server::{Reply, Server};
use crate::{Bridge, refused, send};

/// The path of a file in `tls/`. Where the tests were compiled on another operating system it had no drive.
pub fn tls_file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/tls").join(name);
    std::path::absolute(path).expect("the current folder").display().to_string()
}

/// An API over TLS that takes one record, showing this certificate.
pub fn api(certificate: &str) -> u16 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/tls");
    let certificate = CertificateDer::from_pem_file(folder.join(certificate)).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate], key))
        .expect("a configuration");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(config.clone()).expect("a connection");
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let body = r#"["2025-11-20_10:11:12.13_a.json"]"#;
            let answer =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            // The small request arrives in one record or two; the head alone is enough to answer.
            if stream.read(&mut [0; 65536]).is_ok() {
                let _ = stream.write_all(answer.as_bytes());
                let _ = stream.flush();
                let _ = stream.read(&mut [0; 65536]);
            }
        }
    });
    port
}

async fn sink(certificate: &str, ca_file: Option<&str>) -> (Server, Arc<dyn Sink>) {
    let server = Server::with_tokens(|_, _| Reply::receipts(1)).await;
    let mut keys = format!(
        "endpoint = \"https://127.0.0.1:{}\"\ntoken_endpoint = \"{}/token\"\nscope = \"s\"\n",
        api(certificate),
        server.base()
    );
    if let Some(ca_file) = ca_file {
        keys += &format!("ca_file = '{}'", tls_file(ca_file));
    }
    let sink = Bridge::new().sink_of(&keys).expect("a sink");
    (server, sink)
}

async fn untrusted(certificate: &str, ca_file: Option<&str>) -> SendError {
    let (_server, sink) = sink(certificate, ca_file).await;
    let error = refused(&sink, 1).await;
    assert_eq!((&error.then, error.error.kind()), (&Then::Retry { after: None }, Kind::Unreachable));
    error
}

#[tokio::test]
async fn a_certificate_of_an_authority_in_ca_file_is_trusted_in_pem_and_in_der() {
    for ca_file in ["authority.pem", "authority.cer"] {
        let (_server, sink) = sink("server.pem", Some(ca_file)).await;
        send(&sink, 1).await.expect("taken");
    }
}

#[tokio::test]
async fn an_unknown_authority_is_not_trusted_and_the_advice_is_ca_file() {
    let error = untrusted("server.pem", None).await;
    assert!(error.error.message().contains("not trusted"), "{}", error.error.message());
    for word in ["ca_file", "inspects TLS", "network team"] {
        assert!(error.error.advice().contains(word), "{}", error.error.advice());
    }
}

#[tokio::test]
async fn an_expired_certificate_and_one_for_another_name_are_said_so() {
    for (certificate, words, advice) in
        [("expired.pem", "has expired", "clock"), ("other-name.pem", "for another name", "login page")]
    {
        let error = untrusted(certificate, Some("authority.pem")).await;
        assert!(error.error.message().contains(words), "{}", error.error.message());
        assert!(error.error.advice().contains(advice), "{}", error.error.advice());
    }
}
