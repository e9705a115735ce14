//! Checks a finished document against the definition: what the simulated DfE does with what it receives.

use super::definition::FieldType;
use super::plan::{BlockPlan, CodesPlan, FieldPlan, Member, Plan};
use crate::payload::day::Day;

use serde_json::Value;

/// Everything wrong with a document, as `path: what` without values; empty for a good one. A document that asks for the
/// child to be purged carries its ids alone.
pub fn complaints(plan: &Plan, document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let Value::Object(members) = document else { return vec!["the record is not an object".to_owned()] };
    if members.get("purge") == Some(&Value::Bool(true)) {
        ids_alone(plan, members, &mut found);
    } else {
        object(plan, &plan.root, document, "", &mut found);
    }
    found
}

fn ids_alone(plan: &Plan, members: &serde_json::Map<String, Value>, found: &mut Vec<String>) {
    for key in members.keys().filter(|key| !["la_child_id", "mis_child_id", "purge"].contains(&key.as_str())) {
        found.push(format!("{key}: does not belong beside purge"));
    }
    for entry in plan.root.fields.iter().filter(|entry| entry.required || members.contains_key(&entry.key)) {
        match members.get(&entry.key) {
            Some(value) => field(&plan.codes, entry, value, &entry.key, found),
            None => found.push(format!("{}: missing", entry.key)),
        }
    }
}

fn object(plan: &Plan, block: &BlockPlan, value: &Value, place: &str, found: &mut Vec<String>) {
    let Value::Object(members) = value else {
        found.push(format!("{place}: not an object"));
        return;
    };
    let at = |key: &str| if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
    for (key, value) in members {
        let known = block.members.iter().find(|member| key_of(block, **member) == key);
        match known {
            None => found.push(format!("{}: unknown key", at(key))),
            Some(Member::Purge) if value.is_boolean() => {}
            Some(Member::Purge) => found.push(format!("{}: not a boolean", at(key))),
            Some(Member::Field(index)) => field(&plan.codes, &block.fields[*index], value, &at(key), found),
            Some(Member::Block(index)) => inner(plan, &block.blocks[*index], value, &at(key), found),
        }
    }
    for required in block.fields.iter().filter(|field| field.required && !members.contains_key(&field.key)) {
        found.push(format!("{}: missing", at(&required.key)));
    }
}

fn inner(plan: &Plan, block: &BlockPlan, value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) if block.list => {
            for (index, item) in items.iter().enumerate() {
                object(plan, block, item, &format!("{place}[{index}]"), found);
            }
        }
        _ if block.list => found.push(format!("{place}: not a list")),
        value => object(plan, block, value, place, found),
    }
}

fn field(codes: &[CodesPlan], field: &FieldPlan, value: &Value, place: &str, found: &mut Vec<String>) {
    let is_code = |text: &str| field.codes.is_none_or(|set| codes[set].find(text) == Some(text));
    let fault = match (field.kind, value) {
        (FieldType::Boolean | FieldType::ConferenceFlag | FieldType::Found, value) => {
            (!value.is_boolean()).then_some("not a boolean")
        }
        (FieldType::Integer, value) => match value.as_i64() {
            None => Some("not an integer"),
            Some(number) => field.range.filter(|[low, high]| !(low..=high).contains(&&number)).map(|_| "out of range"),
        },
        (FieldType::Date, value) => {
            let is_date = |text: &str| text.len() == 10 && Day::parse(text).is_some();
            (!value.as_str().is_some_and(is_date)).then_some("not a date")
        }
        (FieldType::CodeList | FieldType::Factors, Value::Array(items)) => {
            if field.max_items.is_some_and(|most| items.len() > most) {
                Some("too many members")
            } else {
                (!items.iter().all(|item| item.as_str().is_some_and(is_code))).then_some("not a code")
            }
        }
        (FieldType::CodeList | FieldType::Factors, _) => Some("not a list"),
        (_, Value::String(text)) => {
            let length = text.chars().count();
            if field.length.is_some_and(|exact| length != exact) {
                Some("wrong length")
            } else if field.max.is_some_and(|max| length > max) {
                Some("too long")
            } else if field.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
                Some("wrong pattern")
            } else {
                (!is_code(text)).then_some("not a code")
            }
        }
        _ => Some("not text"),
    };
    found.extend(fault.map(|fault| format!("{place}: {fault}")));
}

fn key_of(block: &BlockPlan, member: Member) -> &str {
    match member {
        Member::Field(index) => &block.fields[index].key,
        Member::Block(index) => &block.blocks[index].key,
        Member::Purge => "purge",
    }
}
