//! Bulk loads.

use csc_bridge_test_tds::session::{Type, Value};
use tiberius::numeric::Numeric;
use tiberius::time::{Date, DateTime, DateTime2, DateTimeOffset, SmallDateTime, Time};
use tiberius::{ColumnData, IntoSql, TokenRow, Uuid};

use super::support::*;

/// Every type that a bulk load can carry, null or not.
fn every_type() -> Table {
    let types = [
        Type::Bit,
        Type::TinyInt,
        Type::SmallInt,
        Type::Int,
        Type::BigInt,
        Type::Real,
        Type::Float,
        Type::Decimal { precision: 12, scale: 2 },
        Type::NVarChar(Some(50)),
        Type::NVarChar(None),
        Type::NChar(4),
        Type::VarChar(Some(50)),
        Type::VarChar(None),
        Type::Char(4),
        Type::VarBinary(Some(20)),
        Type::VarBinary(None),
        Type::Binary(3),
        Type::Date,
        Type::Time(7),
        Type::SmallDateTime,
        Type::DateTime,
        Type::DateTime2(7),
        Type::DateTimeOffset(7),
        Type::UniqueIdentifier,
    ];
    let columns = types.iter().enumerate().map(|(place, kind)| column(&format!("c{place}"), *kind, true)).collect();
    Table { columns, rows: Vec::new() }
}

const GUID: u128 = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;

/// Some of the values are longer than a packet.
fn long(number: i32, length: usize) -> usize {
    if number % 500 == 9 { length } else { 10 }
}

fn row(number: i32) -> Vec<ColumnData<'static>> {
    let moment = DateTime2::new(Date::new(738_000), Time::new(123_456_789, 7));
    vec![
        ColumnData::Bit(Some(number % 2 == 0)),
        ColumnData::U8(Some((number % 256) as u8)),
        ColumnData::I16(Some((number % 30_000) as i16)),
        ColumnData::I32(Some(-number)),
        ColumnData::I64(Some(i64::from(number) << 32)),
        ColumnData::F32(Some(0.5)),
        ColumnData::F64(Some(0.1)),
        ColumnData::Numeric(Some(Numeric::new_with_scale(-i128::from(number) * 100 - 7, 2))),
        format!("Größe {number} 🦊").into_sql(),
        format!("€ {number}").repeat(10).into_sql(),
        "ab".into_sql(),
        "naïve – “€”".into_sql(),
        "é".repeat(long(number, 9000)).into_sql(),
        "cd".into_sql(),
        vec![1u8, 2, 3].into_sql(),
        vec![number as u8; long(number, 20_000)].into_sql(),
        vec![7u8, 8, 9].into_sql(),
        ColumnData::Date(Some(Date::new(738_000))),
        ColumnData::Time(Some(Time::new(1, 7))),
        ColumnData::SmallDateTime(Some(SmallDateTime::new(40_000, 61))),
        ColumnData::DateTime(Some(DateTime::new(-1, 1))),
        ColumnData::DateTime2(Some(moment)),
        ColumnData::DateTimeOffset(Some(DateTimeOffset::new(moment, 90))),
        ColumnData::Guid(Some(Uuid::from_u128(GUID))),
    ]
}

fn values(number: i32) -> Vec<Value> {
    let moment = |days, nanoseconds, offset_minutes| Value::Moment { days, nanoseconds, offset_minutes };
    vec![
        Value::Bit(number % 2 == 0),
        Value::Integer(i64::from(number % 256)),
        Value::Integer(i64::from(number % 30_000)),
        Value::Integer(i64::from(-number)),
        Value::Integer(i64::from(number) << 32),
        Value::Float(0.5),
        Value::Float(0.1),
        Value::Decimal(-i128::from(number) * 100 - 7),
        Value::Text(format!("Größe {number} 🦊")),
        Value::Text(format!("€ {number}").repeat(10)),
        Value::Text("ab".to_owned()),
        Value::Text("naïve – “€”".to_owned()),
        Value::Text("é".repeat(long(number, 9000))),
        Value::Text("cd".to_owned()),
        Value::Bytes(vec![1, 2, 3]),
        Value::Bytes(vec![number as u8; long(number, 20_000)]),
        Value::Bytes(vec![7, 8, 9]),
        Value::Date(738_000),
        moment(0, 100, 0),
        moment(693_595 + 40_000, 61 * 60_000_000_000, 0),
        moment(693_594, 3_000_000, 0),
        moment(738_000, 12_345_678_900, 0),
        moment(738_000, 12_345_678_900 + 90 * 60_000_000_000, 90),
        Value::Text("00112233-4455-6677-8899-AABBCCDDEEFF".to_owned()),
    ]
}

#[tokio::test]
async fn ten_thousand_rows_of_every_type_go_in() {
    let memory = Memory::with_table("t", every_type());
    let server = start(&memory);
    let mut client = connect(&server).await;
    let mut load = client.bulk_insert("t").await.expect("INSERT BULK is taken");
    for number in 0..10_000 {
        let mut tokens = TokenRow::new();
        let row = if number == 5 { nulls() } else { row(number) };
        row.into_iter().for_each(|value| tokens.push(value));
        load.send(tokens).await.expect("the row fits");
    }
    let result = load.finalize().await.expect("the server takes the rows");
    assert_eq!(result.rows_affected(), [10_000]);

    let rows = memory.table("t").expect("it was made").rows;
    assert_eq!(rows.len(), 10_000);
    for (number, row) in rows.into_iter().enumerate() {
        match number {
            5 => assert!(row.iter().all(|value| *value == Value::Null), "{row:?}"),
            number => assert_eq!(row, values(number as i32)),
        }
    }
    let log = server.log();
    assert_eq!(log[0], "SELECT TOP 0 * FROM t");
    assert!(log[1].starts_with("INSERT BULK t ([c0] bit, [c1] tinyint, "), "{}", log[1]);
    // The client declares lengths in bytes, and leaves scales away; the columns that come with the rows have them right.
    for declared in
        ["[c8] nvarchar(100),", "[c10] nchar(8),", "[c18] time,", "[c19] datetime,", "[c22] datetimeoffset,"]
    {
        assert!(log[1].contains(declared), "{}", log[1]);
    }
    assert_eq!(log[2], "-- bulk load: 10000 rows");

    // The connection goes on, and what is in the table comes out as it went in.
    let result = client.simple_query("SELECT * FROM t").await.expect("it is there");
    let rows = result.into_first_result().await.expect("it can be read");
    assert_eq!(rows.len(), 10_000);
    let read: Vec<ColumnData<'static>> = rows[9].cells().map(|(_, value)| value.clone()).collect();
    let mut wanted = row(9);
    // Types of a fixed length come out padded.
    wanted[10] = "ab  ".into_sql();
    wanted[13] = "cd  ".into_sql();
    assert_eq!(read, wanted);
    assert!(rows[5].cells().all(|(_, value)| *value == null_of(value)));
}

fn null_of(value: &ColumnData<'static>) -> ColumnData<'static> {
    nulls()
        .into_iter()
        .find(|null| std::mem::discriminant(null) == std::mem::discriminant(value))
        .expect("of a known type")
}

fn nulls() -> Vec<ColumnData<'static>> {
    row(1)
        .into_iter()
        .map(|value| match value {
            ColumnData::Bit(_) => ColumnData::Bit(None),
            ColumnData::U8(_) => ColumnData::U8(None),
            ColumnData::I16(_) => ColumnData::I16(None),
            ColumnData::I32(_) => ColumnData::I32(None),
            ColumnData::I64(_) => ColumnData::I64(None),
            ColumnData::F32(_) => ColumnData::F32(None),
            ColumnData::F64(_) => ColumnData::F64(None),
            ColumnData::Numeric(_) => ColumnData::Numeric(None),
            ColumnData::String(_) => ColumnData::String(None),
            ColumnData::Binary(_) => ColumnData::Binary(None),
            ColumnData::Date(_) => ColumnData::Date(None),
            ColumnData::Time(_) => ColumnData::Time(None),
            ColumnData::SmallDateTime(_) => ColumnData::SmallDateTime(None),
            ColumnData::DateTime(_) => ColumnData::DateTime(None),
            ColumnData::DateTime2(_) => ColumnData::DateTime2(None),
            ColumnData::DateTimeOffset(_) => ColumnData::DateTimeOffset(None),
            ColumnData::Guid(_) => ColumnData::Guid(None),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[tokio::test]
async fn columns_that_are_not_null_have_their_fixed_form() {
    let types = [Type::Bit, Type::TinyInt, Type::SmallInt, Type::Int, Type::BigInt, Type::Real, Type::Float];
    let columns = types.iter().enumerate().map(|(place, kind)| column(&format!("c{place}"), *kind, false)).collect();
    let memory = Memory::with_table("t", Table { columns, rows: Vec::new() });
    let server = start(&memory);
    let mut client = connect(&server).await;
    let mut load = client.bulk_insert("t").await.expect("INSERT BULK is taken");
    let mut tokens = TokenRow::new();
    row(3).into_iter().take(types.len()).for_each(|value| tokens.push(value));
    load.send(tokens).await.expect("the row fits");
    load.finalize().await.expect("the server takes the row");
    assert_eq!(memory.table("t").expect("it was made").rows, [values(3)[..types.len()].to_vec()]);
    let rows = client.simple_query("SELECT * FROM t").await.expect("it is there").into_first_result().await;
    let read: Vec<ColumnData<'static>> =
        rows.expect("it can be read")[0].cells().map(|(_, value)| value.clone()).collect();
    assert_eq!(read, row(3)[..types.len()]);
}

/// What the adapter has to know of this client: a text for `nvarchar(max)` may not have more than 65,535 bytes in a bulk load.
#[tokio::test]
async fn the_client_refuses_long_texts_in_a_bulk_load() {
    let columns = vec![column("c", Type::NVarChar(None), true)];
    let memory = Memory::with_table("t", Table { columns, rows: Vec::new() });
    let server = start(&memory);
    let mut client = connect(&server).await;
    let mut load = client.bulk_insert("t").await.expect("INSERT BULK is taken");
    let mut tokens = TokenRow::new();
    tokens.push("x".repeat(32_767).into_sql());
    load.send(tokens).await.expect("so much fits");
    let mut tokens = TokenRow::new();
    tokens.push("x".repeat(32_768).into_sql());
    assert!(matches!(load.send(tokens).await, Err(tiberius::error::Error::BulkInput(_))));
    load.finalize().await.expect("the first row goes in");
    assert_eq!(memory.table("t").expect("it was made").rows.len(), 1);
}
