use std::path::Path;

use csc_bridge_core::error::Kind;
use csc_bridge_plugin_sdk::error::Result;
use csc_bridge_plugin_sdk::secrecy::ExposeSecret;
use csc_bridge_plugin_sdk::serde::Deserialize;
use csc_bridge_plugin_sdk::{Options, SecretRef, Span};
use serde_json::{Map, Value};

#[derive(Deserialize, Debug, PartialEq)]
#[serde(crate = "csc_bridge_plugin_sdk::serde", deny_unknown_fields)]
struct Keys {
    host: String,
    port: u16,
    #[serde(default)]
    big: Option<i64>,
    #[serde(default)]
    share: Option<f64>,
    #[serde(default)]
    wait: Option<Span>,
    #[serde(default)]
    password: Option<SecretRef>,
    #[serde(default)]
    list: Vec<String>,
    #[serde(default)]
    table: Option<std::collections::BTreeMap<String, Vec<bool>>>,
}

fn options(json: &str) -> Result<Options> {
    let keys: Map<String, Value> = serde_json::from_str(json).unwrap();
    Options::from_json("source", Path::new("/etc/csc-bridge"), &keys)
}

#[test]
fn keys_of_every_type_are_read_as_from_toml() {
    let text = "a \"b\" \\ \n \u{7f} \u{1} é 🎈";
    let json = serde_json::json!({
        "host": text, "port": 5432, "big": i64::MIN, "share": 1e-9, "wait": "30m", "password": {"env": "X"},
        "list": ["", text], "table": {"a.b \"c\"": [true, false], "gone": null}, "gone": null,
    });
    let keys: Keys = options(&json.to_string()).unwrap().parse().unwrap();
    assert_eq!((keys.host.as_str(), keys.port, keys.big), (text, 5432, Some(i64::MIN)));
    assert_eq!((keys.share, keys.wait), (Some(1e-9), Span::parse("30m")));
    assert_eq!(keys.password, Some(SecretRef::Env("X".into())));
    assert_eq!(keys.list, ["", text]);
    assert_eq!(keys.table.unwrap()["a.b \"c\""], [true, false]);
}

#[test]
fn complaints_name_section_and_key_and_no_line() {
    for (json, expected) in [
        (r#"{"host":"h","port":"x"}"#, "[source] port: invalid type"),
        (r#"{"host":"h","port":70000}"#, "[source] port: invalid value"),
        (r#"{"host":"h","port":1,"list":["a",2]}"#, "[source] list: invalid type"),
        (r#"{"host":"h","port":1,"wait":"soon"}"#, "[source] wait: this is not a length of time"),
        (r#"{"host":"h","port":1,"password":"geheim"}"#, "[source] password: a secret is named"),
        (r#"{"host":"h","port":1,"prot":2}"#, "[source] prot: unknown field"),
        (r#"{"host":"h"}"#, "[source] missing field `port`"),
    ] {
        let error = options(json).unwrap().parse::<Keys>().unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.message().starts_with(expected), "{error:?}");
        assert!(!error.message().contains("geheim") && !error.message().contains("line"), "{error:?}");
    }
}

#[test]
fn what_toml_cannot_say_is_refused() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100), "]".repeat(100));
    for json in [r#"{"a":[1,null]}"#, &deep] {
        let error = options(json).map(drop).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.message().starts_with("[source] "), "{error:?}");
    }
}

#[test]
fn paths_and_secrets_are_found_in_the_configurations_folder() {
    let folder = std::env::temp_dir().join(format!("csc-bridge-sdk-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("secret"), " s3cret\n").unwrap();
    let keys: Map<String, Value> = serde_json::from_str(r#"{"password":{"file":"secret"}}"#).unwrap();
    let options = Options::from_json("source", &folder, &keys).unwrap();
    assert_eq!(options.path(Path::new("a/b.csv")), folder.join("a/b.csv"));
    let secret = options.secret("password", &SecretRef::File("secret".into())).unwrap();
    assert_eq!(secret.expose_secret(), "s3cret");
    let error = options.secret("password", &SecretRef::File("none".into())).unwrap_err();
    assert!(error.message().starts_with("[source] password: "), "{error:?}");
    assert_eq!(options.try_secrets().len(), 1);
    std::fs::remove_dir_all(&folder).unwrap();
}
