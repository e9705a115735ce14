//! Text files that people wrote, with whatever editor they have.

use std::io::ErrorKind;
use std::path::Path;

use crate::error::{Error, Kind, Result};

/// Reads a file of UTF-8 whole, without the byte order mark that editors on Windows write before it. `what` names it in messages, and
/// `advice` is for a file that is not there or may not be read.
///
/// # Errors
/// [`Kind::Config`]: it cannot be read, or is in another encoding.
pub(super) fn read(path: &Path, what: &str, advice: &str) -> Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(Error::new(
            Kind::Config,
            format!("the {what} {} is not text in UTF-8", path.display()),
            "save it as UTF-8. In PowerShell: Set-Content -Encoding utf8, for > and Out-File write UTF-16 there",
        )),
        Err(error) => Err(Error::new(
            Kind::Config,
            format!("the {what} {} cannot be read: {}", path.display(), error.kind()),
            advice.to_owned(),
        )),
    }
}
