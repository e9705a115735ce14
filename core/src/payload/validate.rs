//! Checks a finished document against the definition: what the simulated DfE does with what it receives.

use super::definition::FieldType;
use super::plan::{BlockPlan, CodesPlan, FieldPlan, Member, Plan};
use crate::config::Semantics;
use crate::payload::day::Day;

use serde_json::{Map, Value};

/// Everything wrong with a document, as `path: what` without values; empty for a good one. A document that asks for the
/// child to be purged carries its ids alone.
///
/// Under [`Semantics::Merge`] a document says what changes: anything but a required field may be null, and a block or member that has
/// a purge key in the definition may ask for its own removal, with its id alone. Under [`Semantics::Replace`] neither means anything,
/// and both are complaints: only a whole child can be purged.
pub fn complaints(plan: &Plan, semantics: Semantics, document: &Value) -> Vec<String> {
    let mut judge = Judge { codes: &plan.codes, semantics, found: Vec::new() };
    match document {
        Value::Object(members) if is_purge(members) => judge.purge(&plan.root, members, ""),
        Value::Object(_) => judge.object(&plan.root, document, ""),
        _ => judge.found.push("the record is not an object".to_owned()),
    }
    judge.found
}

/// What is known while a document is read, and what was found.
struct Judge<'a> {
    codes: &'a [CodesPlan],
    semantics: Semantics,
    found: Vec<String>,
}

impl Judge<'_> {
    fn complain(&mut self, place: &str, what: &str) {
        self.found.push(format!("{place}: {what}"));
    }

    fn merges(&self) -> bool {
        self.semantics == Semantics::Merge
    }

    /// An object that asks for its own removal: its ids, and the word.
    fn purge(&mut self, block: &BlockPlan, members: &Map<String, Value>, place: &str) {
        for (key, value) in members.iter().filter(|(key, _)| *key != "purge") {
            match block.fields.iter().find(|field| field.kind == FieldType::Id && field.key == *key) {
                Some(id) => self.field(id, value, &at(place, key)),
                None => self.complain(&at(place, key), "does not belong beside purge"),
            }
        }
        self.required(block, members, place);
    }

    fn object(&mut self, block: &BlockPlan, value: &Value, place: &str) {
        let Value::Object(members) = value else { return self.complain(place, "not an object") };
        if self.merges() && is_purge(members) && block.members.contains(&Member::Purge) {
            return self.purge(block, members, place);
        }
        for (key, value) in members {
            let place = at(place, key);
            match block.members.iter().find(|member| block.key_of(**member) == key) {
                None => self.complain(&place, "unknown key"),
                Some(Member::Purge) => match value {
                    Value::Bool(false) => {}
                    Value::Bool(true) => self.complain(&place, "only a whole child can be purged"),
                    _ => self.complain(&place, "not a boolean"),
                },
                Some(Member::Field(index)) => self.field(&block.fields[*index], value, &place),
                Some(Member::Block(index)) => self.inner(&block.blocks[*index], value, &place),
            }
        }
        self.required(block, members, place);
    }

    fn required(&mut self, block: &BlockPlan, members: &Map<String, Value>, place: &str) {
        for missing in block.fields.iter().filter(|field| field.required && !members.contains_key(&field.key)) {
            self.complain(&at(place, &missing.key), "missing");
        }
    }

    fn inner(&mut self, block: &BlockPlan, value: &Value, place: &str) {
        match value {
            Value::Null if self.merges() => {}
            Value::Array(items) if block.list => {
                for (index, item) in items.iter().enumerate() {
                    self.object(block, item, &format!("{place}[{index}]"));
                }
            }
            _ if block.list => self.complain(place, "not a list"),
            value => self.object(block, value, place),
        }
    }

    fn field(&mut self, field: &FieldPlan, value: &Value, place: &str) {
        if value.is_null() && self.merges() && !field.required {
            return;
        }
        if let Some(fault) = fault(self.codes, field, value) {
            self.complain(place, fault);
        }
    }
}

fn is_purge(members: &Map<String, Value>) -> bool {
    members.get("purge") == Some(&Value::Bool(true))
}

fn at(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

/// What is wrong with a value.
fn fault(codes: &[CodesPlan], field: &FieldPlan, value: &Value) -> Option<&'static str> {
    let is_code = |text: &str| field.codes.is_none_or(|set| codes[set].find(text) == Some(text));
    match (field.kind, value) {
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
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::config::{Names, PayloadConfig, Profile, load_definition};

    fn plan() -> Plan {
        let definition = load_definition("dfe-csc-0.9", Path::new(".")).expect("the definition");
        let day = "2026-11-20".parse().expect("a date");
        Plan::new(&definition, &Profile::default(), &Names::default(), &PayloadConfig::default(), day).expect("a plan")
    }

    fn judged(semantics: Semantics, document: Value) -> Vec<String> {
        complaints(&plan(), semantics, &document)
    }

    fn with_episode(mut episode: Value) -> Value {
        episode["social_care_episode_id"] = "e".into();
        json!({ "la_child_id": "c", "social_care_episodes": [episode] })
    }

    #[test]
    fn ids_alone_are_a_good_document_under_both_semantics() {
        for semantics in [Semantics::Replace, Semantics::Merge] {
            assert!(judged(semantics, json!({"la_child_id": "c"})).is_empty());
            assert!(judged(semantics, with_episode(json!({}))).is_empty());
            assert!(judged(semantics, json!({"la_child_id": "c", "mis_child_id": "m", "purge": true})).is_empty());
        }
    }

    #[test]
    fn null_stands_for_nothing_where_documents_are_merged() {
        let document = json!({"la_child_id": "c", "mis_child_id": null, "health_and_wellbeing": null,
            "child_details": {"sex": null, "disabilities": null}, "social_care_episodes": null});
        assert!(judged(Semantics::Merge, document.clone()).is_empty());
        let expected = [
            "child_details.disabilities: not a list",
            "child_details.sex: not text",
            "health_and_wellbeing: not an object",
            "mis_child_id: not text",
            "social_care_episodes: not a list",
        ];
        assert_eq!(judged(Semantics::Replace, document), expected);
    }

    #[test]
    fn an_id_or_a_purge_key_is_never_null() {
        let document = json!({"la_child_id": null, "purge": null, "social_care_episodes":
            [{"social_care_episode_id": null, "care_worker_details": [{"worker_id": null}]}, null]});
        let expected = [
            "la_child_id: not text",
            "purge: not a boolean",
            "social_care_episodes[0].care_worker_details[0].worker_id: not text",
            "social_care_episodes[0].social_care_episode_id: not text",
            "social_care_episodes[1]: not an object",
        ];
        assert_eq!(judged(Semantics::Merge, document), expected);
    }

    #[test]
    fn blocks_and_members_are_purged_by_their_id_alone_where_documents_are_merged() {
        let document = with_episode(json!({"adoption": {"purge": true},
            "child_in_need_plans": [{"child_in_need_plan_id": "p", "purge": true}]}));
        assert!(judged(Semantics::Merge, document.clone()).is_empty());
        let expected = [
            "social_care_episodes[0].adoption.purge: only a whole child can be purged",
            "social_care_episodes[0].child_in_need_plans[0].purge: only a whole child can be purged",
        ];
        assert_eq!(judged(Semantics::Replace, document), expected);
    }

    #[test]
    fn nothing_but_ids_belongs_beside_purge_and_the_id_must_be_there() {
        let document = with_episode(json!({"adoption": {"purge": true, "placed_date": null},
            "child_in_need_plans": [{"purge": true}], "child_protection_plans": [{"child_protection_plan_id": 7, "purge": true}]}));
        let expected = [
            "social_care_episodes[0].adoption.placed_date: does not belong beside purge",
            "social_care_episodes[0].child_in_need_plans[0].child_in_need_plan_id: missing",
            "social_care_episodes[0].child_protection_plans[0].child_protection_plan_id: not text",
        ];
        assert_eq!(judged(Semantics::Merge, document), expected);
        let child = json!({"mis_child_id": "m", "purge": true, "child_details": {}});
        for semantics in [Semantics::Replace, Semantics::Merge] {
            let expected = ["child_details: does not belong beside purge", "la_child_id: missing"];
            assert_eq!(judged(semantics, child.clone()), expected);
        }
    }

    #[test]
    fn members_without_a_purge_key_in_the_definition_cannot_be_purged() {
        let document = with_episode(json!({"care_worker_details": [{"worker_id": "w", "purge": true}]}));
        for semantics in [Semantics::Replace, Semantics::Merge] {
            let expected = ["social_care_episodes[0].care_worker_details[0].purge: unknown key"];
            assert_eq!(judged(semantics, document.clone()), expected);
        }
    }

    #[test]
    fn values_are_judged_under_merge_as_under_replace() {
        let document = json!({"la_child_id": "c", "x": null, "child_details": {"sex": "?", "date_of_birth": "soon"}});
        let expected = ["child_details.date_of_birth: not a date", "child_details.sex: not a code", "x: unknown key"];
        for semantics in [Semantics::Replace, Semantics::Merge] {
            assert_eq!(judged(semantics, document.clone()), expected);
        }
    }
}
