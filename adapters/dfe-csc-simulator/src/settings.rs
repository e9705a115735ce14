//! How a simulator behaves.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What a second document for a child does. What DfE does is not known, hence a choice; it is named as the sender's is.
pub use csc_bridge_core::config::Semantics;
use serde_json::Value;

use crate::faults::Faults;

/// Judges one record: what is wrong with it, each as a path relative to the record and a reason, such as
/// `child_details.sex: not a code`. The texts go to the sender and must not contain values.
///
/// It is not asked about a purge of a whole child: that is an instruction, not a record. It must know the semantics: under
/// [`Semantics::Merge`] a record may lack anything, and may hold nulls and purges.
pub type Validator = Arc<dyn Fn(&Value) -> Vec<String> + Send + Sync>;

/// How a simulator behaves. The default takes anything well-formed from anybody, at once.
pub struct Settings {
    /// Judges the records; `None` takes every JSON object that has an `la_child_id` (`--no-validate`).
    pub validator: Option<Validator>,
    /// What a second document for a child does: it is held instead of the first, or merged into it.
    pub semantics: Semantics,
    /// How long every batch takes, reading and judging it included, before it is applied and answered; [`Faults::latency`] goes first.
    pub latency: Duration,
    /// How long a token lasts; [`Faults::token_lifetime`] goes first.
    pub token_lifetime: Duration,
    /// The credentials expected.
    pub expected: Expected,
    /// What goes wrong on purpose. It can be changed later: [`crate::Running::set_faults`].
    pub faults: Faults,
    /// Where what is held is read from at start and written to by [`crate::Running::stop`]. The file holds what was sent: with real
    /// children in it, it is as sensitive as the SSD.
    pub state: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            validator: None,
            semantics: Semantics::Replace,
            latency: Duration::ZERO,
            token_lifetime: Duration::from_secs(3600),
            expected: Expected::default(),
            faults: Faults::default(),
            state: None,
        }
    }
}

/// The credentials expected. For each that is `None`, anything but an empty text will do.
#[derive(Clone, Default)]
pub struct Expected {
    /// OAuth2 client id.
    pub client_id: Option<String>,
    /// OAuth2 client secret.
    pub client_secret: Option<String>,
    /// The `SupplierKey` header.
    pub supplier_key: Option<String>,
}
