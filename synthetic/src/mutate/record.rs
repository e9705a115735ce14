//! What `mutate` knows of a child before it changes it.

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, RecordBatch};
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::payload::column::Column;
use csc_bridge_core::source::{ReadSession, Scan, read_all};

use crate::chance::hash;
use crate::ssd::Ssd;
use crate::tables::Table;

/// A referral that is there.
#[derive(Debug, Clone)]
pub struct Referral {
    pub id: String,
    pub start: Option<i32>,
    pub open: bool,
}

/// A care episode that is there.
#[derive(Debug, Clone)]
pub struct CareEpisode {
    pub id: Option<String>,
    pub period: String,
    pub placement: Option<String>,
    pub referral: Option<String>,
    pub start: Option<i32>,
    pub open: bool,
}

/// A child that is there, with the ids by which its rows are found.
#[derive(Debug, Clone, Default)]
pub struct Record {
    pub id: String,
    pub referrals: Vec<Referral>,
    pub care: Vec<CareEpisode>,
    /// Placement id and care period.
    pub placements: Vec<(String, Option<String>)>,
    pub assessments: Vec<String>,
    pub cin_plans: Vec<String>,
    pub cp_plans: Vec<String>,
    pub enquiries: Vec<String>,
    pub workers: Vec<String>,
    /// A sum over the values read, in any order of rows: another one after a visit that added rows.
    pub state: u64,
}

impl Record {
    /// Reads a block of children.
    pub async fn read(session: &mut dyn ReadSession, ssd: &Ssd<'_>, ids: &[String]) -> Result<Vec<Record>> {
        session.select(ids).await?;
        let mut records: Vec<Record> = ids.iter().map(|id| Record { id: id.clone(), ..Record::default() }).collect();
        let referral = ["cine_referral_id", "cine_referral_date", "cine_close_date"];
        each(session, ssd, Table::Referral, &referral, &mut records, |record, mut row| {
            if let Some(id) = row.id(0) {
                record.referrals.push(Referral { id, start: row.day(1), open: row.text(2).is_none() });
            }
        })
        .await?;
        let care = [
            "clae_cla_episode_id",
            "clae_cla_id",
            "clae_cla_placement_id",
            "clae_referral_id",
            "clae_cla_episode_start_date",
            "clae_cla_episode_ceased_date",
        ];
        each(session, ssd, Table::CareEpisode, &care, &mut records, |record, mut row| {
            if let Some(period) = row.id(1) {
                record.care.push(CareEpisode {
                    id: row.id(0),
                    period,
                    placement: row.id(2),
                    referral: row.id(3),
                    start: row.day(4),
                    open: row.text(5).is_none(),
                });
            }
        })
        .await?;
        let placement = ["clap_cla_placement_id", "clap_cla_id"];
        each(session, ssd, Table::Placement, &placement, &mut records, |record, mut row| {
            if let Some(id) = row.id(0) {
                record.placements.push((id, row.id(1)));
            }
        })
        .await?;
        for (table, column) in [
            (Table::Assessment, "cina_assessment_id"),
            (Table::CinPlan, "cinp_cin_plan_id"),
            (Table::CpPlan, "cppl_cp_plan_id"),
            (Table::Section47, "s47e_s47_enquiry_id"),
            (Table::Involvement, "invo_professional_id"),
        ] {
            each(session, ssd, table, &[column], &mut records, |record, mut row| record.list(table).extend(row.id(0)))
                .await?;
        }
        each(session, ssd, Table::Sdq, &["csdq_person_id"], &mut records, |_, _| {}).await?;
        for record in &mut records {
            record.sort();
        }
        Ok(records)
    }

    fn list(&mut self, table: Table) -> &mut Vec<String> {
        match table {
            Table::Assessment => &mut self.assessments,
            Table::CinPlan => &mut self.cin_plans,
            Table::CpPlan => &mut self.cp_plans,
            Table::Section47 => &mut self.enquiries,
            _ => &mut self.workers,
        }
    }

    /// Rows come in any order; what is done to them must not depend on it.
    fn sort(&mut self) {
        self.referrals.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
        self.care.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
        self.placements.sort();
        for list in
            [&mut self.assessments, &mut self.cin_plans, &mut self.cp_plans, &mut self.enquiries, &mut self.workers]
        {
            list.sort();
            list.dedup();
        }
    }
}

/// One row's values as trimmed text, by place in the columns asked for.
struct Row(Vec<Option<String>>);

impl Row {
    fn hash(&self, table: Table) -> u64 {
        self.0.iter().fold(table as u64 + 1, |state, text| hash(state, text.as_deref().unwrap_or_default()))
    }

    fn text(&self, column: usize) -> Option<&str> {
        self.0[column].as_deref()
    }

    /// An id by which rows may be found: placeholders would find those of other children.
    fn id(&mut self, column: usize) -> Option<String> {
        self.0[column].take().filter(|id| !matches!(id.as_str(), "-1" | "SSD_PH" | "SSD_SUI"))
    }

    fn day(&self, column: usize) -> Option<i32> {
        let date: jiff::civil::Date = self.text(column)?.get(..10)?.parse().ok()?;
        Some(crate::generate::epoch_day(date))
    }
}

/// Reads a table for the selected children. Nothing is read where the CMS has no such table or no way from it to the child.
async fn each(
    session: &mut dyn ReadSession,
    ssd: &Ssd<'_>,
    table: Table,
    columns: &[&str],
    records: &mut [Record],
    mut take: impl FnMut(&mut Record, Row) + Send,
) -> Result<()> {
    let (Some(name), Some(path_to_child)) = (ssd.names.table(table.name()), ssd.path_to_child(table.name())) else {
        return Ok(());
    };
    let physical: Vec<Option<String>> = columns.iter().map(|column| ssd.names.column(table.name(), column)).collect();
    let scan = Scan { table: name, columns: physical.iter().flatten().cloned().collect(), path_to_child };
    if scan.columns.is_empty() {
        return Ok(());
    }
    let mut stream = session.scan(&scan).await?;
    for batch in read_all(stream.as_mut()).await? {
        let mut found =
            (1..batch.num_columns()).map(|place| texts(&batch, place)).collect::<Result<Vec<_>>>()?.into_iter();
        let absent = || vec![None; batch.num_rows()];
        let mut values: Vec<Vec<Option<String>>> = physical
            .iter()
            .map(|column| if column.is_some() { found.next().unwrap_or_else(absent) } else { absent() })
            .collect();
        let tags = batch.column(0).as_primitive_opt::<Int32Type>().filter(|tags| tags.null_count() == 0);
        let tags = tags.ok_or_else(|| {
            Error::new(
                Kind::Protocol,
                "the source did not number its rows by child",
                "report it with the adapter's name",
            )
        })?;
        for (row, tag) in tags.values().iter().enumerate() {
            let record = usize::try_from(*tag).ok().and_then(|child| records.get_mut(child)).ok_or_else(|| {
                Error::new(
                    Kind::Protocol,
                    "the source delivered rows of a child that was not asked for",
                    "report it with the adapter's name",
                )
            })?;
            let row = Row(values.iter_mut().map(|column| column[row].take()).collect());
            record.state = record.state.wrapping_add(row.hash(table));
            take(record, row);
        }
    }
    Ok(())
}

/// A column as trimmed texts; empty is none.
pub fn texts(batch: &RecordBatch, place: usize) -> Result<Vec<Option<String>>> {
    let schema = batch.schema();
    let Some(field) = schema.fields().get(place) else {
        return Err(Error::new(Kind::Protocol, "the source left out a column", "report it with the adapter's name"));
    };
    let column = Column::text(batch.column(place), field.name())?;
    let text = |row| column.raw(row).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    Ok((0..batch.num_rows()).map(text).collect())
}
