//! The keys of the configuration.

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_core::source::Table;
use csc_bridge_postgres::{PostgresAdapter, PostgresEngine};
use csc_bridge_sql::Engine;

use crate::support::*;

fn engine(keys: &str) -> Result<PostgresEngine, Error> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "s3cret").unwrap();
    std::fs::write(folder.path().join("url"), "postgres://u:p%40ss@db.example/d").unwrap();
    PostgresEngine::new(&config_in(folder.path(), keys).source.options)
}

#[test]
fn keys_that_are_wrong_are_refused_and_no_secret_is_shown() {
    const GOOD: &str = "host = 'h'\ndatabase = 'd'\nuser = 'u'\n";
    for (keys, part) in [
        ("database = 'd'\nuser = 'u'".to_owned(), "the key host is missing"),
        ("host = 'h'\nuser = 'u'".to_owned(), "the key database is missing"),
        ("host = 'h'\ndatabase = 'd'".to_owned(), "the key user is missing"),
        (format!("{GOOD}instance = 'x'"), "line 7, column 1"),
        (format!("{GOOD}sslmode = 'allow'"), "line 7"),
        (format!("{GOOD}port = 70000"), "line 7"),
        (format!("{GOOD}password = 'p%40ss'"), "a secret is named"),
        (format!("{GOOD}url = 'postgres://u@h/d'"), "both url and host"),
        ("url = 'postgres://u:p%40ss@h/d'".to_owned(), "holds a password"),
        ("url = 'mysql://u:p%40ss@h/d'".to_owned(), "does not begin"),
        ("url = 'postgres://u@h'".to_owned(), "lacks a database"),
        ("url = 'postgres://h/d'".to_owned(), "lacks a user"),
        ("url = 'postgres:///d?user=u'".to_owned(), "lacks a host"),
        ("url = 'postgres://u@h/d?sslmode=allow'".to_owned(), "sslmode that is none"),
        ("url = 'postgres://u@h/d?colour=p%40ss'".to_owned(), "cannot be read"),
        ("url = 3".to_owned(), "csc-bridge.toml"),
    ] {
        let error = engine(&keys).err().unwrap();
        assert_eq!(error.kind(), Kind::Config, "{keys}");
        assert!(error.message().contains(part), "{keys}: {error}");
        assert!(!format!("{error:?}").contains("p%40ss"), "{error:?}");
    }
}

#[test]
fn an_engine_says_where_it_is_without_its_user() {
    for (keys, place) in [
        (
            "host = 'h'\ndatabase = 'd'\nuser = 'u'\npassword = { file = 'secret' }",
            "the PostgreSQL database d at h:5432",
        ),
        ("url = { file = 'url' }", "the PostgreSQL database d at db.example:5432"),
        ("url = 'postgresql://u@127.0.0.1:6432/d?sslmode=disable'", "the PostgreSQL database d at 127.0.0.1:6432"),
    ] {
        assert_eq!(engine(keys).unwrap().place(), place);
    }
}

#[tokio::test]
async fn the_adapter_reads_stages_and_writes_by_keys_and_by_url() {
    let Some(home) =
        Home::with("CREATE SCHEMA ssd; CREATE TABLE ssd.person (id text); INSERT INTO ssd.person VALUES ('1')")
    else {
        return;
    };
    let url = format!("{}?sslmode=disable&connect_timeout=3", home.server.url(&home.database));
    for keys in [home.keys(), format!("url = {{ file = '{}' }}\n", home.secret(&url))] {
        let config = home.config(&format!("{keys}schema = 'ssd'"));
        assert_eq!(PostgresAdapter.name(), "postgres");
        let source = PostgresAdapter.source(&config.source.options).unwrap();
        let name = csc_bridge_core::source::TableName { schema: "ssd".to_owned(), table: "person".to_owned() };
        let mut session = source.open(&[Table { name: name.clone(), columns: strings(&["id"]) }]).await.unwrap();
        assert_eq!(session.count(&name).await.unwrap(), 1);
        let staging = PostgresAdapter.staging(&config.staging.options, &config.staging, None).unwrap();
        staging.prepare().await.unwrap();
        assert_eq!(home.count("SELECT COUNT(*) FROM ssd.ssd_api_data_staging"), 0);
        let _lock = staging.lock_stage(None).await.unwrap();
        PostgresAdapter.writer(&config.source.options).await.unwrap();
    }
}
