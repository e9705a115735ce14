//! Which files may be loaded. Everything here happens before a library is opened.
//!
//! A plugin is a library and, beside it, a manifest `NAME.toml`:
//!
//! ```toml
//! name      = "care-director"
//! version   = "1.2.0"
//! abi       = [1, 1]              # the versions of the boundary that it works with; or one number
//! file      = "libcare_director.so"
//! sha256    = "9f86d081884c7d65…"
//! publisher = "Data to Insight"
//! ```
//!
//! The manifest is the publisher's word. The operator's is in `csc-bridge.toml`, which alone decides:
//!
//! ```toml
//! [plugins]
//! folder = "plugins"
//! allow  = [{ name = "care-director", sha256 = "9f86d081884c7d65…", isolate = true }]
//! ```
//!
//! [`open`] refuses what is not on the list; a library whose hash is neither the list's nor the manifest's; a manifest for another name or
//! another version of the boundary; symbolic links in the folder, wherever they lead; and, on Unix, a folder or file that somebody
//! else may write: the group, others, or an owner who is neither root nor this account. On Windows rights are not looked at: the
//! folder's rights are the operator's affair there, and the hash still decides. The list is read by core ([`AllowedPlugin`]).

mod file;
mod manifest;

use std::path::Path;

use csc_bridge_core::config::AllowedPlugin;
use csc_bridge_core::error::{Error, Kind, Result};
use csc_bridge_plugin_abi::table::ABI;
use sha2::{Digest, Sha256};

pub use manifest::Manifest;

/// A manifest is a few lines.
const LONGEST_MANIFEST: u64 = 64 * 1024;
/// A library with a database driver in it has some tens of megabytes.
const LARGEST_LIBRARY: u64 = 512 * 1024 * 1024;

/// A library that may be loaded: its bytes as they were hashed.
pub struct Verified {
    pub(crate) manifest: Manifest,
    pub(crate) allowed: AllowedPlugin,
    pub(crate) library: Vec<u8>,
}

impl Verified {
    /// What the publisher says of it.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }
}

/// What lies in the folder under one name, for `csc-bridge plugin list` and `verify`.
#[derive(Debug)]
pub struct Found {
    /// The manifest's file name without `.toml`; of a file that no manifest names, its own; of an entry of the list that nothing
    /// lies there for, the entry's.
    pub name: String,
    /// The manifest, where it can be read.
    pub manifest: Option<Manifest>,
    /// The hash of the library, where it can be read.
    pub sha256: Option<String>,
    /// Whether it would be loaded, or why not.
    pub verdict: Result<()>,
}

/// Looks at everything in the folder, and loads nothing. Sorted by name.
///
/// # Errors
/// [`Kind::Io`]: the folder cannot be read. What is wrong with one plugin is its verdict.
pub fn inspect(folder: &Path, allow: &[AllowedPlugin]) -> Result<Vec<Found>> {
    let mut files = file::names(folder)?;
    let mut found: Vec<Found> = Vec::new();
    for name in files.clone().iter().filter_map(|file| file.strip_suffix(".toml")) {
        let manifest = read_manifest(folder, name).ok();
        let library = manifest.as_ref().and_then(|manifest| read_library(folder, manifest).ok());
        files.retain(|file| manifest.as_ref().is_none_or(|manifest| *file != manifest.file));
        files.retain(|file| file.strip_suffix(".toml") != Some(name));
        let verdict = open(folder, name, allow).map(drop);
        found.push(Found { name: name.to_owned(), manifest, sha256: library.as_deref().map(hash), verdict });
    }
    for file in files {
        let verdict = Err(Error::new(
            Kind::Config,
            format!("no manifest in {} names the file {file}", folder.display()),
            "put the plugin's manifest beside it, or take the file away",
        ));
        found.push(Found { name: file, manifest: None, sha256: None, verdict });
    }
    for allowed in allow {
        if found.iter().all(|found| found.name != allowed.name) {
            let verdict = open(folder, &allowed.name, allow).map(drop);
            found.push(Found { name: allowed.name.clone(), manifest: None, sha256: None, verdict });
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// The plugin `name`, ready to be loaded. Its library is read once; nothing of it runs.
///
/// # Errors
/// Each names the plugin and says what to do. [`Kind::Config`]: it is not on the list, a name is malformed, the manifest is
/// missing or not this plugin's, the boundary's version does not fit. [`Kind::Permission`]: the hash is another, a symbolic link, or a folder or
/// file that somebody else may write. [`Kind::Io`]: a file cannot be read.
pub fn open(folder: &Path, name: &str, allow: &[AllowedPlugin]) -> Result<Verified> {
    let refused = |error: Error| error.within(format_args!("the plugin {} is not loaded", printed(name)));
    let verified = || {
        manifest::check_name(name)?;
        let allowed = allowed(name, allow)?;
        file::check_folder(folder)?;
        let manifest = read_manifest(folder, name)?;
        if !(manifest.abi.0..=manifest.abi.1).contains(&ABI) {
            return Err(Error::new(
                Kind::Config,
                format!(
                    "it works with versions {} to {} of the boundary, this program has version {ABI}",
                    manifest.abi.0, manifest.abi.1
                ),
                "ask its publisher for a build that fits this version of csc-bridge",
            ));
        }
        let library = read_library(folder, &manifest)?;
        check_hash(name, &hash(&library), &manifest, allowed)?;
        Ok(Verified { manifest, allowed: allowed.clone(), library })
    };
    verified().map_err(refused)
}

/// The line that allows the plugin as it lies there now, to be put into `allow`. For the operator who has looked at where it came from.
///
/// # Errors
/// As [`open`], but for the list's part.
pub fn pin(folder: &Path, name: &str) -> Result<String> {
    let pinned = || {
        manifest::check_name(name)?;
        file::check_folder(folder)?;
        let manifest = read_manifest(folder, name)?;
        let hash = hash(&read_library(folder, &manifest)?);
        check_manifest_hash(&hash, &manifest)?;
        Ok(format!("{{ name = \"{name}\", sha256 = \"{hash}\" }}"))
    };
    pinned().map_err(|error: Error| error.within(format_args!("the plugin {} is not pinned", printed(name))))
}

fn allowed<'a>(name: &str, allow: &'a [AllowedPlugin]) -> Result<&'a AllowedPlugin> {
    allow.iter().find(|allowed| allowed.name == name).ok_or_else(|| {
        Error::new(
            Kind::Config,
            "it is not on the list [plugins] allow",
            format!(
                "if you trust where it came from, put the output of csc-bridge plugin pin {name} into [plugins] allow"
            ),
        )
    })
}

fn check_hash(name: &str, hash: &str, manifest: &Manifest, allowed: &AllowedPlugin) -> Result<()> {
    if hash != hex(&allowed.sha256) {
        return Err(Error::new(
            Kind::Permission,
            format!("the file {} is not the one that [plugins] allow names by its sha256", manifest.file),
            format!(
                "find out who changed it: csc-bridge plugin verify {name} shows the hashes; after an update that you trust, put the output of \
                 csc-bridge plugin pin {name} into [plugins] allow"
            ),
        ));
    }
    check_manifest_hash(hash, manifest)
}

fn check_manifest_hash(hash: &str, manifest: &Manifest) -> Result<()> {
    match hash.eq_ignore_ascii_case(&manifest.sha256) {
        true => Ok(()),
        false => Err(Error::new(
            Kind::Permission,
            format!("the file {} is not the one that its manifest names by its sha256", manifest.file),
            "library and manifest belong together: get both from the publisher anew",
        )),
    }
}

fn read_manifest(folder: &Path, name: &str) -> Result<Manifest> {
    manifest::check_name(name)?;
    let file = format!("{name}.toml");
    let Some(bytes) = file::read(folder, &file, LONGEST_MANIFEST)? else {
        return Err(Error::new(
            Kind::Config,
            format!("its manifest {file} is not in {}", folder.display()),
            "put the manifest that came with the library beside it; csc-bridge plugin list shows what lies there",
        ));
    };
    Manifest::parse(name, &bytes)
}

fn read_library(folder: &Path, manifest: &Manifest) -> Result<Vec<u8>> {
    file::read(folder, &manifest.file, LARGEST_LIBRARY)?.ok_or_else(|| {
        Error::new(
            Kind::Config,
            format!("the file {} that its manifest names is not in {}", manifest.file, folder.display()),
            "put the library beside its manifest",
        )
    })
}

fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name that was not checked yet, fit for a message.
fn printed(name: &str) -> String {
    csc_bridge_plugin_abi::message::one_line(name, "without a name")
}
