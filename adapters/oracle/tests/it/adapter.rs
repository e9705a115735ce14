//! The keys of `[source]`, as the configuration has them.

use csc_bridge_core::error::Kind;
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_oracle::{OracleAdapter, OracleEngine};
use csc_bridge_sql::Engine;

use crate::home::config_in;

const LOGON: &str = "user = \"csc_bridge\"\npassword = { env = \"PATH\" }\n";

fn engine(keys: &str) -> Result<OracleEngine, (Kind, String)> {
    let folder = tempfile::tempdir().unwrap();
    OracleEngine::new(&config_in(folder.path(), keys).source.options)
        .map_err(|error| (error.kind(), error.message().to_owned()))
}

#[test]
fn the_place_is_named_without_its_logon() {
    let engine = engine(&format!("host = \"ora01\"\ndatabase = \"AZEUS\"\n{LOGON}")).unwrap();
    assert_eq!(engine.place(), "the Oracle database AZEUS at ora01:1521");
    assert_eq!(OracleAdapter.name(), "oracle");
}

#[test]
fn nothing_is_loaded_before_a_connection_is_made() {
    let keys = format!("host = \"ora01\"\ndatabase = \"AZEUS\"\nclient_dir = \"nowhere\"\n{LOGON}");
    assert!(engine(&keys).is_ok());
}

#[tokio::test]
async fn a_client_folder_that_is_not_there_is_named_with_what_to_do() {
    let keys = format!("host = \"ora01\"\ndatabase = \"AZEUS\"\nclient_dir = \"nowhere\"\n{LOGON}");
    let error = engine(&keys).unwrap().connect(csc_bridge_sql::Purpose::Read).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.message().starts_with("client_dir names "), "{error}");
    assert!(error.advice().contains("client_dir"), "{}", error.advice());
}

#[test]
fn mistakes_in_the_keys_are_mistakes_of_the_configuration() {
    for (keys, said) in [
        ("database = \"AZEUS\"\n", "host"),
        ("host = \"ora01\"\n", "database"),
        ("tns = \"AZEUS\"\nport = 1521\n", "both tns and port"),
        ("tns = \"AZEUS\"\nauth = \"external\"\n", "external"),
        ("tns = \"AZEUS\"\nservice = \"x\"\n", "service"),
    ] {
        let (kind, message) = engine(&format!("{keys}{LOGON}")).err().unwrap_or_else(|| panic!("{keys}"));
        assert_eq!(kind, Kind::Config, "{keys}");
        assert!(message.contains(said), "{keys}: {message}");
    }
    let (_, message) = engine("tns = \"AZEUS\"\n").err().unwrap();
    assert!(message.contains("user"), "{message}");
}
