//! Whether a child needs sending: what is desired against what DfE holds (design, section 6).
//!
//! > A child needs sending when it is unsure, or when what is desired differs from what is held.

mod compare;
mod decide;

pub use compare::{Comparison, canonical_hash, same_document};
pub use decide::{Change, Desired, Effect, decide};
