//! The keys of `[sink]`.

use std::time::Duration;

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::sink::Facts;

use crate::Bridge;

const BASE: &str =
    "endpoint = \"https://api.example/1\"\ntoken_endpoint = \"https://login.example/t\"\nscope = \"s\"\n";

fn complaint(keys: &str) -> Error {
    let error = Bridge::new().sink_of(keys).err().unwrap_or_else(|| panic!("taken: {keys}"));
    assert_eq!(error.kind(), Kind::Config, "{keys}");
    error
}

#[test]
fn the_defaults_are_those_of_the_names_page() {
    let sink = Bridge::new().sink_of(BASE).expect("a sink");
    let limits = sink.limits();
    assert_eq!((limits.max_records, limits.max_bytes), (100, 4_000_000));
    assert!(limits.request_life > Duration::from_secs(10 + 60));
    assert_eq!(Bridge::new().facts_of(BASE).expect("facts"), Facts { limits, is_local: false });
}

#[test]
fn every_key_is_known() {
    let more = "max_records = 7\nmax_bytes = 1000\nconnect_timeout = \"1s\"\nrequest_timeout = \"2s\"\nuser_agent = \"x\"\n\
                proxy = \"http://proxy.example:8080\"\nproxy_user = \"u\"\nproxy_password = { file = \"secret\" }";
    let limits = Bridge::new().sink_of(&format!("{BASE}{more}")).expect("a sink").limits();
    assert_eq!((limits.max_records, limits.max_bytes), (7, 1000));
    for proxy in ["system", "none"] {
        assert!(Bridge::new().sink_of(&format!("{BASE}proxy = \"{proxy}\"")).is_ok());
    }
}

#[test]
fn both_addresses_must_be_this_machine_for_everything_to_stay_on_it() {
    for (endpoint, token_endpoint, local) in [
        ("http://127.0.0.1:1", "http://localhost:1/token", true),
        ("http://[::1]:1", "https://127.0.0.1/token", true),
        ("http://127.0.0.1:1", "https://login.example/t", false),
        ("https://api.example/1", "http://127.0.0.1:1/token", false),
    ] {
        let keys = format!("endpoint = \"{endpoint}\"\ntoken_endpoint = \"{token_endpoint}\"\nscope = \"s\"");
        assert_eq!(Bridge::new().facts_of(&keys).expect("facts").is_local, local, "{endpoint} {token_endpoint}");
    }
}

#[test]
fn bad_addresses_are_refused_where_they_stand_and_not_quoted() {
    for address in [
        "http://api.example/1",
        "https://u:hunter2@api.example/1",
        "api.example",
        "ftp://api.example",
        "https://a/#x",
        "",
    ] {
        let endpoint = BASE.replace("https://api.example/1", address);
        let error = complaint(&endpoint);
        assert!(error.message().contains("csc-bridge.toml, line 10, column"), "{}", error.message());
        assert!(!format!("{error:?}").contains("hunter2"));
        complaint(&BASE.replace("https://login.example/t", address));
    }
    complaint(&BASE.replace("https://api.example/1", "https://api.example/1?x=y"));
}

#[test]
fn numbers_and_times_out_of_range_are_refused() {
    for key in [
        "max_records = 0",
        "max_records = 101",
        "max_bytes = 0",
        "connect_timeout = \"0s\"",
        "request_timeout = \"2h\"",
        "request_timeout = \"soon\"",
        "user_agent = \"\"",
        "user_agent = \"a\\nb\"",
        "proxy = \"proxy.example\"",
        "proxy = \"socks5://proxy.example\"",
        "proxy = \"http://u:p@proxy.example\"",
        "proxy_user = \"u\"",
        "proxy_user = \"u\"\nproxy_password = { file = \"secret\" }",
        "folder = \"x\"",
        "ca_file = \"missing.pem\"",
        "ca_file = \"secret\"",
    ] {
        complaint(&format!("{BASE}{key}"));
    }
}

#[test]
fn what_is_needed_must_be_there() {
    for line in BASE.lines() {
        complaint(&BASE.replace(line, ""));
    }
}

#[test]
fn a_secret_that_is_missing_or_empty_is_refused_by_name() {
    for name in ["id", "secret", "key"] {
        let bridge = Bridge::new();
        std::fs::write(bridge.home.path().join(name), " \n").expect("a file");
        let error = bridge.sink_of(BASE).err().expect("an empty secret");
        assert_eq!(error.kind(), Kind::Config);
        std::fs::remove_file(bridge.home.path().join(name)).expect("gone");
        assert!(bridge.sink_of(BASE).is_err());
    }
}
