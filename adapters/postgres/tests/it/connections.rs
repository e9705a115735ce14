//! Connections: what is said when there is none, what is set on one, and what happens when it dies.

use std::time::{Duration, Instant};

use csc_bridge_core::error::Kind;
use csc_bridge_core::source::{ScanEvent, Source};
use csc_bridge_core::staging::Staging;
use csc_bridge_sql::{Engine, Purpose, Value};
use csc_bridge_test_postgres::{Options, Server};

use crate::support::*;

async fn refused(home: &Home, keys: &str) -> csc_bridge_core::error::Error {
    home.engine_with(keys).connect(Purpose::Read).await.err().unwrap()
}

#[tokio::test]
async fn what_stands_in_the_way_of_a_connection_is_told() {
    let Some(home) = Home::new() else { return };
    let good = home.keys();
    let user = format!("user = '{}'", home.server.superuser());
    let wrong = home.secret("not the password of the tests");
    let right = home.secret(home.server.password());
    home.raw("CREATE ROLE nobody_may");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (keys, kind, part) in [
        (good.replace(&right, &wrong), Kind::Permission, "refused user or password"),
        (good.replace(&user, "user = 'nobody_at_all'"), Kind::Permission, "refused user or password"),
        (good.replace(&user, "user = 'nobody_may'"), Kind::Permission, "refused"),
        (good.replace(&home.database, "no_such_database"), Kind::Config, "does not exist as a database"),
        (
            good.replace(&format!("port = {}", home.server.port()), &format!("port = {port}")),
            Kind::Unreachable,
            "nothing listens",
        ),
        (good.replace("'127.0.0.1'", "'no-such-host.invalid'"), Kind::Unreachable, "the name is not known"),
        (good.replace("'127.0.0.1'", "'/no/such/folder'"), Kind::Unreachable, "there is no such socket"),
        (format!("{good}sslmode = 'require'"), Kind::Permission, "does not offer TLS"),
        (format!("{}{user}", home.place()), Kind::Permission, "a password that is not configured"),
    ] {
        let error = refused(&home, &keys).await;
        assert!(error.kind() == kind && error.message().contains(part), "{keys}\n{error:?}");
        assert!(!format!("{error:?}").contains("not the password"));
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_in_time() {
    let Some(home) = Home::new() else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap().port();
    let keys = home.keys().replace(&format!("port = {}", home.server.port()), &format!("port = {silent}"));
    let begun = Instant::now();
    let error = refused(&home, &format!("{keys}connect_timeout = '300ms'")).await;
    assert!(error.kind() == Kind::Unreachable && error.message().contains("connect_timeout"), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    // One that answers in another language.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut &stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let error = refused(&home, &format!("{keys}sslmode = 'disable'\nconnect_timeout = '2s'")).await;
    assert!(matches!(error.kind(), Kind::Protocol | Kind::Unreachable), "{error:?}");
}

#[tokio::test]
async fn a_database_that_is_not_in_utf8_is_refused() {
    let Some(home) = Home::new() else { return };
    home.raw("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    let error = refused(&home, &home.keys().replace(&home.database, "latin")).await;
    assert!(error.kind() == Kind::Config && error.message().contains("LATIN1"), "{error:?}");
}

#[tokio::test]
async fn a_session_is_set_up_whatever_the_role_has_set() {
    let Some(home) = Home::new() else { return };
    home.raw(&format!(
        "ALTER DATABASE {} SET default_transaction_read_only = on; ALTER DATABASE {0} SET DateStyle = 'SQL, DMY';
         ALTER DATABASE {0} SET search_path = ''; ALTER DATABASE {0} SET idle_in_transaction_session_timeout = '1s'",
        home.database
    ));
    let mut connection =
        home.engine_with(&format!("{}query_timeout = '7s'", home.keys())).connect(Purpose::Stage).await.unwrap();
    for (name, value) in [
        ("application_name", "csc-bridge"),
        ("client_encoding", "UTF8"),
        ("DateStyle", "ISO, DMY"),
        ("statement_timeout", "7s"),
        ("lock_timeout", "300ms"),
        ("idle_in_transaction_session_timeout", "0"),
        ("default_transaction_read_only", "off"),
        ("search_path", "\"\", pg_temp"),
    ] {
        let mut rows = connection.query("SELECT current_setting($1)", &[Value::text(name)]).await.unwrap();
        assert_eq!(rows[0].word(0).unwrap(), value, "{name}");
    }
    connection.execute("CREATE TEMPORARY TABLE t (id text)", &[]).await.unwrap();
}

#[tokio::test]
async fn a_socket_of_this_machine_serves_too() {
    let Some(home) = Home::new() else { return };
    let keys = home.keys().replace("'127.0.0.1'", &format!("'{}'", home.server.socket().display()));
    home.engine_with(&keys).connect(Purpose::Read).await.unwrap();
    home.engine_with(&format!("{keys}sslmode = 'verify-full'\nca_file = '{}'", tls_file("ca.pem")))
        .connect(Purpose::Read)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_connection_that_dies_in_mid_scan_is_an_error_and_never_a_short_read() {
    let Some(home) =
        Home::with("CREATE VIEW v AS SELECT n::text AS id, repeat('x', 200) AS v FROM generate_series(1, 1000000) n")
    else {
        return;
    };
    let mut session = opened(&home, &[columns("v", &["id", "v"])]).await;
    let mut stream = session.list(&table("v"), &strings(&["id", "v"])).await.unwrap();
    assert!(matches!(stream.next().await.unwrap(), ScanEvent::Rows(_)));
    assert_eq!(home.server.kill_backends(&home.database), 1);
    let error = loop {
        match stream.next().await {
            Ok(ScanEvent::Rows(_)) => {}
            Ok(ScanEvent::Complete { .. }) => panic!("a short read"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), Kind::Unreachable, "{error:?}");
    assert!(error.message().starts_with("reading v"), "{error}");
    drop(stream);
    let error = session.select(&strings(&["1"])).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable, "{error:?}");
}

#[tokio::test]
async fn an_error_of_the_server_in_mid_scan_is_told_without_its_words() {
    let Some(home) = Home::with(
        "CREATE TABLE t (id text); INSERT INTO t SELECT n FROM generate_series(1, 50000) n; INSERT INTO t VALUES ('secret');
         CREATE VIEW v AS SELECT id, id::integer AS n FROM t",
    ) else {
        return;
    };
    let mut session = opened(&home, &[columns("v", &["n"])]).await;
    let mut stream = session.list(&table("v"), &strings(&["n"])).await.unwrap();
    let error = loop {
        match stream.next().await {
            Ok(ScanEvent::Rows(_)) => {}
            Ok(ScanEvent::Complete { .. }) => panic!("a short read"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), Kind::Data);
    assert!(!format!("{error:?}").contains("secret"));
}

#[tokio::test]
async fn a_statement_ends_after_query_timeout() {
    let Some(home) = Home::with("CREATE VIEW v AS SELECT '1'::text AS id FROM pg_sleep(30)") else { return };
    let engine = home.engine_with(&format!("{}query_timeout = '200ms'", home.keys()));
    let source = csc_bridge_sql::SqlSource::new(std::sync::Arc::new(engine));
    let begun = Instant::now();
    let mut session = source.open(&[columns("v", &["id"])]).await.unwrap();
    let mut stream = session.list(&table("v"), &strings(&["id"])).await.unwrap();
    let error = stream.next().await.unwrap_err();
    assert!(error.kind() == Kind::Incomplete && error.message().contains("query_timeout"), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_connection_dropped_in_mid_statement_ends_the_statement() {
    let Some(home) = Home::with("CREATE VIEW v AS SELECT '1'::text AS id FROM pg_sleep(60)") else { return };
    let mut session = opened(&home, &[columns("v", &["id"])]).await;
    // The server says nothing, not even that it begins, before it has something to send.
    let (name, id) = (table("v"), strings(&["id"]));
    assert!(tokio::time::timeout(Duration::from_millis(200), session.list(&name, &id)).await.is_err());
    drop(session);
    let begun = Instant::now();
    let others = format!(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()",
        home.database
    );
    while home.server.psql("postgres", &others) != "0" {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_server_that_comes_back_serves_new_connections() {
    let Some(server) = Server::with(Options { durable: true, ..Options::default() }) else { return };
    let home = Home::on(Box::leak(Box::new(server)));
    let staging = home.staging();
    staging.prepare().await.unwrap();
    apply(&staging, vec![new_child("1", 1)]).await;
    home.server.stop();
    let error = home.staging().is_ready().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable, "{error:?}");
    assert_eq!(staging.ledger(&strings(&["1"])).await.unwrap_err().kind(), Kind::Unreachable);
    home.server.start_again();
    assert_eq!(row(&home.staging(), "1").await.current_hash, Some(hash(1)));
    home.server.stop();
}
