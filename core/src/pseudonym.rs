//! How a child is named in logs and reports: a keyed pseudonym, the same in every run of one installation, so that an
//! operator can follow one child through the log without the log naming anybody.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::config::IdStyle;
use crate::error::{Error, Kind, Result};

/// Names children for logs.
#[derive(Clone)]
pub struct Pseudonyms {
    /// `None`: the operator asked for plain ids.
    key: Option<[u8; 32]>,
}

impl Pseudonyms {
    /// Reads the installation's key from the state folder, or makes folder and key where they are missing.
    ///
    /// # Errors
    /// [`Kind::Io`] where the folder cannot be made, read or written, or the key is not whole.
    pub fn open(state_dir: &Path, style: IdStyle) -> Result<Pseudonyms> {
        if style == IdStyle::Plain {
            return Ok(Pseudonyms { key: None });
        }
        let path = state_dir.join("pseudonym.key");
        let bytes = match fs::read(&path) {
            Ok(bytes) if bytes.len() == 32 => bytes,
            // Missing, or another process is about to write it, or damaged.
            _ => create_private(state_dir).and_then(|()| read_or_make(&path)).map_err(|error| {
                Error::new(
                    Kind::Io,
                    format!("the state folder {} cannot be used: {}", state_dir.display(), error.kind()),
                    "set state_dir to a folder that the account running csc-bridge may write to",
                )
            })?,
        };
        let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| {
            Error::new(
                Kind::Io,
                format!("{} is damaged", path.display()),
                "delete it: a new one is made, and children get new names in the log",
            )
        })?;
        Ok(Pseudonyms { key: Some(key) })
    }

    /// The child's name for logs and reports.
    pub fn of(&self, id: &str) -> String {
        let Some(key) = &self.key else { return id.to_owned() };
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length is a key");
        mac.update(id.as_bytes());
        let digest = mac.finalize().into_bytes();
        digest[..6].iter().fold(String::from("child-"), |name, byte| format!("{name}{byte:02x}"))
    }
}

/// Reads the key under the file's lock, and writes one first where there is none: of several processes that start at once
/// in a new installation the first one's key is everybody's. An empty file was left by a process that was killed here.
fn read_or_make(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.lock()?;
    let mut key = Vec::new();
    file.read_to_end(&mut key)?;
    if key.is_empty() {
        key.extend(Uuid::new_v4().as_bytes());
        key.extend(Uuid::new_v4().as_bytes());
        file.write_all(&key)?;
        file.sync_all()?;
    }
    Ok(key)
}

/// Makes a folder that nobody else may read (on Windows it has the permissions of the folder above).
fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    /// Without the lock one process reads the file that another has made and not yet written.
    #[test]
    fn processes_that_start_at_once_in_a_new_installation_agree_on_the_key() {
        for _ in 0..50 {
            let place = tempfile::tempdir().expect("a folder");
            let state = place.path().join("state");
            let together = Barrier::new(8);
            let names: Vec<String> = thread::scope(|scope| {
                let open = || {
                    together.wait();
                    Pseudonyms::open(&state, IdStyle::Pseudonym).expect("a key").of("P1")
                };
                let started: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
                started.into_iter().map(|one| one.join().expect("no panic")).collect()
            });
            assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
        }
    }

    #[test]
    fn an_empty_key_is_written_and_a_short_one_is_refused() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("pseudonym.key");
        fs::write(&path, "").expect("written");
        let name = Pseudonyms::open(place.path(), IdStyle::Pseudonym).expect("a key").of("P1");
        assert_eq!(Pseudonyms::open(place.path(), IdStyle::Pseudonym).expect("a key").of("P1"), name);
        fs::write(&path, "short").expect("written");
        let error = Pseudonyms::open(place.path(), IdStyle::Pseudonym).err().expect("refused");
        assert!(error.to_string().contains("is damaged"), "{error}");
        assert_eq!(fs::read(&path).expect("read"), b"short");
    }
}
