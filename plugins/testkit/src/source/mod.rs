//! The checks of a [`Source`](csc_bridge_core::source::Source).

pub mod cut;
pub mod ids;
pub mod joins;
pub mod moment;
pub mod schema;
pub mod tags;
pub mod types;
