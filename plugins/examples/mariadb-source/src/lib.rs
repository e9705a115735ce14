//! mariadb-source: MariaDB (10.7 or later) as a source of csc-bridge, on the SQL layer that its built-in adapters share. It began as the
//! output of `csc-bridge plugin new mariadb-source`.
//!
//! It reads a server on this machine, or one to which a tunnel leads: the driver is built without TLS, for brevity. Its account needs SELECT
//! and CREATE TEMPORARY TABLES. Columns of the type TIMESTAMP arrive in the server's time zone.

use std::sync::Arc;

use csc_bridge_plugin_sdk::arrow_array::RecordBatch;
use csc_bridge_plugin_sdk::error::{Error, Kind, Result};
use csc_bridge_plugin_sdk::secrecy::ExposeSecret;
use csc_bridge_plugin_sdk::serde::Deserialize;
use csc_bridge_plugin_sdk::source::{ReadSession, RowStream, ScanEvent, Source, Table, TableName};
use csc_bridge_plugin_sdk::{Options, PluginSource, SecretRef, async_trait, export_source};
use csc_bridge_sql::{
    Connection, Dialect, Engine, Purpose, Read, Row, SqlSource, Store, Texts, Value, insertions, name,
};
use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable;
use mysql_async::{Column, Conn, Opts, OptsBuilder, QueryResult, TextProtocol};

/// For every connection: standard quotes and literals, one moment for all reads of a transaction, joins by hashing where there is no index.
const SETUP: &str = "SET NAMES utf8mb4, sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_TRANS_TABLES', \
     tx_isolation = 'REPEATABLE-READ', join_cache_level = 4, lock_wait_timeout = 10";

/// The character set of what is bytes and not text.
const BINARY: u16 = 63;

/// The keys of `[source]`.
#[derive(Deserialize)]
#[serde(crate = "csc_bridge_plugin_sdk::serde", deny_unknown_fields)]
struct Settings {
    port: u16,
    database: String,
    user: String,
    password: SecretRef,
}

pub struct MariaDbSource(SqlSource);

impl PluginSource for MariaDbSource {
    fn from_options(options: &Options) -> Result<MariaDbSource> {
        let settings: Settings = options.parse()?;
        let password = options.secret("password", &settings.password)?;
        let opts = OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(settings.port)
            .prefer_socket(false)
            .db_name(Some(&settings.database))
            .user(Some(&settings.user))
            .pass(Some(password.expose_secret()))
            .init(vec![SETUP]);
        Ok(MariaDbSource(SqlSource::new(Arc::new(MariaDb(opts.into())))))
    }
}

#[async_trait]
impl Source for MariaDbSource {
    async fn open(&self, tables: &[Table]) -> Result<Box<dyn ReadSession>> {
        self.0.open(tables).await
    }
}

struct MariaDb(Opts);

#[async_trait]
impl Engine for MariaDb {
    fn dialect(&self) -> &dyn Dialect {
        &Spellings
    }

    fn place(&self) -> String {
        format!("MariaDB at 127.0.0.1:{}", self.0.tcp_port())
    }

    async fn connect(&self, _: Purpose) -> Result<Box<dyn Connection>> {
        let connected = Conn::new(self.0.clone()).await.map_err(explain);
        Ok(Box::new(Connected(connected.map_err(|error| error.within(self.place()))?)))
    }
}

struct Spellings;

impl Dialect for Spellings {
    /// As bytes: no collation has a say.
    fn key(&self, expr: &str) -> String {
        let white: String = name::WHITE_SPACE.iter().map(|code| format!("\\x{{{code:x}}}")).collect();
        format!("CAST(REGEXP_REPLACE(CAST({expr} AS CHAR), '^[{white}]+|[{white}]+\\z', '') AS BINARY)")
    }

    /// A temporary table hides one of the same name, so it has a name that no SSD has.
    fn temporary(&self, name: &str) -> String {
        self.quote(&format!("#{name}"))
    }

    fn create_temporary(&self, name: &str, columns: &[(&str, Store)], key: &str) -> String {
        let kind = |store: &Store| match store {
            Store::Text(width) => format!("VARBINARY({})", width * 4),
            _ => "INT".to_owned(),
        };
        let columns = columns.iter().map(|(column, store)| format!("{column} {}, ", kind(store)));
        let columns: String = columns.collect();
        format!("CREATE TEMPORARY TABLE {} ({columns}PRIMARY KEY ({key})) ENGINE = Aria", self.temporary(name))
    }
}

/// Whether a row of the catalogue is about a table. Names have been looked at: U+0000 is in none.
fn is(table: &TableName) -> String {
    let (schema, name) = (Spellings.literal(&table.schema), Spellings.literal(&table.table));
    format!("table_schema = COALESCE(NULLIF({schema}, ''), DATABASE()) AND table_name = {name}")
}

struct Connected(Conn);

#[async_trait]
impl Connection for Connected {
    async fn execute(&mut self, sql: &str, _: &[Value]) -> Result<u64> {
        self.0.query_drop(sql).await.map_err(explain)?;
        Ok(self.0.affected_rows())
    }

    async fn query(&mut self, sql: &str, _: &[Value]) -> Result<Vec<Row>> {
        let rows: Vec<mysql_async::Row> = self.0.query(sql).await.map_err(explain)?;
        let row = |row: &mysql_async::Row| {
            let cell = |(column, at): (&Column, usize)| {
                Ok(match text(row, at, column)? {
                    None => Value::Null,
                    Some(text) if column.column_type() == ColumnType::MYSQL_TYPE_LONGLONG => {
                        Value::Integer(text.parse().map_err(|_| Error::internal("a count that is no number"))?)
                    }
                    Some(text) => Value::text(text),
                })
            };
            Ok(Row(row.columns_ref().iter().zip(0..).map(cell).collect::<Result<_>>()?))
        };
        rows.iter().map(row).collect()
    }

    async fn scan(&mut self, read: Read) -> Result<Box<dyn RowStream + '_>> {
        let within = format!("reading {}", read.table);
        let failed = |error| explain(error).within(&within);
        let result = self.0.query_iter(read.sql.clone()).await.map_err(failed)?;
        Ok(Box::new(Rows { result, batch: Texts::new(read), within, rows: 0 }))
    }

    async fn load(&mut self, target: &str, rows: &RecordBatch) -> Result<()> {
        for sql in insertions(&Spellings, target, rows)? {
            self.execute(&sql, &[]).await?;
        }
        Ok(())
    }

    async fn columns(&mut self, table: &TableName) -> Result<Option<Vec<String>>> {
        let sql =
            format!("SELECT column_name FROM information_schema.columns WHERE {} ORDER BY ordinal_position", is(table));
        let names = self.query(&sql, &[]).await?.into_iter().map(|mut row| row.word(0));
        Ok(Some(names.collect::<Result<Vec<String>>>()?).filter(|names| !names.is_empty()))
    }

    /// A look at a table keeps TRUNCATE and DROP away until the transaction ends. What came before that look is noticed: the server
    /// refuses to read a table that was truncated after the moment.
    async fn snapshot(&mut self, tables: &[TableName]) -> Result<()> {
        self.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT", &[]).await?;
        for table in tables {
            let look = format!("SELECT 1 FROM {} LIMIT 0", Spellings.table(table));
            self.execute(&look, &[]).await.map_err(|error| error.within(format!("locking {table}")))?;
            let sql =
                format!("SELECT engine FROM information_schema.tables WHERE engine <> 'InnoDB' AND {}", is(table));
            if !self.query(&sql, &[]).await?.is_empty() {
                return Err(Error::new(Kind::Schema, format!("{table} keeps no moment"), "have it stored by InnoDB"));
            }
        }
        Ok(())
    }
}

/// The rows of a read, as the server sends them. Their end is a packet of its own, which the driver waits for.
struct Rows<'c> {
    result: QueryResult<'c, 'static, TextProtocol>,
    batch: Texts,
    within: String,
    rows: u64,
}

#[async_trait]
impl RowStream for Rows<'_> {
    async fn next(&mut self) -> Result<ScanEvent> {
        while let Some(row) = self.result.next().await.map_err(|error| explain(error).within(&self.within))? {
            let cells = row.columns_ref().iter().zip(0..).map(|(column, at)| text(&row, at, column));
            let cells = cells.collect::<Result<Vec<_>>>().map_err(|error| error.within(&self.within))?;
            self.rows += 1;
            if self.batch.push(cells)? {
                break;
            }
        }
        Ok(match self.batch.take()? {
            Some(batch) => ScanEvent::Rows(batch),
            None => ScanEvent::Complete { rows: self.rows },
        })
    }
}

/// The text of a cell: the server prints every value.
fn text<'r>(row: &'r mysql_async::Row, at: usize, column: &Column) -> Result<Option<&'r str>> {
    use ColumnType::{MYSQL_TYPE_BIT, MYSQL_TYPE_BLOB, MYSQL_TYPE_GEOMETRY, MYSQL_TYPE_STRING, MYSQL_TYPE_VAR_STRING};
    let is_bytes = match column.column_type() {
        MYSQL_TYPE_BIT | MYSQL_TYPE_GEOMETRY => true,
        MYSQL_TYPE_BLOB | MYSQL_TYPE_STRING | MYSQL_TYPE_VAR_STRING => column.character_set() == BINARY,
        _ => false,
    };
    let name = column.name_str();
    let refused = |what: &str| {
        Error::new(Kind::Schema, format!("the column {name} holds {what}"), "leave it out, by missing_columns")
    };
    match row.as_ref(at) {
        _ if is_bytes => Err(refused("bytes")),
        Some(mysql_async::Value::NULL) => Ok(None),
        Some(mysql_async::Value::Bytes(bytes)) => {
            std::str::from_utf8(bytes).map(Some).map_err(|_| refused("text that is not UTF-8"))
        }
        _ => Err(Error::internal("a cell that is not there")),
    }
}

/// By code, never by the server's text, which quotes values.
fn explain(error: mysql_async::Error) -> Error {
    let lost =
        || Error::new(Kind::Unreachable, "no connection, or it was lost", "check that the server runs, and port");
    let mysql_async::Error::Server(mysql_async::ServerError { code, .. }) = error else { return lost() };
    let (kind, what, advice) = match code {
        1044 | 1045 | 1142 | 1143 => (Kind::Permission, "the account was refused", "check user, password and grants"),
        1049 => (Kind::Config, "there is no such database", "check [source] database"),
        1054 | 1146 => (Kind::Schema, "a table or column is not there", "check [source.names]"),
        1205 | 1213 => (Kind::Busy, "somebody else has the tables locked", "run again when their refresh is over"),
        1412 => (Kind::Incomplete, "a table was filled anew meanwhile", "run again when the refresh is over"),
        1053 | 1317 | 1927 | 1969 => {
            (Kind::Unreachable, "the server ended the read", "ask who ended it, and run again")
        }
        _ => (Kind::Data, "the server refused a statement", "look the code up in MariaDB's manual"),
    };
    Error::new(kind, format!("{what} (code {code})"), advice)
}

export_source!(MariaDbSource);
