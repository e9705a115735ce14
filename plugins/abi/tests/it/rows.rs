use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::types::{
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int16Array, Int32Array,
    Int64Array, LargeStringArray, NullArray, PrimitiveArray, RecordBatch, StringArray, UInt8Array, UInt32Array,
};
use arrow_schema::{DataType, Field, Schema};
use csc_bridge_core::error::Kind;
use csc_bridge_plugin_abi::rows::{RowReader, RowWriter, check_columns, check_list, check_scan};

pub fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

/// Every type that core reads, with a null in every column but the tag.
pub fn every_type() -> RecordBatch {
    let decimals = Decimal128Array::from(vec![Some(i128::MAX / 10), None, Some(-12)]);
    batch(vec![
        ("child", Arc::new(Int32Array::from(vec![0, 2, 1]))),
        ("text", Arc::new(StringArray::from(vec![Some("Zoë \u{1f600}"), None, Some("")]))),
        ("long", Arc::new(LargeStringArray::from(vec![None, Some("Ann Example"), Some("ß")]))),
        ("i16", Arc::new(Int16Array::from(vec![Some(i16::MIN), None, Some(1)]))),
        ("i64", Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(1)]))),
        ("u8", Arc::new(UInt8Array::from(vec![Some(255), None, Some(0)]))),
        ("f64", Arc::new(Float64Array::from(vec![Some(f64::NEG_INFINITY), None, Some(0.5)]))),
        ("decimal", Arc::new(decimals.clone().with_precision_and_scale(38, 10).unwrap())),
        ("whole", Arc::new(decimals.with_precision_and_scale(38, -2).unwrap())),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("day", Arc::new(Date32Array::from(vec![Some(-1), None, Some(i32::MAX)]))),
        ("s", times::<TimestampSecondType>(None)),
        ("ms", times::<TimestampMillisecondType>(Some("+00:00"))),
        ("us", times::<TimestampMicrosecondType>(Some("Europe/London"))),
        ("ns", times::<TimestampNanosecondType>(None)),
    ])
}

fn times<T: arrow_array::types::ArrowTimestampType>(zone: Option<&str>) -> ArrayRef {
    let times: PrimitiveArray<T> = vec![Some(i64::MIN), None, Some(1)].into_iter().collect();
    Arc::new(times.with_timezone_opt(zone))
}

pub fn bytes(batch: &RecordBatch) -> Vec<u8> {
    RowWriter::new().write(batch).unwrap().to_vec()
}

#[test]
fn every_type_comes_through_with_its_nulls() {
    let batch = every_type();
    let sent = bytes(&batch);
    assert_eq!(RowReader::new().read(&sent).unwrap(), batch);
    assert_eq!(RowReader::new().read_owned(sent).unwrap(), batch);
}

#[test]
fn a_part_of_a_batch_and_an_empty_batch_come_through() {
    for part in [every_type().slice(1, 2), every_type().slice(2, 1), every_type().slice(0, 0)] {
        assert_eq!(RowReader::new().read(&bytes(&part)).unwrap(), part);
    }
}

#[test]
fn bytes_at_an_odd_place_come_through() {
    let sent = bytes(&every_type());
    for before in 1..16 {
        let mut moved = vec![0; before];
        moved.extend_from_slice(&sent);
        assert_eq!(RowReader::new().read(&moved[before..]).unwrap(), every_type());
    }
}

#[test]
fn a_table_of_a_thousand_columns_comes_through() {
    let zone = "a zone of that name".to_owned();
    let times: PrimitiveArray<TimestampSecondType> = vec![Some(1)].into_iter().collect();
    let times: ArrayRef = Arc::new(times.with_timezone(zone));
    for names in [(0..1_000).map(|n| n.to_string()).collect(), vec![String::new(); 1_000], vec!["n".repeat(500); 1_000]]
    {
        let names: Vec<String> = names;
        let wide = batch(names.iter().map(|name| (name.as_str(), times.clone())).collect());
        assert_eq!(RowReader::new().read(&bytes(&wide)).unwrap(), wide);
    }
}

#[test]
fn the_writers_buffer_holds_the_last_batch_alone() {
    let mut writer = RowWriter::new();
    let long = writer.write(&every_type()).unwrap().to_vec();
    let short = every_type().slice(0, 1);
    assert_eq!(RowReader::new().read(writer.write(&short).unwrap()).unwrap(), short);
    assert_eq!(writer.write(&every_type()).unwrap(), long);
}

#[test]
fn metadata_stays_behind() {
    let field = Field::new("a", DataType::Int32, true).with_metadata(HashMap::from([("k".into(), "v".into())]));
    let schema = Schema::new_with_metadata(vec![field], HashMap::from([("x".into(), "y".into())]));
    let marked = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Int32Array::from(vec![1]))]).unwrap();
    let read = RowReader::new().read(&bytes(&marked)).unwrap();
    assert!(read.schema().metadata().is_empty() && read.schema().field(0).metadata().is_empty());
}

#[test]
fn the_batches_of_a_scan_have_one_schema() {
    let of = |name| bytes(&batch(vec![(name, Arc::new(Int32Array::from(vec![1])) as ArrayRef)]));
    let mut reader = RowReader::new();
    reader.read(&of("a")).unwrap();
    reader.read(&of("a")).unwrap();
    let error = reader.read(&of("b")).unwrap_err();
    assert!(error.message().ends_with("the schema changed within a scan"), "{error}");
    let other = bytes(&batch(vec![("a", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]));
    assert!(reader.read(&other).is_err());
}

#[test]
fn a_type_that_core_does_not_read_is_refused_by_its_place() {
    let unread: [ArrayRef; 3] =
        [Arc::new(UInt32Array::from(vec![1])), Arc::new(Float32Array::from(vec![1.0])), Arc::new(NullArray::new(1))];
    for array in unread {
        let batch = batch(vec![("ok", Arc::new(Int32Array::from(vec![1]))), ("Ann", array)]);
        for error in [check_columns(&batch.schema()).unwrap_err(), RowWriter::new().write(&batch).unwrap_err()] {
            assert_eq!(error.kind(), Kind::Protocol);
            assert!(error.message().contains("column 2") && !error.message().contains("Ann"), "{error}");
        }
    }
}

#[test]
fn core_reads_every_type_that_is_let_through() {
    let batch = every_type();
    check_columns(&batch.schema()).unwrap();
    for array in batch.columns() {
        csc_bridge_core::payload::column::Column::text(array, "any").unwrap();
    }
}

fn tags(tags: Vec<Option<i32>>) -> RecordBatch {
    let texts = StringArray::from(vec!["x"; tags.len()]);
    batch(vec![("child", Arc::new(Int32Array::from(tags))), ("a", Arc::new(texts))])
}

#[test]
fn a_scan_has_its_tags_and_the_columns_asked_for() {
    let asked = ["a".to_owned()];
    check_scan(&tags(vec![Some(0), Some(2)]), &asked, 3).unwrap();
    for wrong in [vec![Some(3)], vec![Some(-1)], vec![Some(0), None]] {
        assert_eq!(check_scan(&tags(wrong), &asked, 3).unwrap_err().kind(), Kind::Protocol);
    }
    let good = tags(vec![Some(0)]);
    assert!(check_scan(&good, &["b".to_owned()], 3).unwrap_err().message().contains("column 2"));
    assert!(check_scan(&good, &[], 3).is_err());
    assert!(check_scan(&good, &["a".to_owned(), "b".to_owned()], 3).is_err());
    let renamed = batch(vec![("kid", good.column(0).clone()), ("a", good.column(1).clone())]);
    let wide = batch(vec![("child", Arc::new(Int64Array::from(vec![0]))), ("a", good.column(1).clone())]);
    assert!(check_scan(&renamed, &asked, 3).is_err() && check_scan(&wide, &asked, 3).is_err());

    check_list(&good, &["child".to_owned(), "a".to_owned()]).unwrap();
    assert!(check_list(&good, &["a".to_owned(), "child".to_owned()]).unwrap_err().message().contains("column 1"));
}
