//! Connections: each way to one, and what is said where there is none. `--nocapture` shows the messages.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow_array::cast::AsArray;
use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::source::{ScanEvent, Source, Table, TableName};
use csc_bridge_sql::{Engine, Purpose, SqlSource, Value};
use csc_bridge_test_tds::{Browser, Collation, Encryption, Options, PostgresBackend, Server};

use crate::scripted::*;

const TRUSTING: &str = "trust_server_certificate = true\n";

/// What the server says of itself over a connection with these keys.
async fn connected(place: &Place, keys: &str) -> Result<String, Error> {
    let mut connection = place.engine(&format!("{}{keys}", place.keys())).connect(Purpose::Read).await?;
    connection.query("SAY hello", &[]).await?.remove(0).word(0)
}

/// Passes bytes on to a server, and keeps what the client sent.
fn listen_in(port: u16) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = heard.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut back, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut back, &mut to_client);
                let _ = to_client.shutdown(Shutdown::Both);
            });
            let (mut client, mut server, kept) = (client, server, kept.clone());
            std::thread::spawn(move || {
                let mut bytes = [0; 8192];
                while let Ok(length @ 1..) = client.read(&mut bytes) {
                    kept.lock().unwrap().extend_from_slice(&bytes[..length]);
                    if server.write_all(&bytes[..length]).is_err() {
                        break;
                    }
                }
                let _ = server.shutdown(Shutdown::Both);
            });
        }
    });
    (own, heard)
}

fn holds(heard: &[u8], part: &[u8]) -> bool {
    heard.windows(part.len()).any(|window| window == part)
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// As a logon has it (MS-TDS 2.2.6.4): anybody can undo that.
fn disguised(password: &str) -> Vec<u8> {
    utf16(password).into_iter().map(|byte| byte.rotate_left(4) ^ 0xa5).collect()
}

#[tokio::test]
async fn each_way_to_encrypt_hides_what_it_says() {
    for (encrypt, encryption, hidden) in [
        ("on", Encryption::Optional, true),
        ("on", Encryption::Required, true),
        ("strict", Encryption::Optional, true),
        ("off", Encryption::Optional, false),
        // The server insists.
        ("off", Encryption::Required, true),
    ] {
        for trust in [ca("ca.pem"), TRUSTING.to_owned()] {
            let place = Place::with(Options { tls: tls("server.pem"), encryption, ..Options::default() });
            let (port, heard) = listen_in(place.server.port());
            let keys = format!("{}encrypt = '{encrypt}'\n{trust}", keys(port));
            let mut connection = place.engine(&keys).connect(Purpose::Read).await.unwrap();
            let answer = connection.query("SAY hello", &[]).await.unwrap().remove(0).word(0).unwrap();
            assert_eq!(answer, "hello");
            let heard = heard.lock().unwrap();
            assert_eq!(!holds(&heard, &utf16("SAY hello")), hidden, "{encrypt} {encryption:?}");
            // The logon never goes in the clear.
            assert!(!holds(&heard, &disguised(PASSWORD)), "{encrypt} {encryption:?}");
            assert_eq!(place.server.logins()[0].password, PASSWORD);
        }
    }
}

#[tokio::test]
async fn whoever_trusts_every_certificate_gets_a_connection() {
    for certificate in
        ["self-signed.pem", "fallback.pem", "other-name.pem", "expired.pem", "not-yet.pem", "client-only.pem"]
    {
        let place = Place::with(Options { tls: tls(certificate), ..Options::default() });
        assert_eq!(connected(&place, TRUSTING).await.unwrap(), "hello", "{certificate}");
    }
}

/// What an administrator makes with New-SelfSignedCertificate, and hands over.
#[tokio::test]
async fn a_certificate_that_the_server_made_for_itself_may_be_in_ca_file() {
    let place = Place::with(Options { tls: tls("by-itself.pem"), ..Options::default() });
    assert_eq!(connected(&place, &ca("by-itself.pem")).await.unwrap(), "hello");
    assert_eq!(connected(&place, &ca("ca.pem")).await.unwrap_err().kind(), Kind::Permission);
    // A text of Windows begins with three bytes of its own.
    let text = [b"\xEF\xBB\xBF".to_vec(), std::fs::read(tls_file("by-itself.pem")).unwrap()].concat();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    assert_eq!(connected(&place, &format!("ca_file = '{}'", file.path().display())).await.unwrap(), "hello");
}

fn tell(what: &str, error: &Error) {
    println!("{what}\n  {:?}, {:?}: {error}\n  advice: {}", error.kind(), error.kind().directive(), error.advice());
}

#[tokio::test]
async fn a_certificate_that_is_not_good_is_told_with_what_to_do() {
    let [both, name] = [&["ca_file", "trust_server_certificate = true"][..], &["host", "HostNameInCertificate"]];
    for (what, certificate, keys, message, advice) in [
        ("a certificate that the server made for itself", "by-itself.pem", String::new(), "is not trusted", both),
        ("the same, as an authority makes one", "self-signed.pem", String::new(), "is not trusted", both),
        ("the same, as old servers make it", "fallback.pem", String::new(), "is not trusted", both),
        ("the same, and only the logon encrypted", "self-signed.pem", "encrypt = 'off'".into(), "is not trusted", both),
        ("an authority that is not known", "server.pem", String::new(), "is not trusted", both),
        ("another authority in ca_file", "server.pem", ca("other-ca.pem"), "is not trusted", both),
        ("a certificate for another host", "other-name.pem", ca("ca.pem"), "another name", name),
        ("an expired certificate", "expired.pem", ca("third-ca.pem"), "has expired", &["renewed"]),
        ("a certificate of the future", "not-yet.pem", ca("third-ca.pem"), "not valid yet", &["clocks"]),
        ("an authority's, in ca_file", "self-signed.pem", ca("self-signed.pem"), "as an authority's", both),
        ("a certificate for clients", "client-only.pem", ca("third-ca.pem"), "not issued for servers", &["server"]),
    ] {
        let place = Place::with(Options { tls: tls(certificate), ..Options::default() });
        let error = connected(&place, &keys).await.unwrap_err();
        tell(what, &error);
        assert!(error.kind() == Kind::Permission && error.message().contains(message), "{what}: {error:?}");
        assert!(advice.iter().all(|part| error.advice().contains(part)), "{what}: {error:?}");
        // The driver's own advice is for programmers.
        assert!(!format!("{error:?}").contains("Config::"), "{error:?}");
        assert!(place.server.logins().is_empty(), "{what}: a logon was sent");
    }
}

#[tokio::test]
async fn a_server_without_the_tls_that_is_wanted_gets_no_logon() {
    let old = |version| Options { tls: tls("server.pem"), version, ..Options::default() };
    for (what, options, keys, kind, message) in [
        ("no TLS", Options::default(), ca("ca.pem"), Kind::Permission, "does not offer TLS"),
        ("no TLS, encrypt = off", Options::default(), "encrypt = 'off'\n".into(), Kind::Unreachable, "in the midst of"),
        (
            "TDS 8 of a server of 2019",
            old((15, 0, 2000)),
            format!("{}encrypt = 'strict'", ca("ca.pem")),
            Kind::Permission,
            "as encrypt = \"strict\" asks",
        ),
    ] {
        let place = Place::with(options);
        let error = connected(&place, &keys).await.unwrap_err();
        tell(what, &error);
        assert!(error.kind() == kind && error.message().contains(message), "{what}: {error:?}");
        assert!(place.server.logins().is_empty(), "{what}: a logon was sent");
    }
}

/// Listens, and does something with each connection; counts them.
fn listener(mut serve: impl FnMut(TcpStream) + Send + 'static) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let counted = Arc::new(AtomicUsize::new(0));
    let count = counted.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::SeqCst);
            serve(stream);
        }
    });
    (port, counted)
}

/// The answer to a prelogin: version 15, and that everything is to be encrypted.
const PRELOGIN: [u8; 26] = [4, 1, 0, 26, 0, 0, 1, 0, 0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 15, 0, 7, 208, 0, 0, 1];
/// TLS's answer of a server that knows no version that the client knows, within a prelogin packet.
const ALERT: [u8; 15] = [18, 1, 0, 15, 0, 0, 1, 0, 21, 3, 1, 0, 2, 2, 70];

#[tokio::test]
async fn what_is_no_sql_server_is_told_apart() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (closing, closed) = listener(drop);
    let (in_between, cut) = listener(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(&PRELOGIN);
        let _ = stream.read(&mut [0; 8]);
    });
    let (web, _) = listener(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let (old, _) = listener(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(&PRELOGIN);
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(&ALERT);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let folder = folder();
    let silent_keys = format!("{}connect_timeout = '300ms'", keys(silent.local_addr().unwrap().port()));
    let unknown = keys(1433).replace("127.0.0.1", "no-such-host.invalid");
    for (what, keys, kind, message) in [
        ("nothing listens", keys(nobody), Kind::Unreachable, "nothing listens there"),
        ("an unknown name", unknown, Kind::Unreachable, "the name is not known"),
        ("no word", silent_keys, Kind::Unreachable, "did not answer within connect_timeout"),
        ("closed at once", keys(closing), Kind::Unreachable, "in the midst of the logon, and did not do better"),
        ("closed in TLS's handshake", keys(in_between), Kind::Unreachable, "in the midst of the logon"),
        ("a web server", keys(web), Kind::Unreachable, "in the midst of the logon"),
        ("only old TLS", keys(old), Kind::Permission, "could not agree on TLS"),
    ] {
        let error = engine(&folder, &format!("{keys}\n{}", ca("ca.pem"))).connect(Purpose::Read).await.err().unwrap();
        tell(what, &error);
        assert!(error.kind() == kind && error.message().contains(message), "{what}: {error:?}");
    }
    // It may be starting: each is tried as often as there are waits, and once.
    assert_eq!((closed.load(Ordering::SeqCst), cut.load(Ordering::SeqCst)), (3, 3));
}

/// A driver once panicked at what a server may say.
#[tokio::test]
async fn whatever_is_said_instead_of_a_prelogin_is_an_error() {
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64 | 1;
    println!("seed {seed}");
    let mut random = seed;
    let (port, asked) = listener(move |mut stream| {
        let mut byte = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 56) as u8
        };
        let mut said = PRELOGIN.to_vec();
        match byte() % 3 {
            // Another byte or two in what would have been right.
            0 => (0..2).for_each(|_| said[8 + usize::from(byte()) % 18] = byte()),
            1 => said[8..].iter_mut().for_each(|place| *place = byte()),
            _ => said.iter_mut().for_each(|place| *place = byte()),
        }
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(&said);
        // It says no more, whatever the client waits for.
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let folder = folder();
    for _ in 0..300 {
        let engine = engine(&folder, &format!("{}{}", keys(port), ca("ca.pem"))).with_pauses(&[]);
        let error = engine.connect(Purpose::Read).await.err().unwrap();
        assert!(
            matches!(error.kind(), Kind::Unreachable | Kind::Protocol | Kind::Permission),
            "{error:?}: see the seed above"
        );
    }
    assert_eq!(asked.load(Ordering::SeqCst), 300);
}

#[tokio::test]
async fn a_server_that_is_starting_is_tried_again() {
    let place = Place::new();
    *place.script.refusals.lock().unwrap() =
        [error(18401, 14, "script upgrade mode"), error(40613, 17, "not currently available")].into();
    place.connect().await.unwrap();
    assert_eq!(place.script.logons.load(Ordering::SeqCst), 3);
    // What another attempt does not mend is not tried again: a login may be locked after three of them.
    *place.script.refusals.lock().unwrap() = [error(18456, 14, "Login failed for user 'csc'.")].into();
    assert_eq!(place.connect().await.err().unwrap().kind(), Kind::Permission);
    assert_eq!(place.script.logons.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn an_instance_is_found_by_the_browser() {
    let place = Place::new();
    let browser = Browser::start(&[("REPORTING", place.server.port())]);
    let place_keys = keys(1).replace("port = 1\n", "");
    for keys in [
        format!("{place_keys}instance = 'Reporting'\n"),
        place_keys.replace("'127.0.0.1'", "'127.0.0.1\\Reporting'"),
        place_keys.replace("'127.0.0.1'", "'localhost\\REPORTING'"),
    ] {
        let engine = place.engine(&format!("{keys}{}", ca("ca.pem"))).with_browser_port(browser.port());
        engine.connect(Purpose::Read).await.unwrap();
    }
    assert_eq!(place.server.logins().len(), 3);
}

#[tokio::test]
async fn an_instance_that_is_not_found_is_told() {
    let place = Place::new();
    let browser = Browser::start(&[("REPORTING", place.server.port())]);
    // It knows the instance, which has no TCP port.
    let pipes = UdpSocket::bind("127.0.0.1:0").unwrap();
    let without_tcp = pipes.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (_, from) = pipes.recv_from(&mut [0; 64]).unwrap();
        let _ = pipes.send_to(b"\x05\x30\0ServerName;H;InstanceName;REPORTING;np;\\\\H\\pipe;;", from);
    });
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (what, name, port, message, advice) in [
        ("an unknown instance", "REPORTNG", browser.port(), "told the port of the instance REPORTNG", "port = …"),
        ("a silent browser", "REPORTING", silent.local_addr().unwrap().port(), "no SQL Browser told", "port = …"),
        ("no browser", "REPORTING", nobody, "no SQL Browser told", "port = …"),
        ("an instance without TCP", "REPORTING", without_tcp, "does not listen on TCP", "Configuration Manager"),
    ] {
        let keys = format!("{}instance = '{name}'\n{}", keys(1).replace("port = 1\n", ""), ca("ca.pem"));
        let engine = place.engine(&keys).with_browser_port(port);
        let error = engine.connect(Purpose::Read).await.err().unwrap();
        tell(what, &error);
        assert!(error.kind() == Kind::Unreachable && error.message().contains(message), "{what}: {error:?}");
        assert!(error.advice().contains(advice), "{what}: {error:?}");
    }
}

#[tokio::test]
async fn a_connection_string_logs_on_as_keys_do() {
    let place = Place::new();
    let port = place.server.port();
    let string = format!(
        "odbc = 'DRIVER={{ODBC Driver 17 for SQL Server}};SERVER=127.0.0.1,{port};DATABASE=HDM;UID=csc;Encrypt=yes;'\n\
         password = {{ file = 'secret' }}\n{}",
        ca("ca.pem")
    );
    for keys in [format!("{}{}", place.keys(), ca("ca.pem")), string] {
        place.engine(&keys).connect(Purpose::Read).await.unwrap();
        let login = place.server.logins().pop().unwrap();
        assert_eq!(
            (login.user.as_str(), login.password.as_str(), login.database.as_str(), login.application.as_str()),
            ("csc", PASSWORD, "HDM", "csc-bridge")
        );
    }
}

#[tokio::test]
async fn a_server_older_than_2012_is_refused() {
    let place = Place::new();
    for (version, taken) in [("11.0.2100.60", true), ("12.0.2000.8", true), ("10.50.6000.34", false)] {
        *place.script.version.lock().unwrap() = version;
        let connection = place.connect().await;
        assert_eq!(connection.is_ok(), taken, "{version}");
        if let Err(error) = connection {
            tell("SQL Server 2008 R2", &error);
            assert!(
                error.kind() == Kind::Config && error.message().contains("older than SQL Server 2012"),
                "{error:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_after_the_logon_is_given_up_in_time() {
    let place = Place::new();
    *place.script.version.lock().unwrap() = SILENT;
    let keys = format!("{}{}connect_timeout = '3s'\n", place.keys(), ca("ca.pem"));
    let error = place.engine(&keys).connect(Purpose::Read).await.err().unwrap();
    assert!(error.kind() == Kind::Unreachable && error.message().contains("connect_timeout"), "{error:?}");
    assert_eq!(place.server.logins().len(), 1);
}

/// The driver knows no collation in UTF-8, and so the server sends such columns as NVARCHAR.
#[tokio::test]
async fn texts_are_right_whatever_the_collation() {
    let Some(postgres) = csc_bridge_test_postgres::shared() else { return };
    for collation in [Collation::Latin1, Collation::Utf8] {
        let database = postgres.database();
        let backend = PostgresBackend::new(postgres, &database).with_sa_password(PASSWORD);
        let options = Options { tls: tls("server.pem"), collation, ..Options::default() };
        let server = Server::start(Arc::new(backend), options);
        let folder = folder();
        let keys = keys(server.port()).replace("'csc'", "'sa'").replace("'HDM'", &format!("'{database}'"));
        let engine = || engine(&folder, &format!("{keys}{}", ca("ca.pem")));
        let mut connection = engine().connect(Purpose::Read).await.unwrap();
        for sql in [
            "CREATE TABLE t (id VARCHAR(10), name VARCHAR(50))",
            "INSERT INTO t (id, name) VALUES ('1', N'“Zoë” – 5 €')",
        ] {
            connection.execute(sql, &[]).await.unwrap();
        }
        let text = "SELECT CAST(name AS NVARCHAR(50)) FROM t WHERE name = @P1";
        let mut rows = connection.query(text, &[Value::text("“Zoë” – 5 €")]).await.unwrap();
        assert_eq!(rows.remove(0).word(0).unwrap(), "“Zoë” – 5 €", "{collation:?}");

        let name = TableName { schema: String::new(), table: "t".to_owned() };
        let columns = vec!["id".to_owned(), "name".to_owned()];
        let source = SqlSource::new(Arc::new(engine()));
        let mut session = source.open(&[Table { name: name.clone(), columns: columns.clone() }]).await.unwrap();
        let mut stream = session.list(&name, &columns).await.unwrap();
        let ScanEvent::Rows(rows) = stream.next().await.unwrap() else { panic!("there is a row") };
        assert_eq!(rows.column(1).as_string::<i32>().value(0), "“Zoë” – 5 €", "{collation:?}");
    }
}
