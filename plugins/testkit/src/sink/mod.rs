//! The checks of a [`Sink`].
//!
//! What is universal is little: a sink takes a batch, answers for each record, and where it cannot, says what may be done about it
//! without quoting a child. How it retries is the pipeline's affair, and how it speaks to its other end its own.

mod broken;
pub mod promises;

use std::sync::Arc;

use async_trait::async_trait;
use csc_bridge_core::sink::Sink;

pub use broken::{SinkFault, SinkTwin, TWINS, run_twins};

use crate::Checked;
use crate::check::Running;
use crate::failure::Failure;
use crate::run::{Table, Verdict};

/// A kind of sink under test.
#[async_trait]
pub trait Destination: Send + Sync {
    /// Its name at the head of the table.
    fn name(&self) -> &str;

    /// An end of its own, at which nothing has arrived.
    async fn fresh(&self) -> Checked<Box<dyn End>>;
}

/// Where records arrive.
#[async_trait]
pub trait End: Send + Sync {
    /// The sink that sends there.
    fn sink(&self) -> Checked<Arc<dyn Sink>>;

    /// A document for a child, good in every way, in which `text` stands as a value.
    fn document(&self, child: &str, text: &str) -> String {
        serde_json::json!({ "la_child_id": child, "note": text }).to_string()
    }

    /// The documents that arrived, in the order of their arrival, or of their children's ids where the end keeps no order.
    async fn arrived(&self) -> Checked<Vec<String>>;

    /// Has this child's record refused from now on, and the other records of its batch with it.
    async fn refuse(&self, _child: &str) -> Checked {
        Err(Failure::not_applicable("it refuses no record"))
    }

    /// Takes the end away, so that the next batch cannot be sent.
    async fn take_away(&self) -> Checked;
}

/// One check of a sink.
#[derive(Clone, Copy)]
pub struct SinkCheck {
    /// Its name, which is its function's, too.
    pub id: &'static str,
    /// Runs it.
    pub run: for<'a> fn(&'a dyn End) -> Running<'a>,
}

macro_rules! list {
    ($($name:ident),* $(,)?) => {
        &[$(SinkCheck { id: stringify!($name), run: |end| Box::pin(promises::$name(end)) },)*]
    };
}

/// What every sink keeps to.
pub const CHECKS: &[SinkCheck] = list![
    the_limits_leave_room_for_a_record,
    each_record_has_a_receipt_of_its_own,
    documents_arrive_once_in_order_and_with_the_same_meaning,
    a_batch_of_as_many_records_as_may_be_arrives,
    a_record_that_is_too_large_is_sent_alone_or_said_to_be,
    the_id_of_a_request_may_be_logged,
    a_batch_that_cannot_be_sent_says_what_may_be_done_and_quotes_nothing,
    a_refused_record_is_named_and_nothing_of_its_batch_was_taken,
];

/// Runs all checks, each at an end of its own.
pub async fn run_all(destination: &dyn Destination) -> Table {
    let mut table = Table::new(destination.name());
    for check in CHECKS {
        let verdict = match destination.fresh().await {
            Ok(end) => Verdict::of(tokio::spawn(async move { (check.run)(end.as_ref()).await }).await),
            Err(failure) => Verdict::of(Ok(Err(failure))),
        };
        table.push(check.id.replace('_', " "), verdict);
    }
    table
}
