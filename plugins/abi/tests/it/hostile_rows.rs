//! Bytes that are no batch, or one that lies, are an error without data: no panic comes out, and no more is allocated than came.

use std::sync::Arc;

use arrow_array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray, types::Int32Type};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_ipc::{
    BodyCompression, BodyCompressionArgs, Buffer, Field, FieldArgs, FieldNode, Message, MessageArgs, MessageHeader,
    MetadataVersion, RecordBatch as IpcBatch, RecordBatchArgs, Schema, SchemaArgs, Type,
};
use csc_bridge_core::error::{Error, Kind};
use csc_bridge_plugin_abi::rows::RowReader;
use flatbuffers::FlatBufferBuilder;

use crate::counting::allocated;
use crate::rows::{batch, bytes, every_type};
use crate::seed::{chance, spoil};

fn refused(bytes: &[u8], why: &str) {
    let (read, asked) = allocated(|| RowReader::new().read(bytes));
    let error = read.expect_err(why);
    must_be_ours(&error);
    assert!(error.message().contains(why), "{error} is not: {why}");
    must_be_modest(asked, bytes);
}

fn must_be_ours(error: &Error) {
    assert_eq!((error.kind(), error.advice()), (Kind::Protocol, "report it to the plugin's author"));
    let quotes = ["Ann", "Zoë"].into_iter().any(|text| error.message().contains(text));
    assert!(!quotes && error.message().len() < 200, "{error}");
}

/// One copy of what came, what stands where it is not aligned, and the arrays' own structs.
fn must_be_modest(asked: u64, bytes: &[u8]) {
    assert!(asked <= 4 * bytes.len() as u64 + 32_768, "{asked} bytes for {} that came", bytes.len());
}

fn people() -> RecordBatch {
    batch(vec![("name", Arc::new(StringArray::from(vec!["Ann Example", "Zoë Example"])) as ArrayRef)])
}

fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    bytes
}

const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// What a batch of [`people`] says of itself.
struct Claim {
    rows: i64,
    nodes: Vec<FieldNode>,
    buffers: Vec<Buffer>,
    body: i64,
    compressed: bool,
    version: MetadataVersion,
}

/// Two names of 11 and 12 bytes: nulls, offsets, text.
fn honest() -> Claim {
    Claim {
        rows: 2,
        nodes: vec![FieldNode::new(2, 0)],
        buffers: vec![Buffer::new(0, 0), Buffer::new(0, 12), Buffer::new(16, 23)],
        body: 40,
        compressed: false,
        version: MetadataVersion::V5,
    }
}

fn claimed(claim: &Claim) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let compression = claim.compressed.then(|| BodyCompression::create(&mut builder, &BodyCompressionArgs::default()));
    let (nodes, buffers) = (builder.create_vector(&claim.nodes), builder.create_vector(&claim.buffers));
    let args = RecordBatchArgs {
        length: claim.rows,
        nodes: Some(nodes),
        buffers: Some(buffers),
        compression,
        variadicBufferCounts: None,
    };
    let header = Some(IpcBatch::create(&mut builder, &args).as_union_value());
    let args = MessageArgs {
        version: claim.version,
        header_type: MessageHeader::RecordBatch,
        header,
        bodyLength: claim.body,
        custom_metadata: None,
    };
    let message = Message::create(&mut builder, &args);
    builder.finish(message, None);
    let metadata = builder.finished_data();
    let padding = metadata.len().next_multiple_of(8) - metadata.len();

    let mut bytes = schema_message();
    bytes.extend([0xff; 4]);
    bytes.extend(((metadata.len() + padding) as u32).to_le_bytes());
    bytes.extend(metadata);
    bytes.extend(vec![0; padding]);
    for offset in [0i32, 11, 23, 0] {
        bytes.extend(offset.to_le_bytes());
    }
    bytes.extend("Ann ExampleZoë Example".as_bytes());
    bytes.extend([0; 1]);
    bytes.extend(END);
    bytes
}

/// The first message of a stream of [`people`].
fn schema_message() -> Vec<u8> {
    let mut bytes = Vec::new();
    StreamWriter::try_new(&mut bytes, &people().schema()).unwrap().finish().unwrap();
    bytes.truncate(bytes.len() - END.len());
    bytes
}

#[test]
fn a_batch_that_is_honest_about_itself_is_read() {
    assert_eq!(RowReader::new().read(&claimed(&honest())).unwrap(), people());
}

#[test]
fn a_batch_that_lies_about_itself_is_refused() {
    type Lie = fn(&mut Claim);
    let lies: Vec<(&str, Lie)> = vec![
        ("compressed", |it| it.compressed = true),
        ("version 5", |it| it.version = MetadataVersion::V4),
        ("negative", |it| it.body = -1),
        ("beyond what came", |it| it.body = i64::MAX),
        ("beyond what came", |it| it.body = 1 << 40),
        ("fewer bytes than rows", |it| it.rows = -1),
        ("fewer bytes than rows", |it| it.rows = i64::MAX),
        ("as many rows", |it| it.rows = 3),
        ("as many rows", |it| it.nodes = vec![FieldNode::new(1, 0)]),
        ("as many rows", |it| it.nodes = vec![FieldNode::new(2, 3)]),
        ("as many rows", |it| it.nodes = vec![FieldNode::new(2, -1)]),
        ("columns of its schema", |it| it.nodes.clear()),
        ("columns of its schema", |it| it.nodes.push(FieldNode::new(2, 0))),
        ("column 1 lacks a buffer", |it| it.buffers.truncate(2)),
        ("more buffers", |it| it.buffers.push(Buffer::new(0, 0))),
        ("goes beyond", |it| it.buffers[2] = Buffer::new(16, 25)),
        ("negative", |it| it.buffers[2] = Buffer::new(-1, 1)),
        ("negative", |it| it.buffers[2] = Buffer::new(16, -1)),
        ("ends within a value", |it| it.buffers[1] = Buffer::new(0, 11)),
        ("goes beyond", |it| it.buffers[2] = Buffer::new(i64::MAX, i64::MAX)),
        ("does not fit", |it| it.buffers[2] = Buffer::new(16, 22)),
        ("does not fit", |it| it.buffers[1] = Buffer::new(0, 8)),
        ("does not fit", |it| it.buffers[1] = Buffer::new(16, 12)),
        ("does not fit", |it| it.nodes = vec![FieldNode::new(2, 1)]),
    ];
    for (why, lie) in lies {
        let mut claim = honest();
        lie(&mut claim);
        refused(&claimed(&claim), why);
    }
    let mut rows = honest();
    (rows.rows, rows.nodes) = (200, vec![FieldNode::new(200, 0)]);
    refused(&claimed(&rows), "does not fit");
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let mut sent = bytes(&people());
    let at = sent.windows(3).position(|three| three == b"Ann").unwrap();
    sent[at] = 0xff;
    refused(&sent, "does not fit");
}

#[test]
fn offsets_that_cut_a_letter_are_refused() {
    let mut sent = bytes(&people());
    // The ë of Zoë begins at 13 and ends at 15.
    let offsets: Vec<u8> = [0i32, 11, 23].iter().flat_map(|offset| offset.to_le_bytes()).collect();
    let at = sent.windows(12).position(|twelve| twelve == offsets).unwrap();
    sent[at + 4] = 14;
    refused(&sent, "does not fit");
    sent[at + 4] = 200;
    refused(&sent, "does not fit");
}

#[test]
fn only_one_batch_and_its_end_are_taken() {
    let right = bytes(&people());
    refused(&[], "beyond what came");
    refused(&END, "empty");
    refused(&stream(&[people(), people()]), "more than one batch");
    refused(&[schema_message(), END.to_vec()].concat(), "no batch");
    refused(&[schema_message(), right.clone()].concat(), "not a batch");
    refused(&right[schema_message().len()..], "does not begin with a schema");
    refused(&[right.clone(), vec![0]].concat(), "follows the end");
    refused(&[right.clone(), right.clone()].concat(), "follows the end");
    refused(&right[..right.len() - END.len()], "beyond what came");
    let mut file = Vec::new();
    let mut writer = FileWriter::try_new(&mut file, &people().schema()).unwrap();
    writer.write(&people()).unwrap();
    writer.finish().unwrap();
    drop(writer);
    refused(&file, "FFFFFFFF");
}

#[test]
fn dictionaries_types_that_core_does_not_read_and_no_columns_are_refused() {
    let words: DictionaryArray<Int32Type> = vec!["Ann", "Ann"].into_iter().collect();
    refused(&stream(&[batch(vec![("a", Arc::new(words) as ArrayRef)])]), "column 1 has a dictionary");

    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let wide: ArrayRef = Arc::new(arrow_array::UInt64Array::from(vec![1]));
    refused(&stream(&[batch(vec![("a", numbers), ("Ann", wide)])]), "column 2 has a type");
    let list = arrow_array::ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    refused(&stream(&[batch(vec![("Ann", Arc::new(list) as ArrayRef)])]), "column 1 has a type");

    let rows = arrow_array::RecordBatchOptions::new().with_row_count(Some(1 << 40));
    let empty = RecordBatch::try_new_with_options(Arc::new(arrow_schema::Schema::empty()), vec![], &rows).unwrap();
    refused(&stream(&[empty]), "fewer bytes than rows");
    let rows = arrow_array::RecordBatchOptions::new().with_row_count(Some(1));
    let empty = RecordBatch::try_new_with_options(Arc::new(arrow_schema::Schema::empty()), vec![], &rows).unwrap();
    refused(&stream(&[empty]), "columns of its schema");
}

#[test]
fn a_schema_that_names_one_long_column_many_times_is_refused() {
    let mut builder = FlatBufferBuilder::new();
    let name = Some(builder.create_string(&"Ann Example".repeat(1_000)));
    let utf8 = Some(arrow_ipc::Utf8::create(&mut builder, &arrow_ipc::Utf8Args {}).as_union_value());
    let args = FieldArgs { name, type_type: Type::Utf8, type_: utf8, ..FieldArgs::default() };
    let field = Field::create(&mut builder, &args);
    let fields = Some(builder.create_vector(&vec![field; 10_000]));
    let header = Some(Schema::create(&mut builder, &SchemaArgs { fields, ..SchemaArgs::default() }).as_union_value());
    let args = MessageArgs {
        version: MetadataVersion::V5,
        header_type: MessageHeader::Schema,
        header,
        ..MessageArgs::default()
    };
    let message = Message::create(&mut builder, &args);
    builder.finish(message, None);
    let metadata = builder.finished_data();
    let sent = [&[0xff; 4][..], &(metadata.len() as u32).to_le_bytes(), metadata, &END].concat();
    refused(&sent, "metadata of a message cannot be read");
}

#[test]
fn a_stream_cut_anywhere_is_refused() {
    let sent = bytes(&every_type());
    for length in 0..sent.len() {
        let (read, asked) = allocated(|| RowReader::new().read(&sent[..length]));
        must_be_ours(&read.expect_err("a part is no batch"));
        must_be_modest(asked, &sent[..length]);
    }
}

#[test]
fn spoilt_streams_neither_panic_nor_allocate_much() {
    let mut chance = chance();
    let (mut read, mut not) = (0, 0);
    for sent in [bytes(&every_type()), bytes(&people())] {
        for _ in 0..20_000 {
            let spoilt = spoil(&sent, &mut chance);
            let (result, asked) = allocated(|| RowReader::new().read(&spoilt));
            must_be_modest(asked, &spoilt);
            match result {
                Ok(batch) => {
                    use_all(&batch);
                    read += 1;
                }
                Err(error) => {
                    must_be_ours(&error);
                    not += 1;
                }
            }
        }
    }
    assert!(read > 100 && not > 100, "{read} streams were read and {not} were not: the harm is too great or too small");
}

/// What was let through can be used as core uses it.
fn use_all(batch: &RecordBatch) {
    use csc_bridge_core::payload::column::Column;
    for array in batch.columns() {
        let column = Column::text(array, "any").unwrap();
        for row in 0..batch.num_rows() {
            column.raw(row);
        }
    }
}
