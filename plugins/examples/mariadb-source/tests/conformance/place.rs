//! MariaDB's words for what the suite wants done, over a connection that is not the plugin's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use csc_bridge_core::config::Config;
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_core::staging::Staging;
use csc_bridge_plugin_host::PluginAdapter;
use csc_bridge_plugin_sdk::async_trait;
use csc_bridge_plugin_sdk::source::Source;
use csc_bridge_testkit::{
    Checked, ColumnKind, Database, Facts, Failure, OverSql, Place, SqlPlace, StagingSettings, Touched,
};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, OptsBuilder, Row, Value};

use crate::server::{PASSWORD, Server};

/// The server under test; none where it is not installed, with a line that says so.
pub fn database(name: String, adapter: PluginAdapter) -> Option<MariaDb> {
    let server = Arc::new(Server::start()?);
    Some(MariaDb { name, adapter, server, databases: AtomicU32::new(0) })
}

pub struct MariaDb {
    name: String,
    adapter: PluginAdapter,
    server: Arc<Server>,
    databases: AtomicU32,
}

#[async_trait]
impl Database for MariaDb {
    fn name(&self) -> &str {
        &self.name
    }

    async fn fresh(&self) -> Checked<Box<dyn Place>> {
        let database = format!("check_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let (server, adapter) = (self.server.clone(), self.adapter.clone());
        let place = Schema { server, adapter, database, user: "root".to_owned() };
        place
            .connect("mysql")
            .await?
            .query_drop(format!("CREATE DATABASE {}", place.database))
            .await
            .map_err(failed)?;
        Ok(Box::new(OverSql(place)))
    }
}

/// A database of its own, for one account.
struct Schema {
    server: Arc<Server>,
    adapter: PluginAdapter,
    database: String,
    user: String,
}

fn failed(error: Error) -> Failure {
    Failure::broken("a statement of the test's own that works", error)
}

impl Schema {
    async fn connect(&self, database: &str) -> Checked<Conn> {
        let opts = OptsBuilder::default().ip_or_hostname("127.0.0.1").tcp_port(self.server.port).prefer_socket(false);
        let opts = opts.user(Some("root")).pass(Some(PASSWORD)).db_name(Some(database)).init(vec![
            "SET NAMES utf8mb4, sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES', lock_wait_timeout = 0, innodb_lock_wait_timeout = 0",
        ]);
        Conn::new(opts).await.map_err(failed)
    }
}

#[async_trait]
impl SqlPlace for Schema {
    fn facts(&self) -> Facts {
        Facts { row_locks: true, folds: true, empty_text_is_null: false, upper_case_uuids: false, longest_name: 64 }
    }

    fn source(&self) -> Checked<Arc<dyn Source>> {
        let text = format!(
            "cms = 'sqlite'\nla_code = '845'\n[source]\nadapter = 'mariadb-source'\nport = {}\ndatabase = '{}'\nuser = '{}'\n\
             password = {{ file = 'password' }}\n",
            self.server.port, self.database, self.user
        );
        let config = Config::parse(&self.server.folder.join("csc-bridge.toml"), &text)?;
        Ok(self.adapter.source(&config.source.options)?)
    }

    fn staging(&self, _: &StagingSettings) -> Checked<Arc<dyn Staging>> {
        Err(Failure::not_applicable("a plugin keeps no staging tables"))
    }

    fn column_type(&self, kind: ColumnKind) -> Checked<String> {
        Ok(match kind {
            ColumnKind::SmallInteger => "SMALLINT".to_owned(),
            ColumnKind::Integer => "INT".to_owned(),
            ColumnKind::BigInteger => "BIGINT".to_owned(),
            ColumnKind::Numeric { precision, scale } => format!("DECIMAL({precision}, {scale})"),
            ColumnKind::Float => "DOUBLE".to_owned(),
            ColumnKind::Text => "VARCHAR(1000) CHARACTER SET utf8mb4".to_owned(),
            ColumnKind::FoldingText => "VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci".to_owned(),
            ColumnKind::VarChar(width) => format!("VARCHAR({width}) CHARACTER SET utf8mb4"),
            ColumnKind::Char(width) => format!("CHAR({width}) CHARACTER SET utf8mb4"),
            ColumnKind::LongText => "LONGTEXT CHARACTER SET utf8mb4".to_owned(),
            ColumnKind::Date => "DATE".to_owned(),
            ColumnKind::Timestamp => "DATETIME(3)".to_owned(),
            ColumnKind::Boolean => "BOOLEAN".to_owned(),
            ColumnKind::Uuid => "UUID".to_owned(),
            ColumnKind::Binary => "LONGBLOB".to_owned(),
            ColumnKind::TimestampWithZone => {
                return Err(Failure::not_applicable("it has no moments before 1970 or after 2038"));
            }
        })
    }

    fn as_text(&self, column: &str) -> String {
        format!("CAST({column} AS CHAR)")
    }

    fn equals(&self, column: &str, text: &str) -> String {
        format!("CAST({column} AS BINARY) = {text}")
    }

    async fn run(&self, statements: &[String]) -> Checked<Touched> {
        let mut connection = self.connect(&self.database).await?;
        for sql in statements {
            match connection.query_drop(sql.as_str()).await {
                Ok(()) => {}
                Err(Error::Server(error)) if error.code == 1205 => return Ok(Touched::KeptOut),
                // A name that ends in a space.
                Err(Error::Server(error)) if error.code == 1166 => {
                    return Err(Failure::not_applicable("no name ends in a space; the others are only names"));
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(Touched::Done)
    }

    async fn query(&self, sql: &str) -> Checked<Vec<Vec<Option<String>>>> {
        let rows: Vec<Row> = self.connect(&self.database).await?.query(sql).await.map_err(failed)?;
        let cell = |cell: Value| match cell {
            Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            _ => None,
        };
        Ok(rows.into_iter().map(|row| row.unwrap().into_iter().map(cell).collect()).collect())
    }

    /// A temporary table takes a right of its own here, which lets nobody change anything.
    async fn restrict_to_select(&self) -> Checked<Box<dyn Place>> {
        let (database, user) = (self.database.clone(), format!("reader_of_{}", self.database));
        self.run(&[
            format!("CREATE USER {user} IDENTIFIED BY '{PASSWORD}'"),
            format!("GRANT SELECT, CREATE TEMPORARY TABLES ON {database}.* TO {user}"),
        ])
        .await?;
        Ok(Box::new(OverSql(Schema { server: self.server.clone(), adapter: self.adapter.clone(), database, user })))
    }

    async fn cut_connections(&self) -> Checked {
        let sql = format!("SELECT CONCAT(id, '') FROM information_schema.processlist WHERE db = '{}'", self.database);
        let mut killer = self.connect("mysql").await?;
        let connections: Vec<String> = killer.query(sql).await.map_err(failed)?;
        for connection in connections {
            // One that went by itself meanwhile is as good.
            let _ = killer.query_drop(format!("KILL CONNECTION {connection}")).await;
        }
        Ok(())
    }
}
