//! `tls-server-end-point` (RFC 5929, section 4.1): the digest of a server's certificate, by the digest of its own signature.

use sha2::{Digest, Sha256, Sha384, Sha512};

const SEQUENCE: u8 = 0x30;
const OBJECT: u8 = 0x06;

/// The digest of a certificate (DER); `None` for a signature that has no digest of its own, such as Ed25519.
pub(super) fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (content, _) = element(certificate, SEQUENCE)?;
    let (_signed, rest) = element(content, SEQUENCE)?;
    let (algorithm, _) = element(rest, SEQUENCE)?;
    Some(match element(algorithm, OBJECT)?.0 {
        // RSA and ECDSA with SHA-1, for which the RFC asks for SHA-256, and with SHA-256.
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 5 | 11]
        | [0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 1]
        | [0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2] => Sha256::digest(certificate).to_vec(),
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 12] | [0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 3] => {
            Sha384::digest(certificate).to_vec()
        }
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 13] | [0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 4] => {
            Sha512::digest(certificate).to_vec()
        }
        _ => return None,
    })
}

/// The content of an element with this tag at the beginning of `bytes`, and what follows the element.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    // Below 128 the length itself; above, the number of its bytes.
    let (length, rest) = match first.checked_sub(0x80) {
        None => (usize::from(*first), rest),
        Some(size @ 1..=4) => {
            let (size, rest) = rest.split_at_checked(usize::from(size))?;
            (size.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        Some(_) => return None,
    };
    rest.split_at_checked(length).filter(|_| *found == tag)
}
