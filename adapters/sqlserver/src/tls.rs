//! Certificates: those of `ca_file`, and what the driver's words mean when it refuses the server's.

use std::io;
use std::path::Path;

use csc_bridge_core::error::{Error, Kind, Result};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The certificates of a file, as the driver takes them.
///
/// # Errors
/// [`Kind::Config`]: there is none, or one that cannot be read. Where one certificate of many is damaged, the file is.
pub(crate) fn authorities(path: &Path) -> Result<Vec<u8>> {
    let unusable = |why: &str| {
        Error::new(
            Kind::Config,
            format!("the file {} that ca_file names {why}", path.display()),
            "name a file with the certificate of the server's issuer, in PEM (-----BEGIN CERTIFICATE-----) or DER",
        )
    };
    let bytes = std::fs::read(path).map_err(|error| unusable(&format!("cannot be read: {}", error.kind())))?;
    // As some editors on Windows begin a text.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").map(<[u8]>::to_vec).unwrap_or(bytes);
    let certificates = match bytes.windows(BEGIN.len()).any(|part| part == BEGIN) {
        true => CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>().ok(),
        false => Some(vec![CertificateDer::from(bytes.clone())]),
    };
    let mut store = RootCertStore::empty();
    match certificates.unwrap_or_default().into_iter().try_for_each(|certificate| store.add(certificate)) {
        Ok(()) if !store.is_empty() => Ok(bytes),
        _ => Err(unusable("holds no certificate, or one that is damaged")),
    }
}

/// The server declined to encrypt.
pub(crate) fn not_offered(place: &str) -> Error {
    Error::new(
        Kind::Permission,
        format!("{place} does not offer TLS, and csc-bridge sends no password and no child's data without"),
        "check host and port: SQL Server itself always offers TLS, what stands before it may not; have it allowed there",
    )
}

/// With `encrypt = "strict"` the connection ended before the server said a word.
pub(crate) fn not_strict(place: &str) -> Error {
    Error::new(
        Kind::Permission,
        format!("{place} did not begin with TLS, as encrypt = \"strict\" asks (TDS 8)"),
        "write encrypt = \"on\", which encrypts everything, too: SQL Server knows strict from 2022 on, and only with a certificate installed",
    )
}

/// TLS failed for another reason than the certificate.
pub(crate) fn not_agreed(place: &str) -> Error {
    Error::new(
        Kind::Permission,
        format!("{place} and csc-bridge could not agree on TLS"),
        "have TLS 1.2 or later enabled at the server; SQL Server 2012 and 2014 need Microsoft's update for it (KB3135244)",
    )
}

/// Nobody is trusted, not even by the operating system.
pub(crate) fn nobody_trusted(place: &str) -> Error {
    Error::new(
        Kind::Config,
        format!(
            "no certificate could be looked for, to trust {place} by: this machine's store of certificates is empty or unreadable"
        ),
        "have the operating system's certificates installed (ca-certificates), or name those of the server's issuer in ca_file",
    )
}

/// The certificate was refused. The driver has only a text, which names kinds of errors and names of certificates, and goes on with advice
/// of its own.
pub(crate) fn refused(said: &str, place: &str) -> Error {
    let (said, _) = said.split_once("To connect anyway").unwrap_or((said, ""));
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let (happened, advice) = if says(&["NotValidForName", "not valid for name"]) {
        (
            "shows a certificate of another name",
            "write host as the certificate has it, or beside odbc HostNameInCertificate=…; a certificate that the server made for itself has \
             no name that fits: have one installed that names the host, or, where the network between this machine and the server is \
             trusted, write trust_server_certificate = true",
        )
    } else if says(&["NotValidYet", "not valid yet"]) {
        (
            "shows a certificate that is not valid yet",
            "compare the clocks of this machine and the server, and its certificate's first day",
        )
    } else if says(&["Expired", "expired"]) {
        (
            "shows a certificate that has expired",
            "have the server's certificate renewed, and see that this machine's clock is right",
        )
    } else if says(&["InvalidPurpose", "extended key usage"]) {
        ("shows a certificate that was not issued for servers", "have one installed that allows server authentication")
    } else if says(&["CaUsedAsEndEntity"]) {
        (
            "shows a certificate that is not trusted: the server made it for itself, and as an authority's, so that ca_file cannot name it",
            "have one installed that is a server's: issued by your organisation, whose own certificate ca_file then names, or made with \
             New-SelfSignedCertificate and named in ca_file itself; until then, and only where the network between this machine and the \
             server is trusted, write trust_server_certificate = true, which encrypts, but lets anybody in between pose as the server",
        )
    } else if says(&["certificate"]) {
        (
            "shows a certificate that is not trusted: the server made it for itself, as SQL Server does where nobody installed one, or its \
             issuer is not known here",
            "if somebody issued it, such as your organisation: name the issuer's certificate in ca_file (PEM). If the server made it for itself: have one \
             installed; until then, and only where the network between this machine and the server is trusted, write \
             trust_server_certificate = true, which encrypts, but lets anybody in between pose as the server",
        )
    } else {
        return not_agreed(place);
    };
    Error::new(Kind::Permission, format!("{place} {happened}"), advice)
}

/// What a socket's error in the midst of the handshake means.
pub(crate) fn broken(kind: io::ErrorKind, place: &str) -> Option<Error> {
    match kind {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Some(not_agreed(place)),
        io::ErrorKind::NotFound => Some(nobody_trusted(place)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_self_signed_certificate_is_told_what_to_do() {
        let error = refused("invalid peer certificate: UnknownIssuer", "x");
        assert!(error.advice().contains("ca_file") && error.advice().contains("trust_server_certificate = true"));
        assert_eq!(error.kind(), Kind::Permission);
        for (said, part) in [
            ("invalid peer certificate: certificate expired: verification time 1 (UNIX)", "has expired"),
            ("certificate not valid for name \"a\"; certificate is only valid for b", "another name"),
            ("certificate not valid yet: verification time 1 (UNIX)", "not valid yet"),
            ("certificate does not allow extended key usage for server", "not issued for servers"),
            ("the server's certificate was rejected: Other(OtherError(CaUsedAsEndEntity))", "as an authority's"),
            ("UnknownIssuer. To connect anyway renew an expired certificate", "could not agree"),
        ] {
            assert!(refused(said, "x").message().contains(part), "{said}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ca.pem");
        let begun = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        for text in ["", "no certificate", "0 no DER", begun, "-----BEGIN CERTIFICATE-----\n"] {
            std::fs::write(&path, text).expect("it is written");
            assert!(authorities(&path).is_err_and(|error| error.message().contains("no certificate")), "{text}");
        }
        assert!(
            authorities(&folder.path().join("none")).is_err_and(|error| error.message().contains("cannot be read"))
        );
    }
}
