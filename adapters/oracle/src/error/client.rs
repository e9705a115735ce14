//! Why Oracle's client library cannot be used.

use std::path::Path;

use csc_bridge_core::error::{Error, Kind};

use crate::client::looked_for;

/// Where the client library comes from.
const GET_CLIENT: &str = "install Oracle Instant Client, Basic or Basic Light, 64 bit, version 19 or later, on this machine (free, from \
     oracle.com/database/technologies/instant-client; no other part of Oracle is needed), and name its folder: client_dir = \"…\" in \
     [source]. On Windows it needs Microsoft's Visual C++ runtime, on Linux the package libaio";

/// Why the client library is not loaded, which was looked for in `folder`.
pub(crate) fn explain_client(error: &oracle::Error, folder: Option<&Path>) -> Error {
    let said = error.db_error().map(|error| error.message()).unwrap_or_default();
    client(error.dpi_code(), said, folder)
}

fn client(code: Option<i32>, said: &str, folder: Option<&Path>) -> Error {
    // The loader of the operating system says it in its own words, in which there is nobody's data.
    let is_other_machine = ["wrong ELF class", "not a valid Win32", "wrong architecture", "incompatible architecture"]
        .iter()
        .any(|words| said.contains(words));
    let is_without_libaio = said.contains("libaio");
    let is_damaged = ["invalid ELF header", "file too short", "not a mach-o"].iter().any(|words| said.contains(words));
    let (happened, advice) = match code {
        Some(1047) if is_other_machine => (
            format!("Oracle's client library {} is for another kind of processor than csc-bridge", looked_for(folder)),
            format!("csc-bridge is a program of {} bits for {}: {GET_CLIENT}", usize::BITS, std::env::consts::ARCH),
        ),
        Some(1047) if is_without_libaio => (
            format!(
                "Oracle's client library {} cannot be loaded: it needs libaio, which is not installed",
                looked_for(folder)
            ),
            "install the system's package libaio (libaio1, libaio1t64), then run again".to_owned(),
        ),
        Some(1047) if is_damaged => {
            (format!("Oracle's client library {} is damaged", looked_for(folder)), GET_CLIENT.to_owned())
        }
        Some(1047) => (
            format!("Oracle's client library ({}) was not found {}", library(), looked_for(folder)),
            GET_CLIENT.to_owned(),
        ),
        Some(1049 | 1050 | 1072 | 1079) => {
            (format!("Oracle's client library {} is too old", looked_for(folder)), GET_CLIENT.to_owned())
        }
        _ => (
            format!("Oracle's client library {} could not be set up", looked_for(folder)),
            format!("check what ORACLE_HOME, TNS_ADMIN and NLS_LANG are set to, or {GET_CLIENT}"),
        ),
    };
    Error::new(Kind::Config, happened, advice)
}

fn library() -> &'static str {
    match () {
        () if cfg!(windows) => "oci.dll",
        () if cfg!(target_os = "macos") => "libclntsh.dylib",
        () => "libclntsh.so",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_not_there_is_told_from_one_that_does_not_fit() {
        let said = |code, text: &str| client(Some(code), text, Some(Path::new("/opt/ic"))).message().to_owned();
        let missing = client(Some(1047), "libclntsh.so: cannot open shared object file: No such file", None);
        assert!(missing.message().contains("was not found"), "{}", missing.message());
        assert!(missing.advice().contains("Instant Client"), "{}", missing.advice());
        assert!(said(1047, "libclntsh.so: wrong ELF class: ELFCLASS32").contains("another kind of processor"));
        assert!(said(1047, "%1 is not a valid Win32 application").contains("another kind of processor"));
        assert!(said(1047, "libaio.so.1: cannot open shared object file").contains("libaio"));
        assert!(said(1072, "").contains("in the folder /opt/ic is too old"));
        assert_eq!(missing.kind(), Kind::Config);
    }
}
