//! The keys of a section, as a plugin gets them.

use std::path::Path;

use csc_bridge_core::config::Options;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_plugin_abi::message::{NewSink, NewSource, encode};
use serde_json::{Map, Value};

/// How toml hands on a date and time to whoever does not know its types.
const TOML_TIME: &str = "$__toml_private_datetime";

/// The input of `source_new`.
pub(super) fn source(options: &Options) -> Result<Vec<u8>> {
    encode(&NewSource { options: keys(options)?, folder: folder(options)? })
}

/// The input of `sink_new`, or of `sink_facts`.
pub(super) fn sink(options: &Options, la_code: Option<&str>) -> Result<Vec<u8>> {
    encode(&NewSink { options: keys(options)?, folder: folder(options)?, la_code: la_code.map(str::to_owned) })
}

fn keys(options: &Options) -> Result<Map<String, Value>> {
    let mut keys: Map<String, Value> = options.parse()?;
    keys.values_mut().for_each(times_as_text);
    Ok(keys)
}

fn times_as_text(value: &mut Value) {
    match value {
        Value::Object(keys) if keys.len() == 1 && keys.contains_key(TOML_TIME) => {
            *value = keys.remove(TOML_TIME).unwrap_or_default();
        }
        Value::Object(keys) => keys.values_mut().for_each(times_as_text),
        Value::Array(values) => values.iter_mut().for_each(times_as_text),
        _ => {}
    }
}

fn folder(options: &Options) -> Result<String> {
    let folder = std::path::absolute(options.path(Path::new(".")));
    folder.ok().and_then(|folder| folder.into_os_string().into_string().ok()).ok_or_else(|| {
        Error::new(
            Kind::Config,
            "the path of the configuration's folder is not text, which a plugin needs",
            "put csc-bridge.toml into a folder with another name",
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use csc_bridge_core::config::Config;
    use serde_json::json;

    use super::*;

    const FOLDER: &str = if cfg!(windows) { r"C:\ProgramData\csc-bridge" } else { "/etc/csc-bridge" };

    fn config() -> Config {
        let text = "cms = \"sqlite\"\nla_code = \"845\"\n[source]\nadapter = \"p\"\nchunk = 7\nhost = \"db01\"\nport = 5432\n\
                    ratio = 0.5\nsince = 2026-04-01\nlist = [1, 2026-04-01T02:03:04Z]\npassword = { env = \"CSC_DB_PASSWORD\" }\n\
                    [source.deep]\nday = 2026-04-02\n[sink]\nadapter = \"p\"\nfolder = \"out\"\n";
        Config::parse(&Path::new(FOLDER).join("csc-bridge.toml"), text).unwrap()
    }

    #[test]
    fn a_plugin_gets_the_keys_that_are_not_the_hosts_own_as_json() {
        let input: Value = serde_json::from_slice(&source(&config().source.options).unwrap()).unwrap();
        let keys = json!({
            "host": "db01", "port": 5432, "ratio": 0.5, "since": "2026-04-01", "list": [1, "2026-04-01T02:03:04Z"],
            "password": {"env": "CSC_DB_PASSWORD"}, "deep": {"day": "2026-04-02"},
        });
        assert_eq!(input, json!({"options": keys, "folder": FOLDER}));
    }

    #[test]
    fn a_sink_is_told_the_authority_and_its_facts_are_not() {
        let options = config().sink.options;
        let read = |input: Vec<u8>| serde_json::from_slice::<Value>(&input).unwrap();
        let facts = json!({"options": {"folder": "out"}, "folder": FOLDER});
        assert_eq!(read(sink(&options, None).unwrap()), facts);
        let mut whole = facts;
        whole["la_code"] = "845".into();
        assert_eq!(read(sink(&options, Some("845")).unwrap()), whole);
    }
}
