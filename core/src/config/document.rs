//! A TOML file whose every complaint names file, line and column; or keys that came without a file, whose complaints name the key.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::error::{Error, Kind, Result};

/// Between double quotes TOML reads `\t` as a tab and knows no `\P`.
const SINGLE_QUOTES: &str = r"write a path with \ between single quotes: 'C:\ProgramData\csc-bridge'";

/// The text of one TOML file, kept to turn byte positions into places.
pub struct Document {
    path: PathBuf,
    text: &'static str,
    /// Where there is no file: the key that stands in each line of the text, after an empty first line.
    keys: Option<Vec<String>>,
}

impl Document {
    /// Parses a file's text; a UTF-8 byte order mark (Notepad writes one) is skipped.
    ///
    /// # Errors
    /// [`Kind::Config`] at the place where it is no TOML, or where a path of Windows became something else by the rules of TOML.
    pub fn parse(path: &Path, text: &str) -> Result<(Document, DeTable<'static>)> {
        // The parsed values borrow from the text and outlive this function in every adapter's options. A process reads a
        // handful of such files, each once, so the text is simply never freed.
        let text: &'static str = Box::leak(text.strip_prefix('\u{feff}').unwrap_or(text).into());
        let document = Document { path: path.to_owned(), text, keys: None };
        match DeTable::parse(document.text) {
            Ok(table) => match mangled_in(table.get_ref().values()) {
                Some(span) => Err(document.error_at(span, "a path with a control character in it", SINGLE_QUOTES)),
                None => Ok((document, table.into_inner())),
            },
            Err(error) => Err(document.complain("", &error)),
        }
    }

    /// The same for keys that came without a file: `text` has an empty line, then each of `keys` on a line of its own. Relative
    /// paths are relative to `folder`. `None` where it is no TOML.
    pub(super) fn of_keys(folder: &Path, keys: Vec<String>, text: &str) -> Option<(Document, DeTable<'static>)> {
        let (document, table) = Document::parse(&folder.join("options"), text).ok()?;
        Some((Document { keys: Some(keys), ..document }, table))
    }

    /// The folder that relative paths in the file are relative to.
    pub fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// Reads a table into a struct. `section` is its name for messages, empty for the top level.
    pub(super) fn read<T: DeserializeOwned>(&self, section: &str, keys: DeTable<'static>) -> Result<T> {
        let first = keys.iter().next().filter(|_| self.keys.is_none());
        let whole = first.map_or(0..0, |(key, _)| key.span());
        let value = Spanned::new(whole, DeValue::Table(keys));
        T::deserialize(ValueDeserializer::from(value)).map_err(|error| self.complain(section, &error))
    }

    /// An error at a place in the file.
    pub fn error_at(&self, span: Range<usize>, message: &str, advice: impl Into<String>) -> Error {
        let (line, column) = self.place(span.start);
        Error::new(
            Kind::Config,
            format!("{}, line {line}, column {column}: {message}", self.path.display()),
            advice.into(),
        )
    }

    fn complain(&self, section: &str, error: &toml::de::Error) -> Error {
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        if let Some(keys) = &self.keys {
            return self.complain_of_key(section, keys, error.span(), &message);
        }
        let message = if section.is_empty() { message } else { format!("[{section}] {message}") };
        let advice = match message.contains("escape") || message.contains("unicode") {
            true => SINGLE_QUOTES,
            false => "correct that line; every key is explained in docs/configuration.md",
        };
        match error.span() {
            Some(span) => self.error_at(span, &message, advice),
            None => Error::new(Kind::Config, format!("{}: {message}", self.path.display()), advice),
        }
    }

    fn complain_of_key(&self, section: &str, keys: &[String], span: Option<Range<usize>>, message: &str) -> Error {
        let line = span.map_or(1, |span| self.place(span.start).0);
        let message = match line.checked_sub(2).and_then(|line| keys.get(line)) {
            Some(key) => format!("[{section}] {key}: {message}"),
            None => format!("[{section}] {message}"),
        };
        Error::new(Kind::Config, message, "correct that key in csc-bridge.toml; the plugin's own guide explains it")
    }

    fn place(&self, at: usize) -> (usize, usize) {
        let before = &self.text[..self.text.floor_char_boundary(at)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// The place of the first path of Windows that lost a `\` to an escape: `"C:\temp"` has a tab in it.
fn mangled_in<'v>(values: impl Iterator<Item = &'v Spanned<DeValue<'static>>>) -> Option<Range<usize>> {
    values.into_iter().find_map(|value| match value.get_ref() {
        DeValue::String(text) if is_mangled(text) => Some(value.span()),
        DeValue::Table(table) => mangled_in(table.values()),
        DeValue::Array(array) => mangled_in(array.iter()),
        _ => None,
    })
}

fn is_mangled(text: &str) -> bool {
    let has_drive = text.get(1..2) == Some(":") && text.starts_with(|letter: char| letter.is_ascii_alphabetic());
    (has_drive || text.starts_with('\\')) && text.contains(|letter: char| letter.is_control())
}
