//! Whether a child needs sending, and what: desired against what DfE holds (design, sections 6 and 7).
//!
//! > A child needs sending when it is unsure, or when what is desired differs from what is held.
//!
//! [`decide()`] is the state table. [`Rules`] writes the documents and knows what DfE holds after them.

mod apply;
mod believed;
mod compare;
mod compose;
mod decide;
mod draft;
mod members;
mod outgoing;
mod unsure;

pub use compare::{Comparison, canonical_hash, canonical_hash_of, same_document};
pub use decide::{Change, Desired, Effect, Policy, decide};
pub use outgoing::{Delta, Rules, Still, is_purge_form, purge_form};
