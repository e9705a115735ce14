//! The part of `csc-bridge.toml` that only an adapter understands, and the types every adapter uses to read it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use toml::de::{DeTable, ValueDeserializer};

use super::document::Document;
use crate::error::{Error, Kind, Result};

/// The keys of one section that belong to its adapter.
#[derive(Clone)]
pub struct Options {
    pub(super) document: Arc<Document>,
    /// `source`, `staging` or `sink`.
    pub(super) section: &'static str,
    pub(super) keys: DeTable<'static>,
}

impl Options {
    /// The keys of a section as they come to a plugin: a JSON object without the file they stood in. `folder` is the configuration's own.
    /// A key that is null counts as absent. Complaints name section and key.
    ///
    /// # Errors
    /// [`Kind::Config`]: a list holds null, or the keys are nested too deeply.
    pub fn from_json(section: &'static str, folder: &Path, keys: &Map<String, Value>) -> Result<Options> {
        let refused = |what: &str| Error::new(Kind::Config, format!("[{section}] {what}"), "write the section in TOML");
        let mut text = String::from("\n");
        let present: Vec<_> = keys.iter().filter(|(_, value)| !value.is_null()).collect();
        for (key, value) in &present {
            write_text(&mut text, key);
            text.push_str(" = ");
            write_value(&mut text, value).ok_or_else(|| refused(&format!("{key} holds a list with null")))?;
            text.push('\n');
        }
        let present = present.into_iter().map(|(key, _)| key.clone()).collect();
        let read = Document::of_keys(folder, present, &text);
        let (document, keys) = read.ok_or_else(|| refused("is nested too deeply"))?;
        Ok(Options { document: Arc::new(document), section, keys })
    }

    /// Reads the keys into the adapter's own struct, which should `deny_unknown_fields`.
    ///
    /// # Errors
    /// [`Kind::Config`] with file, line and column.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        self.document.read(self.section, self.keys.clone())
    }

    /// A path from the configuration: relative ones are relative to the configuration's own folder.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.document.folder().join(path)
    }

    /// Reads a secret.
    ///
    /// # Errors
    /// [`Kind::Config`]: the variable is not set, the file cannot be read, or it is empty.
    pub fn secret(&self, key: &str, secret: &SecretRef) -> Result<SecretString> {
        secret.read(self.document.folder()).map_err(|error| error.within(format!("[{}] {key}", self.section)))
    }

    /// Reads every secret that the keys name and throws it away, for `check`: what came of it, by key.
    pub fn try_secrets(&self) -> Vec<(String, Result<()>)> {
        let secrets = self.keys.iter().filter_map(|(key, value)| {
            let secret = SecretRef::deserialize(ValueDeserializer::from(value.clone())).ok()?;
            let key = key.get_ref().to_string();
            let read = self.secret(&key, &secret).map(drop);
            Some((key, read))
        });
        secrets.collect()
    }
}

/// JSON as TOML, in one line. `None` for a list that holds null, which TOML cannot say.
fn write_value(text: &mut String, value: &Value) -> Option<()> {
    match value {
        Value::Null => return None,
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::String(value) => write_text(text, value),
        Value::Array(values) => {
            text.push('[');
            for value in values {
                write_value(text, value)?;
                text.push(',');
            }
            text.push(']');
        }
        Value::Object(values) => {
            text.push('{');
            for (place, (key, value)) in values.iter().filter(|(_, value)| !value.is_null()).enumerate() {
                text.push_str(if place == 0 { "" } else { ", " });
                write_text(text, key);
                text.push('=');
                write_value(text, value)?;
            }
            text.push('}');
        }
    }
    Some(())
}

fn write_text(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            '\0'..='\u{1f}' | '\u{7f}' => text.push_str(&format!("\\u{:04X}", u32::from(character))),
            _ => text.push(character),
        }
    }
    text.push('"');
}

/// Where a secret is kept. Never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file, read whole and trimmed; relative to the configuration's folder.
    File(PathBuf),
}

impl<'de> Deserialize<'de> for SecretRef {
    /// By hand: a derived reader would quote a secret that somebody wrote out in its complaint.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const RIGHT: &str = "a secret is named, not written out: { env = \"NAME\" } or { file = \"path\" }";

        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = SecretRef;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("{ env = \"NAME\" } or { file = \"path\" }")
            }

            fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<SecretRef, E> {
                Err(E::custom(RIGHT))
            }

            fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<SecretRef, E> {
                Err(E::custom(RIGHT))
            }

            fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<SecretRef, E> {
                Err(E::custom(RIGHT))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<SecretRef, A::Error> {
                let first = map.next_entry::<String, String>().map_err(|_| A::Error::custom(RIGHT))?;
                let secret = match first {
                    Some((key, name)) if key == "env" => SecretRef::Env(name),
                    Some((key, path)) if key == "file" => SecretRef::File(path.into()),
                    _ => return Err(A::Error::custom(RIGHT)),
                };
                match map.next_key::<serde::de::IgnoredAny>()? {
                    None => Ok(secret),
                    Some(_) => Err(A::Error::custom(RIGHT)),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl SecretRef {
    fn read(&self, folder: &Path) -> Result<SecretString> {
        let text = match self {
            SecretRef::Env(name) => std::env::var(name).map_err(|_| {
                Error::new(
                    Kind::Config,
                    format!("the environment variable {name} is not set, or is not text"),
                    format!("set {name} for the account that runs csc-bridge, or name another variable or a file"),
                )
            })?,
            SecretRef::File(path) => {
                let advice = "check the path, and that the account that runs csc-bridge may read it";
                super::text::read(&folder.join(path), "secret file", advice)?
            }
        };
        match text.trim() {
            "" => Err(Error::new(Kind::Config, "the secret is empty", "put the value in, without quotes")),
            text => Ok(SecretString::from(text)),
        }
    }
}

/// A length of time in words: `500ms`, `10s`, `30m`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Span::parse(&text).ok_or_else(|| {
            D::Error::custom("this is not a length of time; write \"500ms\", \"10s\", \"30m\" or \"7d\"")
        })
    }
}

impl Span {
    /// Reads `500ms`, `10s`, `30m`, `7d`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Span> {
        humantime::parse_duration(text).ok().map(Span)
    }
}
