//! From SSD rows to one document per child.
//!
//! [`definition`] is the text of the rules, [`plan`] the same rules resolved for one CMS and one run date. [`read`] fetches a
//! chunk of children, [`rows`] sorts its rows by child, [`assemble`] writes each child's document as canonical bytes (`document` does,
//! where the source has documents instead of tables), and
//! [`findings`] says what was left out and why.

pub mod assemble;
pub mod canonical;
mod choose;
mod codes;
mod cohort;
mod collect;
pub mod column;
pub mod day;
pub mod definition;
mod document;
pub mod findings;
mod json;
mod lists;
pub mod pattern;
pub mod plan;
mod plan_blocks;
pub mod read;
mod resolve;
mod retire;
pub mod rows;
mod rules;
pub mod validate;
mod value;

pub use assemble::{Assembled, Assembler, Retired, Verdict};
pub use findings::{Finding, Findings, Severity};
pub use plan::{Plan, RunDates};
