//! Where the server's programs are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Names the folder where it is not Debian's.
const VARIABLE: &str = "CSC_BRIDGE_PG_BIN";

/// The folder with the programs of the newest PostgreSQL, and its major version.
pub(crate) fn find() -> Option<(PathBuf, u32)> {
    if let Some(folder) = env::var_os(VARIABLE).map(PathBuf::from) {
        assert!(is_complete(&folder), "{VARIABLE} names a folder without initdb, postgres and psql");
        let version = folder.parent().and_then(version_of).unwrap_or(0);
        return Some((folder, version));
    }
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .flatten()
        .filter_map(|entry| Some((entry.path().join("bin"), version_of(&entry.path())?)))
        .filter(|(folder, _)| is_complete(folder))
        .max_by_key(|(_, version)| *version)
}

fn version_of(folder: &Path) -> Option<u32> {
    folder.file_name()?.to_str()?.split('.').next()?.parse().ok()
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres", "psql"].iter().all(|program| folder.join(program).is_file())
}
