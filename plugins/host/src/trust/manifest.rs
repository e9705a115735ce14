//! The manifest beside a library.

use csc_bridge_core::error::{Error, Kind, Result};
use serde::Deserialize;

/// What a publisher says of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its name, which is also the manifest's file name.
    pub name: String,
    /// Its own version, for people.
    pub version: String,
    /// The first and the last version of the boundary that it works with.
    pub abi: (u32, u32),
    /// The library's hash, 64 hexadecimal digits.
    pub sha256: String,
    /// Who made it, for people.
    pub publisher: String,
    /// The library's file name, in the same folder.
    pub file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    version: String,
    abi: Versions,
    sha256: String,
    publisher: String,
    file: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Versions {
    One(u32),
    FromTo([u32; 2]),
}

impl Manifest {
    /// Reads the manifest of the plugin `name`.
    pub(crate) fn parse(name: &str, bytes: &[u8]) -> Result<Manifest> {
        let raw: Option<Raw> = std::str::from_utf8(bytes).ok().and_then(|text| toml::from_str(text).ok());
        let Some(Raw { name: own, version, abi, sha256, publisher, file }) = raw else {
            return Err(wrong(
                "its manifest is not TOML with name, version, abi, sha256, publisher and file, and nothing else",
            ));
        };
        if own != name {
            return Err(wrong("its manifest is for another name"));
        }
        if file.is_empty() || file.starts_with('.') || file.contains(['/', '\\', ':', '\0']) {
            return Err(wrong("the file in its manifest is not the name of a file in the same folder"));
        }
        let abi = match abi {
            Versions::One(only) => (only, only),
            Versions::FromTo([first, last]) => (first, last),
        };
        let line = |text: &str| csc_bridge_plugin_abi::message::one_line(text, "not said");
        Ok(Manifest { name: own, version: line(&version), abi, sha256, publisher: line(&publisher), file })
    }
}

fn wrong(message: &'static str) -> Error {
    Error::new(Kind::Config, message, "get the manifest from the publisher anew; docs/plugins.md shows one")
}

/// A plugin's name goes into paths: 1 to 64 lower-case letters, digits and hyphens.
pub(super) fn check_name(name: &str) -> Result<()> {
    let fit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=64).contains(&name.len()) && name.bytes().all(fit) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Config,
        "its name is not 1 to 64 lower-case letters, digits and hyphens",
        "write the name without a path and without an ending; csc-bridge plugin list shows what lies there",
    ))
}
