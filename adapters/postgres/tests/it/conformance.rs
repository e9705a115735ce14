//! PostgreSQL keeps to the contracts.

use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::source::{Source, TableName};
use csc_bridge_core::staging::Staging;
use csc_bridge_postgres::PostgresEngine;
use csc_bridge_sql::{SqlSource, SqlStaging, StagingNames};
use csc_bridge_test_postgres::{Server, shared};
use csc_bridge_testkit::{
    Checked, ColumnKind, Database, Facts, Failure, OverSql, Place, SqlPlace, StagingSettings, Touched, Value, broken,
};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::support::Home;

struct Postgres(&'static Server);

#[async_trait]
impl Database for Postgres {
    fn name(&self) -> &str {
        "postgres"
    }

    async fn fresh(&self) -> Checked<Box<dyn Place>> {
        let home = Arc::new(Home::on(self.0));
        let place = Schema { keys: home.keys(), home };
        place
            .run(&[
                "CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level1', deterministic = false)".into()
            ])
            .await?;
        Ok(Box::new(OverSql(place)))
    }
}

/// A database of its own, for one account.
struct Schema {
    home: Arc<Home>,
    keys: String,
}

impl Schema {
    fn engine(&self) -> PostgresEngine {
        self.home.engine_with(&self.keys)
    }

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
        Ok(Arc::new(SqlSource::new(Arc::new(self.engine()))))
    }

    fn staging(&self, settings: &StagingSettings) -> Checked<Arc<dyn Staging>> {
        let table = |table: &str| TableName { schema: String::new(), table: table.to_owned() };
        let names = StagingNames {
            staging: table(&settings.staging),
            log: table(&settings.log),
            runs: table(&settings.runs),
            create: settings.create,
            create_staging: settings.create && !settings.managed_by_sql,
            create_database: settings.create,
        };
        let engine = self.engine().with_staging(names.staging.clone());
        Ok(Arc::new(SqlStaging::new(Arc::new(engine), names, None)?))
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
        let secret = self.home.secret("reads");
        let keys = format!("{}user = '{reader}'\npassword = {{ file = '{secret}' }}\n", self.home.place());
        Ok(Box::new(OverSql(Schema { home: self.home.clone(), keys })))
    }

    async fn cut_connections(&self) -> Checked {
        self.home.server.kill_backends(&self.home.database);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_conforms() {
    let Some(server) = shared() else { return };
    csc_bridge_testkit::run_all(&Postgres(server)).await.must_pass();
}

/// As over SQLite, where they are shown each time; here for whoever changes the suite.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and SQLite's tests show the same"]
async fn every_broken_twin_is_noticed() {
    let Some(server) = shared() else { return };
    broken::run_all(&Postgres(server)).await.must_pass();
}
