//! The conformance suite of csc-bridge: what every [`Source`](csc_bridge_core::source::Source),
//! [`Staging`](csc_bridge_core::staging::Staging) and [`Sink`](csc_bridge_core::sink::Sink) keeps to, as functions that find out.
//!
//! The contracts in core say what is promised; here each promise is a public function that is named for it, over the contract
//! alone. An adapter or plugin implements [`Database`] (a SQL product: [`SqlPlace`]) in its tests, which says how to make tables
//! and rows in its own words, and runs [`run_all`]:
//!
//! ```ignore
//! #[tokio::test(flavor = "multi_thread")]
//! async fn it_conforms() {
//!     csc_bridge_testkit::run_all(&MyDatabase).await.must_pass();
//! }
//! ```
//!
//! A sink implements [`sink::Destination`] and runs [`sink::run_all`]; a source that has documents instead of tables implements
//! [`documents::System`] and runs [`documents::run_all`]. What a product cannot show at all is printed as *n/a* with its reason;
//! nothing is skipped in silence. `CSC_BRIDGE_CHECK=part_of_a_name` runs some checks only.
//!
//! A check that cannot fail is worth nothing: [`broken`] holds, for each, an adapter that is wrong in just that way, and
//! [`broken::run_all`] proves over any conforming adapter that the check notices.
#![warn(missing_docs)]

pub mod broken;
mod check;
pub mod documents;
mod failure;
mod look;
mod place;
mod run;
pub mod sink;
pub mod source;
mod sql;
pub mod staging;

pub use check::{Check, Needs, Running, SOURCE, STAGING, checks};
pub use failure::{Checked, Failure};
pub use place::{ColumnKind, Database, Facts, Place, StagingSettings, TestTable, Touched, Value};
pub use run::{Table, Verdict, run, run_all, run_part};
pub use sql::{OverSql, SqlPlace};
