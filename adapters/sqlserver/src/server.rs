//! Where a server listens: a host, and a port or the name of an instance.

use std::fmt;

use csc_bridge_core::error::{Error, Kind, Result};

/// The port of a default instance.
const PORT: u16 = 1433;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) host: String,
    /// Whose port the SQL Browser knows; `None` where the port is given.
    pub(crate) instance: Option<String>,
    pub(crate) port: u16,
}

impl Server {
    /// Reads `tcp:host\INSTANCE,port`. A port makes the instance needless, as for Microsoft's drivers.
    pub(crate) fn parse(text: &str) -> Result<Server> {
        let wrong = |what: &str, advice: &'static str| {
            Error::new(Kind::Config, format!("the server's name in host or odbc {what}"), advice)
        };
        let text = text.trim();
        let text = match text.split_once(':') {
            Some((protocol, rest)) if protocol.eq_ignore_ascii_case("tcp") => rest.trim(),
            Some((protocol, _)) if ["np", "lpc", "admin"].iter().any(|p| protocol.eq_ignore_ascii_case(p)) => {
                return Err(wrong("asks for another protocol than TCP", "write it as tcp:host, or as host alone"));
            }
            _ => text,
        };
        let (text, port) = match text.rsplit_once(',') {
            Some((text, port)) => (text.trim(), Some(port.trim())),
            None => (text, None),
        };
        let port = match port {
            None | Some("") => None,
            Some(port) => match port.parse::<u16>() {
                Ok(port) if port > 0 => Some(port),
                _ => {
                    return Err(wrong(
                        "has no number from 1 to 65535 after its comma",
                        "write host,port or host\\INSTANCE",
                    ));
                }
            },
        };
        let (host, instance) = match text.split_once('\\') {
            Some((host, instance)) => (host.trim(), Some(instance.trim()).filter(|name| !name.is_empty())),
            None => (text, None),
        };
        let host = match host.to_lowercase().as_str() {
            "" => return Err(wrong("is empty", "write host = \"…\"")),
            "." | "(local)" => "localhost",
            "(localdb)" => {
                return Err(wrong(
                    "means LocalDB, which has no TCP port",
                    "use an instance of SQL Server that listens on TCP",
                ));
            }
            _ => host,
        };
        // MSSQLSERVER is the default instance's own name, which the browser does not tell.
        let instance = instance.filter(|name| port.is_none() && !name.eq_ignore_ascii_case("MSSQLSERVER"));
        Ok(Server { host: host.to_owned(), instance: instance.map(str::to_owned), port: port.unwrap_or(PORT) })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.instance {
            Some(instance) => write!(f, "{}\\{instance}", self.host),
            None => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> (String, Option<String>, u16) {
        let server = Server::parse(text).expect("reads");
        (server.host, server.instance, server.port)
    }

    #[test]
    fn servers_are_written_in_many_ways() {
        let named = |host: &str, instance: &str| (host.to_owned(), Some(instance.to_owned()), 1433);
        let at = |host: &str, port: u16| (host.to_owned(), None, port);
        assert_eq!(server("sqlrep01"), at("sqlrep01", 1433));
        assert_eq!(server("tcp:sqlrep01.la.gov.uk , 1450"), at("sqlrep01.la.gov.uk", 1450));
        assert_eq!(server("sqlrep01\\REPORTING"), named("sqlrep01", "REPORTING"));
        assert_eq!(server("sqlrep01\\REPORTING,1450"), at("sqlrep01", 1450));
        assert_eq!(server("sqlrep01\\MSSQLSERVER"), at("sqlrep01", 1433));
        assert_eq!(server("(local)"), at("localhost", 1433));
        assert_eq!(server(".\\X"), named("localhost", "X"));
        for wrong in ["", "np:\\\\h\\pipe\\sql", "h,0", "h,99999", "h,x", "(localdb)\\v11.0"] {
            assert!(Server::parse(wrong).is_err(), "{wrong}");
        }
    }
}
