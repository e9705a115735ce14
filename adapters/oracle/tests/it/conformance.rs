//! Oracle keeps to the contracts: behind the test library, and with `CSC_BRIDGE_TEST_ORACLE` on a real server.

use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::source::{Source, TableName};
use csc_bridge_core::staging::Staging;
use csc_bridge_oracle::OracleDialect;
use csc_bridge_sql::{Dialect, SqlSource, SqlStaging, StagingNames};
use csc_bridge_testkit::{
    Checked, ColumnKind, Database, Facts, Failure, Place, StagingSettings, TestTable, Touched, Value,
};
use oracle::sql_type::{OracleType, ToSql};

use crate::home::{Home, Kind};
use crate::real::Admin;

/// Somebody else has what a statement needs.
const HELD: i32 = 54;

struct Oracle(Kind);

#[async_trait]
impl Database for Oracle {
    fn name(&self) -> &str {
        "oracle"
    }

    async fn fresh(&self) -> Checked<Box<dyn Place>> {
        let home = Home::new(&self.0).ok_or_else(|| Failure::not_applicable("no PostgreSQL is installed"))?;
        Ok(Box::new(Account { keys: home.keys(), home: Arc::new(home) }))
    }
}

/// A database of its own, for one account.
struct Account {
    home: Arc<Home>,
    keys: String,
}

fn unexpected(error: oracle::Error) -> Failure {
    Failure::broken("a statement of the test's own that works", error.to_string())
}

fn quoted(name: &str) -> String {
    OracleDialect.quote(name)
}

impl Account {
    /// Runs a statement of somebody else's, and commits.
    fn run(&self, sql: &str, params: &[&dyn ToSql]) -> Checked<Touched> {
        let driver = self.home.driver().map_err(unexpected)?;
        match driver.execute(sql, params).and_then(|_| driver.commit()) {
            Ok(()) => Ok(Touched::Done),
            Err(error) if error.oci_code() == Some(HELD) => Ok(Touched::KeptOut),
            Err(error) => Err(unexpected(error)),
        }
    }

    fn must(&self, sql: &str) -> Checked {
        match self.run(sql, &[])? {
            Touched::Done => Ok(()),
            Touched::KeptOut => Err(Failure::broken("no lock on a table while nobody uses it", "one")),
        }
    }

    /// Changes the rows that a condition chooses, unless one of them is locked: an UPDATE would wait for it.
    fn change(&self, table: &str, sql: &str, only: Option<(&str, &str)>, set: &[(&str, Value)]) -> Checked<Touched> {
        let driver = self.home.driver().map_err(unexpected)?;
        let set: Vec<Given<'_>> = set.iter().map(|(_, value)| Given(value)).collect();
        let text = only.map(|(_, text)| text.to_owned());
        let chosen = |position: usize| {
            only.map_or(String::new(), |(column, _)| format!(" WHERE {} = :{position}", quoted(column)))
        };
        let lock = format!("SELECT 1 FROM {}{} FOR UPDATE NOWAIT", quoted(table), chosen(1));
        let text: Vec<&dyn ToSql> = text.iter().map(|text| text as &dyn ToSql).collect();
        let locked = driver.query(&lock, &text).and_then(|rows| rows.collect::<oracle::Result<Vec<_>>>());
        match locked {
            Err(error) if error.oci_code() == Some(HELD) => return Ok(Touched::KeptOut),
            Err(error) => return Err(unexpected(error)),
            Ok(_) => {}
        }
        let params: Vec<&dyn ToSql> = set.iter().map(|value| value as &dyn ToSql).chain(text).collect();
        let sql = format!("{sql}{}", chosen(set.len() + 1));
        driver.execute(&sql, &params).and_then(|_| driver.commit()).map_err(unexpected)?;
        Ok(Touched::Done)
    }
}

/// A value of a check, bound.
struct Given<'a>(&'a Value);

impl ToSql for Given<'_> {
    fn oratype(&self, _: &oracle::Connection) -> oracle::Result<OracleType> {
        let size = |length: usize| u32::try_from(length.max(1)).unwrap();
        Ok(match self.0 {
            Value::Null => OracleType::Varchar2(1),
            Value::Integer(_) | Value::Boolean(_) => OracleType::Int64,
            Value::Number(text) | Value::Date(text) | Value::Timestamp(text) | Value::Moment(text) => {
                OracleType::Varchar2(size(text.len()))
            }
            Value::Text(text) if text.len() > 4000 => OracleType::Long,
            Value::Text(text) => OracleType::Varchar2(size(text.len())),
            Value::Bytes(bytes) => OracleType::Raw(size(bytes.len())),
        })
    }

    fn to_sql(&self, value: &mut oracle::SqlValue<'_>) -> oracle::Result<()> {
        match self.0 {
            Value::Null => value.set_null(),
            Value::Text(text) if text.is_empty() => value.set_null(),
            Value::Integer(number) => value.set(number),
            Value::Boolean(flag) => value.set(&i64::from(*flag)),
            Value::Number(text)
            | Value::Date(text)
            | Value::Timestamp(text)
            | Value::Moment(text)
            | Value::Text(text) => value.set(&text.as_str()),
            Value::Bytes(bytes) => value.set(&bytes.as_slice()),
        }
    }
}

/// A parameter of an INSERT into a column of this kind.
fn place_of(kind: ColumnKind, position: usize) -> String {
    match kind {
        ColumnKind::Numeric { .. } => format!("TO_NUMBER(:{position})"),
        ColumnKind::Float => format!("CAST(TO_NUMBER(:{position}) AS BINARY_DOUBLE)"),
        ColumnKind::Date => format!("TO_DATE(:{position}, 'YYYY-MM-DD')"),
        ColumnKind::Timestamp => format!("TO_TIMESTAMP(:{position}, 'YYYY-MM-DD HH24:MI:SS.FF3')"),
        ColumnKind::TimestampWithZone => {
            format!("FROM_TZ(TO_TIMESTAMP(:{position}, 'YYYY-MM-DD HH24:MI:SS.FF3'), '+00:00')")
        }
        _ => format!(":{position}"),
    }
}

fn type_of(kind: ColumnKind) -> Checked<String> {
    Ok(match kind {
        ColumnKind::SmallInteger => "NUMBER(5)".to_owned(),
        ColumnKind::Integer => "NUMBER(10)".to_owned(),
        ColumnKind::BigInteger => "NUMBER(19)".to_owned(),
        ColumnKind::Numeric { precision, scale } => format!("NUMBER({precision}, {scale})"),
        ColumnKind::Float => "BINARY_DOUBLE".to_owned(),
        ColumnKind::Text => "VARCHAR2(1000 CHAR)".to_owned(),
        ColumnKind::VarChar(width) => format!("VARCHAR2({width} CHAR)"),
        ColumnKind::Char(width) => format!("CHAR({width})"),
        ColumnKind::LongText => "CLOB".to_owned(),
        ColumnKind::Date => "DATE".to_owned(),
        ColumnKind::Timestamp => "TIMESTAMP(3)".to_owned(),
        ColumnKind::TimestampWithZone => "TIMESTAMP(3) WITH TIME ZONE".to_owned(),
        ColumnKind::Binary => "RAW(2000)".to_owned(),
        ColumnKind::FoldingText => return Err(Failure::not_applicable("a session compares by exact characters")),
        ColumnKind::Boolean => return Err(Failure::not_applicable("before 23ai it has no BOOLEAN")),
        ColumnKind::Uuid => return Err(Failure::not_applicable("it has no type for UUIDs")),
    })
}

#[async_trait]
impl Place for Account {
    fn facts(&self) -> Facts {
        // PostgreSQL, behind the library, has half of Oracle's 128.
        let longest_name = if self.home.is_real() { 128 } else { 63 };
        Facts { row_locks: true, folds: false, empty_text_is_null: true, upper_case_uuids: false, longest_name }
    }

    fn source(&self) -> Checked<Arc<dyn Source>> {
        Ok(Arc::new(SqlSource::new(Arc::new(self.home.engine_with(&self.keys)))))
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
        Ok(Arc::new(SqlStaging::new(Arc::new(self.home.engine_with(&self.keys)), names, None)?))
    }

    async fn create(&self, table: &TestTable) -> Checked {
        let columns = table.columns.iter().map(|(column, kind)| Ok(format!("{} {}", quoted(column), type_of(*kind)?)));
        let columns = columns.collect::<Checked<Vec<String>>>()?;
        let has_quotes = table.columns.iter().any(|(column, _)| column.contains('"')) || table.name.contains('"');
        if self.home.is_real() && has_quotes {
            return Err(Failure::not_applicable("no name has a quotation mark in it"));
        }
        self.must(&format!("CREATE TABLE {} ({})", quoted(&table.name), columns.join(", ")))
    }

    async fn insert(&self, table: &TestTable, rows: &[Vec<Value>]) -> Checked {
        let driver = self.home.driver().map_err(unexpected)?;
        let columns: Vec<String> = table.columns.iter().map(|(column, _)| quoted(column)).collect();
        let places: Vec<String> =
            table.columns.iter().enumerate().map(|(at, (_, kind))| place_of(*kind, at + 1)).collect();
        let sql =
            format!("INSERT INTO {} ({}) VALUES ({})", quoted(&table.name), columns.join(", "), places.join(", "));
        let long = table.columns.iter().any(|(_, kind)| *kind == ColumnKind::LongText);
        // Array DML binds every row with the type of the first.
        let size = if long { 1 } else { rows.len().clamp(1, 1000) };
        let mut batch = driver.batch(&sql, size).build().map_err(unexpected)?;
        for (at, (_, kind)) in table.columns.iter().enumerate() {
            let kind = match kind {
                ColumnKind::LongText => OracleType::Long,
                ColumnKind::Binary => OracleType::Raw(2000),
                ColumnKind::SmallInteger | ColumnKind::Integer | ColumnKind::BigInteger => OracleType::Int64,
                _ => OracleType::Varchar2(4000),
            };
            batch.set_type(at + 1, &kind).map_err(unexpected)?;
        }
        for row in rows {
            let row: Vec<Given<'_>> = row.iter().map(Given).collect();
            let row: Vec<&dyn ToSql> = row.iter().map(|value| value as &dyn ToSql).collect();
            batch.append_row(&row).map_err(unexpected)?;
        }
        batch.execute().map_err(unexpected)?;
        driver.commit().map_err(unexpected)
    }

    async fn update(&self, table: &str, set: &[(&str, Value)], only: Option<(&str, &str)>) -> Checked<Touched> {
        let columns: Vec<String> =
            set.iter().enumerate().map(|(at, (column, _))| format!("{} = :{}", quoted(column), at + 1)).collect();
        let sql = format!("UPDATE {} SET {}", quoted(table), columns.join(", "));
        self.change(table, &sql, only, set)
    }

    async fn delete(&self, table: &str, only: Option<(&str, &str)>) -> Checked<Touched> {
        self.change(table, &format!("DELETE FROM {}", quoted(table)), only, &[])
    }

    async fn read(&self, table: &str, columns: &[&str]) -> Checked<Vec<Vec<Option<String>>>> {
        let driver = self.home.driver().map_err(unexpected)?;
        let names: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        let order = names.first().map_or(String::new(), |first| format!(" ORDER BY {first}"));
        let sql = format!("SELECT {} FROM {}{order}", names.join(", "), quoted(table));
        let rows = driver.query(&sql, &[]).map_err(unexpected)?;
        rows.map(|row| (0..columns.len()).map(|at| row.as_ref().map_err(copied)?.get(at)).collect())
            .collect::<oracle::Result<_>>()
            .map_err(unexpected)
    }

    async fn refill(&self, table: &TestTable, rows: &[Vec<Value>]) -> Checked<Touched> {
        match self.run(&format!("TRUNCATE TABLE {}", quoted(&table.name)), &[])? {
            Touched::KeptOut => Ok(Touched::KeptOut),
            Touched::Done => self.insert(table, rows).await.map(|()| Touched::Done),
        }
    }

    async fn drop_column(&self, table: &str, column: &str) -> Checked {
        self.must(&format!("ALTER TABLE {} DROP COLUMN {}", quoted(table), quoted(column)))
    }

    async fn make_view(&self, view: &str, of: &str, columns: &[&str]) -> Checked {
        let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        self.must(&format!("CREATE VIEW {} AS SELECT {} FROM {}", quoted(view), columns.join(", "), quoted(of)))
    }

    async fn refuse(&self, table: &str, column: &str, text: &str) -> Checked {
        let text = text.replace('\'', "''");
        let (table, column) = (quoted(table), quoted(column));
        self.must(&format!("ALTER TABLE {table} ADD CONSTRAINT refused_by_a_check CHECK ({column} <> '{text}')"))
    }

    async fn restrict_to_select(&self) -> Checked<Box<dyn Place>> {
        Ok(Box::new(Account { keys: self.home.reader().map_err(unexpected)?, home: self.home.clone() }))
    }

    async fn cut_connections(&self) -> Checked {
        self.home.cut().map_err(unexpected)
    }
}

/// An error that is read twice.
fn copied(error: &oracle::Error) -> oracle::Error {
    oracle::Error::new(error.kind(), error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn oracle_conforms() {
    csc_bridge_testkit::run_all(&Oracle(Kind::Library)).await.must_pass();
    crate::statements::must_be_listed();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an Oracle, named by CSC_BRIDGE_TEST_ORACLE"]
async fn a_real_oracle_conforms() {
    csc_bridge_testkit::run_all(&Oracle(Kind::Real(Admin::of_environment()))).await.must_pass();
}
