//! The hand that writes: edits at once, new rows at the end of a block.

use csc_bridge_core::error::Result;
use csc_bridge_core::source::{Edit, SourceWriter};

use crate::child::Setting;
use crate::rows::{Rows, Value};
use crate::ssd::Layout;
use crate::tables::Table;

/// Writes changes under the database's names and types.
pub struct Hand<'a> {
    writer: &'a mut dyn SourceWriter,
    layout: &'a [Option<Layout>],
    rows: Rows<'a>,
    pub setting: Setting,
}

impl<'a> Hand<'a> {
    /// A hand that has done nothing yet.
    pub fn new(writer: &'a mut dyn SourceWriter, layout: &'a [Option<Layout>], setting: Setting) -> Hand<'a> {
        Hand { writer, layout, rows: Rows::new(layout), setting }
    }

    /// Rows that wait to be added.
    pub fn rows(&mut self) -> &mut Rows<'a> {
        &mut self.rows
    }

    /// Whether the CMS has the table.
    pub fn has(&self, table: Table) -> bool {
        self.layout[table as usize].is_some()
    }

    /// Adds a row.
    pub fn add(&mut self, table: Table, values: &[Value<'_>]) {
        self.rows.push(table, values);
    }

    /// Sets values of the rows whose `key` is `id`; returns whether there was anything to set.
    pub async fn set(&mut self, table: Table, key: &str, id: &str, values: &[(&str, Value<'_>)]) -> Result<bool> {
        let Some(layout) = &self.layout[table as usize] else {
            return Ok(false);
        };
        let column = |name: &str| {
            let place = table.columns().iter().position(|column| *column == name)?;
            layout.columns[place].as_ref()
        };
        let set: Vec<_> = values
            .iter()
            .filter_map(|(name, value)| column(name).map(|column| (column.name.clone(), column.cell(*value))))
            .collect();
        match column(key) {
            Some(key) if !set.is_empty() => {
                let edit = Edit { table: layout.name.clone(), key: key.name.clone(), id: id.to_owned(), set };
                Ok(self.writer.edit(&edit).await? > 0)
            }
            _ => Ok(false),
        }
    }

    /// Removes the rows whose `key` is `id`; returns whether there were any.
    pub async fn remove(&mut self, table: Table, key: &str, id: &str) -> Result<bool> {
        let Some(layout) = &self.layout[table as usize] else {
            return Ok(false);
        };
        let place = table.columns().iter().position(|column| *column == key);
        let Some(key) = place.and_then(|place| layout.columns[place].as_ref()) else {
            return Ok(false);
        };
        let edit = Edit { table: layout.name.clone(), key: key.name.clone(), id: id.to_owned(), set: Vec::new() };
        Ok(self.writer.edit(&edit).await? > 0)
    }

    /// Writes the rows that wait.
    pub async fn write(&mut self) -> Result<()> {
        self.rows.write(self.writer).await
    }

    /// Makes it all lasting.
    pub async fn commit(&mut self) -> Result<()> {
        self.writer.commit().await
    }
}
