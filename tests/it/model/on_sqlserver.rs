//! Sequences' databases on one PostgreSQL server behind a test server that speaks SQL Server's protocol. The program comes through that
//! one, with SQL Server's adapter; the model itself looks and writes behind it, as on PostgreSQL.
//!
//! Tables are made in T-SQL, with the types of an SSD: dates are DATETIME, which the model's statements know as texts. A text that is a
//! date is put in as one.

use std::sync::Arc;

use csc_bridge_core::config::Config;
use csc_bridge_core::payload::definition::ColumnType;
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_sqlserver::SqlServerAdapter;
use csc_bridge_test_tds::{Options, PostgresBackend, Server};
use tempfile::TempDir;

use super::database::{Cell, Database, moment, ssd_tables};
use super::on_postgres::{OnPostgres, Postgres};
use crate::sqlserver::session::{PASSWORD, tsql};

/// The two servers.
pub struct SqlServer {
    postgres: Arc<Postgres>,
    server: Server,
    folder: TempDir,
}

impl SqlServer {
    /// Starts them, where PostgreSQL is installed.
    pub fn start() -> Option<SqlServer> {
        let kind = |column| match column {
            ColumnType::Id => "NVARCHAR(48)",
            ColumnType::Text => "NVARCHAR(255)",
            ColumnType::Date => "DATETIME",
            ColumnType::Integer => "INT",
            ColumnType::Json => "NVARCHAR(MAX)",
        };
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("password"), PASSWORD).expect("a file is written");
        let mut started = None;
        let postgres = Postgres::with(|postgres, empty| {
            let backend = PostgresBackend::new(postgres, empty).with_sa_password(PASSWORD);
            let server = Server::start(Arc::new(backend), Options::encrypting());
            // SQLite's tables have such a number unasked.
            let number = "rowid BIGINT IDENTITY(1,1)";
            let config = config(&server, &folder, empty);
            tsql(&server, empty, &ssd_tables(&config.definition, &[number], kind));
            started = Some(server);
        })?;
        Some(SqlServer { postgres: Arc::new(postgres), server: started.expect("a server"), folder })
    }
}

/// How the program is told of a database. Eclipse's profile, because SystemC's leaves ids out of the hash, which the model does not.
fn config(server: &Server, folder: &TempDir, name: &str) -> Config {
    let text = format!(
        "cms = \"eclipse\"\nla_code = \"845\"\n[source]\nadapter = \"sqlserver\"\nhost = \"127.0.0.1\"\nport = {}\ndatabase = \"{name}\"\nauth = \"sql\"\n\
         user = \"sa\"\npassword = {{ file = \"password\" }}\nencrypt = \"off\"\ntrust_server_certificate = true\nschema = \"\"\n",
        server.port(),
    );
    Config::parse(&folder.path().join("csc-bridge.toml"), &text).expect("a configuration")
}

/// A database behind the server.
pub struct OnSqlServer {
    behind: OnPostgres,
    config: Config,
}

impl OnSqlServer {
    pub fn open(servers: &SqlServer) -> OnSqlServer {
        let behind = OnPostgres::open(&servers.postgres);
        let config = config(&servers.server, &servers.folder, &behind.name);
        OnSqlServer { behind, config }
    }
}

impl Database for OnSqlServer {
    fn execute(&self, statement: &str, params: &[Cell]) -> Result<usize, String> {
        // Under a collation that folds case PostgreSQL knows no patterns.
        let statement = statement.replace(" LIKE ", " COLLATE \"C\" LIKE ");
        let params: Vec<Cell> = params.iter().map(|cell| moment(cell).unwrap_or_else(|| cell.clone())).collect();
        self.behind.execute(&statement, &params)
    }

    fn query(&self, query: &str, params: &[Cell]) -> Result<Vec<Vec<Cell>>, String> {
        self.behind.query(query, params)
    }

    fn tables_called(&self) -> &'static str {
        self.behind.tables_called()
    }

    fn config(&self) -> &Config {
        &self.config
    }

    fn adapter(&self) -> &dyn DatabaseAdapter {
        &SqlServerAdapter
    }

    /// About 160 of them for a small SSD.
    fn turns(&self) -> usize {
        300
    }

    fn connections(&self) -> usize {
        self.behind.connections()
    }

    fn stagers(&self) -> usize {
        self.behind.stagers()
    }
}
