//! Logging in.

use std::time::Duration;

use async_trait::async_trait;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use super::errors::error;
use super::session::PostgresSession;
use crate::session::{Backend, Login, Session, SqlError};

/// What makes a database one of ours.
const SETUP: &str = include_str!("setup.sql");

/// A PostgreSQL server behind the protocol. Its databases are SQL Server's, its roles the logons, and its schema `public` is `dbo`.
#[derive(Debug, Clone)]
pub struct PostgresBackend {
    port: u16,
    superuser: String,
    superuser_password: String,
    database: String,
    sa_password: Option<String>,
}

impl PostgresBackend {
    /// Over a server of the tests. `database` is the one for logons that ask for none, or for `master`.
    pub fn new(server: &csc_bridge_test_postgres::Server, database: &str) -> PostgresBackend {
        PostgresBackend {
            port: server.port(),
            superuser: server.superuser().to_owned(),
            superuser_password: server.password().to_owned(),
            database: database.to_owned(),
            sa_password: None,
        }
    }

    /// The password of `sa`, who is PostgreSQL's superuser and otherwise may have any. Other logons are roles, with their passwords.
    #[must_use]
    pub fn with_sa_password(mut self, password: &str) -> PostgresBackend {
        self.sa_password = Some(password.to_owned());
        self
    }

    async fn connect(
        &self,
        login: &Login,
        database: &str,
        as_superuser: bool,
    ) -> Result<Client, tokio_postgres::Error> {
        let (user, password) = match as_superuser {
            true => (&self.superuser, &self.superuser_password),
            false => (&login.user, &login.password),
        };
        let (client, connection) = Config::new()
            .host("127.0.0.1")
            .port(self.port)
            .user(user)
            .password(password)
            .dbname(database)
            .application_name(&login.application)
            .connect_timeout(Duration::from_secs(30))
            .options("-c TimeZone=UTC -c DateStyle=ISO,YMD -c search_path=public -c client_min_messages=warning")
            .connect(NoTls)
            .await?;
        // It ends when the client is dropped; what breaks it the client tells.
        tokio::spawn(connection);
        Ok(client)
    }
}

/// Makes a database one of ours, once.
async fn set_up(client: &Client) -> Result<(), tokio_postgres::Error> {
    client.batch_execute("SELECT pg_advisory_lock(1433)").await?;
    if client.query_one("SELECT to_regnamespace('mssql') IS NULL", &[]).await?.get(0) {
        client.batch_execute(&format!("BEGIN; {SETUP}; COMMIT")).await?;
    }
    client.batch_execute("SELECT pg_advisory_unlock(1433)").await
}

#[async_trait]
impl Backend for PostgresBackend {
    async fn open(&self, login: &Login) -> Result<Box<dyn Session>, SqlError> {
        let database = match login.database.as_str() {
            "" | "master" => self.database.as_str(),
            database => database,
        };
        let refused = || error(18456, format!("Login failed for user '{}'.", login.user));
        let no_database =
            || error(4060, format!("Cannot open database \"{database}\" requested by the login. The login failed."));
        let broken = |fault: tokio_postgres::Error| match fault.code() {
            Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => refused(),
            Some(&SqlState::INVALID_CATALOG_NAME | &SqlState::INSUFFICIENT_PRIVILEGE) => no_database(),
            _ => error(17142, format!("the test server's PostgreSQL: {fault:?}")),
        };
        let mut client = self.connect(login, database, true).await.map_err(broken)?;
        let is_sa = login.user.eq_ignore_ascii_case("sa");
        if is_sa && self.sa_password.as_ref().is_some_and(|password| *password != login.password) {
            return Err(refused());
        }
        set_up(&client).await.map_err(broken)?;
        if !is_sa {
            let known = "SELECT 1 FROM pg_roles WHERE rolname = $1 AND rolcanlogin";
            if client.query_opt(known, &[&login.user]).await.map_err(broken)?.is_none() {
                return Err(refused());
            }
            client = self.connect(login, database, false).await.map_err(broken)?;
        }
        let process: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.map_err(broken)?.get(0);
        Ok(Box::new(PostgresSession::new(client, process, database, &login.user)))
    }
}
