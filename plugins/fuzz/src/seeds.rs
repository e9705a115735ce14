//! Right inputs, and a few that are nearly right.

use std::path::Path;
use std::sync::Arc;

use arrow_array::types::{
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int16Array, Int32Array, Int64Array,
    LargeStringArray, PrimitiveArray, RecordBatch, StringArray, UInt8Array,
};
use csc_bridge_plugin_abi::rows::RowWriter;
use csc_bridge_plugin_abi::table::{COMPLETE, ERROR, Entry, OK, PANIC, Status};
use csc_bridge_plugin_host::fuzzing::decode;

/// Ways to the decoder, by an input's first byte.
const MANIFEST: u8 = 0;
const IN_PROCESS: u8 = 1;
const PIPE: u8 = 2;

/// `stream_next` of a list, and of documents; that of a scan has the entry's own number.
const LIST: u8 = 15;
const DOCUMENTS: u8 = 16;
const SCAN: u8 = Entry::StreamNext as u8;

const FAULT: &str = r#"{"kind":"unreachable","directive":"next_run","message":"db01 does not answer","advice":"ask"}"#;
const REFUSED: &str = r#"{"kind":"busy","directive":"next_run","message":"m","advice":"a","then":"retry","after_ms":30000,
    "records":null,"status":429,"detail":"slow down","request_id":"q1"}"#;
const BAD_RECORDS: &str =
    r#"{"kind":"data","directive":"stop","message":"m","advice":"a","then":"bad_records","records":[1,0]}"#;

/// The answers of every call, right and refused.
const ANSWERS: &[(Entry, Status, &str)] = &[
    (Entry::Describe, OK, r#"{"name":"care-director","version":"1.2.0","source":"tables","sink":false}"#),
    (Entry::Describe, OK, r#"{"name":"a","version":"1","source":"whole_tables","sink":true,"later":[{}]}"#),
    (Entry::Describe, OK, r#"{"name":"a","version":"1","source":"documents","sink":true}"#),
    (Entry::SourceNew, OK, r#"{"handle":1}"#),
    (Entry::SourceOpen, OK, r#"{"handle":18446744073709551615}"#),
    (Entry::SourceOpen, ERROR, FAULT),
    (Entry::SessionList, OK, r#"{"handle":3}"#),
    (Entry::SessionCount, OK, r#"{"rows":41203}"#),
    (Entry::SessionSelect, OK, "{}"),
    (Entry::SessionScan, OK, r#"{"handle":4}"#),
    (Entry::SessionDocuments, OK, r#"{"handle":5}"#),
    (Entry::StreamNext, COMPLETE, r#"{"rows":0}"#),
    (Entry::StreamNext, ERROR, FAULT),
    (Entry::StreamNext, PANIC, FAULT),
    (Entry::SinkFacts, OK, r#"{"max_records":100,"max_bytes":4000000,"request_life_ms":90000,"is_local":false}"#),
    (Entry::SinkNew, OK, r#"{"handle":7,"max_records":100,"max_bytes":4000000,"request_life_ms":90000}"#),
    (
        Entry::SinkSend,
        OK,
        r#"{"receipts":[{"id":"r1","received_at":"2026-11-20 02:14:55.120"},{"id":"r2","received_at":null}],"request_id":"q1"}"#,
    ),
    (Entry::SinkSend, ERROR, REFUSED),
    (Entry::SinkSend, ERROR, BAD_RECORDS),
    (Entry::SinkProbe, OK, r#"{"token":{"ok":"granted"},"reach":null,"clock_ahead_s":-2}"#),
    (
        Entry::SinkProbe,
        OK,
        r#"{"token":null,"reach":{"error":{"kind":"permission","directive":"stop","message":"m","advice":"a"}}}"#,
    ),
    (Entry::Cancel, OK, ""),
    (Entry::Release, OK, ""),
];

const MANIFESTS: [&str; 2] = [
    "name = 'care-director'\nversion = '1.2.0'\nabi = 1\nfile = 'libcare_director.so'\nsha256 = '9f86d081'\npublisher = 'D2I'\n",
    "name = \"care-director\"\nversion = \"1\"\nabi = [1, 2]\nfile = \"a.so\"\nsha256 = \"\\u0041\"\npublisher = \"\"\"x\ny\"\"\"\n",
];

/// Writes each into a file of its own. A seed that says nothing of an error must be right in all it says.
pub fn write(folder: &Path) {
    let mut seeds: Vec<Vec<u8>> = MANIFESTS.iter().map(|text| [&[MANIFEST], text.as_bytes()].concat()).collect();
    seeds.iter().for_each(|manifest| must_be_right(manifest, 1));
    for (entry, status, text) in ANSWERS {
        seeds.push([&[IN_PROCESS, entry.number(), *status as u8], text.as_bytes()].concat());
        must_be_right(&seeds[seeds.len() - 1], usize::from(matches!(*status, OK | COMPLETE)));
        seeds.push([&[PIPE, entry.number()][..], &log("connected"), &answer(*status, text.as_bytes())].concat());
    }
    for (read, batches) in reads() {
        let mut pipe = vec![PIPE, read];
        let (mut rows, mut answers) = (0, 1);
        for batch in batches {
            let mut writer = RowWriter::new();
            let bytes = writer.write(&batch).expect("every type of it is one that core reads");
            seeds.push([&[IN_PROCESS, read, OK as u8], bytes].concat());
            must_be_right(&seeds[seeds.len() - 1], 1);
            pipe.extend(answer(OK, bytes));
            rows += batch.num_rows();
            answers += 1;
        }
        pipe.extend(log("read"));
        pipe.extend(answer(COMPLETE, format!("{{\"rows\":{rows}}}").as_bytes()));
        must_be_right(&pipe, answers);
        seeds.push(pipe);
    }
    std::fs::create_dir_all(folder).expect("a folder for the seeds");
    for (number, seed) in seeds.iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number:02}")), seed).expect("a seed is written");
    }
    println!("{} seeds", seeds.len());
}

fn must_be_right(seed: &[u8], messages: usize) {
    assert_eq!(decode(seed), messages, "{}", String::from_utf8_lossy(seed));
}

/// A frame from the child.
fn frame(what: u8, number: i32, bytes: &[u8]) -> Vec<u8> {
    [&[what][..], &number.to_le_bytes(), &(bytes.len() as u64).to_le_bytes(), bytes].concat()
}

fn answer(status: Status, bytes: &[u8]) -> Vec<u8> {
    frame(1, status, bytes)
}

fn log(line: &str) -> Vec<u8> {
    frame(2, 3, line.as_bytes())
}

fn reads() -> Vec<(u8, Vec<RecordBatch>)> {
    let scan = scan();
    let ids = |ids: &[&str]| batch(vec![("id", Arc::new(StringArray::from(ids.to_vec())))]);
    let documents = batch(vec![
        ("person_id", Arc::new(StringArray::from(vec!["A1", "B2"]))),
        ("document", Arc::new(LargeStringArray::from(vec![Some("{}"), None]))),
    ]);
    vec![
        (SCAN, vec![scan.clone(), scan.slice(1, 1), scan.slice(0, 0)]),
        (LIST, vec![ids(&["Zoë", "", "\u{1f600}"]), ids(&["2"])]),
        (DOCUMENTS, vec![documents]),
    ]
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let nullable = columns.into_iter().map(|(name, array)| (name, array, name != "child"));
    RecordBatch::try_from_iter_with_nullable(nullable).expect("columns of one length")
}

/// Every type that core reads.
fn scan() -> RecordBatch {
    let decimals = Decimal128Array::from(vec![Some(i128::MAX / 10), None, Some(-12)]);
    let decimal = |scale| decimals.clone().with_precision_and_scale(38, scale).expect("38 digits");
    batch(vec![
        ("child", Arc::new(Int32Array::from(vec![0, 2, 1]))),
        ("text", Arc::new(StringArray::from(vec![Some("Zoë \u{1f600}"), None, Some("2026-11-20")]))),
        ("long", Arc::new(LargeStringArray::from(vec![None, Some("an example"), Some("ß")]))),
        ("i16", Arc::new(Int16Array::from(vec![Some(i16::MIN), None, Some(1)]))),
        ("i64", Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(1)]))),
        ("u8", Arc::new(UInt8Array::from(vec![Some(255), None, Some(0)]))),
        ("f64", Arc::new(Float64Array::from(vec![Some(f64::NEG_INFINITY), None, Some(0.5)]))),
        ("decimal", Arc::new(decimal(10))),
        ("whole", Arc::new(decimal(-2))),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("day", Arc::new(Date32Array::from(vec![Some(-1), None, Some(i32::MAX)]))),
        ("s", times::<TimestampSecondType>(None)),
        ("ms", times::<TimestampMillisecondType>(Some("+00:00"))),
        ("us", times::<TimestampMicrosecondType>(Some("Europe/London"))),
        ("ns", times::<TimestampNanosecondType>(None)),
    ])
}

fn times<T: arrow_array::types::ArrowTimestampType>(zone: Option<&str>) -> ArrayRef {
    let times: PrimitiveArray<T> = [Some(i64::MIN), None, Some(1)].into_iter().collect();
    Arc::new(times.with_timezone_opt(zone))
}
