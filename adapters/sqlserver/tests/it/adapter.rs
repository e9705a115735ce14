//! The keys of the configuration.

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_sql::{Engine, Purpose};
use csc_bridge_sqlserver::{SqlServerAdapter, SqlServerEngine};

use crate::home::config_in;

const GOOD: &str = "host = 'h'\ndatabase = 'd'\nuser = 'u'\npassword = { file = 'secret' }\n";

fn engine(keys: &str) -> Result<SqlServerEngine, Error> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "s3cret").unwrap();
    std::fs::write(folder.path().join("odbc"), "SERVER=db.example,1450;DATABASE=d;UID=u;PWD={p%40}};ss}").unwrap();
    std::fs::write(folder.path().join("text.pem"), "no certificate").unwrap();
    SqlServerEngine::new(&config_in(folder.path(), keys).source.options)
}

#[test]
fn keys_that_are_wrong_are_refused_and_no_secret_is_shown() {
    for (keys, part) in [
        ("database = 'd'\nuser = 'u'".to_owned(), "the key host is missing"),
        ("host = 'h'\nuser = 'u'".to_owned(), "the key database is missing"),
        ("host = 'h'\ndatabase = 'd'\nuser = 'u'".to_owned(), "the key password is missing"),
        ("host = 'h'\ndatabase = 'd'\nauth = 'sql'".to_owned(), "the key user is missing"),
        ("host = 'h'\ndatabase = 'd'\nauth = 'kerberos'\nuser = 'u'".to_owned(), "user or password are configured"),
        (format!("{GOOD}colour = 'x'"), "line 8, column 1"),
        (format!("{GOOD}encrypt = 'maybe'"), "line 8"),
        (format!("{GOOD}port = 70000"), "line 8"),
        (format!("{GOOD}instance = 'X'\nport = 1450"), "both instance and port"),
        (format!("{GOOD}ca_file = 'none.pem'"), "cannot be read"),
        (format!("{GOOD}ca_file = 'text.pem'"), "holds no certificate"),
        (format!("{GOOD}ca_file = 'text.pem'\ntrust_server_certificate = true"), "both ca_file and"),
        ("host = 'h'\ndatabase = 'd'\nuser = 'u'\npassword = 'p%40ss'".to_owned(), "a secret is named"),
        ("odbc = 'SERVER=h;DATABASE=d;UID=u;PWD=p%40ss'".to_owned(), "holds a password"),
        ("odbc = 'SERVER=h;DATABASE=d;UID=u;Colour=p%40ss'".to_owned(), "the keyword colour"),
        ("odbc = 'SERVER=h;DATABASE=d;UID=u'\nhost = 'h'".to_owned(), "both odbc and host"),
        ("odbc = { file = 'odbc' }\npassword = { file = 'secret' }".to_owned(), "both odbc and password"),
        ("odbc = 'DATABASE=d;UID=u'".to_owned(), "the key host is missing"),
        ("odbc = 3".to_owned(), "csc-bridge.toml"),
    ] {
        let error = engine(&keys).err().unwrap();
        assert_eq!(error.kind(), Kind::Config, "{keys}");
        assert!(error.message().contains(part), "{keys}: {error}");
        assert!(!format!("{error:?}").contains("p%40"), "{error:?}");
    }
}

#[test]
fn an_engine_says_where_it_is_without_its_user() {
    let odbc = "odbc = 'DRIVER={ODBC Driver 17 for SQL Server};SERVER=sqlrep01\\REPORTING;DATABASE=HDM;UID=u;'\n\
                password = { file = 'secret' }";
    for (keys, place) in [
        (GOOD, "the SQL Server database d at h:1433"),
        (&format!("{GOOD}instance = 'REPORTING'"), "the SQL Server database d at h\\REPORTING"),
        (&format!("{GOOD}port = 1450"), "the SQL Server database d at h:1450"),
        (&GOOD.replace("'h'", "'h,1450'"), "the SQL Server database d at h:1450"),
        ("odbc = { file = 'odbc' }", "the SQL Server database d at db.example:1450"),
        ("connection_string = { file = 'odbc' }", "the SQL Server database d at db.example:1450"),
        (odbc, "the SQL Server database HDM at sqlrep01\\REPORTING"),
    ] {
        assert_eq!(engine(keys).unwrap().place(), place);
    }
    assert_eq!(SqlServerAdapter.name(), "sqlserver");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_to_be_unreachable() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let keys = format!("{}port = {port}\nconnect_timeout = '300ms'", GOOD.replace("'h'", "'127.0.0.1'"));
    // It takes the connection and says nothing.
    let error = engine(&keys).unwrap().connect(Purpose::Read).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Unreachable);
    assert!(error.message().contains("connect_timeout"), "{error}");
    drop(taken);
    let error = engine(&keys).unwrap().connect(Purpose::Read).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Unreachable);
    assert!(error.message().contains("nothing listens there"), "{error}");
}
