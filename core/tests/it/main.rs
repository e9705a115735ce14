//! The engine's rules, tested without a database.

mod canonical;
mod configuration;
mod decide;
mod window;
