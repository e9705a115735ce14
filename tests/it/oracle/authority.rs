//! An authority with Azeus: a folder with a configuration, a database behind the test library, and what the tests ask of it.

use std::net::SocketAddr;
use std::sync::OnceLock;

use csc_bridge_test_oci::{Control, SETUP, client_folder};
use csc_bridge_test_postgres::{Options, Server};
use serde_json::Value;

use super::session;
use crate::program::{Dfe, Place};

/// The staging table, as the data dictionary has it, between the quotes that PostgreSQL wants.
pub const STAGING: &str = "\"SSD_API_DATA_STAGING\"";

/// The log of requests.
pub const LOG: &str = "\"SSD_API_SUBMISSION_LOG\"";

/// The server behind the library; None where none is installed. To compute what a password becomes takes longer than most statements, at
/// each connection of the program, so that it asks for none.
pub fn postgres() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let options = || Options {
        settings: vec![("max_connections".into(), "200".into())],
        hba: vec!["host all all 127.0.0.1/32 trust".into()],
        ..Options::default()
    };
    SERVER.get_or_init(|| Server::with(options())).as_ref()
}

/// A folder and a database.
pub struct Authority<'s> {
    pub place: Place,
    pub database: String,
    /// What goes wrong in the library, and what it was given.
    pub control: Control,
    server: &'s Server,
}

impl<'s> Authority<'s> {
    /// An empty database, and a configuration that sends to `api`.
    pub fn new(server: &'s Server, api: SocketAddr) -> Authority<'s> {
        let database = server.database();
        server.psql(&database, SETUP);
        Authority::on(server, database, api)
    }

    /// The same with a database that is there.
    pub fn on(server: &'s Server, database: String, api: SocketAddr) -> Authority<'s> {
        let authority = Authority { place: Place::empty(), database, control: Control::new(), server };
        // Before 12.2 five columns of the SSD have too long a name.
        authority.control.version("19.0");
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
        authority.sql(&format!(
            "DELETE FROM {STAGING} WHERE \"ID\" NOT IN (SELECT \"ID\" FROM {STAGING} ORDER BY \"ID\" LIMIT {rows})"
        ));
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
            r#"cms       = "azeus"
la_code   = "845"
state_dir = "state"

[source]
tns          = '{address}'
client_dir   = '{client}'
user         = "{user}"
password     = {{ file = "password" }}
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
            address = self.address(),
            client = client_folder().display(),
        );
        self.place.write("csc-bridge.toml", &text);
    }

    /// Writes more sections.
    pub fn append_to_configuration(&self, sections: &str) {
        let text = self.place.read("csc-bridge.toml");
        self.place.write("csc-bridge.toml", &(text + sections));
    }

    fn address(&self) -> String {
        self.control.connect_string(self.server.port(), &self.database)
    }

    /// Makes an account that may read the SSD and do what `grants` say, and lets the configuration use it. In PostgreSQL's words.
    pub fn restrict(&self, dfe: &Dfe, grants: &[String]) {
        let account = self.account();
        self.sql(&format!(
            "CREATE ROLE {account} LOGIN PASSWORD 'narrow'; REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO {account}"
        ));
        for table in self.ssd_tables() {
            self.sql(&format!("GRANT SELECT ON \"{table}\" TO {account}"));
        }
        for grant in grants {
            self.sql(&format!("GRANT {grant} TO {account}"));
        }
        self.configure(dfe.addr(), &account, "narrow");
    }

    /// The account of [`Authority::restrict`].
    pub fn account(&self) -> String {
        format!("account_of_{}", self.database)
    }

    /// Runs Oracle's SQL as the owner of everything, and commits.
    pub fn oracle(&self, script: &str) {
        session::run(self.server.superuser(), self.server.password(), &self.address(), script);
    }

    /// Runs statements behind the library, and returns what they print.
    pub fn sql(&self, statements: &str) -> String {
        self.server.psql(&self.database, statements)
    }

    pub fn number(&self, query: &str) -> i64 {
        let printed = self.sql(query);
        printed.parse().unwrap_or_else(|error| panic!("{query}: {printed}: {error}"))
    }

    /// Every column of every row of the staging table, and the number of the transaction that wrote the row.
    pub fn staging(&self) -> Vec<Value> {
        let printed = self
            .sql(&format!("SELECT row_to_json(q)::text FROM (SELECT xmin, t.* FROM {STAGING} t ORDER BY \"ID\") q"));
        printed.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect()
    }

    /// How many rows of the staging table have a status.
    pub fn count(&self, status: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM {STAGING} WHERE \"SUBMISSION_STATUS\" = '{status}'"))
    }

    /// How many tables there are whose name is like this.
    pub fn tables(&self, like: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM pg_class WHERE relkind IN ('r', 'v') AND relname LIKE '{like}'"))
    }

    /// The tables of the SSD.
    pub fn ssd_tables(&self) -> Vec<String> {
        let query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'SSD\\_%' AND relname NOT LIKE 'SSD\\_API\\_%'
                     ORDER BY 1";
        self.sql(query).lines().map(str::to_owned).collect()
    }

    /// Requests of which it is not known whether they were taken.
    pub fn open_intents(&self) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM {LOG} WHERE \"OUTCOME\" IS NULL"))
    }

    /// DfE holds what the SSD says, and the staging table says that it does.
    pub fn converged(&self, dfe: &Dfe) {
        self.place.converged(dfe);
        let rows = self.staging();
        assert!(!rows.is_empty(), "nothing is staged");
        for row in rows {
            let state = row["ROW_STATE"].as_str().unwrap_or_else(|| panic!("{row} has no state"));
            let is_out = ["deleted", "left"].contains(&state);
            let says_so = row["SUBMISSION_STATUS"] == "sent" && row["JSON_PAYLOAD"] == row["PREVIOUS_JSON_PAYLOAD"];
            assert!(is_out || says_so, "{} is otherwise", row["PERSON_ID"]);
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
