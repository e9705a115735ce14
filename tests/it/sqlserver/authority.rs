//! An authority with SQL Server: a folder with a configuration, a database behind the test server, and what the tests ask of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use csc_bridge_test_postgres::{Options as PostgresOptions, Server as Postgres};
use csc_bridge_test_tds::{Options, PostgresBackend, Server};
use serde_json::Value;

use super::session::{PASSWORD, tsql};
use crate::profiles::forget;
use crate::program::{Dfe, Place, STAGING};

/// The PostgreSQL server behind all the test servers; None where none is installed. To compute what a password becomes takes longer than
/// most statements, at each login of the program, so that it asks for none.
pub fn postgres() -> Option<&'static Postgres> {
    static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
    let options = || PostgresOptions {
        settings: vec![("max_connections".into(), "200".into())],
        hba: vec!["host all all 127.0.0.1/32 trust".into()],
        ..PostgresOptions::default()
    };
    SERVER.get_or_init(|| Postgres::with(options())).as_ref()
}

/// What the authority runs, and where its script puts the SSD.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cms {
    pub name: &'static str,
    /// What `[source]` says of the schema; nothing for the profile's.
    pub schema: Option<&'static str>,
}

pub const SYSTEMC: Cms = Cms { name: "systemc", schema: None };
/// Of an authority that took the schema out of the script.
pub const SYSTEMC_IN_DBO: Cms = Cms { name: "systemc", schema: Some("") };
pub const MOSAIC: Cms = Cms { name: "mosaic", schema: None };

impl Cms {
    /// The schema that the SSD's script makes, where it makes one.
    fn made_schema(self) -> Option<&'static str> {
        (self == SYSTEMC).then_some("ssd_development")
    }

    /// The built-in profile.
    pub fn profile(self) -> &'static str {
        match self.name {
            "systemc" => include_str!("../../../config/cms/systemc.toml"),
            _ => include_str!("../../../config/cms/mosaic.toml"),
        }
    }

    /// The keys of ids that the CMS may make anew each night (SystemC): out of the comparison, as they are out of the hash.
    fn unstable(self) -> Vec<String> {
        let profile: toml::Table = self.profile().parse().expect("a profile");
        let paths = profile.get("unstable_ids").and_then(toml::Value::as_array).into_iter().flatten();
        let last = |path: &toml::Value| path.as_str().and_then(|path| path.rsplit('.').next()).map(str::to_owned);
        paths.map(|path| last(path).expect("a path")).collect()
    }
}

/// A folder, a database, and the server before it.
pub struct Authority<'s> {
    pub place: Place,
    pub cms: Cms,
    pub database: String,
    pub server: Server,
    postgres: &'s Postgres,
}

impl<'s> Authority<'s> {
    /// A database with the schema that the SSD's script makes and nothing in it, and a configuration that sends to `api`.
    pub fn new(postgres: &'s Postgres, cms: Cms, api: SocketAddr) -> Authority<'s> {
        let authority = Authority::on(postgres, postgres.database(), cms, api);
        if let Some(schema) = cms.made_schema() {
            authority.tsql(&format!("CREATE SCHEMA {schema}"));
        }
        authority
    }

    /// The same with a database that is there.
    pub fn on(postgres: &'s Postgres, database: String, cms: Cms, api: SocketAddr) -> Authority<'s> {
        let backend = PostgresBackend::new(postgres, &database).with_sa_password(PASSWORD);
        let server = Server::start(Arc::new(backend), Options::encrypting());
        let authority = Authority { place: Place::empty(), cms, database, server, postgres };
        authority.place.write("secret", "a-secret\n");
        authority.configure(api, "sa", PASSWORD);
        // For those who look: nobody who comes through the test server has a search path but its own.
        let schemas = cms.made_schema().map(|schema| format!("{schema}, ")).unwrap_or_default();
        authority.sql(&format!("ALTER DATABASE {} SET search_path = {schemas}public", authority.database));
        authority
    }

    /// The same with an SSD of made-up children.
    pub fn filled(postgres: &'s Postgres, cms: Cms, api: SocketAddr, children: usize) -> Authority<'s> {
        let authority = Authority::new(postgres, cms, api);
        authority.place.play(["generate", "--children", &children.to_string()]).well();
        authority
    }

    /// With exactly so many rows to be sent.
    pub fn staged(postgres: &'s Postgres, cms: Cms, api: SocketAddr, rows: usize) -> Authority<'s> {
        // Not every made-up child belongs to the cohort.
        let authority = Authority::filled(postgres, cms, api, rows + rows / 5 + 20);
        authority.place.play(["stage"]).well();
        authority
            .sql(&format!("DELETE FROM {STAGING} WHERE id NOT IN (SELECT id FROM {STAGING} ORDER BY id LIMIT {rows})"));
        assert_eq!(authority.count("pending"), rows as i64, "too few children are in the cohort");
        authority
    }

    /// A copy of the database under another configuration. Nobody may be connected to it.
    pub fn copy(&self, name: &str, api: SocketAddr) -> Authority<'s> {
        self.postgres.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {}", self.database));
        Authority::on(self.postgres, name.to_owned(), self.cms, api)
    }

    /// Takes a copy away.
    pub fn drop_database(self) {
        self.postgres.psql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.database));
    }

    /// Writes the configuration, for this logon.
    pub fn configure(&self, api: SocketAddr, user: &str, password: &str) {
        self.place.write("password", &format!("{password}\n"));
        let schema = self.cms.schema.map(|schema| format!("schema = \"{schema}\"")).unwrap_or_default();
        let text = format!(
            r#"cms       = "{cms}"
la_code   = "845"
state_dir = "state"

[source]
host         = "127.0.0.1"
port         = {port}
database     = "{database}"
auth         = "sql"
user         = "{user}"
password     = {{ file = "password" }}
encrypt      = "on"
trust_server_certificate = true
lock_timeout = "10s"
{schema}

[sink]
endpoint        = "http://{api}"
token_endpoint  = "http://{api}/token"
scope           = "simulator/.default"
client_id       = {{ file = "secret" }}
client_secret   = {{ file = "secret" }}
supplier_key    = {{ file = "secret" }}
connect_timeout = "5s"
max_attempts    = 2
"#,
            cms = self.cms.name,
            port = self.server.port(),
            database = self.database,
        );
        self.place.write("csc-bridge.toml", &text);
    }

    /// Lets the configuration use a profile of the authority's own.
    pub fn use_profile(&self, profile: &str) {
        self.place.write("ours.toml", profile);
        self.place.reconfigure(&format!("cms       = \"{}\"", self.cms.name), "cms = \"ours.toml\"");
    }

    /// One that is the built-in profile with this at its end.
    pub fn add_to_profile(&self, values: &str) {
        self.use_profile(&format!("{}\n{values}", self.cms.profile()));
    }

    /// The logon of [`Authority::restrict`].
    pub fn account(&self) -> String {
        format!("account_of_{}", self.database)
    }

    /// Makes a logon that may read the SSD and do what `grants` say, and lets the configuration use it. In PostgreSQL's words: who may
    /// read a `dbo` there may use the schema, and whoever connects makes temporary tables.
    pub fn restrict(&self, dfe: &Dfe, grants: &[String]) {
        let (database, account) = (&self.database, self.account());
        let schema = if self.cms == SYSTEMC { "ssd_development" } else { "public" };
        self.sql(&format!(
            "CREATE ROLE {account} LOGIN PASSWORD 'narrow';
             REVOKE ALL ON DATABASE {database} FROM PUBLIC; GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {account};
             REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA {schema} TO {account};"
        ));
        for table in self.ssd_tables() {
            self.sql(&format!("GRANT SELECT ON {table} TO {account}"));
        }
        for grant in grants {
            self.sql(&format!("GRANT {grant} TO {account}"));
        }
        self.configure(dfe.addr(), &account, "narrow");
    }

    /// Runs T-SQL as the owner of the database, and with semicolons between statements.
    pub fn tsql(&self, statements: &str) {
        tsql(&self.server, &self.database, statements);
    }

    /// Runs statements behind the server, and returns what they print.
    pub fn sql(&self, statements: &str) -> String {
        self.postgres.psql(&self.database, statements)
    }

    pub fn number(&self, query: &str) -> i64 {
        let printed = self.sql(query);
        printed.parse().unwrap_or_else(|error| panic!("{query}: {printed}: {error}"))
    }

    /// The rows of a query as JSON objects. Documents are strings in them.
    pub fn rows(&self, query: &str) -> Vec<Value> {
        let printed = self.sql(&format!("SELECT row_to_json(q)::text FROM ({query}) q"));
        printed.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect()
    }

    /// Every column of every row of the staging table, and the number of the transaction that wrote the row.
    pub fn staging(&self) -> Vec<Value> {
        self.rows(&format!("SELECT xmin, t.* FROM {STAGING} t ORDER BY id"))
    }

    /// How many rows of the staging table have a status.
    pub fn count(&self, status: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM {STAGING} WHERE submission_status = '{status}'"))
    }

    /// How many tables there are whose name is like this.
    pub fn tables(&self, like: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM pg_class WHERE relkind IN ('r', 'v') AND relname LIKE '{like}'"))
    }

    /// The tables of the SSD.
    pub fn ssd_tables(&self) -> Vec<String> {
        let query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'ssd\\_%' AND relname NOT LIKE 'ssd\\_api\\_%'
                     ORDER BY 1";
        self.sql(query).lines().map(str::to_owned).collect()
    }

    /// Requests of which it is not known whether they were taken.
    pub fn open_intents(&self) -> i64 {
        self.number("SELECT COUNT(*) FROM ssd_api_submission_log WHERE outcome IS NULL")
    }

    /// Makes them old enough to be taken up.
    pub fn age_intents(&self) {
        self.sql("UPDATE ssd_api_submission_log SET opened_at = '2001-01-01' WHERE outcome IS NULL");
    }

    /// DfE holds what the SSD says, the staging table says that it does, and of whom DfE holds more the table says why.
    pub fn converged(&self, dfe: &Dfe) {
        let (unstable, mut wanted, mut held) = (self.cms.unstable(), self.place.documents(), dfe.children());
        let unstable: Vec<&str> = unstable.iter().map(String::as_str).collect();
        assert!(!wanted.is_empty(), "there is nothing to compare");
        wanted.values_mut().chain(held.values_mut()).for_each(|document| forget(document, &unstable));
        let rows = self.rows(&format!("SELECT * FROM {STAGING}"));
        let rows: BTreeMap<&str, &Value> =
            rows.iter().map(|row| (row["person_id"].as_str().expect("an id"), row)).collect();
        for (child, document) in &wanted {
            assert!(held.get(child) == Some(document), "DfE holds something else of {child}");
            let row = rows.get(child.as_str()).unwrap_or_else(|| panic!("{child} has no row"));
            assert_eq!(row["submission_status"], "sent", "{child}");
            for column in ["json_payload", "previous_json_payload"] {
                let stored = row[column].as_str().unwrap_or_else(|| panic!("{child} has no {column}"));
                let mut stored: Value = serde_json::from_str(stored).expect("JSON");
                forget(&mut stored, &unstable);
                assert!(stored == *document, "{column} of {child} is something else");
            }
        }
        for child in held.keys().filter(|child| !wanted.contains_key(*child)) {
            let state = rows[child.as_str()]["row_state"].as_str().expect("a state");
            assert!(["deleted", "left"].contains(&state), "{child} is {state}");
        }
        assert_eq!(self.open_intents(), 0);
    }

    /// A run that finds nothing new, writes nothing and sends nothing.
    pub fn is_quiet(&self, dfe: &Dfe) {
        let (rows, requests) = (self.staging(), dfe.stats().requests);
        let report = self.place.play(["run", "--json"]).well().json();
        assert_eq!(
            (&report["staged"]["written"], &report["submitted"]["requests"]),
            (&0.into(), &0.into()),
            "{report}"
        );
        assert_eq!(dfe.stats().requests, requests, "something was sent");
        assert!(self.staging() == rows, "a row of the staging table was written");
    }
}
