//! A database of a test's own: behind the test library, or on a real server.

use std::path::Path;

use csc_bridge_core::config::Config;
use csc_bridge_oracle::OracleEngine;
use csc_bridge_test_oci::{Control, SETUP, client_folder};
use csc_bridge_test_postgres::Server;
use oracle::{Connection, InitParams};
use tempfile::TempDir;

use crate::real::{Account, Admin};
use crate::statements;

/// The password of the account that only reads.
const READS: &str = "Reads-0nly";

/// Where the database is.
pub enum Kind {
    /// Behind the library of the tests.
    Library,
    /// On a real server.
    Real(Admin),
}

/// A database. It goes when it is dropped.
pub struct Home {
    place: Place,
    folder: TempDir,
}

enum Place {
    Library(Simulated),
    Real(Account),
}

/// A database behind the library.
pub struct Simulated {
    pub server: &'static Server,
    pub database: String,
    /// Of the adapter's connections; those of others have their own, so that its log has the adapter's statements only.
    pub control: Control,
    others: Control,
}

impl Home {
    /// None where no PostgreSQL is installed to stand behind the library.
    pub fn new(kind: &Kind) -> Option<Home> {
        let place = match kind {
            Kind::Library => Place::Library(Simulated::new()?),
            Kind::Real(admin) => Place::Real(admin.account().unwrap()),
        };
        Some(Home { place, folder: tempfile::tempdir().unwrap() })
    }

    /// The database behind the library.
    ///
    /// # Panics
    /// It is a real one.
    pub fn simulated(&self) -> &Simulated {
        match &self.place {
            Place::Library(simulated) => simulated,
            Place::Real(_) => panic!("a test of the library only"),
        }
    }

    pub fn is_real(&self) -> bool {
        matches!(self.place, Place::Real(_))
    }

    /// The keys of whoever owns everything.
    pub fn keys(&self) -> String {
        match &self.place {
            Place::Library(simulated) => self.keys_of(simulated.server.superuser(), simulated.server.password()),
            Place::Real(account) => self.keys_of(&account.owner, &account.password),
        }
    }

    /// The keys of an account.
    pub fn keys_of(&self, user: &str, password: &str) -> String {
        let secret = self.folder.path().join(format!("{user}.secret"));
        std::fs::write(&secret, password).unwrap();
        let (tns, client) = match &self.place {
            Place::Library(simulated) => (simulated.address(&simulated.control), Some(client_folder().to_owned())),
            Place::Real(account) => (account.tns.clone(), account.client.clone()),
        };
        let client = client.map_or(String::new(), |folder| format!("client_dir = '{}'\n", folder.display()));
        format!("tns = '{tns}'\nuser = \"{user}\"\npassword = {{ file = '{}' }}\n{client}", secret.display())
    }

    pub fn engine_with(&self, keys: &str) -> OracleEngine {
        OracleEngine::new(&config_in(self.folder.path(), keys).source.options).unwrap()
    }

    /// A connection of somebody else's.
    pub fn driver(&self) -> oracle::Result<Connection> {
        match &self.place {
            Place::Library(simulated) => {
                let address = simulated.address(&simulated.others);
                Connection::connect(simulated.server.superuser(), simulated.server.password(), address)
            }
            Place::Real(account) => Connection::connect(&account.owner, &account.password, &account.tns),
        }
    }

    /// The keys of a new account that may SELECT the present tables, and create nothing.
    pub fn reader(&self) -> oracle::Result<String> {
        let simulated = match &self.place {
            Place::Library(simulated) => simulated,
            Place::Real(account) => {
                let reader = account.reader()?;
                return Ok(self.keys_of(&reader, &account.password));
            }
        };
        let reader = format!("reader_of_{}", simulated.database);
        for sql in [
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC".to_owned(),
            format!("CREATE ROLE \"{reader}\" LOGIN PASSWORD '{READS}'"),
            format!("GRANT USAGE ON SCHEMA public TO \"{reader}\""),
            format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"{reader}\""),
        ] {
            simulated.server.psql(&simulated.database, &sql);
        }
        Ok(self.keys_of(&reader, READS))
    }

    /// Ends every session of this database.
    pub fn cut(&self) -> oracle::Result<()> {
        match &self.place {
            Place::Library(simulated) => {
                simulated.server.kill_backends(&simulated.database);
                Ok(())
            }
            Place::Real(account) => account.cut(),
        }
    }

    /// What the adapter sent until now.
    pub fn sent(&self) -> Vec<String> {
        match &self.place {
            Place::Library(simulated) => simulated.control.log(),
            Place::Real(_) => Vec::new(),
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        statements::note(&self.sent());
    }
}

impl Simulated {
    fn new() -> Option<Simulated> {
        let server = csc_bridge_test_postgres::shared()?;
        load_library();
        let database = server.database();
        server.psql(&database, SETUP);
        let (control, others) = (Control::new(), Control::new());
        control.version("19.0");
        others.version("19.0");
        Some(Simulated { server, database, control, others })
    }

    fn address(&self, control: &Control) -> String {
        control.connect_string(self.server.port(), &self.database)
    }
}

/// The tests' own connections share the library with the adapter's, whoever is first.
fn load_library() {
    let mut params = InitParams::new();
    params.oracle_client_lib_dir(client_folder().to_str().unwrap()).unwrap();
    params.init().unwrap();
}

/// A configuration whose `[source]` has these keys.
pub fn config_in(folder: &Path, keys: &str) -> Config {
    let text = format!(
        "cms = \"azeus\"\nla_code = \"845\"\n[source]\nschema = \"\"\n{keys}\n[sink]\nadapter = \"file\"\nfolder = \"out\"\n"
    );
    Config::parse(&folder.join("csc-bridge.toml"), &text).unwrap()
}
