//! Whether two documents are the same: by hash, and where the hashes differ, by canonical form. There is no place to keep a
//! hash's version, and none is needed: a new definition or another tool's hash never re-sends an authority (design, section 5).

use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::payload::canonical::Json;
use crate::staging::Hash;

/// How a child's desired document compares with the two that its row keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    /// The desired document is the one in `json_payload`, up to unstable ids.
    pub current: bool,
    /// DfE holds the desired document, up to unstable ids; where it merges, beside it only records that have retired.
    pub held: bool,
    /// `json_payload` is the desired document to the last byte of its canonical form.
    pub stored_exactly: bool,
}

impl Comparison {
    /// Of a child without a row nothing is the same.
    pub const NOTHING: Comparison = Comparison { current: false, held: false, stored_exactly: false };
}

/// Whether a stored document is `desired` (canonical bytes), leaving the members at the paths of `omit` out of account. Text
/// that is no JSON is no document, so it is never the same.
pub fn same_document(desired: &str, stored: &str, omit: &[String]) -> bool {
    if desired == stored {
        return true;
    }
    match (canonical(desired, omit), canonical(stored, omit)) {
        (Ok(desired), Ok(stored)) => desired == stored,
        _ => false,
    }
}

/// SHA-256 over a document's canonical form, without the members at the paths of `omit`.
///
/// # Errors
/// [`crate::error::Kind::Data`] where the text is no JSON.
pub fn canonical_hash(document: &str, omit: &[String]) -> Result<Hash> {
    Ok(canonical_hash_of(&Json::parse(document)?, omit))
}

/// The same, of a document that is read already.
pub fn canonical_hash_of(document: &Json<'_>, omit: &[String]) -> Hash {
    let mut bytes = Vec::with_capacity(4096);
    document.write(omit, &mut bytes);
    Sha256::digest(bytes).into()
}

fn canonical(document: &str, omit: &[String]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(document.len());
    Json::parse(document)?.write(omit, &mut bytes);
    Ok(bytes)
}
