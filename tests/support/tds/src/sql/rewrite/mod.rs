//! From T-SQL's tree to PostgreSQL's text. What is not matched here, word for word, is refused.
//!
//! While a statement is written out, the type of each expression is found, as far as SQL Server would have one: it tells text's `+`
//! from numbers', and answers carry it.

mod change;
mod collation;
mod column;
mod convert;
mod expr;
mod function;
mod query;
mod source;
mod times;

pub(crate) use collation::{Collation, Label};
pub(crate) use column::{exact_first, same_name};

use std::collections::HashMap;

use sqlparser::ast::{ObjectName, ObjectNamePart};

use super::catalogue::Table;
use super::errors::error;
use crate::session::{Param, SqlError, Type};

/// A table as a statement names it; the schema of temporary tables is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TableKey {
    pub(crate) schema: String,
    pub(crate) table: String,
}

/// A column of a table or of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) kind: Option<Type>,
    pub(crate) nullable: bool,
    pub(crate) is_identity: bool,
    /// Its collation, of a text.
    pub(crate) label: Label,
}

/// Why a statement could not be written out.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A table's columns must be looked up first.
    Table(TableKey),
    /// The statement is wrong.
    Error(SqlError),
    /// It is outside the set.
    Shape,
}

impl From<SqlError> for Stop {
    fn from(error: SqlError) -> Stop {
        Stop::Error(error)
    }
}

pub(crate) type Written<T> = Result<T, Stop>;

/// A written expression.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) kind: Option<Type>,
    /// Whether it may be null.
    pub(crate) nullable: bool,
    /// A column as it stands: its text may end with spaces.
    pub(crate) bare: bool,
    /// Its collation, of a text.
    pub(crate) label: Label,
    /// A text constant.
    pub(crate) literal: bool,
}

impl Sql {
    pub(crate) fn new(text: impl Into<String>, kind: Option<Type>) -> Sql {
        Sql { text: text.into(), kind, nullable: true, ..Sql::default() }
    }
}

/// What a statement may ask of its session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// Parameters and variables.
    pub(crate) params: Vec<Param>,
    pub(crate) row_count: u64,
    pub(crate) transactions: u32,
    pub(crate) process: i32,
    pub(crate) database: String,
    pub(crate) user: String,
}

/// A statement for PostgreSQL.
#[derive(Debug, Default)]
pub(crate) struct Rewritten {
    /// Statements to be run before it, such as LOCK TABLE.
    pub(crate) before: Vec<String>,
    pub(crate) sql: String,
    /// The parameters as they are numbered, by their places in [`Asked::params`].
    pub(crate) bound: Vec<usize>,
    /// The answer's columns, of a query.
    pub(crate) columns: Option<Vec<Output>>,
    /// Whether it reads or writes a table of a user.
    pub(crate) has_tables: bool,
}

/// A table, or what stands for one, by the name under which columns are asked of it.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// Unquoted; empty where columns stand without it, as in an index.
    pub(crate) alias: String,
    pub(crate) columns: Vec<Output>,
}

/// What a SELECT sees.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) relations: Vec<Relation>,
    /// Its own columns, for ORDER BY.
    pub(crate) made: Vec<Output>,
    /// FOR UPDATE clauses.
    pub(crate) locks: Vec<String>,
}

/// Writes one statement.
pub(crate) struct Rewriter<'a> {
    known: &'a HashMap<TableKey, Option<Table>>,
    asked: &'a Asked,
    scopes: Vec<Scope>,
    ctes: Vec<Relation>,
    done: Rewritten,
}

impl<'a> Rewriter<'a> {
    pub(crate) fn new(known: &'a HashMap<TableKey, Option<Table>>, asked: &'a Asked) -> Rewriter<'a> {
        Rewriter { known, asked, scopes: Vec::new(), ctes: Vec::new(), done: Rewritten::default() }
    }

    pub(crate) fn finish(mut self, sql: String, columns: Option<Vec<Output>>) -> Rewritten {
        self.done.sql = sql;
        self.done.columns = columns;
        self.done
    }

    pub(crate) fn push(&mut self, scope: Scope) {
        self.scopes.push(scope);
    }

    pub(crate) fn pop(&mut self) {
        self.scopes.pop();
    }

    /// Looks a table up.
    pub(crate) fn table(&mut self, name: &ObjectName) -> Written<&'a Table> {
        let key = self.key(name)?;
        self.done.has_tables |= !["sys", "mssql"].contains(&key.schema.as_str());
        match self.known.get(&key) {
            Some(Some(table)) => Ok(table),
            Some(None) => Err(error(208, format!("Invalid object name '{}'.", plain(name)?)).into()),
            None => Err(Stop::Table(key)),
        }
    }

    /// Where a table is: `dbo` is `public`, `#x` is the session's own.
    pub(crate) fn key(&self, name: &ObjectName) -> Written<TableKey> {
        let parts = parts(name)?;
        let (table, qualifiers) = parts.split_last().ok_or(Stop::Shape)?;
        if table.starts_with('#') {
            return Ok(TableKey { schema: String::new(), table: table.clone() });
        }
        if let [database, _] = qualifiers
            && !database.eq_ignore_ascii_case(&self.asked.database)
            && !database.eq_ignore_ascii_case("tempdb")
        {
            return Err(Stop::Shape);
        }
        let schema = match qualifiers {
            [] => "public",
            [schema] | [_, schema] => schema,
            _ => return Err(Stop::Shape),
        };
        Ok(match schema.to_lowercase().as_str() {
            "dbo" | "" => TableKey { schema: "public".to_owned(), table: table.clone() },
            "information_schema" => {
                TableKey { schema: "mssql".to_owned(), table: format!("INFORMATION_SCHEMA.{}", table.to_uppercase()) }
            }
            "sys" => TableKey { schema: "sys".to_owned(), table: table.to_lowercase() },
            // What SQL Server's own things are made of is nobody's business.
            "mssql" | "pg_catalog" | "pg_temp" => return Err(Stop::Shape),
            _ => TableKey { schema: schema.to_owned(), table: table.clone() },
        })
    }
}

/// The parts of a name, unquoted.
pub(crate) fn parts(name: &ObjectName) -> Written<Vec<String>> {
    let part = |part: &ObjectNamePart| part.as_ident().map(|ident| ident.value.clone()).ok_or(Stop::Shape);
    name.0.iter().map(part).collect()
}

/// A name for a message.
pub(crate) fn plain(name: &ObjectName) -> Written<String> {
    Ok(parts(name)?.join("."))
}

/// Whether nothing is there; a statement that has something here is outside the set.
pub(crate) fn none(is_none: bool) -> Written<()> {
    if is_none { Ok(()) } else { Err(Stop::Shape) }
}
