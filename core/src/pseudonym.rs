//! How a child is named in logs and reports: a keyed pseudonym, the same in every run of one installation, so that an
//! operator can follow one child through the log without the log naming anybody.

use std::fs;
use std::io::Write;
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
    /// [`Kind::Io`] where the folder cannot be made, read or written.
    pub fn open(state_dir: &Path, style: IdStyle) -> Result<Pseudonyms> {
        if style == IdStyle::Plain {
            return Ok(Pseudonyms { key: None });
        }
        let path = state_dir.join("pseudonym.key");
        let refused = |error: std::io::Error| {
            Error::new(
                Kind::Io,
                format!("the state folder {} cannot be used: {}", state_dir.display(), error.kind()),
                "set state_dir to a folder that the account running csc-bridge may write to",
            )
        };
        if let Ok(bytes) = fs::read(&path) {
            let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| {
                Error::new(
                    Kind::Io,
                    format!("{} is damaged", path.display()),
                    "delete it: a new one is made, and children get new names in the log",
                )
            })?;
            return Ok(Pseudonyms { key: Some(key) });
        }
        create_private(state_dir).map_err(refused)?;
        let mut key = [0; 32];
        key[..16].copy_from_slice(Uuid::new_v4().as_bytes());
        key[16..].copy_from_slice(Uuid::new_v4().as_bytes());
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(mut file) => file.write_all(&key).and_then(|()| file.sync_all()).map_err(refused)?,
            // Another process made one between our look and our write: its key is the installation's.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Pseudonyms::open(state_dir, style);
            }
            Err(error) => return Err(refused(error)),
        }
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

/// Makes a folder that nobody else may read (on Windows it has the permissions of the folder above).
fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
