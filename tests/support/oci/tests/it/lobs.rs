//! LOB locators.

use std::io::{Read, Write};

use oracle::sql_type::{Blob, Clob, Lob};

use crate::support::Place;

#[test]
fn a_locator_is_read_in_parts() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE t (id NUMBER, l CLOB)", &[]).unwrap();
    let text = "ä€x".repeat(20_000);
    connection.execute("INSERT INTO t VALUES (1, :1)", &[&text]).unwrap();
    let mut statement = connection.statement("SELECT l FROM t").lob_locator().build().unwrap();
    let mut lob: Clob = statement.query_row_as(&[]).unwrap();
    assert_eq!(lob.size().unwrap(), 60_000);
    let (mut read, mut part) = (Vec::new(), vec![0; 10_000]);
    loop {
        match lob.read(&mut part).unwrap() {
            0 => break,
            length => read.extend_from_slice(&part[..length]),
        }
    }
    assert!(read == text.as_bytes());
    assert!(lob.write(b"x").is_err());
}

#[test]
fn temporary_ones_are_written_and_bound() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE t (l CLOB, b BLOB)", &[]).unwrap();
    let (mut clob, mut blob) = (Clob::new(&connection).unwrap(), Blob::new(&connection).unwrap());
    for part in ["one ", "zwö ", "three"] {
        clob.write_all(part.as_bytes()).unwrap();
    }
    blob.write_all(&[1, 2, 3]).unwrap();
    connection.execute("INSERT INTO t VALUES (:1, :2)", &[&clob, &blob]).unwrap();
    let (text, bytes): (String, Vec<u8>) = connection.query_row_as("SELECT l, b FROM t", &[]).unwrap();
    assert_eq!((text.as_str(), bytes.as_slice()), ("one zwö three", [1, 2, 3].as_slice()));
}

#[test]
fn an_empty_one_is_not_null() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE t (l CLOB)", &[]).unwrap();
    connection.execute("INSERT INTO t VALUES (EMPTY_CLOB())", &[]).unwrap();
    connection.execute("INSERT INTO t VALUES ('')", &[]).unwrap();
    connection.execute("INSERT INTO t VALUES (:1)", &[&""]).unwrap();
    let counts: (i64, i64) =
        connection.query_row_as("SELECT COUNT(*), COUNT(CASE WHEN l IS NULL THEN 1 END) FROM t", &[]).unwrap();
    assert_eq!(counts, (3, 2));
}

#[test]
fn long_texts_are_bound_in_arrays() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE t (id NUMBER, l CLOB)", &[]).unwrap();
    let texts: Vec<String> = (0..5).map(|number| format!("{number}").repeat(40_000 * number + 1)).collect();
    let mut batch = connection.batch("INSERT INTO t (id, l) VALUES (:1, :2)", 5).build().unwrap();
    batch.set_type(1, &oracle::sql_type::OracleType::Int64).unwrap();
    batch.set_type(2, &oracle::sql_type::OracleType::Long).unwrap();
    for (number, text) in texts.iter().enumerate() {
        batch.append_row(&[&(number as i64), text]).unwrap();
    }
    batch.execute().unwrap();
    let found: Vec<String> =
        connection.query_as("SELECT l FROM t ORDER BY id", &[]).unwrap().collect::<oracle::Result<_>>().unwrap();
    assert!(found == texts);
}
