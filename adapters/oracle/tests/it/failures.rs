//! What goes wrong between a council's machine and its Oracle, and what is said of it.

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::source::{ScanEvent, TableName};
use csc_bridge_sql::{Connection, Engine, Purpose, Read};

use crate::home::{self, Home, config_in};

/// A failure: how it is brought about, and what must be said of it.
struct Case {
    name: &'static str,
    kind: Kind,
    /// In the message.
    says: &'static str,
    /// In the advice.
    advises: &'static str,
}

const fn case(name: &'static str, kind: Kind, says: &'static str, advises: &'static str) -> Case {
    Case { name, kind, says, advises }
}

const CASES: [Case; 17] = [
    case("no listener", Kind::Unreachable, "no listener answers there (ORA-12541)", "lsnrctl status"),
    case("wrong service", Kind::Config, "is not known to the listener by that name (ORA-12514)", "service name"),
    case("unknown alias", Kind::Config, "cannot resolve (ORA-12154)", "tnsnames.ora"),
    case("wrong password", Kind::Permission, "refused user or password (ORA-01017)", "secret"),
    case("locked account", Kind::Permission, "the account is locked (ORA-28000)", "ACCOUNT UNLOCK"),
    case("expired password", Kind::Permission, "the account's password has expired (ORA-28001)", "SQL*Plus"),
    case("no common protocol", Kind::Permission, "no way to log on in common (ORA-28040)", "newer Instant Client"),
    case("too many sessions", Kind::Unreachable, "as many sessions", "SESSIONS_PER_USER"),
    case("server too old", Kind::Config, "of version 11.2, and 12.1 is needed", "12.1 or later"),
    case("missing table", Kind::Schema, "lacks a table that a statement names", "SELECT"),
    case("missing column", Kind::Schema, "lacks a column that a statement names (ORA-00904)", "[source.names]"),
    case("old snapshot", Kind::Incomplete, "its undo was used up (snapshot too old) (ORA-01555)", "UNDO_RETENTION"),
    case("refreshed table", Kind::Incomplete, "refreshed a table while it was read (ORA-01466)", "run again"),
    case("cut before", Kind::Unreachable, "the connection to", "alert log"),
    case("cut in the midst", Kind::Unreachable, "the connection to", "firewall"),
    case("cut long ago", Kind::Unreachable, "the connection to", "run again"),
    case("full tablespace", Kind::Io, "a tablespace is full (ORA-01653)", "more room"),
];

/// The error of a case.
async fn brought_about(home: &Home, name: &str) -> Error {
    let (library, keys) = (home.simulated(), home.keys());
    let control = &library.control;
    let logon = |code: &str| control.fail(code, "LOGIN", 1);
    let address = |part: &str| part.replace("PORT", &library.server.port().to_string());
    let keys = match name {
        "no listener" => other_tns(&keys, "//127.0.0.1:1/AZEUS"),
        "wrong service" => other_tns(&keys, &address("//127.0.0.1:PORT/NOWHERE")),
        "unknown alias" => other_tns(&keys, "AZEUS_REP"),
        "wrong password" => home.keys_of(library.server.superuser(), "Not-the-0ne"),
        _ => keys,
    };
    match name {
        "locked account" => logon("28000"),
        "expired password" => logon("28001"),
        "no common protocol" => logon("28040"),
        "too many sessions" => logon("2391"),
        "server too old" => control.version("11.2"),
        "old snapshot" => control.fail("1555-after-rows=1500", "FROM \"VISIT\"", 1),
        "refreshed table" => control.fail("1466", "FROM \"VISIT\"", 1),
        "cut before" | "cut long ago" => control.fail("drop", "FROM \"VISIT\"", 1),
        "cut in the midst" => control.fail("drop-after-rows=1500", "FROM \"VISIT\"", 1),
        "full tablespace" => control.fail("1653", "FROM \"VISIT\"", 1),
        _ => {}
    }
    let mut connection = match home.engine_with(&keys).connect(Purpose::Read).await {
        Ok(connection) => connection,
        Err(error) => return error,
    };
    let sql = match name {
        "missing table" => "SELECT t.\"ID\" FROM \"NO_SUCH_VISIT\" t",
        "missing column" => "SELECT t.\"NO_SUCH_COLUMN\" FROM \"VISIT\" t",
        _ => "SELECT t.\"ID\" FROM \"VISIT\" t",
    };
    let error = read(connection.as_mut(), sql).await;
    match name {
        "cut long ago" => read(connection.as_mut(), sql).await,
        _ => error,
    }
}

fn other_tns(keys: &str, tns: &str) -> String {
    let rest = keys.split_once('\n').unwrap().1;
    format!("tns = '{tns}'\n{rest}")
}

/// How a read ends that must not end well; before that it may have rows.
async fn read(connection: &mut dyn Connection, sql: &str) -> Error {
    let table = TableName { schema: String::new(), table: "visit".to_owned() };
    let read = Read { sql: sql.to_owned(), set: None, table, columns: vec!["ID".to_owned()], tagged: false };
    let mut stream = match connection.scan(read).await {
        Ok(stream) => stream,
        Err(error) => return error,
    };
    loop {
        match stream.next().await {
            Ok(ScanEvent::Rows(_)) => {}
            Ok(ScanEvent::Complete { rows }) => panic!("a whole read of {rows} rows: {sql}"),
            Err(error) => return error,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_says_what_happened_and_what_to_do() {
    for Case { name, kind, says, advises } in CASES {
        let Some(home) = Home::new(&home::Kind::Library) else { return };
        let driver = home.driver().unwrap();
        driver.execute("CREATE TABLE visit (id VARCHAR2(20 CHAR))", &[]).unwrap();
        let library = home.simulated();
        let rows = "INSERT INTO \"VISIT\" SELECT 'secret-id-' || i FROM generate_series(1, 3000) i";
        library.server.psql(&library.database, rows);
        let error = brought_about(&home, name).await;
        println!("{name}\n    {}\n    {}", error.message(), error.advice());
        assert_eq!(error.kind(), kind, "{name}: {error:?}");
        assert!(error.message().contains(says), "{name}: {}", error.message());
        assert!(error.advice().contains(advises), "{name}: {}", error.advice());
        for secret in ["Not-the-0ne", library.server.password(), "secret-id-"] {
            assert!(!format!("{error:?}{}{}", error.message(), error.advice()).contains(secret), "{name}");
        }
    }
}

/// Connects with the client library of another folder, and says how that ended. A process loads one library only.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by a_client_library_that_cannot_be_loaded_is_said_to_be_so"]
async fn connect_with_another_library() {
    let library = std::env::var("CSC_BRIDGE_TEST_LIBRARY").unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "x").unwrap();
    let keys = format!(
        "host = \"127.0.0.1\"\nport = 1\ndatabase = \"AZEUS\"\nuser = \"u\"\npassword = {{ file = \"secret\" }}\nclient_dir = '{library}'\n"
    );
    let options = config_in(folder.path(), &keys).source.options;
    let engine = csc_bridge_oracle::OracleEngine::new(&options).unwrap();
    let error = engine.connect(Purpose::Read).await.err().unwrap();
    println!("\n{:?}\n    {}\n    {}", error.kind(), error.message(), error.advice());
}

#[cfg(target_os = "linux")]
fn said_of(library: &std::path::Path) -> String {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "failures::connect_with_another_library", "--ignored", "--nocapture"])
        .env("CSC_BRIDGE_TEST_LIBRARY", library)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_library_that_cannot_be_loaded_is_said_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    let said = said_of(folder.path());
    println!("no client{said}");
    assert!(said.contains("Config"), "{said}");
    assert!(said.contains("client library (libclntsh.so) was not found in the folder"), "{said}");
    assert!(said.contains("install Oracle Instant Client"), "{said}");

    // The head of a program for 32 bits.
    let mut program = vec![0x7f, b'E', b'L', b'F', 1, 1, 1];
    program.resize(4096, 0);
    std::fs::write(folder.path().join("libclntsh.so"), program).unwrap();
    let said = said_of(folder.path());
    println!("wrong architecture{said}");
    assert!(said.contains("is for another kind of processor than csc-bridge"), "{said}");
    assert!(said.contains("64 bit"), "{said}");

    std::fs::write(folder.path().join("libclntsh.so"), "no library").unwrap();
    let said = said_of(folder.path());
    println!("damaged library{said}");
    assert!(said.contains("Config") && said.contains("is damaged"), "{said}");
}
