//! A document that a source delivers finished, written as the assembler would have written it: the same fields, values, order and
//! canonical bytes. What the definition does not allow is left out with the same findings.
//!
//! Which records count (the definition's windows and sets) was the source's to judge, as it had the rows. Of what kind a child is was not:
//! the rule of age holds for everybody.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::assemble::{Assembled, Assembler, Verdict, hash_without};
use super::canonical::{Json, write_string};
use super::codes::Codes;
use super::column::DayCell;
use super::day::Day;
use super::definition::FieldType;
use super::findings::{Fault, Findings};
use super::plan::{BlockPlan, FieldPlan, Member, Plan, Slot, Source};
use super::rules::Latest;
use super::value::{Reporter, text_fault};
use crate::error::{Error, Result};
use crate::staging::Hash;

impl<'a> Assembler<'a> {
    /// Judges and writes the document of child `id` as its source delivered it; `None` where it could not.
    ///
    /// # Errors
    /// Only [`crate::error::Kind::Internal`]: whatever the text is, it makes a document or findings.
    pub fn admit<'b>(
        &'b mut self,
        text: Option<&str>,
        id: &'a str,
        findings: &mut Findings,
    ) -> Result<Verdict<'a, 'b>> {
        let plan = self.plan;
        let Some(text) = text else {
            findings.add(Fault::ChildNoDocument, "", id, None);
            return Ok(Verdict::Unread);
        };
        let Some(document) = Json::parse(text).ok().filter(|document| is_of(plan, document, id)) else {
            findings.add(Fault::ChildBadDocument, "", id, None);
            return Ok(Verdict::Refused);
        };
        let root = Object { plan, block: &plan.root, members: &document, of_person: true };
        let (birth, expected) = root.person_days().unwrap_or((DayCell::None, DayCell::None));
        match plan.judge_age(birth, expected) {
            Err(fault) => {
                findings.add(fault, "", id, None);
                return Ok(Verdict::Refused);
            }
            Ok(false) => return Ok(Verdict::Left),
            Ok(true) => {}
        }
        let reporter = Reporter { findings: Some(findings), child: id, invalid: plan.invalid };
        let mut copier = Copier { reporter, record_ids: true, records: 0 };
        self.out.clear();
        copier.object(root, &mut self.out);
        let records = copier.records;
        let document = std::str::from_utf8(&self.out).map_err(|_| Error::internal("a document is not UTF-8"))?;
        let legacy = plan.root.fields.iter().find(|field| field.key == "mis_child_id");
        let legacy_id = legacy.and_then(|field| root.good_text(field)).map(|id| Cow::Owned(id.into_owned()));
        let hash = stable_hash(plan, document)?;
        Ok(Verdict::Cohort(Assembled { document, hash, legacy_id, records }))
    }
}

/// Whether it is a document, this child's, and does not ask for anything to be purged: that is `stage`'s to decide.
fn is_of(plan: &Plan, document: &Json<'_>, id: &str) -> bool {
    let own = plan.root.id.and_then(|index| document.get(&plan.root.fields[index].key));
    let is_own = match own {
        Some(Json::String(own)) => own.trim() == id,
        Some(Json::Number(own)) => *own == id,
        _ => false,
    };
    is_own && !asks_for_purge(document)
}

fn asks_for_purge(value: &Json<'_>) -> bool {
    match value {
        Json::Object(members) => members.iter().any(|(key, value)| {
            let is_quiet = key != "purge" || matches!(value, Json::Null | Json::Bool(false));
            !is_quiet || asks_for_purge(value)
        }),
        Json::List(items) => items.iter().any(asks_for_purge),
        _ => false,
    }
}

/// SHA-256 over a canonical document without unstable ids.
fn stable_hash(plan: &Plan, document: &str) -> Result<Hash> {
    let mut unstable = Vec::new();
    unstable_paths(&plan.root, &mut unstable);
    if unstable.is_empty() {
        return Ok(hash_without(document.as_bytes(), &[]));
    }
    let mut bytes = Vec::with_capacity(document.len());
    Json::parse(document)?.write(&unstable, &mut bytes);
    Ok(hash_without(&bytes, &[]))
}

fn unstable_paths(block: &BlockPlan, paths: &mut Vec<String>) {
    paths.extend(block.fields.iter().filter(|field| field.unstable).map(|field| field.path.clone()));
    block.blocks.iter().for_each(|inner| unstable_paths(inner, paths));
}

/// One object of a document beside its block.
#[derive(Clone, Copy)]
struct Object<'d> {
    plan: &'d Plan,
    block: &'d BlockPlan,
    members: &'d Json<'d>,
    /// Whether it shows the child's own row of the table of people.
    of_person: bool,
}

impl<'d> Object<'d> {
    /// The value at a key; null is none.
    fn value(&self, key: &str) -> Option<&'d Json<'d>> {
        self.members.get(key).filter(|value| !matches!(value, Json::Null))
    }

    /// An inner block's object, where one is there.
    fn inner(&self, block: &'d BlockPlan, members: &'d Json<'d>) -> Object<'d> {
        let of_person = self.of_person && !block.list && matches!(block.source, Source::Parent);
        Object { plan: self.plan, block, members, of_person }
    }

    /// The cleaned text of a field; `None` for none, and for what is no text.
    fn text(&self, field: &FieldPlan) -> Option<Cow<'d, str>> {
        self.value(&field.key).and_then(|value| text_of(self.plan, value))
    }

    /// The text of a field if it is a good one.
    fn good_text(&self, field: &FieldPlan) -> Option<Cow<'d, str>> {
        self.text(field).filter(|text| text_fault(self.plan, field, text).is_none())
    }

    /// The field that shows a column of the block's row.
    fn field_of(&self, slot: Slot) -> Option<&'d FieldPlan> {
        self.block.fields.iter().find(|field| field.rows_of.is_none() && field.slot == slot)
    }

    /// The date that stands for a column. A birth date after the run date is an expected date (design, decision 9).
    fn day_cell(&self, slot: Slot) -> DayCell {
        let people = &self.plan.people;
        let birth = Slot::Own(people.birth);
        let unborn = |cell| matches!(cell, DayCell::Day(day) if day > self.plan.dates.run_day());
        let stored = self.stored_day(slot);
        if !self.of_person || !unborn(self.stored_day(birth)) {
            return stored;
        }
        match slot {
            slot if slot == birth => DayCell::None,
            slot if slot == Slot::Own(people.expected) && stored == DayCell::None => self.stored_day(birth),
            _ => stored,
        }
    }

    fn stored_day(&self, slot: Slot) -> DayCell {
        let field = self.field_of(slot).filter(|field| field.kind == FieldType::Date);
        let Some(value) = field.and_then(|field| self.value(&field.key)) else { return DayCell::None };
        match (text_of(self.plan, value), value) {
            (Some(text), _) => match Day::parse(&text) {
                Some(day) if self.plan.no_date.contains(&day) => DayCell::None,
                Some(day) => DayCell::Day(day),
                None => DayCell::Bad,
            },
            (None, Json::String(_)) => DayCell::None,
            (None, _) => DayCell::Bad,
        }
    }

    fn day(&self, slot: Slot) -> Option<Day> {
        if let DayCell::Day(day) = self.day_cell(slot) { Some(day) } else { None }
    }

    /// Birth date and expected birth date, wherever the definition shows them.
    fn person_days(&self) -> Option<(DayCell, DayCell)> {
        let people = &self.plan.people;
        if self.field_of(Slot::Own(people.birth)).is_some() {
            return Some((self.stored_day(Slot::Own(people.birth)), self.stored_day(Slot::Own(people.expected))));
        }
        let inner = self.block.blocks.iter().filter_map(|block| Some(self.inner(block, self.value(&block.key)?)));
        inner.filter(|inner| inner.of_person).find_map(|inner| inner.person_days())
    }
}

/// A value as a database would have it in a column of text: trimmed, and none where it is blank or stands for none.
fn text_of<'d>(plan: &Plan, value: &'d Json<'d>) -> Option<Cow<'d, str>> {
    let text = match value {
        Json::String(text) => Cow::Borrowed(text.trim()),
        Json::Number(number) => Cow::Borrowed(*number),
        Json::Bool(answer) => Cow::Borrowed(if *answer { "true" } else { "false" }),
        Json::Null | Json::List(_) | Json::Object(_) => return None,
    };
    (!text.is_empty() && !plan.no_value.iter().any(|none| *none == text)).then_some(text)
}

/// Writes one child's document.
struct Copier<'a, 'f> {
    reporter: Reporter<'a, 'f>,
    /// Off while a member is written only to be compared: without record ids, without findings.
    record_ids: bool,
    records: u64,
}

impl<'a> Copier<'a, '_> {
    /// Writes an object; says whether anything but `purge` stands in it.
    fn object(&mut self, object: Object<'_>, out: &mut Vec<u8>) -> bool {
        let block = object.block;
        out.push(b'{');
        let (mut written, mut values) = (0, 0);
        for member in &block.members {
            let before = out.len();
            if written > 0 {
                out.push(b',');
            }
            write_string(block.key_of(*member), out);
            out.push(b':');
            let is_written = match *member {
                Member::Field(index) => self.field(object, &block.fields[index], out),
                Member::Block(index) => self.block(object, &block.blocks[index], out),
                Member::Purge => {
                    out.extend_from_slice(b"false");
                    true
                }
            };
            if !is_written {
                out.truncate(before);
                continue;
            }
            written += 1;
            values += usize::from(*member != Member::Purge);
        }
        out.push(b'}');
        if let Json::Object(members) = object.members {
            let is_known = |key: &str| block.members.iter().any(|member| block.key_of(*member) == key);
            let unknown = members.iter().filter(|(key, value)| !is_known(key) && !matches!(value, Json::Null));
            // A key may be a child's name: it is shown as values are.
            unknown.for_each(|(key, _)| self.reporter.report_at(Fault::UnknownKey, &block.path, Some(key)));
        }
        values > 0
    }

    fn field(&mut self, object: Object<'_>, field: &FieldPlan, out: &mut Vec<u8>) -> bool {
        let plan = object.plan;
        let is_id = object.block.id.is_some_and(|index| std::ptr::eq(&object.block.fields[index], field));
        if is_id && !self.record_ids {
            return false;
        }
        let value = object.value(&field.key);
        if let FieldType::CodeList | FieldType::Factors = field.kind {
            return self.codes(plan, field, value, out);
        }
        if let Some(value @ (Json::List(_) | Json::Object(_))) = value {
            self.reporter.report_json(field, value);
            return false;
        }
        let text = object.text(field);
        let text = text.as_deref();
        match field.kind {
            FieldType::Date => {
                let start = || field.not_before.and_then(|slot| object.day(slot));
                self.reporter.date(field, object.day_cell(field.slot), start, out)
            }
            FieldType::Code | FieldType::ReferralSource => {
                let otherwise = field.fallback.and_then(|slot| object.field_of(slot)).and_then(|f| object.text(f));
                self.reporter.code(plan, field, text, || otherwise.as_deref(), out)
            }
            FieldType::Boolean | FieldType::ConferenceFlag | FieldType::Found => {
                self.reporter.boolean(field, text, out)
            }
            FieldType::Integer => self.reporter.integer(field, text, out),
            _ => self.reporter.text(plan, field, text, out),
        }
    }

    fn codes(&mut self, plan: &Plan, field: &FieldPlan, value: Option<&Json<'_>>, out: &mut Vec<u8>) -> bool {
        let Some(set) = field.codes.map(|set| &plan.codes[set]) else { return false };
        if field.kind == FieldType::Factors {
            let mut codes = Codes::of(set);
            if let Some(said) = value {
                self.reporter.add_factors(field, said.clone(), &mut codes);
            }
            self.reporter.write_codes(field, codes, out);
            return true;
        }
        let items = match value {
            // Only an empty list says that there is none.
            None => return false,
            Some(Json::List(items)) => items.as_slice(),
            Some(other) => std::slice::from_ref(other),
        };
        let wrong = items.iter().filter(|item| matches!(item, Json::List(_) | Json::Object(_)));
        wrong.for_each(|item| self.reporter.report_json(field, item));
        let texts = items.iter().filter_map(|item| text_of(plan, item));
        self.reporter.write_code_list(set, field, texts, out)
    }

    fn block(&mut self, parent: Object<'_>, block: &BlockPlan, out: &mut Vec<u8>) -> bool {
        let Some(value) = parent.value(&block.key) else { return false };
        match value {
            Json::List(items) if block.list => self.list(parent, block, items, out),
            Json::Object(_) if !block.list => {
                let length = out.len();
                let has_values = self.object(parent.inner(block, value), out);
                if block.drop_empty && !has_values {
                    out.truncate(length);
                    return false;
                }
                true
            }
            _ => {
                self.reporter.report_at(Fault::BadJson, &block.path, None);
                false
            }
        }
    }

    fn list(&mut self, parent: Object<'_>, block: &BlockPlan, items: &[Json<'_>], out: &mut Vec<u8>) -> bool {
        let mut members: Vec<Object<'_>> = Vec::with_capacity(items.len());
        for item in items {
            let object = parent.inner(block, item);
            if !matches!(item, Json::Object(_)) {
                self.reporter.report_at(Fault::BadJson, &block.path, None);
            } else if self.has_good_id(object) {
                members.push(object);
            }
        }
        if members.len() > 1 {
            members.sort_by_cached_key(|member| (self.bytes_without_ids(*member), id_of(*member)));
            members.sort_by(by_dates);
            self.drop_duplicates(block, &mut members);
        }
        out.push(b'[');
        for (place, member) in members.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            self.object(*member, out);
            self.records += u64::from(self.record_ids && block.id.is_some());
        }
        out.push(b']');
        !members.is_empty()
    }

    /// A record without a good id is left out.
    fn has_good_id(&mut self, object: Object<'_>) -> bool {
        let Some(required) = object.block.fields.iter().find(|field| field.required) else { return true };
        match object.text(required) {
            None => self.reporter.report(Fault::NoId, required, None),
            Some(text) if text_fault(object.plan, required, &text).is_some() => {
                self.reporter.report(Fault::BadId, required, Some(&text));
            }
            Some(_) => return true,
        }
        false
    }

    /// Of members with one id the first stays; identical ones without an id count once (design, decision 1).
    fn drop_duplicates(&mut self, block: &BlockPlan, members: &mut Vec<Object<'_>>) {
        let Some(field) = block.id.map(|index| &block.fields[index]) else {
            return members.dedup_by_key(|member| self.bytes_without_ids(*member));
        };
        let mut seen: Vec<Cow<'_, str>> = Vec::with_capacity(members.len());
        members.retain(|member| {
            let Some(id) = member.text(field) else { return false };
            let is_new = !seen.contains(&id);
            match is_new {
                true => seen.push(id),
                false => self.reporter.report(Fault::DuplicateId, field, Some(&id)),
            }
            is_new
        });
    }

    /// A member's canonical bytes without the record ids in it.
    fn bytes_without_ids(&self, member: Object<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        Copier { reporter: self.reporter.quietly(), record_ids: false, records: 0 }.object(member, &mut bytes);
        bytes
    }
}

fn id_of(member: Object<'_>) -> Option<String> {
    let field = member.block.id.map(|index| &member.block.fields[index])?;
    member.text(field).map(Cow::into_owned)
}

/// A list's order by the definition's dates, nulls last.
fn by_dates(a: &Object<'_>, b: &Object<'_>) -> Ordering {
    let keys = a.block.order.iter().map(|key| {
        let (a, b) = (a.day(key.slot), b.day(key.slot));
        match key.descending {
            true => Latest(a).cmp(&Latest(b)),
            false => a.is_none().cmp(&b.is_none()).then(a.cmp(&b)),
        }
    });
    keys.fold(Ordering::Equal, Ordering::then)
}
