//! The conformance suite through a plugin: the PostgreSQL source that the SDK exports, in the process and isolated.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::config::{AllowedPlugin, Config};
use csc_bridge_core::registry::DatabaseAdapter;
use csc_bridge_core::source::Source;
use csc_bridge_core::staging::Staging;
use csc_bridge_plugin_host::{Limits, PluginAdapter, trust};
use csc_bridge_test_postgres::{Server, shared};
use csc_bridge_testkit::broken::run_sources;
use csc_bridge_testkit::{
    Checked, ColumnKind, Database, Facts, Failure, Needs, OverSql, Place, SqlPlace, StagingSettings, Touched, Value,
    run_part,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::support::{Hosted, InProcess, Isolated, load};

/// A plugin that was built with the tests, in a folder of its own. `library` is its file without `lib` and `.so`.
pub fn installed(name: &str, library: &str, hosted: Hosted) -> PluginAdapter {
    let built = built_beside_the_tests(&format!("lib{library}.so"));
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(&built).unwrap_or_else(|error| panic!("{}: {error}", built.display()));
    let sha256: [u8; 32] = Sha256::digest(&bytes).into();
    let hash: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    let manifest = format!(
        "name = \"{name}\"\nversion = \"0\"\nabi = 1\nsha256 = \"{hash}\"\npublisher = \"tests\"\nfile = \"p.so\"\n"
    );
    std::fs::write(folder.path().join("p.so"), bytes).unwrap();
    std::fs::write(folder.path().join(format!("{name}.toml")), manifest).unwrap();
    let limits = Limits::default();
    let allowed = AllowedPlugin { name: name.to_owned(), sha256, isolate: false, timeout: limits.call };
    load(trust::open(folder.path(), name, &[allowed]).unwrap(), hosted, limits).unwrap()
}

fn built_beside_the_tests(file: &str) -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().join(file)
}

struct ThroughPlugin {
    server: &'static Server,
    name: String,
    adapter: PluginAdapter,
    /// How the plugin is to be wrong.
    fault: Option<&'static str>,
}

#[async_trait]
impl Database for ThroughPlugin {
    fn name(&self) -> &str {
        &self.name
    }

    async fn fresh(&self) -> Checked<Box<dyn Place>> {
        let home = Arc::new(Home {
            server: self.server,
            database: self.server.database(),
            folder: tempfile::tempdir().unwrap(),
            adapter: self.adapter.clone(),
            fault: self.fault,
        });
        let place = Schema { keys: home.keys(self.server.superuser(), self.server.password()), home };
        let folding = "CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level1', deterministic = false)";
        place.run(&[folding.into()]).await?;
        Ok(Box::new(OverSql(place)))
    }
}

/// A database of its own.
struct Home {
    server: &'static Server,
    database: String,
    folder: TempDir,
    adapter: PluginAdapter,
    fault: Option<&'static str>,
}

impl Home {
    /// The keys of `[source]` for an account.
    fn keys(&self, user: &str, password: &str) -> String {
        let secret = format!("secret-of-{user}");
        std::fs::write(self.folder.path().join(&secret), password).unwrap();
        format!(
            "host = '127.0.0.1'\nport = {}\ndatabase = '{}'\nuser = '{user}'\npassword = {{ file = '{secret}' }}\nlock_timeout = '300ms'\n",
            self.server.port(),
            self.database,
        )
    }

    fn config(&self, keys: &str) -> Config {
        let fault = self.fault.map(|fault| format!("fault = '{fault}'\n")).unwrap_or_default();
        let text = format!("cms = \"sqlite\"\nla_code = \"845\"\n[source]\nadapter = \"a-plugin\"\n{keys}{fault}");
        Config::parse(&Path::new(self.folder.path()).join("csc-bridge.toml"), &text).unwrap()
    }
}

/// A database for one account.
struct Schema {
    home: Arc<Home>,
    keys: String,
}

impl Schema {
    /// A connection of somebody else's.
    async fn client(&self) -> Checked<Client> {
        let url = self.home.server.url(&self.home.database);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.map_err(unexpected)?;
        tokio::spawn(connection);
        client.batch_execute("SET lock_timeout = '200ms'").await.map_err(unexpected)?;
        Ok(client)
    }
}

fn unexpected(error: tokio_postgres::Error) -> Failure {
    Failure::broken("a statement of the test's own that works", format!("{error:?}"))
}

#[async_trait]
impl SqlPlace for Schema {
    fn facts(&self) -> Facts {
        Facts { row_locks: true, folds: true, empty_text_is_null: false, upper_case_uuids: false, longest_name: 63 }
    }

    fn source(&self) -> Checked<Arc<dyn Source>> {
        Ok(self.home.adapter.source(&self.home.config(&self.keys).source.options)?)
    }

    fn staging(&self, _: &StagingSettings) -> Checked<Arc<dyn Staging>> {
        Err(Failure::not_applicable("plugins keep no staging tables"))
    }

    fn column_type(&self, kind: ColumnKind) -> Checked<String> {
        Ok(match kind {
            ColumnKind::SmallInteger => "smallint".to_owned(),
            ColumnKind::Integer => "integer".to_owned(),
            ColumnKind::BigInteger => "bigint".to_owned(),
            ColumnKind::Numeric { precision, scale } => format!("numeric({precision}, {scale})"),
            ColumnKind::Float => "double precision".to_owned(),
            ColumnKind::Text | ColumnKind::LongText => "text".to_owned(),
            ColumnKind::FoldingText => "text COLLATE folding".to_owned(),
            ColumnKind::VarChar(width) => format!("varchar({width})"),
            ColumnKind::Char(width) => format!("char({width})"),
            ColumnKind::Date => "date".to_owned(),
            ColumnKind::Timestamp => "timestamp".to_owned(),
            ColumnKind::TimestampWithZone => "timestamptz".to_owned(),
            ColumnKind::Boolean => "boolean".to_owned(),
            ColumnKind::Uuid => "uuid".to_owned(),
            ColumnKind::Binary => "bytea".to_owned(),
        })
    }

    fn literal(&self, value: &Value) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        match value {
            Value::Null => "NULL".to_owned(),
            Value::Integer(number) => number.to_string(),
            Value::Number(number) => number.clone(),
            Value::Boolean(flag) => flag.to_string(),
            Value::Text(text) => quoted(text),
            Value::Date(date) => format!("DATE {}", quoted(date)),
            Value::Timestamp(time) => format!("TIMESTAMP {}", quoted(time)),
            Value::Moment(time) => format!("TIMESTAMPTZ '{time}+00'"),
            Value::Bytes(bytes) => {
                format!("'\\x{}'::bytea", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            }
        }
    }

    async fn run(&self, statements: &[String]) -> Checked<Touched> {
        let client = self.client().await?;
        for sql in statements {
            match client.batch_execute(sql).await {
                Ok(()) => {}
                Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => return Ok(Touched::KeptOut),
                Err(error) => return Err(unexpected(error)),
            }
        }
        Ok(Touched::Done)
    }

    async fn query(&self, sql: &str) -> Checked<Vec<Vec<Option<String>>>> {
        let messages = self.client().await?.simple_query(sql).await.map_err(unexpected)?;
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect::<Vec<_>>())
            }
            _ => None,
        };
        Ok(messages.into_iter().filter_map(row).collect())
    }

    async fn restrict_to_select(&self) -> Checked<Box<dyn Place>> {
        let reader = format!("reader_of_{}", self.home.database);
        self.run(&[
            format!("CREATE ROLE \"{reader}\" LOGIN PASSWORD 'reads'"),
            format!("GRANT USAGE ON SCHEMA public TO \"{reader}\""),
            format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"{reader}\""),
        ])
        .await?;
        let mut keys = self.home.keys(&reader, "reads");
        if self.home.fault.is_some() {
            keys.push_str("restricted = true\n");
        }
        Ok(Box::new(OverSql(Schema { home: self.home.clone(), keys })))
    }

    async fn cut_connections(&self) -> Checked {
        self.home.server.kill_backends(&self.home.database);
        Ok(())
    }
}

async fn conforms(hosted: Hosted) {
    let Some(server) = shared() else { return };
    let adapter = installed("postgres-plugin", "postgres_plugin", hosted);
    let name = format!("postgres-plugin, {hosted}");
    run_part(&ThroughPlugin { server, name, adapter, fault: None }, Needs::Source).await.must_pass();
}

/// Where a source is wrong, the suite says so also when it is reached through a plugin.
async fn notices(hosted: Hosted) {
    let Some(server) = shared() else { return };
    let adapter = installed("broken-plugin", "broken_plugin", hosted);
    let name = format!("broken twins of postgres-plugin, {hosted}");
    let broken = |fault| ThroughPlugin { server, name: name.clone(), adapter: adapter.clone(), fault: Some(fault) };
    // The twin goes wrong in the source that it was; the host asks the plugin for a new one.
    let good = [(
        "is empty after a drop",
        "a_session_dropped_in_mid_scan_leaves_the_source_usable",
        "each session has a source of its own",
    )];
    run_sources(&name, broken, &good).await.must_pass();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_broken_source_is_noticed_through_a_plugin_in_process() {
    notices(InProcess).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_broken_source_is_noticed_through_a_plugin_isolated() {
    notices(Isolated).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_postgres_plugin_conforms_in_process() {
    conforms(InProcess).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_postgres_plugin_conforms_isolated() {
    conforms(Isolated).await;
}
