//! Everything here that decodes what a plugin wrote, to be called with any bytes: for `plugins/fuzz` alone, and no promise to anybody.
//!
//! Nothing here may panic, whatever comes; and what is let through must be of use, and every error fit for a line of the log. That is what
//! [`decode`] looks at.

use std::hint::black_box;

use arrow_array::RecordBatch;
use csc_bridge_core::error::{Error, Result};
use csc_bridge_core::payload::column::Column;
use csc_bridge_core::sink::{Facts, Probe};
use csc_bridge_core::source::ScanEvent;
use csc_bridge_plugin_abi::message::{
    Description, LONGEST_LINE, ProbeAnswer, Rows, SinkFacts, SinkHandle, decode_answer, one_line, read_error, read_sent,
};
use csc_bridge_plugin_abi::table::{self, Entry};

use crate::adapter::rows::{Expected, Reading};
use crate::isolated::frame;
use crate::line::Answer;
use crate::trust::Manifest;

/// Records of the batch that a plugin is said to have been sent.
const RECORDS: usize = 2;

/// The first byte says what the others are: a manifest (0), an answer in this process (1, with entry and status), or all that a child writes
/// into its pipe, in answer to calls of one entry (2, with the entry). A read's columns follow from the entry: those of the seeds.
///
/// How many messages were right.
pub fn decode(bytes: &[u8]) -> usize {
    match bytes {
        [0, manifest @ ..] => is_right(Manifest::parse("care-director", manifest)),
        [1, entry, status, output @ ..] => {
            let (entry, expected) = call(*entry);
            let mut read = Reading::new("care-director", expected);
            taken(entry, Answer { status: i32::from(*status), output: output.to_vec() }, &mut read)
        }
        [2, entry, pipe @ ..] => {
            let (entry, expected) = call(*entry);
            let mut read = Reading::new("care-director", expected);
            let mut pipe = pipe;
            let log = |_, line: &[u8]| must_be_a_line(&one_line(&String::from_utf8_lossy(line), ""));
            let mut right = 0;
            while let Ok(reply) = frame::read_answer(&mut pipe, entry, log) {
                right += taken(entry, Answer { status: reply.number, output: reply.bytes }, &mut read);
            }
            right
        }
        _ => 0,
    }
}

fn is_right<T>(result: Result<T>) -> usize {
    match result {
        Ok(_) => 1,
        Err(error) => {
            must_be_fit(&error);
            0
        }
    }
}

/// The entry, and of a stream what it should hold: numbers beyond the table are streams, too.
fn call(number: u8) -> (Entry, Expected) {
    let entry = Entry::of_number(number % 18).unwrap_or(Entry::StreamNext);
    let expected = match number % 18 {
        15 => Expected::List(vec!["id".to_owned()]),
        16 => Expected::Documents,
        _ => Expected::Scan(columns(), 3),
    };
    (entry, expected)
}

/// The columns of a scan beside the child's number.
fn columns() -> Vec<String> {
    ["text", "long", "i16", "i64", "u8", "f64", "decimal", "whole", "flag", "day", "s", "ms", "us", "ns"]
        .map(str::to_owned)
        .to_vec()
}

/// What the host makes of an answer.
fn taken(entry: Entry, answer: Answer, read: &mut Reading) -> usize {
    use Entry::*;
    if answer.status == table::PANIC {
        return is_right::<()>(Err(read_error(entry, &answer.output)));
    }
    is_right(match entry {
        StreamNext => read.event(answer).map(|event| match event {
            ScanEvent::Rows(batch) => use_all(&batch),
            ScanEvent::Complete { .. } => {}
        }),
        SourceNew | SourceOpen | SessionList | SessionScan | SessionDocuments => answer.handle(entry).map(drop),
        SinkSend => sent(&answer),
        _ => answer.done(entry).and_then(|output| said(entry, &output)),
    })
}

fn said(entry: Entry, output: &[u8]) -> Result<()> {
    match entry {
        Entry::Describe => decode_answer::<Description>(entry, output)?.check(),
        Entry::SessionCount => decode_answer::<Rows>(entry, output).map(drop),
        Entry::SinkFacts => Facts::try_from(decode_answer::<SinkFacts>(entry, output)?).map(drop),
        Entry::SinkNew => decode_answer::<SinkHandle>(entry, output)?.limits().map(drop),
        Entry::SinkProbe => {
            let probe = Probe::try_from(decode_answer::<ProbeAnswer>(entry, output)?)?;
            for found in [probe.token, probe.reach].into_iter().flatten() {
                found.as_deref().map_or_else(must_be_fit, must_be_a_line);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn sent(answer: &Answer) -> Result<()> {
    let sent = read_sent(answer.status, &answer.output, RECORDS);
    match sent.result {
        Ok(receipts) => {
            assert_eq!(receipts.len(), RECORDS);
            receipts.iter().for_each(|receipt| must_be_a_line(&receipt.id));
            Ok(())
        }
        Err(error) => {
            assert!(error.detail.is_none_or(|detail| !detail.contains('\0')), "no database takes a NUL");
            Err(error.error)
        }
    }
}

/// As core reads it.
fn use_all(batch: &RecordBatch) {
    for (array, field) in batch.columns().iter().zip(batch.schema().fields()) {
        if let Ok(column) = Column::text(array, field.name()) {
            (0..batch.num_rows()).for_each(|row| _ = black_box(column.raw(row)));
        }
        if let Ok(column) = Column::days(array, field.name(), &[], &[]) {
            (0..batch.num_rows()).for_each(|row| _ = black_box(column.day(row)));
        }
    }
}

fn must_be_fit(error: &Error) {
    must_be_a_line(error.message());
    must_be_a_line(error.advice());
    assert!(!error.message().is_empty() && !error.advice().is_empty(), "{error:?}");
}

fn must_be_a_line(text: &str) {
    assert!(!text.contains(char::is_control), "more than a line: {text:?}");
    // Our own words around a plugin's.
    assert!(text.chars().count() <= LONGEST_LINE + 100, "a long line: {text:?}");
}
