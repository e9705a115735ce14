//! TOML as a person would write it: keys below one another, what they come from beside them.

use std::fmt::Write;

/// One section, or the keys above the first.
#[derive(Default)]
pub struct Section {
    lines: Vec<Line>,
}

enum Line {
    Key { name: &'static str, value: String, comment: String },
    Comment(String),
}

impl Section {
    /// Adds a key; `value` is TOML, `comment` says where it comes from, empty for nothing.
    pub fn key(&mut self, name: &'static str, value: String, comment: impl Into<String>) {
        self.lines.push(Line::Key { name, value, comment: comment.into() });
    }

    /// Adds a line of comment.
    pub fn comment(&mut self, text: impl Into<String>) {
        self.lines.push(Line::Comment(text.into()));
    }

    /// Adds another's lines.
    pub fn append(&mut self, mut other: Section) {
        self.lines.append(&mut other.lines);
    }

    /// Whether it has a key.
    pub fn has(&self, key: &str) -> bool {
        self.lines.iter().any(|line| matches!(line, Line::Key { name, .. } if *name == key))
    }

    /// Writes it behind its heading, if it has lines.
    pub fn write(&self, heading: &str, out: &mut String) {
        if self.lines.is_empty() {
            return;
        }
        if !heading.is_empty() {
            out.push_str(heading);
            out.push('\n');
        }
        let keys = self.lines.iter().filter_map(|line| match line {
            Line::Key { name, .. } => Some(name.len()),
            Line::Comment(_) => None,
        });
        let width = keys.max().unwrap_or(0);
        for line in &self.lines {
            // Writing to a text cannot fail.
            let _ = match line {
                Line::Key { name, value, comment } if comment.is_empty() => writeln!(out, "{name:<width$} = {value}"),
                Line::Key { name, value, comment } => writeln!(out, "{name:<width$} = {value}   # {comment}"),
                Line::Comment(text) => writeln!(out, "# {text}"),
            };
        }
        out.push('\n');
    }
}

/// A text as TOML, in single quotes where it holds backslashes.
pub fn text(value: &str) -> String {
    if value.contains('\\') && !value.contains('\'') && !value.contains(char::is_control) {
        return format!("'{value}'");
    }
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A secret that is in an environment variable.
pub fn env(name: &str) -> String {
    format!("{{ env = {} }}", text(name))
}
