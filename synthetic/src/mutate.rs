//! A working day: some children of a database change, a few come, a few go.

mod change;
mod edit;
mod hand;
mod insert;
mod record;
mod remove;

use std::collections::{BTreeMap, BTreeSet};

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::{ReadSession, ScanEvent, SourceWriter};
use jiff::civil::Date;

use crate::chance::hash;
use crate::child::{self, Setting};
use crate::generate::{GenerateOptions, epoch_day};
use crate::ids::{Ids, Record as IdOf};
use crate::ssd::Ssd;
use crate::tables::Table;
use change::Change;
use hand::Hand;
use record::Record;

/// Children read and changed together.
const BLOCK: usize = 500;
/// The share of the chosen children who go altogether.
const GOING: f64 = 0.02;
/// New children, as a share of those chosen.
const COMING: f64 = 0.03;
/// Numbers kept for the new children of one seed, beyond those of any generated cohort.
const ROOM: u64 = 1_000;

/// What to change.
#[derive(Debug, Clone)]
pub struct MutateOptions {
    /// How many of a hundred children change.
    pub percent: f64,
    /// Which of them, and how: the same seed chooses the same children, so give every day its own.
    pub seed: u64,
    /// The day on which it happens.
    pub run_date: Date,
}

/// What was changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MutateReport {
    /// Distinct children touched: changed, removed or added.
    pub children: usize,
    /// How often, by kind of change.
    pub changes: BTreeMap<String, usize>,
}

/// Changes some of the children that `session` sees. The session may be a snapshot: all of a block is read before any of it is
/// changed.
///
/// # Errors
/// [`Kind::Config`] for a percentage outside 0 to 100, [`Kind::Schema`] where the CMS has no table of people, else what the
/// session or the writer reports; nothing lasts then.
pub async fn mutate(
    session: &mut dyn ReadSession,
    writer: &mut dyn SourceWriter,
    ssd: &Ssd<'_>,
    options: &MutateOptions,
) -> Result<MutateReport> {
    if !(0.0..=100.0).contains(&options.percent) {
        return Err(Error::new(
            Kind::Config,
            "the percentage of children to change is not from 0 to 100",
            "write 5 for five in a hundred",
        ));
    }
    let setting = Setting {
        seed: options.seed,
        today: epoch_day(options.run_date),
        awkward: GenerateOptions::AWKWARD,
        numeric: ssd.numeric_ids(),
    };
    let chosen = choose(session, ssd, options, setting).await?;
    let layout = ssd.layout();
    let mut hand = Hand::new(writer, &layout, setting);
    let mut report = MutateReport::default();
    let mut count = |change: &str| *report.changes.entry(change.to_owned()).or_default() += 1;
    for block in chosen.changing.chunks(BLOCK) {
        for mut record in Record::read(session, ssd, block).await? {
            let going = chosen.going.contains(&record.id);
            let done = if going {
                remove::remove_child(&mut hand, &record).await?
            } else {
                change::some(&mut hand, &mut record).await?
            };
            done.into_iter().for_each(|change: Change| count(change.name()));
        }
        hand.write().await?;
    }
    for number in &chosen.coming {
        child::add(*number, setting, hand.rows());
        count(Change::Added.name());
    }
    hand.write().await?;
    hand.commit().await?;
    report.children = chosen.changing.len() + chosen.coming.len();
    tracing::info!(children = report.children, "cohort changed");
    Ok(report)
}

/// Who changes.
struct Chosen {
    /// The ids of children who are there, in the order of their hashes.
    changing: Vec<String>,
    /// Those of them who go altogether.
    going: BTreeSet<String>,
    /// The numbers of new children.
    coming: Vec<u64>,
}

/// Chooses by a hash of seed and id, so the order of the list does not matter.
async fn choose(
    session: &mut dyn ReadSession,
    ssd: &Ssd<'_>,
    options: &MutateOptions,
    setting: Setting,
) -> Result<Chosen> {
    let id_column = Table::Person.columns()[0];
    let (Some(table), Some(column)) =
        (ssd.names.table(Table::Person.name()), ssd.names.column(Table::Person.name(), id_column))
    else {
        return Err(Error::new(
            Kind::Schema,
            "there is no table of people to change",
            "name ssd_person in the CMS profile",
        ));
    };
    let first = 10_000_000 + (options.seed % 1_000_000) * ROOM;
    let mut free: BTreeMap<String, u64> = (first..first + ROOM)
        .map(|number| (Ids::of_child(number, setting.numeric).next(IdOf::Person), number))
        .collect();
    let mut chosen = BTreeSet::new();
    let mut stream = session.list(&table, &[column]).await?;
    let mut delivered = 0;
    let announced = loop {
        match stream.next().await? {
            ScanEvent::Rows(batch) => {
                delivered += batch.num_rows() as u64;
                for id in record::texts(&batch, 0)?.into_iter().flatten() {
                    free.remove(&id);
                    let draw = hash(options.seed, &id);
                    if (draw as f64) / (u64::MAX as f64) < options.percent / 100.0 {
                        chosen.insert((draw, id));
                    }
                }
            }
            ScanEvent::Complete { rows } => break rows,
        }
    };
    if announced != delivered {
        return Err(Error::new(
            Kind::Incomplete,
            format!("the source announced {announced} people and delivered {delivered}"),
            "nothing was changed; run again",
        ));
    }
    let count = |share: f64| {
        if chosen.len() < 10 { 0 } else { ((chosen.len() as f64 * share).round() as usize).max(1) }
    };
    let (going, coming) = (count(GOING), count(COMING));
    let changing: Vec<String> = chosen.into_iter().map(|(_, id)| id).collect();
    let mut numbers: Vec<u64> = free.into_values().collect();
    numbers.sort_unstable();
    numbers.truncate(coming);
    Ok(Chosen { going: changing.iter().take(going).cloned().collect(), changing, coming: numbers })
}
