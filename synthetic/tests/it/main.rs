//! What the made-up cohort promises.
#![allow(clippy::unwrap_used)]

mod cohort;
mod content;
mod documents;
mod memory;
mod mutation;
mod profiles;

use std::path::Path;

use csc_bridge_core::config::{Profile, load_definition, load_profile};
use csc_bridge_core::payload::definition::Definition;
use csc_bridge_synthetic::{GenerateOptions, GenerateReport, Ssd, generate};
use jiff::civil::{Date, date};

use memory::Database;

pub const RUN_DATE: Date = date(2026, 11, 20);

pub fn definition() -> Definition {
    load_definition("dfe-csc-0.9", Path::new(".")).unwrap()
}

pub fn profile(name: &str) -> Profile {
    load_profile(name, Path::new(".")).unwrap()
}

/// A cohort in memory, in a CMS whose names and types are the standard ones.
pub async fn standard(children: usize, seed: u64, awkward: f64) -> (Database, GenerateReport) {
    made_for(&Profile::default(), children, seed, awkward).await
}

pub async fn made_for(profile: &Profile, children: usize, seed: u64, awkward: f64) -> (Database, GenerateReport) {
    let definition = definition();
    let mut database = Database::default();
    let options = GenerateOptions { children, seed, run_date: RUN_DATE, awkward };
    let ssd = Ssd::new(&definition, profile, &profile.schema);
    let mut told = Vec::new();
    let report = generate(&mut database, &ssd, &options, &mut |made| told.push(made)).await.unwrap();
    assert_eq!(told.last().copied().unwrap_or(0), children);
    (database, report)
}
