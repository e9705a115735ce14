//! Parameters and values, there and back.

use std::sync::Arc;

use csc_bridge_test_tds::session::{Type, Value};
use csc_bridge_test_tds::{Collation, Options, Server};
use tiberius::numeric::Numeric;
use tiberius::time::{Date, DateTime, DateTime2, DateTimeOffset, SmallDateTime, Time};
use tiberius::{ColumnData, ColumnType, Query, ToSql, Uuid};

use super::support::*;

async fn echo(client: &mut Client, params: &[&dyn ToSql]) -> Vec<ColumnData<'static>> {
    let result = client.query("ECHO", params).await.expect("the server answers");
    let row = result.into_row().await.expect("the answer can be read").expect("there is a row");
    row.cells().map(|(_, value)| value.clone()).collect()
}

#[tokio::test]
async fn parameters_come_back_as_they_went() {
    let memory = Default::default();
    let server = start(&memory);
    let mut client = connect(&server).await;
    let moment = DateTime2::new(Date::new(738_000), Time::new(863_999_999_999, 7));
    let long = "ä".repeat(5000);
    let bytes = vec![9u8; 20_000];
    let params = [
        ColumnData::Bit(Some(true)),
        ColumnData::U8(Some(255)),
        ColumnData::I16(Some(i16::MIN)),
        ColumnData::I32(Some(i32::MIN)),
        ColumnData::I64(Some(i64::MIN)),
        ColumnData::F32(Some(1.5)),
        ColumnData::F64(Some(f64::MAX)),
        ColumnData::Numeric(Some(Numeric::new_with_scale(-12_345_678_901_234_567_890_123, 3))),
        ColumnData::String(Some("Grüße 🦊".into())),
        ColumnData::String(Some("".into())),
        ColumnData::String(Some(long.into())),
        ColumnData::Binary(Some(vec![0, 1, 2].into())),
        ColumnData::Binary(Some(bytes.into())),
        ColumnData::Guid(Some(Uuid::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff))),
        ColumnData::Time(Some(Time::new(12_345, 4))),
        ColumnData::SmallDateTime(Some(SmallDateTime::new(1, 2))),
        ColumnData::DateTime(Some(DateTime::new(45_000, 25_919_999))),
        ColumnData::DateTime2(Some(moment)),
        ColumnData::DateTimeOffset(Some(DateTimeOffset::new(moment, -90))),
    ];
    let mut query = Query::new("ECHO");
    for param in &params {
        query.bind(Wrapped(param.clone()));
    }
    let row = query.query(&mut client).await.expect("the server answers").into_row().await.expect("it can be read");
    let read: Vec<_> = row.expect("there is a row").cells().map(|(_, value)| value.clone()).collect();
    assert_eq!(read, params);
    let sent = memory.params();
    assert_eq!(sent[0].name, "@P1");
    assert_eq!(sent[7].kind, Type::Decimal { precision: 23, scale: 3 });
    assert_eq!(sent[7].value, Value::Decimal(-12_345_678_901_234_567_890_123));
    assert_eq!(sent[8].kind, Type::NVarChar(Some(4000)));
    assert_eq!(sent[10].kind, Type::NVarChar(None));
}

struct Wrapped(ColumnData<'static>);

impl<'a> tiberius::IntoSql<'a> for Wrapped {
    fn into_sql(self) -> ColumnData<'a> {
        self.0
    }
}

#[tokio::test]
async fn nulls_have_the_declared_type() {
    let memory = Default::default();
    let server = start(&memory);
    let mut client = connect(&server).await;
    let read = echo(
        &mut client,
        &[&None::<bool>, &None::<u8>, &None::<i16>, &None::<i32>, &None::<i64>, &None::<f32>, &None::<f64>],
    )
    .await;
    assert!(matches!(read[3], ColumnData::I32(None)), "{read:?}");
    let read = echo(&mut client, &[&None::<String>, &None::<Vec<u8>>, &None::<Uuid>, &None::<Numeric>]).await;
    assert!(matches!(read[0], ColumnData::String(None)), "{read:?}");
    let kinds: Vec<Type> = memory.params().iter().map(|param| param.kind).collect();
    let decimal = Type::Decimal { precision: 18, scale: 0 };
    assert_eq!(kinds, [Type::NVarChar(Some(4000)), Type::VarBinary(None), Type::UniqueIdentifier, decimal]);
    assert!(memory.params().iter().all(|param| param.value == Value::Null));
}

#[tokio::test]
async fn dates_are_parameters() {
    let memory = Default::default();
    let server = start(&memory);
    let mut client = connect(&server).await;
    let mut query = Query::new("ECHO");
    query.bind(Wrapped(ColumnData::Date(Some(Date::new(738_000)))));
    query.bind(Wrapped(ColumnData::I32(Some(5))));
    let row = query.query(&mut client).await.expect("the server answers").into_row().await.expect("it can be read");
    let read: Vec<_> = row.expect("there is a row").cells().map(|(_, value)| value.clone()).collect();
    assert_eq!(read, [ColumnData::Date(Some(Date::new(738_000))), ColumnData::I32(Some(5))]);
}

#[tokio::test]
async fn values_of_a_megabyte_go_both_ways() {
    let memory = Default::default();
    let server = start(&memory);
    let mut client = connect(&server).await;
    let text: String = (0..1_000_000u32).map(|number| char::from(b'a' + (number % 26) as u8)).collect();
    let bytes: Vec<u8> = (0..1_000_000u32).map(|number| number as u8).collect();
    let read = echo(&mut client, &[&text, &bytes]).await;
    assert_eq!(read, [ColumnData::String(Some(text.into())), ColumnData::Binary(Some(bytes.into()))]);
}

#[tokio::test]
async fn a_procedure_returns_its_status_and_its_values() {
    let memory = Default::default();
    let server = start(&memory);
    let mut client = connect(&server).await;
    let mut command = tiberius::Command::new("dbo.sp_getapplock");
    command.bind_param("@Resource", "csc");
    command.bind_out_param("@out", 41i32);
    let result = command.exec(&mut client).await.expect("the server answers").into_command_result().await;
    let result = result.expect("the answer can be read");
    assert_eq!(result.return_code(), 7);
    assert_eq!(result.try_return_value::<i32>("@out").expect("it is there"), Some(41));
    assert_eq!(result.rows_affected(), [3]);
    assert_eq!(server.log(), ["EXEC dbo.sp_getapplock"]);
    assert_eq!(memory.params()[0].value, Value::Text("csc".to_owned()));
}

/// In windows-1252 there is no fox. A column in UTF-8 comes as `nvarchar`, for this client knows no such collation, and does not ask for it.
#[tokio::test]
async fn a_varchar_is_in_the_code_page_of_the_collation() {
    let rows = vec![vec![Value::Text("“é” 5 € 🦊".to_owned())]];
    let columns = vec![column("c", Type::VarChar(Some(100)), true)];
    for (collation, wanted, kind) in [
        (Collation::Latin1, "“é” 5 € ?", ColumnType::BigVarChar),
        (Collation::Utf8, "“é” 5 € 🦊", ColumnType::NVarchar),
    ] {
        let memory = Memory::with_table("t", Table { columns: columns.clone(), rows: rows.clone() });
        let server = Server::start(Arc::new(Shared(memory)), Options { collation, ..Options::default() });
        let mut client = connect(&server).await;
        let row = client.simple_query("SELECT * FROM t").await.expect("it is there").into_row().await;
        let row = row.expect("it can be read").expect("there is one");
        assert_eq!(row.get::<&str, _>(0), Some(wanted));
        assert_eq!(row.columns()[0].column_type(), kind);
    }
}
