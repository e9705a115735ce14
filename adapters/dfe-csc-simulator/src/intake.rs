//! Reading and judging a batch. A batch is taken whole or refused whole.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};

use crate::merge::{self, Object};
use crate::reply::{self, Whole};
use crate::settings::Validator;

/// What DfE states as the most records of one request (fact sheet, section 3).
const MAX_RECORDS: usize = 100;

/// Refuses anything that does not say it is JSON (415).
pub(crate) fn check_type(headers: &HeaderMap) -> Result<(), Box<Whole>> {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = text.split(';').next().unwrap_or_default().trim();
    match media_type.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the content type is not application/json")),
    }
}

/// The records of a body, whatever is in them; refuses a body that is not a list (400).
pub(crate) fn records(body: &[u8]) -> Result<Vec<Value>, Box<Whole>> {
    match serde_json::from_slice(body) {
        Ok(Value::Array(records)) => Ok(records),
        Ok(_) => Err(refused(StatusCode::BAD_REQUEST, "the body is not a JSON array")),
        Err(_) => Err(refused(StatusCode::BAD_REQUEST, "the body is not JSON")),
    }
}

/// Refuses a batch that the gateway's firewall dislikes (403), that has none or too many records, or a bad record (400).
pub(crate) fn judge(records: &[Value], validator: Option<&Validator>) -> Result<(), Box<Whole>> {
    if records.iter().any(firewall_dislikes) {
        return Err(refused(StatusCode::FORBIDDEN, "the request was blocked"));
    }
    if records.is_empty() {
        return Err(refused(StatusCode::BAD_REQUEST, "the body has no records"));
    }
    if records.len() > MAX_RECORDS {
        return Err(refused(StatusCode::BAD_REQUEST, "the body has more than 100 records"));
    }
    let complaints: Vec<String> = records
        .iter()
        .enumerate()
        .flat_map(|(position, record)| {
            complaints(record, validator).into_iter().map(move |complaint| format!("[{position}].{complaint}"))
        })
        .collect();
    match complaints.is_empty() {
        true => Ok(()),
        false => {
            let body = json!({ "error": "some records are invalid; none was taken", "errors": complaints });
            Err(Box::new(reply::json(StatusCode::BAD_REQUEST, &body)))
        }
    }
}

/// The child a record is about. A judged record has one.
pub(crate) fn child(record: &Object) -> Option<&str> {
    record.get("la_child_id")?.as_str().filter(|id| !id.is_empty())
}

/// What is wrong with a record: first what nobody could file, then what the validator says.
fn complaints(record: &Value, validator: Option<&Validator>) -> Vec<String> {
    let Some(keys) = record.as_object().filter(|keys| child(keys).is_some()) else {
        return vec!["la_child_id: missing, empty or not text".to_owned()];
    };
    if !matches!(keys.get("purge"), None | Some(Value::Bool(_))) {
        return vec!["purge: not true or false".to_owned()];
    }
    match validator {
        Some(validator) if !merge::is_purge(keys) => validator(record),
        // The deletion form: the child's id, its other id where it has one, and the instruction, nothing beside them.
        Some(_) => {
            let other_id = keys.get("mis_child_id");
            let good_id = other_id.is_none_or(|id| id.as_str().is_some_and(|id| !id.is_empty()));
            let alone = keys.len() == 2 + usize::from(other_id.is_some());
            if good_id && alone { Vec::new() } else { vec!["purge: not the child's ids and purge alone".to_owned()] }
        }
        None => Vec::new(),
    }
}

/// DfE's gateway takes an id with `0x` in it for an attack in hexadecimal (fact sheet, section 3).
fn firewall_dislikes(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(key, member)| {
            let id = key.ends_with("_id").then(|| member.as_str()).flatten();
            id.is_some_and(|id| id.to_ascii_lowercase().contains("0x")) || firewall_dislikes(member)
        }),
        Value::Array(members) => members.iter().any(firewall_dislikes),
        _ => false,
    }
}

fn refused(status: StatusCode, reason: &str) -> Box<Whole> {
    Box::new(reply::refusal(status, reason))
}
