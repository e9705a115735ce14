//! Errors by Oracle's numbers, and faults that a test asks for.

use std::sync::Arc;

use oracle::Connection;

use crate::support::{Place, code, words};

#[test]
fn logging_in_fails_as_at_oracle() {
    let Some(place) = Place::new() else { return };
    let (user, password) = (place.server.superuser(), place.server.password());
    let port = place.server.port();
    assert_eq!(code(Connection::connect(user, "another", place.address())), 1017);
    assert_eq!(code(Connection::connect("nobody_here", password, place.address())), 1017);
    assert_eq!(code(Connection::connect(user, password, format!("//127.0.0.1:{port}/nowhere"))), 12514);
    assert_eq!(code(Connection::connect(user, password, "//127.0.0.1:1/x")), 12541);
    assert_eq!(code(Connection::connect(user, password, "an_alias")), 12154);
    for wanted in [28000, 28001, 28040] {
        place.control.fail(&wanted.to_string(), "LOGIN", 1);
        assert_eq!(code(place.try_connect()), wanted);
    }
    place.connect();
}

#[test]
fn users_are_roles_without_regard_to_case_and_have_their_rights() {
    let Some(place) = Place::new() else { return };
    let name = format!("azeus_{}", place.database);
    let owner = place.connect();
    owner.execute("CREATE TABLE mine (id NUMBER)", &[]).unwrap();
    owner.execute("CREATE TABLE shown (id NUMBER)", &[]).unwrap();
    place
        .server
        .psql(&place.database, &format!("CREATE ROLE {name} LOGIN PASSWORD 'x'; GRANT SELECT ON \"SHOWN\" TO {name}"));
    let user = Connection::connect(name.to_uppercase(), "x", place.address()).unwrap();
    assert_eq!(code(user.query("SELECT * FROM mine", &[])), 942);
    assert_eq!(code(user.execute("INSERT INTO shown VALUES (1)", &[])), 1031);
    assert_eq!(user.query_row_as::<i64>("SELECT COUNT(*) FROM shown", &[]).unwrap(), 0);
}

#[test]
fn statements_fail_by_oracles_numbers() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection
        .execute("CREATE TABLE t (id NUMBER(3) PRIMARY KEY, word VARCHAR2(3) NOT NULL, r RAW(2), l CLOB)", &[])
        .unwrap();
    let many = (0..1001).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let cases = [
        ("SELECT * FROM nowhere".to_owned(), 942),
        ("SELECT nothing FROM t".to_owned(), 904),
        ("INSERT INTO t (id) VALUES (1)".to_owned(), 1400),
        ("INSERT INTO t (id, word) VALUES (1, '')".to_owned(), 1400),
        ("INSERT INTO t (id, word) VALUES (1, 'long')".to_owned(), 12899),
        ("INSERT INTO t (id, word) VALUES (1, 'ää')".to_owned(), 12899),
        ("INSERT INTO t (id, word, r) VALUES (1, 'a', HEXTORAW('000000'))".to_owned(), 12899),
        ("INSERT INTO t (id, word) VALUES (1000, 'a')".to_owned(), 1438),
        ("INSERT INTO t (id, word) VALUES ('x', 'a')".to_owned(), 1722),
        ("SELECT 1/0 FROM DUAL".to_owned(), 1476),
        (format!("SELECT * FROM t WHERE id IN ({many})"), 1795),
        ("SELECT * FROM t WHERE l = 'x'".to_owned(), 932),
        ("SELECT DISTINCT l FROM t".to_owned(), 932),
        ("SELECT * FROM t AS x".to_owned(), 933),
        ("SELECT * FROM t LIMIT 1".to_owned(), 933),
        ("SELECT 1".to_owned(), 923),
        ("SELECT 1 FROM DUAL;".to_owned(), 911),
        ("INSERT INTO t (id, word) VALUES (1, 'a'), (2, 'b')".to_owned(), 933),
        ("SELECT id AS a_name_that_is_longer_than_thirty FROM t".to_owned(), 972),
        ("SELECT t.number FROM t".to_owned(), 1747),
        ("SELECT id FROM t FETCH FIRST 1 ROWS ONLY FOR UPDATE".to_owned(), 2014),
        ("SELECT DISTINCT id FROM t FOR UPDATE SKIP LOCKED".to_owned(), 2014),
        ("SELECT COUNT(*) FROM t FOR UPDATE".to_owned(), 2014),
        (
            "MERGE INTO t USING (SELECT 1 AS id FROM DUAL) s ON (t.id = s.id) WHEN MATCHED THEN UPDATE SET id = 2"
                .to_owned(),
            38104,
        ),
        ("CREATE TABLE t (id NUMBER)".to_owned(), 955),
        ("CREATE TABLE u (id TEXT)".to_owned(), 902),
        ("CREATE TABLE u (id VARCHAR2(4001))".to_owned(), 910),
        ("CREATE TABLE IF NOT EXISTS u (id NUMBER)".to_owned(), 922),
        ("SELECT * FROM TABLE(:1)".to_owned(), 900),
        ("SELECT ORA_HASH('x') FROM DUAL".to_owned(), 900),
        ("SELECT id FROM t WHERE word ILIKE 'x'".to_owned(), 900),
        ("SELECT id FROM t WHERE word IS NOT DISTINCT FROM 'x'".to_owned(), 908),
        ("BEGIN NULL; END".to_owned(), 900),
    ];
    for (sql, wanted) in cases {
        let done = match sql.starts_with("SELECT") {
            true if sql.contains(":1") => connection.query(&sql, &[&1]).map(drop),
            true => connection.query(&sql, &[]).map(drop),
            false => connection.execute(&sql, &[]).map(drop),
        };
        assert_eq!(code(done), wanted, "{sql:.80}");
    }
    connection.execute("INSERT INTO t (id, word) VALUES (1, 'a')", &[]).unwrap();
    assert_eq!(code(connection.execute("INSERT INTO t (id, word) VALUES (1, 'b')", &[])), 1);
    assert_eq!(code(connection.execute("UPDATE t SET word = NULL", &[])), 1407);
}

#[test]
fn longer_names_come_with_a_newer_server() {
    let Some(place) = Place::new() else { return };
    place.control.version("19.3");
    let connection = place.connect();
    let (version, _) = connection.server_version().unwrap();
    assert_eq!((version.major(), version.minor()), (19, 3));
    connection.query("SELECT 1 AS a_name_that_is_longer_than_thirty FROM DUAL", &[]).unwrap();
}

#[test]
fn the_server_is_12_1_unless_it_is_told() {
    let Some(place) = Place::new() else { return };
    let (version, _) = place.connect().server_version().unwrap();
    assert_eq!((version.major(), version.minor()), (12, 1));
}

#[test]
fn faults_happen_as_often_as_they_are_asked_for() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    place.control.fail("1555", "FROM DUAL", 2);
    assert_eq!(code(connection.query("SELECT 1 FROM DUAL", &[])), 1555);
    connection.query("SELECT dummy FROM  DUAL", &[]).unwrap();
    assert_eq!(code(connection.query("SELECT 1 FROM DUAL", &[])), 1555);
    connection.query("SELECT 1 FROM DUAL", &[]).unwrap();
}

#[test]
fn a_fault_can_come_while_rows_are_fetched() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE t (id NUMBER)", &[]).unwrap();
    let mut batch = connection.batch("INSERT INTO t VALUES (:1)", 50).build().unwrap();
    (0..50).for_each(|number| batch.append_row(&[&number]).unwrap());
    batch.execute().unwrap();
    connection.commit().unwrap();
    place.control.fail("1555-after-rows=20", "SELECT id", 1);
    let mut statement = connection.statement("SELECT id FROM t").fetch_array_size(10).build().unwrap();
    let mut rows = statement.query_as::<i64>(&[]).unwrap();
    for number in 0..20 {
        assert_eq!(rows.next().unwrap().unwrap(), number);
    }
    assert_eq!(code(rows.next().unwrap()), 1555);
}

#[test]
fn a_connection_that_is_cut_is_gone_for_good() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.execute("CREATE TABLE t (id NUMBER)", &[]).unwrap();
    place.control.fail("drop", "INSERT", 1);
    let fault = connection.execute("INSERT INTO t VALUES (1)", &[]).unwrap_err();
    assert!(words(&fault).contains("ORA-03113"), "{fault:?}");
    assert!(connection.ping().is_err());
    let another = place.connect();
    place.control.fail("drop-after", "COMMIT", 1);
    another.execute("INSERT INTO t VALUES (2)", &[]).unwrap();
    assert!(words(&another.commit().unwrap_err()).contains("ORA-03113"));
    // It was committed, and nobody was told.
    assert_eq!(place.connect().query_row_as::<i64>("SELECT COUNT(*) FROM t", &[]).unwrap(), 1);
}

#[test]
fn a_server_that_ends_a_session_is_noticed() {
    let Some(place) = Place::new() else { return };
    let connection = place.connect();
    connection.ping().unwrap();
    place.server.kill_backends(&place.database);
    let fault = connection.query("SELECT 1 FROM DUAL", &[]).map(drop).unwrap_err();
    assert!(words(&fault).contains("ORA-03113"), "{fault:?}");
}

#[test]
fn a_break_from_another_thread_cancels() {
    let Some(place) = Place::new() else { return };
    let one = place.connect();
    one.execute("CREATE TABLE t (id NUMBER)", &[]).unwrap();
    one.execute("LOCK TABLE t IN EXCLUSIVE MODE", &[]).unwrap();
    let two = Arc::new(place.connect());
    let waiting = std::thread::spawn({
        let two = two.clone();
        move || code(two.execute("INSERT INTO t VALUES (1)", &[]))
    });
    // Of this database alone: another test's lock says nothing of this statement, which a break would then meet before it waits.
    let waits = "SELECT COUNT(*) FROM pg_locks \
        WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while place.server.psql(&place.database, waits) == "0" {
        assert!(!waiting.is_finished(), "it did not wait");
        std::thread::yield_now();
    }
    two.break_execution().unwrap();
    assert_eq!(waiting.join().unwrap(), 1013);
    two.query("SELECT 1 FROM DUAL", &[]).unwrap();
}
