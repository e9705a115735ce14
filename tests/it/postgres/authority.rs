//! An authority with Eclipse: a folder with a configuration, a database on a PostgreSQL server, and what the tests ask of it.

use std::net::SocketAddr;

use csc_bridge_test_postgres::{Options, Server};
use serde_json::Value;

use crate::program::{Dfe, Place, STAGING};

/// A server that takes as many connections as several senders and tests want at once.
pub fn own_server() -> Option<Server> {
    Server::with(Options { settings: vec![("max_connections".into(), "120".into())], ..Options::default() })
}

/// A folder and a database.
pub struct Authority<'s> {
    pub place: Place,
    pub server: &'s Server,
    pub database: String,
}

impl<'s> Authority<'s> {
    /// An empty database, and a configuration that sends to `api`.
    pub fn new(server: &'s Server, api: SocketAddr) -> Authority<'s> {
        Authority::on(server, server.database(), api)
    }

    /// The same with a database that is there.
    pub fn on(server: &'s Server, database: String, api: SocketAddr) -> Authority<'s> {
        let authority = Authority { place: Place::empty(), server, database };
        authority.place.write("secret", "a-secret\n");
        authority.configure(api, server.superuser(), server.password());
        authority
    }

    /// The same with an SSD of made-up children.
    pub fn filled(server: &'s Server, api: SocketAddr, children: usize) -> Authority<'s> {
        let authority = Authority::new(server, api);
        authority.place.play(["generate", "--children", &children.to_string()]).well();
        authority
    }

    /// With exactly so many rows to be sent.
    pub fn staged(server: &'s Server, api: SocketAddr, rows: usize) -> Authority<'s> {
        // Not every made-up child belongs to the cohort.
        let authority = Authority::filled(server, api, rows + rows / 5 + 20);
        authority.place.play(["stage"]).well();
        authority
            .sql(&format!("DELETE FROM {STAGING} WHERE id NOT IN (SELECT id FROM {STAGING} ORDER BY id LIMIT {rows})"));
        assert_eq!(authority.count("pending"), rows as i64, "too few children are in the cohort");
        authority
    }

    /// A copy of the database under another configuration. Nobody may be connected to it.
    pub fn copy(&self, name: &str, api: SocketAddr) -> Authority<'s> {
        self.server.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {}", self.database));
        Authority::on(self.server, name.to_owned(), api)
    }

    /// Takes a copy away.
    pub fn drop_database(self) {
        self.server.psql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.database));
    }

    /// Writes the configuration, for this user of the database.
    pub fn configure(&self, api: SocketAddr, user: &str, password: &str) {
        self.place.write("password", &format!("{password}\n"));
        let text = format!(
            r#"cms       = "eclipse"
la_code   = "845"
state_dir = "state"

[source]
adapter      = "postgres"
host         = "127.0.0.1"
port         = {port}
database     = "{database}"
user         = "{user}"
password     = {{ file = "password" }}
schema       = ""
lock_timeout = "10s"

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
            port = self.server.port(),
            database = self.database,
        );
        self.place.write("csc-bridge.toml", &text);
    }

    /// Runs statements as superuser, and returns what they print.
    pub fn sql(&self, statements: &str) -> String {
        self.server.psql(&self.database, statements)
    }

    pub fn number(&self, query: &str) -> i64 {
        let printed = self.sql(query);
        printed.parse().unwrap_or_else(|error| panic!("{query}: {printed}: {error}"))
    }

    /// The rows of a query as JSON objects. Documents in columns of `text` are strings in them.
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
        let tables: Vec<String> = self.sql(query).lines().map(str::to_owned).collect();
        assert_eq!(tables.len(), 19, "{tables:?}");
        tables
    }

    /// Requests of which it is not known whether they were taken.
    pub fn open_intents(&self) -> i64 {
        self.number("SELECT COUNT(*) FROM ssd_api_submission_log WHERE outcome IS NULL")
    }

    /// Makes them old enough to be taken up.
    pub fn age_intents(&self) {
        self.sql("UPDATE ssd_api_submission_log SET opened_at = '2001-01-01' WHERE outcome IS NULL");
    }

    /// DfE holds what the SSD says, and the staging table says that it does.
    pub fn converged(&self, dfe: &Dfe) {
        self.place.converged(dfe);
        let wrong = format!(
            "SELECT COUNT(*) FROM {STAGING} WHERE row_state NOT IN ('deleted', 'left')
             AND (submission_status <> 'sent' OR json_payload::jsonb IS DISTINCT FROM previous_json_payload::jsonb)"
        );
        assert_eq!((self.number(&wrong), self.open_intents()), (0, 0));
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
