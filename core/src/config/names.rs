//! From the SSD's names to the database's: the profile, overlaid by `[source.names]`.

use std::collections::BTreeMap;

use super::profile::TableNames;
use crate::payload::definition::ColumnType;
use crate::source::TableName;

/// What the database calls the SSD's tables and columns.
#[derive(Debug, Clone, Default)]
pub struct Names {
    schema: String,
    tables: BTreeMap<String, TableNames>,
}

impl Names {
    /// `schema` holds for every table that names none of its own; `overlays` are applied in order.
    pub fn new<'a>(schema: &str, overlays: impl IntoIterator<Item = &'a BTreeMap<String, TableNames>>) -> Names {
        let mut tables: BTreeMap<String, TableNames> = BTreeMap::new();
        for (ssd, over) in overlays.into_iter().flatten() {
            let names = tables.entry(ssd.clone()).or_default();
            names.table = over.table.clone().or(names.table.take());
            names.schema = over.schema.clone().or(names.schema.take());
            // A site that names a table or a column has it, whatever the profile says is missing.
            names.missing = over.missing || (names.missing && over.table.is_none());
            names.missing_columns.retain(|column| !over.columns.contains_key(column));
            names.missing_columns.extend(over.missing_columns.iter().cloned());
            names.columns.extend(over.columns.iter().map(|(from, to)| (from.clone(), to.clone())));
            names.types.extend(over.types.iter().map(|(column, kind)| (column.clone(), *kind)));
        }
        Names { schema: schema.to_owned(), tables }
    }

    /// The database's name of an SSD table; `None` where this CMS has no such table.
    pub fn table(&self, ssd: &str) -> Option<TableName> {
        let names = self.tables.get(ssd);
        if names.is_some_and(|names| names.missing) {
            return None;
        }
        Some(TableName {
            schema: names.and_then(|names| names.schema.clone()).unwrap_or_else(|| self.schema.clone()),
            table: names.and_then(|names| names.table.clone()).unwrap_or_else(|| ssd.to_owned()),
        })
    }

    /// The database's name of a column of an SSD table; `None` where this CMS has no such column.
    pub fn column(&self, ssd_table: &str, ssd_column: &str) -> Option<String> {
        let Some(names) = self.tables.get(ssd_table) else { return Some(ssd_column.to_owned()) };
        if names.missing || names.missing_columns.iter().any(|missing| missing == ssd_column) {
            return None;
        }
        Some(names.columns.get(ssd_column).cloned().unwrap_or_else(|| ssd_column.to_owned()))
    }

    /// The type of a column of an SSD table, where it is another than the definition says.
    pub fn column_type(&self, ssd_table: &str, ssd_column: &str) -> Option<ColumnType> {
        self.tables.get(ssd_table)?.types.get(ssd_column).copied()
    }
}
