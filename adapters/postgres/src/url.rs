//! A connection URL, `postgres://user:password@host:5432/database?sslmode=verify-full`, in place of the single keys.

use std::fmt;
use std::path::PathBuf;

use csc_bridge_core::config::SecretRef;
use csc_bridge_core::error::{Error, Kind, Result};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::tls::{Files, SslMode};

/// The key `url`: written out, or named as a secret is, for then it may hold the password.
pub(crate) enum Url {
    /// Written out.
    Plain(String),
    /// Kept elsewhere.
    Secret(SecretRef),
}

impl<'de> Deserialize<'de> for Url {
    /// By hand: a derived reader would quote the URL in its complaint, and a password with it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Url;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a postgres:// URL, { env = \"NAME\" } or { file = \"path\" }")
            }

            fn visit_str<E: serde::de::Error>(self, url: &str) -> Result<Url, E> {
                Ok(Url::Plain(url.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Url, A::Error> {
                SecretRef::deserialize(MapAccessDeserializer::new(map)).map(Url::Secret)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// What a URL says.
pub(crate) struct Parsed {
    /// For the driver.
    pub(crate) config: tokio_postgres::Config,
    /// `sslmode`, where it is in the URL.
    pub(crate) sslmode: Option<SslMode>,
    /// `sslrootcert`, `sslcert` and `sslkey`.
    pub(crate) files: Files,
}

/// Reads a URL. What the driver does not know of it is taken out first.
///
/// # Errors
/// [`Kind::Config`], without the URL.
pub(crate) fn parse(url: &str) -> Result<Parsed> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(wrong("does not begin with postgres://"));
    }
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let mut files = Files::default();
    let mut sslmode = None;
    let mut left = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let path = || decoded(value).map(PathBuf::from).ok_or_else(|| wrong("has a path that cannot be read"));
        match key {
            "sslmode" => {
                let mode = SslMode::from_word(value).ok_or_else(|| {
                    wrong("has an sslmode that is none of disable, prefer, require, verify-ca and verify-full")
                })?;
                sslmode = Some(mode);
            }
            "sslrootcert" => files.ca = Some(path()?),
            "sslcert" => files.client_cert = Some(path()?),
            "sslkey" => files.client_key = Some(path()?),
            // Those have keys of their own, which hold for every connection.
            "connect_timeout" | "application_name" | "client_encoding" => {}
            _ => left.push(pair),
        }
    }
    let rest = match left.is_empty() {
        true => address.to_owned(),
        false => format!("{address}?{}", left.join("&")),
    };
    let config = rest.parse().map_err(|_| wrong("cannot be read: a part of it is not known or not in its place"))?;
    Ok(Parsed { config, sslmode, files })
}

fn wrong(why: &str) -> Error {
    Error::new(
        Kind::Config,
        format!("the url {why}"),
        "write it as postgres://user@host:5432/database?sslmode=verify-full, signs such as @ and / in a name as %40 and %2F; or \
         write host, port, database, user and password instead",
    )
}

/// A text without its `%XX`.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*byte);
        }
    }
    String::from_utf8(bytes).ok()
}
