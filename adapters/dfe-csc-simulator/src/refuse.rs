//! Refusing records by rule (see [`Rule`]).

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::faults::{Form, Rule};
use crate::reply::{self, Whole};

/// Refuses a batch with a record that a rule strikes (400). The answer names it as the rule's form says, and never its values.
pub(crate) fn judge(records: &[Value], rules: &[Rule]) -> Result<(), Box<Whole>> {
    let struck = |(position, record): (usize, &Value)| {
        let rule = rules.iter().find(|rule| has(record, &rule.field, &rule.contains))?;
        Some((position, rule))
    };
    let struck: Vec<(usize, &Rule)> = records.iter().enumerate().filter_map(struck).collect();
    if struck.is_empty() {
        return Ok(());
    }
    let complaints: Vec<String> = struck.into_iter().filter_map(|(position, rule)| complaint(position, rule)).collect();
    let mut body = json!({ "error": "some records are invalid; none was taken" });
    if !complaints.is_empty() {
        body["errors"] = complaints.into();
    }
    Err(Box::new(reply::json(StatusCode::BAD_REQUEST, &body)))
}

fn complaint(position: usize, rule: &Rule) -> Option<String> {
    let path = match rule.form {
        Form::Indexed => &rule.field,
        Form::Nested => "social_care_episodes[3].closure_reason",
        Form::Unnamed => return None,
    };
    Some(format!("[{position}].{path}: refused by a rule"))
}

/// Whether any value at a path contains a text.
fn has(value: &Value, path: &str, text: &str) -> bool {
    match value {
        Value::Array(members) => members.iter().any(|member| has(member, path, text)),
        Value::Object(object) => {
            let (key, rest) = path.split_once('.').unwrap_or((path, ""));
            object.get(key).is_some_and(|value| has(value, rest, text))
        }
        _ if !path.is_empty() => false,
        Value::String(value) => value.contains(text),
        Value::Null => false,
        value => value.to_string().contains(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::has;

    #[test]
    fn a_rule_finds_its_field_in_objects_and_in_every_member_of_a_list() {
        let record = json!({"a": {"b": "xBady"}, "n": 17, "l": [{"c": "Good"}, {"c": "Bad"}], "e": null});
        for (path, text) in [("a.b", "Bad"), ("n", "17"), ("l.c", "Bad"), ("l.c", "Good")] {
            assert!(has(&record, path, text), "{path}");
        }
        for (path, text) in [("a", "Bad"), ("a.b.c", "Bad"), ("a.b", "bad"), ("b", "Bad"), ("e", "null"), ("l", "Bad")]
        {
            assert!(!has(&record, path, text), "{path}");
        }
    }
}
