//! One field's value: read, checked against length, pattern, code set and range, written as JSON, or left out with a finding
//! (design, decision 3).

use super::canonical::{write_plain, write_string};
use super::column::DayCell;
use super::day::Day;
use super::definition::FieldType;
use super::findings::{Fault, Findings};
use super::pattern::Pattern;
use super::plan::{CodesPlan, FieldPlan, Plan, Slot};
use super::rules::{Child, Env};
use crate::config::InvalidCodes;

/// Writes values and reports those left out.
pub(super) struct Reporter<'a, 'f> {
    /// `None` while something is written only to be compared.
    pub findings: Option<&'f mut Findings>,
    /// The child's id.
    pub child: &'a str,
    pub invalid: InvalidCodes,
}

impl<'a> Reporter<'a, '_> {
    /// The same without findings.
    pub fn quietly(&self) -> Reporter<'a, 'static> {
        Reporter { findings: None, child: self.child, invalid: self.invalid }
    }

    /// Reports a fault of a field.
    pub fn report(&mut self, fault: Fault, field: &FieldPlan, value: Option<&str>) {
        self.report_at(fault, &field.path, value);
    }

    /// Reports a fault at a place of the document.
    pub fn report_at(&mut self, fault: Fault, path: &str, value: Option<&str>) {
        if let Some(findings) = self.findings.as_deref_mut() {
            findings.add(fault, path, self.child, value);
        }
    }

    /// Reports why a record without a good id is left out.
    pub fn report_bad_id(&mut self, field: &FieldPlan, env: &Env<'a>) {
        match env.text(field.slot) {
            None => self.report(Fault::NoId, field, None),
            Some(text) => self.report(Fault::BadId, field, Some(text)),
        }
    }

    /// Reports dates that could not be read in a row that the rules left out: perhaps because of them.
    pub fn report_bad_days(&mut self, env: &Env<'a>) {
        if let (Some(findings), Some(row)) = (self.findings.as_deref_mut(), env.row) {
            row.bad_days().for_each(|column| findings.add(Fault::NotADate, column, self.child, None));
        }
    }

    /// Writes a field's value; says whether there was one.
    pub fn write_field(&mut self, child: Child<'a>, field: &FieldPlan, env: &Env<'a>, out: &mut Vec<u8>) -> bool {
        let text = || env.text(field.slot);
        match field.kind {
            FieldType::Id | FieldType::Text => self.text(child.plan, field, text(), out),
            FieldType::Code | FieldType::ReferralSource => {
                let otherwise = || field.fallback.and_then(|slot| env.text(slot));
                self.code(child.plan, field, text(), otherwise, out)
            }
            FieldType::Date => {
                let Some((row, column)) = env.cell(field.slot) else { return false };
                let start = || field.not_before.and_then(|slot| env.day(slot));
                self.date(field, row.day_cell(column), start, out)
            }
            FieldType::Boolean => self.boolean(field, text(), out),
            FieldType::Integer => self.integer(field, text(), out),
            FieldType::CodeList => self.code_list(child, field, env, out),
            FieldType::Factors => self.factors(child, field, env, out),
            FieldType::ConferenceFlag => self.conference_flag(field, env, out),
            FieldType::Found => {
                let Slot::Lookup(lookup, _) = field.slot else { return false };
                write_flag(env.lookups[lookup].is_some(), out)
            }
        }
    }

    pub fn text(&mut self, plan: &Plan, field: &FieldPlan, text: Option<&str>, out: &mut Vec<u8>) -> bool {
        let Some(text) = text else { return false };
        if field.not_codes.is_some_and(|set| plan.codes[set].find(text).is_some()) {
            return false;
        }
        match text_fault(plan, field, text) {
            None if field.pattern.as_ref().is_some_and(Pattern::is_plain) => write_plain(text, out),
            None => write_string(text, out),
            Some(fault) => {
                self.report(fault, field, Some(text));
                if self.invalid == InvalidCodes::Omit {
                    return false;
                }
                write_string(text, out);
            }
        }
        true
    }

    /// `otherwise` is the text of the field's fallback.
    pub fn code<'t>(
        &mut self,
        plan: &Plan,
        field: &FieldPlan,
        text: Option<&str>,
        otherwise: impl FnOnce() -> Option<&'t str>,
        out: &mut Vec<u8>,
    ) -> bool {
        let Some(set) = field.codes else { return false };
        let set = &plan.codes[set];
        let Some(text) = text else {
            // What stands in the fallback column belongs to another field: if it is no code of this one, that is no fault.
            let otherwise = otherwise();
            let code = otherwise.and_then(|text| code_in(set, text));
            return write_text(code.or(field.default.as_deref()), out);
        };
        let code = match field.kind {
            FieldType::ReferralSource => referral_source(text).and_then(|code| set.find(code)),
            _ => code_in(set, text),
        };
        if code.is_none() {
            self.report(Fault::NotACode, field, Some(text));
        }
        let sent = match self.invalid {
            InvalidCodes::Omit => field.default.as_deref(),
            InvalidCodes::Send => Some(text),
        };
        write_text(code.or(sent), out)
    }

    /// `start` is the day before which the date may not be.
    pub fn date(
        &mut self,
        field: &FieldPlan,
        cell: DayCell,
        start: impl FnOnce() -> Option<Day>,
        out: &mut Vec<u8>,
    ) -> bool {
        match cell {
            DayCell::None => false,
            DayCell::Bad => {
                self.report(Fault::NotADate, field, None);
                false
            }
            DayCell::Day(day) => {
                if start().is_some_and(|start| day < start) {
                    self.report(Fault::BeforeStart, field, None);
                    return false;
                }
                out.extend_from_slice(&day.quoted());
                true
            }
        }
    }

    pub fn boolean(&mut self, field: &FieldPlan, text: Option<&str>, out: &mut Vec<u8>) -> bool {
        let Some(text) = text else { return false };
        match flag(text) {
            Some(flag) => write_flag(flag, out),
            None => {
                self.report(Fault::NotAFlag, field, Some(text));
                false
            }
        }
    }

    pub fn integer(&mut self, field: &FieldPlan, text: Option<&str>, out: &mut Vec<u8>) -> bool {
        let Some(text) = text else { return false };
        let fault = match whole_number(text) {
            None => Fault::NotANumber,
            Some(number) if field.range.is_some_and(|[low, high]| !(low..=high).contains(&number)) => Fault::OutOfRange,
            Some(number) => {
                out.extend_from_slice(number.to_string().as_bytes());
                return true;
            }
        };
        self.report(fault, field, Some(text));
        false
    }
}

/// The text of a field if it is a good one, without a finding.
pub(super) fn good_text<'a>(plan: &Plan, field: &FieldPlan, env: &Env<'a>) -> Option<&'a str> {
    env.text(field.slot).filter(|text| text_fault(plan, field, text).is_none())
}

/// What is wrong with a text.
pub(super) fn text_fault(plan: &Plan, field: &FieldPlan, text: &str) -> Option<Fault> {
    let limit = field.length.or(field.max);
    if let Some(limit) = limit
        && (field.length.is_some() || text.len() > limit)
    {
        let length = text.chars().count();
        if field.length.is_some() && length != limit {
            return Some(Fault::WrongLength);
        }
        if length > limit {
            return Some(Fault::TooLong);
        }
    }
    if field.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
        return Some(Fault::BadPattern);
    }
    // A text field with a code set is one whose definition asks for the raw text: the set still decides.
    field.codes.filter(|set| plan.codes[*set].find(text).is_none()).map(|_| Fault::NotACode)
}

/// The code that a text is, or that its first run of letters and digits is ("E3 Care order…").
pub(super) fn code_in<'a>(set: &'a CodesPlan, text: &'a str) -> Option<&'a str> {
    set.find(text).or_else(|| set.find(first_run(text)))
}

/// The same by the code's place in its set. None of a set that takes anything.
pub(super) fn code_place(set: &CodesPlan, text: &str) -> Option<usize> {
    set.place_of(text).or_else(|| set.place_of(first_run(text)))
}

/// The first run of letters and digits.
fn first_run(text: &str) -> &str {
    let run = text.trim_start_matches(|letter: char| !letter.is_alphanumeric());
    let end = run.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(run.len());
    &run[..end]
}

/// The prefix rule of payload fact sheet 18: `10`; 1 to 3 then A to F; 5 then A to D; 4, 6, 7, 8 or 9. First match wins.
fn referral_source(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let second = bytes.get(1).map(u8::to_ascii_uppercase);
    match (bytes.first()?, second) {
        (b'1', Some(b'0')) => Some(&text[..2]),
        (b'1'..=b'3', Some(b'A'..=b'F')) | (b'5', Some(b'A'..=b'D')) => Some(&text[..2]),
        (b'4' | b'6'..=b'9', _) => Some(&text[..1]),
        _ => None,
    }
}

/// Y T 1 TRUE, N F 0 FALSE in any case; any other number is true (payload fact sheet, 21).
pub(super) fn flag(text: &str) -> Option<bool> {
    let is = |word: &&str| text.eq_ignore_ascii_case(word);
    if ["Y", "T", "1", "TRUE"].iter().any(is) {
        return Some(true);
    }
    if ["N", "F", "0", "FALSE"].iter().any(is) {
        return Some(false);
    }
    whole_number(text).map(|number| number != 0)
}

/// A whole number, also when it is printed with a fraction of zeros.
fn whole_number(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let zeros = !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0');
    whole.parse().ok().filter(|_| zeros)
}

pub(super) fn write_flag(flag: bool, out: &mut Vec<u8>) -> bool {
    out.extend_from_slice(if flag { b"true" } else { b"false" });
    true
}

fn write_text(text: Option<&str>, out: &mut Vec<u8>) -> bool {
    text.is_some_and(|text| {
        write_string(text, out);
        true
    })
}
