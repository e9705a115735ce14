//! TLS, by the modes of libpq.
//!
//! The certificates in `tls/` were made for these tests and are good for nothing else: the authorities' keys were thrown away. They last
//! from 2020 to 2120.

use std::sync::OnceLock;

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_sql::{Engine, Purpose};
use csc_bridge_test_postgres::{Options, Server};

use crate::support::*;

/// A database of a server that shows this certificate.
fn home(certificate: &'static str) -> Option<Home> {
    static SERVERS: [OnceLock<Option<Server>>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];
    let number = ["server.pem", "other-name.pem", "self-signed.pem"].iter().position(|name| *name == certificate)?;
    let server = SERVERS[number].get_or_init(|| {
        let server = Server::with(Options {
            tls: Some((tls_file(certificate).into(), tls_file("server.key").into())),
            client_ca: Some(tls_file("ca.pem").into()),
            hba: vec![
                "hostssl all csc_sender 127.0.0.1/32 cert".to_owned(),
                "hostnossl all csc_sender 127.0.0.1/32 reject".to_owned(),
            ],
            ..Options::default()
        })?;
        server.psql("postgres", "CREATE ROLE csc_sender LOGIN SUPERUSER");
        Some(server)
    });
    server.as_ref().map(Home::on)
}

/// Whether a connection with these keys is encrypted.
async fn connected(home: &Home, keys: &str) -> Result<bool, Error> {
    let mut connection = home.engine_with(&format!("{}{keys}", home.keys())).connect(Purpose::Read).await?;
    let ssl = "SELECT CASE WHEN ssl THEN 1 ELSE 0 END FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    Ok(connection.query(ssl, &[]).await?.remove(0).integer(0)? == 1)
}

fn mode(mode: &str, ca: Option<&str>) -> String {
    let ca = ca.map(|ca| format!("ca_file = '{}'\n", tls_file(ca))).unwrap_or_default();
    format!("sslmode = '{mode}'\n{ca}")
}

#[tokio::test]
async fn each_mode_asks_for_what_it_says() {
    for (certificate, sslmode, ca, wanted) in [
        ("server.pem", "disable", None, Ok(false)),
        ("server.pem", "prefer", None, Ok(true)),
        ("server.pem", "require", None, Ok(true)),
        ("server.pem", "verify-ca", Some("ca.pem"), Ok(true)),
        ("server.pem", "verify-full", Some("ca.pem"), Ok(true)),
        ("server.pem", "verify-ca", Some("other-ca.pem"), Err("not trusted")),
        ("server.pem", "verify-full", Some("other-ca.pem"), Err("not trusted")),
        // With an authority, `require` looks for it.
        ("server.pem", "require", Some("other-ca.pem"), Err("not trusted")),
        ("other-name.pem", "require", None, Ok(true)),
        ("other-name.pem", "verify-ca", Some("ca.pem"), Ok(true)),
        ("other-name.pem", "verify-full", Some("ca.pem"), Err("another name")),
        // A certificate that the server's administrator handed over as it is.
        ("self-signed.pem", "require", None, Ok(true)),
        ("self-signed.pem", "verify-ca", Some("self-signed.pem"), Ok(true)),
        ("self-signed.pem", "verify-full", Some("self-signed.pem"), Ok(true)),
        ("self-signed.pem", "verify-full", Some("ca.pem"), Err("not trusted")),
    ] {
        let Some(home) = home(certificate) else { return };
        let found = connected(&home, &mode(sslmode, ca)).await;
        match (&found, wanted) {
            (Ok(found), Ok(wanted)) => assert_eq!(*found, wanted, "{certificate} {sslmode}"),
            (Err(error), Err(part)) => {
                assert!(
                    error.kind() == Kind::Permission && error.message().contains(part),
                    "{certificate} {sslmode} {error:?}"
                );
            }
            _ => panic!("{certificate} {sslmode} {ca:?}: {found:?}"),
        }
    }
}

#[tokio::test]
async fn without_ca_file_the_operating_system_says_who_is_trusted() {
    let Some(home) = home("server.pem") else { return };
    for sslmode in ["verify-ca", "verify-full"] {
        let error = connected(&home, &mode(sslmode, None)).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Permission), "{error:?}");
    }
}

#[tokio::test]
async fn a_host_is_verified_by_its_name_too() {
    let Some(home) = home("server.pem") else { return };
    let keys = home.keys().replace("127.0.0.1", "localhost") + &mode("verify-full", Some("ca.pem"));
    home.engine_with(&keys).connect(Purpose::Read).await.unwrap();
}

#[tokio::test]
async fn a_client_certificate_stands_for_a_password() {
    let Some(home) = home("server.pem") else { return };
    let keys = format!("{}user = 'csc_sender'\n{}", home.place(), mode("verify-full", Some("ca.pem")));
    let certificate =
        format!("client_cert = '{}'\nclient_key = '{}'\n", tls_file("client.pem"), tls_file("client.key"));
    home.engine_with(&format!("{keys}{certificate}")).connect(Purpose::Read).await.unwrap();
    let error = home.engine_with(&keys).connect(Purpose::Read).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Permission, "{error:?}");
}

#[tokio::test]
async fn the_password_is_proved_to_the_server_of_the_certificate_and_nobody_else() {
    for certificate in ["server.pem", "self-signed.pem"] {
        let Some(home) = home(certificate) else { return };
        let url = format!("{}?sslmode=require&channel_binding=require", home.server.url(&home.database));
        let keys = format!("url = {{ file = '{}' }}", home.secret(&url));
        home.engine_with(&keys).connect(Purpose::Read).await.unwrap();
    }
}

#[tokio::test]
async fn files_that_are_none_are_refused_with_their_path() {
    let Some(home) = home("server.pem") else { return };
    for keys in [
        mode("verify-full", Some("no-such.pem")),
        mode("verify-full", Some("server.key")),
        format!("client_cert = '{}'\n", tls_file("client.pem")),
        format!("client_cert = '{0}'\nclient_key = '{0}'\n", tls_file("client.pem")),
    ] {
        let config = home.config(&format!("{}{keys}", home.keys()));
        let error = csc_bridge_postgres::PostgresEngine::new(&config.source.options).err().unwrap();
        assert_eq!(error.kind(), Kind::Config, "{keys}: {error:?}");
    }
}
