use csc_bridge_core::config::Config;
use csc_bridge_core::error::{Kind, Result};
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_core::source::SourceWriter;
use csc_bridge_sqlite::SqliteAdapter;

use crate::support::*;

fn config(home: &Home, source: &str) -> Config {
    let text = format!(
        "cms = \"sqlite\"\nla_code = \"845\"\n[source]\n{source}\n[sink]\nadapter = \"file\"\nfolder = \"out\"\n"
    );
    Config::parse(&home.folder().join("csc-bridge.toml"), &text).unwrap()
}

async fn written(config: &Config) -> Result<Box<dyn SourceWriter>> {
    SqliteAdapter.writer(&config.source.options).await
}

#[tokio::test]
async fn a_relative_path_is_relative_to_the_configuration() {
    let home = Home::new();
    let config = config(&home, "database = \"csc.db\"\nlock_timeout = \"2s\"");
    assert_eq!(SqliteAdapter.name(), "sqlite");
    written(&config).await.unwrap();
    assert!(home.path().is_file());
    SqliteAdapter.source(&config.source.options).unwrap();
    let staging = SqliteAdapter.staging(&config.staging.options, &config.staging, None).unwrap();
    staging.prepare().await.unwrap();
    assert_eq!(home.count("SELECT COUNT(*) FROM ssd_api_data_staging"), 0);
}

#[tokio::test]
async fn keys_that_sqlite_cannot_honour_are_refused_with_their_place() {
    let home = Home::new();
    for key in ["query_timeout = \"30m\"", "host = \"sqlrep01\"", "lock_timeout = \"soon\""] {
        let config = config(&home, &format!("database = \"csc.db\"\n{key}"));
        let error = written(&config).await.err().unwrap();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.message().contains("csc-bridge.toml"), "{error}");
        assert!(SqliteAdapter.source(&config.source.options).is_err());
        assert!(SqliteAdapter.staging(&config.staging.options, &config.staging, None).is_err());
    }
    let error = written(&config(&home, "")).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Config);
}
