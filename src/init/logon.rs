//! `[source]` from what the tools of today connect with: an ODBC connection string, or the parts that D2I's tool makes one of.

use csc_bridge_core::error::{Error, Result};
use csc_bridge_sqlserver::odbc::{self, Encrypt, Odbc, Place};

use super::env_file::EnvFile;
use super::section::{Section, env, text};

/// A password that no variable holds alone gets this one.
const NEW_PASSWORD: &str = "CSC_DB_PASSWORD";

/// What changes for a string that does not ask for encryption.
const ENCRYPTION: [&str; 2] = [
    "The connection is encrypted and the server's certificate checked, which ODBC drivers before 18 do only if asked.",
    "If it is refused: ca_file = \"…\" with the issuer's certificate, or trust_server_certificate = true.",
];

/// How to log on to the database.
#[derive(Default)]
pub struct Logon {
    /// `sqlserver` or `postgres`.
    pub adapter: &'static str,
    pub database: Option<String>,
    /// The keys of `[source]` that are the adapter's own.
    pub keys: Section,
    /// Comments to stand below them.
    pub remarks: Vec<String>,
    /// The variables that must be set, each with what it must hold where that is not what the file has.
    pub secrets: Vec<(String, Option<String>)>,
    /// Which of `DB_USER` and `DB_PASSWORD` it is made of.
    pub used: Vec<&'static str>,
}

/// What the connection is read from.
struct Statement<'a> {
    /// The variable or variables, for comments and messages.
    from: &'static str,
    /// Whether it is one variable that holds the whole string.
    is_variable: bool,
    string: String,
    env: &'a EnvFile,
}

/// Reads the variables in the order of D2I's tool: a whole string goes before the parts. `DB_CONNECTION_STRING`, which its pages name and
/// its code does not read, comes last.
pub fn logon(env: &EnvFile) -> Result<Logon> {
    let whole = |from: &'static str| {
        env.get(from).map(|string| Statement { from, is_variable: true, string: string.to_owned(), env })
    };
    let statement = whole("SQL_CONN_STR").or_else(|| parts(env)).or_else(|| whole("DB_CONNECTION_STRING"));
    let statement = statement.unwrap_or(Statement { from: "", is_variable: false, string: String::new(), env });
    let pairs = odbc::pairs(&statement.string).map_err(|error| error.within(statement.from))?;
    let driver = pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case("driver"));
    let driver = driver.map_or(String::new(), |(_, value)| value.to_lowercase());
    match driver.contains("postgres") {
        true => Ok(statement.postgres(&pairs)),
        false => statement.sql_server(&pairs, &driver),
    }
}

/// The string that D2I's tool makes of the parts.
fn parts(env: &EnvFile) -> Option<Statement<'_>> {
    let (server, database) = (env.get("USER_SERVER"), env.get("USER_DATABASE"));
    server.or(database)?;
    let part = Option::unwrap_or_default;
    let string = format!("SERVER={};DATABASE={};Trusted_Connection=yes;", part(server), part(database));
    Some(Statement { from: "USER_SERVER, USER_DATABASE", is_variable: false, string, env })
}

impl Statement<'_> {
    fn sql_server(&self, pairs: &[(String, String)], driver: &str) -> Result<Logon> {
        let within = |error: Error| error.within(self.from);
        let said = odbc::parse(&self.string).map_err(within)?;
        let place = said.server.as_deref().map(odbc::place).transpose().map_err(within)?;
        // Of a keyword that stands twice the first counts; a password written second is one all the same.
        let has_password = pairs.iter().any(|(key, value)| odbc::is_password(key) && !value.is_empty());
        let is_trusted = said.trusted == Some(true) && (self.is_variable || self.env.get("DB_USER").is_none());
        let mut logon = Logon { adapter: "sqlserver", database: said.database.clone(), ..Logon::default() };
        if has_password && !is_trusted && self.is_variable {
            logon.keys.key("odbc", env(self.from), "with its password");
            logon.remarks.push(format!("odbc says: {}.", summary(&said, place.as_ref())));
            logon.secrets.push((self.from.to_owned(), None));
        } else {
            self.take_apart(&said, place, &mut logon.keys);
            match is_trusted {
                true => logon.keys.key("auth", text("windows"), trusted(has_password || said.user.is_some())),
                false => self.account(&said, &mut logon),
            }
        }
        if said.encrypt.is_none() && !driver.contains("18") {
            logon.remarks.extend(ENCRYPTION.map(str::to_owned));
        }
        Ok(logon)
    }

    /// Server, database and encryption, key by key.
    fn take_apart(&self, said: &Odbc, place: Option<Place>, keys: &mut Section) {
        let (server_from, database_from) = match self.is_variable {
            true => (self.from, ""),
            false => ("USER_SERVER", "USER_DATABASE"),
        };
        let rest = rest(said);
        match place {
            None => keys.key("host", text("<server>"), ""),
            // Beside `odbc` the server stands in one piece.
            Some(place) if !rest.is_empty() => keys.key("host", text(&in_one(&place)), server_from),
            Some(Place { host, instance, port }) => {
                keys.key("host", text(&host), server_from);
                match instance {
                    Some(instance) => keys.key("instance", text(&instance), ""),
                    None if port != 1433 => keys.key("port", port.to_string(), ""),
                    None => {}
                }
            }
        }
        keys.key("database", text(said.database.as_deref().unwrap_or("<database>")), database_from);
        match said.encrypt {
            None => {}
            Some(Encrypt::On) => keys.key("encrypt", text("on"), ""),
            Some(Encrypt::Strict) => keys.key("encrypt", text("strict"), ""),
            Some(Encrypt::Off) => keys.key("encrypt", text("off"), "better: \"on\""),
        }
        match said.trust_server_certificate {
            None => {}
            Some(true) => keys.key("trust_server_certificate", "true".to_owned(), "better: ca_file, and false"),
            Some(false) => keys.key("trust_server_certificate", "false".to_owned(), ""),
        }
        if !rest.is_empty() {
            keys.key("odbc", text(&rest), "what has no key of its own");
        }
    }

    /// A login of the server's own: the string's, or that of D2I's PowerShell sender.
    fn account(&self, said: &Odbc, logon: &mut Logon) {
        let (user, from) = match (&said.user, self.env.get("DB_USER")) {
            (Some(user), _) => (user.as_str(), ""),
            (None, Some(user)) => (user, "DB_USER"),
            (None, None) => {
                let comment =
                    "nothing says who logs on; \"sql\" with user and password for a login of the server's own";
                return logon.keys.key("auth", text("windows"), comment);
            }
        };
        logon.keys.key("auth", text("sql"), "");
        logon.keys.key("user", text(user), from);
        if !from.is_empty() {
            logon.used.push("DB_USER");
        }
        if !self.password(logon) {
            logon.keys.key("password", env(NEW_PASSWORD), "");
            logon.secrets.push((NEW_PASSWORD.to_owned(), Some(format!("the password of {user}"))));
        }
    }

    /// The password that has a variable of its own, if it is there.
    fn password(&self, logon: &mut Logon) -> bool {
        let is_there = self.env.has("DB_PASSWORD");
        if is_there {
            logon.keys.key("password", env("DB_PASSWORD"), "");
            logon.secrets.push(("DB_PASSWORD".to_owned(), None));
            logon.used.push("DB_PASSWORD");
        }
        is_there
    }

    /// PostgreSQL's ODBC driver: the keywords that have a key here; the others concern the driver.
    fn postgres(&self, pairs: &[(String, String)]) -> Logon {
        let find = |names: &[&str]| {
            let pair = pairs.iter().find(|(key, _)| names.iter().any(|name| key.eq_ignore_ascii_case(name)));
            pair.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
        };
        let database = find(&["database"]);
        let mut logon = Logon { adapter: "postgres", database: database.map(str::to_owned), ..Logon::default() };
        let keys = &mut logon.keys;
        keys.key("host", text(find(&["server", "servername"]).unwrap_or("<server>")), self.from);
        if let Some(port) = find(&["port"]).and_then(|port| port.parse::<u16>().ok()).filter(|port| *port != 5432) {
            keys.key("port", port.to_string(), "");
        }
        keys.key("database", text(database.unwrap_or("<database>")), "");
        let modes = ["disable", "prefer", "require", "verify-ca", "verify-full"];
        let mode = find(&["sslmode"]).and_then(|mode| modes.iter().find(|known| mode.eq_ignore_ascii_case(known)));
        if let Some(mode) = mode {
            keys.key("sslmode", text(mode), "");
        }
        match (find(&["uid", "username"]), self.env.get("DB_USER")) {
            (Some(user), _) => keys.key("user", text(user), ""),
            (None, Some(user)) => {
                keys.key("user", text(user), "DB_USER");
                logon.used.push("DB_USER");
            }
            (None, None) => keys.key("user", text("<account>"), ""),
        }
        if find(&["pwd", "password"]).is_some() {
            logon.keys.key("password", env(NEW_PASSWORD), format!("PWD in {}", self.from));
            logon.secrets.push((NEW_PASSWORD.to_owned(), Some(format!("what {} has as PWD", self.from))));
        } else {
            self.password(&mut logon);
        }
        logon
    }
}

fn trusted(has_login: bool) -> &'static str {
    match has_login {
        false => "the account that runs csc-bridge; not on Windows: \"kerberos\"",
        true => "Trusted_Connection: UID and PWD have no effect beside it; not on Windows: \"kerberos\"",
    }
}

/// What the string says that no key of `[source]` can.
fn rest(said: &Odbc) -> String {
    let mut rest = String::new();
    if said.read_only {
        rest.push_str("ApplicationIntent=ReadOnly;");
    }
    if let Some(name) = &said.host_in_certificate {
        rest.push_str(&format!("HostNameInCertificate={{{}}};", name.replace('}', "}}")));
    }
    rest
}

fn in_one(Place { host, instance, port }: &Place) -> String {
    match instance {
        Some(instance) => format!("{host}\\{instance}"),
        None if *port != 1433 => format!("{host},{port}"),
        None => host.clone(),
    }
}

/// What an analyst wants to see of a string that stays a secret.
fn summary(said: &Odbc, place: Option<&Place>) -> String {
    let server = place.map_or("no server".to_owned(), |place| format!("server {}", in_one(place)));
    let named = |what: &str, value: &Option<String>| match value {
        Some(value) => format!("{what} {value}"),
        None => format!("no {what}"),
    };
    format!("{server}, {}, {}", named("database", &said.database), named("user", &said.user))
}
