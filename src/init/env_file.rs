//! A `.env` file as D2I's tool reads it, which is python-dotenv's way:
//!
//! - `NAME=value` or `export NAME=value`, blanks around both, `#` lines, CRLF, a byte order mark; of a name that stands twice the last counts.
//! - A value without quotes goes to the end of the line or to a `#` behind a blank; a backslash in it is a backslash.
//! - In `'…'` only `\\` and `\'` stand for something else, in `"…"` also `\"` and `\a \b \f \n \r \t \v`. So `"sql01\reporting"` holds a
//!   carriage return, for D2I's tool as for this one.
//!
//! Three things differ, and none makes another value of a file that works today: `NAME= # words` is empty, a quote ends on its line, and
//! `${NAME}` is refused, because what it stands for depends on the process that reads it. No message quotes a line: it may be a secret.

use std::path::Path;

use csc_bridge_core::error::{Error, Kind, Result};

/// What D2I's example files have where the authority's own value goes.
const UNFILLED: &[&str] = &[
    "your_3_digit_la_code",
    "your_la_reporting_db_server",
    "your_reporting_instance_name_eg_HDM_Local",
    "as supplied from dfe api portal",
    "<dfe-supplied-value>",
];

/// The variables of a file.
pub struct EnvFile {
    variables: Vec<Variable>,
}

struct Variable {
    /// In capitals: Windows does not tell `client_id` from `CLIENT_ID`.
    name: String,
    value: String,
    line: usize,
}

impl EnvFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Kind::Config`] with the number of the first line that cannot be read.
    pub fn read(path: &Path) -> Result<EnvFile> {
        let unreadable = |why: String, advice: &'static str| {
            Error::new(Kind::Config, format!("the file {} {why}", path.display()), advice)
        };
        let bytes = std::fs::read(path).map_err(|error| {
            unreadable(
                format!("cannot be read: {}", error.kind()),
                "check the path behind --from-env and its permissions",
            )
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|_| unreadable("is not text in UTF-8".to_owned(), "save it again with the encoding UTF-8"))?;
        EnvFile::parse(&text).map_err(|error| error.within(path.display()))
    }

    /// Reads a file's text.
    fn parse(text: &str) -> Result<EnvFile> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
        let mut variables: Vec<Variable> = Vec::new();
        for (line, text) in (1..).zip(text.split('\n')) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (name, value) = assignment(text).map_err(|error| error.within(format!("line {line}")))?;
            variables.retain(|variable| variable.name != name);
            variables.push(Variable { name, value, line });
        }
        Ok(EnvFile { variables })
    }

    /// A variable's value, trimmed; `None` where it is not there, empty, or still what D2I's example has.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.variables.iter().find(|variable| variable.name == name)?.value.trim();
        (!value.is_empty() && !UNFILLED.contains(&value)).then_some(value)
    }

    /// Whether the file has a line for a variable, be it empty.
    pub fn has(&self, name: &str) -> bool {
        self.variables.iter().any(|variable| variable.name == name)
    }

    /// Refuses values of these variables that cannot be meant as they stand.
    ///
    /// # Errors
    /// [`Kind::Config`] with the variable's name and line.
    pub fn check(&self, names: &[&str]) -> Result<()> {
        for variable in self.variables.iter().filter(|variable| names.contains(&variable.name.as_str())) {
            let wrong = |what: &str, advice: &'static str| {
                Err(Error::new(Kind::Config, format!("line {}: {} {what}", variable.line, variable.name), advice))
            };
            if variable.value.chars().any(char::is_control) {
                let advice =
                    "within double quotes \\r, \\n, \\t and the like stand for one; write the value in single quotes";
                return wrong("holds a control character", advice);
            }
            if variable.value.contains("${") {
                return wrong("refers to another variable, ${…}", "write the value itself in its place");
            }
        }
        Ok(())
    }

    /// The variables that are none of these, in the file's order: by name, or by line where what stands before the `=` does not look
    /// like a variable's name and so may be a piece of a value.
    pub fn others(&self, known: &[&str]) -> Vec<String> {
        let others = self.variables.iter().filter(|variable| !known.contains(&variable.name.as_str()));
        others
            .map(|Variable { name, line, value }| match name.len() <= 40 && !value.starts_with('=') {
                true => name.clone(),
                false => format!("line {line}"),
            })
            .collect()
    }
}

fn assignment(text: &str) -> Result<(String, String)> {
    let no_assignment = || mistake("this is no NAME=value", "write NAME=value; begin a comment with #");
    let text = match text.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => text,
    };
    let (name, rest) = text.split_once('=').ok_or_else(no_assignment)?;
    let name = name.trim_end();
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if !is_name {
        return Err(no_assignment());
    }
    let value = rest.trim_start();
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted(&value[1..], quote)?,
        // `NAME= # words`: the blank went with the trimming.
        Some('#') if value.len() < rest.len() => String::new(),
        _ => plain(value),
    };
    Ok((name.to_ascii_uppercase(), value))
}

/// A value without quotes, up to a `#` behind a blank.
fn plain(text: &str) -> String {
    let comment = text.char_indices().find(|(at, c)| *c == '#' && text[..*at].ends_with(char::is_whitespace));
    text[..comment.map_or(text.len(), |(at, _)| at)].trim_end().to_owned()
}

/// A value behind its opening quote.
fn quoted(text: &str, quote: char) -> Result<String> {
    let mut value = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next() {
            None => return Err(mistake("a quote is opened and not closed on its line", "close the quote")),
            Some(c) if c == quote => break,
            Some('\\') => match rest.clone().next().and_then(|c| escaped(c, quote)) {
                Some(c) => {
                    rest.next();
                    value.push(c);
                }
                None => value.push('\\'),
            },
            Some(c) => value.push(c),
        }
    }
    match rest.as_str().trim_start() {
        "" => Ok(value),
        comment if comment.starts_with('#') => Ok(value),
        _ => Err(mistake(
            "something follows the closing quote that is no comment",
            "put the whole value into one pair of quotes; write a quote within as \\\" or \\'",
        )),
    }
}

/// What a character behind a backslash stands for, within quotes.
fn escaped(c: char, quote: char) -> Option<char> {
    match (c, quote) {
        ('\\' | '\'', _) => Some(c),
        (_, '\'') => None,
        ('"', _) => Some('"'),
        ('a', _) => Some('\u{7}'),
        ('b', _) => Some('\u{8}'),
        ('f', _) => Some('\u{c}'),
        ('n', _) => Some('\n'),
        ('r', _) => Some('\r'),
        ('t', _) => Some('\t'),
        ('v', _) => Some('\u{b}'),
        _ => None,
    }
}

fn mistake(what: &'static str, advice: &'static str) -> Error {
    Error::new(Kind::Config, what, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of `A`.
    fn value(text: &str) -> String {
        let file = EnvFile::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        file.variables.iter().find(|variable| variable.name == "A").expect("A is there").value.clone()
    }

    /// The right side is what python-dotenv 1.2.2 makes of the left.
    #[test]
    fn values_are_read_as_python_dotenv_reads_them() {
        for (text, read) in [
            ("A=b", "b"),
            ("export A=b", "b"),
            ("export\tA=b", "b"),
            ("A = b ", "b"),
            ("  A=b", "b"),
            ("A=", ""),
            ("A=\"\"", ""),
            ("A=\"b\"#c", "b"),
            ("A=\"b\" # c", "b"),
            ("A='b'# c", "b"),
            ("A=  \"b\"", "b"),
            ("A=\" b \"", " b "),
            ("A=b#c", "b#c"),
            ("A=#c", "#c"),
            ("A=b #c", "b"),
            ("A=b\t# c # d", "b"),
            ("A='a\\nb'", "a\\nb"),
            ("A='a\\\\b'", "a\\b"),
            ("A='it\\'s'", "it's"),
            ("A='a\"b'", "a\"b"),
            ("A=\"a'b\"", "a'b"),
            ("A=\"a\\nb\\\"c\\\\d\\q\"", "a\nb\"c\\d\\q"),
            ("A=\"sql\\reporting\"", "sql\reporting"),
            ("A=\"\\x41\\u00e9\"", "\\x41\\u00e9"),
            ("A=sql\\reporting\\\\n", "sql\\reporting\\\\n"),
            ("A=b;c={d}=e\\f", "b;c={d}=e\\f"),
            ("A=a\"b\"", "a\"b\""),
            ("A=b\r\nB=2\r\n", "b"),
            ("A=1\rB=2", "1"),
            ("A=1\nB=x\nA=2", "2"),
            ("# A=1\n\nA=2\n", "2"),
        ] {
            assert_eq!(value(text), read, "{text}");
        }
    }

    #[test]
    fn a_byte_order_mark_and_small_letters_make_no_difference() {
        assert_eq!(value("\u{feff}A=b"), "b");
        assert_eq!(value("a=b"), "b");
        assert_eq!(value("A= # not a value"), "");
    }

    #[test]
    fn mistakes_have_a_line_and_quote_nothing() {
        for text in [
            "B=1\ngeheim",
            "B=1\ngeheim: x",
            "B=1\n=geheim",
            "B=1\nge heim=x",
            "B=1\nexport =geheim",
            "B=1\nA=\"geheim",
            "B=1\nA='geheim\nC='x'",
            "B=1\nA=\"geheim\" x",
            "B=1\nA=\"geheim\"x\"",
            "B=1\r\nA='ge'heim'",
            "B=1\nA=\"geheim\\\"",
        ] {
            let error = EnvFile::parse(text).err().unwrap_or_else(|| panic!("{text} was taken"));
            let said = format!("{error:?}");
            assert!(said.contains("line 2: ") && !said.contains("heim"), "{text}: {said}");
        }
    }

    #[test]
    fn values_that_cannot_be_meant_are_refused_by_name() {
        for text in ["B=1\nA=\"sql\\reporting\"", "B=1\nA=${HOST}", "B=1\nA='x${B}'"] {
            let file = EnvFile::parse(text).expect("reads");
            let said = format!("{:?}", file.check(&["A"]).expect_err("it is refused"));
            assert!(said.contains("line 2: A ") && !said.contains("HOST"), "{said}");
            assert!(file.check(&["B"]).is_ok());
        }
    }
}
