//! Reading the plugin folder without being led astray.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::Path;

use csc_bridge_core::error::{Error, Kind, Result};

/// The names of all files and links in the folder.
pub(super) fn names(folder: &Path) -> Result<Vec<String>> {
    let failed = |error: std::io::Error| {
        Error::new(
            Kind::Io,
            format!("the plugin folder {} cannot be read: {}", folder.display(), error.kind()),
            "check folder in [plugins], and that the account that runs csc-bridge may read it",
        )
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_type().map_err(failed)?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Whether the folder is one, and nobody else may write it.
pub(super) fn check_folder(folder: &Path) -> Result<()> {
    let metadata = folder.metadata().map_err(|error| {
        Error::new(
            Kind::Io,
            format!("the plugin folder {} cannot be looked at: {}", folder.display(), error.kind()),
            "check folder in [plugins]",
        )
    })?;
    if !metadata.is_dir() {
        return Err(Error::new(
            Kind::Config,
            format!("{} is not a folder", folder.display()),
            "name the folder of the plugins in [plugins] folder",
        ));
    }
    check_rights(&metadata, &format!("the folder {}", folder.display()))
}

/// Reads a file of the folder whole; `None` where there is none. All checks are of the file that is read: it is opened first.
pub(super) fn read(folder: &Path, name: &str, longest: u64) -> Result<Option<Vec<u8>>> {
    let path = folder.join(name);
    // Where the operating system can refuse a link at opening it does; this is for the others, and for the message.
    if path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
        return Err(link(name));
    }
    let failed = |error: std::io::Error| {
        Error::new(
            Kind::Io,
            format!("the file {name} cannot be read: {}", error.kind()),
            "check that the account that runs csc-bridge may read it",
        )
    };
    let file = match open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        #[cfg(unix)]
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => return Err(link(name)),
        Err(error) => return Err(failed(error)),
    };
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() || metadata.len() > longest {
        return Err(Error::new(
            Kind::Permission,
            format!("{name} is not a file of at most {longest} bytes"),
            "get it from the publisher anew",
        ));
    }
    check_rights(&metadata, &format!("the file {name}"))?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.take(longest + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > longest {
        true => Err(failed(ErrorKind::FileTooLarge.into())),
        false => Ok(Some(bytes)),
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        // Without NONBLOCK a named pipe would be waited for.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    }
    options.open(path)
}

fn link(name: &str) -> Error {
    Error::new(
        Kind::Permission,
        format!("{name} is a symbolic link"),
        "put the file itself into the plugin folder: a link can be turned to another file at any time",
    )
}

#[cfg(unix)]
fn check_rights(metadata: &Metadata, what: &str) -> Result<()> {
    use std::os::unix::fs::MetadataExt;

    let me = rustix::process::geteuid().as_raw();
    match may_be_written_by_others(metadata.mode(), metadata.uid(), me) {
        None => Ok(()),
        Some(who) => Err(Error::new(
            Kind::Permission,
            format!("{what} may be written by {who}"),
            "take that right away (chown root, chmod go-w), and then check what lies there: csc-bridge plugin verify",
        )),
    }
}

#[cfg(not(unix))]
fn check_rights(_: &Metadata, _: &str) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
fn may_be_written_by_others(mode: u32, owner: u32, me: u32) -> Option<&'static str> {
    match () {
        () if mode & 0o002 != 0 => Some("others"),
        () if mode & 0o020 != 0 => Some("its group"),
        () if owner != 0 && owner != me => Some("an owner who is neither root nor this account"),
        () => None,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::may_be_written_by_others;

    #[test]
    fn only_root_and_this_account_may_write() {
        assert_eq!(may_be_written_by_others(0o755, 0, 1000), None);
        assert_eq!(may_be_written_by_others(0o644, 1000, 1000), None);
        assert_eq!(may_be_written_by_others(0o775, 0, 1000), Some("its group"));
        assert_eq!(may_be_written_by_others(0o1777, 0, 1000), Some("others"));
        assert!(may_be_written_by_others(0o644, 1001, 1000).is_some());
    }
}
