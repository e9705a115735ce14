//! Fields whose value comes out of several rows or out of JSON: disabilities, factors, the conference flag.

use std::borrow::Cow;

use super::canonical::{Json, write_string};
use super::definition::FieldType;
use super::findings::Fault;
use super::plan::{CodesPlan, FieldPlan, Slot};
use super::rows::Row;
use super::rules::{Child, Env};
use super::value::{Reporter, code_in, flag, write_flag};
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
        let mut codes: Vec<Cow<'t, str>> = Vec::new();
        let mut any = false;
        for text in texts {
            any = true;
            self.add_code(set, field, text, &mut codes);
        }
        if let Some(default) = &field.default {
            match codes.iter().any(|code| code != default) {
                true => codes.retain(|code| code != default),
                false if !any => codes.push(Cow::Owned(default.clone())),
                false => {}
            }
        }
        self.write_codes(field, codes, out) > 0
    }

    /// Factors (25; design, decision 4): of all rows, a list of codes or an object of code to yes; always written.
    pub fn factors(&mut self, child: Child<'a>, field: &FieldPlan, env: &Env<'a>, out: &mut Vec<u8>) -> bool {
        let Some((set, column)) = self.list_source(child, field) else { return false };
        let mut codes: Vec<Cow<'a, str>> = Vec::new();
        for text in rows_of(child, field, env).filter_map(|row| row.text(column)) {
            match Json::parse(text) {
                Ok(said) => self.add_factors(set, field, said, &mut codes),
                Err(_) => self.report(Fault::BadJson, field, Some(text)),
            }
        }
        self.write_codes(field, codes, out);
        true
    }

    /// Adds the factors that a JSON value says.
    pub fn add_factors<'t>(
        &mut self,
        set: &CodesPlan,
        field: &FieldPlan,
        said: Json<'t>,
        codes: &mut Vec<Cow<'t, str>>,
    ) {
        match said {
            Json::Null => {}
            Json::List(items) => {
                for item in items {
                    match item {
                        Json::Null => {}
                        Json::String(code) => self.add_code(set, field, code, codes),
                        Json::Number(number) => self.add_code(set, field, Cow::Borrowed(number), codes),
                        other => self.report_json(field, &other),
                    }
                }
            }
            Json::Object(members) => {
                for (code, said) in members {
                    match yes(&said) {
                        Some(true) => self.add_code(set, field, code, codes),
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

    fn add_code<'t>(&mut self, set: &CodesPlan, field: &FieldPlan, text: Cow<'t, str>, codes: &mut Vec<Cow<'t, str>>) {
        if text.trim().is_empty() {
            return;
        }
        let code = match code_in(set, text.trim()) {
            Some(code) => code.to_owned(),
            None => {
                self.report(Fault::NotACode, field, Some(&text));
                if self.invalid == InvalidCodes::Omit {
                    return;
                }
                text.trim().to_owned()
            }
        };
        if !codes.iter().any(|known| *known == code) {
            codes.push(Cow::Owned(code));
        }
    }

    /// Writes codes sorted, at most as many as the field may have; returns how many.
    pub fn write_codes(&mut self, field: &FieldPlan, mut codes: Vec<Cow<'_, str>>, out: &mut Vec<u8>) -> usize {
        codes.sort_unstable();
        if let Some(most) = field.max_items
            && codes.len() > most
        {
            self.report(Fault::TooMany, field, None);
            codes.truncate(most);
        }
        out.push(b'[');
        for (index, code) in codes.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(code, out);
        }
        out.push(b']');
        codes.len()
    }
}

fn rows_of<'a>(child: Child<'a>, field: &FieldPlan, env: &Env<'a>) -> impl Iterator<Item = Row<'a>> + use<'a> {
    let row = env.row;
    field.rows_of.into_iter().flat_map(move |(table, link)| child.linked(table, link, row))
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
