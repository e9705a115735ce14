//! A database of a test's own: behind the test server, or on a real one.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use csc_bridge_core::config::Config;
use csc_bridge_sqlserver::SqlServerEngine;
use csc_bridge_test_tds::{Options, PostgresBackend, Server};
use jiff::ToSpan;
use jiff::civil::Date;
use tiberius::{AuthMethod, Client as Driver, ColumnData, EncryptionLevel};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

/// The password of whoever owns everything.
const PASSWORD: &str = "sa's own";
/// And of the account that only reads.
const READS: &str = "Reads-0nly";

/// Which server.
#[derive(Clone)]
pub enum Kind {
    /// The test server, over a PostgreSQL server.
    Simulated,
    /// A real one, by its ODBC keywords.
    Real(String),
}

impl Kind {
    /// The server that the environment names.
    pub fn real() -> Kind {
        Kind::Real(std::env::var("CSC_BRIDGE_TEST_SQLSERVER").expect("CSC_BRIDGE_TEST_SQLSERVER names a server"))
    }
}

/// A database. It goes, and its server with it, when it is dropped; one on a real server stays for whoever looks into a failure.
pub struct Home {
    kind: Kind,
    pub database: String,
    /// The test server.
    server: Option<Server>,
    config: tiberius::Config,
    folder: tempfile::TempDir,
    /// What somebody else than the adapter was sent.
    others: Arc<Mutex<BTreeSet<String>>>,
}

/// What went wrong with a statement of a test's own.
pub struct Failed(String, Option<u32>);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Failed {
    pub fn is_lock_timeout(&self) -> bool {
        self.1 == Some(1222)
    }
}

impl Home {
    /// None where no PostgreSQL is installed to simulate a server.
    pub async fn new(kind: &Kind) -> Option<Home> {
        let (folder, others) = (tempfile::tempdir().unwrap(), Arc::default());
        match kind {
            Kind::Simulated => {
                let postgres = csc_bridge_test_postgres::shared()?;
                let database = postgres.database();
                let backend = PostgresBackend::new(postgres, &database).with_sa_password(PASSWORD);
                let server = Server::start(Arc::new(backend), Options::encrypting());
                let mut config = tiberius::Config::new();
                config.host("127.0.0.1");
                config.port(server.port());
                config.authentication(AuthMethod::sql_server("sa", PASSWORD));
                config.encryption(EncryptionLevel::NotSupported);
                config.database(&database);
                let home = Home { kind: kind.clone(), database, server: Some(server), config, folder, others };
                home.must("ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON").await;
                Some(home)
            }
            Kind::Real(keywords) => {
                static NEXT: AtomicU32 = AtomicU32::new(1);
                let next = NEXT.fetch_add(1, Ordering::Relaxed);
                let database = format!("csc_bridge_test_{}_{next}", std::process::id());
                let mut config = config_of(keywords);
                let mut master = connect(&config, others.clone()).await.unwrap_or_else(|error| panic!("{error}"));
                let created = format!("CREATE DATABASE {database}");
                let allowed = format!("ALTER DATABASE {database} SET ALLOW_SNAPSHOT_ISOLATION ON");
                for sql in [created, allowed] {
                    master.run(&sql).await.unwrap_or_else(|error| panic!("{error}"));
                }
                config.database(&database);
                Some(Home { kind: kind.clone(), database, server: None, config, folder, others })
            }
        }
    }

    /// Of a table or a column. PostgreSQL, behind the test server, has half of SQL Server's 128.
    pub fn longest_name(&self) -> usize {
        if self.server.is_some() { 63 } else { 128 }
    }

    /// A connection of somebody else's, who waits shortly for locks.
    pub async fn client(&self) -> Result<Client, Failed> {
        let mut client = connect(&self.config, self.others.clone()).await?;
        client.run("SET QUOTED_IDENTIFIER ON; SET LOCK_TIMEOUT 200").await?;
        Ok(client)
    }

    /// Runs statements of a test's own.
    pub async fn must(&self, sql: &str) {
        let mut client = self.client().await.unwrap_or_else(|error| panic!("{error}"));
        client.run(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The keys of whoever owns everything, who waits shortly for locks.
    pub fn keys(&self) -> String {
        match &self.kind {
            Kind::Simulated => self.place("sa", PASSWORD),
            Kind::Real(keywords) => {
                let odbc = self.secret(&format!("{keywords};DATABASE={}", self.database));
                format!("odbc = {{ file = '{odbc}' }}\nlock_timeout = '300ms'\n")
            }
        }
    }

    fn place(&self, user: &str, password: &str) -> String {
        format!(
            "host = '127.0.0.1'\nport = {}\ndatabase = '{}'\nencrypt = 'off'\ntrust_server_certificate = true\nlock_timeout = '300ms'\nuser = '{user}'\n\
             password = {{ file = '{}' }}\n",
            self.server.as_ref().unwrap().port(),
            self.database,
            self.secret(password),
        )
    }

    /// A file with a secret, by its name.
    fn secret(&self, secret: &str) -> String {
        let name = format!("secret-{}", secret.len());
        std::fs::write(self.folder.path().join(&name), secret).unwrap();
        name
    }

    pub fn engine_with(&self, keys: &str) -> SqlServerEngine {
        SqlServerEngine::new(&config_in(self.folder.path(), keys).source.options).unwrap()
    }

    /// The keys of a new account that may SELECT the present tables.
    pub async fn reader(&self) -> Result<String, Failed> {
        let reader = format!("reader_of_{}", self.database);
        match &self.kind {
            Kind::Simulated => {
                let postgres = csc_bridge_test_postgres::shared().unwrap();
                for sql in [
                    format!("CREATE ROLE \"{reader}\" LOGIN PASSWORD '{READS}'"),
                    format!("GRANT USAGE ON SCHEMA public TO \"{reader}\""),
                    format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"{reader}\""),
                ] {
                    postgres.psql(&self.database, &sql);
                }
                Ok(self.place(&reader, READS))
            }
            Kind::Real(keywords) => {
                let mut client = self.client().await?;
                client.run(&format!("CREATE LOGIN {reader} WITH PASSWORD = '{READS}', CHECK_POLICY = OFF")).await?;
                client.run(&format!("CREATE USER {reader} FOR LOGIN {reader}")).await?;
                client.run(&format!("GRANT SELECT ON SCHEMA::dbo TO {reader}")).await?;
                let kept = keywords.split(';').filter(|word| {
                    let key = word.split('=').next().unwrap_or_default().to_lowercase();
                    !["uid", "pwd"].contains(&key.trim())
                });
                let kept: Vec<&str> = kept.collect();
                let odbc = format!("{};DATABASE={};UID={reader};PWD={READS}", kept.join(";"), self.database);
                Ok(format!("odbc = {{ file = '{}' }}\nlock_timeout = '300ms'\n", self.secret(&odbc)))
            }
        }
    }

    /// What the adapter was heard to say to the test server.
    pub fn sent(&self) -> Vec<String> {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let log = self.server.as_ref().map(Server::log).unwrap_or_default();
        crate::statements::own(log).into_iter().filter(|sql| !others.contains(sql)).collect()
    }

    /// Ends all connections to the database, as an administrator does.
    pub async fn cut_connections(&self) -> Result<(), Failed> {
        if let Some(server) = &self.server {
            server.drop_connections();
            return Ok(());
        }
        let mut client = self.client().await?;
        let sessions = client
            .rows("SELECT CAST(session_id AS NVARCHAR(10)) FROM sys.dm_exec_sessions WHERE database_id = DB_ID() AND session_id <> @@SPID")
            .await?;
        for session in sessions.into_iter().flatten().flatten() {
            client.run(&format!("KILL {session}")).await?;
        }
        Ok(())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        crate::statements::note(self.sent());
    }
}

/// The configuration with these keys.
pub fn config_in(folder: &Path, keys: &str) -> Config {
    let text = format!(
        "cms = \"systemc\"\nla_code = \"845\"\n[source]\n{keys}\n[sink]\nadapter = \"file\"\nfolder = \"out\"\n"
    );
    Config::parse(&folder.join("csc-bridge.toml"), &text).unwrap()
}

fn config_of(keywords: &str) -> tiberius::Config {
    let mut config = tiberius::Config::new();
    let (mut user, mut password) = (String::new(), String::new());
    for word in keywords.split(';') {
        let Some((key, value)) = word.split_once('=') else { continue };
        match key.trim().to_lowercase().as_str() {
            "server" => {
                let (host, port) = value.split_once(',').unwrap_or((value, "1433"));
                config.host(host.trim_start_matches("tcp:"));
                config.port(port.trim().parse().unwrap());
            }
            "uid" => value.clone_into(&mut user),
            "pwd" => value.clone_into(&mut password),
            "trustservercertificate" => config.trust_cert(),
            _ => {}
        }
    }
    config.authentication(AuthMethod::sql_server(user, password));
    config
}

async fn connect(config: &tiberius::Config, others: Arc<Mutex<BTreeSet<String>>>) -> Result<Client, Failed> {
    let socket = TcpStream::connect(config.get_addr()).await.map_err(|error| Failed(error.to_string(), None))?;
    Ok(Client(Driver::connect(config.clone(), socket.compat_write()).await.map_err(failed)?, others))
}

fn failed(error: tiberius::error::Error) -> Failed {
    Failed(error.to_string(), error.code())
}

fn text(cell: ColumnData<'static>) -> Option<String> {
    let hexadecimal = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match cell {
        ColumnData::String(text) => text.map(std::borrow::Cow::into_owned),
        ColumnData::Binary(bytes) => bytes.map(|bytes| format!("\\x{}", hexadecimal(&bytes))),
        ColumnData::I32(number) => number.map(|number| number.to_string()),
        ColumnData::I64(number) => number.map(|number| number.to_string()),
        ColumnData::DateTime2(moment) => moment.map(|moment| {
            let day = Date::constant(1, 1, 1) + i64::from(moment.date().days()).days();
            let time =
                i64::try_from(moment.time().increments()).unwrap() * 10_i64.pow(9 - u32::from(moment.time().scale()));
            (day.at(0, 0, 0, 0) + time.nanoseconds()).strftime("%Y-%m-%d %H:%M:%S%.f").to_string()
        }),
        other => panic!("{other:?} is no text"),
    }
}

/// A connection that has nothing to do with the adapter.
pub struct Client(Driver<Compat<TcpStream>>, Arc<Mutex<BTreeSet<String>>>);

impl Client {
    fn said(&self, sql: &str) {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.to_owned());
    }

    /// Runs statements without an answer.
    pub async fn run(&mut self, sql: &str) -> Result<(), Failed> {
        self.said(sql);
        self.0.simple_query(sql).await.map_err(failed)?.into_results().await.map_err(failed)?;
        Ok(())
    }

    /// The rows of a query, as texts.
    pub async fn rows(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Failed> {
        self.said(sql);
        let rows = self.0.simple_query(sql).await.map_err(failed)?.into_first_result().await.map_err(failed)?;
        Ok(rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect())
    }
}
