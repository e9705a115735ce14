//! DfE's firewall and `0x` (fact sheet, section 3): it takes an id with `0x` in it, in any case, for an attack and answers 403 to
//! the whole batch. Such a record is held back here, so that it costs the others nothing.

use std::collections::BTreeSet;

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::sink::{Record, SendError, Then};
use serde_json::Value;

/// Refuses a batch in which some records have such an id; nothing of it has left.
///
/// # Errors
/// [`Then::BadRecords`] with their positions. It has no status, because nobody answered.
pub(crate) fn check(records: &[Record<'_>]) -> Result<(), SendError> {
    let mut bad = Vec::new();
    let mut keys = BTreeSet::new();
    for (position, record) in records.iter().enumerate() {
        let found = disliked_ids(record.document);
        if !found.is_empty() {
            bad.push(position);
            keys.extend(found);
        }
    }
    if bad.is_empty() {
        return Ok(());
    }
    let keys = keys.into_iter().collect::<Vec<_>>().join(", ");
    Err(SendError {
        error: Error::new(
            Kind::Data,
            "not sent: an id contains 0x, which DfE's firewall takes for an attack",
            "api_response of the records concerned names the ids; give them other ids in the case management system",
        ),
        then: Then::BadRecords(bad),
        status: None,
        detail: Some(format!("0x was found in {keys}; the record was held back, and no request was made for it")),
    })
}

/// The names of the ids in a document that contain `0x`.
fn disliked_ids(document: &str) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    // Documents spell out plain letters and digits, so one without the two of them has no such id. Few have to be parsed.
    if has_0x(document)
        && let Ok(value) = serde_json::from_str::<Value>(document)
    {
        collect(&value, &mut keys);
    }
    keys
}

fn collect(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                if key.ends_with("_id") && value.as_str().is_some_and(has_0x) {
                    keys.insert(key.clone());
                }
                collect(value, keys);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, keys)),
        _ => {}
    }
}

fn has_0x(text: &str) -> bool {
    // By the x, which is rare where 0 is not.
    memchr::memchr2_iter(b'x', b'X', text.as_bytes()).any(|at| at > 0 && text.as_bytes()[at - 1] == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(documents: &[&str]) -> Vec<usize> {
        let records: Vec<Record<'_>> = documents.iter().map(|document| Record { person_id: "1", document }).collect();
        match check(&records) {
            Ok(()) => Vec::new(),
            Err(SendError { then: Then::BadRecords(bad), .. }) => bad,
            Err(error) => panic!("{error:?}"),
        }
    }

    #[test]
    fn an_id_with_0x_in_any_case_and_at_any_depth_is_found() {
        let documents = [
            r#"{"la_child_id":"1"}"#,
            r#"{"la_child_id":"A0x1"}"#,
            r#"{"la_child_id":"1","a":[{"b":{"referral_id":"R0X"}}]}"#,
            r#"{"la_child_id":"10","mis_child_id":"x0"}"#,
        ];
        assert_eq!(positions(&documents), [1, 2]);
    }

    #[test]
    fn what_is_no_id_may_contain_it() {
        for document in [
            r#"{"la_child_id":"1","first_name":"0x"}"#,
            r#"{"la_child_id":"1","id_0x":"2"}"#,
            r#"{"la_child_id":null,"a":"0X"}"#,
            r#"{"la_child_id":"1","surname_id":["0x"]}"#,
            "0x no JSON",
        ] {
            assert!(positions(&[document]).is_empty(), "{document}");
        }
    }

    #[test]
    fn the_detail_names_keys_and_no_values() {
        let document = r#"{"la_child_id":"0xSecret","a":[{"need_id":"0X2"},{"need_id":"0X3"}]}"#;
        let error = check(&[Record { person_id: "1", document }]).expect_err("held back");
        let detail = error.detail.expect("a detail");
        assert!(detail.contains("found in la_child_id, need_id;"), "{detail}");
        assert!(!detail.contains("Secret") && error.status.is_none());
    }
}
