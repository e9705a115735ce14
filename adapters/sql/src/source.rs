//! The first contract over SQL: [`SqlSource`].

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{ReadSession, RowStream, Scan, Source, Table, TableName};

use crate::{Connection, Engine, Purpose, Read, name, path, set};

/// A CMS database behind an [`Engine`].
pub struct SqlSource {
    engine: Arc<dyn Engine>,
}

impl SqlSource {
    /// Opens nothing yet.
    pub fn new(engine: Arc<dyn Engine>) -> SqlSource {
        SqlSource { engine }
    }
}

#[async_trait]
impl Source for SqlSource {
    async fn open(&self, tables: &[Table]) -> Result<Box<dyn ReadSession>> {
        for table in tables {
            name::check_table(&table.name)?;
            for column in &table.columns {
                name::check(&format!("a column of {}", table.name), column)?;
            }
        }
        let mut connection = self.engine.connect(Purpose::Read).await?;
        for table in tables {
            check_table(connection.as_mut(), table).await?;
        }
        if self.engine.dialect().set_query().is_none() {
            set::create(connection.as_mut(), self.engine.dialect()).await?;
        }
        let names: Vec<TableName> = tables.iter().map(|table| table.name.clone()).collect();
        connection.snapshot(&names).await?;
        let told = set::Told::default();
        Ok(Box::new(SqlReadSession { engine: self.engine.clone(), connection, told, set: None, names }))
    }
}

/// Says which table or column is missing, if one is. Names are compared as most databases compare them, without regard to
/// case; where that is not enough the first read says so.
async fn check_table(connection: &mut dyn Connection, table: &Table) -> Result<()> {
    let Some(columns) = connection.columns(&table.name).await? else {
        return Err(Error::new(
            Kind::Schema,
            format!("the table {} does not exist, or may not be read by this account", table.name),
            "check [source] schema and the table's name in [source.names] and in the CMS profile; \
             a table that this CMS does not have is declared missing in its profile",
        ));
    };
    // A name may be written with its quotes where that means that its case counts (Oracle).
    let bare = |column: &String| column.trim_matches('"').to_lowercase();
    let there: HashSet<String> = columns.iter().map(bare).collect();
    let missing: Vec<&str> =
        table.columns.iter().filter(|column| !there.contains(&bare(column))).map(String::as_str).collect();
    let Some((first, others)) = missing.split_first() else { return Ok(()) };
    let others = match others.len() {
        0 => String::new(),
        _ => format!(" (nor has it {})", others.join(", ")),
    };
    Err(Error::new(
        Kind::Schema,
        format!("the table {} has no column {first}{others}", table.name),
        format!(
            "if the column has another name here, say so in csc-bridge.toml: [source.names] <SSD table> = \
             {{ columns = {{ <SSD column> = \"name here\" }} }}; the table has: {}",
            columns.join(", "),
        ),
    ))
}

/// One moment of a database.
struct SqlReadSession {
    engine: Arc<dyn Engine>,
    connection: Box<dyn Connection>,
    told: set::Told,
    /// The children of the set, where they go with each read.
    set: Option<Arc<str>>,
    /// The tables that were checked and locked: no other is read.
    names: Vec<TableName>,
}

impl SqlReadSession {
    fn opened(&self, table: &TableName) -> Result<()> {
        match self.names.contains(table) {
            true => Ok(()),
            false => Err(Error::internal(format!("{table} is read, but was not named when the session was opened"))),
        }
    }
}

#[async_trait]
impl ReadSession for SqlReadSession {
    async fn list(&mut self, table: &TableName, columns: &[String]) -> Result<Box<dyn RowStream + '_>> {
        self.opened(table)?;
        let dialect = self.engine.dialect();
        let listed: Vec<String> = columns.iter().map(|column| format!("t.{}", dialect.quote(column))).collect();
        let sql = format!("SELECT {} FROM {} t", listed.join(", "), dialect.table(table));
        let (table, columns) = (table.clone(), columns.to_vec());
        self.connection.scan(Read { sql, set: None, table, columns, tagged: false }).await
    }

    async fn count(&mut self, table: &TableName) -> Result<u64> {
        self.opened(table)?;
        let sql = format!("SELECT COUNT(*) FROM {}", self.engine.dialect().table(table));
        let rows = self.connection.query(&sql, &[]).await?.first_mut().map_or(Ok(0), |row| row.integer(0))?;
        u64::try_from(rows).map_err(|_| Error::internal("a table has fewer than no rows"))
    }

    async fn select(&mut self, children: &[String]) -> Result<()> {
        let dialect = self.engine.dialect();
        if dialect.set_query().is_some() {
            self.set = Some(dialect.set_text(children).into());
            return Ok(());
        }
        let ids = children.iter().map(String::as_str);
        self.told.fill(self.connection.as_mut(), dialect, ids).await
    }

    async fn scan(&mut self, scan: &Scan) -> Result<Box<dyn RowStream + '_>> {
        self.opened(&scan.table)?;
        for join in &scan.path_to_child.joins {
            self.opened(&join.table)?;
        }
        for text in &scan.path_to_child.no_key {
            name::check_literal("a text of no_value", text)?;
        }
        let dialect = self.engine.dialect();
        let set = match dialect.set_query() {
            None => None,
            // Nobody was selected yet.
            Some(_) => Some(self.set.get_or_insert_with(|| dialect.set_text(&[]).into()).clone()),
        };
        let (sql, table, columns) = (path::scan_sql(dialect, scan), scan.table.clone(), scan.columns.clone());
        self.connection.scan(Read { sql, set, table, columns, tagged: true }).await
    }
}
