//! The checks of a source that has documents instead of tables.
//!
//! Every id once and as it is; for each child that is asked for its document or the word that it cannot be had; and a read that was cut off
//! is never complete. What stands in a document is core's to judge.

mod broken;
pub mod promises;

use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::source::Source;
use serde_json::Value;

pub use broken::{DocumentFault, DocumentTwin, TWINS, run_twins};

use crate::Checked;
use crate::check::Running;
use crate::failure::Failure;
use crate::run::{Table, Verdict};

/// A kind of system under test.
#[async_trait]
pub trait System: Send + Sync {
    /// Its name at the head of the table.
    fn name(&self) -> &str;

    /// One of its own, without children.
    async fn fresh(&self) -> Checked<Box<dyn Archive>>;
}

/// Where documents are.
#[async_trait]
pub trait Archive: Send + Sync {
    /// The source that reads them.
    fn source(&self) -> Checked<Arc<dyn Source>>;

    /// Has a child from now on, in whose document `text` stands as a value; in the place of the one it had.
    async fn put(&self, child: &str, text: &str) -> Checked;

    /// The document that the source is to deliver of such a child.
    fn document(&self, child: &str, text: &str) -> Value {
        serde_json::json!({ "la_child_id": child, "child_details": { "first_name": text } })
    }

    /// Has this child, but not its document.
    async fn withhold(&self, child: &str) -> Checked;

    /// Has this child no more.
    async fn forget(&self, child: &str) -> Checked;

    /// Goes away after so many more documents.
    async fn break_after(&self, _documents: usize) -> Checked {
        Err(Failure::not_applicable("it cannot be taken away in the middle"))
    }
}

/// One check of a source of documents.
#[derive(Clone, Copy)]
pub struct DocumentCheck {
    /// Its name, which is its function's, too.
    pub id: &'static str,
    /// Runs it.
    pub run: for<'a> fn(&'a dyn Archive) -> Running<'a>,
}

macro_rules! list {
    ($($name:ident),* $(,)?) => {
        &[$(DocumentCheck { id: stringify!($name), run: |archive| Box::pin(promises::$name(archive)) },)*]
    };
}

/// What every source of documents keeps to.
pub const CHECKS: &[DocumentCheck] = list![
    it_says_that_it_has_documents,
    ids_come_once_each_and_exactly_as_they_are,
    each_child_asked_for_has_its_own_document_and_no_other_child_has,
    nobody_asked_for_is_nobody_delivered,
    documents_arrive_with_the_same_meaning,
    a_thousand_documents_all_come,
    a_document_that_cannot_be_had_is_null_and_all_others_come,
    a_read_that_is_cut_off_is_never_complete_and_quotes_nothing,
    the_next_read_sees_what_changed,
];

/// Runs all checks, each in an archive of its own.
pub async fn run_all(system: &dyn System) -> Table {
    let mut table = Table::new(system.name());
    for check in CHECKS {
        let verdict = match system.fresh().await {
            Ok(archive) => Verdict::of(tokio::spawn(async move { (check.run)(archive.as_ref()).await }).await),
            Err(failure) => Verdict::of(Ok(Err(failure))),
        };
        table.push(check.id.replace('_', " "), verdict);
    }
    table
}
