//! The boundary: header and twin are equal, messages and rows come through, and nothing hostile does.
#![allow(clippy::unwrap_used)]

mod counting;
mod examples;
mod header;
mod hostile_messages;
mod hostile_rows;
mod messages;
mod rows;
mod seed;
mod sent;
mod table;
