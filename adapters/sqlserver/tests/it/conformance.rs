//! SQL Server keeps to the contracts: over the test server, and with `CSC_BRIDGE_TEST_SQLSERVER` over a real one.

use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::source::{Source, TableName};
use csc_bridge_core::staging::Staging;
use csc_bridge_sql::{SqlSource, SqlStaging, StagingNames};
use csc_bridge_sqlserver::SqlServerEngine;
use csc_bridge_testkit::{
    Checked, ColumnKind, Database, Facts, Failure, OverSql, Place, SqlPlace, StagingSettings, Touched, Value, broken,
};

use crate::home::{Failed, Home, Kind};

struct SqlServer(Kind);

#[async_trait]
impl Database for SqlServer {
    fn name(&self) -> &str {
        "sqlserver"
    }

    async fn fresh(&self) -> Checked<Box<dyn Place>> {
        let home = Home::new(&self.0).await.ok_or_else(|| Failure::not_applicable("no PostgreSQL is installed"))?;
        Ok(Box::new(OverSql(Schema { keys: home.keys(), home: Arc::new(home) })))
    }
}

/// A database of its own, for one account.
struct Schema {
    home: Arc<Home>,
    keys: String,
}

impl Schema {
    fn engine(&self) -> SqlServerEngine {
        self.home.engine_with(&self.keys)
    }
}

fn unexpected(error: Failed) -> Failure {
    Failure::broken("a statement of the test's own that works", error.to_string())
}

#[async_trait]
impl SqlPlace for Schema {
    fn facts(&self) -> Facts {
        let longest_name = self.home.longest_name();
        Facts { row_locks: true, folds: true, empty_text_is_null: false, upper_case_uuids: true, longest_name }
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
        Ok(Arc::new(SqlStaging::new(Arc::new(self.engine()), names, None)?))
    }

    /// Texts have the database's collation, which folds case and leaves spaces at the end out.
    fn column_type(&self, kind: ColumnKind) -> Checked<String> {
        Ok(match kind {
            ColumnKind::SmallInteger => "SMALLINT".to_owned(),
            ColumnKind::Integer => "INT".to_owned(),
            ColumnKind::BigInteger => "BIGINT".to_owned(),
            ColumnKind::Numeric { precision, scale } => format!("DECIMAL({precision}, {scale})"),
            ColumnKind::Float => "FLOAT".to_owned(),
            ColumnKind::Text | ColumnKind::FoldingText => "NVARCHAR(4000)".to_owned(),
            ColumnKind::LongText => "NVARCHAR(MAX)".to_owned(),
            ColumnKind::VarChar(width) => format!("NVARCHAR({width})"),
            ColumnKind::Char(width) => format!("NCHAR({width})"),
            ColumnKind::Date => "DATE".to_owned(),
            ColumnKind::Timestamp => "DATETIME2(3)".to_owned(),
            ColumnKind::TimestampWithZone => "DATETIMEOFFSET(3)".to_owned(),
            ColumnKind::Boolean => "BIT".to_owned(),
            ColumnKind::Uuid => "UNIQUEIDENTIFIER".to_owned(),
            ColumnKind::Binary => "VARBINARY(8000)".to_owned(),
        })
    }

    fn literal(&self, value: &Value) -> String {
        match value {
            Value::Null => "NULL".to_owned(),
            Value::Integer(number) => number.to_string(),
            Value::Number(number) => number.clone(),
            Value::Boolean(flag) => u8::from(*flag).to_string(),
            Value::Text(text) => format!("N'{}'", text.replace('\'', "''")),
            Value::Date(date) => format!("CAST('{date}' AS DATE)"),
            Value::Timestamp(time) => format!("CAST('{time}' AS DATETIME2(3))"),
            Value::Moment(time) => format!("CAST('{time} +00:00' AS DATETIMEOFFSET(3))"),
            Value::Bytes(bytes) => {
                format!("0x{}", bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>())
            }
        }
    }

    /// As it is: [`Client::rows`](crate::home::Client::rows) makes texts.
    fn as_text(&self, column: &str) -> String {
        column.to_owned()
    }

    fn equals(&self, column: &str, text: &str) -> String {
        format!("{column} COLLATE Latin1_General_BIN2 = {text} AND DATALENGTH({column}) = DATALENGTH({text})")
    }

    async fn run(&self, statements: &[String]) -> Checked<Touched> {
        let mut client = self.home.client().await.map_err(unexpected)?;
        for sql in statements {
            match client.run(sql).await {
                Ok(()) => {}
                Err(error) if error.is_lock_timeout() => return Ok(Touched::KeptOut),
                Err(error) => return Err(unexpected(error)),
            }
        }
        Ok(Touched::Done)
    }

    async fn query(&self, sql: &str) -> Checked<Vec<Vec<Option<String>>>> {
        self.home.client().await.map_err(unexpected)?.rows(sql).await.map_err(unexpected)
    }

    async fn restrict_to_select(&self) -> Checked<Box<dyn Place>> {
        let keys = self.home.reader().await.map_err(unexpected)?;
        Ok(Box::new(OverSql(Schema { home: self.home.clone(), keys })))
    }

    async fn cut_connections(&self) -> Checked {
        self.home.cut_connections().await.map_err(unexpected)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlserver_conforms() {
    csc_bridge_testkit::run_all(&SqlServer(Kind::Simulated)).await.must_pass();
    crate::statements::must_be_listed();
}

/// `CSC_BRIDGE_TEST_SQLSERVER="SERVER=localhost,1433;UID=sa;PWD=…;TrustServerCertificate=yes"`: a logon that may create databases.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a SQL Server, named by CSC_BRIDGE_TEST_SQLSERVER"]
async fn a_real_sqlserver_conforms() {
    csc_bridge_testkit::run_all(&SqlServer(Kind::real())).await.must_pass();
}

/// As over SQLite, where they are shown each time; here for whoever changes the suite.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and SQLite's tests show the same"]
async fn every_broken_twin_is_noticed() {
    broken::run_all(&SqlServer(Kind::Simulated)).await.must_pass();
}
