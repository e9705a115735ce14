//! `csc-bridge.toml`: every complaint names file, line and column.

use std::path::Path;

use csc_bridge_core::config::{Config, Document};
use csc_bridge_core::error::Kind;

const GOOD: &str = "cms = \"sqlite\"\nla_code = \"845\"\n\n[source]\ndatabase = \"x.db\"\n\n[sink]\nendpoint = \"http://127.0.0.1:1\"\n";

fn complaint(text: &str) -> String {
    let error = Config::parse(Path::new("here.toml"), text).err().unwrap_or_else(|| panic!("taken: {text}"));
    assert_eq!(error.kind(), Kind::Config);
    assert!(!error.advice().is_empty(), "{text}");
    error.message().to_owned()
}

#[test]
fn a_small_configuration_gets_the_defaults_of_the_names_page() {
    let config = Config::parse(Path::new("here.toml"), GOOD).expect("a configuration");
    assert_eq!((config.source.adapter.as_str(), config.source.chunk), ("sqlite", 5000));
    assert_eq!(config.staging.table, "ssd_api_data_staging");
    assert_eq!(
        (config.sink.adapter.as_str(), config.sink.concurrency, config.sink.max_attempts),
        ("dfe-csc-api", 2, 5)
    );
    assert_eq!((config.sink.isolation_budget, config.sink.stop_after_failed_batches), (50, 5));
    assert_eq!((config.log.level.as_str(), config.log.keep_days), ("info", 30));
    assert_eq!(config.anon().staging.table, "ssd_api_data_staging_anon");
}

#[test]
fn a_file_that_notepad_saved_is_read() {
    let text = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    assert!(Config::parse(Path::new("here.toml"), &text).is_ok());
}

#[test]
fn a_path_of_windows_is_read_between_single_quotes_and_elsewhere_the_advice_says_so() {
    for written in [r"'C:\temp\new'", r"'\\server\share\new'", r#""C:\\temp\\new""#, r#""C:/temp/new""#] {
        let text = GOOD.replace("[source]", &format!("state_dir = {written}\n[source]"));
        assert!(Config::parse(Path::new("here.toml"), &text).is_ok(), "{written}");
    }
    for written in [
        r#""C:\ProgramData\csc-bridge""#,
        r#""C:\Users\csc""#,
        r#""C:\temp\new""#,
        r#""\\server\share""#,
        r#""\\\\server\new""#,
    ] {
        let text = GOOD.replace("[source]", &format!("state_dir = {written}\n[source]"));
        let error = Config::parse(Path::new("here.toml"), &text).err().expect(written);
        let line = text.lines().position(|line| line.starts_with("state_dir")).expect("the line") + 1;
        assert!(error.message().contains(&format!("line {line}, column ")), "{written}: {error}");
        assert!(error.advice().contains(r"'C:\ProgramData\csc-bridge'"), "{written}: {}", error.advice());
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (from, to, place, word) in [
        ("cms = \"sqlite\"", "cmss = \"sqlite\"", "line 1, column 1", "cmss"),
        ("la_code = \"845\"", "la_code = 845", "line 2, column 11", "string"),
        ("la_code = \"845\"", "la_code = \"84\"", "line 2, column 11", "three digits"),
        ("[sink]", "[sinks]", "line 7, column 2", "sinks"),
        ("[sink]", "[sink]\nconcurrency = 0", "line 8, column 15", "0"),
        ("[sink]", "[sink]\nmin_interval = \"soon\"", "line 8, column 16", "length of time"),
        ("[sink]", "[sink]\nsemantics = \"append\"", "line 8, column 13", "append"),
        ("[sink]", "[payload]\nmode = \"partial\"\n[sink]", "line 8, column 8", "semantics is \"replace\""),
        ("[sink]", "[deletions]\ngone = \"forget\"\n[sink]", "line 8, column 8", "forget"),
        ("[sink]", "[deletions]\ngrace = \"soon\"\n[sink]", "line 8, column 9", "length of time"),
        (
            "[sink]",
            "[staging]\nmanaged_by = \"sql\"\n[deletions]\ngone = \"purge\"\n[sink]",
            "line 10, column 8",
            "purges",
        ),
        ("[sink]", "[guards]\nmax_gone = { share = 5, count = 25 }\n[sink]", "line 8, column 12", "between 0 and 1"),
        ("[sink]", "[guards]\nmax_gone = { share = 0.5 }\n[sink]", "line 8, column 12", "count"),
        ("[sink]", "[guards]\nmax_goone = { share = 0.5, count = 1 }\n[sink]", "line 8, column 1", "max_goone"),
        ("[sink]", "[log]\nlevel = \"loud\"\n[sink]", "line 8, column 9", "log level"),
        ("[sink]", "[payload]\nunstable_ids = [\"x\"]\n[sink]", "line 8, column 17", "no record id"),
        ("[sink]", "[source.names]\nssd_persons = { table = \"p\" }\n[sink]", "line 8, column 1", "ssd_persons"),
        (
            "[sink]",
            "[source.names]\nssd_person = { columns = { nobody = \"p\" } }\n[sink]",
            "line 8, column 1",
            "nobody",
        ),
        ("[source]", "[source", "line 4", ""),
    ] {
        let message = complaint(&GOOD.replace(from, to));
        assert!(
            message.starts_with("here.toml, ") && message.contains(place) && message.contains(word),
            "{to}: {message}"
        );
    }
}

#[test]
fn a_cms_or_definition_that_is_not_there_is_named_with_those_that_are() {
    assert!(complaint(&GOOD.replace("\"sqlite\"", "\"paris\"")).contains("paris"));
    assert!(complaint(&format!("definition = \"dfe-csc-7\"\n{GOOD}")).contains("dfe-csc-7"));
    assert!(complaint(&format!("definition = \"nowhere/own.toml\"\n{GOOD}")).contains("own.toml"));
}

#[test]
fn staging_takes_the_sources_keys_it_does_not_name() {
    #[derive(serde::Deserialize)]
    struct Keys {
        database: String,
    }
    let database = |text: &str| {
        let config = Config::parse(Path::new("here.toml"), text).expect("a configuration");
        config.staging.options.parse::<Keys>().map(|keys| keys.database)
    };
    assert_eq!(database(GOOD).expect("keys"), "x.db");
    assert_eq!(database(&format!("{GOOD}[staging]\ndatabase = \"y.db\"\n")).expect("keys"), "y.db");
    // Another kind of database takes nothing over.
    assert!(database(&format!("{GOOD}[staging]\nadapter = \"postgres\"\n")).is_err());
}

#[test]
fn a_secret_is_read_by_reference_and_its_absence_named_without_a_value() {
    #[derive(serde::Deserialize)]
    struct Keys {
        client_id: csc_bridge_core::config::SecretRef,
    }
    let text = GOOD.replace("[sink]", "[sink]\nclient_id = { env = \"CSC_BRIDGE_NO_SUCH_VARIABLE\" }");
    let config = Config::parse(Path::new("here.toml"), &text).expect("a configuration");
    #[derive(serde::Deserialize)]
    #[allow(dead_code, reason = "read beside the key under test")]
    struct All {
        endpoint: String,
        #[serde(flatten)]
        keys: Keys,
    }
    let keys: All = config.sink.options.parse().expect("keys");
    let error = config.sink.options.secret("client_id", &keys.keys.client_id).expect_err("no such variable");
    assert!(error.message().contains("CSC_BRIDGE_NO_SUCH_VARIABLE") && error.message().contains("[sink] client_id"));
}

#[test]
fn a_secret_file_of_any_editor_gives_the_secret_and_one_in_another_encoding_is_refused() {
    use csc_bridge_core::config::SecretRef;
    use secrecy::ExposeSecret;

    let folder = tempfile::tempdir().expect("a folder");
    let config = Config::parse(&folder.path().join("here.toml"), GOOD).expect("a configuration");
    let read = |bytes: &[u8]| {
        std::fs::write(folder.path().join("secret"), bytes).expect("a file");
        config.sink.options.secret("client_id", &SecretRef::File("secret".into()))
    };
    for bytes in ["s3cret", "s3cret\r\n", "\u{feff}s3cret\r\n", "\u{feff}s3cret"] {
        assert_eq!(read(bytes.as_bytes()).expect("a secret").expose_secret(), "s3cret");
    }
    let utf16: Vec<u8> = "\u{feff}s3cret\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let error = read(&utf16).expect_err("UTF-16");
    assert!(error.message().contains("is not text in UTF-8") && error.advice().contains("-Encoding utf8"), "{error}");
    assert!(!error.message().contains("s3"), "{error}");
    assert!(read("\u{feff}\r\n".as_bytes()).expect_err("empty").message().contains("empty"));
}

#[test]
fn a_secret_written_out_is_refused_by_its_place_and_not_repeated() {
    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Keys {
        endpoint: String,
        client_id: csc_bridge_core::config::SecretRef,
    }
    for written in
        ["\"hunter2\"", "{ value = \"hunter2\" }", "{ env = \"A\", file = \"hunter2\" }", "4815162342", "4815162342.5"]
    {
        let text = GOOD.replace("[sink]", &format!("[sink]\nclient_id = {written}"));
        let config = Config::parse(Path::new("here.toml"), &text).expect("a configuration");
        let error = config.sink.options.parse::<Keys>().expect_err("no secret by reference");
        assert!(error.message().contains("line 8"), "{error}");
        assert!(!error.message().contains("hunter2") && !error.message().contains("4815162342"), "{error}");
    }
}

#[test]
fn every_built_in_profile_fits_the_definition() {
    for cms in ["sqlite", "systemc", "mosaic", "eclipse", "azeus"] {
        let config = Config::parse(Path::new("here.toml"), &GOOD.replace("\"sqlite\"", &format!("\"{cms}\"")));
        assert!(config.is_ok(), "{cms}: {:?}", config.err());
    }
    assert!(Document::parse(Path::new("x.toml"), "a = 1").is_ok());
}
