//! Fields whose value comes out of several rows or out of JSON: disabilities, factors, the conference flag.

use std::borrow::Cow;

use super::canonical::{Json, write_string};
use super::codes::Codes;
use super::definition::FieldType;
use super::findings::Fault;
use super::plan::{CodesPlan, FieldPlan, Slot};
use super::rows::Row;
use super::rules::{Child, Env};
use super::value::{Reporter, flag, write_flag};
use crate::config::InvalidCodes;

impl<'a> Reporter<'a, '_> {
    /// Disabilities (12; design, decision 10): the default code goes when a real one stands beside it, and is written only where
    /// the source has no code at all.
    pub fn code_list(&mut self, child: Child<'a>, field: &FieldPlan, env: &Env<'a>, out: &mut Vec<u8>) -> bool {
        let Some((set, column)) = self.list_source(child, field) else { return false };
        let texts = rows_of(child, field, env).filter_map(|row| row.text(column)).map(Cow::Borrowed);
        self.write_code_list(set, field, texts, out)
    }

    /// The same of these texts.
    pub fn write_code_list<'t>(
        &mut self,
        set: &CodesPlan,
        field: &FieldPlan,
        texts: impl Iterator<Item = Cow<'t, str>>,
        out: &mut Vec<u8>,
    ) -> bool {
        let mut codes = Codes::of(set);
        let mut any = false;
        for text in texts {
            any = true;
            self.add_code(field, text, &mut codes);
        }
        if let Some(default) = &field.default {
            codes.mend(default, any);
        }
        self.write_codes(field, codes, out) > 0
    }

    /// Factors (25; design, decision 4): of all rows, a list of codes or an object of code to yes; always written.
    pub fn factors(&mut self, child: Child<'a>, field: &FieldPlan, env: &Env<'a>, out: &mut Vec<u8>) -> bool {
        let Some((set, column)) = self.list_source(child, field) else { return false };
        let mut codes = Codes::of(set);
        for text in rows_of(child, field, env).filter_map(|row| row.text(column)) {
            if let Some(items) = plain_items(text) {
                items.for_each(|item| self.add_code(field, Cow::Borrowed(item), &mut codes));
                continue;
            }
            match Json::parse(text) {
                Ok(said) => self.add_factors(field, said, &mut codes),
                Err(_) => self.report(Fault::BadJson, field, Some(text)),
            }
        }
        self.write_codes(field, codes, out);
        true
    }

    /// Adds the factors that a JSON value says.
    pub fn add_factors<'t>(&mut self, field: &FieldPlan, said: Json<'t>, codes: &mut Codes<'_, 't>) {
        match said {
            Json::Null => {}
            Json::List(items) => {
                for item in items {
                    match item {
                        Json::Null => {}
                        Json::String(code) => self.add_code(field, code, codes),
                        Json::Number(number) => self.add_code(field, Cow::Borrowed(number), codes),
                        other => self.report_json(field, &other),
                    }
                }
            }
            Json::Object(members) => {
                for (code, said) in members {
                    match yes(&said) {
                        Some(true) => self.add_code(field, code, codes),
                        Some(false) => {}
                        None => self.report_json(field, &said),
                    }
                }
            }
            other => self.report_json(field, &other),
        }
    }

    /// Reports JSON of another shape than the field has.
    pub fn report_json(&mut self, field: &FieldPlan, found: &Json<'_>) {
        let mut text = Vec::new();
        found.write(&[], &mut text);
        self.report(Fault::BadJson, field, std::str::from_utf8(&text).ok());
    }

    /// The conference flag (31; design, decision 6). Text that is not JSON gives no flag.
    pub fn conference_flag(&mut self, field: &FieldPlan, env: &Env<'a>, out: &mut Vec<u8>) -> bool {
        let Some(text) = env.text(field.slot) else { return false };
        let Ok(outcome) = Json::parse(text) else { return false };
        let said = ["CP_CONFERENCE_FLAG", "OUTCOME_CP_CONFERENCE_FLAG"].into_iter().find_map(|key| {
            outcome.get_ignoring_case(key).filter(|said| !matches!(said, Json::Null) && !is_blank(said))
        });
        let Some(said) = said else { return false };
        let answer = match said {
            Json::Bool(answer) => Some(*answer),
            Json::String(word) => flag(word.trim()),
            Json::Number(number) => flag(number),
            _ => None,
        };
        match answer {
            Some(answer) => write_flag(answer, out),
            None => {
                self.report(Fault::NotAFlag, field, Some(text));
                false
            }
        }
    }

    fn list_source<'p>(&self, child: Child<'p>, field: &FieldPlan) -> Option<(&'p CodesPlan, usize)> {
        debug_assert!(matches!(field.kind, FieldType::CodeList | FieldType::Factors));
        let Slot::Own(column) = field.slot else { return None };
        field.codes.map(|set| (&child.plan.codes[set], column))
    }

    fn add_code<'t>(&mut self, field: &FieldPlan, text: Cow<'t, str>, codes: &mut Codes<'_, 't>) {
        let said = text.trim();
        if said.is_empty() || codes.add(said) {
            return;
        }
        if !codes.set.anything {
            self.report(Fault::NotACode, field, Some(&text));
            if self.invalid == InvalidCodes::Omit {
                return;
            }
        }
        codes.add_other(Cow::Owned(said.to_owned()));
    }

    /// Writes codes sorted, at most as many as the field may have; returns how many.
    pub fn write_codes(&mut self, field: &FieldPlan, codes: Codes<'_, '_>, out: &mut Vec<u8>) -> usize {
        let count = codes.len();
        let most = field.max_items.unwrap_or(usize::MAX);
        if count > most {
            self.report(Fault::TooMany, field, None);
        }
        out.push(b'[');
        codes.each_sorted(most, |index, code| {
            if index > 0 {
                out.push(b',');
            }
            write_string(code, out);
        });
        out.push(b']');
        count.min(most)
    }
}

fn rows_of<'a>(child: Child<'a>, field: &FieldPlan, env: &Env<'a>) -> impl Iterator<Item = Row<'a>> + use<'a> {
    let row = env.row;
    field.rows_of.into_iter().flat_map(move |(table, link)| child.linked(table, link, row))
}

/// The items of a JSON list of strings without escapes, as factors are stored; `None` for anything else, which may be JSON all the same.
fn plain_items(text: &str) -> Option<Items<'_>> {
    let inside = text.strip_prefix('[')?.strip_suffix(']')?;
    let mut items = Items { text: inside, at: 0 };
    while items.next().is_some() {}
    // One that stopped before the end has met something else.
    (items.at > inside.len()).then_some(Items { text: inside, at: 0 })
}

/// What stands in a list of plain strings. Ends where it meets anything else; behind the end of the text where it does not.
struct Items<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        let after_space = |mut at: usize| {
            while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
                at += 1;
            }
            at
        };
        let begin = after_space(self.at);
        if bytes.get(begin) != Some(&b'"') {
            return None;
        }
        let length = bytes[begin + 1..].iter().position(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\')?;
        let end = begin + 1 + length;
        let after = after_space(end + 1);
        if bytes[end] != b'"' || !matches!(bytes.get(after), None | Some(b',')) {
            return None;
        }
        self.at = after + 1;
        self.text.get(begin + 1..end)
    }
}

fn is_blank(value: &Json<'_>) -> bool {
    matches!(value, Json::String(text) if text.trim().is_empty())
}

/// "Yes" in the words that tick boxes have; a missing answer is no.
fn yes(value: &Json<'_>) -> Option<bool> {
    match value {
        Json::Null => Some(false),
        Json::Bool(answer) => Some(*answer),
        Json::Number(number) => flag(number),
        Json::String(word) if word.trim().is_empty() || word.trim().eq_ignore_ascii_case("no") => Some(false),
        Json::String(word) if word.trim().eq_ignore_ascii_case("yes") => Some(true),
        Json::String(word) => flag(word.trim()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_items_are_those_that_json_has() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let parts = [
            "[", "]", "\"", "\"1A\"", "\"b c\"", ",", ", ", " ", "\n", "\\", "\\\"", "null", "3", "\"é\"", "\u{1}",
            "\u{a0}",
        ];
        let mut plain = 0;
        for round in 0..200_000 {
            let inside: String = (0..random.usize(..7)).map(|_| parts[random.usize(..parts.len())]).collect();
            let text = if round % 8 == 0 { inside } else { format!("[{inside}]") };
            let Some(items) = plain_items(&text) else { continue };
            plain += 1;
            let items: Vec<Json<'_>> = items.map(|item| Json::String(Cow::Borrowed(item))).collect();
            assert_eq!(Json::parse(&text).expect("JSON"), Json::List(items), "{text:?}");
        }
        assert!(plain > 1000, "{plain} of them were plain");
        assert!(plain_items(r#"["9A", "2B"]"#).is_some_and(|items| items.count() == 2));
    }
}
