//! A configuration from the `.env` of D2I's tool. Every variable that it reads, that its pages name, or that its libraries read has its
//! line: a key, or a comment that says why there is none.

use std::path::Path;

use csc_bridge_core::config;
use csc_bridge_core::error::Result;
use reqwest::Url;

use super::env_file::EnvFile;
use super::logon::{self, Logon};
use super::section::{Section, env, text};

/// Every variable that is known.
pub const KNOWN: &[&str] = &[
    // D2I's tool reads them.
    "API_ENDPOINT",
    "BATCH_SIZE",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "DEBUG",
    "LA_CODE",
    "SCOPE",
    "SQL_CONN_STR",
    "SUPPLIER_KEY",
    "TABLE_NAME",
    "TOKEN_ENDPOINT",
    "USER_DATABASE",
    "USER_SERVER",
    "USE_PARTIAL_PAYLOAD",
    // Its pages name them, its code does not read them.
    "API_ENDPOINT_LA",
    "DB_CONNECTION_STRING",
    // Its PowerShell sender reads them.
    "DB_PASSWORD",
    "DB_USER",
    // Its HTTP library reads them.
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
];

/// The address in D2I's example files.
const TEST_ADDRESS: &str = "https://pp-api.education.gov.uk/children-in-social-care-data-receiver-test/1";

/// A configuration, and what its reader must know.
pub struct Translated {
    pub cms: String,
    /// How the CMS was found out; empty where it was given.
    pub why: &'static str,
    pub toml: String,
    /// What the operator should read, in their order.
    pub notes: Vec<String>,
    /// The variables that must be set, each with what it must hold where that is not what the file has.
    pub secrets: Vec<(String, Option<String>)>,
}

/// Turns the variables into a configuration.
///
/// # Errors
/// [`Kind::Config`](csc_bridge_core::error::Kind::Config): a value that cannot be read, never quoted.
pub fn translate(env: &EnvFile, cms: Option<&str>) -> Result<Translated> {
    env.check(KNOWN)?;
    let logon = logon::logon(env)?;
    let table = Table::read(env);
    let (cms, why) = match cms {
        Some(cms) => (cms.to_owned(), ""),
        None => system(&logon, table.as_ref()),
    };
    let mut draft = Draft { env, notes: Vec::new(), secrets: Vec::new(), used: Vec::new(), aside: Vec::new() };
    let mut toml = String::from(
        "# csc-bridge, from the .env of D2I's tool. Fill in lines marked with <…>, if any; docs/configuration.md explains every key.\n",
    );
    draft.top(&cms).write("", &mut toml);
    let staging = draft.staging(&logon, table);
    draft.source(&cms, logon)?.write("[source]", &mut toml);
    staging.write("[staging]", &mut toml);
    draft.payload().write("[payload]", &mut toml);
    draft.sink().write("[sink]", &mut toml);
    draft.without_counterpart();
    if !draft.aside.is_empty() {
        toml.push_str("# Of the .env, without a key here:\n");
        draft.aside.iter().for_each(|line| toml.push_str(&format!("# {line}\n")));
    }
    let toml = format!("{}\n", toml.trim_end());
    Ok(Translated { cms, why, toml, notes: draft.notes, secrets: draft.secrets })
}

/// The CMS, as far as the file lets one tell.
fn system(logon: &Logon, table: Option<&Table>) -> (String, &'static str) {
    let is = |value: Option<&String>, name: &str| value.is_some_and(|value| value.eq_ignore_ascii_case(name));
    let (cms, why) = if logon.adapter == "postgres" {
        ("eclipse", "for the database is PostgreSQL")
    } else if is(logon.database.as_ref(), "HDM_Local") {
        ("systemc", "for the database is HDM_Local")
    } else if is(table.and_then(|table| table.schema.as_ref()), "ssd_development") {
        ("systemc", "for the schema is ssd_development")
    } else {
        ("systemc", "assumed, nothing in the file tells; name another with --cms")
    };
    (cms.to_owned(), why)
}

/// `TABLE_NAME` in its parts.
struct Table {
    database: Option<String>,
    schema: Option<String>,
    name: String,
    is_anon: bool,
}

impl Table {
    fn read(env: &EnvFile) -> Option<Table> {
        let whole = env.get("TABLE_NAME")?;
        let mut parts = whole.split('.').map(|part| part.trim().trim_matches(['[', ']', '"', '`'])).rev();
        let name = parts.next().filter(|name| !name.is_empty())?;
        let mut next = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
        let (schema, database) = (next(), next());
        let live = name
            .len()
            .checked_sub("_anon".len())
            .filter(|at| *at > 0 && name.get(*at..).is_some_and(|end| end.eq_ignore_ascii_case("_anon")));
        Some(Table { database, schema, name: name[..live.unwrap_or(name.len())].to_owned(), is_anon: live.is_some() })
    }
}

struct Draft<'a> {
    env: &'a EnvFile,
    notes: Vec<String>,
    secrets: Vec<(String, Option<String>)>,
    /// Which of `DB_USER` and `DB_PASSWORD` have a key.
    used: Vec<&'static str>,
    /// Comments at the end of the file.
    aside: Vec<String>,
}

impl Draft<'_> {
    fn top(&mut self, cms: &str) -> Section {
        let mut top = Section::default();
        top.key("cms", text(cms), "");
        let code = self.env.get("LA_CODE");
        match code.filter(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()) && *code != "000") {
            Some(code) => top.key("la_code", text(code), ""),
            None => {
                top.key("la_code", text("<three digits>"), "");
                if code.is_some() {
                    self.notes.push("LA_CODE is no authority's code of three digits".to_owned());
                }
            }
        }
        top
    }

    fn source(&mut self, cms: &str, logon: Logon) -> Result<Section> {
        let profile = config::load_profile(cms, Path::new("."))?;
        let mut source = Section::default();
        if profile.adapter != logon.adapter {
            source.key("adapter", text(logon.adapter), format!("{cms} has {} otherwise", profile.adapter));
        }
        source.append(logon.keys);
        source.key("schema", text(&profile.schema), "of the SSD's tables, which the .env does not tell");
        logon.remarks.into_iter().for_each(|remark| source.comment(remark));
        self.secrets.extend(logon.secrets);
        self.used = logon.used;
        Ok(source)
    }

    fn staging(&mut self, logon: &Logon, table: Option<Table>) -> Section {
        let mut staging = Section::default();
        let Some(table) = table else { return staging };
        let elsewhere =
            table.database.filter(|name| !logon.database.as_ref().is_some_and(|d| d.eq_ignore_ascii_case(name)));
        match elsewhere {
            None => {}
            Some(_) if logon.keys.has("odbc") => {
                let note = "TABLE_NAME is in another database than the connection string says; take the string apart to say so here";
                self.notes.push(note.to_owned());
            }
            Some(database) => staging.key("database", text(&database), "TABLE_NAME"),
        }
        match table.schema {
            Some(schema) => staging.key("schema", text(&schema), "TABLE_NAME"),
            None => staging.key("schema", text(""), "TABLE_NAME has none: the account's own, as until now"),
        }
        staging.key(
            "table",
            text(&table.name),
            if table.is_anon { "the test table's name ends in _anon: --anon" } else { "" },
        );
        staging.comment(
            "While D2I's SQL script goes on filling the table: managed_by = \"sql\". See docs/other-tools.md.",
        );
        if table.is_anon {
            self.notes.push(format!(
                "TABLE_NAME is the test table: give --anon to every command, or {} itself is used. Either way stage fills it from the SSD",
                table.name
            ));
        }
        staging
    }

    fn payload(&mut self) -> Section {
        let mut payload = Section::default();
        if self.env.has("USE_PARTIAL_PAYLOAD") {
            let is_partial =
                self.env.get("USE_PARTIAL_PAYLOAD").is_some_and(|value| value.eq_ignore_ascii_case("true"));
            payload.key("mode", text("full"), if is_partial { "" } else { "USE_PARTIAL_PAYLOAD" });
            if is_partial {
                payload.comment("USE_PARTIAL_PAYLOAD was true. \"partial\" needs semantics = \"merge\" in [sink], once DfE has said that it merges.");
                self.notes.push(
                    "USE_PARTIAL_PAYLOAD is true: whole documents are sent all the same, see [payload]".to_owned(),
                );
            }
        }
        payload
    }

    fn sink(&mut self) -> Section {
        let mut sink = Section::default();
        let (endpoint, comment) = match self.endpoint() {
            Some(endpoint) => (endpoint, ""),
            None => (TEST_ADDRESS.to_owned(), "DfE's test address"),
        };
        sink.key("endpoint", text(&endpoint), comment);
        let token = self.address("TOKEN_ENDPOINT");
        let token = token.unwrap_or_else(|| "https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token".to_owned());
        sink.key("token_endpoint", text(&token), "");
        sink.key("scope", text(self.env.get("SCOPE").unwrap_or("<scope>/.default")), "");
        for (key, name) in
            [("client_id", "CLIENT_ID"), ("client_secret", "CLIENT_SECRET"), ("supplier_key", "SUPPLIER_KEY")]
        {
            sink.key(key, env(name), "");
            self.secrets.push((name.to_owned(), None));
        }
        self.max_records(&mut sink);
        self.proxy(&mut sink);
        for name in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
            if let Some(file) = self.env.get(name).filter(|_| !sink.has("ca_file")) {
                sink.key("ca_file", text(file), name);
            }
        }
        sink
    }

    /// The API's base address; `API_ENDPOINT_LA` has it, too, with the send path behind it.
    fn endpoint(&mut self) -> Option<String> {
        let base = match self.env.get("API_ENDPOINT") {
            Some(_) => self.address("API_ENDPOINT"),
            None => self.address("API_ENDPOINT_LA"),
        }?;
        let base = base.split_once("/children_social_care_data").map_or(base.as_str(), |(base, _)| base);
        Some(base.trim_end_matches('/').to_owned())
    }

    /// An address that `[sink]` takes: encrypted, and with no place for a secret.
    fn address(&mut self, name: &str) -> Option<String> {
        let value = self.env.get(name)?;
        let is_good = Url::parse(value).is_ok_and(|url| {
            let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
            (url.scheme() == "https" || url.scheme() == "http" && is_local)
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        if is_good {
            return Some(value.to_owned());
        }
        self.notes.push(format!("{name} was not taken over: it must be an https address without a login, a ? or a #"));
        None
    }

    fn max_records(&mut self, sink: &mut Section) {
        let Some(value) = self.env.get("BATCH_SIZE") else { return };
        match value.parse::<u32>() {
            Ok(records @ 1..=100) => sink.key("max_records", records.to_string(), "BATCH_SIZE"),
            Ok(101..) => sink.key("max_records", "100".to_owned(), "BATCH_SIZE was more than DfE takes"),
            _ => self.notes.push("BATCH_SIZE was not taken over: it is no number from 1 to 100".to_owned()),
        }
    }

    /// As for D2I's HTTP library `HTTP_PROXY` is not for https, and every address of DfE's is.
    fn proxy(&mut self, sink: &mut Section) {
        let Some(name) = ["HTTPS_PROXY", "ALL_PROXY"].into_iter().find(|name| self.env.get(name).is_some()) else {
            return;
        };
        let Some(proxy) = self.env.get(name).and_then(Proxy::read) else {
            let wanted = "it must be http://host:port, or http://user:password@host:port without % in the user";
            return self.notes.push(format!("{name} was not taken over: {wanted}"));
        };
        sink.key("proxy", text(&proxy.address), name);
        if let Some(user) = proxy.user {
            sink.key("proxy_user", text(&user), "");
            sink.key("proxy_password", env("CSC_PROXY_PASSWORD"), format!("what {name} has before the @"));
            self.secrets.push(("CSC_PROXY_PASSWORD".to_owned(), Some(format!("the password in {name}"))));
        }
    }

    /// The variables that have no key.
    fn without_counterpart(&mut self) {
        let has = |name: &str| self.env.get(name).is_some();
        let parts = has("USER_SERVER") || has("USER_DATABASE");
        let is_used = |name: &str| self.used.contains(&name);
        for (name, is_idle, why) in [
            ("DEBUG", true, "-v and -vv on the command line say more; [log] level is that of the log file"),
            ("USER_SERVER", has("SQL_CONN_STR"), "SQL_CONN_STR goes before it"),
            ("USER_DATABASE", has("SQL_CONN_STR"), "SQL_CONN_STR goes before it"),
            ("SQL_CONN_STR", !has("SQL_CONN_STR"), "empty: the parts count"),
            (
                "DB_CONNECTION_STRING",
                has("SQL_CONN_STR") || parts,
                "D2I's tool does not read it where it has the others",
            ),
            ("API_ENDPOINT_LA", has("API_ENDPOINT"), "made of API_ENDPOINT and LA_CODE"),
            ("HTTP_PROXY", true, "not for https, and DfE's addresses are https; see proxy in [sink]"),
            (
                "NO_PROXY",
                true,
                "a proxy named in [sink] is used for DfE's addresses; proxy = \"none\" if they are exceptions",
            ),
            ("ALL_PROXY", has("HTTPS_PROXY"), "HTTPS_PROXY goes before it"),
            ("CURL_CA_BUNDLE", has("REQUESTS_CA_BUNDLE"), "REQUESTS_CA_BUNDLE goes before it"),
            ("DB_USER", !is_used("DB_USER"), "the connection string says who logs on"),
            ("DB_PASSWORD", !is_used("DB_PASSWORD"), "the logon does not need it"),
        ] {
            if self.env.has(name) && is_idle {
                self.aside.push(format!("{name}: {why}"));
            }
        }
    }
}

/// A proxy's address, without the login that stood in it.
struct Proxy {
    address: String,
    /// Whose password stood there, too.
    user: Option<String>,
}

impl Proxy {
    fn read(value: &str) -> Option<Proxy> {
        let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
        // A password may hold an @ itself.
        let (login, host) = rest.rsplit_once('@').map_or((None, rest), |(login, host)| (Some(login), host));
        let host = host.trim_end_matches('/');
        let address = format!("{}://{host}", scheme.to_ascii_lowercase());
        let is_good = ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str())
            && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:[]".contains(c))
            && Url::parse(&address).is_ok();
        let user = match login.map(|login| login.split_once(':')) {
            None => None,
            // Without a port it may as well be the rest of a password that was cut off at a `#`.
            Some(Some((user, password))) if !password.is_empty() && has_port(host) => Some(user.to_owned()),
            Some(_) => return None,
        };
        let is_user = user.as_ref().is_none_or(|user| !user.is_empty() && !user.contains('%'));
        (is_good && is_user).then_some(Proxy { address, user })
    }
}

fn has_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}
