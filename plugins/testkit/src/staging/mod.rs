//! The checks of a [`Staging`](csc_bridge_core::staging::Staging).

pub mod apply;
pub mod candidates;
pub mod claims;
pub mod documents;
pub mod ledger;
pub mod logs;
pub mod outcomes;
pub mod prepare;
pub mod recover;
pub mod resubmit;
pub mod shards;
mod steps;
