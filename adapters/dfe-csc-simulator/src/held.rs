//! What DfE holds, and how a record changes it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Bound;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use serde_json::Value;

use crate::merge::{self, Object};

/// Bytes of what is held that are copied at a time.
const CHUNK: usize = 256 * 1024;

/// What DfE holds: for each authority its children's documents by `la_child_id`.
///
/// A document is kept as compact text with sorted keys (and, where it was merged, with members sorted by id), so that hundreds of thousands fit into memory and two documents are equal
/// exactly where their texts are.
#[derive(Default)]
pub(crate) struct Held {
    authorities: BTreeMap<Box<str>, BTreeMap<Box<str>, Box<str>>>,
}

/// What one record asks for.
pub(crate) enum Change<'a> {
    /// Hold this document, written by [`text`], for the child.
    Hold(&'a str),
    /// Merge this document into what is held for the child.
    Merge(&'a Object),
    /// Remove the child.
    Purge,
}

/// The text that is kept of a document.
pub(crate) fn text(document: &Object) -> String {
    serde_json::to_string(document).unwrap_or_default()
}

/// A document from its text. Every text held was written by [`text`], so it is an object.
fn object(text: &str) -> Object {
    serde_json::from_str(text).unwrap_or_default()
}

impl Held {
    /// Applies one record. Returns whether it changed anything.
    pub fn apply(&mut self, la_code: &str, child: &str, change: Change<'_>) -> bool {
        let children = self.authorities.entry(la_code.into()).or_default();
        match change {
            Change::Hold(document) => {
                children.get(child).is_none_or(|held| **held != *document) && {
                    children.insert(child.into(), document.into());
                    true
                }
            }
            Change::Merge(sent) => {
                let mut before = children.get(child).map(|text| object(text));
                // What was held under other semantics may be in another order, which is no difference.
                before.iter_mut().for_each(merge::normalise);
                let mut after = before.clone().unwrap_or_default();
                merge::merge(&mut after, sent);
                merge::normalise(&mut after);
                before.as_ref() != Some(&after) && {
                    children.insert(child.into(), text(&after).into());
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

    /// An authority's documents by child.
    pub fn children(&self, la_code: &str) -> BTreeMap<String, Value> {
        let children = self.authorities.get(la_code).into_iter().flatten();
        children.map(|(child, text)| (child.to_string(), Value::Object(object(text)))).collect()
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
        let record = record.as_object().expect("an object");
        let text = text(record);
        held.apply("845", "c1", if merge::is_purge(record) { Change::Purge } else { Change::Hold(&text) })
    }

    fn merge(held: &mut Held, record: Value) -> bool {
        let record = record.as_object().expect("an object");
        held.apply("845", "c1", if merge::is_purge(record) { Change::Purge } else { Change::Merge(record) })
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

    #[test]
    fn under_replace_a_document_is_held_as_it_was_sent() {
        let mut held = Held::default();
        let sent = r#"{"a":null,"b":[],"social_care_episodes":[{"social_care_episode_id":"f"},{"social_care_episode_id":"e"}]}"#;
        assert!(apply(&mut held, serde_json::from_str(sent).expect("JSON")));
        assert_eq!(documents(&held), [("845", sent)]);
    }

    #[test]
    fn a_first_document_is_merged_onto_nothing_and_a_second_one_onto_the_first() {
        let mut held = Held::default();
        assert!(merge(&mut held, json!({"la_child_id": "c1", "a": null, "b": 1})));
        assert_eq!(documents(&held), [("845", r#"{"b":1,"la_child_id":"c1"}"#)]);
        assert!(merge(&mut held, json!({"la_child_id": "c1", "a": 2})));
        assert_eq!(documents(&held), [("845", r#"{"a":2,"b":1,"la_child_id":"c1"}"#)]);
    }

    #[test]
    fn a_document_that_says_what_is_held_already_changes_nothing() {
        let mut held = Held::default();
        let episodes = |ids: [&str; 2]| json!(ids.map(|id| json!({"social_care_episode_id": id})));
        assert!(merge(&mut held, json!({"la_child_id": "c1", "b": 1, "social_care_episodes": episodes(["e", "f"])})));
        for again in [
            json!({"la_child_id": "c1"}),
            json!({"la_child_id": "c1", "a": null, "b": 1, "x": {"purge": true}, "y": []}),
            json!({"la_child_id": "c1", "social_care_episodes": episodes(["f", "e"])}),
            json!({"la_child_id": "c1", "social_care_episodes": []}),
        ] {
            assert!(!merge(&mut held, again.clone()), "{again}");
        }
    }

    #[test]
    fn a_document_held_under_replace_is_merged_into_whatever_its_order() {
        let mut held = Held::default();
        let sent = json!({"la_child_id": "c1", "social_care_episodes":
            [{"social_care_episode_id": "f"}, {"social_care_episode_id": "e"}]});
        assert!(apply(&mut held, sent.clone()));
        assert!(!merge(&mut held, sent));
        assert!(merge(
            &mut held,
            json!({"la_child_id": "c1", "social_care_episodes": [{"social_care_episode_id": "e", "x": 1}]})
        ));
        let expected = r#"{"la_child_id":"c1","social_care_episodes":[{"social_care_episode_id":"e","x":1},{"social_care_episode_id":"f"}]}"#;
        assert_eq!(documents(&held), [("845", expected)]);
    }

    #[test]
    fn under_merge_a_purge_removes_the_child_and_the_next_document_begins_anew() {
        let mut held = Held::default();
        merge(&mut held, json!({"la_child_id": "c1", "a": 1}));
        assert!(merge(&mut held, json!({"la_child_id": "c1", "purge": true})));
        assert!(documents(&held).is_empty());
        assert!(!merge(&mut held, json!({"la_child_id": "c1", "purge": true})));
        assert!(merge(&mut held, json!({"la_child_id": "c1", "b": 2})));
        assert_eq!(documents(&held), [("845", r#"{"b":2,"la_child_id":"c1"}"#)]);
    }

    #[test]
    fn children_are_told_apart_by_authority() {
        let mut held = Held::default();
        apply(&mut held, json!({"la_child_id": "c1", "a": 1}));
        assert_eq!(held.children("845"), [("c1".to_owned(), json!({"la_child_id": "c1", "a": 1}))].into());
        assert!(held.children("001").is_empty());
    }
}
