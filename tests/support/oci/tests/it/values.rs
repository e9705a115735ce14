use oracle::sql_type::{OracleType, Timestamp};

use crate::support::{Place, code};

#[test]
fn a_query_of_dual_has_one_row() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    let one: i64 = connection.query_row_as("SELECT 1 FROM DUAL", &[]).unwrap();
    assert_eq!(one, 1);
    assert_eq!(place.control.log(), ["SELECT 1 FROM DUAL"]);
}

#[test]
fn binds_go_by_name_and_by_position() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    let row: (String, i64) =
        connection.query_row_as("SELECT :1, :2 + 1 FROM DUAL WHERE :3 > 0", &[&"a", &41, &1]).unwrap();
    assert_eq!(row, ("a".to_owned(), 42));
    let named: (String, i64, i64) =
        connection.query_row_as_named("SELECT :word, :n, :n * 2 FROM DUAL", &[("n", &4), ("word", &"b")]).unwrap();
    assert_eq!(named, ("b".to_owned(), 4, 8));
    assert_eq!(code(connection.query_row_as::<i64>("SELECT :a FROM DUAL WHERE :b = 1", &[])), 1008);
}

#[test]
fn rows_come_in_arrays_and_in_their_order() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE numbers (n NUMBER(9) NOT NULL, word VARCHAR2(10))", &[]).unwrap();
    let mut batch = connection.batch("INSERT INTO numbers (n, word) VALUES (:1, :2)", 1000).build().unwrap();
    for number in 0..1000 {
        batch.append_row(&[&number, &format!("w{number}")]).unwrap();
    }
    batch.execute().unwrap();
    connection.commit().unwrap();
    for size in [1, 7, 100, 1000, 5000] {
        let mut statement =
            connection.statement("SELECT n, word FROM numbers ORDER BY n").fetch_array_size(size).build().unwrap();
        let rows: Vec<(i64, String)> = statement.query_as(&[]).unwrap().collect::<oracle::Result<_>>().unwrap();
        let wanted: Vec<(i64, String)> = (0..1000).map(|number| (number, format!("w{number}"))).collect();
        assert_eq!(rows, wanted, "by {size}");
    }
}

#[test]
fn changes_are_counted_kept_and_undone() {
    let Some(place) = Place::new() else { return };
    let (one, two) = (place.connect(), place.connect());
    one.execute("CREATE TABLE t (id NUMBER PRIMARY KEY, word VARCHAR2(10))", &[]).unwrap();
    for id in 1..=3 {
        one.execute("INSERT INTO t (id, word) VALUES (:1, 'a')", &[&id]).unwrap();
    }
    let count =
        |connection: &oracle::Connection| -> i64 { connection.query_row_as("SELECT COUNT(*) FROM t", &[]).unwrap() };
    assert_eq!((count(&one), count(&two)), (3, 0));
    one.commit().unwrap();
    assert_eq!(count(&two), 3);
    let changed = two.execute("UPDATE t SET word = :1 WHERE id > 1", &[&"b"]).unwrap();
    assert_eq!(changed.row_count().unwrap(), 2);
    two.rollback().unwrap();
    let words: Vec<String> = two.query_as("SELECT word FROM t", &[]).unwrap().collect::<oracle::Result<_>>().unwrap();
    assert_eq!(words, ["a", "a", "a"]);
}

#[test]
fn a_statement_that_fails_leaves_its_transaction() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE t (id NUMBER PRIMARY KEY)", &[]).unwrap();
    connection.execute("INSERT INTO t VALUES (1)", &[]).unwrap();
    assert_eq!(code(connection.execute("INSERT INTO t VALUES (1)", &[])), 1);
    assert_eq!(code(connection.query("SELECT x FROM t", &[])), 904);
    connection.execute("INSERT INTO t VALUES (2)", &[]).unwrap();
    connection.commit().unwrap();
    assert_eq!(connection.query_row_as::<i64>("SELECT COUNT(*) FROM t", &[]).unwrap(), 2);
}

#[test]
fn a_batch_keeps_what_went_well_and_names_the_rows_that_did_not() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE t (id NUMBER PRIMARY KEY, word VARCHAR2(3 CHAR) NOT NULL)", &[]).unwrap();
    let mut batch = connection
        .batch("INSERT INTO t (id, word) VALUES (:1, :2)", 10)
        .with_batch_errors()
        .with_row_counts()
        .build()
        .unwrap();
    for (id, word) in [(1, Some("a")), (1, Some("b")), (2, None), (3, Some("long")), (4, Some("ä€z"))] {
        batch.append_row(&[&id, &word]).unwrap();
    }
    let fault = batch.execute().unwrap_err();
    let errors: Vec<(u32, i32)> =
        fault.batch_errors().unwrap().iter().map(|error| (error.offset(), error.code())).collect();
    assert_eq!(errors, [(1, 1), (2, 1400), (3, 12899)]);
    assert_eq!(batch.row_counts().unwrap(), [1, 0, 0, 0, 1]);
    let ids: Vec<i64> =
        connection.query_as("SELECT id FROM t ORDER BY id", &[]).unwrap().collect::<oracle::Result<_>>().unwrap();
    assert_eq!(ids, [1, 4]);
}

#[test]
fn values_come_back_as_they_were() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection
        .execute(
            "CREATE TABLE t (n NUMBER, p NUMBER(10,2), v VARCHAR2(20 CHAR), c CHAR(5 CHAR), r RAW(32), d DATE, \
             ts TIMESTAMP(3), l CLOB, b BLOB, id NUMBER GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)",
            &[],
        )
        .unwrap();
    let day = Timestamp::new(2026, 11, 20, 13, 5, 59, 0).unwrap();
    let moment = Timestamp::new(2026, 11, 20, 13, 5, 59, 123_000_000).unwrap();
    let long = "ä€😀x".repeat(40_000);
    let bytes: Vec<u8> = (0..100_000u32).map(|byte| byte as u8).collect();
    connection
        .execute(
            "INSERT INTO t (n, p, v, c, r, d, ts, l, b) VALUES (:1, :2, :3, :4, :5, :6, :7, :8, :9)",
            &[
                &"-12345678901234567890.123456789",
                &1.5,
                &"wörd",
                &"ab",
                &vec![0u8, 255, 7],
                &day,
                &moment,
                &long,
                &bytes,
            ],
        )
        .unwrap();
    let row = connection.query_row("SELECT n, p, v, c, r, d, ts, l, b, id FROM t", &[]).unwrap();
    assert_eq!(row.get::<_, String>(0).unwrap(), "-12345678901234567890.123456789");
    assert_eq!(row.get::<_, f64>(1).unwrap(), 1.5);
    assert_eq!(row.get::<_, String>(2).unwrap(), "wörd");
    assert_eq!(row.get::<_, String>(3).unwrap(), "ab   ");
    assert_eq!(row.get::<_, Vec<u8>>(4).unwrap(), [0, 255, 7]);
    assert_eq!(row.get::<_, Timestamp>(5).unwrap(), day);
    assert_eq!(row.get::<_, Timestamp>(6).unwrap(), moment);
    assert!(row.get::<_, String>(7).unwrap() == long);
    assert!(row.get::<_, Vec<u8>>(8).unwrap() == bytes);
    assert_eq!(row.get::<_, i64>(9).unwrap(), 1);
    let described: Vec<(String, OracleType)> =
        row.column_info().iter().map(|column| (column.name().to_owned(), column.oracle_type().clone())).collect();
    let wanted = [
        ("N", OracleType::Number(0, -127)),
        ("P", OracleType::Number(10, 2)),
        ("V", OracleType::Varchar2(80)),
        ("C", OracleType::Char(20)),
        ("R", OracleType::Raw(32)),
        ("D", OracleType::Date),
        ("TS", OracleType::Timestamp(3)),
        ("L", OracleType::CLOB),
        ("B", OracleType::BLOB),
        ("ID", OracleType::Number(0, -127)),
    ];
    assert_eq!(described, wanted.map(|(name, kind)| (name.to_owned(), kind)));
}
