//! What the database calls the SSD, and how it keeps it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use csc_bridge_core::config::{Names, Profile};
use csc_bridge_core::payload::definition::{ColumnType, Definition};
use csc_bridge_core::source::{Cell, Join, NewTable, Path, TableName};

use crate::ids::{Numeric, Record};
use crate::rows::Value;
use crate::tables::Table;

/// An SSD in some CMS: the definition says which tables and columns there are, the profile and the names how they are called and kept.
#[derive(Clone)]
pub struct Ssd<'a> {
    /// The tables, their columns and types.
    pub definition: &'a Definition,
    /// Types and spellings.
    pub profile: &'a Profile,
    /// Names of tables and columns, and what is missing.
    pub names: Names,
}

impl<'a> Ssd<'a> {
    /// The SSD as the profile names it, in `schema` (empty for unqualified names). Where `[source.names]` counts too, fill in
    /// `names` from the configuration instead.
    pub fn new(definition: &'a Definition, profile: &'a Profile, schema: &str) -> Ssd<'a> {
        Ssd { definition, profile, names: Names::new(schema, [&profile.tables]) }
    }

    /// The tables to create: those of the definition that this CMS has.
    pub(crate) fn new_tables(&self) -> Vec<NewTable> {
        let indexes = self.joined_columns();
        let create = |(ssd, table): (&String, &csc_bridge_core::payload::definition::TableDef)| {
            let present = |column: &&String| self.names.column(ssd, column).is_some();
            Some(NewTable {
                name: self.names.table(ssd)?,
                columns: table
                    .columns
                    .keys()
                    .filter_map(|column| Some((self.names.column(ssd, column)?, self.column_type(ssd, column)?)))
                    .collect(),
                indexes: table
                    .columns
                    .keys()
                    .filter(present)
                    .filter(|column| indexes.contains(&(ssd.as_str(), column.as_str())) || is_edit_key(column))
                    .filter_map(|column| self.names.column(ssd, column))
                    .collect(),
            })
        };
        self.definition.tables.iter().filter_map(create).collect()
    }

    /// The columns by which the definition's paths and links find rows, as SSD names.
    fn joined_columns(&self) -> BTreeSet<(&str, &str)> {
        let mut joined = BTreeSet::new();
        for (name, table) in &self.definition.tables {
            for path in &table.child {
                let mut at = name.as_str();
                for step in path {
                    let (column, next) = parse_step(step);
                    joined.insert((at, column));
                    if let Some((table, key)) = next {
                        joined.insert((table, key));
                        at = table;
                    }
                }
            }
        }
        let blocks = self.definition.blocks.iter();
        for (table, link) in blocks
            .clone()
            .map(|block| (&block.table, &block.link))
            .filter_map(|(t, l)| Some((t.as_ref()?, l.as_ref()?)))
        {
            joined.insert((table.as_str(), parse_step(link).0));
        }
        for (table, link) in
            blocks.flat_map(|block| &block.lookups).filter_map(|lookup| Some((&lookup.table, lookup.link.as_ref()?)))
        {
            joined.insert((table.as_str(), parse_step(link).0));
        }
        joined
    }

    fn column_type(&self, table: &str, column: &str) -> Option<ColumnType> {
        let standard = self.definition.tables.get(table)?.columns.get(column)?;
        Some(self.names.column_type(table, column).unwrap_or(*standard))
    }

    /// Which ids must be digits, because some column keeps them as numbers.
    pub(crate) fn numeric_ids(&self) -> Numeric {
        let is_integer = |column: &str| {
            let holder = self.definition.tables.iter().find(|(_, table)| table.columns.contains_key(column));
            holder.and_then(|(table, _)| self.column_type(table, column)) == Some(ColumnType::Integer)
        };
        Record::ALL.map(|record| record.columns().iter().any(|column| is_integer(column)))
    }

    /// The first path of the definition by which rows of a table reach their child in this CMS.
    pub(crate) fn path_to_child(&self, table: &str) -> Option<Path> {
        let paths = &self.definition.tables.get(table)?.child;
        paths.iter().find_map(|path| self.resolve(table, path))
    }

    fn resolve(&self, table: &str, path: &[String]) -> Option<Path> {
        let mut at = table;
        let mut joins = Vec::new();
        for step in path {
            match parse_step(step) {
                (column, Some((next, key))) => {
                    joins.push(Join {
                        column: self.names.column(at, column)?,
                        table: self.names.table(next)?,
                        key: self.names.column(next, key)?,
                    });
                    at = next;
                }
                (column, None) => {
                    return Some(Path {
                        joins,
                        child: self.names.column(at, column)?,
                        no_key: self.definition.no_value.clone(),
                    });
                }
            }
        }
        None
    }

    /// The generator's tables as this database keeps them, by `table as usize`.
    pub(crate) fn layout(&self) -> Vec<Option<Layout>> {
        Table::ALL.iter().map(|table| self.table_layout(*table)).collect()
    }

    fn table_layout(&self, table: Table) -> Option<Layout> {
        let ssd = table.name();
        let known = self.definition.tables.get(ssd)?;
        let spellings = self.profile.values.get(ssd);
        let column = |name: &&str| {
            Some(Column {
                name: self.names.column(ssd, name)?,
                kind: self.column_type(ssd, name)?,
                spellings: spellings.and_then(|columns| columns.get(*name)).map(invert).unwrap_or_default(),
            })
        };
        let others = known.columns.keys().filter(|name| !table.columns().contains(&name.as_str()));
        Some(Layout {
            name: self.names.table(ssd)?,
            columns: table.columns().iter().map(column).collect(),
            empty: others
                .filter_map(|name| Some((self.names.column(ssd, name)?, self.column_type(ssd, name)?)))
                .collect(),
        })
    }
}

/// The columns by which [`crate::mutate`] finds the rows it changes, besides those the definition joins on.
fn is_edit_key(column: &str) -> bool {
    matches!(
        column,
        "cina_assessment_id" | "cinp_cin_plan_id" | "cppl_cp_plan_id" | "clae_cla_episode_id" | "clae_referral_id"
    )
}

/// `a = t.b` as `(a, Some((t, b)))`; anything without a table as `(a, None)`.
fn parse_step(step: &str) -> (&str, Option<(&str, &str)>) {
    match step.split_once('=') {
        Some((column, target)) => (column.trim(), target.trim().split_once('.')),
        None => (step.trim(), None),
    }
}

/// From what the CMS writes and what it stands for, to what the CMS writes for a code: the longest spelling, which is the fullest word.
fn invert(values: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut spellings: BTreeMap<String, String> = BTreeMap::new();
    for (written, code) in values {
        let known = spellings.entry(code.clone()).or_insert_with(|| written.clone());
        if written.len() > known.len() {
            written.clone_into(known);
        }
    }
    spellings
}

/// One table as the database keeps it.
pub(crate) struct Layout {
    pub name: TableName,
    /// By place in [`Table::columns`]; `None` where the CMS has no such column.
    pub columns: Vec<Option<Column>>,
    /// Columns that the definition knows and the generator does not.
    pub empty: Vec<(String, ColumnType)>,
}

/// One column as the database keeps it.
pub(crate) struct Column {
    pub name: String,
    pub kind: ColumnType,
    spellings: BTreeMap<String, String>,
}

impl Column {
    /// The value as the CMS spells it, as text; `None` for no value.
    pub fn text<'v>(&'v self, value: Value<'v>) -> Option<Cow<'v, str>> {
        match value {
            Value::Null => None,
            Value::Text(text) => Some(Cow::Borrowed(self.spellings.get(text).map_or(text, String::as_str))),
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            Value::Day(day) => Some(Cow::Owned(day_text(day))),
        }
    }

    /// The value as a whole number; text that is none becomes NULL.
    pub fn number(&self, value: Value<'_>) -> Option<i64> {
        match value {
            Value::Null => None,
            Value::Text(_) => self.text(value)?.trim().parse().ok(),
            Value::Number(number) => Some(number),
            Value::Day(day) => Some(i64::from(day)),
        }
    }

    /// The value as a day; anything else becomes NULL.
    pub fn day(&self, value: Value<'_>) -> Option<i32> {
        match value {
            Value::Day(day) => Some(day),
            Value::Null | Value::Text(_) | Value::Number(_) => None,
        }
    }

    /// The value for an edit.
    pub fn cell(&self, value: Value<'_>) -> Cell {
        match self.kind {
            ColumnType::Integer => self.number(value).map(Cell::Integer),
            ColumnType::Date => self.day(value).map(Cell::Date),
            ColumnType::Id | ColumnType::Text | ColumnType::Json => {
                self.text(value).map(|text| Cell::Text(text.into_owned()))
            }
        }
        .unwrap_or(Cell::Null)
    }
}

/// `YYYY-MM-DD`.
fn day_text(day: i32) -> String {
    let epoch = jiff::civil::Date::constant(1970, 1, 1);
    epoch.checked_add(jiff::Span::new().days(day)).map_or_else(|_| String::new(), |date| date.to_string())
}
