//! What is assumed of DfE, what is sent to it, and how what it holds is compared with what the SSD says.

use serde_json::{Value, json};

use crate::program::{Dfe, Place};

/// What is assumed of DfE, and what is sent to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Way {
    Replace,
    MergeFull,
    MergePartial,
}

pub const WAYS: [Way; 3] = [Way::Replace, Way::MergeFull, Way::MergePartial];

impl Way {
    pub fn dfe(self) -> Dfe {
        if self == Way::Replace { Dfe::start() } else { Dfe::merging() }
    }

    /// Writes it into the configuration.
    pub fn set(self, place: &Place) {
        if self != Way::Replace {
            place.set("sink", "semantics = \"merge\"");
        }
        if self == Way::MergePartial {
            place.set("payload", "mode = \"partial\"");
        }
    }
}

/// What DfE holds of a child, up to the order of lists.
pub fn held(dfe: &Dfe, child: &str) -> Option<Value> {
    dfe.children().remove(child).map(plain)
}

/// Without what says no more than its absence, and with lists in one order.
pub fn plain(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let nothing = |key: &str, value: &Value| value.is_null() || (value == &json!([]) && key != "factors");
            let members = members.into_iter().filter(|(key, value)| !nothing(key, value));
            Value::Object(members.map(|(key, value)| (key, plain(value))).collect())
        }
        Value::Array(members) => {
            let mut members: Vec<Value> = members.into_iter().map(plain).collect();
            members.sort_by_key(Value::to_string);
            Value::Array(members)
        }
        value => value,
    }
}

/// DfE holds what the SSD says of every child of the cohort, and nothing of a child who was purged.
pub fn converged(place: &Place, dfe: &Dfe) {
    let held = dfe.children();
    let wanted = place.documents();
    let differ = |(child, document): (String, Value)| {
        let held = held.get(&child).cloned().map(plain);
        (held != Some(plain(document))).then_some(child)
    };
    let differ: Vec<String> = wanted.into_iter().filter_map(differ).collect();
    assert!(differ.is_empty(), "DfE holds something else for {differ:?}");
}

/// Whether `purge: true` stands anywhere in a document.
pub fn asks_to_purge(document: &Value) -> bool {
    match document {
        Value::Object(members) => members.get("purge") == Some(&json!(true)) || members.values().any(asks_to_purge),
        Value::Array(members) => members.iter().any(asks_to_purge),
        _ => false,
    }
}
