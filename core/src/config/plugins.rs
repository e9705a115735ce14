//! `[plugins]`: which libraries this program may load, and how each of them is kept.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::document::Document;
use super::options::Span;
use super::sections::Sections;
use crate::error::{Error, Result};

/// Ten minutes.
const TIMEOUT: Duration = Duration::from_secs(600);

/// `[plugins]`: what may be loaded. Reading it loads nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugins {
    /// Where the libraries are, with a manifest beside each: `plugins` beside the configuration, unless it says otherwise.
    pub folder: PathBuf,
    /// What may be loaded, in the order of the configuration; each name once. Nothing else is.
    pub allow: Vec<AllowedPlugin>,
}

impl Plugins {
    /// The plugin of this name, which an `adapter` key may give; `None` where it is not allowed.
    pub fn allowed(&self, name: &str) -> Option<&AllowedPlugin> {
        self.allow.iter().find(|plugin| plugin.name == name)
    }
}

/// One library that may be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedPlugin {
    /// What `adapter` calls it: lower-case letters, digits and hyphens.
    pub name: String,
    /// SHA-256 over the bytes of the library. One whose bytes have another is not loaded.
    pub sha256: [u8; 32],
    /// Whether it runs in a process of its own, so that its crash is not the program's.
    pub isolate: bool,
    /// How long one call of it may take; never zero.
    pub timeout: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlugins {
    folder: Option<PathBuf>,
    #[serde(default)]
    allow: Vec<RawAllowed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAllowed {
    name: Spanned<String>,
    sha256: Spanned<String>,
    #[serde(default)]
    isolate: bool,
    timeout: Option<Spanned<Span>>,
}

impl Sections {
    /// `[plugins]`.
    pub fn plugins(&self, document: &Document) -> Result<Plugins> {
        let raw: RawPlugins = document.read("plugins", self.section("plugins"))?;
        let mut seen = BTreeSet::new();
        let mut allow = Vec::with_capacity(raw.allow.len());
        for plugin in raw.allow {
            let (span, plugin) = (plugin.name.span(), allowed(document, plugin)?);
            if !seen.insert(plugin.name.clone()) {
                let message = format!("[plugins] allow has \"{}\" twice", plugin.name);
                return Err(document.error_at(span, &message, "keep the line with the hash of the library you trust"));
            }
            allow.push(plugin);
        }
        Ok(Plugins { folder: document.folder().join(raw.folder.unwrap_or_else(|| "plugins".into())), allow })
    }
}

fn allowed(document: &Document, raw: RawAllowed) -> Result<AllowedPlugin> {
    let is_of_names = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if raw.name.get_ref().is_empty() || !raw.name.get_ref().bytes().all(is_of_names) {
        let message = "[plugins] allow: this is no name of a plugin";
        let advice = "write lower-case letters, digits and hyphens, such as \"care-director\"";
        return Err(document.error_at(raw.name.span(), message, advice));
    }
    let timeout = match raw.timeout {
        Some(timeout) if timeout.get_ref().0.is_zero() => {
            let advice = "write how long one call may take, such as \"10m\", or leave the key out";
            return Err(document.error_at(timeout.span(), "[plugins] allow: timeout is 0", advice));
        }
        timeout => timeout.map_or(TIMEOUT, |timeout| timeout.into_inner().0),
    };
    Ok(AllowedPlugin {
        sha256: hash(raw.sha256.get_ref()).ok_or_else(|| not_a_hash(document, &raw.sha256))?,
        name: raw.name.into_inner(),
        isolate: raw.isolate,
        timeout,
    })
}

/// 64 hexadecimal digits, in either case, as bytes.
fn hash(text: &str) -> Option<[u8; 32]> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits = text.bytes().map(|byte| digit(&byte)).collect::<Option<Vec<u8>>>()?;
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    (digits.len() == 64).then(|| bytes.try_into().ok())?
}

fn not_a_hash(document: &Document, sha256: &Spanned<String>) -> Error {
    let message = "[plugins] allow: sha256 is not 64 hexadecimal digits";
    let advice = "write the SHA-256 of the library's bytes as sha256sum or Get-FileHash prints it";
    document.error_at(sha256.span(), message, advice)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use super::super::Config;
    use super::{Plugins, hash};
    use crate::error::{Kind, Result};

    const TOP: &str = "cms = \"sqlite\"\nla_code = \"845\"\n\n";

    fn read(section: &str) -> Result<Plugins> {
        let path = Path::new("folder").join("here.toml");
        Config::parse(&path, &format!("{TOP}{section}")).map(|config| config.plugins)
    }

    fn digits(with: &str) -> String {
        format!("{with}{}", "0".repeat(64 - with.len()))
    }

    #[test]
    fn nothing_is_allowed_unless_it_is_named() {
        let plugins = read("").expect("a configuration");
        assert_eq!(plugins, Plugins { folder: Path::new("folder").join("plugins"), allow: Vec::new() });
        assert_eq!(plugins.allowed("care-director"), None);
    }

    #[test]
    fn what_is_allowed_is_read_with_its_hash() {
        let (one, two) = (digits("Ab"), digits("cd"));
        let plugins = read(&format!(
            "[plugins]\nfolder = \"/opt/p\"\nallow = [{{ name = \"care-director\", sha256 = \"{one}\" }},\n  \
             {{ name = \"x2\", sha256 = \"{two}\", isolate = true, timeout = \"30s\" }}]\n"
        ))
        .expect("a configuration");
        assert_eq!(plugins.folder, PathBuf::from("/opt/p"));
        let found = |name| plugins.allowed(name).expect("a plugin");
        let (first, second) = (found("care-director"), found("x2"));
        assert_eq!((first.sha256[0], first.isolate, first.timeout), (0xAB, false, Duration::from_secs(600)));
        assert_eq!((second.sha256[0], second.isolate, second.timeout), (0xCD, true, Duration::from_secs(30)));
        assert_eq!(plugins.allowed("Care-Director"), None);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let good = format!("sha256 = \"{}\"", digits(""));
        for (plugin, column, word) in [
            (format!("name = \"Care\", {good}"), 20, "no name of a plugin"),
            (format!("name = \"../x\", {good}"), 20, "no name of a plugin"),
            (format!("name = \"\", {good}"), 20, "no name of a plugin"),
            (format!("name = \"caf\u{e9}\", {good}"), 20, "no name of a plugin"),
            ("name = \"x\", sha256 = \"12\"".to_owned(), 34, "64 hexadecimal digits"),
            (format!("name = \"x\", {good}, timeout = \"soon\""), 112, "length of time"),
            (format!("name = \"x\", {good}, timeout = \"0s\""), 112, "timeout is 0"),
            (format!("name = \"x\", {good}, isolated = true"), 102, "isolated"),
            ("name = \"x\"".to_owned(), 11, "sha256"),
            (format!("name = \"x\", {good} }}, {{ name = \"x\", {good}"), 113, "twice"),
        ] {
            let text = format!("[plugins]\nallow = [ {{ {plugin} }} ]\n");
            let error = read(&text).err().unwrap_or_else(|| panic!("taken: {text}"));
            let place = format!("here.toml, line 5, column {column}: ");
            assert_eq!(error.kind(), Kind::Config);
            assert!(error.message().contains(&place) && error.message().contains(word), "{plugin}: {error}");
        }
        let error = read("[plugins]\nfolders = \"x\"\n").expect_err("an unknown key");
        assert!(error.message().contains("here.toml, line 5, column 1: [plugins] "), "{error}");
    }

    #[test]
    fn a_hash_is_sixty_four_hexadecimal_digits_in_either_case() {
        let mut bytes = [0_u8; 32];
        (bytes[0], bytes[31]) = (0xAB, 0x0F);
        assert_eq!(hash(&format!("aB{}0f", "0".repeat(60))), Some(bytes));
        for wrong in ["", "ab", &"0".repeat(63), &"0".repeat(65), &"0".repeat(66), &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(hash(wrong), None, "{wrong}");
        }
    }
}
