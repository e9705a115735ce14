//! What an author adds to core's traits: how the thing is made from its section in TOML.

use csc_bridge_core::config::Options;
use csc_bridge_core::error::Result;
use csc_bridge_core::sink::{Facts, Sink};
use csc_bridge_core::source::Source;

/// A [`Source`] that can be exported.
pub trait PluginSource: Source + Sized + 'static {
    /// The source that `[source]` describes. Checks the options, and opens nothing yet.
    ///
    /// # Errors
    /// [`Kind::Config`](csc_bridge_core::error::Kind::Config), as [`Options::parse`] and [`Options::secret`] return it.
    fn from_options(options: &Options) -> Result<Self>;
}

/// A [`Sink`] that can be exported.
pub trait PluginSink: Sink + Sized + 'static {
    /// The sink that `[sink]` describes, for one authority (three digits). Checks the options and reads the secrets; sends nothing yet.
    ///
    /// # Errors
    /// As [`PluginSource::from_options`].
    fn from_options(options: &Options, la_code: &str) -> Result<Self>;

    /// What the options say of the sink. Checks them, but reads no secret: an analyst asks this who has none.
    ///
    /// # Errors
    /// As [`PluginSource::from_options`].
    fn facts(options: &Options) -> Result<Facts>;
}
