//! Filling an empty database with a cohort.

use std::collections::BTreeMap;

use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_core::source::SourceWriter;
use jiff::civil::Date;

use crate::child::{self, Setting};
use crate::rows::{Rows, create_tables};
use crate::ssd::Ssd;

/// Children in a block: their rows wait in memory until they are written together.
const BLOCK: usize = 2_000;

/// What cohort to make.
#[derive(Debug, Clone)]
pub struct GenerateOptions {
    /// How many children.
    pub children: usize,
    /// Which cohort: the same seed and run date make the same children.
    pub seed: u64,
    /// All dates are relative to it.
    pub run_date: Date,
    /// The share of children with awkward content, from 0 to 1.
    pub awkward: f64,
}

impl GenerateOptions {
    /// The usual share of children with awkward content.
    pub const AWKWARD: f64 = 0.02;
}

/// What was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GenerateReport {
    /// Children written.
    pub children: usize,
    /// How many of them are awkward.
    pub awkward: usize,
    /// Rows by SSD table; tables that the CMS lacks are not there.
    pub rows: BTreeMap<String, u64>,
}

/// Creates the SSD's tables and fills them, a block of children at a time. `progress` is told how many children are written so far.
///
/// # Errors
/// [`Kind::Config`] for a share outside 0 to 1, else what the writer reports; nothing lasts then.
pub async fn generate(
    writer: &mut dyn SourceWriter,
    ssd: &Ssd<'_>,
    options: &GenerateOptions,
    progress: &mut (dyn FnMut(usize) + Send),
) -> Result<GenerateReport> {
    if !(0.0..=1.0).contains(&options.awkward) {
        return Err(Error::new(
            Kind::Config,
            "the share of awkward children is not from 0 to 1",
            "write 0.02 for two in a hundred",
        ));
    }
    let setting = Setting {
        seed: options.seed,
        today: epoch_day(options.run_date),
        awkward: options.awkward,
        numeric: ssd.numeric_ids(),
    };
    create_tables(writer, ssd).await?;
    let layout = ssd.layout();
    let mut rows = Rows::new(&layout);
    let mut awkward = 0;
    for number in 0..options.children {
        let (_, is_awkward) = child::add(number as u64, setting, &mut rows);
        awkward += usize::from(is_awkward);
        let made = number + 1;
        if made % BLOCK == 0 || made == options.children {
            rows.write(writer).await?;
            progress(made);
        }
    }
    writer.commit().await?;
    tracing::info!(children = options.children, awkward, "cohort generated");
    Ok(GenerateReport { children: options.children, awkward, rows: rows.written() })
}

/// Days since 1970-01-01.
pub(crate) fn epoch_day(date: Date) -> i32 {
    let epoch = Date::constant(1970, 1, 1);
    // Both are dates of the civil calendar, so their distance fits.
    (date - epoch).get_days()
}
