//! Shards: several processes stage one table, each its share of the children, and it comes to the same as one run.

mod as_one;
mod guards;
mod refused;
mod town;
