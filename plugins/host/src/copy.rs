//! A private copy of a library, from which it is loaded: nobody else can change it between the check and the loading.

use std::path::{Path, PathBuf};

use csc_bridge_core::error::{Error, Kind, Result};
use tempfile::TempDir;

/// Bytes under a path that only this process, or this account, can reach.
pub(crate) struct PrivateCopy {
    path: PathBuf,
    /// Where it is a file.
    folder: Option<PathBuf>,
}

impl PrivateCopy {
    /// Writes the bytes: into memory without a name (Linux), else into a file in a folder for this account alone.
    pub(crate) fn of(bytes: &[u8]) -> Result<PrivateCopy> {
        #[cfg(target_os = "linux")]
        if let Some(copy) = in_memory(bytes) {
            return Ok(copy);
        }
        in_folder(bytes).map_err(|error| {
            Error::new(
                Kind::Io,
                format!("a private copy of a plugin cannot be written: {}", error.kind()),
                "check that the folder for temporary files may be written and has room",
            )
        })
    }

    /// What is given to the loader.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PrivateCopy {
    /// The loader has mapped it by now. Windows keeps a loaded file: there the folder goes when a later process makes one.
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// None where the kernel refuses. The descriptor is never closed: the loader tells libraries apart by their paths, and the next library would get
/// the same number.
#[cfg(target_os = "linux")]
fn in_memory(bytes: &[u8]) -> Option<PrivateCopy> {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use rustix::fs::{MemfdFlags, SealFlags};

    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know EXEC, and need no word for it.
    let made = rustix::fs::memfd_create("csc-bridge-plugin", flags | MemfdFlags::EXEC)
        .or_else(|_| rustix::fs::memfd_create("csc-bridge-plugin", flags));
    let mut file = std::fs::File::from(made.ok()?);
    file.write_all(bytes).ok()?;
    rustix::fs::fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)
        .ok()?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    if !path.exists() {
        return None;
    }
    std::mem::forget(file);
    Some(PrivateCopy { path, folder: None })
}

const PREFIX: &str = "csc-bridge-plugin-";

fn in_folder(bytes: &[u8]) -> std::io::Result<PrivateCopy> {
    #[cfg(windows)]
    delete_left_over(&std::env::temp_dir());
    let folder = private_folder(PREFIX)?;
    let path = folder.path().join(if cfg!(windows) { "plugin.dll" } else { "plugin.so" });
    std::fs::write(&path, bytes)?;
    Ok(PrivateCopy { path, folder: Some(folder.keep()) })
}

/// Deletes what earlier processes had to leave. What is still loaded cannot be deleted, and what is young may be about to be.
#[cfg(windows)]
fn delete_left_over(folder: &Path) {
    const YOUNG: std::time::Duration = std::time::Duration::from_secs(600);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|folder| folder.modified()).ok().and_then(|made| made.elapsed().ok());
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && age.is_some_and(|age| age > YOUNG) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// A folder under that for temporary files, on Unix for this account alone; on Windows the account's own folder for temporary files is.
pub(crate) fn private_folder(prefix: &str) -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.prefix(prefix).tempdir()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_copy_in_a_folder_is_for_its_owner_alone_and_goes() {
        let copy = in_folder(b"bytes").unwrap();
        assert_eq!(std::fs::read(copy.path()).unwrap(), b"bytes");
        let folder = copy.path().parent().unwrap().to_owned();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        }
        drop(copy);
        assert!(!folder.exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_copy_in_memory_cannot_be_changed_and_each_has_a_path_of_its_own() {
        let first = in_memory(b"first").unwrap();
        let path = first.path().to_owned();
        drop(first);
        let second = in_memory(b"second").unwrap();
        assert_ne!(path, second.path());
        let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        assert!(std::io::Write::write_all(&mut file, b"other").is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
    }
}
