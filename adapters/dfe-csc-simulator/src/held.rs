//! What DfE holds, and how a record changes it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Bound;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use serde_json::Value;

use crate::settings::Semantics;

/// Bytes of what is held that are copied at a time.
const CHUNK: usize = 256 * 1024;

/// What DfE holds: for each authority its children's documents by `la_child_id`.
///
/// A document is kept as compact text with sorted keys, so that hundreds of thousands fit into memory and two documents are equal
/// exactly where their texts are.
#[derive(Default)]
pub(crate) struct Held {
    authorities: BTreeMap<Box<str>, BTreeMap<Box<str>, Box<str>>>,
}

/// What one record asks for.
pub(crate) enum Change {
    /// Hold this document for the child.
    Hold(Box<str>),
    /// Remove the child.
    Purge,
}

impl Change {
    /// The change that a record asks for. This is where the semantics differ.
    pub fn of(record: &Value, semantics: Semantics) -> Change {
        match semantics {
            Semantics::Replace if is_purge(record) => Change::Purge,
            Semantics::Replace => Change::Hold(record.to_string().into()),
        }
    }
}

/// Whether a record is the purge of a whole child.
pub(crate) fn is_purge(record: &Value) -> bool {
    record["purge"] == Value::Bool(true)
}

impl Held {
    /// Applies one record. Returns whether it changed anything.
    pub fn apply(&mut self, la_code: &str, child: &str, change: Change) -> bool {
        let children = self.authorities.entry(la_code.into()).or_default();
        match change {
            Change::Hold(document) => {
                children.get(child) != Some(&document) && {
                    children.insert(child.into(), document);
                    true
                }
            }
            Change::Purge => children.remove(child).is_some(),
        }
    }

    /// Every document with its authority, in order.
    pub fn documents(&self) -> impl Iterator<Item = (&str, &str)> {
        self.authorities
            .iter()
            .flat_map(|(la_code, children)| children.values().map(move |document| (&**la_code, &**document)))
    }

    /// Some of an authority's documents as lines, from the child after `after` on, and the last child among them.
    fn lines(&self, la_code: &str, after: Option<&str>) -> Option<(Bytes, Box<str>)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut lines = Vec::new();
        let mut last = None;
        for (child, document) in self.authorities.get(la_code)?.range::<str, _>((from, Bound::Unbounded)) {
            lines.extend_from_slice(document.as_bytes());
            lines.push(b'\n');
            last = Some(child);
            if lines.len() >= CHUNK {
                break;
            }
        }
        last.map(|last| (lines.into(), last.clone()))
    }
}

/// What an authority's children are, streamed: one document a line, ordered by `la_child_id`.
///
/// Batches applied while it is read may or may not show; each document shows whole.
pub(crate) struct Dump {
    held: Arc<Mutex<Held>>,
    la_code: Box<str>,
    after: Option<Box<str>>,
}

impl Dump {
    /// From the first child on.
    pub fn new(held: Arc<Mutex<Held>>, la_code: &str) -> Dump {
        Dump { held, la_code: la_code.into(), after: None }
    }
}

impl Body for Dump {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = lock(&self.held).lines(&self.la_code, self.after.as_deref());
        Poll::Ready(next.map(|(lines, last)| {
            self.after = Some(last);
            Ok(Frame::data(lines))
        }))
    }
}

/// Locks what is shared. A handler that panicked leaves nothing half done: every change under a lock is one assignment or insertion.
pub(crate) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn apply(held: &mut Held, record: Value) -> bool {
        held.apply("845", "c1", Change::of(&record, Semantics::Replace))
    }

    fn documents(held: &Held) -> Vec<(&str, &str)> {
        held.documents().collect()
    }

    #[test]
    fn a_second_document_replaces_the_first_whole() {
        let mut held = Held::default();
        assert!(apply(&mut held, json!({"la_child_id": "c1", "b": 1, "a": 2})));
        assert!(apply(&mut held, json!({"la_child_id": "c1", "b": 3})));
        assert_eq!(documents(&held), [("845", r#"{"b":3,"la_child_id":"c1"}"#)]);
    }

    #[test]
    fn the_same_document_in_another_order_changes_nothing() {
        let mut held = Held::default();
        apply(&mut held, json!({"la_child_id": "c1", "a": [1, 2]}));
        let same: Value = serde_json::from_str(r#"{ "a": [1,2], "la_child_id": "c1" }"#).expect("JSON");
        assert!(!apply(&mut held, same));
    }

    #[test]
    fn a_purge_removes_the_child_and_a_second_one_changes_nothing() {
        let mut held = Held::default();
        apply(&mut held, json!({"la_child_id": "c1"}));
        assert!(apply(&mut held, json!({"la_child_id": "c1", "mis_child_id": "m", "purge": true})));
        assert!(documents(&held).is_empty());
        assert!(!apply(&mut held, json!({"la_child_id": "c1", "mis_child_id": "m", "purge": true})));
    }
}
