//! A believable cohort that nobody has to protect: [`generate`] fills a source database with made-up children,
//! [`mutate`] changes some of them as a working day would. For tests, demonstrations and benchmarks.
//!
//! Child number `n` of a seed is the same child whatever the size of the cohort, so a small cohort is a prefix of a
//! large one. All names of tables and columns come through [`Ssd`], so the same child can be written as any CMS would.
#![warn(missing_docs)]

mod awkward;
mod chance;
mod child;
mod codes;
mod episodes;
mod generate;
mod ids;
mod looked_after;
mod mutate;
mod names;
mod person;
mod rows;
mod ssd;
mod story;
mod tables;

pub use generate::{GenerateOptions, GenerateReport, generate};
pub use mutate::{MutateOptions, MutateReport, mutate};
pub use ssd::Ssd;
