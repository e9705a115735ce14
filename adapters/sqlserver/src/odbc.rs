//! ODBC connection strings, as they stand in the settings of the tools that LAs have today:
//! `DRIVER={ODBC Driver 17 for SQL Server};SERVER=host\INSTANCE,1433;DATABASE=…;Trusted_Connection=yes;Encrypt=yes;`.
//!
//! A value that holds `;` or begins with a blank is put in braces, and a closing brace within is doubled: `{a}}b}`. Where a keyword
//! stands twice the first counts, as for the driver manager. No message quotes a value: it may be the password. Nor does one name a
//! keyword that follows the password: it may be the rest of one that lacks its braces.

use csc_bridge_core::error::{Error, Kind, Result};
use secrecy::SecretString;

use crate::server::Server;

/// What a connection string says of us.
#[derive(Default)]
pub struct Odbc {
    /// `SERVER`: `host\INSTANCE,port`, as written. [`place`] reads it.
    pub server: Option<String>,
    /// `DATABASE`.
    pub database: Option<String>,
    /// `Trusted_Connection`: the account that runs the program logs on.
    pub trusted: Option<bool>,
    /// `UID`.
    pub user: Option<String>,
    /// `PWD`.
    pub password: Option<SecretString>,
    /// `Encrypt`.
    pub encrypt: Option<Encrypt>,
    /// `TrustServerCertificate`.
    pub trust_server_certificate: Option<bool>,
    /// `HostNameInCertificate`.
    pub host_in_certificate: Option<String>,
    /// `ApplicationIntent` is `ReadOnly`.
    pub read_only: bool,
}

/// Where a server listens.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name or address.
    pub host: String,
    /// Whose port the SQL Browser knows; `None` where the port is given.
    pub instance: Option<String>,
    /// 1433 where nothing else is said.
    pub port: u16,
}

/// How much is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encrypt {
    /// Everything.
    On,
    /// Everything, TLS before the first word (SQL Server 2022 and later).
    Strict,
    /// The logon only.
    Off,
}

/// Keywords that change nothing here.
const IGNORED: &[&str] = &[
    "driver",
    "app",
    "wsid",
    "description",
    "language",
    "quotedid",
    "ansinpw",
    "autotranslate",
    "regional",
    "mars_connection",
    "multisubnetfailover",
    "transparentnetworkipresolution",
    "connectretrycount",
    "connectretryinterval",
    "keepalive",
    "keepaliveinterval",
    "persist security info",
    "columnencryption",
    "uselmtonly",
    "longasmax",
];

/// Reads a connection string.
///
/// # Errors
/// [`Kind::Config`], with the keyword, without its value.
pub fn parse(text: &str) -> Result<Odbc> {
    let mut odbc = Odbc::default();
    let mut seen: Vec<String> = Vec::new();
    for (key, value) in pairs(text)? {
        let key = match key.to_lowercase().as_str() {
            "addr" | "address" | "data source" => "server".to_owned(),
            "initial catalog" => "database".to_owned(),
            "user" | "user id" => "uid".to_owned(),
            "password" => "pwd".to_owned(),
            "integrated security" => "trusted_connection".to_owned(),
            other => other.to_owned(),
        };
        if seen.contains(&key) {
            continue;
        }
        match key.as_str() {
            "server" => odbc.server = filled(value),
            "database" => odbc.database = filled(value),
            "uid" => odbc.user = filled(value),
            "pwd" => odbc.password = filled(value).map(SecretString::from),
            "trusted_connection" => odbc.trusted = Some(value.eq_ignore_ascii_case("sspi") || yes(&key, &value)?),
            "trustservercertificate" => odbc.trust_server_certificate = Some(yes(&key, &value)?),
            "encrypt" => odbc.encrypt = Some(encrypt(&key, &value)?),
            "hostnameincertificate" => odbc.host_in_certificate = filled(value),
            "applicationintent" => odbc.read_only = value.eq_ignore_ascii_case("readonly"),
            "dsn" | "filedsn" => {
                return Err(mistake(
                    format!("names a data source ({key}), which only a driver manager knows"),
                    "write SERVER, DATABASE and the logon themselves, as the data source has them",
                ));
            }
            "authentication" if !value.eq_ignore_ascii_case("sqlpassword") => {
                return Err(mistake(
                    "asks for a logon by Microsoft Entra, which is not known here".to_owned(),
                    "use Trusted_Connection=yes, or UID with a password",
                ));
            }
            "authentication" => {}
            key if IGNORED.contains(&key) => {}
            _ if seen.iter().any(|seen| is_password(seen)) => {
                return Err(mistake(
                    "has a keyword behind the password that csc-bridge does not know".to_owned(),
                    "take it out; if it is a part of the password, put that into braces: PWD={a;b=c}",
                ));
            }
            key => {
                return Err(mistake(
                    format!("has the keyword {key}, which csc-bridge does not know"),
                    "take it out; DRIVER, SERVER, DATABASE, Trusted_Connection, UID, PWD, Encrypt and TrustServerCertificate are known",
                ));
            }
        }
        seen.push(key);
    }
    Ok(odbc)
}

/// Reads `SERVER`: `tcp:host\INSTANCE,port`.
///
/// # Errors
/// [`Kind::Config`], without the value.
pub fn place(server: &str) -> Result<Place> {
    let Server { host, instance, port, .. } = Server::parse(server)?;
    Ok(Place { host, instance, port })
}

/// Whether a keyword is one of the password's.
pub fn is_password(keyword: &str) -> bool {
    keyword.eq_ignore_ascii_case("pwd") || keyword.eq_ignore_ascii_case("password")
}

/// The keywords and values of a string, of whatever driver, in their order. One of the values may be the password ([`is_password`]).
///
/// # Errors
/// [`Kind::Config`], with the keyword, without its value.
pub fn pairs(text: &str) -> Result<Vec<(String, String)>> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim_start_matches([';', ' ', '\t', '\r', '\n']);
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or_else(|| {
            mistake(
                "ends with something that is no KEYWORD=value".to_owned(),
                "put values that hold ; into braces: PWD={a;b}",
            )
        })?;
        let key = key.trim();
        if key.is_empty() || key.contains([';', '{', '}']) {
            return Err(mistake(
                "has something between two values that is no KEYWORD=value".to_owned(),
                "put values that hold ; into braces: PWD={a;b}; a closing brace within is written }}",
            ));
        }
        let after = after.trim_start_matches([' ', '\t']);
        let (value, next) = match after.strip_prefix('{') {
            Some(braced) => {
                let is_behind = pairs.iter().any(|(key, _)| is_password(key));
                in_braces(if is_behind { "a keyword" } else { key }, braced)?
            }
            None => {
                let (value, next) = after.split_once(';').unwrap_or((after, ""));
                (value.trim_end().to_owned(), next)
            }
        };
        pairs.push((key.to_owned(), value));
        rest = next.trim_start_matches([';', ' ', '\t', '\r', '\n']);
    }
    Ok(pairs)
}

/// A value after its opening brace, and what follows it.
fn in_braces<'a>(key: &str, text: &'a str) -> Result<(String, &'a str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let Some((before, after)) = rest.split_once('}') else {
            return Err(mistake(
                format!("opens a brace after {key} and does not close it"),
                "close it with }; a closing brace within a value is written }}",
            ));
        };
        value.push_str(before);
        match after.strip_prefix('}') {
            Some(after) => {
                value.push('}');
                rest = after;
            }
            None => {
                let after = after.trim_start_matches([' ', '\t', '\r', '\n']);
                return match after.is_empty() || after.starts_with(';') {
                    true => Ok((value, after)),
                    false => Err(mistake(
                        format!("has something after the closing brace of {key}"),
                        "a closing brace within a value is written }}",
                    )),
                };
            }
        }
    }
}

fn filled(value: String) -> Option<String> {
    Some(value).filter(|value| !value.is_empty())
}

fn yes(key: &str, value: &str) -> Result<bool> {
    match value.to_lowercase().as_str() {
        "yes" | "true" | "1" => Ok(true),
        "no" | "false" | "0" | "" => Ok(false),
        _ => Err(mistake(format!("has something else than yes or no for {key}"), "write yes or no")),
    }
}

fn encrypt(key: &str, value: &str) -> Result<Encrypt> {
    match value.to_lowercase().as_str() {
        "mandatory" | "yes" | "true" | "1" => Ok(Encrypt::On),
        "optional" | "no" | "false" | "0" => Ok(Encrypt::Off),
        "strict" => Ok(Encrypt::Strict),
        _ => Err(mistake(format!("has something for {key} that is not known"), "write yes, no or strict")),
    }
}

fn mistake(what: String, advice: &'static str) -> Error {
    Error::new(Kind::Config, format!("the ODBC connection string {what}"), advice)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn fault(text: &str) -> String {
        match parse(text) {
            Ok(_) => panic!("{text} was taken"),
            Err(error) => format!("{} / {}", error.message(), error.advice()),
        }
    }

    #[test]
    fn the_strings_of_todays_tools_are_read() {
        let odbc = parse(
            "DRIVER={ODBC Driver 17 for SQL Server};SERVER=sqlrep01\\REPORTING,1450;DATABASE=HDM_Local;Trusted_Connection=yes;",
        )
        .expect("reads");
        assert_eq!(odbc.server.as_deref(), Some("sqlrep01\\REPORTING,1450"));
        assert_eq!(odbc.database.as_deref(), Some("HDM_Local"));
        assert_eq!(odbc.trusted, Some(true));
        assert!(odbc.user.is_none() && odbc.encrypt.is_none());

        let odbc = parse(" Driver = {SQL Server Native Client 11.0} ; Server = tcp:h ; Uid = sa ; Encrypt=Mandatory;TrustServerCertificate=No")
            .expect("reads");
        assert_eq!(odbc.server.as_deref(), Some("tcp:h"));
        assert_eq!(odbc.user.as_deref(), Some("sa"));
        assert_eq!((odbc.encrypt, odbc.trust_server_certificate), (Some(Encrypt::On), Some(false)));
    }

    #[test]
    fn braces_hold_what_would_end_a_value() {
        let password = |text: &str| parse(text).expect("reads").password.map(|p| p.expose_secret().to_owned());
        assert_eq!(password("PWD={a}}b}").as_deref(), Some("a}b"));
        assert_eq!(password("PWD={ x;y=z };UID=u").as_deref(), Some(" x;y=z "));
        assert_eq!(password("PWD={}}}").as_deref(), Some("}"));
        assert_eq!(password("PWD={};UID=u"), None);
        assert_eq!(password("PWD=a{b}c;").as_deref(), Some("a{b}c"));
        assert_eq!(password("PWD=a=b;").as_deref(), Some("a=b"));
        assert_eq!(password("PWD=first;pwd=second").as_deref(), Some("first"));
    }

    #[test]
    fn mistakes_name_the_keyword_and_no_value() {
        for (text, word) in [
            ("SERVER=h;PWD={geheim", "PWD"),
            ("SERVER=h;PWD={geheim}x", "PWD"),
            ("SERVER=h;Encrypt=geheim", "encrypt"),
            ("SERVER=h;Trusted_Connection=geheim", "trusted_connection"),
            ("SERVER=h;Geheimnis=geheim", "geheimnis"),
            ("DSN=geheim", "dsn"),
            ("SERVER=h;geheim", "KEYWORD"),
            ("SERVER=h;Authentication=ActiveDirectoryGeheim", "Entra"),
        ] {
            let said = fault(text);
            assert!(said.contains(word), "{text}: {said}");
            assert!(word == "geheimnis" || !said.contains("geheim"), "{said}");
        }
    }

    #[test]
    fn what_follows_the_password_is_not_quoted_for_it_may_be_its_rest() {
        for text in
            ["SERVER=h;PWD=a;geheim=b", "SERVER=h;PWD=a;geheim={b", "PASSWORD=a;x={};geheim={b}c", "PWD=a;geheim"]
        {
            let said = fault(text);
            assert!(!said.contains("geheim"), "{text}: {said}");
            assert!(said.contains("brace"), "{text}: {said}");
        }
    }

    #[test]
    fn a_server_is_read_as_for_the_keys() {
        let at = |host: &str, instance: Option<&str>, port| Place {
            host: host.to_owned(),
            instance: instance.map(str::to_owned),
            port,
        };
        assert_eq!(place("tcp:h.gov.uk,1450").expect("reads"), at("h.gov.uk", None, 1450));
        assert_eq!(place(".\\SSD").expect("reads"), at("localhost", Some("SSD"), 1433));
        assert!(place("np:h").is_err());
    }
}
