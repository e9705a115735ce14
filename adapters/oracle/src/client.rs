//! Oracle's client library: loaded once, when the first connection is made.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use csc_bridge_core::error::{Error, Kind, Result};
use oracle::InitParams;

use crate::error::explain_client;
use crate::options::ClientFiles;

/// What the library was loaded with. A process has one, for ODPI-C keeps it to the end.
static LOADED: Mutex<Option<ClientFiles>> = Mutex::new(None);

/// Loads the library, unless it is loaded. Blocks.
///
/// # Errors
/// [`Kind::Config`]: it is not there, does not fit this program, is too old, or was loaded from another folder.
pub(crate) fn load(files: &ClientFiles) -> Result<()> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    match &*loaded {
        Some(before) if before == files => return Ok(()),
        Some(_) => return Err(other_files()),
        None => {}
    }
    let mut params = InitParams::new();
    let failed = |error: oracle::Error| explain_client(&error, files.library.as_deref());
    params.default_driver_name("csc-bridge").map_err(failed)?;
    if let Some(folder) = &files.library {
        let folder = there("client_dir", folder)?;
        params.oracle_client_lib_dir(folder).map_err(failed)?;
    }
    if let Some(folder) = &files.config {
        let folder = there("config_dir", folder)?;
        params.oracle_client_config_dir(folder).map_err(failed)?;
    }
    params.init().map_err(failed)?;
    *loaded = Some(files.clone());
    Ok(())
}

fn there<'a>(key: &str, folder: &'a Path) -> Result<&'a str> {
    let wrong = |what: &str| {
        Error::new(
            Kind::Config,
            format!("{key} names {}, {what}", folder.display()),
            format!("correct {key} in csc-bridge.toml; relative paths are relative to that file"),
        )
    };
    if !folder.is_dir() {
        return Err(wrong("which is no folder that this account can see"));
    }
    folder.to_str().ok_or_else(|| wrong("whose name is not Unicode"))
}

fn other_files() -> Error {
    Error::new(
        Kind::Config,
        "client_dir or config_dir differ between two sections, and a program can load Oracle's client library only once",
        "write the same client_dir and config_dir in [source] and [staging]",
    )
}

/// Where the library was looked for, for messages.
pub(crate) fn looked_for(folder: Option<&Path>) -> String {
    match folder {
        Some(folder) => format!("in the folder {}", folder.display()),
        None if cfg!(windows) => "in the folders of PATH".to_owned(),
        None => "where the system looks for libraries (ldconfig, LD_LIBRARY_PATH)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_is_named_with_its_key() {
        let error =
            load(&ClientFiles { library: Some("/nowhere/instantclient".into()), config: None }).expect_err("no folder");
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.message().starts_with("client_dir names /nowhere/instantclient"), "{}", error.message());
    }
}
