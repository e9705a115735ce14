//! Addresses as written in `[sink]`, and which of them may be given secrets and children's data.

use std::net::IpAddr;

use reqwest::Url;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// An address that may be given secrets and children's data: https anywhere, plain http on this machine only, no login in it.
#[derive(Debug, Clone)]
pub(crate) struct Address(Url);

impl Address {
    fn parse(text: &str) -> Result<Address, &'static str> {
        let url = Url::parse(text).map_err(|_| "this is not an address; write \"https://host/path\"")?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err("this is not a web address; write \"https://host/path\"");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a user or password has no place in an address; take it out");
        }
        if url.fragment().is_some() {
            return Err("an address has no \"#\" part; take it out");
        }
        let address = Address(url);
        if address.0.scheme() == "http" && !address.is_loopback() {
            return Err(
                "plain http would send children's data unencrypted; write https (http is for a simulator on this machine)",
            );
        }
        Ok(address)
    }

    /// The address as a URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The host, for messages.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Whether it is this machine, by a loopback address or the name `localhost`.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        let ip = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        host == "localhost" || ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether the way to it is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The complaint never quotes the address: it may hold the very password it complains about.
        Address::parse(String::deserialize(deserializer)?.trim()).map_err(D::Error::custom)
    }
}

/// How the way out is found.
#[derive(Debug, Clone, Default)]
pub(crate) enum ProxyChoice {
    /// As the operating system or the environment says.
    #[default]
    System,
    /// No proxy.
    Direct,
    /// This one.
    At(Url),
}

impl<'de> Deserialize<'de> for ProxyChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = "this is not a proxy; write \"system\", \"none\" or \"http://host:port\"";
        match text.trim() {
            "system" => Ok(ProxyChoice::System),
            "none" => Ok(ProxyChoice::Direct),
            text => {
                let url = Url::parse(text).map_err(|_| D::Error::custom(wrong))?;
                if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
                    return Err(D::Error::custom(wrong));
                }
                if !url.username().is_empty() || url.password().is_some() {
                    return Err(D::Error::custom(
                        "write the proxy's login as proxy_user and proxy_password, not in its address",
                    ));
                }
                Ok(ProxyChoice::At(url))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_taken_anywhere_and_http_on_this_machine_only() {
        for good in [
            "https://api.example/1",
            "http://127.0.0.1:8080",
            "http://127.9.9.9/1/",
            "http://[::1]:1",
            "http://localhost:9",
        ] {
            assert!(Address::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.example/1",
            "http://localhost.example/1",
            "http://127.0.0.1.example/",
            "ftp://localhost/",
            "file:///etc/passwd",
            "api.example/1",
            "",
            "https://user:secret@api.example/1",
            "https://user@api.example/1",
            "https://api.example/1#x",
        ] {
            let complaint = Address::parse(bad).expect_err(bad);
            assert!(!complaint.contains("secret"), "{complaint}");
        }
    }

    #[test]
    fn only_loopback_addresses_are_this_machine() {
        for (address, local) in [
            ("https://localhost/", true),
            ("https://127.0.0.1/", true),
            ("https://[::1]/", true),
            ("https://10.0.0.1/", false),
            ("https://api.example/", false),
        ] {
            assert_eq!(Address::parse(address).map(|address| address.is_loopback()), Ok(local), "{address}");
        }
    }
}
