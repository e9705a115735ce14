//! The messages of a source.

use std::borrow::Cow;
use std::num::NonZeroU64;

use csc_bridge_core::error::Result;
use csc_bridge_core::source;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bad_answer;
use crate::table::Entry;

/// The answer to `describe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The name of the adapter in TOML.
    pub name: String,
    /// The plugin's own version.
    pub version: String,
    /// What kind of source it is, where it is one.
    pub source: Option<SourceKind>,
    /// Whether it is a sink.
    pub sink: bool,
}

impl Description {
    /// Looks at the texts, which come into paths and logs.
    ///
    /// # Errors
    /// [`Kind::Protocol`](csc_bridge_core::error::Kind::Protocol): a name that is not 1 to 64 lower-case letters, digits and hyphens, a
    /// version that is not 1 to 64 printable ASCII characters, or a plugin that is neither source nor sink.
    pub fn check(&self) -> Result<()> {
        let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let short = |text: &str| (1..=64).contains(&text.len());
        if !short(&self.name) || !self.name.bytes().all(named) {
            return Err(bad_answer(
                Entry::Describe,
                "has a name that is not 1 to 64 lower-case letters, digits and hyphens",
            ));
        }
        if !short(&self.version) || !self.version.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(bad_answer(Entry::Describe, "has a version that is not 1 to 64 printable characters"));
        }
        if self.source.is_none() && !self.sink {
            return Err(bad_answer(Entry::Describe, "names neither a source nor a sink"));
        }
        Ok(())
    }
}

/// What a plugin's source delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Rows of the selected children, along `path_to_child`.
    Tables,
    /// Whole tables; the host joins them.
    WholeTables,
    /// Documents, one for each child.
    Documents,
}

/// The input of `source_new`. No `Debug`: somebody may have written a secret out among the options.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct NewSource {
    /// The keys of `[source]` that belong to the plugin.
    pub options: Map<String, Value>,
    /// The configuration's folder, absolute: relative paths among the options are relative to it.
    pub folder: String,
}

/// The answer of every call that makes something: `source_new`, `source_open`, and those that begin a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewHandle {
    /// The plugin's name for it.
    pub handle: NonZeroU64,
}

/// A table's name, as the database has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRef {
    /// The schema, or empty.
    pub schema: String,
    /// The table's own name.
    pub table: String,
}

impl From<&source::TableName> for TableRef {
    fn from(name: &source::TableName) -> TableRef {
        TableRef { schema: name.schema.clone(), table: name.table.clone() }
    }
}

impl From<TableRef> for source::TableName {
    fn from(name: TableRef) -> source::TableName {
        source::TableName { schema: name.schema, table: name.table }
    }
}

/// A table and columns of it: the input of `session_list`, and each of `source_open`'s tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableColumns {
    /// The table.
    pub table: TableRef,
    /// Its columns, each once.
    pub columns: Vec<String>,
}

impl From<&source::Table> for TableColumns {
    fn from(table: &source::Table) -> TableColumns {
        TableColumns { table: (&table.name).into(), columns: table.columns.clone() }
    }
}

impl From<TableColumns> for source::Table {
    fn from(table: TableColumns) -> source::Table {
        source::Table { name: table.table.into(), columns: table.columns }
    }
}

/// The input of `source_open`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// All tables that the session will be asked for.
    pub tables: Vec<TableColumns>,
}

impl From<&[source::Table]> for Open {
    fn from(tables: &[source::Table]) -> Open {
        Open { tables: tables.iter().map(TableColumns::from).collect() }
    }
}

impl From<Open> for Vec<source::Table> {
    fn from(open: Open) -> Vec<source::Table> {
        open.tables.into_iter().map(source::Table::from).collect()
    }
}

/// The input of `session_count`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTable {
    /// The table.
    pub table: TableRef,
}

/// The answer to `session_count`, and the output of `stream_next` at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// How many.
    pub rows: u64,
}

/// Ids of children: the input of `session_select`, where they must be there, and of `session_documents`, where `null` or nothing asks for
/// the ids themselves. No `Debug`: ids are children's data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Children<'a> {
    /// The ids; the number of each is its place.
    pub children: Option<Cow<'a, [String]>>,
}

impl<'a> Children<'a> {
    /// These children.
    pub fn of(children: &'a [String]) -> Children<'a> {
        Children { children: Some(Cow::Borrowed(children)) }
    }

    /// The ids of all children.
    pub const ALL: Children<'static> = Children { children: None };

    /// The ids, for `session_select`.
    ///
    /// # Errors
    /// [`Kind::Protocol`](csc_bridge_core::error::Kind::Protocol): they are not there.
    pub fn selected(self) -> Result<Vec<String>> {
        let lacking = || super::broke_protocol("the host's input of session_select lacks the field children");
        self.children.map(Cow::into_owned).ok_or_else(lacking)
    }
}

/// The input of `session_scan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanOf {
    /// The table whose rows are wanted.
    pub table: TableRef,
    /// The columns wanted, in this order.
    pub columns: Vec<String>,
    /// How a row reaches its child.
    pub path_to_child: Way,
}

/// How a row reaches its child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The joins, from the scanned table outwards.
    pub joins: Vec<Step>,
    /// The column of the last table that holds the child's id.
    pub child: String,
    /// Texts that stand for "no id".
    pub no_key: Vec<String>,
}

/// One step of a [`Way`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The column of the table reached so far.
    pub column: String,
    /// The next table.
    pub table: TableRef,
    /// Its column.
    pub key: String,
}

impl From<&source::Scan> for ScanOf {
    fn from(scan: &source::Scan) -> ScanOf {
        let path = &scan.path_to_child;
        let step = |join: &source::Join| Step {
            column: join.column.clone(),
            table: (&join.table).into(),
            key: join.key.clone(),
        };
        ScanOf {
            table: (&scan.table).into(),
            columns: scan.columns.clone(),
            path_to_child: Way {
                joins: path.joins.iter().map(step).collect(),
                child: path.child.clone(),
                no_key: path.no_key.clone(),
            },
        }
    }
}

impl From<ScanOf> for source::Scan {
    fn from(scan: ScanOf) -> source::Scan {
        let Way { joins, child, no_key } = scan.path_to_child;
        let join = |step: Step| source::Join { column: step.column, table: step.table.into(), key: step.key };
        source::Scan {
            table: scan.table.into(),
            columns: scan.columns,
            path_to_child: source::Path { joins: joins.into_iter().map(join).collect(), child, no_key },
        }
    }
}
