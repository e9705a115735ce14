//! A place whose adapter, or whose product, is broken.

use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::source::{Source, TableName};
use csc_bridge_core::staging::Staging;

use super::Fault;
use super::faults::{PlaceFault, SourceFault, StagingFault};
use super::source::TwinSource;
use super::staging::TwinStaging;
use crate::failure::Checked;
use crate::{ColumnKind, Facts, Place, StagingSettings, TestTable, Touched, Value};

pub(super) struct TwinPlace {
    pub(super) place: Arc<dyn Place>,
    pub(super) fault: Fault,
    pub(super) restricted: bool,
}

impl TwinPlace {
    fn is(&self, fault: PlaceFault) -> bool {
        matches!(self.fault, Fault::Place(own) if own == fault)
    }

    /// The kind that stands for one which the product may lack.
    fn stand_in(&self, kind: ColumnKind) -> ColumnKind {
        match kind {
            ColumnKind::Char(_) if self.is(PlaceFault::PadsWithOtherThanSpace) => ColumnKind::Text,
            ColumnKind::Uuid if self.is(PlaceFault::UuidsInUpperCase) => ColumnKind::Text,
            ColumnKind::TimestampWithZone if self.is(PlaceFault::MomentsInUtc) => ColumnKind::Timestamp,
            other => other,
        }
    }

    fn stored(&self, kind: ColumnKind, value: &Value) -> Value {
        match (kind, value) {
            (ColumnKind::Char(width), Value::Text(text)) if self.is(PlaceFault::PadsWithOtherThanSpace) => {
                Value::text(format!("{text:\u{2800}<width$}", width = width as usize))
            }
            (ColumnKind::Uuid, Value::Text(text)) if self.is(PlaceFault::UuidsInUpperCase) => {
                Value::text(text.to_uppercase())
            }
            (ColumnKind::TimestampWithZone, Value::Moment(time)) if self.is(PlaceFault::MomentsInUtc) => {
                Value::Timestamp(time.clone())
            }
            _ => value.clone(),
        }
    }

    fn standing_in(&self, table: &TestTable) -> TestTable {
        let columns = table.columns.iter().map(|(column, kind)| (column.clone(), self.stand_in(*kind))).collect();
        TestTable { name: table.name.clone(), columns }
    }
}

#[async_trait]
impl Place for TwinPlace {
    fn facts(&self) -> Facts {
        self.place.facts()
    }

    fn table(&self, name: &str) -> TableName {
        self.place.table(name)
    }

    fn source(&self) -> Checked<Arc<dyn Source>> {
        let inner = self.place.source()?;
        match self.fault {
            Fault::Source(fault) => Ok(Arc::new(TwinSource::new(inner, fault, self.restricted))),
            _ => Ok(inner),
        }
    }

    fn staging(&self, settings: &StagingSettings) -> Checked<Arc<dyn Staging>> {
        let Fault::Staging(fault) = self.fault else { return self.place.staging(settings) };
        let mut settings = settings.clone();
        settings.create |= matches!(fault, StagingFault::CreatesAnyway);
        let inner = self.place.staging(&settings)?;
        Ok(Arc::new(TwinStaging::new(inner, self.place.clone(), settings, fault)))
    }

    async fn create(&self, table: &TestTable) -> Checked {
        self.place.create(&self.standing_in(table)).await
    }

    async fn insert(&self, table: &TestTable, rows: &[Vec<Value>]) -> Checked {
        let stored = |row: &Vec<Value>| {
            let cells = row.iter().zip(&table.columns);
            cells.map(|(value, (_, kind))| self.stored(*kind, value)).collect::<Vec<_>>()
        };
        self.place.insert(&self.standing_in(table), &rows.iter().map(stored).collect::<Vec<_>>()).await
    }

    async fn update(&self, table: &str, set: &[(&str, Value)], only: Option<(&str, &str)>) -> Checked<Touched> {
        self.place.update(table, set, only).await
    }

    async fn delete(&self, table: &str, only: Option<(&str, &str)>) -> Checked<Touched> {
        self.place.delete(table, only).await
    }

    async fn read(&self, table: &str, columns: &[&str]) -> Checked<Vec<Vec<Option<String>>>> {
        self.place.read(table, columns).await
    }

    async fn refill(&self, table: &TestTable, rows: &[Vec<Value>]) -> Checked<Touched> {
        self.place.refill(table, rows).await
    }

    async fn drop_column(&self, table: &str, column: &str) -> Checked {
        self.place.drop_column(table, column).await
    }

    async fn make_view(&self, view: &str, of: &str, columns: &[&str]) -> Checked {
        self.place.make_view(view, of, columns).await
    }

    async fn refuse(&self, table: &str, column: &str, text: &str) -> Checked {
        self.place.refuse(table, column, text).await
    }

    async fn restrict_to_select(&self) -> Checked<Box<dyn Place>> {
        match self.fault {
            // Whether the product can restrict an account does not matter to an adapter that needs to write.
            Fault::Source(SourceFault::NeedsToWrite) => {
                Ok(Box::new(TwinPlace { place: self.place.clone(), fault: self.fault, restricted: true }))
            }
            _ => self.place.restrict_to_select().await,
        }
    }

    async fn cut_connections(&self) -> Checked {
        match self.fault {
            Fault::Place(PlaceFault::SurvivesCuts) | Fault::Staging(StagingFault::BelievesItApplied) => Ok(()),
            _ => self.place.cut_connections().await,
        }
    }

    async fn cut_reads(&self) -> Checked {
        self.place.cut_reads().await
    }
}
