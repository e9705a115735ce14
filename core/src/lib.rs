//! The engine of csc-bridge: contracts, payload, delta, pipeline. No database driver and no HTTP client lives here.
//!
//! A child's way through: [`source`] reads the SSD, [`payload`] assembles one document per child, [`delta`] decides whether it
//! needs sending, [`staging`] keeps that decision, and [`pipeline`] hands it to a [`sink`].
#![warn(missing_docs)]

pub mod config;
pub mod delta;
pub mod error;
pub mod payload;
pub mod pipeline;
pub mod pseudonym;
pub mod registry;
pub mod sink;
pub mod source;
pub mod staging;
