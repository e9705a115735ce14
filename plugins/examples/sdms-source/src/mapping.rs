//! From the system's JSON to the payload's shape: a TOML file of places in the one and JSON pointers into the other.
//!
//! Only places are mapped. Trimming, codes, dates, flags and order are csc-bridge's affair, as for any other source.

use std::collections::BTreeMap;

use csc_bridge_plugin_sdk::error::{Error, Kind, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Where a record says whose it is.
    id: Option<String>,
    fields: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    At(String),
    Mapped(Mapped),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapped {
    at: String,
    #[serde(default)]
    values: BTreeMap<String, String>,
}

/// A mapping.
pub struct Mapping {
    id: Option<String>,
    root: BTreeMap<String, Node>,
}

/// What stands at a key of the document.
enum Node {
    /// The value at a pointer, its text changed where it is one of these words, in any case.
    Value { at: String, words: BTreeMap<String, String> },
    /// An object, out of the same part of the record.
    Object(BTreeMap<String, Node>),
    /// A list: each member of the record's list makes one, and pointers go from that member.
    List { at: String, members: BTreeMap<String, Node> },
}

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// [`Kind::Config`], naming the line or the field.
    pub fn parse(text: &str) -> Result<Mapping> {
        let file: File = toml::from_str(text).map_err(|error| {
            let place = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            wrong(format!("line {place}: {}", error.message()))
        })?;
        if file.id.iter().any(|at| !is_pointer(at)) {
            return Err(wrong("id is no JSON pointer, such as \"/id\"".to_owned()));
        }
        let mut root = BTreeMap::new();
        // A list stands before its members in the order of their names.
        for (path, entry) in file.fields {
            let Mapped { at, values } = match entry {
                Entry::At(at) => Mapped { at, values: BTreeMap::new() },
                Entry::Mapped(mapped) => mapped,
            };
            if !is_pointer(&at) {
                return Err(wrong(format!("{path}: \"{at}\" is no JSON pointer, such as \"/name/first\"")));
            }
            place(&mut root, &path, &path, at, values)?;
        }
        if root.contains_key("la_child_id") {
            return Err(wrong("la_child_id is the id of the list, and not mapped".to_owned()));
        }
        Ok(Mapping { id: file.id, root })
    }

    /// The document of a record.
    ///
    /// # Errors
    /// What is wrong with the record, without a value of it.
    pub fn document(&self, id: &str, record: &Value) -> Result<String, &'static str> {
        if let Some(at) = &self.id {
            let is_own = match record.pointer(at) {
                Some(Value::String(own)) => own.trim() == id,
                Some(Value::Number(own)) => own.to_string() == id,
                _ => false,
            };
            if !is_own {
                return Err("the system answered with another record, or one without an id");
            }
        }
        if !record.is_object() {
            return Err("the system's answer is no JSON object");
        }
        let mut document = object(&self.root, record);
        document.insert("la_child_id".to_owned(), id.into());
        Ok(Value::Object(document).to_string())
    }
}

fn wrong(message: String) -> Error {
    Error::new(Kind::Config, message, "see the plugin's README for what a mapping says")
}

fn is_pointer(text: &str) -> bool {
    text.is_empty() || text.starts_with('/')
}

/// Puts a field into the tree. `rest` is what is left of `path`.
fn place(
    nodes: &mut BTreeMap<String, Node>,
    path: &str,
    rest: &str,
    at: String,
    words: BTreeMap<String, String>,
) -> Result<()> {
    let twice = || wrong(format!("{path} is mapped in two ways, or its list is not mapped"));
    let (step, rest) = rest.split_once('.').map_or((rest, None), |(step, rest)| (step, Some(rest)));
    let (key, is_list) = step.strip_suffix("[]").map_or((step, false), |key| (key, true));
    if key.is_empty() || key.contains(['[', ']']) {
        return Err(wrong(format!("{path} is no place of a document, such as social_care_episodes[].referral_date")));
    }
    match (rest, is_list) {
        (None, is_list) => {
            let node = match is_list {
                true if !words.is_empty() => return Err(wrong(format!("{path} is a list and has no values"))),
                true => Node::List { at, members: BTreeMap::new() },
                false => {
                    Node::Value { at, words: words.into_iter().map(|(word, to)| (word.to_lowercase(), to)).collect() }
                }
            };
            match nodes.insert(key.to_owned(), node) {
                None => Ok(()),
                Some(_) => Err(twice()),
            }
        }
        (Some(rest), true) => match nodes.get_mut(key) {
            Some(Node::List { members, .. }) => place(members, path, rest, at, words),
            _ => Err(twice()),
        },
        (Some(rest), false) => match nodes.entry(key.to_owned()).or_insert_with(|| Node::Object(BTreeMap::new())) {
            Node::Object(inner) => place(inner, path, rest, at, words),
            _ => Err(twice()),
        },
    }
}

fn object(nodes: &BTreeMap<String, Node>, record: &Value) -> Map<String, Value> {
    let members = nodes.iter().filter_map(|(key, node)| Some((key.clone(), value(node, record)?)));
    members.collect()
}

fn value(node: &Node, record: &Value) -> Option<Value> {
    match node {
        Node::Value { at, words } => {
            let found = record.pointer(at).filter(|value| !value.is_null())?;
            let word = found.as_str().and_then(|text| words.get(&text.trim().to_lowercase()));
            Some(word.map_or_else(|| found.clone(), |word| Value::from(word.as_str())))
        }
        Node::Object(inner) => Some(object(inner, record)).filter(|inner| !inner.is_empty()).map(Value::Object),
        Node::List { at, members } => match record.pointer(at)? {
            Value::Null => None,
            Value::Array(items) => Some(
                items
                    .iter()
                    .map(|item| if item.is_object() { object(members, item).into() } else { item.clone() })
                    .collect(),
            ),
            // csc-bridge says that this is no list.
            other => Some(other.clone()),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    const MAPPING: &str = r#"
        id = "/studentId"
        [fields]
        mis_child_id = "/upi"
        "child_details.first_name" = "/name/given"
        "child_details.sex" = { at = "/gender", values = { Female = "F", Male = "M" } }
        "social_care_episodes[]" = "/cases"
        "social_care_episodes[].social_care_episode_id" = "/no"
        "social_care_episodes[].adoption.placed_date" = "/adoption/placed"
        "social_care_episodes[].child_in_need_plans[]" = "/plans"
        "social_care_episodes[].child_in_need_plans[].child_in_need_plan_id" = ""
    "#;

    fn document(record: Value) -> Value {
        let text = Mapping::parse(MAPPING).unwrap().document("A1", &record).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn values_objects_and_lists_of_lists_come_to_their_places() {
        let record = json!({
            "studentId": "A1", "upi": 77, "name": {"given": "Ann"}, "gender": " female", "other": "not asked for",
            "cases": [
                {"no": 1, "adoption": {"placed": "2026-01-02"}, "plans": []},
                {"no": "e2", "adoption": null},
                7,
            ],
        });
        let expected = json!({
            "la_child_id": "A1", "mis_child_id": 77, "child_details": {"first_name": "Ann", "sex": "F"},
            "social_care_episodes": [
                {"social_care_episode_id": 1, "adoption": {"placed_date": "2026-01-02"}, "child_in_need_plans": []},
                {"social_care_episode_id": "e2"},
                7,
            ],
        });
        assert_eq!(document(record), expected);
        assert_eq!(document(json!({"studentId": "A1", "cases": null})), json!({"la_child_id": "A1"}));
    }

    #[test]
    fn another_record_is_not_taken_for_the_one_that_was_asked_for() {
        let mapping = Mapping::parse(MAPPING).unwrap();
        for record in [json!({"studentId": "a1"}), json!({"studentId": 1}), json!({}), json!([]), json!("A1")] {
            assert!(mapping.document("A1", &record).is_err(), "{record}");
        }
        assert!(mapping.document("7", &json!({"studentId": 7})).is_ok());
        let without = Mapping::parse("[fields]\nmis_child_id = \"/x\"").unwrap();
        assert!(without.document("A1", &json!({})).is_ok() && without.document("A1", &json!([])).is_err());
    }

    #[test]
    fn a_mapping_that_cannot_be_followed_says_which_field_is_wrong() {
        for (text, named) in [
            ("[fields]\nx = \"a\"", "x: \"a\" is no JSON pointer"),
            ("[fields]\n\"a[].b\" = \"/b\"", "a[].b is mapped in two ways, or its list is not mapped"),
            ("[fields]\na = \"/a\"\n\"a.b\" = \"/b\"", "a.b is mapped"),
            ("[fields]\n\"a..b\" = \"/b\"", "a..b is no place"),
            ("[fields]\nla_child_id = \"/id\"", "la_child_id is the id of the list"),
            ("id = \"x\"\n[fields]", "id is no JSON pointer"),
            ("[field]\na = \"/a\"", "line 1: unknown field"),
        ] {
            let error = Mapping::parse(text).err().unwrap();
            assert!(error.message().contains(named), "{named}: {error:?}");
        }
    }
}
