//! The engine's rules, tested without a database.

mod canonical;
mod configuration;
mod decide;
mod delta_cases;
mod delta_counts;
mod delta_edits;
mod delta_law;
mod delta_model;
mod delta_readings;
mod delta_rules;
mod delta_unsure;
mod documents;
mod events;
mod window;
